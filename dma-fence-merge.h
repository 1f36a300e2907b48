/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Merging any number of fences, which come one by one.
 */
#ifndef _DMA_FENCE_MERGE_H
#define _DMA_FENCE_MERGE_H

#include <linux/ktime.h>

struct dma_fence;

/**
 * struct dma_fence_merge - a merge that has begun
 * @list: the fences so far, with references
 * @spare: as much room again, for sorting
 * @count: how many are in @list; several may be of one context
 * @room: how many would be
 * @visits: fences looked at
 * @failed: of those that had signalled, the one that failed first, with a
 *	reference; or NULL
 * @timestamp: when the last of those signalled
 *
 * All zero to begin with. Needs memory for the fences that it finds pending, each
 * context counted once, and charges that to the task's memory cgroup.
 */
struct dma_fence_merge {
	struct dma_fence **list;
	struct dma_fence **spare;
	unsigned int count;
	unsigned int room;
	unsigned int visits;
	struct dma_fence *failed;
	ktime_t timestamp;
};

int dma_fence_merge_add(struct dma_fence_merge *merge, struct dma_fence *fence);
struct dma_fence *dma_fence_merge_end(struct dma_fence_merge *merge);
void dma_fence_merge_abort(struct dma_fence_merge *merge);

#endif /* _DMA_FENCE_MERGE_H */
