// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of pages that the test has picked, devices that can map them, and a
 * process that looks at them.
 */
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/irqflags.h>
#include <linux/log2.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "paged-fixture.h"

static atomic_t alive = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_gone);

/* A buffer and the block that its pages are from. */
struct picked {
	struct paged_buffer base;
	struct page *block;
	unsigned int order;
};

static void picked_release(struct dma_buf *dmabuf)
{
	struct picked *picked = container_of(to_paged_buffer(dmabuf), struct picked, base);

	__free_pages(picked->block, picked->order);
	paged_buffer_fini(&picked->base);
	kfree(picked);
	if (atomic_dec_and_test(&alive))
		wake_up(&all_gone);
}

static const struct dma_buf_ops picked_ops = {
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
	.release = picked_release,
};

static void put_action(void *dmabuf)
{
	put_buffer(dmabuf);
}

struct dma_buf *picked_buffer(struct kunit *test, const unsigned int *order, unsigned int nr)
{
	struct picked *picked = kzalloc(sizeof(*picked), GFP_KERNEL);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	unsigned int i, highest = 0;

	KUNIT_ASSERT_NOT_NULL(test, picked);
	atomic_inc(&alive);
	for (i = 0; i < nr; i++)
		highest = max(highest, order[i]);
	picked->order = order_base_2(highest + 1);
	picked->block = alloc_pages(GFP_KERNEL | __GFP_COMP, picked->order);
	KUNIT_ASSERT_NOT_NULL(test, picked->block);

	paged_buffer_init(&picked->base);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, 0, extents_append(&picked->base.extents,
							page_to_pfn(picked->block) + order[i], 1));

	info.ops = &picked_ops;
	info.size = (size_t)nr << PAGE_SHIFT;
	info.flags = O_RDWR;
	info.priv = &picked->base;
	dmabuf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_action, dmabuf));
	mark_pages(dmabuf);
	return dmabuf;
}

struct dma_buf *scattered_buffer(struct kunit *test)
{
	static const unsigned int order[] = { 3, 0, 1, 2, 7, 8, 5, 10, 11, 12, 13 };
	struct dma_buf *dmabuf = picked_buffer(test, order, ARRAY_SIZE(order));

	KUNIT_ASSERT_EQ(test, SCATTERED_PAGES, ARRAY_SIZE(order));
	KUNIT_ASSERT_EQ(test, SCATTERED_RUNS, to_paged_buffer(dmabuf)->extents.nr);
	return dmabuf;
}

int picked_buffers_alive(void)
{
	/* The last one may be in the hands of the worker that releases files. */
	wait_event_timeout(all_gone, !atomic_read(&alive), 5 * HZ);
	return atomic_read(&alive);
}

void put_buffer(struct dma_buf *dmabuf)
{
	dma_buf_put(dmabuf);
	/* A kernel thread's last fput() leaves the release to a worker. */
	flush_delayed_fput();
}

struct device *dma_device(struct kunit *test)
{
	struct device *dev = mock_importer(test)->dev;

	dev->dma_mask = &dev->coherent_dma_mask;
	KUNIT_ASSERT_EQ(test, 0, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	return dev;
}

struct dma_buf_attachment *attach_device(struct kunit *test, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach = dma_buf_attach(dmabuf, dma_device(test));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	return attach;
}

struct page *buffer_page(struct dma_buf *dmabuf, unsigned long index)
{
	unsigned long left;

	return pfn_to_page(extents_pfn(&to_paged_buffer(dmabuf)->extents, index, &left));
}

/* Where the marks of a page are, in words. */
#define FIRST	0
#define LAST	(PAGE_SIZE / sizeof(u32) - 1)

static u32 mark(unsigned long index, unsigned long word)
{
	return 0x10000 + 2 * index + !!word;
}

void mark_pages(struct dma_buf *dmabuf)
{
	unsigned long i;
	u32 *vaddr;

	for (i = 0; i < dmabuf->size >> PAGE_SHIFT; i++) {
		vaddr = kmap_local_page(buffer_page(dmabuf, i));
		vaddr[FIRST] = mark(i, FIRST);
		vaddr[LAST] = mark(i, LAST);
		kunmap_local(vaddr);
	}
}

void expect_marks_at(struct kunit *test, struct dma_buf *dmabuf, const void *vaddr)
{
	const u32 *word = vaddr;
	unsigned long i;

	for (i = 0; i < dmabuf->size >> PAGE_SHIFT; i++, word += PAGE_SIZE / sizeof(u32)) {
		KUNIT_ASSERT_EQ(test, mark(i, FIRST), word[FIRST]);
		KUNIT_ASSERT_EQ(test, mark(i, LAST), word[LAST]);
	}
}

unsigned long bytes_not_zero(struct dma_buf *dmabuf)
{
	unsigned long i, count = 0;
	void *vaddr;

	for (i = 0; i < dmabuf->size >> PAGE_SHIFT; i++) {
		vaddr = kmap_local_page(buffer_page(dmabuf, i));
		if (memchr_inv(vaddr, 0, PAGE_SIZE))
			count += PAGE_SIZE;
		kunmap_local(vaddr);
	}
	return count;
}

unsigned long map_buffer(struct kunit *test, struct dma_buf *dmabuf, unsigned long pgoff,
			 unsigned long pages, unsigned long prot, unsigned long flags)
{
	return kunit_vm_mmap(test, dmabuf->file, 0, pages << PAGE_SHIFT, prot, flags,
			     pgoff << PAGE_SHIFT);
}

unsigned long map_shared(struct kunit *test, struct dma_buf *dmabuf, unsigned long pgoff,
			 unsigned long pages)
{
	unsigned long addr = map_buffer(test, dmabuf, pgoff, pages, PROT_READ | PROT_WRITE,
					MAP_SHARED);

	KUNIT_ASSERT_NE(test, 0, addr);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR_VALUE(addr), "mmap: %ld", (long)addr);
	return addr;
}

/* User-Mode Linux comes back from a fault in the kernel with them off. */
static bool after_fault(unsigned long left)
{
	if (IS_ENABLED(CONFIG_UML) && irqs_disabled())
		local_irq_enable();
	return !left;
}

bool user_get(unsigned long addr, u32 *word)
{
	return after_fault(copy_from_user(word, (void __user *)addr, sizeof(*word)));
}

bool user_put(unsigned long addr, u32 word)
{
	return after_fault(copy_to_user((void __user *)addr, &word, sizeof(word)));
}

void expect_marks_in_user(struct kunit *test, struct dma_buf *dmabuf, unsigned long addr,
			  unsigned long pgoff, unsigned long pages)
{
	unsigned long i;
	u32 word;

	for (i = pgoff; i < pgoff + pages; i++, addr += PAGE_SIZE) {
		KUNIT_ASSERT_TRUE(test, user_get(addr, &word));
		KUNIT_ASSERT_EQ(test, mark(i, FIRST), word);
		KUNIT_ASSERT_TRUE(test, user_get(addr + LAST * sizeof(u32), &word));
		KUNIT_ASSERT_EQ(test, mark(i, LAST), word);
	}
}

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
