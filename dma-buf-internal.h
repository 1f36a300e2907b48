/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dma-buf.c (the object), dma-buf-file.c (the file) and dma-buf-stats.c
 * (the registry) share with each other and with nobody else.
 */
#ifndef _DMA_BUF_INTERNAL_H
#define _DMA_BUF_INTERNAL_H

#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <uapi/linux/dma-buf.h>

/*
 * A name as it may be printed: control characters, which could forge a line,
 * and the backslash turn into \ooo, four bytes for one.
 */
#define DMA_BUF_NAME_ESCAPED_LEN	(4 * (DMA_BUF_NAME_LEN - 1) + 1)

/* The reservation of a buffer, to the end of the scope. */
DEFINE_GUARD(dma_buf_resv, struct dma_buf *, dma_resv_lock(_T->resv, NULL),
	     dma_resv_unlock(_T->resv))

/* dma-buf-file.c */
extern const struct file_operations dma_buf_fops;

bool dma_buf_name_escaped(struct dma_buf *dmabuf,
			  char buf[static DMA_BUF_NAME_ESCAPED_LEN]);

/* dma-buf-stats.c */
void dma_buf_registry_add(struct dma_buf *dmabuf);
void dma_buf_registry_del(struct dma_buf *dmabuf);
int dma_buf_stats_init(void);

#ifdef CONFIG_DMABUF_SYSFS_STATS
int dma_buf_sysfs_add(struct dma_buf *dmabuf, u64 id);
void dma_buf_sysfs_del(struct dma_buf *dmabuf);
#else
static inline int dma_buf_sysfs_add(struct dma_buf *dmabuf, u64 id)
{
	return 0;
}

static inline void dma_buf_sysfs_del(struct dma_buf *dmabuf)
{
}
#endif

#endif
