// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heaps/paged-buffer-mmap.c guarantees: mappings of processes.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <kunit/test.h>

#include "paged-fixture.h"

static void mapping_shows_every_page(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);

	expect_marks_in_user(test, dmabuf, addr, 0, SCATTERED_PAGES);
}

static void mapping_starts_at_its_offset(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long pgoff, addr;

	for (pgoff = 1; pgoff < SCATTERED_PAGES; pgoff++) {
		addr = map_shared(test, dmabuf, pgoff, SCATTERED_PAGES - pgoff);
		expect_marks_in_user(test, dmabuf, addr, pgoff, SCATTERED_PAGES - pgoff);
	}
}

static void last_page_can_be_touched_first(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long i, addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);

	for (i = SCATTERED_PAGES; i--; )
		expect_marks_in_user(test, dmabuf, addr + i * PAGE_SIZE, i, 1);
}

static void writes_arrive(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long i, addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);

	for (i = 0; i < SCATTERED_PAGES; i++)
		KUNIT_ASSERT_TRUE(test, user_put(addr + i * PAGE_SIZE, 700 + i));
	for (i = 0; i < SCATTERED_PAGES; i++)
		KUNIT_EXPECT_EQ(test, 700 + i, *(u32 *)page_address(buffer_page(dmabuf, i)));
}

/* How many page tables it takes to map this. */
static unsigned long page_tables(unsigned long addr, unsigned long pages)
{
	unsigned long last = addr + (pages << PAGE_SHIFT) - 1;

	return (last >> PMD_SHIFT) - (addr >> PMD_SHIFT) + 1;
}

static void one_fault_fills_a_page_table(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long i, before, addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);
	u32 word;

	/* From the end; and reads first, for what they fill can be written as well. */
	before = current->min_flt + current->maj_flt;
	for (i = SCATTERED_PAGES; i--; )
		KUNIT_ASSERT_TRUE(test, user_get(addr + i * PAGE_SIZE, &word));
	for (i = 0; i < SCATTERED_PAGES; i++)
		KUNIT_ASSERT_TRUE(test, user_put(addr + i * PAGE_SIZE, i));
	KUNIT_EXPECT_EQ(test, page_tables(addr, SCATTERED_PAGES),
			current->min_flt + current->maj_flt - before);
}

static void fault_fills_nothing_beyond_the_mapping(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);
	u32 word;

	/* Cut off both ends before anything is there. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, 2 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + 9 * PAGE_SIZE, 2 * PAGE_SIZE));
	expect_marks_in_user(test, dmabuf, addr + 2 * PAGE_SIZE, 2, 7);
	KUNIT_EXPECT_FALSE(test, user_get(addr + PAGE_SIZE, &word));
	KUNIT_EXPECT_FALSE(test, user_get(addr + 9 * PAGE_SIZE, &word));
}

static void middle_of_a_mapping_can_go(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);
	u32 word;

	expect_marks_in_user(test, dmabuf, addr, 0, SCATTERED_PAGES);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + 4 * PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, user_get(addr + 4 * PAGE_SIZE, &word));
	expect_marks_in_user(test, dmabuf, addr, 0, 4);
	expect_marks_in_user(test, dmabuf, addr + 6 * PAGE_SIZE, 6, 5);
}

static void halves_of_a_mapping_fill_by_themselves(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_shared(test, dmabuf, 0, SCATTERED_PAGES);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + 4 * PAGE_SIZE, PAGE_SIZE));
	expect_marks_in_user(test, dmabuf, addr + 5 * PAGE_SIZE, 5, 6);
	expect_marks_in_user(test, dmabuf, addr, 0, 4);
}

static void two_mappings_show_the_same_pages(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long one = map_shared(test, dmabuf, 0, SCATTERED_PAGES);
	unsigned long two = map_shared(test, dmabuf, 3, 4);
	u32 word = 0;

	KUNIT_EXPECT_TRUE(test, user_put(one + 5 * PAGE_SIZE, 4711));
	KUNIT_EXPECT_TRUE(test, user_get(two + 2 * PAGE_SIZE, &word));
	KUNIT_EXPECT_EQ(test, 4711, word);
}

static void mapping_without_write_permission_stays_so(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_buffer(test, dmabuf, 0, SCATTERED_PAGES, PROT_READ, MAP_SHARED);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_FALSE(test, user_put(addr, 1));
	expect_marks_in_user(test, dmabuf, addr, 0, SCATTERED_PAGES);
	KUNIT_EXPECT_FALSE(test, user_put(addr, 1));
}

static void private_mapping_is_refused(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, 1, PROT_READ,
							MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, SCATTERED_PAGES,
							PROT_READ | PROT_WRITE, MAP_PRIVATE));
}

static void mapping_can_neither_grow_nor_be_dumped(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long addr = map_shared(test, dmabuf, 0, 2);
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		KUNIT_EXPECT_EQ(test, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP,
				vma->vm_flags & (VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP));
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_NOT_NULL(test, vma);
}

#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
static void free_order(void *order)
{
	kvfree(order);
}

/* The pages of two large ones; @swap and the page behind it change places. */
static struct dma_buf *large_buffer(struct kunit *test, unsigned int swap)
{
	const unsigned int nr = 2 * HPAGE_PMD_NR;
	unsigned int i, *order = kvmalloc_array(nr, sizeof(*order), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, order);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_order, order));
	for (i = 0; i < nr; i++)
		order[i] = i;
	if (swap)
		swap(order[swap], order[swap + 1]);
	return picked_buffer(test, order, nr);
}

/* Is @addr mapped by a large page? */
static bool is_large(unsigned long addr)
{
	pmd_t *pmd;
	bool large;

	mmap_read_lock(current->mm);
	pmd = pmd_off(current->mm, addr);
	large = pmd_present(*pmd) && pmd_leaf(*pmd);
	mmap_read_unlock(current->mm);
	return large;
}

static void run_that_is_aligned_is_mapped_as_a_large_page(struct kunit *test)
{
	struct dma_buf *dmabuf = large_buffer(test, 0);
	unsigned long before, addr = map_shared(test, dmabuf, 0, 2 * HPAGE_PMD_NR);

	KUNIT_ASSERT_TRUE(test, IS_ALIGNED(addr, PMD_SIZE));
	before = current->min_flt + current->maj_flt;
	expect_marks_in_user(test, dmabuf, addr, 0, 2 * HPAGE_PMD_NR);
	KUNIT_ASSERT_TRUE(test, user_put(addr, 4711));
	KUNIT_EXPECT_EQ(test, 2, current->min_flt + current->maj_flt - before);
	KUNIT_EXPECT_TRUE(test, is_large(addr));
	KUNIT_EXPECT_TRUE(test, is_large(addr + PMD_SIZE));
}

static void run_that_is_too_short_is_mapped_by_pages(struct kunit *test)
{
	struct dma_buf *dmabuf = large_buffer(test, 7);
	unsigned long addr = map_shared(test, dmabuf, 0, 2 * HPAGE_PMD_NR);

	expect_marks_in_user(test, dmabuf, addr, 0, 2 * HPAGE_PMD_NR);
	KUNIT_EXPECT_FALSE(test, is_large(addr));
	KUNIT_EXPECT_TRUE(test, is_large(addr + PMD_SIZE));
}

static void large_page_that_is_split_fills_again(struct kunit *test)
{
	struct dma_buf *dmabuf = large_buffer(test, 0);
	unsigned long addr = map_shared(test, dmabuf, 0, 2 * HPAGE_PMD_NR);
	u32 word;

	expect_marks_in_user(test, dmabuf, addr, 0, 2 * HPAGE_PMD_NR);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + 16 * PAGE_SIZE, 16 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, user_get(addr + 16 * PAGE_SIZE, &word));
	expect_marks_in_user(test, dmabuf, addr, 0, 16);
	expect_marks_in_user(test, dmabuf, addr + 32 * PAGE_SIZE, 32, 2 * HPAGE_PMD_NR - 32);
	KUNIT_EXPECT_FALSE(test, is_large(addr));
	KUNIT_EXPECT_TRUE(test, is_large(addr + PMD_SIZE));
}

static void offset_that_is_not_aligned_is_mapped_by_pages(struct kunit *test)
{
	struct dma_buf *dmabuf = large_buffer(test, 0);
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, 3 * PMD_SIZE, PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS, 0);

	/* Aligned address, odd page of the buffer. */
	addr = kunit_vm_mmap(test, dmabuf->file, ALIGN(addr, PMD_SIZE), PMD_SIZE, PROT_READ,
			     MAP_SHARED | MAP_FIXED, PAGE_SIZE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	expect_marks_in_user(test, dmabuf, addr, 1, HPAGE_PMD_NR);
	KUNIT_EXPECT_FALSE(test, is_large(addr));
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, picked_buffers_alive());
}

static struct kunit_case paged_buffer_mmap_cases[] = {
	KUNIT_CASE(mapping_shows_every_page),
	KUNIT_CASE(mapping_starts_at_its_offset),
	KUNIT_CASE(last_page_can_be_touched_first),
	KUNIT_CASE(writes_arrive),
	KUNIT_CASE(one_fault_fills_a_page_table),
	KUNIT_CASE(fault_fills_nothing_beyond_the_mapping),
	KUNIT_CASE(middle_of_a_mapping_can_go),
	KUNIT_CASE(halves_of_a_mapping_fill_by_themselves),
	KUNIT_CASE(two_mappings_show_the_same_pages),
	KUNIT_CASE(mapping_without_write_permission_stays_so),
	KUNIT_CASE(private_mapping_is_refused),
	KUNIT_CASE(mapping_can_neither_grow_nor_be_dumped),
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	KUNIT_CASE(run_that_is_aligned_is_mapped_as_a_large_page),
	KUNIT_CASE(run_that_is_too_short_is_mapped_by_pages),
	KUNIT_CASE(large_page_that_is_split_fills_again),
	KUNIT_CASE(offset_that_is_not_aligned_is_mapped_by_pages),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite paged_buffer_mmap_suite = {
	.name = "dma-buf-paged-buffer-mmap",
	.test_cases = paged_buffer_mmap_cases,
};

kunit_test_suite(paged_buffer_mmap_suite);
