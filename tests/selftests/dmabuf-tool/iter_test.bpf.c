// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs in the way of Linux 6.16 and later: they name what they want of the
 * kernel's structures and functions, and know nothing about this kernel. The same
 * object loads on those.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "iter_kernel.h"
#include "iter_test.h"

char LICENSE[] SEC("license") = "GPL";

/* How often the loop came upon an inode. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SEEN_MAX);
	__type(key, __u64);
	__type(value, __u64);
} seen SEC(".maps");

/* A line for each buffer, and one at the end. */
SEC("iter/dmabuf")
int show(struct bpf_iter__dmabuf *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct dma_buf *dmabuf = ctx->dmabuf;
	char name[32] = "";

	if (!dmabuf) {
		BPF_SEQ_PRINTF(seq, "end\n");
		return 0;
	}
	if (dmabuf->name)
		bpf_probe_read_kernel_str(name, sizeof(name), dmabuf->name);
	BPF_SEQ_PRINTF(seq, "%lu %lu %s <%s>\n", dmabuf->file->f_inode->i_ino, dmabuf->size,
		       dmabuf->exp_name, name);
	return 0;
}

/* The same in a program that may sleep. */
SEC("iter.s/dmabuf")
int show_sleepable(struct bpf_iter__dmabuf *ctx)
{
	struct dma_buf *dmabuf = ctx->dmabuf;

	if (dmabuf)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%lu %lu\n", dmabuf->file->f_inode->i_ino,
			       dmabuf->size);
	return 0;
}

SEC("syscall")
int loop(struct loop_args *args)
{
	unsigned int limit = args->limit, visited = 0;
	struct bpf_iter_dmabuf it;
	struct dma_buf *dmabuf;
	__u64 inode, one, *count;

	bpf_iter_dmabuf_new(&it);
	while ((dmabuf = bpf_iter_dmabuf_next(&it))) {
		inode = dmabuf->file->f_inode->i_ino;
		one = 1;
		count = bpf_map_lookup_elem(&seen, &inode);
		if (count)
			++*count;
		else
			bpf_map_update_elem(&seen, &inode, &one, BPF_NOEXIST);
		visited++;
		if (visited == limit)
			break;
	}
	bpf_iter_dmabuf_destroy(&it);
	args->visited = visited;
	return 0;
}
