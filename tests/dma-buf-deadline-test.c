// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DMA_BUF_IOCTL_SET_DEADLINE guarantees, with every errno.
 */
#include <linux/dma-fence.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

static long set_deadline(struct kunit *test, struct mock_buf *mock, u32 flags, u64 ns)
{
	struct dma_buf_set_deadline args = { .deadline_ns = ns, .flags = flags };

	return mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_SET_DEADLINE, &args,
			  sizeof(args));
}

static s64 deadline_of(struct dma_fence *fence)
{
	return ktime_to_ns(to_mock_fence(fence)->deadline);
}

/* A pending fence in the reservation of @mock. */
static struct dma_fence *fence_in(struct kunit *test, struct mock_buf *mock,
				  enum dma_resv_usage usage)
{
	struct dma_fence *fence = mock_fence(test);

	mock_buf_add_fence(test, mock->dmabuf, fence, usage);
	return fence;
}

static const struct who {
	const char *name;
	u32 flags;
	bool kernel, write, read;
} who[] = {
	{ "to read", DMA_BUF_SYNC_READ, true, true, false },
	{ "to write", DMA_BUF_SYNC_WRITE, true, true, true },
	{ "for both", DMA_BUF_SYNC_RW, true, true, true },
};

KUNIT_ARRAY_PARAM_DESC(who, who, name);

static void deadline_reaches_those_who_are_waited_for(struct kunit *test)
{
	const struct who *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *kernel = fence_in(test, mock, DMA_RESV_USAGE_KERNEL);
	struct dma_fence *write = fence_in(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = fence_in(test, mock, DMA_RESV_USAGE_READ);
	struct dma_fence *bookkeep = fence_in(test, mock, DMA_RESV_USAGE_BOOKKEEP);

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, mock, param->flags, 4711));
	KUNIT_EXPECT_EQ(test, param->kernel ? 4711 : 0, deadline_of(kernel));
	KUNIT_EXPECT_EQ(test, param->write ? 4711 : 0, deadline_of(write));
	KUNIT_EXPECT_EQ(test, param->read ? 4711 : 0, deadline_of(read));
	KUNIT_EXPECT_EQ(test, 0, deadline_of(bookkeep));
}

static void work_that_has_finished_or_comes_later_is_not_told(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *before = fence_in(test, mock, DMA_RESV_USAGE_WRITE), *after;

	dma_fence_signal(before);
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, mock, DMA_BUF_SYNC_READ, 4711));
	after = fence_in(test, mock, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, 0, deadline_of(before));
	KUNIT_EXPECT_EQ(test, 0, deadline_of(after));
}

static void idle_buffer_takes_a_deadline(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, mock, DMA_BUF_SYNC_RW, 1));
}

static void end_of_time_is_not_the_past(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = fence_in(test, mock, DMA_RESV_USAGE_WRITE);

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, mock, DMA_BUF_SYNC_READ, U64_MAX));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, deadline_of(fence));
}

static void ioctl_refuses_what_it_does_not_know(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = fence_in(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_buf_set_deadline args = {
		.deadline_ns = 1, .flags = DMA_BUF_SYNC_READ, .pad = 1,
	};

	KUNIT_EXPECT_EQ(test, -EINVAL, set_deadline(test, mock, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_deadline(test, mock, DMA_BUF_SYNC_END, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_deadline(test, mock, DMA_BUF_SYNC_READ | 4, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_deadline(test, mock, DMA_BUF_SYNC_READ | BIT(31), 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, mock->dmabuf->file,
						  DMA_BUF_IOCTL_SET_DEADLINE, &args, sizeof(args)));
	KUNIT_EXPECT_EQ(test, 0, deadline_of(fence));
}

static void structure_may_be_of_a_newer_header(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = fence_in(test, mock, DMA_RESV_USAGE_WRITE);
	struct file *file = mock->dmabuf->file;
	struct {
		struct dma_buf_set_deadline known;
		u8 newer[9];
	} args = { .known = { .flags = DMA_BUF_SYNC_READ, .deadline_ns = 4711 } };

	expect_size_checked(test, file, DMA_BUF_IOCTL_SET_DEADLINE, &args);
	KUNIT_EXPECT_EQ(test, 0, deadline_of(fence));
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file,
					    mock_sized(DMA_BUF_IOCTL_SET_DEADLINE, sizeof(args)),
					    &args, sizeof(args)));
	KUNIT_EXPECT_EQ(test, 4711, deadline_of(fence));
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_deadline_cases[] = {
	KUNIT_CASE_PARAM(deadline_reaches_those_who_are_waited_for, who_gen_params),
	KUNIT_CASE(work_that_has_finished_or_comes_later_is_not_told),
	KUNIT_CASE(idle_buffer_takes_a_deadline),
	KUNIT_CASE(end_of_time_is_not_the_past),
	KUNIT_CASE(ioctl_refuses_what_it_does_not_know),
	KUNIT_CASE(structure_may_be_of_a_newer_header),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_deadline_suite = {
	.name = "dma-buf-deadline",
	.test_cases = dma_buf_deadline_cases,
};

kunit_test_suite(dma_buf_deadline_suite);
