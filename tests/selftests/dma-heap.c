// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps as a process sees them: every one that is in /dev/dma_heap.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "kselftest_harness.h"

#define SIZE	(4UL << 20)

/* Allocate with the structure and the command given; the descriptor or -errno. */
static int alloc_as(int heap, unsigned long cmd, struct dma_heap_allocation_data *data)
{
	return ioctl(heap, cmd, data) ? -errno : (int)data->fd;
}

static int alloc(int heap, __u64 len)
{
	struct dma_heap_allocation_data data = { .len = len, .fd_flags = O_RDWR | O_CLOEXEC };

	return alloc_as(heap, DMA_HEAP_IOCTL_ALLOC, &data);
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

FIXTURE(heap) {
	char name[NAME_MAX + 1];
	int fd;
};

FIXTURE_VARIANT(heap) {
	const char *name;
	bool optional;
};

FIXTURE_VARIANT_ADD(heap, system) {
	.name = "system",
};

FIXTURE_VARIANT_ADD(heap, default_cma_region) {
	.name = "default_cma_region",
	.optional = true,
};

/* What the default area is called on x86. */
FIXTURE_VARIANT_ADD(heap, reserved) {
	.name = "reserved",
	.optional = true,
};

FIXTURE_SETUP(heap)
{
	char path[300];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", variant->name);
	self->fd = open(path, O_RDONLY);
	if (self->fd < 0 && errno == ENOENT && variant->optional)
		SKIP(return, "no heap %s", variant->name);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(heap)
{
	close(self->fd);
}

TEST_F(heap, buffer_is_zeroed_and_keeps_what_is_written)
{
	unsigned char *at;
	size_t i, round;
	int fd;

	for (round = 0; round < 3; round++) {
		size_t dirty = 0;

		fd = alloc(self->fd, SIZE);
		ASSERT_LE(0, fd);
		at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, at);
		for (i = 0; i < SIZE; i++)
			dirty += !!at[i];
		EXPECT_EQ(0UL, dirty);
		memset(at, 0x5a, SIZE);
		for (i = 0; i < SIZE; i++)
			dirty += at[i] != 0x5a;
		EXPECT_EQ(0UL, dirty);
		munmap(at, SIZE);
		close(fd);
	}
}

TEST_F(heap, buffer_is_of_whole_pages)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = alloc(self->fd, page + 1);

	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * (off_t)page, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 3 * page, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

TEST_F(heap, descriptor_is_as_asked_for)
{
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDONLY };
	int fd = alloc_as(self->fd, DMA_HEAP_IOCTL_ALLOC, &data);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
	fd = alloc(self->fd, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

TEST_F(heap, mapping_is_shared_with_a_child)
{
	int fd = alloc(self->fd, SIZE), status;
	__u64 *at;
	pid_t child;

	ASSERT_LE(0, fd);
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	close(fd);
	at[0] = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		bool ok = at[0] == 1;

		at[SIZE / sizeof(*at) - 1] = 2;
		_exit(!ok);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2UL, at[SIZE / sizeof(*at) - 1]);
	munmap(at, SIZE);
}

TEST_F(heap, private_mapping_of_all_of_it_is_refused)
{
	int fd = alloc(self->fd, SIZE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

TEST_F(heap, more_than_there_is_is_enomem)
{
	int next = next_fd();

	EXPECT_EQ(-ENOMEM, alloc(self->fd, 1ULL << 45));
	EXPECT_EQ(next, next_fd());
}

/* So much that what leaks but a few times is sorely missed. */
TEST_F(heap, process_that_is_killed_leaves_nothing)
{
	const size_t size = 16UL << 20;
	int fd, i, status;
	pid_t child;

	for (i = 0; i < 20; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			for (;;)
				close(alloc(self->fd, size));
		}
		usleep(1000 * (i + 1));
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	fd = alloc(self->fd, size);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(heap, refusal_leaves_no_descriptor)
{
	static const struct dma_heap_allocation_data bad[] = {
		{ .len = 0, .fd_flags = O_RDWR },
		{ .len = UINT64_MAX, .fd_flags = O_RDWR },
		{ .len = 1, .fd = 1, .fd_flags = O_RDWR },
		{ .len = 1, .fd_flags = O_RDWR | O_NONBLOCK },
		{ .len = 1, .fd_flags = O_ACCMODE },
		{ .len = 1, .fd_flags = O_RDWR, .heap_flags = 1 },
	};
	struct dma_heap_allocation_data data;
	int next = next_fd();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		data = bad[i];
		EXPECT_EQ(-EINVAL, alloc_as(self->fd, DMA_HEAP_IOCTL_ALLOC, &data)) {
			TH_LOG("case %zu", i);
		}
	}
	EXPECT_EQ(-1, ioctl(self->fd, DMA_HEAP_IOCTL_ALLOC, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(next, next_fd());
}

/* Nobody would ever learn of the descriptor. */
TEST_F(heap, descriptor_that_cannot_be_brought_back_is_not_made)
{
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	int next = next_fd();

	EXPECT_EQ(-EINVAL, alloc_as(self->fd, _IOW('H', 0, data), &data));
	EXPECT_EQ(-EINVAL, alloc_as(self->fd, _IO('H', 0), &data));
	EXPECT_EQ(-EINVAL, alloc_as(self->fd, _IOWR('H', 0, __u64), &data));
	EXPECT_EQ(-EINVAL, alloc_as(self->fd, _IOWR('H', 1, data), &data));
	EXPECT_EQ(next, next_fd());
}

TEST_F(heap, descriptor_that_cannot_be_told_of_is_not_left)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct dma_heap_allocation_data *data = mmap(NULL, page, PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int next = next_fd();

	ASSERT_NE(MAP_FAILED, data);
	data->len = page;
	data->fd_flags = O_RDWR;
	ASSERT_EQ(0, mprotect(data, page, PROT_READ));
	EXPECT_EQ(-EFAULT, alloc_as(self->fd, DMA_HEAP_IOCTL_ALLOC, data));
	EXPECT_EQ(next, next_fd());
	munmap(data, page);
}

TEST_F(heap, no_descriptor_is_left_without_room_for_it)
{
	struct rlimit old, none;
	int next = next_fd();

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, alloc(self->fd, 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(next, next_fd());
}

TEST_F(heap, node_belongs_to_root_alone)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600U, st.st_mode & 07777);
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(ESPIPE, errno);
}

/* Every kind of memory there is, whatever it is called, gives at least a page. */
TEST(each_heap_there_is_gives_a_buffer)
{
	DIR *dir = opendir("/dev/dma_heap");
	struct dirent *entry;
	int heap, fd, heaps = 0;

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		heap = openat(dirfd(dir), entry->d_name, O_RDONLY);
		ASSERT_LE(0, heap);
		fd = alloc(heap, 1);
		EXPECT_LE(0, fd) {
			TH_LOG("%s: %d", entry->d_name, fd);
		}
		close(fd);
		close(heap);
		heaps++;
	}
	closedir(dir);
	EXPECT_LT(0, heaps);
}

TEST_HARNESS_MAIN
