/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dma-buf.c (the object), dma-buf-file.c (the file), dma-buf-ioctl.c and
 * dma-buf-poll.c (ioctls and poll on it), dma-buf-narrow.c (further files with
 * fewer rights), dma-buf-stats.c (the registry) and dma-buf-bpf.c (what BPF
 * programs see of it) share with each other and with nobody else.
 */
#ifndef _DMA_BUF_INTERNAL_H
#define _DMA_BUF_INTERNAL_H

#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <uapi/linux/dma-buf.h>

struct seq_file;

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
void dma_buf_show_facts(struct seq_file *m, struct dma_buf *dmabuf, long count);
void dma_buf_show_name(struct seq_file *m, struct dma_buf *dmabuf);

/* dma-buf-ioctl.c; @denied are DMA_BUF_NARROW_* flags */
long dma_buf_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long dma_buf_do_ioctl(struct dma_buf *dmabuf, u32 denied, unsigned int cmd, unsigned long arg);

/* dma-buf-narrow.c */
struct file *dma_buf_narrowed_open(struct dma_buf *dmabuf, u32 denied);
struct dma_buf *dma_buf_narrowed_of(struct file *file, u32 *denied);

/* dma-buf-poll.c */
struct poll_table_struct;

__poll_t dma_buf_poll(struct file *file, struct poll_table_struct *pt);
void dma_buf_poll_rearm(struct dma_buf *dmabuf);
void dma_buf_poll_stop(struct dma_buf *dmabuf);

/* dma-buf-stats.c */
void dma_buf_registry_add(struct dma_buf *dmabuf);
void dma_buf_registry_del(struct dma_buf *dmabuf);
int dma_buf_stats_init(void);

/*
 * Where a reader of the registry is from one system call to the next; nobody but
 * the reader uses it.
 */
struct dma_buf_cursor {
	/* in the list of @cpu, before the buffer that is due, or not in any */
	struct dma_buf_link link;
	/* nr_cpu_ids: at the end */
	unsigned int cpu;
};

void dma_buf_cursor_init(struct dma_buf_cursor *cursor);
void dma_buf_cursor_rewind(struct dma_buf_cursor *cursor);
struct dma_buf *dma_buf_cursor_get(struct dma_buf_cursor *cursor);
void dma_buf_cursor_pass(struct dma_buf_cursor *cursor, struct dma_buf *dmabuf);
void dma_buf_cursor_unlink(struct dma_buf_cursor *cursor);

/* dma-buf-bpf.c; called by BPF programs only */
struct bpf_iter_dmabuf;

int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it);
struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it);
void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it);

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
