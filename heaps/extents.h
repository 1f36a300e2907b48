/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a buffer as an array of extents: runs of physically contiguous
 * pages, in the order in which the buffer has them. Built once, by appending;
 * nothing changes it afterwards, so readers need no lock.
 */
#ifndef _DMA_BUF_EXTENTS_H
#define _DMA_BUF_EXTENTS_H

#include <linux/types.h>

struct sg_table;

/**
 * struct extent - a run of physically contiguous pages
 * @pfn: the first page
 * @start: index in the buffer of that page
 *
 * It ends where the next one starts, or where the buffer ends.
 */
struct extent {
	unsigned long pfn;
	unsigned long start;
};

/**
 * struct extents - all runs of a buffer
 * @run: the runs, sorted by &extent.start; two neighbours are never contiguous
 * @nr: number of runs
 * @pages: number of pages in all runs
 * @room: number of runs that @run has space for
 * @one: space for the only run that most small buffers have
 *
 * Stays where it was initialised. Whoever builds it is alone with it; who gets
 * to see it later only reads it.
 */
struct extents {
	struct extent *run;
	unsigned long nr;
	unsigned long pages;
	unsigned long room;
	struct extent one;
};

/* Number of pages in run @i. */
static inline unsigned long extents_len(const struct extents *extents, unsigned long i)
{
	unsigned long end = i + 1 < extents->nr ? extents->run[i + 1].start : extents->pages;

	return end - extents->run[i].start;
}

void extents_init(struct extents *extents);
int extents_append(struct extents *extents, unsigned long pfn, unsigned long pages);
void extents_trim(struct extents *extents);
void extents_fini(struct extents *extents);

unsigned long extents_find(const struct extents *extents, unsigned long index);
unsigned long extents_pfn(const struct extents *extents, unsigned long index,
			  unsigned long *left);

int extents_sg_table(const struct extents *extents, struct sg_table *table, size_t max);

void *extents_vmap(const struct extents *extents);

#endif
