// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences outlive the driver that made them: the test module fence_issuer hands some
 * out, signals them and is unloaded, while everybody who has one goes on. Means most
 * in a kernel with KASAN. Skipped where the module is not beside the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "kselftest_harness.h"

#include "fence-issuer.h"

#define MODULE	"/out/fence-issuer.ko"
#define EVENTS	"/sys/kernel/debug/tracing/events/dma_fence/enable"
#define TRACE	"/sys/kernel/debug/tracing/trace"
#define BUFINFO	"/sys/kernel/debug/dma_buf/bufinfo"

/* All of a file, terminated; the number of bytes or -1. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t total = 0, got;

	if (fd < 0)
		return -1;
	do {
		got = read(fd, text + total, size - 1 - total);
		total += got > 0 ? got : 0;
	} while (got > 0 && total < (ssize_t)size - 1);
	close(fd);
	text[total] = 0;
	return total;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "fence_issuer", O_NONBLOCK);
}

static short polled(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, 0) < 0 ? -1 : one.revents;
}

static void wait_for(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	while (poll(&one, 1, -1) != 1)
		;
}

static int merge_two(int a, int b)
{
	struct sync_merge_data data = { .fd2 = b };

	return ioctl(a, SYNC_IOC_MERGE, &data) ? -1 : data.fence;
}

/* Status of the file; its first fence in @first. */
static int file_status(int fd, struct sync_fence_info *first)
{
	struct sync_fence_info list[16];
	struct sync_file_info info = {
		.num_fences = 16,
		.sync_fence_info = (uintptr_t)list,
	};

	if (ioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return -1000;
	*first = list[0];
	return info.status;
}

static int new_buffer(void)
{
	struct dma_heap_allocation_data data = { .len = 4096, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDONLY), ret;

	if (heap < 0)
		return -1;
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	close(heap);
	return ret ? -1 : (int)data.fd;
}

/**
 * struct handed - what this program has got
 * @fds: from the module
 * @device: the module's
 * @epoll: sleeps on all of @fds
 * @merged: a sync_file of @fds.plain and @fds.chain
 * @traced: fences are traced
 */
struct handed {
	struct fence_issue fds;
	int device;
	int epoll;
	int merged;
	bool traced;
};

FIXTURE(issued) {
	struct handed handed;
};

FIXTURE_VARIANT(issued) {
	unsigned long end;
};

FIXTURE_VARIANT_ADD(issued, signalled) {
	.end = FENCE_ISSUER_SIGNAL,
};

FIXTURE_VARIANT_ADD(issued, detached) {
	.end = FENCE_ISSUER_DETACH,
};

FIXTURE_SETUP(issued)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct handed *handed = &self->handed;

	if (access(MODULE, R_OK))
		SKIP(return, "no %s", MODULE);
	ASSERT_TRUE(write_file(EVENTS, "1"));
	ASSERT_TRUE(write_file(TRACE, ""));
	handed->traced = true;
	ASSERT_EQ(0, load());
	handed->device = open("/dev/fence-issuer", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, handed->device);

	handed->fds.buffer = new_buffer();
	ASSERT_LE(0, handed->fds.buffer);
	ASSERT_EQ(0, ioctl(handed->device, FENCE_ISSUER_ISSUE, &handed->fds));

	/* Somebody sleeps on each of them. */
	handed->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, epoll_ctl(handed->epoll, EPOLL_CTL_ADD, handed->fds.plain, &event));
	ASSERT_EQ(0, epoll_ctl(handed->epoll, EPOLL_CTL_ADD, handed->fds.failing, &event));
	ASSERT_EQ(0, epoll_ctl(handed->epoll, EPOLL_CTL_ADD, handed->fds.chain, &event));
	ASSERT_EQ(0, epoll_ctl(handed->epoll, EPOLL_CTL_ADD, handed->fds.buffer, &event));
	handed->merged = merge_two(handed->fds.plain, handed->fds.chain);
	ASSERT_LE(0, handed->merged);
}

FIXTURE_TEARDOWN(issued)
{
	if (self->handed.traced)
		write_file(EVENTS, "0");
}

/* The module signals its fences one way or the other, and goes. */
static void end_of_issuer(struct __test_metadata *_metadata, struct handed *handed,
			  unsigned long end)
{
	ASSERT_EQ(0, ioctl(handed->device, end));
	ASSERT_EQ(0, close(handed->device));
	ASSERT_EQ(0, unload());
	ASSERT_NE(0, access("/sys/module/fence_issuer", F_OK));
}

/* Whatever a process may do with what it has. */
static void use(struct __test_metadata *_metadata, struct handed *handed)
{
	struct sync_set_deadline deadline = { .deadline_ns = 1 };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ, .fd = -1 };
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_WRITE };
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ };
	const int files[] = {
		handed->fds.plain, handed->fds.failing, handed->fds.chain, handed->merged,
	};
	static char text[1 << 16];
	struct sync_fence_info first;
	struct sync_merge_many many = {
		.name = "many",
		.fds = (uintptr_t)files,
		.num_fds = ARRAY_SIZE(files),
	};
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		EXPECT_EQ(i == 1 ? ISSUER_ERROR : 1, file_status(files[i], &first));
		EXPECT_STREQ("detached-driver", first.driver_name);
		EXPECT_STREQ("signaled-timeline", first.obj_name);
		EXPECT_EQ(POLLIN, polled(files[i], POLLIN));
		EXPECT_EQ(i == 1 ? POLLIN | POLLERR : POLLIN,
			  polled(files[i], POLLIN | POLLMSG));
		EXPECT_EQ(0, ioctl(files[i], SYNC_IOC_SET_DEADLINE, &deadline));
		fd = merge_two(files[i], handed->fds.plain);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, close(fd));
	}
	ASSERT_EQ(0, ioctl(handed->merged, SYNC_IOC_MERGE_MANY, &many));
	EXPECT_EQ(ISSUER_ERROR, file_status(many.fence, &first));

	EXPECT_EQ(POLLIN, polled(handed->fds.buffer, POLLIN));
	EXPECT_LT(0, read_file(BUFINFO, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, ISSUER_TIMELINE));
	ASSERT_EQ(0, ioctl(handed->fds.buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export));
	EXPECT_EQ(1, file_status(export.fd, &first));
	EXPECT_EQ(0, ioctl(handed->fds.buffer, DMA_BUF_IOCTL_SYNC, &sync));
	import.fd = handed->fds.failing;
	EXPECT_EQ(0, ioctl(handed->fds.buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
	EXPECT_EQ(0, close(export.fd));
	EXPECT_EQ(0, close(many.fence));
}

/* Gives everything back, then looks at what the tracepoints wrote. */
static void let_go(struct __test_metadata *_metadata, struct handed *handed)
{
	static char text[1 << 20];

	EXPECT_EQ(0, close(handed->merged));
	EXPECT_EQ(0, close(handed->fds.plain));
	EXPECT_EQ(0, close(handed->fds.failing));
	EXPECT_EQ(0, close(handed->fds.chain));
	EXPECT_EQ(0, close(handed->fds.buffer));
	EXPECT_EQ(0, close(handed->epoll));
	EXPECT_LT(0, read_file(TRACE, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "dma_fence_signaled: driver=" ISSUER_DRIVER " "));
	EXPECT_NE(NULL, strstr(text, "dma_fence_destroy: driver=detached-driver "));
	EXPECT_EQ(NULL, strstr(text, "dma_fence_destroy: driver=" ISSUER_DRIVER));
}

TEST_F(issued, pending_fences_have_the_names_of_their_issuer)
{
	struct sync_fence_info first;

	EXPECT_EQ(0, file_status(self->handed.fds.plain, &first));
	EXPECT_STREQ(ISSUER_DRIVER, first.driver_name);
	EXPECT_STREQ(ISSUER_TIMELINE, first.obj_name);
	EXPECT_EQ(0, polled(self->handed.fds.plain, POLLIN));
	EXPECT_EQ(0, polled(self->handed.fds.buffer, POLLIN));
	end_of_issuer(_metadata, &self->handed, variant->end);
	let_go(_metadata, &self->handed);
}

TEST_F(issued, fences_are_used_and_released_after_their_issuer_is_gone)
{
	struct epoll_event events[8];

	end_of_issuer(_metadata, &self->handed, variant->end);
	/* A container signals a little later than what is in it. */
	while (epoll_wait(self->handed.epoll, events, 8, -1) < 4)
		;
	wait_for(self->handed.merged);
	use(_metadata, &self->handed);
	let_go(_metadata, &self->handed);
}

/* The module that comes back may be at the same address. */
TEST_F(issued, fences_are_released_when_their_issuer_is_back)
{
	end_of_issuer(_metadata, &self->handed, variant->end);
	ASSERT_EQ(0, load());
	wait_for(self->handed.merged);
	use(_metadata, &self->handed);
	let_go(_metadata, &self->handed);
	EXPECT_EQ(0, unload());
}

/* What readers do all the time; ends when told to. */
struct reader {
	struct handed *handed;
	pthread_t thread;
	bool stop;		/* atomic, as is the other */
	unsigned long rounds;
};

static void *read_on(void *data)
{
	struct sync_set_deadline deadline = { .deadline_ns = 1 };
	struct reader *reader = data;
	struct fence_issue *fds = &reader->handed->fds;
	struct sync_fence_info first;
	char text[4096];

	while (!__atomic_load_n(&reader->stop, __ATOMIC_RELAXED)) {
		struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ };

		file_status(fds->plain, &first);
		file_status(fds->chain, &first);
		polled(fds->failing, POLLIN);
		polled(fds->buffer, POLLIN);
		ioctl(fds->plain, SYNC_IOC_SET_DEADLINE, &deadline);
		close(merge_two(fds->failing, fds->chain));
		if (!ioctl(fds->buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export))
			close(export.fd);
		read_file(BUFINFO, text, sizeof(text));
		__atomic_fetch_add(&reader->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static unsigned long rounds_of(struct reader *reader)
{
	return __atomic_load_n(&reader->rounds, __ATOMIC_RELAXED);
}

static void wait_for_round(struct reader *reader, unsigned long round)
{
	while (rounds_of(reader) < round)
		sched_yield();
}

TEST_F(issued, readers_do_not_notice_that_the_issuer_goes)
{
	struct reader readers[3] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].handed = &self->handed;
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_on, &readers[i]));
	}
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		wait_for_round(&readers[i], 1);
	end_of_issuer(_metadata, &self->handed, variant->end);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		wait_for_round(&readers[i], rounds_of(&readers[i]) + 10);
		__atomic_store_n(&readers[i].stop, true, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_join(readers[i].thread, NULL));
	}
	let_go(_metadata, &self->handed);
}

TEST_HARNESS_MAIN
