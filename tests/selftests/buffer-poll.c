// SPDX-License-Identifier: GPL-2.0-only
/*
 * What poll() and epoll tell a process about a buffer's fences: edge by edge, to
 * everybody who waits, and without keeping the buffer.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "buffer.h"
#include "kselftest_harness.h"

/* Long enough for whatever comes at all, and how long to wait for what must not. */
#define SOON	5000
#define NEVER	50

/* A buffer, what it waits for, and who waits for it. */
struct setting {
	int buf, timeline, epoll;
	/* how many fences the timeline has got so far */
	__u32 made;
};

FIXTURE(buffer_poll) {
	struct setting in;
};

FIXTURE_SETUP(buffer_poll)
{
	self->in.buf = heap_buffer("system", 4096);
	ASSERT_LE(0, self->in.buf);
	self->in.timeline = timeline_open();
	ASSERT_LE(0, self->in.timeline);
	self->in.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->in.epoll);
	self->in.made = 0;
}

FIXTURE_TEARDOWN(buffer_poll)
{
	close(self->in.epoll);
	close(self->in.timeline);
	close(self->in.buf);
}

/* Give the buffer one more fence of the timeline. */
static int add_work(struct setting *in, __u32 flags)
{
	int ret, fence = timeline_fence(in->timeline, ++in->made);

	if (fence < 0)
		return fence;
	ret = import_fence(in->buf, fence, flags);
	close(fence);
	return ret;
}

/* Have the oldest @count fences signal, one after the other. */
static int finish_work(struct setting *in, __u32 count)
{
	int ret = 0;

	for (; count && !ret; count--)
		ret = timeline_advance(in->timeline, 1);
	return ret;
}

static int watch(struct setting *in, int op, __u32 events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(in->epoll, op, in->buf, &event) ? -errno : 0;
}

/* The events of the next report, or 0 when none comes in @ms. */
static int report(struct setting *in, int ms)
{
	struct epoll_event event = {};
	int ret = epoll_wait(in->epoll, &event, 1, ms);

	return ret < 0 ? -errno : (int)event.events;
}

TEST_F(buffer_poll, edge_is_told_once)
{
	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLET));
	EXPECT_EQ(0, report(&self->in, 0));
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
}

TEST_F(buffer_poll, idle_buffer_is_an_edge_when_it_is_added)
{
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
}

/* The process itself has queued more work since it was told. */
TEST_F(buffer_poll, each_time_it_gets_ready_is_an_edge)
{
	int i;

	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLET));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
		EXPECT_EQ(0, report(&self->in, 0));
		ASSERT_EQ(0, finish_work(&self->in, 1));
		EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	}
	EXPECT_EQ(0, report(&self->in, NEVER));
}

TEST_F(buffer_poll, work_that_comes_between_is_one_edge_with_the_rest)
{
	int i;

	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLET));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
		ASSERT_EQ(0, finish_work(&self->in, 1));
		EXPECT_EQ(0, report(&self->in, NEVER));
	}
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
}

TEST_F(buffer_poll, arming_anew_tells_how_things_are)
{
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLET));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_MOD, EPOLLIN | EPOLLET));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));

	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_MOD, EPOLLIN | EPOLLET));
	EXPECT_EQ(0, report(&self->in, 0));
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
}

TEST_F(buffer_poll, one_shot_is_silent_until_armed_anew)
{
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(0, report(&self->in, NEVER));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
}

TEST_F(buffer_poll, readers_hold_up_writers_alone)
{
	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, add_work(&self->in, DMA_BUF_SYNC_READ));
	ASSERT_EQ(0, watch(&self->in, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET));
	EXPECT_EQ(0, report(&self->in, 0));
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(EPOLLIN, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
	ASSERT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, report(&self->in, SOON));
	EXPECT_EQ(0, report(&self->in, NEVER));
}

#define CROWD	16

/* Somebody with an epoll of their own. */
struct watcher {
	pthread_t thread;
	int epoll, reports;
};

static void *watcher_main(void *data)
{
	struct watcher *watcher = data;
	struct epoll_event event;

	if (epoll_wait(watcher->epoll, &event, 1, SOON) == 1)
		watcher->reports++;
	if (epoll_wait(watcher->epoll, &event, 1, NEVER) == 1)
		watcher->reports++;
	return NULL;
}

TEST_F(buffer_poll, each_of_a_crowd_is_told_once_for_many_fences)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	struct watcher watchers[CROWD] = {};
	int i;

	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, add_work(&self->in, i & 1 ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ));
	for (i = 0; i < CROWD; i++) {
		watchers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
		ASSERT_LE(0, watchers[i].epoll);
		ASSERT_EQ(0, epoll_ctl(watchers[i].epoll, EPOLL_CTL_ADD, self->in.buf, &event));
		ASSERT_EQ(0, pthread_create(&watchers[i].thread, NULL, watcher_main, &watchers[i]));
	}
	ASSERT_EQ(0, finish_work(&self->in, CROWD));
	for (i = 0; i < CROWD; i++) {
		pthread_join(watchers[i].thread, NULL);
		EXPECT_EQ(1, watchers[i].reports);
		close(watchers[i].epoll);
	}
}

/* Is the buffer with this inode number among all that there are? */
static bool exists(unsigned long ino)
{
	FILE *file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	char column[32], *line = NULL;
	bool found = false;
	size_t size = 0;

	if (!file)
		return false;
	snprintf(column, sizeof(column), "\t%08lu\t", ino);
	while (getline(&line, &size, file) > 0)
		found |= !!strstr(line, column);
	free(line);
	fclose(file);
	return found;
}

TEST_F(buffer_poll, closing_a_busy_buffer_frees_it)
{
	struct pollfd pollfd = { .fd = self->in.buf, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN };
	int buf = heap_buffer("system", 4096), fence;
	struct stat stat;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, fstat(buf, &stat));
	EXPECT_TRUE(exists(stat.st_ino));
	fence = timeline_fence(self->in.timeline, ++self->in.made);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, import_fence(buf, fence, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, epoll_ctl(self->in.epoll, EPOLL_CTL_ADD, buf, &event));
	pollfd.fd = buf;
	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	EXPECT_EQ(0, poll(&pollfd, 1, 1));
	close(buf);
	EXPECT_FALSE(exists(stat.st_ino));

	/* With the last descriptor of it the buffer has left the set as well. */
	EXPECT_EQ(0, finish_work(&self->in, 1));
	EXPECT_EQ(0, report(&self->in, NEVER));
	close(fence);
}

TEST_HARNESS_MAIN
