// SPDX-License-Identifier: GPL-2.0-only
/*
 * What access by the CPU to a part of a buffer guarantees: the kernel's calls, and
 * DMA_BUF_IOCTL_SYNC_RANGE with every errno. What exporters of pages make of it is
 * in paged-buffer-range-test.c.
 */
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

#define SIZE	(3 * PAGE_SIZE + 5)

/* What the exporter of a buffer was told about ranges, and what it answers. */
struct ranges {
	struct mock_buf *mock;
	unsigned int begin, end, wrong_lock;
	size_t offset, length;
	enum dma_data_direction dir;
	int err;
	/* run inside of begin, if set */
	void (*on_begin)(struct ranges *ranges);
	struct dma_fence *move;
};

static struct ranges *note(struct dma_buf *dmabuf, size_t offset, size_t length,
			   enum dma_data_direction dir)
{
	struct mock_buf *mock = dmabuf->priv;
	struct ranges *ranges = mock->data;

	ranges->wrong_lock += dma_resv_is_locked(dmabuf->resv);
	ranges->offset = offset;
	ranges->length = length;
	ranges->dir = dir;
	return ranges;
}

static int note_begin(struct dma_buf *dmabuf, size_t offset, size_t length,
		      enum dma_data_direction dir)
{
	struct ranges *ranges = note(dmabuf, offset, length, dir);

	ranges->begin++;
	if (ranges->on_begin)
		ranges->on_begin(ranges);
	return ranges->err;
}

static int note_end(struct dma_buf *dmabuf, size_t offset, size_t length,
		    enum dma_data_direction dir)
{
	struct ranges *ranges = note(dmabuf, offset, length, dir);

	ranges->end++;
	return ranges->err;
}

/* A buffer whose exporter knows of parts. */
static struct ranges *ranged_buf(struct kunit *test, unsigned int kind)
{
	struct ranges *ranges = kunit_kzalloc(test, sizeof(*ranges), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	ranges->mock = mock_buf(test, SIZE, kind);
	ranges->mock->data = ranges;
	ranges->mock->ops.begin_cpu_access_range = note_begin;
	ranges->mock->ops.end_cpu_access_range = note_end;
	return ranges;
}

static int begin(struct mock_buf *mock, size_t offset, size_t length)
{
	return dma_buf_begin_cpu_access_range(mock->dmabuf, offset, length, DMA_FROM_DEVICE);
}

static int end(struct mock_buf *mock, size_t offset, size_t length)
{
	return dma_buf_end_cpu_access_range(mock->dmabuf, offset, length, DMA_TO_DEVICE);
}

static void exporter_learns_the_range(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);

	KUNIT_EXPECT_EQ(test, 0, begin(ranges->mock, 7, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1, ranges->begin);
	KUNIT_EXPECT_EQ(test, 7, ranges->offset);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, ranges->length);
	KUNIT_EXPECT_EQ(test, DMA_FROM_DEVICE, ranges->dir);

	KUNIT_EXPECT_EQ(test, 0, end(ranges->mock, SIZE - 1, 1));
	KUNIT_EXPECT_EQ(test, 1, ranges->end);
	KUNIT_EXPECT_EQ(test, SIZE - 1, ranges->offset);
	KUNIT_EXPECT_EQ(test, 1, ranges->length);
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, ranges->dir);

	KUNIT_EXPECT_EQ(test, 0, ranges->mock->calls.begin + ranges->mock->calls.end);
	KUNIT_EXPECT_EQ(test, 0, ranges->wrong_lock);
}

static void exporter_that_knows_of_no_parts_does_all(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, SIZE, 0);

	KUNIT_EXPECT_EQ(test, 0, begin(mock, 1, 1));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.begin);
	KUNIT_EXPECT_EQ(test, DMA_FROM_DEVICE, mock->dir);
	KUNIT_EXPECT_EQ(test, 0, end(mock, 1, 1));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.end);
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, mock->dir);
}

static void exporter_that_does_nothing_for_the_cpu_is_fine(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, SIZE, MOCK_BUF_BARE);

	KUNIT_EXPECT_EQ(test, 0, begin(mock, 0, SIZE));
	KUNIT_EXPECT_EQ(test, 0, end(mock, 0, SIZE));
}

/* amdgpu and xe bring other callbacks after the export. */
static void callbacks_that_come_after_the_export_count(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	struct dma_buf_ops plain = ranges->mock->ops;

	plain.begin_cpu_access_range = NULL;
	plain.end_cpu_access_range = NULL;
	ranges->mock->dmabuf->ops = &plain;
	KUNIT_EXPECT_EQ(test, 0, begin(ranges->mock, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, end(ranges->mock, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, ranges->begin + ranges->end);
	KUNIT_EXPECT_EQ(test, 1, ranges->mock->calls.begin);
	ranges->mock->dmabuf->ops = &ranges->mock->ops;
}

static const struct outside {
	const char *name;
	size_t offset, length;
} outside[] = {
	{ "nothing", 0, 0 },
	{ "nothing at the end", SIZE, 0 },
	{ "behind the end", SIZE, 1 },
	{ "one too long", 0, SIZE + 1 },
	{ "one too far", 1, SIZE },
	{ "far behind", SIZE_MAX, 1 },
	{ "wraps to the end", SIZE_MAX, SIZE + 1 },
	{ "wraps into it", SIZE_MAX - 1, 4 },
	{ "as long as can be", 1, SIZE_MAX },
};

KUNIT_ARRAY_PARAM_DESC(outside, outside, name);

static long range_ioctl(struct kunit *test, struct mock_buf *mock, u32 flags, u64 offset,
			u64 length)
{
	struct dma_buf_sync_range args = { .flags = flags, .offset = offset, .length = length };

	return mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_SYNC_RANGE, &args, sizeof(args));
}

static void range_that_is_not_inside_is_einval(struct kunit *test)
{
	const struct outside *param = test->param_value;
	struct ranges *ranges = ranged_buf(test, 0);
	struct mock_buf *mock = ranges->mock;

	KUNIT_EXPECT_EQ(test, -EINVAL, begin(mock, param->offset, param->length));
	KUNIT_EXPECT_EQ(test, -EINVAL, end(mock, param->offset, param->length));
	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_READ, param->offset,
						   param->length));
	KUNIT_EXPECT_EQ(test, 0, ranges->begin + ranges->end);
}

/* On 32 bits, where it would be cut off. */
static void range_beyond_what_an_address_holds_is_einval(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	struct mock_buf *mock = ranges->mock;

	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_READ, BIT_ULL(32), 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			range_ioctl(test, mock, DMA_BUF_SYNC_READ, 0, BIT_ULL(32) + 1));
	KUNIT_EXPECT_EQ(test, 0, ranges->begin);
}

static void begin_waits_for_the_whole_buffers_writers(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	int ret;

	mock_buf_add_fence(test, ranges->mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	mock_signal_self();
	ret = begin(ranges->mock, 0, 1);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ret);
	/* Caches are not touched before the devices have finished. */
	KUNIT_EXPECT_EQ(test, 0, ranges->begin);
	KUNIT_EXPECT_EQ(test, 0, end(ranges->mock, 0, 1));
}

static void begin_for_reading_leaves_readers_alone(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	struct dma_buf *dmabuf = ranges->mock->dmabuf;
	int ret;

	mock_buf_add_fence(test, dmabuf, mock_fence(test), DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, 0, begin(ranges->mock, 0, 1));
	mock_signal_self();
	ret = dma_buf_begin_cpu_access_range(dmabuf, 0, 1, DMA_TO_DEVICE);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ret);
	KUNIT_EXPECT_EQ(test, 1, ranges->begin);
}

/* What a dynamic exporter does that has to fetch the buffer first. */
static void start_a_move(struct ranges *ranges)
{
	struct dma_resv *resv = ranges->mock->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	if (!dma_resv_reserve_fences(resv, 1))
		dma_resv_add_fence(resv, ranges->move, DMA_RESV_USAGE_KERNEL);
	dma_resv_unlock(resv);
}

static void begin_waits_for_a_move_that_the_exporter_starts(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, MOCK_BUF_DYNAMIC);
	int ret;

	ranges->move = mock_fence(test);
	ranges->on_begin = start_a_move;
	mock_signal_self();
	ret = begin(ranges->mock, 0, 1);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ret);
	KUNIT_EXPECT_EQ(test, 1, ranges->begin);
}

static void errors_of_the_exporter_are_passed_on(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);

	ranges->err = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, begin(ranges->mock, 0, 1));
	KUNIT_EXPECT_EQ(test, -EIO, end(ranges->mock, 0, 1));
}

/* ---- The ioctl ---- */

static const struct flags {
	const char *name;
	u32 flags;
	enum dma_data_direction dir;
	unsigned int begin, end;
} flags[] = {
	{ "start reading", DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ, DMA_FROM_DEVICE, 1, 0 },
	{ "start writing", DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE, DMA_TO_DEVICE, 1, 0 },
	{ "start both", DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW, DMA_BIDIRECTIONAL, 1, 0 },
	{ "end reading", DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ, DMA_FROM_DEVICE, 0, 1 },
	{ "end writing", DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE, DMA_TO_DEVICE, 0, 1 },
	{ "end both", DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW, DMA_BIDIRECTIONAL, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(flags, flags, name);

static void ioctl_reaches_the_exporter(struct kunit *test)
{
	const struct flags *param = test->param_value;
	struct ranges *ranges = ranged_buf(test, 0);

	KUNIT_EXPECT_EQ(test, 0, range_ioctl(test, ranges->mock, param->flags, 3, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, param->begin, ranges->begin);
	KUNIT_EXPECT_EQ(test, param->end, ranges->end);
	KUNIT_EXPECT_EQ(test, param->dir, ranges->dir);
	KUNIT_EXPECT_EQ(test, 3, ranges->offset);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, ranges->length);
}

static void ioctl_refuses_what_it_does_not_know(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	struct mock_buf *mock = ranges->mock;
	struct dma_buf_sync_range args = { .flags = DMA_BUF_SYNC_READ, .pad = 1, .length = 1 };

	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_READ | 8, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_READ | BIT(31), 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_START, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, mock, DMA_BUF_SYNC_END, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, mock->dmabuf->file,
						  DMA_BUF_IOCTL_SYNC_RANGE, &args, sizeof(args)));
	KUNIT_EXPECT_EQ(test, 0, ranges->begin + ranges->end);
}

static void structure_may_be_of_a_newer_header(struct kunit *test)
{
	struct ranges *ranges = ranged_buf(test, 0);
	struct file *file = ranges->mock->dmabuf->file;
	struct {
		struct dma_buf_sync_range known;
		u8 newer[9];
	} args = { .known = { .flags = DMA_BUF_SYNC_READ, .length = 1 } };

	expect_size_checked(test, file, DMA_BUF_IOCTL_SYNC_RANGE, &args);
	KUNIT_EXPECT_EQ(test, 0, ranges->begin);
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file,
					    mock_sized(DMA_BUF_IOCTL_SYNC_RANGE, sizeof(args)),
					    &args, sizeof(args)));
	KUNIT_EXPECT_EQ(test, 1, ranges->begin);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_range_cases[] = {
	KUNIT_CASE(exporter_learns_the_range),
	KUNIT_CASE(exporter_that_knows_of_no_parts_does_all),
	KUNIT_CASE(exporter_that_does_nothing_for_the_cpu_is_fine),
	KUNIT_CASE(callbacks_that_come_after_the_export_count),
	KUNIT_CASE_PARAM(range_that_is_not_inside_is_einval, outside_gen_params),
	KUNIT_CASE(range_beyond_what_an_address_holds_is_einval),
	KUNIT_CASE(begin_waits_for_the_whole_buffers_writers),
	KUNIT_CASE(begin_for_reading_leaves_readers_alone),
	KUNIT_CASE(begin_waits_for_a_move_that_the_exporter_starts),
	KUNIT_CASE(errors_of_the_exporter_are_passed_on),
	KUNIT_CASE_PARAM(ioctl_reaches_the_exporter, flags_gen_params),
	KUNIT_CASE(ioctl_refuses_what_it_does_not_know),
	KUNIT_CASE(structure_may_be_of_a_newer_header),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_range_suite = {
	.name = "dma-buf-range",
	.test_cases = dma_buf_range_cases,
};

kunit_test_suite(dma_buf_range_suite);
