// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-mapping.c guarantees: lists of device memory that has no pages.
 */
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "shortage.h"

/* Where the memory is; nobody touches it. */
#define BAR	((phys_addr_t)0xc0000000)

/* An exporter of device memory, and a device that imports from it. */
struct bar {
	struct mock_buf *mock;
	struct dma_buf_attachment *attach;
	struct device_dma_parameters parms;
	struct pci_dev *provider;
	const struct phys_vec *ranges;
	size_t nr, size;
};

static struct sg_table *bar_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct mock_buf *mock = attach->dmabuf->priv;
	struct bar *bar = mock->data;

	return dma_buf_phys_vec_to_sgt(attach, bar->provider, bar->ranges, bar->nr, bar->size, dir);
}

static struct bar *bar_new(struct kunit *test, const struct phys_vec *ranges, size_t nr)
{
	struct bar *bar = kunit_kzalloc(test, sizeof(*bar), GFP_KERNEL);
	struct mock_importer *importer = mock_importer(test);
	struct device *dev = importer->dev;
	size_t i;

	if (!IS_ENABLED(CONFIG_HAS_DMA))
		kunit_skip(test, "no device can do DMA");
	KUNIT_ASSERT_NOT_NULL(test, bar);
	dev->dma_parms = &bar->parms;
	dev->dma_mask = &dev->coherent_dma_mask;
	KUNIT_ASSERT_EQ(test, 0, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	dma_set_max_seg_size(dev, UINT_MAX);

	bar->ranges = ranges;
	bar->nr = nr;
	for (i = 0; i < nr; i++)
		bar->size += ranges[i].len;
	bar->mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	bar->mock->ops.map_dma_buf = bar_map;
	bar->mock->ops.unmap_dma_buf = dma_buf_free_sgt;
	bar->mock->data = bar;
	bar->attach = dma_buf_dynamic_attach(bar->mock->dmabuf, dev, &mock_revocable_ops, importer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bar->attach);
	return bar;
}

static struct sg_table *bar_list(struct bar *bar)
{
	return dma_buf_map_attachment_unlocked(bar->attach, DMA_BIDIRECTIONAL);
}

static void bar_done(struct bar *bar, struct sg_table *sgt)
{
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment_unlocked(bar->attach, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(bar->mock->dmabuf, bar->attach);
}

/*
 * The list has all ranges in order, none of its entries longer than @most or across a
 * boundary of @boundary. The device sees physical addresses as they are.
 */
static void expect_ranges(struct kunit *test, struct bar *bar, struct sg_table *sgt,
			  u64 most, u64 boundary)
{
	struct phys_vec range = bar->ranges[0];
	struct scatterlist *sg;
	size_t next = 1;
	u64 last;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (!range.len && next < bar->nr)
			range = bar->ranges[next++];
		KUNIT_ASSERT_NE(test, 0, sg_dma_len(sg));
		KUNIT_ASSERT_LE(test, sg_dma_len(sg), range.len);
		KUNIT_ASSERT_LE(test, sg_dma_len(sg), most);
		KUNIT_ASSERT_EQ(test, range.paddr, sg_dma_address(sg));
		last = sg_dma_address(sg) + sg_dma_len(sg) - 1;
		KUNIT_ASSERT_EQ(test, 0, (sg_dma_address(sg) ^ last) & ~(boundary - 1));
		range.paddr += sg_dma_len(sg);
		range.len -= sg_dma_len(sg);
	}
	KUNIT_EXPECT_EQ(test, 0, range.len);
	KUNIT_EXPECT_EQ(test, bar->nr, next);
}

#define NO_BOUNDARY	BIT_ULL(63)

static void ranges_arrive_in_order(struct kunit *test)
{
	static const struct phys_vec ranges[] = {
		{ BAR + SZ_1M, SZ_64K }, { BAR, PAGE_SIZE }, { BAR + SZ_16M, 3 * PAGE_SIZE },
	};
	struct bar *bar = bar_new(test, ranges, ARRAY_SIZE(ranges));
	struct sg_table *sgt = bar_list(bar);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, 3, sgt->nents);
	expect_ranges(test, bar, sgt, SZ_64K, NO_BOUNDARY);
	bar_done(bar, sgt);
}

static void nothing_is_there_for_the_cpu(struct kunit *test)
{
	static const struct phys_vec range = { BAR, SZ_64K };
	struct bar *bar = bar_new(test, &range, 1);
	struct sg_table *sgt = bar_list(bar);
	struct scatterlist *sg;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	for_each_sgtable_sg(sgt, sg, i)
		KUNIT_FAIL(test, "an entry");
	bar_done(bar, sgt);
}

/* Field notes: 32-bit sums of 8 GiB and more, and of DMA addresses 4 GiB apart. */
static void ranges_of_many_gib_arrive_whole(struct kunit *test)
{
	static const struct phys_vec ranges[] = {
		{ BAR, 8 * (size_t)SZ_1G },
		{ BAR + SZ_64K + 32 * (phys_addr_t)SZ_1G, 5 * (size_t)SZ_1G + SZ_4K },
	};
	struct bar *bar;
	struct sg_table *sgt;

	if (sizeof(size_t) < sizeof(u64))
		kunit_skip(test, "nothing is that large");
	bar = bar_new(test, ranges, ARRAY_SIZE(ranges));
	sgt = bar_list(bar);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_ranges(test, bar, sgt, UINT_MAX, NO_BOUNDARY);
	/* 4 GiB less a page in each entry. */
	KUNIT_EXPECT_EQ(test, 3 + 2, sgt->nents);
	bar_done(bar, sgt);
}

static void entries_are_as_short_as_the_device_needs_them(struct kunit *test)
{
	static const struct phys_vec range = { BAR + SZ_4K, SZ_1M };
	struct bar *bar = bar_new(test, &range, 1);
	struct sg_table *sgt;

	dma_set_max_seg_size(bar->attach->dev, SZ_64K + 5);
	sgt = bar_list(bar);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_ranges(test, bar, sgt, SZ_64K, NO_BOUNDARY);
	KUNIT_EXPECT_EQ(test, 16, sgt->nents);
	bar_done(bar, sgt);
}

static void entries_cross_no_boundary_of_the_device(struct kunit *test)
{
	static const struct phys_vec range = { BAR + SZ_4K, SZ_1M };
	struct bar *bar = bar_new(test, &range, 1);
	struct sg_table *sgt;

	dma_set_seg_boundary(bar->attach->dev, SZ_256K - 1);
	sgt = bar_list(bar);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	expect_ranges(test, bar, sgt, UINT_MAX, SZ_256K);
	KUNIT_EXPECT_EQ(test, 5, sgt->nents);
	bar_done(bar, sgt);
}

struct bad_ranges {
	const char *name;
	struct phys_vec ranges[2];
	size_t nr, size;
};

static const struct bad_ranges bad_ranges[] = {
	{ "none", {}, 0, 0 },
	{ "empty", { { BAR, SZ_4K }, { BAR, 0 } }, 2, SZ_4K },
	{ "more than said", { { BAR, SZ_4K }, { BAR, SZ_4K } }, 2, SZ_4K },
	{ "less than said", { { BAR, SZ_4K } }, 1, SZ_8K },
	{ "beyond the end", { { ~(phys_addr_t)0, 2 } }, 1, 2 },
	{ "overflow", { { 0, SIZE_MAX }, { 0, 2 } }, 2, 1 },
};

KUNIT_ARRAY_PARAM_DESC(bad_ranges, bad_ranges, name);

static void bad_ranges_are_refused(struct kunit *test)
{
	const struct bad_ranges *bad = test->param_value;
	struct bar *bar = bar_new(test, bad->ranges, bad->nr);

	bar->size = bad->size;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(bar_list(bar)));
	bar_done(bar, ERR_PTR(-EINVAL));
}

static void provider_out_of_reach_is_eremoteio(struct kunit *test)
{
	static const struct phys_vec range = { BAR, SZ_64K };
	struct bar *bar = bar_new(test, &range, 1);
	struct pci_dev *provider = kunit_kzalloc(test, sizeof(*provider), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, provider);
	/* The importer is no PCI device. */
	bar->provider = provider;
	KUNIT_EXPECT_EQ(test, -EREMOTEIO, PTR_ERR(bar_list(bar)));
	bar_done(bar, ERR_PTR(-EREMOTEIO));
}

static long try_list(struct bar *bar, struct sg_table **sgt)
{
	*sgt = bar_list(bar);
	return PTR_ERR_OR_ZERO(*sgt);
}

static void out_of_memory_is_enomem(struct kunit *test)
{
	static const struct phys_vec range = { BAR, SZ_64K };
	struct sg_table *sgt;
	struct bar *bar;
	int nth, failed = 0;

	needs_failslab(test);
	bar = bar_new(test, &range, 1);
	for_each_failing_allocation(test, nth, try_list(bar, &sgt))
		failed++;
	/* What is mapped, and the list. */
	KUNIT_EXPECT_GE(test, failed, 2);
	bar_done(bar, sgt);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_mapping_cases[] = {
	KUNIT_CASE(ranges_arrive_in_order),
	KUNIT_CASE(nothing_is_there_for_the_cpu),
	KUNIT_CASE(ranges_of_many_gib_arrive_whole),
	KUNIT_CASE(entries_are_as_short_as_the_device_needs_them),
	KUNIT_CASE(entries_cross_no_boundary_of_the_device),
	KUNIT_CASE_PARAM(bad_ranges_are_refused, bad_ranges_gen_params),
	KUNIT_CASE(provider_out_of_reach_is_eremoteio),
	KUNIT_CASE(out_of_memory_is_enomem),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_mapping_suite = {
	.name = "dma-buf-mapping",
	.test_cases = dma_buf_mapping_cases,
};

kunit_test_suite(dma_buf_mapping_suite);
