/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all exporters of plain pages have in common: the heaps and udmabuf differ
 * in where the pages come from and go to.
 *
 * An exporter embeds a struct paged_buffer in its own structure, initialises it,
 * appends the pages to &paged_buffer.extents and exports it: the size is that of
 * all these pages, and &dma_buf_export_info.priv points to the struct
 * paged_buffer. Its dma_buf_ops name the callbacks below and a release of its own,
 * which ends with paged_buffer_fini(). Any of them may be replaced, or called from
 * a replacement.
 */
#ifndef _DMA_BUF_PAGED_BUFFER_H
#define _DMA_BUF_PAGED_BUFFER_H

#include <linux/dma-buf.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "extents.h"

/**
 * struct paged_buffer - a buffer that consists of pages
 * @extents: the pages; constant once the buffer is exported
 * @lock: taken inside of &dma_buf.resv; protects @attachments, what is in them
 *	and @vaddr
 * @attachments: of &struct paged_attachment, one for each attached device
 * @vaddr: where the buffer is mapped in the kernel, or NULL
 */
struct paged_buffer {
	struct extents extents;
	struct mutex lock;	/* inside of the reservation */
	struct list_head attachments;
	void *vaddr;
};

static inline struct paged_buffer *to_paged_buffer(struct dma_buf *dmabuf)
{
	return dmabuf->priv;
}

void paged_buffer_init(struct paged_buffer *buffer);
void paged_buffer_fini(struct paged_buffer *buffer);

/* &struct dma_buf_ops */
int paged_buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
void paged_buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
struct sg_table *paged_buffer_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir);
void paged_buffer_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			enum dma_data_direction dir);
int paged_buffer_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir);
int paged_buffer_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir);
int paged_buffer_begin_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
					enum dma_data_direction dir);
int paged_buffer_end_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				      enum dma_data_direction dir);
int paged_buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);
int paged_buffer_vmap(struct dma_buf *dmabuf, struct iosys_map *map);
void paged_buffer_vunmap(struct dma_buf *dmabuf, struct iosys_map *map);

#if IS_ENABLED(CONFIG_KUNIT)
void paged_sync_for_cpu(struct device *dev, struct sg_table *table,
			enum dma_data_direction dir);
void paged_sync_for_device(struct device *dev, struct sg_table *table,
			   enum dma_data_direction dir);
void paged_sync_part_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
			     enum dma_data_direction dir);
void paged_sync_part_for_device(struct device *dev, dma_addr_t addr, size_t size,
				enum dma_data_direction dir);
#endif

#endif
