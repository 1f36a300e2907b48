// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes may do with sync_files beyond what every 6.12 knows: merging many of
 * them at once, and a poll that tells of failures.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "kselftest_harness.h"

#define SW_SYNC		"/sys/kernel/debug/sync/sw_sync"
#define FILE_MAX	"/proc/sys/fs/file-max"

/* The ioctls of sw_sync, which are in no header. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_CREATE	_IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC	_IOW('W', 1, __u32)

/* The ioctl with a structure of another size. */
#define MERGE_MANY_OF(size)	_IOC(_IOC_READ | _IOC_WRITE, SYNC_IOC_MAGIC, 0x60, size)

static int new_fence(int timeline, __u32 value)
{
	struct sw_sync_create data = { .value = value };

	return ioctl(timeline, SW_SYNC_CREATE, &data) ? -1 : data.fence;
}

static bool advance(int timeline, __u32 step)
{
	return !ioctl(timeline, SW_SYNC_INC, &step);
}

/* The status of the file, and how many fences there are in it. */
static int file_status(int fd, unsigned int *count)
{
	struct sync_file_info info = {};

	if (ioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return -1000;
	*count = info.num_fences;
	return info.status;
}

static short polled(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, 0) < 0 ? -1 : one.revents;
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* 0 or the errno. */
static int merge_many(int fd, struct sync_merge_many *data)
{
	return ioctl(fd, SYNC_IOC_MERGE_MANY, data) ? errno : 0;
}

FIXTURE(sync) {
	int timelines[3];
	int fences[3];
	struct sync_merge_many data;
};

FIXTURE_SETUP(sync)
{
	int i;

	for (i = 0; i < 3; i++) {
		self->timelines[i] = open(SW_SYNC, O_RDWR | O_CLOEXEC);
		if (self->timelines[i] < 0 && errno == ENOENT)
			SKIP(return, "no sw_sync");
		ASSERT_LE(0, self->timelines[i]);
		self->fences[i] = new_fence(self->timelines[i], 1);
		ASSERT_LE(0, self->fences[i]);
	}
	self->data = (struct sync_merge_many) {
		.name = "all",
		.fds = (uintptr_t)self->fences,
		.num_fds = 3,
	};
}

FIXTURE_TEARDOWN(sync)
{
	int i;

	for (i = 0; i < 3; i++) {
		close(self->fences[i]);
		close(self->timelines[i]);
	}
}

TEST_F(sync, merge_many_waits_for_all)
{
	struct sync_file_info info = {};
	unsigned int count;
	int i;

	ASSERT_EQ(0, merge_many(self->fences[0], &self->data));
	ASSERT_EQ(0, ioctl(self->data.fence, SYNC_IOC_FILE_INFO, &info));
	EXPECT_STREQ("all", info.name);
	EXPECT_EQ(3, info.num_fences);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->data.fence, F_GETFD) & FD_CLOEXEC);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, file_status(self->data.fence, &count));
		EXPECT_EQ(0, polled(self->data.fence, POLLIN));
		ASSERT_TRUE(advance(self->timelines[i], 1));
	}
	EXPECT_EQ(1, poll(&(struct pollfd){ .fd = self->data.fence, .events = POLLIN }, 1, -1));
	EXPECT_EQ(1, file_status(self->data.fence, &count));
	close(self->data.fence);
}

TEST_F(sync, merge_many_takes_any_number)
{
	static int fds[100000];
	unsigned int count, i;

	for (i = 0; i < 100000; i++)
		fds[i] = self->fences[i % 3];
	self->data.fds = (uintptr_t)fds;
	self->data.num_fds = 100000;
	ASSERT_EQ(0, merge_many(self->fences[0], &self->data));
	EXPECT_EQ(0, file_status(self->data.fence, &count));
	EXPECT_EQ(3, count);
	close(self->data.fence);

	self->data.num_fds = 0;
	self->data.fds = 0;
	ASSERT_EQ(0, merge_many(self->fences[0], &self->data));
	EXPECT_EQ(0, file_status(self->data.fence, &count));
	EXPECT_EQ(1, count);
	close(self->data.fence);
}

TEST_F(sync, merge_many_keeps_an_error)
{
	unsigned int count;

	close(self->timelines[1]);
	self->timelines[1] = -1;
	ASSERT_EQ(0, merge_many(self->fences[0], &self->data));
	EXPECT_EQ(0, file_status(self->data.fence, &count));
	ASSERT_TRUE(advance(self->timelines[0], 1));
	ASSERT_TRUE(advance(self->timelines[2], 1));
	EXPECT_EQ(POLLIN | POLLERR, polled(self->data.fence, POLLIN | POLLMSG));
	EXPECT_EQ(-ENOENT, file_status(self->data.fence, &count));
	close(self->data.fence);
}

TEST_F(sync, merge_many_efault)
{
	/* How programs find out that the ioctl is there. */
	EXPECT_EQ(EFAULT, merge_many(self->fences[0], NULL));
	self->data.fds = 0;
	EXPECT_EQ(EFAULT, merge_many(self->fences[0], &self->data));
	self->data.fds = UINT64_MAX - 7;
	EXPECT_EQ(EFAULT, merge_many(self->fences[0], &self->data));
}

TEST_F(sync, merge_many_efault_when_the_answer_cannot_be_written)
{
	struct sync_merge_many *constant;
	int fd = next_fd(), i;

	constant = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, constant);
	*constant = self->data;
	ASSERT_EQ(0, mprotect(constant, 4096, PROT_READ));
	EXPECT_EQ(EFAULT, merge_many(self->fences[0], constant));
	/* Nothing is open that nobody was told of. */
	EXPECT_EQ(fd, next_fd());
	for (i = fd; i < fd + 10; i++)
		EXPECT_EQ(-1, fcntl(i, F_GETFD));
	munmap(constant, 4096);
}

TEST_F(sync, merge_many_einval)
{
	self->data.flags = 1;
	EXPECT_EQ(EINVAL, merge_many(self->fences[0], &self->data));
	self->data.flags = 0;
	self->data.pad = 1;
	EXPECT_EQ(EINVAL, merge_many(self->fences[0], &self->data));
	self->data.pad = 0;
	EXPECT_EQ(-1, ioctl(self->fences[0], MERGE_MANY_OF(sizeof(self->data) - 1), &self->data));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(sync, merge_many_e2big)
{
	struct {
		struct sync_merge_many data;
		__u64 more;
	} longer = { .data = self->data };

	ASSERT_EQ(0, ioctl(self->fences[0], MERGE_MANY_OF(sizeof(longer)), &longer));
	close(longer.data.fence);
	longer.more = 1;
	EXPECT_EQ(-1, ioctl(self->fences[0], MERGE_MANY_OF(sizeof(longer)), &longer));
	EXPECT_EQ(E2BIG, errno);
}

TEST_F(sync, merge_many_enoent)
{
	int fds[2] = { self->fences[0], self->timelines[0] };

	self->data.fds = (uintptr_t)fds;
	self->data.num_fds = 2;
	EXPECT_EQ(ENOENT, merge_many(self->fences[0], &self->data));
	fds[1] = -1;
	EXPECT_EQ(ENOENT, merge_many(self->fences[0], &self->data));
}

TEST_F(sync, merge_many_enotty)
{
	EXPECT_EQ(ENOTTY, merge_many(self->timelines[0], &self->data));
	EXPECT_EQ(-1, ioctl(self->fences[0], _IOWR(SYNC_IOC_MAGIC, 0x61, struct sync_merge_many),
			    &self->data));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(sync, merge_many_emfile)
{
	struct rlimit limit, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = next_fd();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(EMFILE, merge_many(self->fences[0], &self->data));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

TEST_F(sync, merge_many_enfile)
{
	char limit[32] = "";
	int fd = open(FILE_MAX, O_RDONLY), status;
	pid_t child;

	if (fd < 0 || getuid())
		SKIP(return, "cannot change %s", FILE_MAX);
	ASSERT_LT(0, read(fd, limit, sizeof(limit) - 1));
	close(fd);
	child = fork();
	if (!child) {
		/* Root may open more. */
		if (setresuid(1000, 1000, 1000))
			_exit(1);
		raise(SIGSTOP);
		_exit(merge_many(self->fences[0], &self->data) == ENFILE ? 0 : 2);
	}
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	/* None at all: with a few the kernel may go by a rough count. */
	ASSERT_TRUE(write_text(FILE_MAX, "0"));
	kill(child, SIGCONT);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(write_text(FILE_MAX, limit));
	EXPECT_EQ(0, status);
}

/* Ticks that a process has spent in the kernel. */
static long kernel_time(pid_t pid)
{
	char path[64], text[512];
	const char *at;
	long ticks = -1;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return -1;
	text[got] = 0;
	at = strrchr(text, ')');
	if (at)
		sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %ld", &ticks);
	return ticks;
}

/* Four billion times the same file, which is descriptor 0: pages of zeroes are the list. */
TEST_F(sync, merge_many_can_be_killed)
{
	const size_t size = 16UL << 30;
	int ready[2], status;
	long begin;
	pid_t child;
	char go;

	ASSERT_EQ(0, pipe(ready));
	child = fork();
	if (!child) {
		self->data.fds = (uintptr_t)mmap(NULL, size, PROT_READ,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
						 -1, 0);
		self->data.num_fds = UINT32_MAX;
		if ((void *)(uintptr_t)self->data.fds == MAP_FAILED ||
		    dup2(self->fences[0], 0) || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(merge_many(self->fences[0], &self->data) ? 2 : 3);
	}
	ASSERT_EQ(1, read(ready[0], &go, 1));
	/* Until it is well inside. */
	begin = kernel_time(child);
	while (kernel_time(child) < begin + 10 && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	close(ready[0]);
	close(ready[1]);
}

/* ---- poll ---- */

TEST_F(sync, poll_tells_of_a_failure_who_asks_for_messages)
{
	int bad = self->fences[0], good = self->fences[1];

	EXPECT_EQ(0, polled(bad, POLLIN | POLLMSG));
	close(self->timelines[0]);
	self->timelines[0] = -1;
	ASSERT_TRUE(advance(self->timelines[1], 1));
	EXPECT_EQ(POLLIN | POLLERR, polled(bad, POLLIN | POLLMSG));
	EXPECT_EQ(POLLERR, polled(bad, POLLMSG));
	EXPECT_EQ(POLLIN, polled(good, POLLIN | POLLMSG));
}

TEST_F(sync, poll_of_a_failure_is_as_ever_for_others)
{
	const short others = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLERR | POLLHUP |
			     POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND;
	int bad = self->fences[0];
	fd_set in, out, err;

	close(self->timelines[0]);
	self->timelines[0] = -1;
	EXPECT_EQ(POLLIN, polled(bad, POLLIN));
	EXPECT_EQ(POLLIN, polled(bad, others));
	EXPECT_EQ(0, polled(bad, 0));

	FD_ZERO(&in);
	FD_SET(bad, &in);
	out = in;
	err = in;
	EXPECT_EQ(1, select(bad + 1, &in, &out, &err, &(struct timeval){}));
	EXPECT_TRUE(FD_ISSET(bad, &in));
}

TEST_F(sync, epoll_tells_of_a_failure_who_asks_for_messages)
{
	struct epoll_event event = { .events = EPOLLIN };
	int bad = self->fences[0], plain = epoll_create1(0), asks = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(plain, EPOLL_CTL_ADD, bad, &event));
	event.events = EPOLLIN | EPOLLMSG;
	ASSERT_EQ(0, epoll_ctl(asks, EPOLL_CTL_ADD, bad, &event));
	EXPECT_EQ(0, epoll_wait(asks, &event, 1, 0));
	close(self->timelines[0]);
	self->timelines[0] = -1;
	EXPECT_EQ(1, epoll_wait(plain, &event, 1, 0));
	EXPECT_EQ((uint32_t)EPOLLIN, event.events);
	EXPECT_EQ(1, epoll_wait(asks, &event, 1, 0));
	EXPECT_EQ((uint32_t)(EPOLLIN | EPOLLERR), event.events);
	close(plain);
	close(asks);
}

TEST_HARNESS_MAIN
