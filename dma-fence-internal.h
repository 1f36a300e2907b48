/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fences and their containers share among themselves.
 */
#ifndef _DMA_FENCE_INTERNAL_H
#define _DMA_FENCE_INTERNAL_H

#include <linux/dma-fence.h>

/* An array that signals with its first member. */
#define DMA_FENCE_ARRAY_ANY_BIT		DMA_FENCE_FLAG_USER_BITS

/* A link that signals together with the links that waited for it alone. */
#define DMA_FENCE_CHAIN_SETTLING_BIT	DMA_FENCE_FLAG_USER_BITS

/* What &dma_fence.error of an array holds until the outcome is known. */
#define DMA_FENCE_ARRAY_PENDING		1

void dma_fence_retire(struct dma_fence *fence);
void dma_fence_defer(struct dma_fence_deferred *deferred,
		     void (*func)(struct dma_fence_deferred *deferred));

#endif /* _DMA_FENCE_INTERNAL_H */
