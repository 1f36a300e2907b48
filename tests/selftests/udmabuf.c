// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of memfds as a process sees them: what KUnit cannot do, because it
 * takes hugetlb, a mapping that lives on, another process or real threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>

#include "kselftest_harness.h"

#define PAGES	16
#define HUGE	(2UL << 20)

static size_t page;

/* The number that marks page @i of memfd @id. */
static __u64 mark(int id, size_t i)
{
	return (__u64)id << 32 | (i + 1);
}

static int memfd(const char *name, unsigned int flags, size_t size)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING | flags);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static __u64 *map(int fd, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Mark each page; false when the memory cannot be had. */
static bool mark_all(int fd, int id, size_t size)
{
	__u64 *at = map(fd, size);
	size_t i;

	if (at == MAP_FAILED)
		return false;
	for (i = 0; i < size / page; i++)
		at[i * page / sizeof(*at)] = mark(id, i);
	munmap(at, size);
	return true;
}

static int create(int dev, int memfd, __u64 offset, __u64 size)
{
	struct udmabuf_create args = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int fd = ioctl(dev, UDMABUF_CREATE, &args);

	return fd < 0 ? -errno : fd;
}

static int sync_buf(int fd, __u64 flags)
{
	struct dma_buf_sync args = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &args) ? -errno : 0;
}

FIXTURE(udmabuf) {
	int dev, mem, buf;
	size_t size;
	__u64 *at;
};

/* A buffer of a small memfd, mapped. */
FIXTURE_SETUP(udmabuf)
{
	page = sysconf(_SC_PAGESIZE);
	self->size = PAGES * page;
	self->dev = open("/dev/udmabuf", O_RDWR);
	if (self->dev < 0)
		SKIP(return, "/dev/udmabuf: %s", strerror(errno));
	self->mem = memfd("small", 0, self->size);
	ASSERT_LE(0, self->mem);
	ASSERT_TRUE(mark_all(self->mem, 1, self->size));
	self->buf = create(self->dev, self->mem, 0, self->size);
	ASSERT_LE(0, self->buf);
	self->at = map(self->buf, self->size);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN(udmabuf)
{
	munmap(self->at, self->size);
	close(self->buf);
	close(self->mem);
	close(self->dev);
}

TEST_F(udmabuf, shows_what_the_memfd_shows)
{
	__u64 *mem = map(self->mem, self->size);
	size_t i, step = page / sizeof(*mem);

	ASSERT_NE(MAP_FAILED, mem);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(mark(1, i), self->at[i * step]);
	for (i = 0; i < PAGES; i++) {
		self->at[i * step] = mark(2, i);
		EXPECT_EQ(mark(2, i), mem[i * step]);
		mem[i * step + 1] = mark(3, i);
		EXPECT_EQ(mark(3, i), self->at[i * step + 1]);
	}
	munmap(mem, self->size);
}

TEST_F(udmabuf, mapping_outlives_all_descriptors)
{
	close(self->buf);
	close(self->mem);
	EXPECT_EQ(mark(1, PAGES - 1), self->at[(PAGES - 1) * page / sizeof(*self->at)]);
	self->buf = -1;
	self->mem = -1;
}

TEST_F(udmabuf, mapping_is_shared_with_a_child)
{
	int status;
	pid_t child;

	/* One page has been touched, the others have not. */
	EXPECT_EQ(mark(1, 0), self->at[0]);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		bool ok = self->at[page / sizeof(*self->at)] == mark(1, 1);

		self->at[0] = 42;
		_exit(!ok);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(42UL, self->at[0]);
}

TEST_F(udmabuf, mapping_does_not_grow)
{
	EXPECT_EQ(MAP_FAILED, mremap(self->at, self->size, 2 * self->size, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size + page, PROT_READ, MAP_SHARED, self->buf, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, self->buf, self->size));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_PRIVATE, self->buf, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(udmabuf, mapping_can_move_and_lose_its_middle)
{
	size_t step = page / sizeof(*self->at), i;
	__u64 *at;

	EXPECT_EQ(mark(1, 0), self->at[0]);
	at = mremap(self->at, self->size, self->size, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, munmap(at + 4 * step, 4 * page));
	for (i = 0; i < PAGES; i++) {
		if (i < 4 || i >= 8)
			EXPECT_EQ(mark(1, i), at[i * step]);
	}
	ASSERT_EQ(0, munmap(at, 4 * page));
	ASSERT_EQ(0, munmap(at + 8 * step, (PAGES - 8) * page));
	self->at = map(self->buf, self->size);
}

TEST_F(udmabuf, hole_in_the_memfd_leaves_the_buffer_alone)
{
	ASSERT_EQ(0, fallocate(self->mem, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			       self->size));
	EXPECT_EQ(mark(1, 3), self->at[3 * page / sizeof(*self->at)]);
}

TEST_F(udmabuf, seal_against_writing_has_to_wait)
{
	EXPECT_EQ(-1, fcntl(self->mem, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	munmap(self->at, self->size);
	close(self->buf);
	EXPECT_EQ(0, fcntl(self->mem, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EINVAL, create(self->dev, self->mem, 0, page));
	self->buf = -1;
}

TEST_F(udmabuf, memfd_for_reading_gives_a_buffer_for_reading)
{
	char path[64];
	int reader, fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->mem);
	reader = open(path, O_RDONLY);
	ASSERT_LE(0, reader);
	fd = create(self->dev, reader, 0, page);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, map(fd, page));
	EXPECT_EQ(EACCES, errno);
	EXPECT_NE(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0));
	close(fd);
	close(reader);
}

TEST_F(udmabuf, no_descriptor_is_left_without_room_for_it)
{
	struct rlimit old, none;
	int next = dup(self->mem);

	ASSERT_LE(0, next);
	close(next);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, create(self->dev, self->mem, 0, page));
	EXPECT_EQ(-EINVAL, create(self->dev, self->mem, 0, 2 * self->size));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(next, dup(self->mem));
	close(next);
}

TEST_F(udmabuf, fdinfo_tells_what_it_is)
{
	char path[64], line[128];
	bool size = false, name = false;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->buf);
	info = fopen(path, "r");
	ASSERT_NE(NULL, info);
	while (fgets(line, sizeof(line), info)) {
		size |= atol(line + strlen("size:\t")) == (long)self->size &&
			!strncmp(line, "size:", 5);
		name |= !strcmp(line, "exp_name:\tudmabuf\n");
	}
	fclose(info);
	EXPECT_TRUE(size);
	EXPECT_TRUE(name);
}

/* Memory that others have used comes back to fallocate() as it is. */
TEST_F(udmabuf, memory_of_fallocate_is_cleared)
{
	const size_t size = 32UL << 20;
	__u64 *noise = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	size_t i, dirty = 0;
	int mem, buf;
	__u64 *at;

	ASSERT_NE(MAP_FAILED, noise);
	memset(noise, 0xa5, size);
	munmap(noise, size);
	mem = memfd("fallocate", 0, size);
	ASSERT_LE(0, mem);
	ASSERT_EQ(0, fallocate(mem, 0, 0, size));
	buf = create(self->dev, mem, 0, size);
	ASSERT_LE(0, buf);
	at = map(buf, size);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < size / sizeof(*at); i++)
		dirty += !!at[i];
	EXPECT_EQ(0UL, dirty);
	munmap(at, size);
	close(buf);
	close(mem);
}

static void *start_and_end(void *data)
{
	int fd = *(int *)data, i, wrong = 0;

	for (i = 0; i < 200; i++) {
		wrong += !!sync_buf(fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START);
		wrong += !!sync_buf(fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END);
	}
	return (void *)(intptr_t)wrong;
}

TEST_F(udmabuf, threads_can_all_start_on_one_descriptor)
{
	pthread_t threads[4];
	void *wrong;
	size_t i;

	EXPECT_EQ(-EINVAL, sync_buf(self->buf, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, start_and_end, &self->buf));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &wrong));
		EXPECT_EQ(NULL, wrong);
	}
}

/* Makes and seals the same memfd at once: either there is a buffer or the seal. */
struct race {
	int mem;
	pthread_barrier_t go;
	bool sealed;
};

static void *seal(void *data)
{
	struct race *race = data;

	pthread_barrier_wait(&race->go);
	race->sealed = !fcntl(race->mem, F_ADD_SEALS, F_SEAL_WRITE);
	return NULL;
}

TEST_F(udmabuf, buffer_and_seal_against_writing_exclude_each_other)
{
	struct race race;
	pthread_t thread;
	int i, buf;

	ASSERT_EQ(0, pthread_barrier_init(&race.go, NULL, 2));
	for (i = 0; i < 50; i++) {
		race.mem = memfd("race", 0, self->size);
		ASSERT_LE(0, race.mem);
		ASSERT_EQ(0, pthread_create(&thread, NULL, seal, &race));
		pthread_barrier_wait(&race.go);
		buf = create(self->dev, race.mem, 0, self->size);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_FALSE(buf >= 0 && race.sealed);
		close(buf);
		close(race.mem);
	}
	pthread_barrier_destroy(&race.go);
}

FIXTURE(udmabuf_huge) {
	int dev, mem;
};

/* A memfd of two huge pages. */
FIXTURE_SETUP(udmabuf_huge)
{
	page = sysconf(_SC_PAGESIZE);
	self->dev = open("/dev/udmabuf", O_RDWR);
	if (self->dev < 0)
		SKIP(return, "/dev/udmabuf: %s", strerror(errno));
	self->mem = memfd("huge", MFD_HUGETLB | MFD_HUGE_2MB, 2 * HUGE);
	if (self->mem < 0)
		SKIP(return, "no hugetlb: %s", strerror(-self->mem));
	if (!mark_all(self->mem, 7, 2 * HUGE))
		SKIP(return, "no huge pages: write 2 or more to /proc/sys/vm/nr_hugepages");
}

FIXTURE_TEARDOWN(udmabuf_huge)
{
	close(self->mem);
	close(self->dev);
}

TEST_F(udmabuf_huge, all_of_it_is_shown)
{
	int buf = create(self->dev, self->mem, 0, 2 * HUGE);
	size_t i, step = page / sizeof(__u64);
	__u64 *at;

	ASSERT_LE(0, buf);
	at = map(buf, 2 * HUGE);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < 2 * HUGE / page; i++)
		ASSERT_EQ(mark(7, i), at[i * step]);
	at[513 * step] = 99;
	munmap(at, 2 * HUGE);
	close(buf);
	at = map(self->mem, 2 * HUGE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(99UL, at[513 * step]);
	munmap(at, 2 * HUGE);
}

TEST_F(udmabuf_huge, part_of_it_is_shown)
{
	const size_t first = 3, pages = 600;
	int buf = create(self->dev, self->mem, first * page, pages * page);
	size_t i, step = page / sizeof(__u64);
	__u64 *at;

	ASSERT_LE(0, buf);
	at = map(buf, pages * page);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < pages; i++)
		ASSERT_EQ(mark(7, first + i), at[i * step]);
	munmap(at, pages * page);
	close(buf);
}

TEST_F(udmabuf_huge, list_mixes_it_with_small_pages)
{
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item items[3];
	} args = { .head = { .count = 3 } };
	int small = memfd("small", 0, 4 * page), buf;
	size_t i, step = page / sizeof(__u64);
	__u64 *at;

	ASSERT_LE(0, small);
	ASSERT_TRUE(mark_all(small, 8, 4 * page));
	args.items[0] = (struct udmabuf_create_item) { self->mem, 0, HUGE - page, 2 * page };
	args.items[1] = (struct udmabuf_create_item) { small, 0, page, 2 * page };
	args.items[2] = (struct udmabuf_create_item) { self->mem, 0, 0, page };
	buf = ioctl(self->dev, UDMABUF_CREATE_LIST, &args);
	ASSERT_LE(0, buf);
	at = map(buf, 5 * page);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(mark(7, HUGE / page - 1 + i), at[i * step]);
		EXPECT_EQ(mark(8, 1 + i), at[(2 + i) * step]);
	}
	EXPECT_EQ(mark(7, 0), at[4 * step]);
	munmap(at, 5 * page);
	close(buf);
	close(small);
}

TEST_F(udmabuf_huge, pages_are_free_again_in_the_end)
{
	int buf = create(self->dev, self->mem, 0, 2 * HUGE);

	ASSERT_LE(0, buf);
	EXPECT_EQ(-1, fcntl(self->mem, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	close(buf);
	EXPECT_EQ(0, fcntl(self->mem, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST_HARNESS_MAIN
