/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs of the test need of the kernel. Where in the structures the
 * fields are, the loader finds out from the running kernel; the functions it
 * looks up by their names.
 */
#ifndef DMABUF_ITER_KERNEL_H
#define DMABUF_ITER_KERNEL_H

struct inode {
	unsigned long i_ino;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

struct dma_buf {
	unsigned long size;
	struct file *file;
	const char *exp_name;
	const char *name;
} __attribute__((preserve_access_index));

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	unsigned long long session_id;
	unsigned long long seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__dmabuf {
	struct bpf_iter_meta *meta;
	struct dma_buf *dmabuf;
} __attribute__((preserve_access_index));

/* The state of a loop as those kernels declare it. */
struct bpf_iter_dmabuf {
	__u64 opaque;
};

int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) __ksym __weak;
struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) __ksym __weak;
void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) __ksym __weak;

#endif
