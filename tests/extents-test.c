// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heaps/extents.c guarantees: runs of pages, and what is made of them.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <kunit/test.h>

#include "../heaps/extents.h"
#include "shortage.h"
#include "sync-user.h"

static void fini_action(void *extents)
{
	extents_fini(extents);
}

/* No pages, freed with the case. */
static struct extents *no_extents(struct kunit *test)
{
	struct extents *extents = kunit_kmalloc(test, sizeof(*extents), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, extents);
	extents_init(extents);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fini_action, extents));
	return extents;
}

static void append(struct kunit *test, struct extents *extents, unsigned long pfn,
		   unsigned long pages)
{
	KUNIT_ASSERT_EQ(test, 0, extents_append(extents, pfn, pages));
}

static void free_pages_action(void *page)
{
	__free_pages(page, 4);
}

/* The first page frame of 16, freed with the case. */
static unsigned long sixteen_pages(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_pages_action, page));
	return page_to_pfn(page);
}

static u32 *page_word(unsigned long pfn)
{
	return page_address(pfn_to_page(pfn));
}

static void adjacent_pages_become_one_run(struct kunit *test)
{
	struct extents *extents = no_extents(test);

	append(test, extents, 100, 1);
	append(test, extents, 101, 7);
	append(test, extents, 108, 512);
	KUNIT_EXPECT_EQ(test, 1, extents->nr);
	KUNIT_EXPECT_EQ(test, 520, extents->pages);
	KUNIT_EXPECT_EQ(test, 520, extents_len(extents, 0));
	KUNIT_EXPECT_EQ(test, 100, extents->run[0].pfn);
}

static void other_pages_stay_apart(struct kunit *test)
{
	struct extents *extents = no_extents(test);

	append(test, extents, 100, 2);
	/* one page between, the page in front, the same page again */
	append(test, extents, 103, 1);
	append(test, extents, 102, 1);
	append(test, extents, 102, 4);
	KUNIT_EXPECT_EQ(test, 4, extents->nr);
	KUNIT_EXPECT_EQ(test, 8, extents->pages);
	KUNIT_EXPECT_EQ(test, 4, extents_len(extents, 3));
}

static void first_page_frame_is_a_page_like_any_other(struct kunit *test)
{
	struct extents *extents = no_extents(test);
	unsigned long left;

	append(test, extents, 0, 1);
	append(test, extents, 1, 1);
	KUNIT_EXPECT_EQ(test, 1, extents->nr);
	KUNIT_EXPECT_EQ(test, 1, extents_pfn(extents, 1, &left));
}

static void single_run_needs_no_array(struct kunit *test)
{
	struct extents *extents = no_extents(test);

	needs_failslab(test);
	fail_allocation(test, 1);
	append(test, extents, 100, 1);
	append(test, extents, 101, 1);
	KUNIT_EXPECT_FALSE(test, fail_allocation_hit());
}

static void append_that_fails_changes_nothing(struct kunit *test)
{
	struct extents *extents = no_extents(test);

	needs_failslab(test);
	append(test, extents, 100, 1);
	fail_allocation(test, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, extents_append(extents, 200, 1));
	KUNIT_ASSERT_TRUE(test, fail_allocation_hit());
	KUNIT_EXPECT_EQ(test, 1, extents->nr);
	KUNIT_EXPECT_EQ(test, 1, extents->pages);
	append(test, extents, 200, 1);
	KUNIT_EXPECT_EQ(test, 2, extents->nr);
}

static void size_that_no_size_t_holds_is_refused(struct kunit *test)
{
	struct extents *extents = no_extents(test);
	unsigned long most = SIZE_MAX >> PAGE_SHIFT;

	KUNIT_EXPECT_EQ(test, -EOVERFLOW, extents_append(extents, 0, most + 1));
	append(test, extents, 0, most);
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, extents_append(extents, most, 1));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, extents_append(extents, most, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, most, extents->pages);
}

#define MANY 1000

/* Runs of 1 to 8 pages; @start gets where each begins, and the end. */
static void append_many(struct kunit *test, struct extents *extents, unsigned long *start)
{
	unsigned long i, len;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	start[0] = 0;
	for (i = 0; i < MANY; i++) {
		len = 1 + prandom_u32_state(&rnd) % 8;
		append(test, extents, 16 * i, len);
		start[i + 1] = start[i] + len;
	}
}

static void every_page_is_found(struct kunit *test)
{
	unsigned long *start = kunit_kcalloc(test, MANY + 1, sizeof(*start), GFP_KERNEL);
	struct extents *extents = no_extents(test);
	unsigned long i, index, left;

	KUNIT_ASSERT_NOT_NULL(test, start);
	append_many(test, extents, start);
	KUNIT_ASSERT_EQ(test, MANY, extents->nr);
	KUNIT_ASSERT_EQ(test, start[MANY], extents->pages);

	for (i = 0; i < MANY; i++) {
		for (index = start[i]; index < start[i + 1]; index++) {
			KUNIT_ASSERT_EQ(test, i, extents_find(extents, index));
			KUNIT_ASSERT_EQ(test, 16 * i + index - start[i],
					extents_pfn(extents, index, &left));
			KUNIT_ASSERT_EQ(test, start[i + 1] - index, left);
		}
	}
}

static void trimmed_array_holds_the_same_runs(struct kunit *test)
{
	unsigned long *start = kunit_kcalloc(test, MANY + 1, sizeof(*start), GFP_KERNEL);
	struct extents *extents = no_extents(test);
	unsigned long i;

	KUNIT_ASSERT_NOT_NULL(test, start);
	append_many(test, extents, start);
	KUNIT_ASSERT_GT(test, extents->room, extents->nr);
	extents_trim(extents);
	KUNIT_EXPECT_EQ(test, extents->nr, extents->room);
	for (i = 0; i < MANY; i++) {
		KUNIT_ASSERT_EQ(test, 16 * i, extents->run[i].pfn);
		KUNIT_ASSERT_EQ(test, start[i], extents->run[i].start);
	}
}

/* A list of @extents has these lengths, in pages, and shows all pages in order. */
static void expect_list(struct kunit *test, struct extents *extents, size_t max,
			const unsigned int *len, unsigned int nr)
{
	unsigned long index = 0, left;
	struct sg_table table;
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, extents_sg_table(extents, &table, max));
	KUNIT_EXPECT_EQ(test, nr, table.orig_nents);
	for_each_sgtable_sg(&table, sg, i) {
		if (i >= nr)
			break;
		KUNIT_EXPECT_EQ(test, extents_pfn(extents, index, &left),
				page_to_pfn(sg_page(sg)));
		KUNIT_EXPECT_EQ(test, 0, sg->offset);
		KUNIT_EXPECT_EQ(test, (size_t)len[i] << PAGE_SHIFT, sg->length);
		index += len[i];
	}
	KUNIT_EXPECT_EQ(test, extents->pages, index);
	sg_free_table(&table);
}

static void list_has_one_entry_per_run(struct kunit *test)
{
	static const unsigned int len[] = { 5, 1, 4 };
	unsigned long pfn = sixteen_pages(test);
	struct extents *extents = no_extents(test);

	append(test, extents, pfn + 8, 3);
	append(test, extents, pfn + 11, 2);
	append(test, extents, pfn + 15, 1);
	append(test, extents, pfn, 4);
	expect_list(test, extents, SIZE_MAX, len, ARRAY_SIZE(len));
}

static void entry_is_no_longer_than_the_device_can_map(struct kunit *test)
{
	static const unsigned int len[] = { 3, 2, 1, 3, 1 };
	unsigned long pfn = sixteen_pages(test);
	struct extents *extents = no_extents(test);

	append(test, extents, pfn + 8, 5);
	append(test, extents, pfn + 15, 1);
	append(test, extents, pfn, 4);
	expect_list(test, extents, 4 * PAGE_SIZE - 1, len, ARRAY_SIZE(len));
}

static void entry_of_4_gib_is_split(struct kunit *test)
{
	const unsigned int gib = SZ_1G >> PAGE_SHIFT;
	const unsigned int len[] = { 2 * gib, 2 * gib, gib };
	struct extents *extents = no_extents(test);

	if (!IS_ENABLED(CONFIG_64BIT) ||
	    (IS_ENABLED(CONFIG_SPARSEMEM) && !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP)))
		kunit_skip(test, "pages that do not exist have no struct page here");

	append(test, extents, sixteen_pages(test), 5UL * gib);
	expect_list(test, extents, SIZE_MAX, len, ARRAY_SIZE(len));
}

static void list_that_fails_leaves_nothing(struct kunit *test)
{
	struct extents *extents = no_extents(test);
	unsigned long pfn = sixteen_pages(test);
	struct sg_table table;
	unsigned long i;
	int ret;

	needs_failslab(test);
	/* A page of entries, which nothing keeps from being allocated, and some more. */
	for (i = 0; i < SG_MAX_SINGLE_ALLOC + 4; i++)
		append(test, extents, pfn + 2 * (i % 8), 1);
	fail_allocation(test, 1);
	ret = extents_sg_table(extents, &table, SIZE_MAX);
	KUNIT_ASSERT_TRUE(test, fail_allocation_hit());
	KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	KUNIT_EXPECT_NULL(test, table.sgl);
}

static void vmap_shows_the_runs_one_behind_the_other(struct kunit *test)
{
	static const unsigned int order[] = { 15, 3, 4, 5, 0, 10, 11 };
	unsigned long pfn = sixteen_pages(test);
	struct extents *extents = no_extents(test);
	unsigned long i;
	u32 *vaddr;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		append(test, extents, pfn + order[i], 1);
		*page_word(pfn + order[i]) = 100 + i;
	}

	vaddr = extents_vmap(extents);
	KUNIT_ASSERT_NOT_NULL(test, vaddr);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		u32 *word = vaddr + i * PAGE_SIZE / sizeof(*vaddr);

		KUNIT_EXPECT_EQ(test, 100 + i, *word);
		*word = 200 + i;
	}
	vunmap(vaddr);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, 200 + i, *page_word(pfn + order[i]));
}

static void free_large(void *page)
{
	__free_pages(page, PMD_SHIFT - PAGE_SHIFT);
}

/* Runs that large pages fit into, with one and with two short ones beside them. */
static void vmap_shows_long_runs_among_short_ones(struct kunit *test)
{
	unsigned long large = PMD_SIZE >> PAGE_SHIFT, pfn = sixteen_pages(test), left, i;
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NOWARN,
					PMD_SHIFT - PAGE_SHIFT);
	struct extents *extents = no_extents(test);
	u32 *vaddr;

	if (!page)
		kunit_skip(test, "needs a large page");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_large, page));
	append(test, extents, pfn + 3, 2);
	append(test, extents, page_to_pfn(page), large);
	append(test, extents, pfn + 8, 1);
	append(test, extents, pfn + 6, 1);
	append(test, extents, page_to_pfn(page), large);
	append(test, extents, pfn + 12, 1);
	append(test, extents, pfn + 10, 2);
	KUNIT_ASSERT_EQ(test, 7, extents->nr);

	vaddr = extents_vmap(extents);
	KUNIT_ASSERT_NOT_NULL(test, vaddr);
	for (i = 0; i < extents->pages; i++) {
		pfn = extents_pfn(extents, i, &left);
		*page_word(pfn) = i;
		KUNIT_ASSERT_EQ(test, i, vaddr[i * PAGE_SIZE / sizeof(*vaddr)]);
	}
	vunmap(vaddr);
}

static void vmap_without_memory_says_so(struct kunit *test)
{
	unsigned long pfn = sixteen_pages(test);
	struct extents *extents = no_extents(test);
	unsigned int failed = 0;
	void *vaddr = NULL;
	bool hit = true;
	int nth = 0;

	needs_failslab(test);
	append(test, extents, pfn, 2);
	append(test, extents, pfn + 4, 2);
	while (hit) {
		fail_allocation(test, ++nth);
		vaddr = extents_vmap(extents);
		hit = fail_allocation_hit();
		/* Some of them vmalloc can do without. */
		failed += !vaddr;
		vunmap(vaddr);
	}
	KUNIT_EXPECT_NOT_NULL(test, vaddr);
	KUNIT_EXPECT_GE(test, failed, 1);
}

static struct kunit_case extents_cases[] = {
	KUNIT_CASE(adjacent_pages_become_one_run),
	KUNIT_CASE(other_pages_stay_apart),
	KUNIT_CASE(first_page_frame_is_a_page_like_any_other),
	KUNIT_CASE(single_run_needs_no_array),
	KUNIT_CASE(append_that_fails_changes_nothing),
	KUNIT_CASE(size_that_no_size_t_holds_is_refused),
	KUNIT_CASE(every_page_is_found),
	KUNIT_CASE(trimmed_array_holds_the_same_runs),
	KUNIT_CASE(list_has_one_entry_per_run),
	KUNIT_CASE(entry_is_no_longer_than_the_device_can_map),
	KUNIT_CASE(entry_of_4_gib_is_split),
	KUNIT_CASE(list_that_fails_leaves_nothing),
	KUNIT_CASE(vmap_shows_the_runs_one_behind_the_other),
	KUNIT_CASE(vmap_shows_long_runs_among_short_ones),
	KUNIT_CASE(vmap_without_memory_says_so),
	{}
};

static struct kunit_suite extents_suite = {
	.name = "dma-buf-extents",
	.test_cases = extents_cases,
};

kunit_test_suite(extents_suite);
