/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fences and their containers share among themselves.
 */
#ifndef _DMA_FENCE_INTERNAL_H
#define _DMA_FENCE_INTERNAL_H

#include <linux/dma-fence.h>

/*
 * Flags of containers, below those of all fences. Not from the user bits: drivers
 * set these on whatever fence they have.
 */

/* An array that signals with its first member. */
#define DMA_FENCE_ARRAY_ANY_BIT		(BITS_PER_LONG - 3)

/* That member has signalled. */
#define DMA_FENCE_ARRAY_FIRED_BIT	(BITS_PER_LONG - 4)

/* A link that signals together with the links that waited for it alone. */
#define DMA_FENCE_CHAIN_SETTLING_BIT	(BITS_PER_LONG - 3)

/* Five bits of a link: its jump goes back over 2^(rank + 1) - 1 links. */
#define DMA_FENCE_CHAIN_RANK_SHIFT	(BITS_PER_LONG - 8)
#define DMA_FENCE_CHAIN_RANK_MAX	31UL

/* What &dma_fence.error of an array holds until the outcome is known. */
#define DMA_FENCE_ARRAY_PENDING		1

/* What a fence is said to be of and on when it has signalled. */
#define DMA_FENCE_DETACHED_DRIVER	"detached-driver"
#define DMA_FENCE_DETACHED_TIMELINE	"signaled-timeline"

void dma_fence_merge_failure(struct dma_fence **failed, struct dma_fence *fence);
struct dma_fence **dma_fence_merge_alloc(size_t room);
struct dma_fence *dma_fence_merge_signaled(ktime_t timestamp, struct dma_fence *failed);
struct dma_fence *dma_fence_merge_result(struct dma_fence **list, unsigned int count);
unsigned int dma_fence_merge_unique(struct dma_fence ***list, struct dma_fence ***spare,
				    unsigned int count);

void dma_fence_retire(struct dma_fence *fence);
void dma_fence_defer(struct dma_fence_deferred *deferred,
		     void (*func)(struct dma_fence_deferred *deferred));

#endif /* _DMA_FENCE_INTERNAL_H */
