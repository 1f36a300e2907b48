// SPDX-License-Identifier: GPL-2.0-only
/*
 * What heaps/paged-buffer.c guarantees: devices on a buffer of pages, access by
 * the CPU, the mapping of the kernel.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>

#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"

static struct sg_table *map_ok(struct kunit *test, struct dma_buf_attachment *attach,
			       enum dma_data_direction dir)
{
	struct sg_table *table = dma_buf_map_attachment_unlocked(attach, dir);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	return table;
}

/* Page @i of the buffer is behind the next PAGE_SIZE bytes of DMA addresses. */
static void expect_all_pages(struct kunit *test, struct dma_buf *dmabuf, struct sg_table *table)
{
	struct scatterlist *sg;
	unsigned long i = 0;
	unsigned int nth, at;

	for_each_sgtable_dma_sg(table, sg, nth) {
		for (at = 0; at < sg_dma_len(sg); at += PAGE_SIZE, i++)
			KUNIT_EXPECT_EQ(test, page_to_phys(buffer_page(dmabuf, i)),
					sg_dma_address(sg) + at);
	}
	KUNIT_EXPECT_EQ(test, dmabuf->size >> PAGE_SHIFT, i);
}

static void device_sees_one_entry_per_run(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *attach = attach_device(test, dmabuf);
	struct sg_table *table = map_ok(test, attach, DMA_BIDIRECTIONAL);

	KUNIT_EXPECT_EQ(test, SCATTERED_RUNS, table->nents);
	expect_all_pages(test, dmabuf, table);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
}

static void each_device_has_a_list_of_its_own(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *one = attach_device(test, dmabuf);
	struct dma_buf_attachment *two = attach_device(test, dmabuf);
	struct sg_table *first = map_ok(test, one, DMA_TO_DEVICE);
	struct sg_table *second = map_ok(test, two, DMA_FROM_DEVICE);

	KUNIT_EXPECT_PTR_NE(test, first, second);
	KUNIT_EXPECT_PTR_NE(test, first->sgl, second->sgl);

	/* The end of one leaves the other alone. */
	dma_buf_unmap_attachment_unlocked(one, first, DMA_TO_DEVICE);
	dma_buf_detach(dmabuf, one);
	expect_all_pages(test, dmabuf, second);
	dma_buf_unmap_attachment_unlocked(two, second, DMA_FROM_DEVICE);
	dma_buf_detach(dmabuf, two);
}

static void device_that_maps_twice_gets_the_same_list(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *attach = attach_device(test, dmabuf);
	struct sg_table *table = map_ok(test, attach, DMA_BIDIRECTIONAL);

	dma_resv_lock(dmabuf->resv, NULL);
	/* Past the core, which may wrap each answer. */
	KUNIT_EXPECT_PTR_EQ(test, paged_buffer_map(attach, DMA_TO_DEVICE),
			    paged_buffer_map(attach, DMA_BIDIRECTIONAL));
	paged_buffer_unmap(attach, NULL, DMA_TO_DEVICE);
	paged_buffer_unmap(attach, NULL, DMA_BIDIRECTIONAL);
	dma_resv_unlock(dmabuf->resv);

	expect_all_pages(test, dmabuf, table);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
}

static void mapping_in_another_direction_is_refused(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *attach = attach_device(test, dmabuf);
	struct sg_table *table = map_ok(test, attach, DMA_TO_DEVICE);

	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR_OR_ZERO(dma_buf_map_attachment_unlocked
						      (attach, DMA_FROM_DEVICE)));
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_TO_DEVICE);

	table = map_ok(test, attach, DMA_FROM_DEVICE);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_FROM_DEVICE);
	dma_buf_detach(dmabuf, attach);
}

static void attach_without_memory_leaves_nothing(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct device *dev = dma_device(test);
	struct dma_buf_attachment *attach;
	int nth = 0;

	needs_failslab(test);
	for (;;) {
		fail_allocation(test, ++nth);
		attach = dma_buf_attach(dmabuf, dev);
		if (!fail_allocation_hit())
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, PTR_ERR_OR_ZERO(attach));
		KUNIT_ASSERT_TRUE(test, list_empty(&to_paged_buffer(dmabuf)->attachments));
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_GT(test, nth, 3);
	dma_buf_detach(dmabuf, attach);
}

/* What the CPU's accesses told two devices. */
static struct {
	struct device *dev[2];
	unsigned int for_cpu[2], for_device[2];
	enum dma_data_direction dir[2];
} seen;

static unsigned int who(struct device *dev, enum dma_data_direction dir)
{
	unsigned int i = dev == seen.dev[1];

	seen.dir[i] = dir;
	return i;
}

static void see_for_cpu(struct device *dev, struct sg_table *table, enum dma_data_direction dir)
{
	seen.for_cpu[who(dev, dir)]++;
}

static void see_for_device(struct device *dev, struct sg_table *table,
			   enum dma_data_direction dir)
{
	seen.for_device[who(dev, dir)]++;
}

/* Watch for @one and @two from now on. */
static void watch(struct kunit *test, struct dma_buf_attachment *one,
		  struct dma_buf_attachment *two)
{
	memset(&seen, 0, sizeof(seen));
	seen.dev[0] = one->dev;
	seen.dev[1] = two->dev;
	kunit_activate_static_stub(test, paged_sync_for_cpu, see_for_cpu);
	kunit_activate_static_stub(test, paged_sync_for_device, see_for_device);
}

static void access_by_the_cpu_reaches_every_mapped_device(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *one = attach_device(test, dmabuf);
	struct dma_buf_attachment *two = attach_device(test, dmabuf);
	struct sg_table *first = map_ok(test, one, DMA_TO_DEVICE);
	struct sg_table *second = map_ok(test, two, DMA_FROM_DEVICE);

	watch(test, one, two);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 1, seen.for_cpu[0]);
	KUNIT_EXPECT_EQ(test, 1, seen.for_cpu[1]);
	KUNIT_EXPECT_EQ(test, 0, seen.for_device[0] + seen.for_device[1]);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 1, seen.for_device[0]);
	KUNIT_EXPECT_EQ(test, 1, seen.for_device[1]);

	dma_buf_unmap_attachment_unlocked(one, first, DMA_TO_DEVICE);
	dma_buf_unmap_attachment_unlocked(two, second, DMA_FROM_DEVICE);
	dma_buf_detach(dmabuf, one);
	dma_buf_detach(dmabuf, two);
}

static void access_by_the_cpu_spares_devices_that_map_nothing(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *never = attach_device(test, dmabuf);
	struct dma_buf_attachment *not_now = attach_device(test, dmabuf);
	struct sg_table *table = map_ok(test, not_now, DMA_BIDIRECTIONAL);

	dma_buf_unmap_attachment_unlocked(not_now, table, DMA_BIDIRECTIONAL);
	watch(test, never, not_now);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0, seen.for_cpu[0] + seen.for_cpu[1]);
	KUNIT_EXPECT_EQ(test, 0, seen.for_device[0] + seen.for_device[1]);

	dma_buf_detach(dmabuf, never);
	dma_buf_detach(dmabuf, not_now);
}

/* What a device is told that has mapped in @mapped while the CPU does @dir. */
static const struct direction {
	const char *name;
	enum dma_data_direction mapped, dir, begin, end;
} directions[] = {
	{ "device reads, CPU reads",
	  DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_TO_DEVICE, DMA_TO_DEVICE },
	{ "device writes, CPU writes",
	  DMA_FROM_DEVICE, DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_FROM_DEVICE },
	/* Fetched although the CPU only writes: it may write but a part. */
	{ "device does both, CPU writes",
	  DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_BIDIRECTIONAL, DMA_TO_DEVICE },
	/* Nothing goes back when the CPU has not written. */
	{ "device does both, CPU reads",
	  DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_BIDIRECTIONAL, DMA_FROM_DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(direction, directions, name);

static void access_by_the_cpu_keeps_what_the_device_wrote(struct kunit *test)
{
	const struct direction *want = test->param_value;
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct dma_buf_attachment *attach = attach_device(test, dmabuf);
	struct sg_table *table = map_ok(test, attach, want->mapped);

	watch(test, attach, attach);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(dmabuf, want->dir));
	KUNIT_EXPECT_EQ(test, want->begin, seen.dir[1]);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(dmabuf, want->dir));
	KUNIT_EXPECT_EQ(test, want->end, seen.dir[1]);

	dma_buf_unmap_attachment_unlocked(attach, table, want->mapped);
	dma_buf_detach(dmabuf, attach);
}

static void vmap_shows_the_whole_buffer(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct iosys_map map;

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	expect_marks_at(test, dmabuf, map.vaddr);
	KUNIT_EXPECT_PTR_EQ(test, map.vaddr, to_paged_buffer(dmabuf)->vaddr);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	dma_buf_vunmap_unlocked(dmabuf, &map);
	KUNIT_EXPECT_NULL(test, to_paged_buffer(dmabuf)->vaddr);
}

static void vmap_without_memory_is_refused(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	struct iosys_map map;

	needs_failslab(test);
	fail_allocation(test, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_buf_vmap_unlocked(dmabuf, &map));
	KUNIT_EXPECT_TRUE(test, fail_allocation_hit());
	KUNIT_EXPECT_NULL(test, to_paged_buffer(dmabuf)->vaddr);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, picked_buffers_alive());
}

static struct kunit_case paged_buffer_cases[] = {
	KUNIT_CASE(device_sees_one_entry_per_run),
	KUNIT_CASE(each_device_has_a_list_of_its_own),
	KUNIT_CASE(device_that_maps_twice_gets_the_same_list),
	KUNIT_CASE(mapping_in_another_direction_is_refused),
	KUNIT_CASE(attach_without_memory_leaves_nothing),
	KUNIT_CASE(access_by_the_cpu_reaches_every_mapped_device),
	KUNIT_CASE(access_by_the_cpu_spares_devices_that_map_nothing),
	KUNIT_CASE_PARAM(access_by_the_cpu_keeps_what_the_device_wrote, direction_gen_params),
	KUNIT_CASE(vmap_shows_the_whole_buffer),
	KUNIT_CASE(vmap_without_memory_is_refused),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite paged_buffer_suite = {
	.name = "dma-buf-paged-buffer",
	.test_cases = paged_buffer_cases,
};

kunit_test_suite(paged_buffer_suite);
