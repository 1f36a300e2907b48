// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors that ioctls make: a thread that guesses their numbers finds nothing, or
 * something that is whole; and nothing at all when the ioctl fails.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/sync_file.h>

#include "buffer.h"
#include "kselftest_harness.h"

#define SIZE	4096
#define ROUNDS	500
/* Emulated, on a busy machine, it can take long until both threads have run that often. */
#define SECONDS	300

/* ---- The ioctls, each with an argument of its own ---- */

static int heap_fd, buffer_fd, fence_fd, timeline_fd;

union args {
	struct dma_heap_allocation_data heap;
	struct dma_buf_export_sync_file export;
	struct dma_buf_narrow narrow;
	struct sync_merge_data merge;
	struct sw_sync_create create;
};

static bool is_buffer(int fd)
{
	errno = 0;
	return lseek(fd, 0, SEEK_END) == SIZE;
}

static bool is_fence(int fd)
{
	struct sync_file_info info = {};

	return !ioctl(fd, SYNC_IOC_FILE_INFO, &info) && info.num_fences == 1;
}

static const struct maker {
	int *fd;
	unsigned long cmd;
	union args args;
	/* where the descriptor comes back */
	size_t result;
	bool (*whole)(int fd);
} makers[] = {
	{
		&heap_fd, DMA_HEAP_IOCTL_ALLOC,
		{ .heap = { .len = SIZE, .fd_flags = O_RDWR } },
		offsetof(struct dma_heap_allocation_data, fd), is_buffer,
	}, {
		&buffer_fd, DMA_BUF_IOCTL_NARROW,
		{ .narrow = { .flags = DMA_BUF_NARROW_READ_ONLY } },
		offsetof(struct dma_buf_narrow, fd), is_buffer,
	}, {
		&buffer_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
		{ .export = { .flags = DMA_BUF_SYNC_RW } },
		offsetof(struct dma_buf_export_sync_file, fd), is_fence,
	}, {
		&fence_fd, SYNC_IOC_MERGE,
		{ .merge = { .name = "merged" } },
		offsetof(struct sync_merge_data, fence), is_fence,
	}, {
		&timeline_fd, SW_SYNC_CREATE,
		{ .create = { .value = 2 } },
		offsetof(struct sw_sync_create, fence), is_fence,
	},
};

/* The descriptor or -errno. */
static int make(const struct maker *maker)
{
	union args args = maker->args;
	int ret, fd;

	if (maker->cmd == SYNC_IOC_MERGE)
		args.merge.fd2 = fence_fd;
	ret = call(*maker->fd, maker->cmd, &args);
	memcpy(&fd, (char *)&args + maker->result, sizeof(fd));
	return ret ?: fd;
}

/* An argument that the answer cannot be written to. */
static void *argument_in_vain(const struct maker *maker)
{
	union args args = maker->args;

	if (maker->cmd == SYNC_IOC_MERGE)
		args.merge.fd2 = fence_fd;
	return unwritable(&args, sizeof(args));
}

/* ---- A thread that guesses ---- */

struct guesser {
	pthread_t thread;
	atomic_bool stop;
	/* the next number */
	int fd;
	bool (*whole)(int fd);
	unsigned int found, broken;
};

static void *guess(void *data)
{
	struct guesser *guesser = data;

	while (!atomic_load(&guesser->stop)) {
		if (fcntl(guesser->fd, F_GETFD) < 0)
			continue;
		guesser->found++;
		/* It may have been closed by now, or be the next one. */
		if (guesser->whole && !guesser->whole(guesser->fd) && errno != EBADF)
			guesser->broken++;
	}
	return NULL;
}

FIXTURE(publish) {
	struct guesser guesser;
	int next;
};

FIXTURE_SETUP(publish)
{
	heap_fd = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, heap_fd);
	buffer_fd = heap_buffer("system", SIZE);
	ASSERT_LE(0, buffer_fd);
	timeline_fd = timeline_open();
	ASSERT_LE(0, timeline_fd);
	fence_fd = timeline_fence(timeline_fd, 1);
	ASSERT_LE(0, fence_fd);
	self->next = next_fd();
	self->guesser.fd = self->next;
}

FIXTURE_TEARDOWN(publish)
{
	close(fence_fd);
	close(timeline_fd);
	close(buffer_fd);
	close(heap_fd);
}

TEST_F_TIMEOUT(publish, call_that_fails_shows_nothing, SECONDS)
{
	struct guesser *guesser = &self->guesser;
	size_t i, round;
	void *arg;

	ASSERT_EQ(0, pthread_create(&guesser->thread, NULL, guess, guesser));
	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		arg = argument_in_vain(&makers[i]);
		for (round = 0; round < ROUNDS; round++)
			ASSERT_EQ(-EFAULT, call(*makers[i].fd, makers[i].cmd, arg));
	}
	atomic_store(&guesser->stop, true);
	ASSERT_EQ(0, pthread_join(guesser->thread, NULL));
	EXPECT_EQ(0U, guesser->found);
	EXPECT_EQ(self->next, next_fd());
}

TEST_F_TIMEOUT(publish, descriptor_is_whole_once_it_is_there, SECONDS)
{
	size_t i, round;
	int fd;

	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		struct guesser guesser = { .fd = self->next, .whole = makers[i].whole };

		ASSERT_EQ(0, pthread_create(&guesser.thread, NULL, guess, &guesser));
		for (round = 0; round < ROUNDS; round++) {
			fd = make(&makers[i]);
			ASSERT_EQ(self->next, fd);
			ASSERT_EQ(0, close(fd));
		}
		atomic_store(&guesser.stop, true);
		ASSERT_EQ(0, pthread_join(guesser.thread, NULL));
		EXPECT_EQ(0U, guesser.broken) {
			TH_LOG("maker %zu", i);
		}
	}
	EXPECT_EQ(self->next, next_fd());
}

static void *close_at_once(void *data)
{
	struct guesser *guesser = data;

	while (!atomic_load(&guesser->stop))
		guesser->found += !close(guesser->fd);
	return NULL;
}

/* What the kernel does after publishing must not need the descriptor; KASAN watches. */
TEST_F_TIMEOUT(publish, descriptor_may_be_closed_before_the_call_returns, SECONDS)
{
	struct guesser *guesser = &self->guesser;
	size_t i, round;
	int fd;

	ASSERT_EQ(0, pthread_create(&guesser->thread, NULL, close_at_once, guesser));
	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		for (round = 0; round < ROUNDS; round++) {
			fd = make(&makers[i]);
			ASSERT_LE(0, fd);
			close(fd);
		}
	}
	atomic_store(&guesser->stop, true);
	ASSERT_EQ(0, pthread_join(guesser->thread, NULL));
	EXPECT_EQ(self->next, next_fd());
}

TEST_HARNESS_MAIN
