/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dma-heap.c has for the heaps of this directory and for nobody else.
 */
#ifndef _DMA_BUF_HEAPS_H
#define _DMA_BUF_HEAPS_H

#include <linux/types.h>

/*
 * dma_heap.mem_accounting: charge what a heap allocates to the memory cgroup of
 * the process that asked for it. Constant once the kernel has booted.
 */
extern bool dma_heap_mem_accounting;

#endif
