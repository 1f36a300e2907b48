/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the system heap and its pool of pages share.
 */
#ifndef _DMA_BUF_SYSTEM_HEAP_H
#define _DMA_BUF_SYSTEM_HEAP_H

#include <linux/minmax.h>
#include <linux/mmzone.h>
#include <linux/pgtable.h>
#include <linux/types.h>

struct page;

/* The largest block of pages that does any good: what one entry can map. */
#define SYSTEM_HEAP_MAX_ORDER	min_t(unsigned int, PMD_SHIFT - PAGE_SHIFT, MAX_PAGE_ORDER)

#ifdef CONFIG_DMABUF_HEAPS_SYSTEM_POOL
struct page *system_pool_get(unsigned int order);
bool system_pool_put(struct page *page, unsigned int order);
#else
static inline struct page *system_pool_get(unsigned int order)
{
	return NULL;
}

static inline bool system_pool_put(struct page *page, unsigned int order)
{
	return false;
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
struct dma_buf;
struct dma_heap;
struct shrink_control;
struct shrinker;

struct dma_buf *system_heap_allocate(struct dma_heap *heap, unsigned long len,
				     u32 fd_flags, u64 heap_flags);
bool system_heap_accounts(void);
void system_pool_set_limit(unsigned long pages);
unsigned long system_pool_count(struct shrinker *shrinker, struct shrink_control *sc);
unsigned long system_pool_scan(struct shrinker *shrinker, struct shrink_control *sc);
void system_pool_settle(void);
#endif

#endif
