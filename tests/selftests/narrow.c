// SPDX-License-Identifier: GPL-2.0-only
/*
 * Narrowed descriptors as a process sees them: every errno, and that there is no way
 * around what is denied, in this process or in one that they were sent to.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "buffer.h"
#include "kselftest_harness.h"

#define SIZE	(16 * 4096UL)

/* DMA_BUF_IOCTL_NARROW; the descriptor or -errno. */
static int narrow(int fd, __u32 flags)
{
	struct dma_buf_narrow args = { .flags = flags, .fd_flags = O_CLOEXEC };
	int ret = call(fd, DMA_BUF_IOCTL_NARROW, &args);

	return ret ?: args.fd;
}

static int sync_whole(int fd, __u64 flags)
{
	struct dma_buf_sync args = { .flags = flags };

	return call(fd, DMA_BUF_IOCTL_SYNC, &args);
}

static int sync_range(int fd, __u32 flags)
{
	struct dma_buf_sync_range args = { .flags = flags, .length = 1 };

	return call(fd, DMA_BUF_IOCTL_SYNC_RANGE, &args);
}

FIXTURE(narrow) {
	int buf, fd;
	unsigned char *at;
};

FIXTURE_VARIANT(narrow) {
	/* NULL: of udmabuf */
	const char *heap;
};

FIXTURE_VARIANT_ADD(narrow, system) { .heap = "system" };
FIXTURE_VARIANT_ADD(narrow, cma) { .heap = "default_cma_region" };
FIXTURE_VARIANT_ADD(narrow, udmabuf) { .heap = NULL };

/* A buffer that is mapped for writing, and a read-only descriptor of it. */
FIXTURE_SETUP(narrow)
{
	self->buf = variant->heap ? heap_buffer(variant->heap, SIZE) : memfd_buffer(SIZE);
	if (self->buf == -ENOENT)
		SKIP(return, "no such heap");
	ASSERT_LE(0, self->buf);
	self->at = map_buffer(self->buf, SIZE);
	ASSERT_NE(MAP_FAILED, self->at);
	self->fd = narrow(self->buf, DMA_BUF_NARROW_READ_ONLY);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(narrow)
{
	munmap(self->at, SIZE);
	close(self->fd);
	close(self->buf);
}

/* ---- The same buffer ---- */

TEST_F(narrow, shows_what_is_written_to_the_buffer)
{
	unsigned char *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, at);
	self->at[SIZE - 1] = 42;
	EXPECT_EQ(42, at[SIZE - 1]);
	EXPECT_EQ((off_t)SIZE, lseek(self->fd, 0, SEEK_END));
	munmap(at, SIZE);
}

TEST_F(narrow, is_the_same_file_to_look_at)
{
	char path[64], link[64] = "", name[] = "screen";
	struct stat ours, theirs;

	ASSERT_EQ(0, fstat(self->buf, &ours));
	ASSERT_EQ(0, fstat(self->fd, &theirs));
	EXPECT_EQ(ours.st_ino, theirs.st_ino);
	EXPECT_EQ(ours.st_dev, theirs.st_dev);
	EXPECT_EQ(ours.st_size, theirs.st_size);

	ASSERT_EQ(0, ioctl(self->buf, DMA_BUF_SET_NAME, name));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("/dmabuf:screen", link);
}

TEST_F(narrow, is_ready_when_the_buffer_is)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLOUT }, seen;
	int epoll = epoll_create1(EPOLL_CLOEXEC), timeline = timeline_open(), fence;

	ASSERT_LE(0, epoll);
	ASSERT_LE(0, timeline);
	fence = timeline_fence(timeline, 1);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &seen, 1, 0));
	ASSERT_EQ(0, import_fence(self->buf, fence, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, epoll_wait(epoll, &seen, 1, 0));
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN, poll_fd.revents);
	ASSERT_EQ(0, timeline_advance(timeline, 1));
	EXPECT_EQ(1, epoll_wait(epoll, &seen, 1, -1));
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_fd.revents);
	close(fence);
	close(timeline);
	close(epoll);
}

/* Whoever sleeps keeps what it needs, even when all descriptors are gone. */
TEST_F(narrow, can_be_closed_while_it_is_watched)
{
	struct epoll_event event = { .events = EPOLLOUT }, seen;
	int epoll = epoll_create1(EPOLL_CLOEXEC), timeline = timeline_open(), fence;

	ASSERT_LE(0, timeline);
	fence = timeline_fence(timeline, 1);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, import_fence(self->buf, fence, DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &seen, 1, 0));
	munmap(self->at, SIZE);
	close(self->buf);
	close(self->fd);
	EXPECT_EQ(0, epoll_wait(epoll, &seen, 1, 0));
	ASSERT_EQ(0, timeline_advance(timeline, 1));
	EXPECT_EQ(0, epoll_wait(epoll, &seen, 1, 0));
	self->buf = -1;
	self->fd = -1;
	self->at = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	close(fence);
	close(timeline);
	close(epoll);
}

TEST_F(narrow, mapping_outlives_all_descriptors)
{
	unsigned char *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, at);
	self->at[5] = 42;
	munmap(self->at, SIZE);
	close(self->buf);
	close(self->fd);
	EXPECT_EQ(42, at[5]);
	self->buf = -1;
	self->fd = -1;
	self->at = at;
}

TEST_F(narrow, device_takes_it_for_the_buffer_it_knows)
{
	struct drm_prime_handle one = { .fd = self->buf }, two = {};
	int vgem = vgem_open();

	if (vgem < 0)
		SKIP(return, "no vgem");
	two.fd = narrow(self->buf, DMA_BUF_NARROW_NO_CPU_WRITE);
	ASSERT_LE(0, two.fd);
	ASSERT_EQ(0, call(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &one));
	ASSERT_EQ(0, call(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &two));
	EXPECT_EQ(one.handle, two.handle);
	close(two.fd);
	close(vgem);
}

/* ---- What is denied ---- */

TEST_F(narrow, cannot_be_mapped_for_writing)
{
	void *at;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EACCES, errno);

	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	/* Maps the file of the mapping once more, which is the buffer's own. */
	EXPECT_EQ(-1, syscall(SYS_remap_file_pages, at, 4096, 0, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	/* A second mapping of the same pages has the same flags. */
	at = mremap(at, 0, 4096, MREMAP_MAYMOVE);
	if (at != MAP_FAILED)
		EXPECT_EQ(-1, mprotect(at, 4096, PROT_READ | PROT_WRITE));
}

/* A debugger may write to what a process may not, but not to a buffer. */
TEST_F(narrow, cannot_be_written_through_proc)
{
	unsigned char *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_LE(0, mem);
	EXPECT_EQ(0, self->at[0]);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (off_t)(unsigned long)at));
	EXPECT_EQ(0, self->at[0]);
	close(mem);
	munmap(at, SIZE);
}

TEST_F(narrow, cannot_be_opened_anew)
{
	char path[64];
	void *at;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(-1, open(path, O_RDONLY));
	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + SIZE);
	EXPECT_EQ(-1, open(path, O_RDWR));
	munmap(at, SIZE);
	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	EXPECT_EQ(O_RDONLY, fcntl(self->fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, self->fd, 0));
}

TEST_F(narrow, cannot_claim_to_write)
{
	int other = narrow(self->buf, DMA_BUF_NARROW_NO_RENAME);

	EXPECT_EQ(-EACCES, sync_whole(self->fd, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EACCES, sync_whole(self->fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	EXPECT_EQ(-EACCES, sync_range(self->fd, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EACCES, sync_range(self->fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	EXPECT_EQ(0, sync_whole(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, sync_range(self->fd, DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, sync_whole(self->fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
	EXPECT_EQ(0, sync_whole(other, DMA_BUF_SYNC_WRITE));
	close(other);
}

TEST_F(narrow, cannot_be_imported_by_a_device)
{
	int vgem = vgem_open(), fd;

	if (vgem < 0)
		SKIP(return, "no vgem");
	EXPECT_EQ(-EACCES, vgem_import(vgem, self->fd));
	fd = narrow(self->buf, DMA_BUF_NARROW_NO_DEVICES);
	EXPECT_EQ(-EACCES, vgem_import(vgem, fd));
	close(fd);
	fd = narrow(self->buf, DMA_BUF_NARROW_NO_CPU_WRITE | DMA_BUF_NARROW_NO_RENAME |
		    DMA_BUF_NARROW_NO_FENCES);
	EXPECT_EQ(0, vgem_import(vgem, fd));
	close(fd);
	close(vgem);
}

TEST_F(narrow, cannot_be_renamed)
{
	int fd = narrow(self->buf, DMA_BUF_NARROW_NO_RENAME);
	char name[] = "name";

	EXPECT_EQ(-EACCES, call(fd, DMA_BUF_SET_NAME_A, name));
	EXPECT_EQ(-EACCES, call(fd, DMA_BUF_SET_NAME_B, name));
	EXPECT_EQ(0, call(self->fd, DMA_BUF_SET_NAME, name));
	close(fd);
}

TEST_F(narrow, cannot_keep_others_waiting)
{
	int fd = narrow(self->buf, DMA_BUF_NARROW_NO_FENCES), timeline = timeline_open(), fence;
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_RW };

	ASSERT_LE(0, timeline);
	fence = timeline_fence(timeline, 1);
	ASSERT_LE(0, fence);
	EXPECT_EQ(-EACCES, import_fence(fd, fence, DMA_BUF_SYNC_READ));
	EXPECT_EQ(-EACCES, import_fence(fd, fence, DMA_BUF_SYNC_WRITE));
	/* Who cannot write in any way is no writer; it may be a reader. */
	EXPECT_EQ(-EACCES, import_fence(self->fd, fence, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(0, import_fence(self->fd, fence, DMA_BUF_SYNC_READ));
	/* Everybody may look. */
	EXPECT_EQ(0, call(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args));
	close(args.fd);
	close(fence);
	close(timeline);
	close(fd);
}

/* Nothing comes back: not by dup(), nor by narrowing in some other way. */
TEST_F(narrow, what_is_denied_stays_denied)
{
	int copy = dup(self->fd), again = narrow(self->fd, DMA_BUF_NARROW_NO_RENAME);
	char name[] = "name";

	EXPECT_EQ(-EACCES, sync_whole(copy, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EACCES, sync_whole(again, DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EACCES, call(again, DMA_BUF_SET_NAME, name));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, again, 0));
	EXPECT_EQ(0, call(copy, DMA_BUF_SET_NAME, name));
	EXPECT_EQ(0, sync_whole(self->buf, DMA_BUF_SYNC_WRITE));
	close(again);
	close(copy);
}

static int send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* What another process can do with the descriptor: the number of what went wrong, or 0. */
static int misuse(int fd)
{
	unsigned char *at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || at[7] != 42)
		return 1;
	if (mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
		return 2;
	if (!mprotect(at, SIZE, PROT_READ | PROT_WRITE))
		return 3;
	if (sync_whole(fd, DMA_BUF_SYNC_WRITE) != -EACCES)
		return 4;
	return sync_whole(fd, DMA_BUF_SYNC_READ) ? 5 : 0;
}

TEST_F(narrow, other_process_has_no_more_rights)
{
	int sockets[2], status;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	self->at[7] = 42;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(self->buf);
		close(self->fd);
		munmap(self->at, SIZE);
		_exit(misuse(receive_fd(sockets[1])));
	}
	ASSERT_EQ(0, send_fd(sockets[0], self->fd));
	/* The buffer lives on in the other process, or in the socket. */
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	close(sockets[0]);
	close(sockets[1]);
}

TEST_F(narrow, fdinfo_tells_what_is_denied)
{
	int fd = narrow(self->fd, DMA_BUF_NARROW_NO_RENAME | DMA_BUF_NARROW_NO_FENCES);
	char path[64], text[512];
	ssize_t len;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, info);
	len = read(info, text, sizeof(text) - 1);
	ASSERT_LT(0, len);
	text[len] = '\0';
	EXPECT_NE(NULL, strstr(text, "\ndenied:\tcpu-write devices rename fences\n"));
	EXPECT_NE(NULL, strstr(text, "\nsize:\t65536\n"));
	EXPECT_NE(NULL, strstr(text, "\nexp_name:\t"));
	close(info);
	close(fd);
}

/* ---- The ioctl ---- */

TEST_F(narrow, what_makes_no_sense_is_einval)
{
	struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY };
	int next = next_fd();

	EXPECT_EQ(-EINVAL, narrow(self->buf, 0));
	EXPECT_EQ(-EINVAL, narrow(self->buf, DMA_BUF_NARROW_READ_ONLY | 16));
	EXPECT_EQ(-EINVAL, narrow(self->buf, 1U << 31));
	args.fd_flags = O_CLOEXEC | O_NONBLOCK;
	EXPECT_EQ(-EINVAL, call(self->buf, DMA_BUF_IOCTL_NARROW, &args));
	args.fd_flags = O_RDWR;
	EXPECT_EQ(-EINVAL, call(self->buf, DMA_BUF_IOCTL_NARROW, &args));
	args.fd_flags = 0;
	args.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->buf, DMA_BUF_IOCTL_NARROW, &args));
	EXPECT_EQ(next, next_fd());
}

TEST_F(narrow, structure_may_grow_and_not_shrink)
{
	struct {
		struct dma_buf_narrow known;
		__u64 newer;
	} args = { .known = { .flags = DMA_BUF_NARROW_READ_ONLY } };
	const unsigned long cmd = DMA_BUF_IOCTL_NARROW;

	EXPECT_EQ(0, call(self->buf, sized(cmd, sizeof(args)), &args));
	EXPECT_EQ(0, close(args.known.fd));
	args.newer = 1;
	EXPECT_EQ(-E2BIG, call(self->buf, sized(cmd, sizeof(args)), &args));
	EXPECT_EQ(-EINVAL, call(self->buf, sized(cmd, sizeof(args.known) - 1), &args));
	EXPECT_EQ(-EFAULT, call(self->buf, cmd, NULL));
	EXPECT_EQ(-ENOTTY, call(self->buf, _IOW('b', 0x62, args.known), &args));
}

TEST_F(narrow, descriptor_is_closed_on_exec_if_asked_for)
{
	struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY };

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	ASSERT_EQ(0, call(self->buf, DMA_BUF_IOCTL_NARROW, &args));
	EXPECT_EQ(0, fcntl(args.fd, F_GETFD));
	close(args.fd);
}

TEST_F(narrow, descriptor_that_cannot_be_told_of_is_not_left)
{
	const struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY };
	int next = next_fd();

	EXPECT_EQ(-EFAULT, call(self->buf, DMA_BUF_IOCTL_NARROW, unwritable(&args, sizeof(args))));
	EXPECT_EQ(next, next_fd());
}

TEST_F(narrow, full_table_is_emfile)
{
	struct rlimit old, none;
	int next = next_fd();

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, narrow(self->buf, DMA_BUF_NARROW_READ_ONLY));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(next, next_fd());
}

/* Threads that narrow, look and close in any order, for KASAN to watch. */
static void *churn(void *data)
{
	int buf = *(int *)data, i, fd, other;

	for (i = 0; i < 500; i++) {
		fd = narrow(buf, DMA_BUF_NARROW_NO_RENAME);
		other = narrow(fd, DMA_BUF_NARROW_READ_ONLY);
		close(fd);
		if (sync_whole(other, DMA_BUF_SYNC_READ))
			return data;
		close(other);
	}
	return NULL;
}

TEST_F_TIMEOUT(narrow, threads_do_not_disturb_each_other, 300)
{
	pthread_t threads[4];
	void *failed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &self->buf));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
}

TEST_HARNESS_MAIN
