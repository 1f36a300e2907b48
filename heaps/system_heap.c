// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system heap: buffers of ordinary pages, in blocks as large as there are.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "heaps.h"
#include "paged-buffer.h"
#include "system_heap.h"

static const char system_heap_name[] = "system";

/* Is memory charged to whoever asks for it? */
VISIBLE_IF_KUNIT bool system_heap_accounts(void)
{
	KUNIT_STATIC_STUB_REDIRECT(system_heap_accounts);
	return dma_heap_mem_accounting;
}
EXPORT_SYMBOL_IF_KUNIT(system_heap_accounts);

/* A zeroed block of pages, at no great effort unless it is a single page. */
static struct page *system_heap_block(unsigned int order)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ZERO | __GFP_COMP | __GFP_NOWARN;
	struct page *page;

	if (system_heap_accounts()) {
		gfp |= __GFP_ACCOUNT;
	} else {
		/* The pool's pages are charged to nobody. */
		page = system_pool_get(order);
		if (page)
			return page;
	}

	/*
	 * The memory of buffers is in nobody's RSS, so the OOM killer would take
	 * the wrong one: an allocation that is too large fails instead.
	 */
	if (!order)
		return alloc_page(gfp | __GFP_RETRY_MAYFAIL);
	return alloc_pages((gfp & ~__GFP_RECLAIM) | __GFP_NORETRY | __GFP_NOMEMALLOC, order);
}

static void system_heap_free_block(struct page *page, unsigned int order)
{
	if (system_heap_accounts() || !system_pool_put(page, order))
		__free_pages(page, order);
}

/*
 * The largest block of at most @left pages that can be had. *@order is where to
 * start, for larger ones are known to have run out, and gets what it became.
 */
static struct page *system_heap_largest(unsigned long left, unsigned int *order)
{
	struct page *page;

	*order = min_t(unsigned int, *order, ilog2(left));
	for (;; --*order) {
		page = system_heap_block(*order);
		if (page || !*order)
			return page;
	}
}

/* Fill @extents with @pages pages. What there is after an error is the caller's. */
static int system_heap_fill(struct extents *extents, unsigned long pages)
{
	unsigned int order = SYSTEM_HEAP_MAX_ORDER;
	struct page *page;
	int ret;

	while (extents->pages < pages) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = system_heap_largest(pages - extents->pages, &order);
		if (!page)
			return -ENOMEM;
		ret = extents_append(extents, page_to_pfn(page), 1UL << order);
		if (ret) {
			system_heap_free_block(page, order);
			return ret;
		}
		cond_resched();
	}
	extents_trim(extents);
	return 0;
}

/* Runs may consist of several blocks; each knows how large it is. */
static void system_heap_free(struct paged_buffer *buffer)
{
	const struct extents *extents = &buffer->extents;
	unsigned long i, pfn, end;
	unsigned int order;

	for (i = 0; i < extents->nr; i++) {
		pfn = extents->run[i].pfn;
		end = pfn + extents_len(extents, i);
		for (; pfn < end; pfn += 1UL << order) {
			order = compound_order(pfn_to_page(pfn));
			system_heap_free_block(pfn_to_page(pfn), order);
			cond_resched();
		}
	}
	paged_buffer_fini(buffer);
	kfree(buffer);
}

static void system_heap_release(struct dma_buf *dmabuf)
{
	system_heap_free(to_paged_buffer(dmabuf));
}

/*
 * A private mapping of a single page works, as it always has: copy-on-write of
 * pages that have no struct page for it is limited to what remap_pfn_range() maps
 * in one piece.
 */
static int system_heap_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	unsigned long pfn, left;

	if (vma->vm_flags & VM_MAYSHARE || vma_pages(vma) != 1)
		return paged_buffer_mmap(dmabuf, vma);

	pfn = extents_pfn(&buffer->extents, vma->vm_pgoff, &left);
	return remap_pfn_range(vma, vma->vm_start, pfn, PAGE_SIZE, vma->vm_page_prot);
}

static const struct dma_buf_ops system_heap_buf_ops = {
	.attach = paged_buffer_attach,
	.detach = paged_buffer_detach,
	.map_dma_buf = paged_buffer_map,
	.unmap_dma_buf = paged_buffer_unmap,
	.begin_cpu_access = paged_buffer_begin_cpu_access,
	.end_cpu_access = paged_buffer_end_cpu_access,
	.begin_cpu_access_range = paged_buffer_begin_cpu_access_range,
	.end_cpu_access_range = paged_buffer_end_cpu_access_range,
	.mmap = system_heap_mmap,
	.vmap = paged_buffer_vmap,
	.vunmap = paged_buffer_vunmap,
	.release = system_heap_release,
};

/*
 * Allocate @len bytes, whole pages. -ENOMEM, at once when the machine does not have
 * that much, -EINTR when the caller is killed, or an error of dma_buf_export().
 */
VISIBLE_IF_KUNIT struct dma_buf *system_heap_allocate(struct dma_heap *heap, unsigned long len,
						      u32 fd_flags, u64 heap_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct paged_buffer *buffer;
	struct dma_buf *dmabuf;
	int ret;

	if (len >> PAGE_SHIFT > totalram_pages())
		return ERR_PTR(-ENOMEM);

	buffer = kmalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	paged_buffer_init(buffer);
	ret = system_heap_fill(&buffer->extents, len >> PAGE_SHIFT);
	if (ret)
		goto err;

	info.exp_name = system_heap_name;
	info.ops = &system_heap_buf_ops;
	info.size = len;
	info.flags = fd_flags;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (!IS_ERR(dmabuf))
		return dmabuf;
	ret = PTR_ERR(dmabuf);

err:
	system_heap_free(buffer);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_IF_KUNIT(system_heap_allocate);

static const struct dma_heap_ops system_heap_ops = {
	.allocate = system_heap_allocate,
};

static int __init system_heap_init(void)
{
	const struct dma_heap_export_info info = {
		.name = system_heap_name,
		.ops = &system_heap_ops,
	};

	return PTR_ERR_OR_ZERO(dma_heap_add(&info));
}
device_initcall(system_heap_init);
