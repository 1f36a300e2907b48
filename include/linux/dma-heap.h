/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kinds of memory that userspace can ask for buffers of.
 */
#ifndef _DMA_HEAPS_H
#define _DMA_HEAPS_H

#include <linux/types.h>

struct dma_buf;
struct dma_heap;

/**
 * struct dma_heap_ops - what a heap can do
 */
struct dma_heap_ops {
	/**
	 * @allocate: Make a buffer of @len bytes, which is a multiple of the
	 * page size and not 0. @fd_flags holds the access mode for
	 * dma_buf_export() and maybe O_CLOEXEC, which is not the heap's
	 * business; @heap_flags is 0. The contents must be nobody's data. May
	 * sleep; a fatal signal should end it with -EINTR.
	 *
	 * Return: the buffer with a reference for the caller, or an ERR_PTR.
	 */
	struct dma_buf *(*allocate)(struct dma_heap *heap, unsigned long len,
				    u32 fd_flags, u64 heap_flags);
};

/**
 * struct dma_heap_export_info - what dma_heap_add() needs to know
 * @name: of the heap, and of its node in /dev/dma_heap
 * @ops: what it can do; static data of the kernel or of a module
 * @priv: whatever dma_heap_get_drvdata() is to answer
 */
struct dma_heap_export_info {
	const char *name;
	const struct dma_heap_ops *ops;
	void *priv;
};

void *dma_heap_get_drvdata(struct dma_heap *heap);
const char *dma_heap_get_name(struct dma_heap *heap);
struct dma_heap *dma_heap_add(const struct dma_heap_export_info *exp_info);

#endif
