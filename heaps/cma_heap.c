// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps of contiguous memory: the default CMA area, and those that the device
 * tree reserves to be shared.
 */
#include <linux/cma.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-map-ops.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "paged-buffer.h"

/* The default area under a name that is the same on every machine. */
#define CMA_HEAP_DEFAULT_NAME	"default_cma_region"

/**
 * struct cma_buffer - a buffer in one piece
 * @base: its pages; what the dma-buf's private data points to
 * @cma: the area that they come from
 * @pages: the first of them
 * @nr_pages: how many there are
 */
struct cma_buffer {
	struct paged_buffer base;
	struct cma *cma;
	struct page *pages;
	unsigned long nr_pages;
};

/* Free a buffer that no dma-buf belongs to any more, if there is one. */
static void cma_buffer_free(struct cma_buffer *buffer)
{
	if (!buffer)
		return;

	paged_buffer_fini(&buffer->base);
	if (buffer->pages)
		cma_release(buffer->cma, buffer->pages, buffer->nr_pages);
	kfree(buffer);
}

DEFINE_FREE(cma_buffer, struct cma_buffer *, cma_buffer_free(_T))

static void cma_heap_release(struct dma_buf *dmabuf)
{
	cma_buffer_free(container_of(to_paged_buffer(dmabuf), struct cma_buffer, base));
}

static const struct dma_buf_ops cma_heap_buf_ops = {
	.attach = paged_buffer_attach,
	.detach = paged_buffer_detach,
	.map_dma_buf = paged_buffer_map,
	.unmap_dma_buf = paged_buffer_unmap,
	.begin_cpu_access = paged_buffer_begin_cpu_access,
	.end_cpu_access = paged_buffer_end_cpu_access,
	.begin_cpu_access_range = paged_buffer_begin_cpu_access_range,
	.end_cpu_access_range = paged_buffer_end_cpu_access_range,
	.mmap = paged_buffer_mmap,
	.vmap = paged_buffer_vmap,
	.vunmap = paged_buffer_vunmap,
	.release = cma_heap_release,
};

/* Takes a while for much memory, and nobody waits for it who is being killed. */
static int cma_buffer_clear(struct cma_buffer *buffer)
{
	unsigned long i;

	for (i = 0; i < buffer->nr_pages; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		clear_highpage(nth_page(buffer->pages, i));
		cond_resched();
	}
	return 0;
}

static struct cma_buffer *cma_buffer_alloc(struct cma *cma, unsigned long len)
{
	struct cma_buffer *buffer __free(cma_buffer) = kzalloc(sizeof(*buffer), GFP_KERNEL);
	unsigned int align = min_t(unsigned int, get_order(len), CONFIG_CMA_ALIGNMENT);
	int ret;

	if (!buffer)
		return ERR_PTR(-ENOMEM);
	paged_buffer_init(&buffer->base);
	buffer->cma = cma;
	buffer->nr_pages = len >> PAGE_SHIFT;

	/* A program that asks for more than there is need not be in the log. */
	buffer->pages = cma_alloc(cma, buffer->nr_pages, align, true);
	if (!buffer->pages)
		return ERR_PTR(fatal_signal_pending(current) ? -EINTR : -ENOMEM);

	ret = cma_buffer_clear(buffer);
	if (!ret)
		ret = extents_append(&buffer->base.extents, page_to_pfn(buffer->pages),
				     buffer->nr_pages);
	return ret ? ERR_PTR(ret) : no_free_ptr(buffer);
}

static struct dma_buf *cma_heap_allocate(struct dma_heap *heap, unsigned long len,
					 u32 fd_flags, u64 heap_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct cma_buffer *buffer;
	struct dma_buf *dmabuf;

	buffer = cma_buffer_alloc(dma_heap_get_drvdata(heap), len);
	if (IS_ERR(buffer))
		return ERR_CAST(buffer);

	info.exp_name = dma_heap_get_name(heap);
	info.ops = &cma_heap_buf_ops;
	info.size = len;
	info.flags = fd_flags;
	info.priv = &buffer->base;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		cma_buffer_free(buffer);
	return dmabuf;
}

static const struct dma_heap_ops cma_heap_ops = {
	.allocate = cma_heap_allocate,
};

/* Add a heap. An area may have two. */
static void __init cma_heap_add(struct cma *cma, const char *name)
{
	struct dma_heap_export_info info = {
		.name = name,
		.ops = &cma_heap_ops,
		.priv = cma,
	};
	struct dma_heap *heap = dma_heap_add(&info);

	if (IS_ERR(heap))
		pr_err("cma_heap: no heap %s: %pe\n", name, heap);
}

/**
 * struct cma_heap_search - looks for an area by its place
 * @rmem: what the device tree says about it
 * @found: the area
 */
struct cma_heap_search {
	const struct reserved_mem *rmem;
	struct cma *found;
};

static int __init cma_heap_match(struct cma *cma, void *data)
{
	struct cma_heap_search *search = data;

	if (cma_get_base(cma) != search->rmem->base || cma_get_size(cma) != search->rmem->size)
		return 0;
	search->found = cma;
	return 1;
}

/*
 * The area of a node below /reserved-memory, if it is one that all may use.
 * Areas without a node belong to somebody: to hugetlbfs, to KVM.
 */
static struct cma * __init cma_heap_reserved(struct device_node *node)
{
	struct cma_heap_search search = {};

	if (!of_device_is_compatible(node, "shared-dma-pool") ||
	    !of_property_read_bool(node, "reusable"))
		return NULL;

	search.rmem = of_reserved_mem_lookup(node);
	if (search.rmem)
		cma_for_each_area(cma_heap_match, &search);
	return search.found;
}

static int __init cma_heap_init(void)
{
	struct device_node *parent __free(device_node) = of_find_node_by_path("/reserved-memory");
	struct cma *area = dma_contiguous_default_area;

	if (area) {
		cma_heap_add(area, CMA_HEAP_DEFAULT_NAME);
		cma_heap_add(area, cma_get_name(area));
	}
	for_each_available_child_of_node_scoped(parent, node) {
		area = cma_heap_reserved(node);
		if (area && area != dma_contiguous_default_area)
			cma_heap_add(area, cma_get_name(area));
	}
	return 0;
}
device_initcall(cma_heap_init);
