/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers of pages that the test has picked, devices that can map them, and a
 * process that looks at them.
 */
#ifndef _DMABUF_TESTS_PAGED_FIXTURE_H
#define _DMABUF_TESTS_PAGED_FIXTURE_H

#include <linux/types.h>

#include "../heaps/paged-buffer.h"

struct kunit;
struct page;

/*
 * A buffer of the pages @order[0..@nr-1] of one block, as page number @start +
 * order[i]; released when the case ends. No page of it is next to the block's.
 */
struct dma_buf *picked_buffer(struct kunit *test, const unsigned int *order, unsigned int nr);

/* 11 pages in 5 runs: 3; 0 1 2; 7 8; 5; 10 11 12 13 */
struct dma_buf *scattered_buffer(struct kunit *test);
#define SCATTERED_PAGES	11
#define SCATTERED_RUNS	5

/* How many picked buffers there are. */
int picked_buffers_alive(void);

/* Drop the last reference; what the file leaves to later is done. */
void put_buffer(struct dma_buf *dmabuf);

/* A device that can reach all memory. */
struct device *dma_device(struct kunit *test);

struct dma_buf_attachment *attach_device(struct kunit *test, struct dma_buf *dmabuf);

/* Page @index of the buffer. */
struct page *buffer_page(struct dma_buf *dmabuf, unsigned long index);

/* Write a different word to the start and the end of each page, or check that. */
void mark_pages(struct dma_buf *dmabuf);
void expect_marks_at(struct kunit *test, struct dma_buf *dmabuf, const void *vaddr);

/* How many bytes of the buffer are not zero. */
unsigned long bytes_not_zero(struct dma_buf *dmabuf);

/* mmap() of @pages pages from page @pgoff on; what that answers. */
unsigned long map_buffer(struct kunit *test, struct dma_buf *dmabuf, unsigned long pgoff,
			 unsigned long pages, unsigned long prot, unsigned long flags);

/* The same for a shared mapping that can be written, which has to work. */
unsigned long map_shared(struct kunit *test, struct dma_buf *dmabuf, unsigned long pgoff,
			 unsigned long pages);

/* Read or write a word of the process; false when that faults for good. */
bool user_get(unsigned long addr, u32 *word);
bool user_put(unsigned long addr, u32 word);

/* The mapping at @addr shows @pages pages of the buffer from page @pgoff on. */
void expect_marks_in_user(struct kunit *test, struct dma_buf *dmabuf, unsigned long addr,
			  unsigned long pgoff, unsigned long pages);

#endif
