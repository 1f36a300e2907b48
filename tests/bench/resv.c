// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservations.
 */
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "bench.h"

static unsigned int sink;

/* Lock, make room, add, unlock, as a driver does for each submission. */
static __always_inline int bench_add(struct dma_resv *resv, struct dma_fence *fence)
{
	int ret;

	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(resv);
	return ret;
}

/* A reservation with that many fences of as many contexts. */
static int bench_resv(struct bench *b, struct dma_resv *resv, bool signal)
{
	unsigned int i;
	int ret;

	dma_resv_init(resv);
	if (!b->size)
		return 0;
	ret = bench_fences(b, b->size);
	for (i = 0; i < b->size && !ret; i++)
		ret = bench_add(resv, b->fences[i]);
	if (signal)
		bench_signal(b);
	return ret;
}

static int resv_lock(struct bench *b)
{
	struct dma_resv resv;
	unsigned int i;

	dma_resv_init(&resv);
	bench_for_each_turn(b, i) {
		dma_resv_lock(&resv, NULL);
		dma_resv_unlock(&resv);
	}
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_life(struct bench *b)
{
	struct dma_resv resv;
	unsigned int i;

	bench_for_each_turn(b, i) {
		dma_resv_init(&resv);
		dma_resv_fini(&resv);
	}
	bench_end(b);
	return 0;
}

static int resv_test(struct bench *b, bool signal)
{
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, signal);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		sink += dma_resv_test_signaled(&resv, DMA_RESV_USAGE_READ);
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_test_pending(struct bench *b)
{
	return resv_test(b, false);
}

static int resv_test_signalled(struct bench *b)
{
	return resv_test(b, true);
}

/* From nothing to that many contexts, all under one lock, and back to nothing. */
static int resv_add(struct bench *b)
{
	struct dma_resv resv;
	unsigned int i, k;
	int ret = bench_fences(b, b->size);

	bench_for_each_turn(b, i) {
		dma_resv_init(&resv);
		dma_resv_lock(&resv, NULL);
		for (k = 0; k < b->size && !ret; k++) {
			ret = dma_resv_reserve_fences(&resv, 1);
			if (!ret)
				dma_resv_add_fence(&resv, b->fences[k], DMA_RESV_USAGE_READ);
		}
		dma_resv_unlock(&resv);
		dma_resv_fini(&resv);
	}
	bench_end(b);
	return ret;
}

/* A fence of the context that came last, with the lock. */
static int resv_replace(struct bench *b)
{
	struct dma_fence *fence;
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	fence = b->fences[b->size - 1];
	bench_for_each_turn(b, i)
		ret |= bench_add(&resv, fence);
	bench_end(b);
	dma_resv_fini(&resv);
	return ret;
}

static int resv_replace_fences(struct bench *b)
{
	struct dma_fence *fence;
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	fence = b->fences[b->size - 1];
	dma_resv_lock(&resv, NULL);
	bench_for_each_turn(b, i)
		dma_resv_replace_fences(&resv, fence->context, fence, DMA_RESV_USAGE_READ);
	bench_end(b);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_wait(struct bench *b)
{
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, true);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		sink += dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, false, 10);
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

/* The result is put as well. */
static int resv_get_fences(struct bench *b)
{
	struct dma_fence **fences;
	struct dma_resv resv;
	unsigned int i, count;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	bench_for_each_turn(b, i) {
		ret = dma_resv_get_fences(&resv, DMA_RESV_USAGE_READ, &count, &fences);
		if (ret)
			return ret;
		while (count--)
			dma_fence_put(fences[count]);
		kfree(fences);
	}
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_get_singleton(struct bench *b)
{
	struct dma_fence *fence;
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	bench_for_each_turn(b, i) {
		ret = dma_resv_get_singleton(&resv, DMA_RESV_USAGE_READ, &fence);
		if (ret)
			return ret;
		dma_fence_put(fence);
	}
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_copy(struct bench *b)
{
	struct dma_resv from, to;
	unsigned int i;
	int ret = bench_resv(b, &from, false);

	if (ret)
		return ret;
	dma_resv_init(&to);
	dma_resv_lock(&to, NULL);
	bench_for_each_turn(b, i)
		ret |= dma_resv_copy_fences(&to, &from);
	bench_end(b);
	dma_resv_unlock(&to);
	dma_resv_fini(&to);
	dma_resv_fini(&from);
	return ret;
}

static int resv_deadline(struct bench *b)
{
	ktime_t deadline = ktime_get();
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	bench_for_each_turn(b, i)
		dma_resv_set_deadline(&resv, DMA_RESV_USAGE_READ, deadline);
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_iterate_locked(struct bench *b)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	dma_resv_lock(&resv, NULL);
	bench_for_each_turn(b, i) {
		dma_resv_for_each_fence(&cursor, &resv, DMA_RESV_USAGE_READ, fence)
			sink += fence->seqno;
	}
	bench_end(b);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	return 0;
}

static int resv_iterate(struct bench *b)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct dma_resv resv;
	unsigned int i;
	int ret = bench_resv(b, &resv, false);

	if (ret)
		return ret;
	bench_for_each_turn(b, i) {
		dma_resv_iter_begin(&cursor, &resv, DMA_RESV_USAGE_READ);
		dma_resv_for_each_fence_unlocked(&cursor, fence)
			sink += fence->seqno;
		dma_resv_iter_end(&cursor);
	}
	bench_end(b);
	dma_resv_fini(&resv);
	return 0;
}

const struct bench_row bench_resv_rows[] = {
	{ "resv/lock+unlock", resv_lock, .loops = 1024 },
	{ "resv/init+fini", resv_life, .loops = 256 },
	{ "resv/test-empty", resv_test_pending, .loops = 256 },
	{ "resv/test-pending", resv_test_pending, .size = 1, .loops = 256 },
	{ "resv/test-signalled", resv_test_signalled, .size = 64, .loops = 16 },
	{ "resv/reserve+add", resv_add, .size = 1, .loops = 64 },
	{ "resv/reserve+add", resv_add, .size = 4, .loops = 32 },
	{ "resv/reserve+add", resv_add, .size = 16, .loops = 16 },
	{ "resv/reserve+add", resv_add, .size = 64, .loops = 4 },
	{ "resv/add-replacing", resv_replace, .size = 1, .loops = 256 },
	{ "resv/add-replacing", resv_replace, .size = 16, .loops = 64 },
	{ "resv/add-replacing", resv_replace, .size = 64, .loops = 64 },
	{ "resv/replace-fences", resv_replace_fences, .size = 16, .loops = 64 },
	{ "resv/wait-signalled", resv_wait, .size = 1, .loops = 256 },
	{ "resv/wait-signalled", resv_wait, .size = 16, .loops = 64 },
	{ "resv/wait-signalled", resv_wait, .size = 64, .loops = 16 },
	{ "resv/get-fences", resv_get_fences, .size = 16, .loops = 32 },
	{ "resv/get-fences", resv_get_fences, .size = 64, .loops = 16 },
	{ "resv/get-singleton", resv_get_singleton, .size = 16, .loops = 32 },
	{ "resv/get-singleton", resv_get_singleton, .size = 64, .loops = 16 },
	{ "resv/copy-fences", resv_copy, .size = 16, .loops = 32 },
	{ "resv/set-deadline", resv_deadline, .size = 16, .loops = 32 },
	{ "resv/iterate-locked", resv_iterate_locked, .size = 64, .loops = 16 },
	{ "resv/iterate", resv_iterate, .size = 64, .loops = 16 },
	{}
};
