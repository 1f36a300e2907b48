/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays: several fences behind one.
 */
#ifndef __LINUX_DMA_FENCE_ARRAY_H
#define __LINUX_DMA_FENCE_ARRAY_H

#include <linux/dma-fence.h>

struct dma_fence_array;

/**
 * struct dma_fence_array_cb - callback on one member, when any of them will do
 * @cb: the callback
 * @array: the array, with a reference while the callback is armed
 */
struct dma_fence_array_cb {
	struct dma_fence_cb cb;
	struct dma_fence_array *array;
};

/**
 * struct dma_fence_array - a fence that stands for several others
 * @base: the fence
 * @lock: its lock, which drivers may take through &dma_fence.lock, too
 * @num_fences: number of members; constant
 * @first: every member below has signalled. A hint that anybody may write, since
 *	what was true of a number stays true.
 * @last: every member from here on has signalled; same rule
 * @backward: the member to wait for next is the first of those pending rather
 *	than the last. Owned by whoever arms @cb.
 * @fences: the members, each with a reference; constant
 * @cb: armed on one pending member, with a reference to the array, when all
 *	members have to signal
 * @deferred: what follows when a callback has run; @cb is idle then
 * @callbacks: one for each member, if any one of them is enough; there may be none
 *	otherwise
 */
struct dma_fence_array {
	struct dma_fence base;

	spinlock_t lock; /* see above */
	unsigned int num_fences;
	unsigned int first;
	unsigned int last;
	bool backward;
	struct dma_fence **fences;
	union {
		struct dma_fence_cb cb;
		struct dma_fence_deferred deferred;
	};

	struct dma_fence_array_cb callbacks[];
};

/**
 * to_dma_fence_array - the array behind a fence
 * @fence: the fence, or NULL
 *
 * Return: the array, or NULL when the fence is something else.
 */
static inline struct dma_fence_array *
to_dma_fence_array(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_array(fence))
		return NULL;
	return container_of(fence, struct dma_fence_array, base);
}

/**
 * dma_fence_array_for_each - go through the members of an array
 * @fence: the member, no reference taken
 * @index: unsigned counter
 * @head: the array; any other fence counts as an array of itself
 */
#define dma_fence_array_for_each(fence, index, head)			\
	for ((index) = 0, (fence) = dma_fence_array_first(head); (fence); \
	     (fence) = dma_fence_array_next(head, ++(index)))

struct dma_fence_array *dma_fence_array_alloc(int num_fences);
void dma_fence_array_init(struct dma_fence_array *array,
			  int num_fences, struct dma_fence **fences,
			  u64 context, unsigned int seqno,
			  bool signal_on_any);
struct dma_fence_array *dma_fence_array_create(int num_fences,
					       struct dma_fence **fences,
					       u64 context, unsigned int seqno,
					       bool signal_on_any);
bool dma_fence_match_context(struct dma_fence *fence, u64 context);
struct dma_fence *dma_fence_array_first(struct dma_fence *head);
struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index);

#endif /* __LINUX_DMA_FENCE_ARRAY_H */
