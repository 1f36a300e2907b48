/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwrapping: the plain fences inside chains and arrays.
 */
#ifndef __LINUX_DMA_FENCE_UNWRAP_H
#define __LINUX_DMA_FENCE_UNWRAP_H

#include <linux/array_size.h>

struct dma_fence;

/**
 * struct dma_fence_unwrap - where an iteration stands
 * @chain: the current link, with a reference
 * @array: what the link contains; lives as long as the link
 * @index: the current member of @array
 */
struct dma_fence_unwrap {
	struct dma_fence *chain;
	struct dma_fence *array;
	unsigned int index;
};

struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor);
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);

/**
 * dma_fence_unwrap_for_each - go through all plain fences inside a fence
 * @fence: the plain fence; lives until the next step
 * @cursor: a &struct dma_fence_unwrap; whoever leaves the loop early puts its
 *	@chain
 * @head: chain, array, chain of arrays or plain fence
 *
 * Takes each link of a chain and, inside, each member of an array. Links whose
 * fence has signalled may be left out.
 */
#define dma_fence_unwrap_for_each(fence, cursor, head)			\
	for ((fence) = dma_fence_unwrap_first(head, cursor); (fence);	\
	     (fence) = dma_fence_unwrap_next(cursor))

int dma_fence_dedup_array(struct dma_fence **fences, int num_fences);
struct dma_fence *__dma_fence_unwrap_merge(unsigned int num_fences,
					   struct dma_fence **fences,
					   struct dma_fence_unwrap *cursors);

/**
 * dma_fence_unwrap_merge - one fence that stands for all of several
 *
 * The arguments are fences, containers allowed; see __dma_fence_unwrap_merge().
 *
 * Context: may sleep.
 * Return: a fence with a reference, or NULL when there is no memory.
 */
#define dma_fence_unwrap_merge(...)					\
	({								\
		struct dma_fence *__fences[] = { __VA_ARGS__ };		\
		struct dma_fence_unwrap __cursors[ARRAY_SIZE(__fences)]; \
									\
		__dma_fence_unwrap_merge(ARRAY_SIZE(__fences),		\
					 __fences, __cursors);		\
	})

#endif /* __LINUX_DMA_FENCE_UNWRAP_H */
