/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_buf

#if !defined(_TRACE_DMA_BUF_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_BUF_H

#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/tracepoint.h>

/*
 * A buffer is told from all others by its inode number, which is never used again.
 * The name that userspace gave it comes escaped, from the caller: to read it takes a
 * lock, which is nothing to do inside of a tracepoint, nor in dma_buf_put(), which any
 * context may call.
 *
 * Whoever emits one of these has a reference to the buffer that nobody else can drop.
 */
DECLARE_EVENT_CLASS(dma_buf,
		    TP_PROTO(struct dma_buf *dmabuf),
		    TP_ARGS(dmabuf),
		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __field(size_t, size)
				     __field(unsigned long, ino)
				     __field(long, references)),
		    TP_fast_assign(__assign_str(exp_name);
				   __entry->size = dmabuf->size;
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->references = file_count(dmabuf->file);),
		    TP_printk("exp_name=%s size=%zu ino=%lu references=%ld",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __entry->references));

/* With the reference that the caller gets. */
DEFINE_EVENT(dma_buf, dma_buf_export,
	     TP_PROTO(struct dma_buf *dmabuf), TP_ARGS(dmabuf));

/* With the reference that is about to go. */
DEFINE_EVENT(dma_buf, dma_buf_put,
	     TP_PROTO(struct dma_buf *dmabuf), TP_ARGS(dmabuf));

DECLARE_EVENT_CLASS(dma_buf_named,
		    TP_PROTO(struct dma_buf *dmabuf, const char *name),
		    TP_ARGS(dmabuf, name),
		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __string(name, name)
				     __field(size_t, size)
				     __field(unsigned long, ino)),
		    TP_fast_assign(__assign_str(exp_name);
				   __assign_str(name);
				   __entry->size = dmabuf->size;
				   __entry->ino = file_inode(dmabuf->file)->i_ino;),
		    TP_printk("exp_name=%s size=%zu ino=%lu name=%s",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __get_str(name)));

/* A process has mapped its file descriptor. */
DEFINE_EVENT(dma_buf_named, dma_buf_mmap_internal,
	     TP_PROTO(struct dma_buf *dmabuf, const char *name), TP_ARGS(dmabuf, name));

/* A driver has mapped a buffer into a process that asked it for that. */
DEFINE_EVENT(dma_buf_named, dma_buf_mmap,
	     TP_PROTO(struct dma_buf *dmabuf, const char *name), TP_ARGS(dmabuf, name));

DECLARE_EVENT_CLASS(dma_buf_number,
		    TP_PROTO(struct dma_buf *dmabuf, const char *name, int fd),
		    TP_ARGS(dmabuf, name, fd),
		    TP_STRUCT__entry(__string(exp_name, dmabuf->exp_name)
				     __string(name, name)
				     __field(size_t, size)
				     __field(unsigned long, ino)
				     __field(int, fd)),
		    TP_fast_assign(__assign_str(exp_name);
				   __assign_str(name);
				   __entry->size = dmabuf->size;
				   __entry->ino = file_inode(dmabuf->file)->i_ino;
				   __entry->fd = fd;),
		    TP_printk("exp_name=%s size=%zu ino=%lu fd=%d name=%s",
			      __get_str(exp_name), __entry->size, __entry->ino, __entry->fd,
			      __get_str(name)));

/* The file descriptor is about to be there for all threads. */
DEFINE_EVENT(dma_buf_number, dma_buf_fd,
	     TP_PROTO(struct dma_buf *dmabuf, const char *name, int fd),
	     TP_ARGS(dmabuf, name, fd));

DEFINE_EVENT(dma_buf_number, dma_buf_get,
	     TP_PROTO(struct dma_buf *dmabuf, const char *name, int fd),
	     TP_ARGS(dmabuf, name, fd));

DECLARE_EVENT_CLASS(dma_buf_attachment,
		    TP_PROTO(struct dma_buf_attachment *attach, const char *name),
		    TP_ARGS(attach, name),
		    TP_STRUCT__entry(__string(exp_name, attach->dmabuf->exp_name)
				     __string(name, name)
				     __string(device, dev_name(attach->dev))
				     __field(size_t, size)
				     __field(unsigned long, ino)
				     __field(struct dma_buf_attachment *, attach)
				     __field(bool, dynamic)),
		    TP_fast_assign(__assign_str(exp_name);
				   __assign_str(name);
				   __assign_str(device);
				   __entry->size = attach->dmabuf->size;
				   __entry->ino = file_inode(attach->dmabuf->file)->i_ino;
				   __entry->attach = attach;
				   __entry->dynamic = dma_buf_attachment_is_dynamic(attach);),
		    TP_printk("exp_name=%s size=%zu ino=%lu attachment=%p dynamic=%d device=%s name=%s",
			      __get_str(exp_name), __entry->size, __entry->ino,
			      __entry->attach, __entry->dynamic, __get_str(device),
			      __get_str(name)));

DEFINE_EVENT(dma_buf_attachment, dma_buf_dynamic_attach,
	     TP_PROTO(struct dma_buf_attachment *attach, const char *name),
	     TP_ARGS(attach, name));

DEFINE_EVENT(dma_buf_attachment, dma_buf_detach,
	     TP_PROTO(struct dma_buf_attachment *attach, const char *name),
	     TP_ARGS(attach, name));

#endif /* _TRACE_DMA_BUF_H */

#include <trace/define_trace.h>
