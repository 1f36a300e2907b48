// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf.c and dma-buf-attach.c guarantee when memory or files run out: an
 * error that says so, everything as it was, and success once there is enough.
 */
#include <linux/err.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "shortage.h"

static void export_out_of_memory_is_enomem_and_leaves_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	int nth, alive = mock_buf_alive(), ret;

	needs_failslab(test);
	mock_buf_describe(mock, &info, 0);
	for_each_failing_allocation(test, nth, ret = mock_buf_export(mock, &info)) {
		KUNIT_EXPECT_EQ(test, alive, mock_buf_alive());
		KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
		KUNIT_EXPECT_NULL(test, strstr(mock_bufinfo(test), "mock"));
	}
	/* Buffer, inode, path and file: that much can fail at least. */
	KUNIT_EXPECT_GT(test, nth, 4);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
}

static void export_without_a_file_is_enfile_and_leaves_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	int alive = mock_buf_alive(), ret;
	struct dma_buf_export_info info;
	struct file_limit *limit;

	mock_buf_describe(mock, &info, 0);
	limit = files_run_out(test);
	ret = mock_buf_export(mock, &info);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, alive, mock_buf_alive());
	KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
	KUNIT_EXPECT_NULL(test, strstr(mock_bufinfo(test), "mock"));

	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
}

/* An exporter, and how an importer announces its device. */
struct attach_case {
	const char *name;
	unsigned int exporter;
	const struct dma_buf_attach_ops *importer;
	bool maps;
};

static const struct attach_case attach_cases[] = {
	{ "nobody moves", 0, NULL, false },
	{ "the exporter moves", MOCK_BUF_DYNAMIC, NULL, true },
	{ "the importer follows", 0, &mock_importer_ops, true },
	{ "both", MOCK_BUF_DYNAMIC, &mock_importer_ops, false },
};

KUNIT_ARRAY_PARAM_DESC(attach, attach_cases, name);

/* Nothing is attached, mapped or pinned, and nobody has the lock. */
static void expect_untouched(struct kunit *test, struct mock_buf *mock)
{
	struct mock_buf_calls *calls = &mock->calls;

	KUNIT_EXPECT_EQ(test, calls->attach, calls->detach);
	KUNIT_EXPECT_EQ(test, calls->pin, calls->unpin);
	KUNIT_EXPECT_EQ(test, calls->map, calls->unmap);
	KUNIT_EXPECT_EQ(test, 0, calls->wrong_lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->dmabuf->attachments));
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(mock->dmabuf->resv));
}

static long try_attach(struct mock_buf *mock, struct mock_importer *importer,
		       const struct dma_buf_attach_ops *ops, struct dma_buf_attachment **attach)
{
	*attach = dma_buf_dynamic_attach(mock->dmabuf, importer->dev, ops, importer);
	return PTR_ERR_OR_ZERO(*attach);
}

static long try_map(struct dma_buf_attachment *attach, struct sg_table **sgt)
{
	*sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	return PTR_ERR_OR_ZERO(*sgt);
}

static void attach_out_of_memory_is_enomem_and_is_undone(struct kunit *test)
{
	const struct attach_case *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, param->exporter);
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach;
	int nth;

	needs_failslab(test);
	for_each_failing_allocation(test, nth,
				    try_attach(mock, importer, param->importer, &attach))
		expect_untouched(test, mock);
	/* The attachment, and a mapping of a table and its list. */
	KUNIT_EXPECT_GT(test, nth, param->maps ? 3 : 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(attach));
	dma_buf_detach(mock->dmabuf, attach);
	expect_untouched(test, mock);
}

/* How a buffer is mapped. */
struct map_case {
	const char *name;
	unsigned int exporter;
	const struct dma_buf_attach_ops *importer;
};

static const struct map_case map_cases[] = {
	{ "static", 0, NULL },
	{ "cached", MOCK_BUF_CACHED, NULL },
	{ "dynamic", MOCK_BUF_DYNAMIC, &mock_importer_ops },
};

KUNIT_ARRAY_PARAM_DESC(map, map_cases, name);

static void map_out_of_memory_is_enomem_and_is_undone(struct kunit *test)
{
	const struct map_case *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, param->exporter);
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	int nth;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0, try_attach(mock, importer, param->importer, &attach));
	for_each_failing_allocation(test, nth, try_map(attach, &sgt)) {
		KUNIT_EXPECT_EQ(test, mock->calls.map, mock->calls.unmap);
		KUNIT_EXPECT_EQ(test, mock->calls.pin, mock->calls.unpin);
		KUNIT_EXPECT_NULL(test, attach->sgt);
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(mock->dmabuf->resv));
	}
	/* A table and its list, and with DMABUF_DEBUG those that the importer sees. */
	KUNIT_EXPECT_GT(test, nth, IS_ENABLED(CONFIG_DMABUF_DEBUG) ? 4 : 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(sgt));
	KUNIT_EXPECT_EQ(test, param->exporter & MOCK_BUF_CACHED, attach->sgt ? MOCK_BUF_CACHED : 0);
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	dma_buf_detach(mock->dmabuf, attach);
	expect_untouched(test, mock);
}

static void cached_mapping_needs_no_memory_the_second_time(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_CACHED);
	struct dma_buf_attachment *attach;
	struct sg_table *first, *again;
	int nth;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0, try_attach(mock, mock_importer(test), NULL, &attach));
	KUNIT_ASSERT_EQ(test, 0, try_map(attach, &first));
	for_each_failing_allocation(test, nth, try_map(attach, &again))
		;
	KUNIT_EXPECT_EQ(test, 1, nth);
	KUNIT_EXPECT_PTR_EQ(test, first, again);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.map);
	dma_buf_detach(mock->dmabuf, attach);
	expect_untouched(test, mock);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_shortage_cases[] = {
	KUNIT_CASE(export_out_of_memory_is_enomem_and_leaves_nothing),
	KUNIT_CASE(export_without_a_file_is_enfile_and_leaves_nothing),
	KUNIT_CASE_PARAM(attach_out_of_memory_is_enomem_and_is_undone, attach_gen_params),
	KUNIT_CASE_PARAM(map_out_of_memory_is_enomem_and_is_undone, map_gen_params),
	KUNIT_CASE(cached_mapping_needs_no_memory_the_second_time),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_shortage_suite = {
	.name = "dma-buf-shortage",
	.test_cases = dma_buf_shortage_cases,
};

kunit_test_suite(dma_buf_shortage_suite);
