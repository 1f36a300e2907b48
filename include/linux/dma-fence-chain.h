/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains: the points of a timeline, newest first.
 */
#ifndef __LINUX_DMA_FENCE_CHAIN_H
#define __LINUX_DMA_FENCE_CHAIN_H

#include <linux/dma-fence.h>
#include <linux/slab.h>

/**
 * struct dma_fence_chain - one point of a timeline
 * @base: signals when this point and all before it have been reached; its error
 *	is that of @fence
 * @lock: its lock, which drivers may take through &dma_fence.lock, too
 * @prev: the link before this one, with a reference. Read under RCU, changed
 *	by cmpxchg, and only to a link further back: garbage collection takes
 *	out links whose own fence has signalled. NULL once @base has signalled.
 * @prev_seqno: the point just before this one when the link was added, 0 when
 *	this link starts a context; constant
 * @fence: what this point itself waits for, with a reference; constant
 * @jump: a link much further back on the same context, with a reference, or
 *	NULL. Read under RCU, only ever changed to NULL.
 * @cb: armed on a fence or on a link further back, with a reference to this
 *	link; on a list of links to signal or free at other times
 * @deferred: what follows when a callback has run; @cb is idle then
 * @ready: while this link signals, where callbacks put links that waited for
 *	nothing but this one. Under @lock.
 */
struct dma_fence_chain {
	struct dma_fence base;
	spinlock_t lock; /* see above */
	struct dma_fence __rcu *prev;
	u64 prev_seqno;
	struct dma_fence *fence;
	struct dma_fence __rcu *jump;
	union {
		struct dma_fence_cb cb;
		struct dma_fence_deferred deferred;
		struct list_head *ready;
	};
};

/**
 * to_dma_fence_chain - the link behind a fence
 * @fence: the fence, or NULL
 *
 * Return: the link, or NULL when the fence is something else.
 */
static __always_inline struct dma_fence_chain *
to_dma_fence_chain(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_chain(fence))
		return NULL;
	return container_of(fence, struct dma_fence_chain, base);
}

/**
 * dma_fence_chain_contained - what a point itself waits for
 * @fence: a link, or any other fence, or NULL
 *
 * Return: the fence inside the link, or @fence when it is not a link. No
 * reference is taken.
 */
static __always_inline struct dma_fence *
dma_fence_chain_contained(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

/**
 * dma_fence_chain_alloc - memory for a link
 *
 * A macro, so that memory allocation profiling names the caller.
 *
 * Context: may sleep.
 * Return: the link, to be passed to dma_fence_chain_init() or
 * dma_fence_chain_free(), or NULL when there is no memory.
 */
#define dma_fence_chain_alloc()	\
	kmalloc(sizeof(struct dma_fence_chain), GFP_KERNEL)

/**
 * dma_fence_chain_free - give back a link that was never initialised
 * @chain: from dma_fence_chain_alloc(), or NULL
 *
 * Context: any.
 */
static inline void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	kfree(chain);
}

/**
 * dma_fence_chain_for_each - go through a chain, newest link first
 * @iter: the link (or the fence that the chain began with), with a reference
 *	that the next step gives back: leaving the loop early leaves the
 *	reference with the caller
 * @head: where to begin
 */
#define dma_fence_chain_for_each(iter, head)	\
	for ((iter) = dma_fence_get(head); (iter); \
	     (iter) = dma_fence_chain_walk(iter))

struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence);
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno);
void dma_fence_chain_init(struct dma_fence_chain *chain,
			  struct dma_fence *prev,
			  struct dma_fence *fence,
			  uint64_t seqno);

#endif /* __LINUX_DMA_FENCE_CHAIN_H */
