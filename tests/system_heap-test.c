// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heaps/system_heap.c and its pool guarantee.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>

#include "../heaps/system_heap.h"
#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"

static struct dma_buf *allocate(unsigned long len)
{
	return system_heap_allocate(NULL, len, O_RDWR | O_CLOEXEC, 0);
}

static struct dma_buf *allocate_ok(struct kunit *test, unsigned long len)
{
	struct dma_buf *dmabuf = allocate(len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	return dmabuf;
}

static void put_action(void *dmabuf)
{
	put_buffer(dmabuf);
}

/* A buffer with no zeros in it that the case puts. */
static struct dma_buf *full_buffer(struct kunit *test, unsigned long len)
{
	struct dma_buf *dmabuf = allocate_ok(test, len);
	unsigned long i;
	void *vaddr;

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_action, dmabuf));
	for (i = 0; i < len >> PAGE_SHIFT; i++) {
		vaddr = kmap_local_page(buffer_page(dmabuf, i));
		memset(vaddr, 0xaa, PAGE_SIZE);
		kunmap_local(vaddr);
	}
	return dmabuf;
}

static void put_now(struct kunit *test, struct dma_buf *dmabuf)
{
	kunit_release_action(test, put_action, dmabuf);
}

/* So large that what leaks but a few times is sorely missed. */
static unsigned long large(void)
{
	return (totalram_pages() / 8) << PAGE_SHIFT;
}

static void expect_no_leak(struct kunit *test)
{
	put_buffer(allocate_ok(test, 4 * large()));
}

static void buffer_is_what_was_asked_for(struct kunit *test)
{
	static const unsigned long pages[] = { 1, 2, 3, 15, 16, 513, 1000 };
	struct dma_buf *dmabuf;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		dmabuf = allocate_ok(test, pages[i] << PAGE_SHIFT);
		KUNIT_EXPECT_EQ(test, pages[i] << PAGE_SHIFT, dmabuf->size);
		KUNIT_EXPECT_EQ(test, pages[i], to_paged_buffer(dmabuf)->extents.pages);
		KUNIT_EXPECT_STREQ(test, "system", dmabuf->exp_name);
		put_buffer(dmabuf);
	}
}

static void memory_is_zeroed(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, SZ_4M);

	KUNIT_EXPECT_EQ(test, SZ_4M, bytes_not_zero(dmabuf));
	put_now(test, dmabuf);

	dmabuf = allocate_ok(test, SZ_4M);
	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(dmabuf));
	put_buffer(dmabuf);
}

static void power_of_two_is_in_one_piece(struct kunit *test)
{
	struct dma_buf *dmabuf;
	unsigned int order;

	/* Small enough to be had even when memory is in pieces. */
	for (order = 0; order <= 3; order++) {
		dmabuf = allocate_ok(test, PAGE_SIZE << order);
		KUNIT_EXPECT_EQ(test, 1, to_paged_buffer(dmabuf)->extents.nr);
		put_buffer(dmabuf);
	}
}

static void runs_are_long(struct kunit *test)
{
	struct dma_buf *dmabuf = allocate_ok(test, SZ_8M);

	KUNIT_EXPECT_LE(test, to_paged_buffer(dmabuf)->extents.nr, SZ_8M / SZ_64K);
	put_buffer(dmabuf);
}

static void size_beyond_the_machine_is_refused_at_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR_OR_ZERO(allocate(ULONG_MAX & PAGE_MASK)));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			PTR_ERR_OR_ZERO(allocate((totalram_pages() + 1) << PAGE_SHIFT)));
}

static void killed_caller_stops(struct kunit *test)
{
	struct dma_buf *dmabuf;

	/* As a fatal signal does it, for a thread that blocks them all. */
	sigaddset(&current->pending.signal, SIGKILL);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	dmabuf = allocate(SZ_4M);
	sigdelset(&current->pending.signal, SIGKILL);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);

	KUNIT_EXPECT_EQ(test, -EINTR, PTR_ERR_OR_ZERO(dmabuf));
}

static void allocation_that_fails_leaks_nothing(struct kunit *test)
{
	unsigned int failed = 0;
	struct dma_buf *dmabuf;
	bool hit = true;
	int nth = 0;

	needs_failslab(test);
	while (hit) {
		fail_allocation(test, ++nth);
		dmabuf = allocate(large());
		hit = fail_allocation_hit();
		/* To do without a smaller array of runs is fine. */
		failed += IS_ERR(dmabuf);
		if (!IS_ERR(dmabuf))
			put_buffer(dmabuf);
	}
	KUNIT_EXPECT_FALSE(test, IS_ERR(dmabuf));
	KUNIT_EXPECT_GE(test, failed, 4);
	expect_no_leak(test);
}

static void private_mapping_of_one_page_works(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, 4 * PAGE_SIZE);
	unsigned long addr;
	u32 word = 0;

	mark_pages(dmabuf);
	addr = map_buffer(test, dmabuf, 2, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR_VALUE(addr), "mmap: %ld", (long)addr);
	expect_marks_in_user(test, dmabuf, addr, 2, 1);

	/* Copied when it is written; the buffer keeps what it has. */
	KUNIT_ASSERT_TRUE(test, user_put(addr, 4711));
	KUNIT_EXPECT_TRUE(test, user_get(addr, &word));
	KUNIT_EXPECT_EQ(test, 4711, word);
	expect_marks_in_user(test, dmabuf, map_shared(test, dmabuf, 0, 4), 0, 4);
}

static void private_mapping_of_more_is_refused(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, 4 * PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, 2, PROT_READ,
							MAP_PRIVATE));
}

static void shared_mapping_shows_the_buffer(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, SZ_4M + PAGE_SIZE);
	unsigned long pages = dmabuf->size >> PAGE_SHIFT;

	mark_pages(dmabuf);
	expect_marks_in_user(test, dmabuf, map_shared(test, dmabuf, 0, pages), 0, pages);
}

static void vmap_shows_the_buffer(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, SZ_4M + PAGE_SIZE);
	struct iosys_map map;

	mark_pages(dmabuf);
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	expect_marks_at(test, dmabuf, map.vaddr);
	dma_buf_vunmap_unlocked(dmabuf, &map);
}

static struct kunit_case system_heap_cases[] = {
	KUNIT_CASE(buffer_is_what_was_asked_for),
	KUNIT_CASE(memory_is_zeroed),
	KUNIT_CASE(power_of_two_is_in_one_piece),
	KUNIT_CASE(runs_are_long),
	KUNIT_CASE(size_beyond_the_machine_is_refused_at_once),
	KUNIT_CASE(killed_caller_stops),
	KUNIT_CASE(allocation_that_fails_leaks_nothing),
	KUNIT_CASE(private_mapping_of_one_page_works),
	KUNIT_CASE(private_mapping_of_more_is_refused),
	KUNIT_CASE(shared_mapping_shows_the_buffer),
	KUNIT_CASE(vmap_shows_the_buffer),
	{}
};

static struct kunit_suite system_heap_suite = {
	.name = "dma-buf-system-heap",
	.test_cases = system_heap_cases,
};

#ifdef CONFIG_DMABUF_HEAPS_SYSTEM_POOL
static unsigned long in_pool(void)
{
	unsigned long pages = system_pool_count(NULL, NULL);

	return pages == SHRINK_EMPTY ? 0 : pages;
}

static void pool_of(unsigned long len)
{
	system_pool_set_limit(len >> PAGE_SHIFT);
	system_pool_settle();
}

static int pool_init(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, in_pool());
	pool_of(SZ_8M);
	return 0;
}

static void pool_exit(struct kunit *test)
{
	pool_of(0);
	KUNIT_EXPECT_EQ(test, 0, in_pool());
}

static void pool_is_off_by_default(struct kunit *test)
{
	pool_of(0);
	put_now(test, full_buffer(test, SZ_1M));
	KUNIT_EXPECT_EQ(test, 0, in_pool());
}

static void freed_memory_serves_the_next_buffer(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, SZ_1M);
	unsigned long pfn = page_to_pfn(buffer_page(dmabuf, 0));

	put_now(test, dmabuf);
	KUNIT_EXPECT_EQ(test, SZ_1M >> PAGE_SHIFT, in_pool());
	system_pool_settle();
	dmabuf = allocate_ok(test, SZ_1M);
	KUNIT_EXPECT_EQ(test, 0, in_pool());
	if (to_paged_buffer(dmabuf)->extents.nr == 1)
		KUNIT_EXPECT_EQ(test, pfn, page_to_pfn(buffer_page(dmabuf, 0)));
	put_buffer(dmabuf);
}

static void memory_that_the_worker_has_cleared_is_zeroed(struct kunit *test)
{
	struct dma_buf *dmabuf;

	put_now(test, full_buffer(test, SZ_4M + PAGE_SIZE));
	system_pool_settle();
	KUNIT_ASSERT_EQ(test, (SZ_4M >> PAGE_SHIFT) + 1, in_pool());
	dmabuf = allocate_ok(test, SZ_4M + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, in_pool());
	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(dmabuf));
	put_buffer(dmabuf);
}

static void memory_that_the_worker_has_not_come_to_is_zeroed(struct kunit *test)
{
	struct dma_buf *dmabuf;
	unsigned int i;

	/* Some of it may be clear already; one of many rounds is early enough. */
	for (i = 0; i < 20; i++) {
		put_now(test, full_buffer(test, SZ_4M + PAGE_SIZE));
		dmabuf = allocate_ok(test, SZ_4M + PAGE_SIZE);
		KUNIT_ASSERT_EQ(test, 0, bytes_not_zero(dmabuf));
		put_buffer(dmabuf);
	}
}

static void pool_keeps_to_its_limit(struct kunit *test)
{
	pool_of(SZ_2M);
	put_now(test, full_buffer(test, SZ_8M));
	KUNIT_EXPECT_LE(test, in_pool(), SZ_2M >> PAGE_SHIFT);
	KUNIT_EXPECT_GT(test, in_pool(), 0);
}

static void lower_limit_gives_memory_back(struct kunit *test)
{
	put_now(test, full_buffer(test, SZ_8M));
	KUNIT_ASSERT_EQ(test, SZ_8M >> PAGE_SHIFT, in_pool());
	pool_of(SZ_1M);
	KUNIT_EXPECT_LE(test, in_pool(), SZ_1M >> PAGE_SHIFT);
}

static void memory_pressure_gets_everything_back(struct kunit *test)
{
	struct shrink_control sc = { .nr_to_scan = 1 };
	unsigned long freed, had;

	put_now(test, full_buffer(test, SZ_4M + 3 * PAGE_SIZE));
	system_pool_settle();
	while ((had = in_pool())) {
		freed = system_pool_scan(NULL, &sc);
		KUNIT_ASSERT_NE(test, SHRINK_STOP, freed);
		KUNIT_EXPECT_EQ(test, had - freed, in_pool());
		KUNIT_EXPECT_EQ(test, freed, sc.nr_scanned);
		sc.nr_to_scan = 128;
	}
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, system_pool_scan(NULL, &sc));
	KUNIT_EXPECT_EQ(test, SHRINK_EMPTY, system_pool_count(NULL, NULL));
}

static void whoever_needs_memory_gets_it_from_the_pool(struct kunit *test)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	unsigned long got, want = (5 * large()) >> PAGE_SHIFT;
	struct page *page, *next;
	LIST_HEAD(pages);

	/* The pool has half of everything. */
	pool_of(4 * large());
	put_buffer(allocate_ok(test, 4 * large()));
	system_pool_settle();
	KUNIT_ASSERT_GT(test, in_pool(), (3 * large()) >> PAGE_SHIFT);

	for (got = 0; got < want; got++) {
		page = alloc_page(gfp);
		if (!page)
			break;
		list_add(&page->lru, &pages);
	}
	KUNIT_EXPECT_EQ(test, want, got);
	KUNIT_EXPECT_LT(test, in_pool(), (3 * large()) >> PAGE_SHIFT);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
}

static void pool_counts_as_reclaimable(struct kunit *test)
{
	unsigned long before = global_node_page_state(NR_KERNEL_MISC_RECLAIMABLE);
	struct dma_buf *dmabuf;

	/* More than a CPU keeps to itself. */
	put_now(test, full_buffer(test, SZ_8M));
	KUNIT_EXPECT_GT(test, global_node_page_state(NR_KERNEL_MISC_RECLAIMABLE),
			before + (SZ_4M >> PAGE_SHIFT));
	dmabuf = allocate_ok(test, SZ_8M);
	KUNIT_EXPECT_LT(test, global_node_page_state(NR_KERNEL_MISC_RECLAIMABLE),
			before + (SZ_4M >> PAGE_SHIFT));
	put_buffer(dmabuf);
}

static void page_that_somebody_holds_is_not_kept(struct kunit *test)
{
	struct dma_buf *dmabuf = full_buffer(test, PAGE_SIZE);
	struct page *page = buffer_page(dmabuf, 0);

	get_page(page);
	put_now(test, dmabuf);
	KUNIT_EXPECT_EQ(test, 0, in_pool());
	put_page(page);
}

static bool accounts(void)
{
	return true;
}

static void accounted_memory_stays_out_of_the_pool(struct kunit *test)
{
	struct dma_buf *dmabuf;

	put_now(test, full_buffer(test, SZ_1M));
	kunit_activate_static_stub(test, system_heap_accounts, accounts);
	dmabuf = allocate_ok(test, SZ_1M);
	KUNIT_EXPECT_EQ(test, SZ_1M >> PAGE_SHIFT, in_pool());
	put_buffer(dmabuf);
	KUNIT_EXPECT_EQ(test, SZ_1M >> PAGE_SHIFT, in_pool());
}

static struct kunit_case system_pool_cases[] = {
	KUNIT_CASE(pool_is_off_by_default),
	KUNIT_CASE(freed_memory_serves_the_next_buffer),
	KUNIT_CASE(memory_that_the_worker_has_cleared_is_zeroed),
	KUNIT_CASE(memory_that_the_worker_has_not_come_to_is_zeroed),
	KUNIT_CASE(pool_keeps_to_its_limit),
	KUNIT_CASE(lower_limit_gives_memory_back),
	KUNIT_CASE(memory_pressure_gets_everything_back),
	KUNIT_CASE(whoever_needs_memory_gets_it_from_the_pool),
	KUNIT_CASE(pool_counts_as_reclaimable),
	KUNIT_CASE(page_that_somebody_holds_is_not_kept),
	KUNIT_CASE(accounted_memory_stays_out_of_the_pool),
	{}
};

static struct kunit_suite system_pool_suite = {
	.name = "dma-buf-system-heap-pool",
	.init = pool_init,
	.exit = pool_exit,
	.test_cases = system_pool_cases,
};

kunit_test_suites(&system_heap_suite, &system_pool_suite);
#else
kunit_test_suite(system_heap_suite);
#endif
