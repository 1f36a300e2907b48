// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BUF_IOCTL_SET_DEADLINE as a process sees it: every errno, and that it arrives.
 */
#include <stdint.h>

#include "buffer.h"
#include "kselftest_harness.h"

static int set_deadline(int buf, __u32 flags, __u64 ns)
{
	struct dma_buf_set_deadline args = { .deadline_ns = ns, .flags = flags };

	return call(buf, DMA_BUF_IOCTL_SET_DEADLINE, &args);
}

FIXTURE(deadline) {
	int buf, timeline, write, read;
};

/* A buffer with a writer and a reader that both are still busy. */
FIXTURE_SETUP(deadline)
{
	self->buf = heap_buffer("system", 4096);
	ASSERT_LE(0, self->buf);
	self->timeline = timeline_open();
	ASSERT_LE(0, self->timeline);
	self->write = timeline_fence(self->timeline, 1);
	self->read = timeline_fence(self->timeline, 2);
	ASSERT_LE(0, self->write);
	ASSERT_LE(0, self->read);
}

FIXTURE_TEARDOWN(deadline)
{
	close(self->read);
	close(self->write);
	close(self->timeline);
	close(self->buf);
}

/* The deadline that a fence was told, -ENOENT if none. */
static long long told(int timeline, int fence)
{
	struct sw_sync_deadline args = { .fence = fence };
	int ret = call(timeline, SW_SYNC_DEADLINE, &args);

	return ret ?: (long long)args.deadline_ns;
}

TEST_F(deadline, reader_tells_writers)
{
	ASSERT_EQ(0, import_fence(self->buf, self->write, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_READ, 4711));
	EXPECT_EQ(4711, told(self->timeline, self->write));
	/* The earliest counts, for this driver. */
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_READ, 815));
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_READ, 9000));
	EXPECT_EQ(815, told(self->timeline, self->write));
}

TEST_F(deadline, readers_are_told_by_who_writes_only)
{
	ASSERT_EQ(0, import_fence(self->buf, self->read, DMA_BUF_SYNC_READ));
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_READ, 4711));
	EXPECT_EQ(-ENOENT, told(self->timeline, self->read));
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_WRITE, 4711));
	EXPECT_EQ(4711, told(self->timeline, self->read));
}

TEST_F(deadline, nobody_need_be_busy)
{
	EXPECT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_RW, 1));
	ASSERT_EQ(0, import_fence(self->buf, self->write, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, timeline_advance(self->timeline, 1));
	EXPECT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_RW, 1));
	EXPECT_EQ(-ENOENT, told(self->timeline, self->write));
}

TEST_F(deadline, end_of_time_is_not_the_past)
{
	ASSERT_EQ(0, import_fence(self->buf, self->write, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, set_deadline(self->buf, DMA_BUF_SYNC_READ, UINT64_MAX));
	EXPECT_EQ(INT64_MAX, told(self->timeline, self->write));
}

TEST_F(deadline, what_makes_no_sense_is_einval)
{
	struct dma_buf_set_deadline args = { .flags = DMA_BUF_SYNC_READ, .pad = 1 };

	ASSERT_EQ(0, import_fence(self->buf, self->write, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EINVAL, set_deadline(self->buf, 0, 1));
	EXPECT_EQ(-EINVAL, set_deadline(self->buf, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, 1));
	EXPECT_EQ(-EINVAL, set_deadline(self->buf, DMA_BUF_SYNC_READ | 1U << 31, 1));
	EXPECT_EQ(-EINVAL, call(self->buf, DMA_BUF_IOCTL_SET_DEADLINE, &args));
	EXPECT_EQ(-ENOENT, told(self->timeline, self->write));
}

TEST_F(deadline, structure_may_grow_and_not_shrink)
{
	struct {
		struct dma_buf_set_deadline known;
		__u64 newer;
	} args = { .known = { .flags = DMA_BUF_SYNC_READ } };
	const unsigned long cmd = DMA_BUF_IOCTL_SET_DEADLINE;

	EXPECT_EQ(0, call(self->buf, sized(cmd, sizeof(args)), &args));
	args.newer = 1;
	EXPECT_EQ(-E2BIG, call(self->buf, sized(cmd, sizeof(args)), &args));
	EXPECT_EQ(0, call(self->buf, cmd, &args));
	EXPECT_EQ(-EINVAL, call(self->buf, sized(cmd, sizeof(args.known) - 1), &args));
	EXPECT_EQ(-EFAULT, call(self->buf, cmd, NULL));
	EXPECT_EQ(-ENOTTY, call(self->buf, _IO('b', 0x61), &args));
}

TEST_HARNESS_MAIN
