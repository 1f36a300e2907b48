// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the system heap that wait for the next buffer.
 *
 * Clearing memory is most of what an allocation costs. The pool keeps blocks of
 * freed buffers and has a worker clear them, so that a buffer of memory that was
 * used before is there at once. A block is dirty until it has been cleared; one
 * that is needed before the worker has come to it is cleared then. So whatever
 * leaves for a buffer is clear.
 *
 * The pool is bounded by a limit, which is 0 by default, and memory pressure
 * empties it.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <kunit/visibility.h>

#include "system_heap.h"

static DEFINE_SPINLOCK(pool_lock);
/*
 * Blocks by order, which they know themselves as compound pages; linked by
 * &page.lru; under pool_lock.
 */
static struct list_head pool_clean[NR_PAGE_ORDERS];
static struct list_head pool_dirty[NR_PAGE_ORDERS];
/*
 * All pages on the lists, and the block that is being cleared. Written under
 * pool_lock; who reads it without gets a number that was right a moment ago.
 */
static unsigned long pool_pages;
/* What pool_pages must not exceed when a block is added. May change any time. */
static unsigned long pool_limit;
/* Set once at boot. Without it, the pool takes nothing. */
static struct shrinker *pool_shrinker;

/* Count a block in, or out when @pages is negative; under pool_lock. */
static void pool_count(struct page *page, long pages)
{
	WRITE_ONCE(pool_pages, pool_pages + pages);
	mod_node_page_state(page_pgdat(page), NR_KERNEL_MISC_RECLAIMABLE, pages);
}

/* Take a block off one of the lists, which still counts; under pool_lock. */
static struct page *pool_take(struct list_head *list)
{
	struct page *page = list_first_entry_or_null(list, struct page, lru);

	if (page)
		list_del(&page->lru);
	return page;
}

static void pool_clear(struct page *page, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++) {
		clear_highpage(nth_page(page, i));
		flush_dcache_page(nth_page(page, i));
	}
}

/**
 * system_pool_get - take a block out of the pool
 * @order: its size
 *
 * Context: Process, may sleep.
 * Return: the block, clear and the caller's, or NULL when the pool has none.
 */
struct page *system_pool_get(unsigned int order)
{
	struct page *page;
	bool dirty;

	/* The lock has nothing to say about a pool that is empty. */
	if (!READ_ONCE(pool_pages))
		return NULL;

	scoped_guard(spinlock, &pool_lock) {
		page = pool_take(&pool_clean[order]);
		dirty = !page;
		if (dirty)
			page = pool_take(&pool_dirty[order]);
		if (page)
			pool_count(page, -(1L << order));
	}
	if (page && dirty)
		pool_clear(page, order);
	return page;
}

/* A dirty block, the largest there is, off its list. */
static struct page *pool_next_dirty(void)
{
	struct page *page = NULL;
	int order;

	scoped_guard(spinlock, &pool_lock) {
		for (order = MAX_PAGE_ORDER; order >= 0 && !page; order--)
			page = pool_take(&pool_dirty[order]);
	}
	return page;
}

/* A block that can be spared most easily, out of the pool: dirty, then small. */
static struct page *pool_next_spare(void)
{
	struct page *page = NULL;
	unsigned int order;

	scoped_guard(spinlock, &pool_lock) {
		for (order = 0; order < NR_PAGE_ORDERS && !page; order++)
			page = pool_take(&pool_dirty[order]);
		for (order = 0; order < NR_PAGE_ORDERS && !page; order++)
			page = pool_take(&pool_clean[order]);
		if (page)
			pool_count(page, -(long)compound_nr(page));
	}
	return page;
}

/* Give back @pages pages or somewhat more; returns how many. */
static unsigned long pool_give_back(unsigned long pages)
{
	unsigned long freed = 0;
	struct page *page;

	while (freed < pages) {
		page = pool_next_spare();
		if (!page)
			break;
		freed += compound_nr(page);
		__free_pages(page, compound_order(page));
		cond_resched();
	}
	return freed;
}

/* Enforce a limit that has become lower, then clear what is dirty. */
static void pool_work_fn(struct work_struct *work)
{
	unsigned long pages = READ_ONCE(pool_pages), limit = READ_ONCE(pool_limit);
	struct page *page;

	if (pages > limit)
		pool_give_back(pages - limit);

	while ((page = pool_next_dirty())) {
		pool_clear(page, compound_order(page));
		scoped_guard(spinlock, &pool_lock)
			list_add(&page->lru, &pool_clean[compound_order(page)]);
		cond_resched();
	}
}

static DECLARE_WORK(pool_work, pool_work_fn);

/* Has the hardware reported one of the pages as broken? */
static bool pool_is_poisoned(struct page *page, unsigned int order)
{
	unsigned long i;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		return false;
	for (i = 0; i < 1UL << order; i++) {
		if (PageHWPoison(nth_page(page, i)))
			return true;
	}
	return false;
}

/**
 * system_pool_put - give a block to the pool
 * @page: the block, with whatever is in it
 * @order: its size
 *
 * Context: Process.
 * Return: false when it stays the caller's: the pool is full, somebody has a
 * reference to the block, or some of its memory is broken.
 */
bool system_pool_put(struct page *page, unsigned int order)
{
	unsigned long limit = READ_ONCE(pool_limit);

	if (!limit || !pool_shrinker || page_count(page) != 1 || pool_is_poisoned(page, order))
		return false;

	scoped_guard(spinlock, &pool_lock) {
		if (pool_pages + (1UL << order) > limit)
			return false;
		list_add(&page->lru, &pool_dirty[order]);
		pool_count(page, 1L << order);
	}
	queue_work(system_unbound_wq, &pool_work);
	return true;
}

/* Have the pool keep at most @pages pages. */
VISIBLE_IF_KUNIT void system_pool_set_limit(unsigned long pages)
{
	WRITE_ONCE(pool_limit, pages);
	/* Empty when the command line is read, which is before workqueues are. */
	if (READ_ONCE(pool_pages))
		queue_work(system_unbound_wq, &pool_work);
}
EXPORT_SYMBOL_IF_KUNIT(system_pool_set_limit);

#define PAGES_PER_MB_SHIFT (20 - PAGE_SHIFT)

static int pool_limit_set(const char *val, const struct kernel_param *kp)
{
	unsigned long mb;
	int ret = kstrtoul(val, 0, &mb);

	if (ret)
		return ret;
	if (mb > ULONG_MAX >> PAGES_PER_MB_SHIFT)
		return -ERANGE;
	system_pool_set_limit(mb << PAGES_PER_MB_SHIFT);
	return 0;
}

static int pool_limit_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pool_limit) >> PAGES_PER_MB_SHIFT);
}

static const struct kernel_param_ops pool_limit_ops = {
	.set = pool_limit_set,
	.get = pool_limit_get,
};
module_param_cb(limit_mb, &pool_limit_ops, NULL, 0644);
MODULE_PARM_DESC(limit_mb, "Megabytes of freed memory to keep for the next buffers (default: 0)");

VISIBLE_IF_KUNIT unsigned long system_pool_count(struct shrinker *shrinker,
						 struct shrink_control *sc)
{
	return READ_ONCE(pool_pages) ?: SHRINK_EMPTY;
}
EXPORT_SYMBOL_IF_KUNIT(system_pool_count);

VISIBLE_IF_KUNIT unsigned long system_pool_scan(struct shrinker *shrinker,
						struct shrink_control *sc)
{
	unsigned long freed = pool_give_back(sc->nr_to_scan);

	/* A block may be more than what was asked for. */
	sc->nr_scanned = freed;
	/* Whoever reclaims sees that it was worth the trouble. */
	mm_account_reclaimed_pages(freed);
	return freed ?: SHRINK_STOP;
}
EXPORT_SYMBOL_IF_KUNIT(system_pool_scan);

/* Wait until the worker has nothing to do; for tests. */
VISIBLE_IF_KUNIT void system_pool_settle(void)
{
	flush_work(&pool_work);
}
EXPORT_SYMBOL_IF_KUNIT(system_pool_settle);

static int __init system_pool_init(void)
{
	unsigned int i;

	for (i = 0; i < NR_PAGE_ORDERS; i++) {
		INIT_LIST_HEAD(&pool_clean[i]);
		INIT_LIST_HEAD(&pool_dirty[i]);
	}

	pool_shrinker = shrinker_alloc(0, "system-heap-pool");
	if (!pool_shrinker)
		return -ENOMEM;
	pool_shrinker->count_objects = system_pool_count;
	pool_shrinker->scan_objects = system_pool_scan;
	/* To get it back costs no I/O: let it go soon. */
	pool_shrinker->seeks = 0;
	shrinker_register(pool_shrinker);
	return 0;
}
subsys_initcall(system_pool_init);
