// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BUF_IOCTL_SYNC_RANGE as a process sees it: every errno, and with a device that
 * works on copies (swiotlb=force on the kernel's command line) what it does.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>

#include "buffer.h"
#include "kselftest_harness.h"

#define SIZE	(1024UL * 1024)

static int sync_range(int fd, __u32 flags, __u64 offset, __u64 length)
{
	struct dma_buf_sync_range args = { .flags = flags, .offset = offset, .length = length };

	return call(fd, DMA_BUF_IOCTL_SYNC_RANGE, &args);
}

static int sync_whole(int fd, __u64 flags)
{
	struct dma_buf_sync args = { .flags = flags };

	return call(fd, DMA_BUF_IOCTL_SYNC, &args);
}

FIXTURE(range) {
	int vgem, buf;
	unsigned char *at;
};

FIXTURE_VARIANT(range) {
	/* NULL: not of a heap */
	const char *heap;
	/* otherwise of vgem, which knows of no parts */
	bool udmabuf;
};

FIXTURE_VARIANT_ADD(range, system) { .heap = "system" };
FIXTURE_VARIANT_ADD(range, cma) { .heap = "default_cma_region" };
FIXTURE_VARIANT_ADD(range, udmabuf) { .udmabuf = true };
FIXTURE_VARIANT_ADD(range, vgem) { .heap = NULL };

FIXTURE_SETUP(range)
{
	self->vgem = vgem_open();
	if (self->vgem < 0)
		SKIP(return, "no vgem");
	if (variant->heap)
		self->buf = heap_buffer(variant->heap, SIZE);
	else if (variant->udmabuf)
		self->buf = memfd_buffer(SIZE);
	else
		self->buf = vgem_buffer(self->vgem, SIZE);
	if (self->buf == -ENOENT)
		SKIP(return, "no such heap");
	ASSERT_LE(0, self->buf);
	self->at = map_buffer(self->buf, SIZE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(range)
{
	munmap(self->at, SIZE);
	close(self->buf);
	close(self->vgem);
}

TEST_F(range, any_range_inside_will_do)
{
	static const __u64 ranges[][2] = {
		{ 0, 1 }, { 0, SIZE }, { SIZE - 1, 1 }, { 1, SIZE - 1 }, { 4095, 2 },
		{ 12345, 54321 },
	};
	static const __u32 access[] = { DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (j = 0; j < ARRAY_SIZE(access); j++) {
			EXPECT_EQ(0, sync_range(self->buf, access[j] | DMA_BUF_SYNC_START,
						ranges[i][0], ranges[i][1]));
			EXPECT_EQ(0, sync_range(self->buf, access[j] | DMA_BUF_SYNC_END,
						ranges[i][0], ranges[i][1]));
		}
	}
}

TEST_F(range, what_makes_no_sense_is_einval)
{
	struct dma_buf_sync_range args = { .flags = DMA_BUF_SYNC_READ, .pad = 1, .length = 1 };

	EXPECT_EQ(-EINVAL, sync_range(self->buf, 0, 0, 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_END, 0, 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ | 8, 0, 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ | 1U << 31, 0, 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, 0, 0));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, SIZE, 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, 0, SIZE + 1));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, -1ULL, 2));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, 1, -1ULL));
	EXPECT_EQ(-EINVAL, sync_range(self->buf, DMA_BUF_SYNC_READ, 1ULL << 32, 1));
	EXPECT_EQ(-EINVAL, call(self->buf, DMA_BUF_IOCTL_SYNC_RANGE, &args));
}

TEST_F(range, structure_may_grow_and_not_shrink)
{
	struct {
		struct dma_buf_sync_range known;
		__u64 newer;
	} args = { .known = { .flags = DMA_BUF_SYNC_READ, .length = 1 } };
	const unsigned long cmd = DMA_BUF_IOCTL_SYNC_RANGE;

	EXPECT_EQ(0, call(self->buf, sized(cmd, sizeof(args)), &args));
	args.newer = 1;
	EXPECT_EQ(-E2BIG, call(self->buf, sized(cmd, sizeof(args)), &args));
	EXPECT_EQ(0, call(self->buf, cmd, &args));
	EXPECT_EQ(-EINVAL, call(self->buf, sized(cmd, sizeof(args.known) - 1), &args));
	EXPECT_EQ(-EINVAL, call(self->buf, sized(cmd, 0), &args));
	EXPECT_EQ(-EFAULT, call(self->buf, cmd, NULL));
	/* Another direction is another ioctl. */
	EXPECT_EQ(-ENOTTY, call(self->buf, _IOWR('b', 0x60, args.known), &args));
}

static void nothing(int number)
{
}

TEST_F(range, start_waits_for_devices_and_a_signal_ends_that)
{
	struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = {};
	struct sigaction action = { .sa_handler = nothing };
	int timeline = timeline_open(), fence;

	ASSERT_LE(0, timeline);
	fence = timeline_fence(timeline, 1);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, import_fence(self->buf, fence, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(-EINTR, sync_range(self->buf, DMA_BUF_SYNC_READ, 0, 1));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	/* The end waits for nobody. */
	if (!variant->udmabuf)
		EXPECT_EQ(0, sync_range(self->buf, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, 0, 1));
	EXPECT_EQ(0, timeline_advance(timeline, 1));
	EXPECT_EQ(0, sync_range(self->buf, DMA_BUF_SYNC_READ, 0, 1));
	close(fence);
	close(timeline);
}

/* Is the end refused as long as there was no start, of whatever range? */
TEST_F(range, end_before_any_start_is_up_to_the_exporter)
{
	const __u32 end = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END;

	EXPECT_EQ(variant->udmabuf ? -EINVAL : 0, sync_range(self->buf, end, 0, 1));
	EXPECT_EQ(0, sync_range(self->buf, DMA_BUF_SYNC_RW, 5, 1));
	EXPECT_EQ(0, sync_range(self->buf, end, 0, 1));
}

/* ---- A device that works on copies ---- */

/*
 * Have vgem map the buffer while it is full of 'D'. From then on its device sees a
 * copy, if it cannot reach the memory: a start brings the copy's bytes back, over what
 * the CPU has written meanwhile, and an end takes the CPU's bytes there. False when
 * there is no copy.
 */
static bool map_for_device(int vgem, int buf, unsigned char *at)
{
	memset(at, 'D', SIZE);
	if (vgem_import(vgem, buf))
		return false;
	memset(at, 'C', SIZE);
	return !sync_whole(buf, DMA_BUF_SYNC_READ) && at[0] == 'D';
}

/* How many bytes are not @inside in the range and @outside elsewhere. */
static size_t wrong(const unsigned char *at, size_t offset, size_t length, char inside,
		    char outside)
{
	size_t i, count = 0;

	for (i = 0; i < SIZE; i++)
		count += at[i] != (i >= offset && i - offset < length ? inside : outside);
	return count;
}

/* Copies are of 256 KiB at most, in slots of 2 KiB. */
static const size_t parts[][2] = {
	{ 0, 1 }, { SIZE - 1, 1 }, { 0, SIZE }, { 1, SIZE - 2 }, { 4096, 4096 }, { 2047, 2 },
	{ (256 << 10) - 1, 2 }, { 256 << 10, 256 << 10 }, { 100, 700000 }, { 5000, 3 },
};

FIXTURE(copied) {
	int vgem, buf;
	unsigned char *at;
};

FIXTURE_VARIANT(copied) {
	/* NULL: of udmabuf */
	const char *heap;
};

FIXTURE_VARIANT_ADD(copied, system) { .heap = "system" };
FIXTURE_VARIANT_ADD(copied, cma) { .heap = "default_cma_region" };
FIXTURE_VARIANT_ADD(copied, udmabuf) { .heap = NULL };

FIXTURE_SETUP(copied)
{
	self->vgem = vgem_open();
	if (self->vgem < 0)
		SKIP(return, "no vgem");
	self->buf = variant->heap ? heap_buffer(variant->heap, SIZE) : memfd_buffer(SIZE);
	if (self->buf == -ENOENT)
		SKIP(return, "no such heap");
	ASSERT_LE(0, self->buf);
	self->at = map_buffer(self->buf, SIZE);
	ASSERT_NE(MAP_FAILED, self->at);
	if (!map_for_device(self->vgem, self->buf, self->at))
		SKIP(return, "no copies: needs swiotlb=force");
}

FIXTURE_TEARDOWN(copied)
{
	munmap(self->at, SIZE);
	close(self->buf);
	close(self->vgem);
}

TEST_F(copied, start_fetches_these_bytes_and_no_others)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		memset(self->at, 'C', SIZE);
		ASSERT_EQ(0, sync_range(self->buf, DMA_BUF_SYNC_READ, parts[i][0], parts[i][1]));
		EXPECT_EQ(0UL, wrong(self->at, parts[i][0], parts[i][1], 'D', 'C')) {
			TH_LOG("part %zu", i);
		}
	}
}

TEST_F(copied, end_hands_these_bytes_over_and_no_others)
{
	const __u32 end = DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		memset(self->at, 'D', SIZE);
		ASSERT_EQ(0, sync_whole(self->buf, end));
		memset(self->at, 'E', SIZE);
		ASSERT_EQ(0, sync_range(self->buf, end, parts[i][0], parts[i][1]));
		/* What the device has now. */
		memset(self->at, 'F', SIZE);
		ASSERT_EQ(0, sync_whole(self->buf, DMA_BUF_SYNC_READ));
		EXPECT_EQ(0UL, wrong(self->at, parts[i][0], parts[i][1], 'E', 'D')) {
			TH_LOG("part %zu", i);
		}
	}
}

/* One of several threads that write to a buffer, each to a part of its own. */
struct writer {
	pthread_t thread;
	int buf;
	unsigned char *at;
	size_t offset, length;
	unsigned int failed;
};

#define WRITERS	4
#define ROUNDS	200

static void *write_part(void *data)
{
	struct writer *writer = data;
	unsigned char *at = writer->at + writer->offset;
	size_t i, j;

	for (i = 0; i < ROUNDS; i++) {
		writer->failed += !!sync_range(writer->buf, DMA_BUF_SYNC_RW, writer->offset,
					       writer->length);
		/* What the last round has written is there still. */
		for (j = 0; i && j < writer->length; j++)
			writer->failed += at[j] != (unsigned char)(i - 1 + j);
		for (j = 0; j < writer->length; j++)
			at[j] = i + j;
		writer->failed += !!sync_range(writer->buf, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END,
					       writer->offset, writer->length);
	}
	return NULL;
}

/* With DMA_BUF_IOCTL_SYNC each start would undo what others have not ended yet. */
TEST_F_TIMEOUT(copied, parts_can_be_written_at_the_same_time, 300)
{
	struct writer writers[WRITERS];
	size_t i, length = 10000;

	for (i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){
			.buf = self->buf, .at = self->at, .offset = i * length, .length = length,
		};
		ASSERT_EQ(0, pthread_create(&writers[i].thread, NULL, write_part, &writers[i]));
	}
	for (i = 0; i < WRITERS; i++) {
		ASSERT_EQ(0, pthread_join(writers[i].thread, NULL));
		EXPECT_EQ(0U, writers[i].failed);
	}
}

TEST_HARNESS_MAIN
