// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a buffer as an array of extents.
 */
#include <linux/cacheflush.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kunit/visibility.h>

#include "extents.h"

/**
 * extents_init - start with no pages
 * @extents: to be initialised
 */
void extents_init(struct extents *extents)
{
	extents->run = &extents->one;
	extents->nr = 0;
	extents->pages = 0;
	extents->room = 1;
}
EXPORT_SYMBOL_IF_KUNIT(extents_init);

/*
 * Move the runs to an array that has space for @room of them. A buffer may be on
 * its way to take all memory: it had better fail than have processes killed.
 */
static int extents_resize(struct extents *extents, unsigned long room)
{
	struct extent *run = kvmalloc_array(room, sizeof(*run),
					    GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);

	if (!run)
		return -ENOMEM;

	memcpy(run, extents->run, extents->nr * sizeof(*run));
	extents_fini(extents);
	extents->run = run;
	extents->room = room;
	return 0;
}

/* Is @pfn right behind the last page? */
static bool extents_end_at(const struct extents *extents, unsigned long pfn)
{
	const struct extent *last;

	if (!extents->nr)
		return false;
	last = &extents->run[extents->nr - 1];
	return last->pfn + (extents->pages - last->start) == pfn;
}

/**
 * extents_append - add pages at the end
 * @extents: the pages so far
 * @pfn: the first page to be added
 * @pages: how many there are from there on, at least one
 *
 * Context: Process, may sleep.
 *
 * Return: 0, -ENOMEM, -EINVAL, with a warning, for no pages, or -EOVERFLOW when
 * the size in bytes would not fit into a size_t. After an error @extents is as it was.
 */
int extents_append(struct extents *extents, unsigned long pfn, unsigned long pages)
{
	unsigned long sum;

	/* A run without pages would be taken for one without end. */
	if (WARN_ON_ONCE(!pages))
		return -EINVAL;
	if (check_add_overflow(extents->pages, pages, &sum) || sum > SIZE_MAX >> PAGE_SHIFT)
		return -EOVERFLOW;

	if (extents_end_at(extents, pfn)) {
		extents->pages = sum;
		return 0;
	}

	if (extents->nr == extents->room &&
	    extents_resize(extents, max(2 * extents->room, 8UL)))
		return -ENOMEM;

	extents->run[extents->nr].pfn = pfn;
	extents->run[extents->nr].start = extents->pages;
	extents->nr++;
	extents->pages = sum;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(extents_append);

/**
 * extents_trim - give back memory that no more appending will use
 * @extents: with all the pages it will ever have
 *
 * Context: Process, may sleep.
 */
void extents_trim(struct extents *extents)
{
	/* Without memory for a smaller array the larger one stays. */
	if (extents->nr > 1 && extents->nr < extents->room)
		extents_resize(extents, extents->nr);
}
EXPORT_SYMBOL_IF_KUNIT(extents_trim);

/**
 * extents_fini - free the array, not the pages
 * @extents: of no use any more
 *
 * Context: Process, may sleep.
 */
void extents_fini(struct extents *extents)
{
	if (extents->run != &extents->one)
		kvfree(extents->run);
}
EXPORT_SYMBOL_IF_KUNIT(extents_fini);

/**
 * extents_find - find the run that a page is in
 * @extents: the pages
 * @index: of the page in the buffer, less than &extents.pages
 *
 * Context: Any.
 * Return: the number of the run.
 */
unsigned long extents_find(const struct extents *extents, unsigned long index)
{
	unsigned long low = 0, high = extents->nr;

	/* Run @low begins at or before the page, run @high behind it. */
	while (high - low > 1) {
		unsigned long middle = low + (high - low) / 2;

		if (extents->run[middle].start <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}
EXPORT_SYMBOL_IF_KUNIT(extents_find);

/**
 * extents_pfn - find a page
 * @extents: the pages
 * @index: of the page in the buffer, less than &extents.pages
 * @left: gets how many pages are contiguous from this one on, itself included
 *
 * Context: Any.
 * Return: the page frame number.
 */
unsigned long extents_pfn(const struct extents *extents, unsigned long index,
			  unsigned long *left)
{
	unsigned long i = extents_find(extents, index);
	unsigned long inside = index - extents->run[i].start;

	*left = extents_len(extents, i) - inside;
	return extents->run[i].pfn + inside;
}
EXPORT_SYMBOL_IF_KUNIT(extents_pfn);

/**
 * extents_sg_table - describe the pages by a scatter list
 * @extents: the pages, at least one
 * @table: gets the list, for sg_free_table() to free
 * @max: length that no entry may exceed, at least a page; SIZE_MAX if any will do
 *
 * There is one entry for each run, and more only where a run is longer than @max
 * or than the unsigned int of a list allows.
 *
 * Context: Process, may sleep.
 * Return: 0, -ENOMEM, or -EOVERFLOW for more entries than a list can have.
 */
int extents_sg_table(const struct extents *extents, struct sg_table *table, size_t max)
{
	/* Not UINT_MAX: what is aligned stays so in the entries that follow. */
	unsigned long i, chunk = min_t(size_t, max, SZ_2G) >> PAGE_SHIFT;
	unsigned long pfn, left, len, entries = 0;
	struct scatterlist *sg;
	int ret;

	for (i = 0; i < extents->nr; i++)
		entries += DIV_ROUND_UP(extents_len(extents, i), chunk);
	if (entries > UINT_MAX)
		return -EOVERFLOW;
	ret = sg_alloc_table(table, entries, GFP_KERNEL);
	if (ret)
		return ret;

	sg = table->sgl;
	for (i = 0; i < extents->nr; i++) {
		pfn = extents->run[i].pfn;
		for (left = extents_len(extents, i); left; left -= len) {
			len = min(left, chunk);
			sg_set_page(sg, pfn_to_page(pfn), len << PAGE_SHIFT, 0);
			sg = sg_next(sg);
			pfn += len;
		}
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(extents_sg_table);

/*
 * Kernel addresses for @size bytes. VM_IOREMAP is what aligns them, so that runs
 * can be mapped by large pages; when there is no such place another one will do.
 */
static struct vm_struct *extents_vm_area(unsigned long size)
{
	struct vm_struct *area = NULL;

	if (IS_ENABLED(CONFIG_HAVE_ARCH_HUGE_VMAP) && size >= PMD_SIZE)
		area = get_vm_area(size, VM_MAP | VM_IOREMAP);
	return area ?: get_vm_area(size, VM_MAP);
}

/* The next page to be mapped: @left pages of run @i remain, from @pfn on. */
struct extents_cursor {
	const struct extents *extents;
	unsigned long i;
	unsigned long pfn;
	unsigned long left;
};

static void extents_cursor_at(struct extents_cursor *cursor, unsigned long i)
{
	cursor->i = i;
	cursor->pfn = cursor->extents->run[i].pfn;
	cursor->left = extents_len(cursor->extents, i);
}

static int extents_map_page(pte_t *ptep, unsigned long addr, void *data)
{
	struct extents_cursor *cursor = data;

	if (!cursor->left)
		extents_cursor_at(cursor, cursor->i + 1);
	set_pte_at(&init_mm, addr, ptep, pfn_pte(cursor->pfn, PAGE_KERNEL));
	cursor->pfn++;
	cursor->left--;
	return 0;
}

/* Map run @first to @last, both included, from @addr to @end. */
static int extents_map_runs(const struct extents *extents, unsigned long first,
			    unsigned long last, unsigned long addr, unsigned long end)
{
	struct extents_cursor cursor = { .extents = extents };
	int ret;

	/* A walk down the page tables costs more than a page: one for all the others. */
	if (first == last)
		return vmap_page_range(addr, end, PFN_PHYS(extents->run[first].pfn), PAGE_KERNEL);

	extents_cursor_at(&cursor, first);
	ret = apply_to_page_range(&init_mm, addr, end - addr, extents_map_page, &cursor);
	flush_cache_vmap(addr, end);
	return ret;
}

/* Is run @i so long that large pages may fit? */
static bool extents_is_long(const struct extents *extents, unsigned long i)
{
	return extents_len(extents, i) >= PMD_SIZE >> PAGE_SHIFT;
}

/**
 * extents_vmap - map the pages into the kernel, one behind the other
 * @extents: the pages, at least one
 *
 * Long runs are mapped by themselves, with large pages where those fit; what lies
 * between two of them is mapped together.
 *
 * Context: Process, may sleep.
 * Return: the address, for vunmap() to undo, or NULL without memory for that.
 */
void *extents_vmap(const struct extents *extents)
{
	struct vm_struct *area = extents_vm_area(extents->pages << PAGE_SHIFT);
	unsigned long first, last, addr, end;

	if (!area)
		return NULL;

	addr = (unsigned long)area->addr;
	for (first = 0; first < extents->nr; first = last + 1, addr = end) {
		last = first;
		end = addr + (extents_len(extents, first) << PAGE_SHIFT);
		while (!extents_is_long(extents, first) && last + 1 < extents->nr &&
		       !extents_is_long(extents, last + 1)) {
			last++;
			end += extents_len(extents, last) << PAGE_SHIFT;
		}
		if (extents_map_runs(extents, first, last, addr, end)) {
			free_vm_area(area);
			return NULL;
		}
	}
	return area->addr;
}
EXPORT_SYMBOL_IF_KUNIT(extents_vmap);
