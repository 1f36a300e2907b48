// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of buffers.
 */
#include <linux/dma-buf.h>

#include "dma-buf-internal.h"

#define CREATE_TRACE_POINTS
#include "dma-buf-trace.h"

void dma_buf_emit_fd(struct dma_buf *dmabuf, int fd)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(dmabuf, name);
	trace_dma_buf_fd(dmabuf, name, fd);
}

void dma_buf_emit_get(struct dma_buf *dmabuf, int fd)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(dmabuf, name);
	trace_dma_buf_get(dmabuf, name, fd);
}

void dma_buf_emit_mmap(struct dma_buf *dmabuf)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(dmabuf, name);
	trace_dma_buf_mmap(dmabuf, name);
}

void dma_buf_emit_mmap_internal(struct dma_buf *dmabuf)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(dmabuf, name);
	trace_dma_buf_mmap_internal(dmabuf, name);
}

void dma_buf_emit_attach(struct dma_buf_attachment *attach)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(attach->dmabuf, name);
	trace_dma_buf_dynamic_attach(attach, name);
}

void dma_buf_emit_detach(struct dma_buf_attachment *attach)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	dma_buf_name_escaped(attach->dmabuf, name);
	trace_dma_buf_detach(attach, name);
}
