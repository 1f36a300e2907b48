// SPDX-License-Identifier: GPL-2.0-only
/*
 * All buffers, for BPF programs, as Linux 6.16 and later offer them: the iterator
 * target "dmabuf", which runs a program for each buffer, and the open-coded
 * iterator of the same name, which is a loop inside of a program.
 *
 * A program reads what it likes from &struct dma_buf, and formats it as it likes.
 * It holds no lock while it does. The buffer it looks at is referenced, so that
 * all "const" fields are good; anything else may change under its eyes, and a
 * &dma_buf.name that userspace replaces at this moment may read as garbage.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/dma-buf.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "dma-buf-internal.h"

/* What a program for the target gets; no buffer in the call that ends the walk. */
struct bpf_iter__dmabuf {
	__bpf_md_ptr(struct bpf_iter_meta *, meta);
	__bpf_md_ptr(struct dma_buf *, dmabuf);
};

DEFINE_BPF_ITER_FUNC(dmabuf, struct bpf_iter_meta *meta, struct dma_buf *dmabuf)

/* The reader's cursor is all that is kept from one read() to the next. */
static void *dma_buf_bpf_start(struct seq_file *seq, loff_t *pos)
{
	struct dma_buf_cursor *cursor = seq->private;

	/* A program that asks for its first buffer again is not at 0 any more. */
	if (!*pos) {
		++*pos;
		dma_buf_cursor_rewind(cursor);
	}
	return dma_buf_cursor_get(cursor);
}

static void *dma_buf_bpf_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct dma_buf_cursor *cursor = seq->private;

	++*pos;
	dma_buf_cursor_pass(cursor, v);
	dma_buf_put(v);
	return dma_buf_cursor_get(cursor);
}

static int dma_buf_bpf_run(struct seq_file *seq, struct dma_buf *dmabuf)
{
	struct bpf_iter_meta meta = { .seq = seq };
	struct bpf_iter__dmabuf ctx = { .meta = &meta, .dmabuf = dmabuf };
	struct bpf_prog *prog = bpf_iter_get_info(&meta, !dmabuf);

	return prog ? bpf_iter_run_prog(prog, &ctx) : 0;
}

static int dma_buf_bpf_show(struct seq_file *seq, void *v)
{
	return dma_buf_bpf_run(seq, v);
}

static void dma_buf_bpf_stop(struct seq_file *seq, void *v)
{
	if (v)
		dma_buf_put(v);
	else
		dma_buf_bpf_run(seq, NULL);
}

static const struct seq_operations dma_buf_bpf_seq_ops = {
	.start = dma_buf_bpf_start,
	.next = dma_buf_bpf_next,
	.stop = dma_buf_bpf_stop,
	.show = dma_buf_bpf_show,
};

static int dma_buf_bpf_init_seq(void *private, struct bpf_iter_aux_info *aux)
{
	dma_buf_cursor_init(private);
	return 0;
}

static void dma_buf_bpf_fini_seq(void *private)
{
	dma_buf_cursor_unlink(private);
}

static const struct bpf_iter_seq_info dma_buf_bpf_seq_info = {
	.seq_ops = &dma_buf_bpf_seq_ops,
	.init_seq_private = dma_buf_bpf_init_seq,
	.fini_seq_private = dma_buf_bpf_fini_seq,
	.seq_priv_size = sizeof(struct dma_buf_cursor),
};

static struct bpf_iter_reg dma_buf_bpf_target = {
	.target = "dmabuf",
	.feature = BPF_ITER_RESCHED,
	.ctx_arg_info_size = 1,
	.ctx_arg_info = {
		{ offsetof(struct bpf_iter__dmabuf, dmabuf), PTR_TO_BTF_ID_OR_NULL | PTR_TRUSTED },
	},
	.seq_info = &dma_buf_bpf_seq_info,
};

/*
 * On a program's stack, so its size is a part of the interface. The only thing to
 * keep there is the buffer that the program is looking at, with a reference.
 */
struct bpf_iter_dmabuf {
	__u64 __opaque[1];
} __aligned(8);

struct dma_buf_bpf_loop {
	/* DMA_BUF_BPF_FRESH before the first buffer, NULL behind the last one */
	struct dma_buf *dmabuf;
} __aligned(8);

#define DMA_BUF_BPF_FRESH	((struct dma_buf *)1)

__bpf_kfunc_start_defs();

/**
 * bpf_iter_dmabuf_new - begin a loop over all buffers
 * @it: the state of the loop, on the program's stack
 *
 * What exists throughout the loop is seen exactly once.
 *
 * Context: A BPF program that may sleep.
 * Return: 0, for this cannot fail.
 */
__bpf_kfunc int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it)
{
	struct dma_buf_bpf_loop *loop = (void *)it;

	BUILD_BUG_ON(sizeof(*loop) > sizeof(*it));
	BUILD_BUG_ON(__alignof__(*loop) != __alignof__(*it));

	loop->dmabuf = DMA_BUF_BPF_FRESH;
	return 0;
}

/**
 * bpf_iter_dmabuf_next - go on to the next buffer
 * @it: the state of the loop
 *
 * Context: A BPF program that may sleep.
 *
 * Return: a buffer, which stays until the next call for @it, or NULL at the end,
 * from then on every time.
 */
__bpf_kfunc struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it)
{
	struct dma_buf_bpf_loop *loop = (void *)it;

	if (loop->dmabuf == DMA_BUF_BPF_FRESH)
		loop->dmabuf = dma_buf_iter_begin();
	else if (loop->dmabuf)
		loop->dmabuf = dma_buf_iter_next(loop->dmabuf);
	return loop->dmabuf;
}

/**
 * bpf_iter_dmabuf_destroy - end a loop, wherever it is
 * @it: the state of the loop
 *
 * Context: A BPF program that may sleep.
 */
__bpf_kfunc void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it)
{
	struct dma_buf_bpf_loop *loop = (void *)it;

	if (loop->dmabuf && loop->dmabuf != DMA_BUF_BPF_FRESH)
		dma_buf_put(loop->dmabuf);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(dma_buf_bpf_kfuncs)
BTF_ID_FLAGS(func, bpf_iter_dmabuf_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_dmabuf_next, KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_dmabuf_destroy, KF_ITER_DESTROY | KF_SLEEPABLE)
BTF_KFUNCS_END(dma_buf_bpf_kfuncs)

static const struct btf_kfunc_id_set dma_buf_bpf_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &dma_buf_bpf_kfuncs,
};

BTF_ID_LIST_SINGLE(dma_buf_btf_id, struct, dma_buf)

/* Late, for the types of the kernel have to be known. */
static int __init dma_buf_bpf_init(void)
{
	int ret;

	dma_buf_bpf_target.ctx_arg_info[0].btf_id = dma_buf_btf_id[0];
	ret = bpf_iter_reg_target(&dma_buf_bpf_target);
	if (ret)
		return ret;
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &dma_buf_bpf_kfunc_set);
}
late_initcall(dma_buf_bpf_init);
