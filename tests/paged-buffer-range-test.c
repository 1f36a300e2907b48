// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exporters of pages guarantee for access by the CPU to a part of a buffer:
 * that part, and not a byte more, however the device sees the memory.
 */
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>

#include "paged-fixture.h"
#include "shortage.h"

/* Where the device sees the first segment, and how far apart they are. */
#define BASE	0x10000000UL
#define STRIDE	0x01000000UL

#define SIZE	(SCATTERED_PAGES * PAGE_SIZE)

/* How a device may see the buffer: in segments that end with these pages. */
static const struct layout {
	const char *name;
	unsigned int nr;
	unsigned int ends[SCATTERED_RUNS];
} layouts[] = {
	/* Where runs end; see scattered_buffer(). */
	{ "run by run", SCATTERED_RUNS, { 1, 4, 6, 7, 11 } },
	{ "all in one", 1, { 11 } },
	{ "two runs each", 3, { 4, 7, 11 } },
	/* A segment may end inside of a run where that would be too long. */
	{ "pieces of four pages", 3, { 4, 8, 11 } },
};

KUNIT_ARRAY_PARAM_DESC(layout, layouts, name);

/*
 * A device that works on memory of its own, into which the buffer is copied and
 * back, as with bounce buffers.
 */
struct bouncing {
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct sg_table *table;
	/* the list as it was mapped, for unmapping */
	struct scatterlist saved[SCATTERED_RUNS];
	const struct layout *layout;
	u8 *mem;

	/* what it was told */
	unsigned int calls;
	size_t bytes;
	enum dma_data_direction dir;
	bool bad_device, bad_address, over_the_edge;
};

/* The byte of the buffer that is at @addr, which @left bytes of its segment follow. */
static size_t byte_at(struct bouncing *dev, dma_addr_t addr, size_t *left)
{
	unsigned long segment = (addr - BASE) / STRIDE, inside = (addr - BASE) % STRIDE;
	size_t start, end;

	*left = 0;
	if (addr < BASE || segment >= dev->layout->nr)
		return SIZE;
	start = segment ? dev->layout->ends[segment - 1] * PAGE_SIZE : 0;
	end = dev->layout->ends[segment] * PAGE_SIZE;
	if (start + inside >= end)
		return SIZE;
	*left = end - start - inside;
	return start + inside;
}

/* How many bytes follow that are next to each other in memory. */
static size_t run_left(size_t at)
{
	const unsigned int *end = layouts[0].ends;

	while (*end * PAGE_SIZE <= at)
		end++;
	return *end * PAGE_SIZE - at;
}

static u8 *byte_of(struct bouncing *dev, size_t at)
{
	return (u8 *)page_address(buffer_page(dev->dmabuf, at >> PAGE_SHIFT)) + offset_in_page(at);
}

static void bounce(struct device *device, dma_addr_t addr, size_t size,
		   enum dma_data_direction dir, bool to_cpu)
{
	struct bouncing *dev = kunit_get_current_test()->priv;
	size_t left, at = byte_at(dev, addr, &left), i;

	dev->calls++;
	dev->bytes += size;
	dev->dir = dir;
	dev->bad_device |= device != dev->attach->dev;
	dev->bad_address |= size > left;
	if (dev->bad_address)
		return;
	/* Who looks up where it begins would do what lies behind the first run. */
	dev->over_the_edge |= size > run_left(at);
	for (i = at; i < at + size; i++) {
		if (to_cpu)
			*byte_of(dev, i) = dev->mem[i];
		else
			dev->mem[i] = *byte_of(dev, i);
	}
}

static void bounce_to_cpu(struct device *device, dma_addr_t addr, size_t size,
			  enum dma_data_direction dir)
{
	bounce(device, addr, size, dir, true);
}

static void bounce_to_device(struct device *device, dma_addr_t addr, size_t size,
			     enum dma_data_direction dir)
{
	bounce(device, addr, size, dir, false);
}

/* Have the device see the buffer in these segments. */
static void set_segments(struct bouncing *dev)
{
	const unsigned int *ends = dev->layout->ends;
	struct scatterlist *sg;
	unsigned int i;

	dev->table->nents = dev->layout->nr;
	for_each_sgtable_dma_sg(dev->table, sg, i) {
		sg_dma_address(sg) = BASE + i * STRIDE;
		sg_dma_len(sg) = (ends[i] - (i ? ends[i - 1] : 0)) * PAGE_SIZE;
	}
}

static void bouncing_end(void *data)
{
	struct bouncing *dev = data;
	struct scatterlist *sg;
	unsigned int i;

	dev->table->nents = SCATTERED_RUNS;
	for_each_sgtable_sg(dev->table, sg, i)
		memcpy(sg, &dev->saved[i], sizeof(*sg));
	dma_resv_lock(dev->dmabuf->resv, NULL);
	paged_buffer_unmap(dev->attach, dev->table, DMA_BIDIRECTIONAL);
	dma_resv_unlock(dev->dmabuf->resv);
	dma_buf_detach(dev->dmabuf, dev->attach);
	vfree(dev->mem);
}

static struct bouncing *bouncing(struct kunit *test)
{
	struct bouncing *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->mem = vzalloc(SIZE);
	KUNIT_ASSERT_NOT_NULL(test, dev->mem);
	dev->dmabuf = scattered_buffer(test);
	dev->attach = attach_device(test, dev->dmabuf);
	dev->layout = test->param_value ?: &layouts[0];

	/* Past the core, which may hide the list that synchronising works on. */
	dma_resv_lock(dev->dmabuf->resv, NULL);
	dev->table = paged_buffer_map(dev->attach, DMA_BIDIRECTIONAL);
	dma_resv_unlock(dev->dmabuf->resv);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev->table);
	KUNIT_ASSERT_EQ(test, SCATTERED_RUNS, dev->table->orig_nents);
	for_each_sgtable_sg(dev->table, sg, i)
		memcpy(&dev->saved[i], sg, sizeof(*sg));
	set_segments(dev);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, bouncing_end, dev));

	test->priv = dev;
	kunit_activate_static_stub(test, paged_sync_part_for_cpu, bounce_to_cpu);
	kunit_activate_static_stub(test, paged_sync_part_for_device, bounce_to_device);
	return dev;
}

static const struct part {
	size_t start, end;
} parts[] = {
	{ 0, 1 },
	{ 0, SIZE },
	{ SIZE - 1, SIZE },
	{ PAGE_SIZE - 1, PAGE_SIZE + 1 },
	{ PAGE_SIZE, 4 * PAGE_SIZE },
	{ 3 * PAGE_SIZE + 17, 7 * PAGE_SIZE + 1 },
	{ 4 * PAGE_SIZE, 4 * PAGE_SIZE + 64 },
	{ 6 * PAGE_SIZE + 100, 11 * PAGE_SIZE - 100 },
	{ 7 * PAGE_SIZE, 8 * PAGE_SIZE },
	{ 8 * PAGE_SIZE - 1, 8 * PAGE_SIZE + 1 },
	{ 9 * PAGE_SIZE + 5, 9 * PAGE_SIZE + 6 },
};

static void fill_buffer(struct bouncing *dev, u8 value)
{
	size_t at;

	for (at = 0; at < SIZE; at += PAGE_SIZE)
		memset(byte_of(dev, at), value, PAGE_SIZE);
}

/* How many bytes are not @inside where the part is, and @outside elsewhere. */
static size_t wrong_in_buffer(struct bouncing *dev, const struct part *part, u8 inside, u8 outside)
{
	size_t at, wrong = 0;

	for (at = 0; at < SIZE; at++)
		wrong += *byte_of(dev, at) !=
			 (at >= part->start && at < part->end ? inside : outside);
	return wrong;
}

static size_t wrong_in_device(struct bouncing *dev, const struct part *part, u8 inside, u8 outside)
{
	size_t at, wrong = 0;

	for (at = 0; at < SIZE; at++)
		wrong += dev->mem[at] != (at >= part->start && at < part->end ? inside : outside);
	return wrong;
}

static void expect_told(struct kunit *test, struct bouncing *dev, const struct part *part)
{
	KUNIT_EXPECT_FALSE(test, dev->bad_device);
	KUNIT_EXPECT_FALSE(test, dev->bad_address);
	KUNIT_EXPECT_FALSE(test, dev->over_the_edge);
	KUNIT_EXPECT_EQ(test, part->end - part->start, dev->bytes);
	/* One for each run and each segment in it at most: no more than the part needs. */
	KUNIT_EXPECT_LE(test, dev->calls,
			DIV_ROUND_UP(part->end, PAGE_SIZE) - part->start / PAGE_SIZE);
	dev->bytes = 0;
	dev->calls = 0;
}

static void cpu_gets_the_part_and_nothing_else_changes(struct kunit *test)
{
	struct bouncing *dev = bouncing(test);
	unsigned int i;

	memset(dev->mem, 0xde, SIZE);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		fill_buffer(dev, 0xc0);
		KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range
				(dev->dmabuf, parts[i].start, parts[i].end - parts[i].start,
				 DMA_FROM_DEVICE));
		expect_told(test, dev, &parts[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0, wrong_in_buffer(dev, &parts[i], 0xde, 0xc0),
				    "part %u", i);
	}
}

static void device_gets_the_part_and_nothing_else_changes(struct kunit *test)
{
	struct bouncing *dev = bouncing(test);
	unsigned int i;

	fill_buffer(dev, 0xc0);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		memset(dev->mem, 0xde, SIZE);
		KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range
				(dev->dmabuf, parts[i].start, parts[i].end - parts[i].start,
				 DMA_TO_DEVICE));
		expect_told(test, dev, &parts[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0, wrong_in_device(dev, &parts[i], 0xc0, 0xde),
				    "part %u", i);
	}
}

/* The reason for all this: two threads with a part each, and no other lock. */
static void parts_can_be_written_at_the_same_time(struct kunit *test)
{
	const struct part first = { 0, 5 * PAGE_SIZE }, second = { first.end, SIZE };
	struct bouncing *dev = bouncing(test);
	struct dma_buf *dmabuf = dev->dmabuf;

	memset(dev->mem, 0xde, SIZE);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dmabuf, first.start, first.end,
								DMA_BIDIRECTIONAL));
	*byte_of(dev, first.end - 1) = 0x01;
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dmabuf, second.start,
								second.end - second.start,
								DMA_BIDIRECTIONAL));
	*byte_of(dev, second.start) = 0x02;
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dmabuf, first.start, first.end,
							      DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0x01, dev->mem[first.end - 1]);
	KUNIT_EXPECT_EQ(test, 0xde, dev->mem[second.start]);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dmabuf, second.start,
							      second.end - second.start,
							      DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0x02, dev->mem[second.start]);
}

static void device_that_has_not_mapped_is_spared(struct kunit *test)
{
	struct bouncing *dev = bouncing(test);
	struct dma_buf_attachment *other = attach_device(test, dev->dmabuf);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dev->dmabuf, 0, 1,
								DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dev->dmabuf, 0, 1,
							      DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 2, dev->calls);
	KUNIT_EXPECT_FALSE(test, dev->bad_device);
	dma_buf_detach(dev->dmabuf, other);
}

/* As with the whole buffer: fetched whatever the CPU does, given back if it wrote. */
static void directions_are_those_of_the_whole_buffer(struct kunit *test)
{
	struct bouncing *dev = bouncing(test);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dev->dmabuf, 0, 1, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_BIDIRECTIONAL, dev->dir);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dev->dmabuf, 0, 1, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, dev->dir);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dev->dmabuf, 0, 1, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_FROM_DEVICE, dev->dir);
}

static void mapping_of_the_kernel_is_part_of_it(struct kunit *test)
{
	struct bouncing *dev = bouncing(test);
	struct iosys_map map;

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dev->dmabuf, &map));
	memset(dev->mem, 0xde, SIZE);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dev->dmabuf, SIZE - 1, 1,
								DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 0xde, ((u8 *)map.vaddr)[SIZE - 1]);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access_range(dev->dmabuf, SIZE - 1, 1,
							      DMA_FROM_DEVICE));
	dma_buf_vunmap_unlocked(dev->dmabuf, &map);
}

/* Where a device was last told to look, and how often. */
static struct {
	dma_addr_t addr;
	size_t size;
	unsigned int calls;
} seen;

static void see(struct device *device, dma_addr_t addr, size_t size, enum dma_data_direction dir)
{
	seen.addr = addr;
	seen.size = size;
	seen.calls++;
}

#define MANY	100

/* A buffer in which no two pages are next to each other. */
static struct dma_buf *fragmented_buffer(struct kunit *test)
{
	unsigned int order[MANY], i;

	for (i = 0; i < MANY; i++)
		order[i] = 2 * (MANY - 1 - i);
	return picked_buffer(test, order, MANY);
}

/* Ten bytes of each page: the device of @table is told where it sees those. */
static void expect_each_page_found(struct kunit *test, struct dma_buf *dmabuf,
				   struct sg_table *table)
{
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, MANY, table->nents);
	for_each_sgtable_dma_sg(table, sg, i) {
		seen.calls = 0;
		KUNIT_ASSERT_EQ(test, 0, dma_buf_begin_cpu_access_range(dmabuf, i * PAGE_SIZE + 5,
									10, DMA_FROM_DEVICE));
		KUNIT_ASSERT_EQ(test, 1, seen.calls);
		KUNIT_ASSERT_EQ(test, 10, seen.size);
		KUNIT_ASSERT_EQ(test, sg_dma_address(sg) + 5, seen.addr);
	}
	seen.calls = 0;
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access_range(dmabuf, 0, MANY * PAGE_SIZE,
								DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, MANY, seen.calls);
}

static void page_is_found_among_many(struct kunit *test)
{
	struct dma_buf *dmabuf = fragmented_buffer(test);
	struct dma_buf_attachment *attach = attach_device(test, dmabuf);
	struct sg_table *table;
	unsigned int round;

	kunit_activate_static_stub(test, paged_sync_part_for_cpu, see);
	/* What was found out about one mapping is not used for the next. */
	for (round = 0; round < 2; round++) {
		table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
		expect_each_page_found(test, dmabuf, table);
		dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	}
	dma_buf_detach(dmabuf, attach);
}

/* One access looks at all segments for those that follow; it can do without memory, too. */
static void search_needs_no_memory_and_takes_it_once(struct kunit *test)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *table;
	int ret;

	needs_failslab(test);
	dmabuf = fragmented_buffer(test);
	attach = attach_device(test, dmabuf);
	kunit_activate_static_stub(test, paged_sync_part_for_cpu, see);
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);

	fail_allocation(test, 1);
	ret = dma_buf_begin_cpu_access_range(dmabuf, (MANY - 1) * PAGE_SIZE, 10, DMA_FROM_DEVICE);
	KUNIT_EXPECT_TRUE(test, fail_allocation_hit());
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, page_to_phys(buffer_page(dmabuf, MANY - 1)), seen.addr);

	expect_each_page_found(test, dmabuf, table);
	fail_allocation(test, 1);
	ret = dma_buf_begin_cpu_access_range(dmabuf, 0, 1, DMA_FROM_DEVICE);
	KUNIT_EXPECT_FALSE(test, fail_allocation_hit());
	KUNIT_EXPECT_EQ(test, 0, ret);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, picked_buffers_alive());
}

static struct kunit_case paged_buffer_range_cases[] = {
	KUNIT_CASE_PARAM(cpu_gets_the_part_and_nothing_else_changes, layout_gen_params),
	KUNIT_CASE_PARAM(device_gets_the_part_and_nothing_else_changes, layout_gen_params),
	KUNIT_CASE_PARAM(parts_can_be_written_at_the_same_time, layout_gen_params),
	KUNIT_CASE(device_that_has_not_mapped_is_spared),
	KUNIT_CASE(directions_are_those_of_the_whole_buffer),
	KUNIT_CASE(mapping_of_the_kernel_is_part_of_it),
	KUNIT_CASE(page_is_found_among_many),
	KUNIT_CASE(search_needs_no_memory_and_takes_it_once),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite paged_buffer_range_suite = {
	.name = "dma-buf-paged-buffer-range",
	.test_cases = paged_buffer_range_cases,
};

kunit_test_suite(paged_buffer_range_suite);
