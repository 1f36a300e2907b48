/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the benchmark that is a program, system calls included: what its
 * files share.
 */
#ifndef DMABUF_BENCH_USER_H
#define DMABUF_BENCH_USER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct sample - one sample of one row
 * @size: how many fences, pages or mebibytes; 0 where the row has no such number
 * @loops: how often for_each_turn() goes round
 * @ops: how many operations the sample counts for; @loops unless the row says otherwise
 * @elapsed: what lies between begin() and end(), without their own cost
 * @start: the clock at begin()
 */
struct sample {
	unsigned int size;
	unsigned int loops;
	unsigned int ops;
	__u64 elapsed;
	__u64 start;
};

/**
 * struct row - one operation that is measured
 * @name: how the script calls it, followed by its size if it has one
 * @run: takes one sample; ends the program if something goes wrong
 * @size: see &struct sample
 * @loops: see &struct sample
 * @huge: needs a memfd of huge pages, which not every kernel has
 */
struct row {
	const char *name;
	void (*run)(struct sample *s);
	unsigned int size;
	unsigned int loops;
	bool huge;
};

extern const struct row sync_rows[];
extern const struct row buffer_rows[];
extern const struct row memory_rows[];

__u64 ticks(void);
/* Lets the kernel do what it has put off, so that nobody pays for it later. */
void rest(void);
void end(struct sample *s);

static inline unsigned int begin(struct sample *s)
{
	s->start = ticks();
	return s->loops;
}

/* Goes s->loops times round, i from s->loops - 1 down to 0; end() belongs behind it. */
#define for_each_turn(s, i) for ((i) = begin(s); (i)--;)

/* Each ends the program when it fails. */
int must(int ret, const char *what);
int timeline(void);
int timeline_fence(int timeline, unsigned int value);
int merge(int one, int two);
int heap_buffer(size_t size);

#endif
