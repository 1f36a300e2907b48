// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a walk over all buffers guarantees that holds on to the buffer where it
 * stands: dma_buf_iter_begin() and dma_buf_iter_next() of dma-buf-stats.c.
 */
#include <linux/file.h>
#include <kunit/test.h>

#include "mock-buf.h"

/* How many buffers a test makes. */
#define COUNT 20

static void make(struct kunit *test, struct mock_buf **mocks)
{
	int i;

	for (i = 0; i < COUNT; i++)
		mocks[i] = mock_buf(test, PAGE_SIZE, 0);
}

/* Count in @seen how often each of @mocks comes, from @dmabuf to the end of its walk. */
static void walk_from(struct dma_buf *dmabuf, struct mock_buf **mocks, int *seen)
{
	int i;

	for (; dmabuf; dmabuf = dma_buf_iter_next(dmabuf)) {
		for (i = 0; i < COUNT; i++)
			seen[i] += mocks[i]->dmabuf == dmabuf;
	}
}

/* Go on with a walk until it stands at one of @mocks; which one. */
static int walk_to_any(struct kunit *test, struct dma_buf **dmabuf, struct mock_buf **mocks)
{
	int i;

	for (; *dmabuf; *dmabuf = dma_buf_iter_next(*dmabuf)) {
		for (i = 0; i < COUNT; i++) {
			if (mocks[i]->dmabuf == *dmabuf)
				return i;
		}
	}
	KUNIT_FAIL_AND_ABORT(test, "the walk meets none of the buffers");
	return -1;
}

static void walk_sees_each_buffer_once(struct kunit *test)
{
	struct mock_buf *mocks[COUNT];
	int i, seen[COUNT] = {};

	make(test, mocks);
	walk_from(dma_buf_iter_begin(), mocks, seen);
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_EQ(test, 1, seen[i]);
}

static void walk_holds_the_buffer_where_it_stands_and_no_other(struct kunit *test)
{
	struct dma_buf *dmabuf = NULL;
	struct mock_buf *mocks[COUNT];
	int i, here;

	make(test, mocks);
	dmabuf = dma_buf_iter_begin();
	here = walk_to_any(test, &dmabuf, mocks);
	for (i = 0; i < COUNT; i++) {
		if (i != here)
			KUNIT_EXPECT_TRUE(test, mock_buf_put(mocks[i]));
	}
	dma_buf_put(mocks[here]->dmabuf);
	mocks[here]->dmabuf = NULL;
	flush_delayed_fput();
	KUNIT_EXPECT_FALSE(test, completion_done(&mocks[here]->released));

	dmabuf = dma_buf_iter_next(dmabuf);
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mocks[here]));
	while (dmabuf)
		dmabuf = dma_buf_iter_next(dmabuf);
}

static void walk_that_ends_early_holds_nothing(struct kunit *test)
{
	struct dma_buf *dmabuf = NULL;
	struct mock_buf *mocks[COUNT];
	int i;

	make(test, mocks);
	dmabuf = dma_buf_iter_begin();
	walk_to_any(test, &dmabuf, mocks);
	dma_buf_put(dmabuf);
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_TRUE(test, mock_buf_put(mocks[i]));
}

static void walk_sees_what_stays_once_while_others_come_and_go(struct kunit *test)
{
	struct dma_buf *dmabuf = NULL;
	struct mock_buf *mocks[COUNT];
	int i, here, seen[COUNT] = {};

	make(test, mocks);
	dmabuf = dma_buf_iter_begin();
	here = walk_to_any(test, &dmabuf, mocks);

	/* Every other one goes, on both sides of the walk, and new ones come. */
	for (i = 0; i < COUNT; i++) {
		if ((i - here) % 2) {
			KUNIT_EXPECT_TRUE(test, mock_buf_put(mocks[i]));
			mock_buf(test, PAGE_SIZE, 0);
		}
	}
	walk_from(dmabuf, mocks, seen);
	for (i = 0; i < COUNT; i++) {
		if (mocks[i]->dmabuf)
			KUNIT_EXPECT_EQ(test, 1, seen[i]);
	}
}

static void two_walks_do_not_see_each_other(struct kunit *test)
{
	int i, seen_by_one[COUNT] = {}, seen_by_two[COUNT] = {};
	struct dma_buf *one = NULL;
	struct mock_buf *mocks[COUNT];

	make(test, mocks);
	one = dma_buf_iter_begin();
	walk_to_any(test, &one, mocks);
	walk_from(dma_buf_iter_begin(), mocks, seen_by_two);
	walk_from(one, mocks, seen_by_one);
	for (i = 0; i < COUNT; i++) {
		KUNIT_EXPECT_EQ(test, 1, seen_by_one[i]);
		KUNIT_EXPECT_EQ(test, 1, seen_by_two[i]);
	}
}

#ifdef CONFIG_DEBUG_FS
/* A reader of bufinfo leaves something in the list that is not a buffer. */
static void walk_passes_over_a_reader_of_bufinfo(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "debugfs", "dma_buf/bufinfo", O_RDONLY);
	void __user *page = mock_user_page(test);
	int i, seen[COUNT] = {};
	struct mock_buf *mocks[COUNT];
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	make(test, mocks);
	KUNIT_ASSERT_GT(test, file->f_op->read(file, page, 300, &pos), (ssize_t)0);
	walk_from(dma_buf_iter_begin(), mocks, seen);
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_EQ(test, 1, seen[i]);
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_iter_cases[] = {
	KUNIT_CASE(walk_sees_each_buffer_once),
	KUNIT_CASE(walk_holds_the_buffer_where_it_stands_and_no_other),
	KUNIT_CASE(walk_that_ends_early_holds_nothing),
	KUNIT_CASE(walk_sees_what_stays_once_while_others_come_and_go),
	KUNIT_CASE(two_walks_do_not_see_each_other),
#ifdef CONFIG_DEBUG_FS
	KUNIT_CASE(walk_passes_over_a_reader_of_bufinfo),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_iter_suite = {
	.name = "dma-buf-iter",
	.test_cases = dma_buf_iter_cases,
};

kunit_test_suite(dma_buf_iter_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
