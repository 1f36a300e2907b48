// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single fences.
 */
#include <linux/slab.h>

#include "bench.h"

#define CALLBACKS 16

static unsigned int sink;

/* Allocate, init, signal, put, with the allocation and with the default release. */
static int fence_life(struct bench *b)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence;
	unsigned int i;

	bench_for_each_turn(b, i) {
		fence = bench_fence(context, 1);
		if (!fence)
			return -ENOMEM;
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	bench_end(b);
	return 0;
}

static int fence_signal(struct bench *b)
{
	unsigned int i;
	int ret = bench_fences(b, b->loops);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_fence_signal(b->fences[i]);
	bench_end(b);
	return 0;
}

static int fence_signal_timestamp(struct bench *b)
{
	ktime_t now = ktime_get();
	unsigned int i;
	int ret = bench_fences(b, b->loops);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_fence_signal_timestamp(b->fences[i], now);
	bench_end(b);
	return 0;
}

static int fence_is_signaled(struct bench *b, bool signal)
{
	struct dma_fence *fence;
	unsigned int i, sum = 0;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	if (signal)
		bench_signal(b);
	fence = b->fences[0];
	bench_for_each_turn(b, i)
		sum += dma_fence_is_signaled(fence);
	bench_end(b);
	sink += sum;
	return 0;
}

static int fence_is_signaled_no(struct bench *b)
{
	return fence_is_signaled(b, false);
}

static int fence_is_signaled_yes(struct bench *b)
{
	return fence_is_signaled(b, true);
}

static int fence_wait_signalled(struct bench *b)
{
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	bench_signal(b);
	bench_for_each_turn(b, i)
		dma_fence_wait(b->fences[0], false);
	bench_end(b);
	return 0;
}

/* A timeout of 0 asks without waiting. */
static int fence_wait_pending(struct bench *b)
{
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_fence_wait_timeout(b->fences[0], false, 0);
	bench_end(b);
	return 0;
}

/* One of several has signalled, the last. */
static int fence_wait_any(struct bench *b)
{
	unsigned int i;
	u32 first;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	dma_fence_signal(b->fences[b->size - 1]);
	bench_for_each_turn(b, i)
		dma_fence_wait_any_timeout(b->fences, b->size, false, 10, &first);
	bench_end(b);
	return first == b->size - 1 ? 0 : -EINVAL;
}

static void bench_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	sink++;
}

static int fence_callback(struct bench *b)
{
	struct dma_fence_cb cb;
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	bench_for_each_turn(b, i) {
		dma_fence_add_callback(b->fences[0], &cb, bench_callback);
		dma_fence_remove_callback(b->fences[0], &cb);
	}
	bench_end(b);
	return 0;
}

/* Adding the callbacks is part of it. */
static int fence_signal_callbacks(struct bench *b)
{
	struct dma_fence_cb *cbs;
	unsigned int i, k;
	int ret = bench_fences(b, b->loops);

	if (ret)
		return ret;
	cbs = kcalloc(b->loops, CALLBACKS * sizeof(*cbs), GFP_KERNEL);
	if (!cbs)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		for (k = 0; k < CALLBACKS; k++)
			dma_fence_add_callback(b->fences[i], &cbs[i * CALLBACKS + k],
					       bench_callback);
		dma_fence_signal(b->fences[i]);
	}
	bench_end(b);
	kfree(cbs);
	return 0;
}

static int fence_enable(struct bench *b)
{
	unsigned int i;
	int ret = bench_fences(b, b->loops);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_fence_enable_sw_signaling(b->fences[i]);
	bench_end(b);
	return 0;
}

static int fence_deadline(struct bench *b)
{
	ktime_t deadline = ktime_get();
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_fence_set_deadline(b->fences[0], deadline);
	bench_end(b);
	return 0;
}

static int fence_status(struct bench *b)
{
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	bench_signal(b);
	bench_for_each_turn(b, i)
		sink += dma_fence_get_status(b->fences[0]);
	bench_end(b);
	return 0;
}

static int fence_reference(struct bench *b)
{
	struct dma_fence *fence;
	unsigned int i;
	int ret = bench_fences(b, 1);

	if (ret)
		return ret;
	fence = b->fences[0];
	bench_for_each_turn(b, i) {
		dma_fence_get(fence);
		barrier();
		dma_fence_put(fence);
	}
	bench_end(b);
	return 0;
}

static int fence_stub(struct bench *b)
{
	unsigned int i;

	bench_for_each_turn(b, i)
		dma_fence_put(dma_fence_get_stub());
	bench_end(b);
	return 0;
}

static int fence_private_stub(struct bench *b)
{
	struct dma_fence *fence;
	unsigned int i;

	bench_for_each_turn(b, i) {
		fence = dma_fence_allocate_private_stub(0);
		if (!fence)
			return -ENOMEM;
		dma_fence_put(fence);
	}
	bench_end(b);
	return 0;
}

const struct bench_row bench_fence_rows[] = {
	{ "fence/init+signal+put", fence_life, .loops = 256 },
	{ "fence/signal", fence_signal, .loops = 256 },
	{ "fence/signal-timestamp", fence_signal_timestamp, .loops = 256 },
	{ "fence/is-signaled-no", fence_is_signaled_no, .loops = 1024 },
	{ "fence/is-signaled-yes", fence_is_signaled_yes, .loops = 1024 },
	{ "fence/wait-signalled", fence_wait_signalled, .loops = 256 },
	{ "fence/wait-pending-timeout-0", fence_wait_pending, .loops = 256 },
	{ "fence/wait-any", fence_wait_any, .size = 4, .loops = 64 },
	{ "fence/wait-any", fence_wait_any, .size = 64, .loops = 16 },
	{ "fence/add+remove-callback", fence_callback, .loops = 256 },
	{ "fence/add-callbacks+signal", fence_signal_callbacks, .size = CALLBACKS, .loops = 64 },
	{ "fence/enable-signaling", fence_enable, .loops = 256 },
	{ "fence/set-deadline", fence_deadline, .loops = 256 },
	{ "fence/get-status", fence_status, .loops = 256 },
	{ "fence/get+put", fence_reference, .loops = 1024 },
	{ "fence/stub", fence_stub, .loops = 256 },
	{ "fence/private-stub", fence_private_stub, .loops = 64 },
	{}
};
