/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark of dma-buf: what its files share.
 *
 * It uses only what Linux 6.12 itself declares and exports, so that one source
 * measures stock and this project.
 */
#ifndef DMABUF_BENCH_H
#define DMABUF_BENCH_H

#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/timex.h>
#include <linux/types.h>

/**
 * struct bench - one sample of one row
 * @size: how many fences, links or contexts; 0 where the row has no such number
 * @loops: how often bench_for_each_turn() goes round
 * @ops: how many operations the sample counts for; @loops unless the row says otherwise
 * @elapsed: what lies between bench_begin() and bench_end(), without their own cost
 * @begin: the clock at bench_begin()
 * @fences: what bench_fences() made; let go after the sample
 * @count: length of @fences
 */
struct bench {
	unsigned int size;
	unsigned int loops;
	unsigned int ops;
	u64 elapsed;
	u64 begin;
	struct dma_fence **fences;
	unsigned int count;
};

/**
 * struct bench_row - one operation that is measured
 * @name: how the script calls it, followed by its size if it has one
 * @run: takes one sample; a negative errno ends the benchmark
 * @size: see &struct bench
 * @loops: see &struct bench
 * @once: so costly somewhere that one sample must do
 * @linear: cannot be run where the cost grows with the square of the size
 */
struct bench_row {
	const char *name;
	int (*run)(struct bench *b);
	unsigned int size;
	unsigned int loops;
	bool once;
	bool linear;
};

extern const struct bench_row bench_fence_rows[];
extern const struct bench_row bench_container_rows[];
extern const struct bench_row bench_resv_rows[];
extern const struct bench_row bench_buf_rows[];
extern const struct bench_row bench_part_rows[];

/*
 * Under QEMU's -icount the time stamp counter counts instructions. User-Mode
 * Linux has none that the kernel reads.
 */
static inline u64 bench_clock(void)
{
	return IS_ENABLED(CONFIG_UML) ? ktime_get_ns() : get_cycles();
}

static __always_inline unsigned int bench_begin(struct bench *b)
{
	b->begin = bench_clock();
	return b->loops;
}

void bench_end(struct bench *b);

/* Goes b->loops times round, @i from b->loops - 1 down to 0; bench_end() belongs behind it. */
#define bench_for_each_turn(b, i) for ((i) = bench_begin(b); (i)--;)

struct dma_fence *bench_fence(u64 context, u64 seqno);
int bench_fences(struct bench *b, unsigned int count);
void bench_signal(struct bench *b);

#endif
