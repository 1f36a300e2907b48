/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of a reservation object, for those who change it (dma-resv.c) and
 * those who only look (dma-resv-iter.c).
 */
#ifndef _DMA_RESV_LIST_H
#define _DMA_RESV_LIST_H

#include <linux/dma-resv.h>

/* The usage, in the bits of a fence's address that are always zero. */
#define DMA_RESV_USAGE_MASK	3UL

/**
 * struct dma_resv_slot - one fence of a list
 * @context: copy of the fence's context; only holders of the lock look at it
 * @tagged: address and usage of the fence in one word, so that a reader never
 *	sees one without the other; stored with release, read without lock
 */
struct dma_resv_slot {
	u64 context;
	unsigned long tagged;
};

/**
 * struct dma_resv_list - the fences of an object
 * @rcu: frees the list after its last reader
 * @num_fences: filled slots; grows under the lock with a release store that
 *	pairs with the acquire of readers and comes after the slot is filled
 * @max_fences: slots that may be filled, under the lock
 * @generation: how many lists the object had before; constant once published
 * @exchanges: how often a fence was exchanged for another one in its slot; stored
 *	with release under the lock, after the slot and before the old fence is put
 * @contexts: one bit per hash of a context; when it is clear, no slot has such a
 *	context. Under the lock
 * @slots: the fences, and behind @max_fences one more slot that ends searches
 *
 * Fences keep their slot as long as the list lives: a reader that goes from the
 * first slot to the last misses none.
 */
struct dma_resv_list {
	struct rcu_head rcu;
	u32 num_fences;
	u32 max_fences;
	u32 generation;
	u32 exchanges;
	unsigned long contexts;
	struct dma_resv_slot slots[];
};

static_assert(__alignof__(struct dma_fence) > DMA_RESV_USAGE_MASK);
static_assert(DMA_RESV_USAGE_BOOKKEEP <= DMA_RESV_USAGE_MASK);

static __always_inline unsigned long tag_fence(struct dma_fence *fence, enum dma_resv_usage usage)
{
	return (unsigned long)fence | usage;
}

static __always_inline struct dma_fence *tagged_fence(unsigned long tagged)
{
	return (struct dma_fence *)(tagged & ~DMA_RESV_USAGE_MASK);
}

static __always_inline enum dma_resv_usage tagged_usage(unsigned long tagged)
{
	return tagged & DMA_RESV_USAGE_MASK;
}

/* The flag alone: neither calls the driver nor needs a reference. */
static __always_inline bool fence_flagged(struct dma_fence *fence)
{
	return test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

static __always_inline struct dma_resv_list *dma_resv_locked_list(struct dma_resv *obj)
{
	return rcu_dereference_protected(obj->fences, dma_resv_held(obj));
}

/* How many fences @obj has room for a reader to collect; may grow at any time. */
static __always_inline u32 dma_resv_count(struct dma_resv *obj)
{
	struct dma_resv_list *list;
	u32 count;

	rcu_read_lock();
	list = rcu_dereference(obj->fences);
	count = list ? READ_ONCE(list->num_fences) : 0;
	rcu_read_unlock();
	return count;
}

/* dma-resv-iter.c */
int dma_resv_collect(struct dma_resv *obj, enum dma_resv_usage usage,
		     unsigned long *tagged, size_t stride, u32 room);

#endif
