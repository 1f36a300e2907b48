/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints of buffers, each as a function that costs nothing while nobody
 * looks. The slow halves, in dma-buf-trace.c, have the name on their stacks, which
 * keeps it off those of the callers.
 */
#ifndef _DMA_BUF_TRACE_H
#define _DMA_BUF_TRACE_H

#include <trace/events/dma_buf.h>

void dma_buf_emit_fd(struct dma_buf *dmabuf, int fd);
void dma_buf_emit_get(struct dma_buf *dmabuf, int fd);
void dma_buf_emit_mmap(struct dma_buf *dmabuf);
void dma_buf_emit_mmap_internal(struct dma_buf *dmabuf);
void dma_buf_emit_attach(struct dma_buf_attachment *attach);
void dma_buf_emit_detach(struct dma_buf_attachment *attach);

/* Before fd_install(): the caller's reference is everybody's afterwards. */
static inline void dma_buf_trace_fd(struct dma_buf *dmabuf, int fd)
{
	if (trace_dma_buf_fd_enabled())
		dma_buf_emit_fd(dmabuf, fd);
}

static inline void dma_buf_trace_get(struct dma_buf *dmabuf, int fd)
{
	if (trace_dma_buf_get_enabled())
		dma_buf_emit_get(dmabuf, fd);
}

static inline void dma_buf_trace_mmap(struct dma_buf *dmabuf)
{
	if (trace_dma_buf_mmap_enabled())
		dma_buf_emit_mmap(dmabuf);
}

static inline void dma_buf_trace_mmap_internal(struct dma_buf *dmabuf)
{
	if (trace_dma_buf_mmap_internal_enabled())
		dma_buf_emit_mmap_internal(dmabuf);
}

static inline void dma_buf_trace_attach(struct dma_buf_attachment *attach)
{
	if (trace_dma_buf_dynamic_attach_enabled())
		dma_buf_emit_attach(attach);
}

static inline void dma_buf_trace_detach(struct dma_buf_attachment *attach)
{
	if (trace_dma_buf_detach_enabled())
		dma_buf_emit_detach(attach);
}

#endif
