// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays, chains, and what merges them.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/slab.h>

#include "bench.h"

/* How many points of a chain are looked for, evenly spread. */
#define POINTS 16

static unsigned int sink;

/* An array of every @step-th fence, which is what a driver does before it creates one. */
static struct dma_fence *bench_array(struct dma_fence **fences, unsigned int count,
				     unsigned int step)
{
	struct dma_fence **members = kmalloc_array(count, sizeof(*members), GFP_KERNEL);
	struct dma_fence_array *array;
	unsigned int i;

	if (!members)
		return NULL;
	for (i = 0; i < count; i++)
		members[i] = dma_fence_get(fences[i * step]);
	array = dma_fence_array_create(count, members, dma_fence_context_alloc(1), 1, false);
	return array ? &array->base : NULL;
}

static int array_create(struct bench *b)
{
	struct dma_fence *array;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	bench_for_each_turn(b, i) {
		array = bench_array(b->fences, b->size, 1);
		if (!array)
			return -ENOMEM;
		dma_fence_put(array);
	}
	bench_end(b);
	return 0;
}

/* All of it: fences made, an array of them, enabled, signalled, waited for, put. */
static int array_life(struct bench *b)
{
	u64 context = dma_fence_context_alloc(b->size);
	struct dma_fence_array *array;
	struct dma_fence **members;
	unsigned int i, k;

	bench_for_each_turn(b, i) {
		members = kmalloc_array(b->size, sizeof(*members), GFP_KERNEL);
		if (!members)
			return -ENOMEM;
		for (k = 0; k < b->size; k++) {
			members[k] = bench_fence(context + k, 1);
			if (!members[k])
				return -ENOMEM;
		}
		array = dma_fence_array_create(b->size, members, dma_fence_context_alloc(1), 1,
					       false);
		if (!array)
			return -ENOMEM;
		dma_fence_enable_sw_signaling(&array->base);
		for (k = 0; k < b->size; k++)
			dma_fence_signal(members[k]);
		dma_fence_wait(&array->base, false);
		dma_fence_put(&array->base);
	}
	bench_end(b);
	return 0;
}

static int array_is_signaled(struct bench *b)
{
	struct dma_fence *array;
	unsigned int i, sum = 0;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	array = bench_array(b->fences, b->size, 1);
	if (!array)
		return -ENOMEM;
	bench_for_each_turn(b, i)
		sum += dma_fence_is_signaled(array);
	bench_end(b);
	sink += sum;
	dma_fence_put(array);
	return 0;
}

static int array_walk(struct bench *b)
{
	struct dma_fence *array, *fence;
	unsigned int i, k;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	array = bench_array(b->fences, b->size, 1);
	if (!array)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		dma_fence_array_for_each(fence, k, array)
			sink += fence->seqno;
	}
	bench_end(b);
	dma_fence_put(array);
	return 0;
}

/* One link more; takes over @prev and @fence. */
static struct dma_fence *bench_link(struct dma_fence *prev, struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	if (!link || !fence)
		return NULL;
	dma_fence_chain_init(link, prev, fence, seqno);
	return &link->base;
}

/* A chain with a link for each of the sample's fences. */
static struct dma_fence *bench_chain(struct bench *b)
{
	struct dma_fence *head = NULL;
	unsigned int i;

	for (i = 0; i < b->count; i++) {
		head = bench_link(head, dma_fence_get(b->fences[i]), i + 1);
		if (!head)
			return NULL;
	}
	return head;
}

/* A link and its fence. */
static int chain_add(struct bench *b)
{
	u64 context = dma_fence_context_alloc(b->loops);
	struct dma_fence *head = NULL;
	unsigned int i;

	bench_for_each_turn(b, i) {
		head = bench_link(head, bench_fence(context + i, 1), b->loops - i);
		if (!head)
			return -ENOMEM;
	}
	bench_end(b);
	dma_fence_put(head);
	return 0;
}

static int chain_walk(struct bench *b)
{
	struct dma_fence *head, *iter;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	head = bench_chain(b);
	if (!head)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		dma_fence_chain_for_each(iter, head)
			sink += iter->seqno;
	}
	bench_end(b);
	b->ops = b->loops * b->size;
	dma_fence_put(head);
	return 0;
}

/* The links of a signalled chain; their fences are still held by somebody else. */
static int chain_free(struct bench *b)
{
	struct dma_fence *head;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	head = bench_chain(b);
	if (!head)
		return -ENOMEM;
	bench_signal(b);
	bench_for_each_turn(b, i)
		dma_fence_put(head);
	bench_end(b);
	b->ops = b->size;
	return 0;
}

static int chain_find(struct bench *b)
{
	struct dma_fence *head, *fence;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	head = bench_chain(b);
	if (!head)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		fence = dma_fence_get(head);
		ret = dma_fence_chain_find_seqno(&fence, 1 + b->size / POINTS * i);
		if (ret)
			return ret;
		dma_fence_put(fence);
	}
	bench_end(b);
	dma_fence_put(head);
	return 0;
}

/*
 * Each link is made to signal for somebody; then the links' fences do so, the
 * oldest first or the youngest first, until the last link knows.
 */
static int chain_signal(struct bench *b, bool backward)
{
	struct dma_fence **links;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	links = kvcalloc(b->size, sizeof(*links), GFP_KERNEL);
	if (!links)
		return -ENOMEM;
	for (i = 0; i < b->size; i++) {
		links[i] = bench_link(i ? dma_fence_get(links[i - 1]) : NULL,
				      dma_fence_get(b->fences[i]), i + 1);
		if (!links[i])
			return -ENOMEM;
	}

	bench_begin(b);
	for (i = 0; i < b->size; i++)
		dma_fence_enable_sw_signaling(links[i]);
	for (i = 0; i < b->size; i++)
		dma_fence_signal(b->fences[backward ? b->size - 1 - i : i]);
	dma_fence_wait(links[b->size - 1], false);
	bench_end(b);
	b->ops = b->size;

	for (i = 0; i < b->size; i++)
		dma_fence_put(links[i]);
	kvfree(links);
	return 0;
}

static int chain_forward(struct bench *b)
{
	return chain_signal(b, false);
}

static int chain_backward(struct bench *b)
{
	return chain_signal(b, true);
}

/* Merges two fences, both of which it takes over. */
static int bench_merge(struct bench *b, struct dma_fence *one, struct dma_fence *two)
{
	struct dma_fence *merged;
	unsigned int i;

	if (!one || !two)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		merged = dma_fence_unwrap_merge(one, two);
		if (!merged)
			return -ENOMEM;
		dma_fence_put(merged);
	}
	bench_end(b);
	dma_fence_put(one);
	dma_fence_put(two);
	return 0;
}

/* Two arrays whose contexts alternate. */
static int merge_disjoint(struct bench *b)
{
	int ret = bench_fences(b, 2 * b->size);

	return ret ?: bench_merge(b, bench_array(b->fences, b->size, 2),
				  bench_array(b->fences + 1, b->size, 2));
}

static int merge_equal(struct bench *b)
{
	int ret = bench_fences(b, b->size);

	return ret ?: bench_merge(b, bench_array(b->fences, b->size, 1),
				  bench_array(b->fences, b->size, 1));
}

static int merge_plain(struct bench *b)
{
	int ret = bench_fences(b, 2);

	return ret ?: bench_merge(b, dma_fence_get(b->fences[0]), dma_fence_get(b->fences[1]));
}

static int merge_signalled(struct bench *b)
{
	int ret = bench_fences(b, 2);

	if (ret)
		return ret;
	dma_fence_signal(b->fences[0]);
	return bench_merge(b, dma_fence_get(b->fences[0]), dma_fence_get(b->fences[1]));
}

/* A chain's links are of one context; only the last of each other context counts. */
static int merge_chain(struct bench *b)
{
	struct dma_fence *head;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	head = bench_chain(b);
	return bench_merge(b, head, dma_fence_get(b->fences[0]));
}

static int unwrap_walk(struct bench *b)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *array, *fence;
	unsigned int i;
	int ret = bench_fences(b, b->size);

	if (ret)
		return ret;
	array = bench_array(b->fences, b->size, 1);
	if (!array)
		return -ENOMEM;
	bench_for_each_turn(b, i) {
		dma_fence_unwrap_for_each(fence, &cursor, array)
			sink += fence->seqno;
	}
	bench_end(b);
	dma_fence_put(array);
	return 0;
}

const struct bench_row bench_container_rows[] = {
	{ "array/create+put", array_create, .size = 4, .loops = 64 },
	{ "array/create+put", array_create, .size = 32, .loops = 32 },
	{ "array/create+put", array_create, .size = 256, .loops = 8 },
	{ "array/life", array_life, .size = 256, .loops = 4 },
	{ "array/is-signaled", array_is_signaled, .size = 32, .loops = 256 },
	{ "array/walk", array_walk, .size = 32, .loops = 64 },
	{ "chain/add", chain_add, .loops = 256 },
	{ "chain/walk-per-link", chain_walk, .size = 256, .loops = 4 },
	{ "chain/free-per-link", chain_free, .size = 256, .loops = 1 },
	{ "chain/find", chain_find, .size = 16, .loops = POINTS },
	{ "chain/find", chain_find, .size = 256, .loops = POINTS },
	{ "chain/find", chain_find, .size = 4096, .loops = POINTS },
	{ "chain/find", chain_find, .size = 65536, .loops = POINTS, .once = true },
	{ "chain/forward-per-link", chain_forward, .size = 256 },
	{ "chain/forward-per-link", chain_forward, .size = 2048 },
	{ "chain/backward-per-link", chain_backward, .size = 256 },
	{ "chain/backward-per-link", chain_backward, .size = 2048, .once = true },
	{ "chain/backward-per-link", chain_backward, .size = 65536, .once = true, .linear = true },
	{ "merge/disjoint", merge_disjoint, .size = 2, .loops = 64 },
	{ "merge/disjoint", merge_disjoint, .size = 32, .loops = 16 },
	{ "merge/disjoint", merge_disjoint, .size = 512, .loops = 2 },
	{ "merge/equal", merge_equal, .size = 512, .loops = 2 },
	{ "merge/plain", merge_plain, .loops = 64 },
	{ "merge/one-signalled", merge_signalled, .loops = 64 },
	{ "merge/chain", merge_chain, .size = 32, .loops = 16 },
	{ "unwrap/walk", unwrap_walk, .size = 512, .loops = 4 },
	{}
};
