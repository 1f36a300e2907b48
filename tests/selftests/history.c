// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has gone wrong before and takes userspace to pull the trigger: hugetlb, a
 * mapping that lives on, epoll, threads. Each test is named after the CVE or the
 * syzbot report; Documentation/hardening.rst tells what each was about. What is
 * wrong shows in the kernel's log, mostly.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#include "kselftest_harness.h"

#define MB	(1024UL * 1024)
#define HUGE	(2 * MB)
#define PAGES	4
#define ROUNDS	300

static size_t page;

/* The ioctls of sw_sync, which are in no header. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_CREATE	_IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC	_IOW('W', 1, __u32)

static sigjmp_buf on_fault;

static void fault(int sig)
{
	siglongjmp(on_fault, sig);
}

/* The signal that reading at @at brings, or 0. */
static int peek(const char *at)
{
	int sig;

	signal(SIGSEGV, fault);
	signal(SIGBUS, fault);
	sig = sigsetjmp(on_fault, 1);
	if (!sig)
		__atomic_load_n(at, __ATOMIC_RELAXED);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return sig;
}

static int memfd(unsigned int flags, size_t size)
{
	int fd = memfd_create("history", MFD_ALLOW_SEALING | flags);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int create(int mem, __u64 offset, __u64 size)
{
	struct udmabuf_create args = {
		.memfd = mem,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int dev = open("/dev/udmabuf", O_RDWR), fd;

	if (dev < 0)
		return -errno;
	fd = ioctl(dev, UDMABUF_CREATE, &args);
	fd = fd < 0 ? -errno : fd;
	close(dev);
	return fd;
}

/* A udmabuf of @pages pages. */
static int udmabuf(size_t pages)
{
	int mem = memfd(0, pages * page), fd;

	if (mem < 0)
		return mem;
	fd = create(mem, 0, pages * page);
	close(mem);
	return fd;
}

/* A buffer of the heap with this name, or a negative errno. */
static int heap_buffer(const char *name, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	char path[64];
	int heap, ret;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	heap = open(path, O_RDONLY);
	if (heap < 0)
		return -errno;
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
	close(heap);
	return ret;
}

static int timeline(void)
{
	return open("/sys/kernel/debug/sync/sw_sync", O_RDWR);
}

static int fence(int timeline, __u32 value)
{
	struct sw_sync_create data = { .value = value };

	return ioctl(timeline, SW_SYNC_CREATE, &data) ? -errno : data.fence;
}

static void advance(int timeline)
{
	__u32 one = 1;

	ioctl(timeline, SW_SYNC_INC, &one);
}

/* Hands the value to a parameter of udmabuf; what it was goes to @old. */
static bool parameter(const char *name, const char *value, char *old, size_t len)
{
	char path[96];
	FILE *file;
	bool done;

	snprintf(path, sizeof(path), "/sys/module/udmabuf/parameters/%s", name);
	file = fopen(path, "r+");
	if (!file)
		return false;
	done = !old || fgets(old, len, file);
	rewind(file);
	done = fputs(value, file) >= 0 && done;
	return !fclose(file) && done;
}

/* Neither mmap() nor mremap() nor a fault gets at anything behind the end of @fd. */
static void expect_no_way_beyond(struct __test_metadata *_metadata, int fd, size_t pages)
{
	char *at, *more;
	size_t i;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, (pages + 1) * page, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, fd, pages * page));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, fd, LONG_MAX & -page));

	at = mmap(NULL, pages * page, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	for (i = 0; i < pages; i++)
		EXPECT_EQ(0, peek(at + i * page));
	more = mremap(at, pages * page, (pages + 8) * page, MREMAP_MAYMOVE);
	EXPECT_EQ(MAP_FAILED, more);
	if (more != MAP_FAILED) {
		EXPECT_NE(0, peek(more + pages * page));
		munmap(more, (pages + 8) * page);
	} else {
		munmap(at, pages * page);
	}
	/* The last page alone, and one that is there no more. */
	at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (pages - 1) * page);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, peek(at));
	more = mremap(at, page, 2 * page, MREMAP_MAYMOVE);
	EXPECT_EQ(MAP_FAILED, more);
	munmap(at, page);
}

FIXTURE(history) {
};

FIXTURE_SETUP(history)
{
	page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(history)
{
}

/* The fault handler did not check the offset, and that was a way to become root. */
TEST_F(history, cve_2023_2008_nothing_beyond_the_end_of_a_udmabuf)
{
	int fd = udmabuf(PAGES);

	ASSERT_LE(0, fd);
	expect_no_way_beyond(_metadata, fd, PAGES);
	close(fd);
}

/* The page right behind the last one of a CMA buffer could be had. */
TEST_F(history, cve_2024_46852_nothing_beyond_the_end_of_a_heap_buffer)
{
	static const char *const heaps[] = { "default_cma_region", "reserved", "system" };
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = heap_buffer(heaps[i], PAGES * page);
		if (fd == -ENOENT)
			continue;
		ASSERT_LE(0, fd);
		expect_no_way_beyond(_metadata, fd, PAGES);
		close(fd);
	}
}

/* For more than two gigabytes the array of folios was more than kmalloc() allows. */
TEST_F(history, cve_2024_56544_more_folios_than_kmalloc_can_list)
{
	const size_t piece = 16 * MB, count = 130;
	struct udmabuf_create_list *list;
	int mem = memfd(0, piece), dev = open("/dev/udmabuf", O_RDWR), fd;
	char old[24];
	size_t i;

	ASSERT_LE(0, mem);
	ASSERT_LE(0, dev);
	ASSERT_TRUE(parameter("size_limit_mb", "4096", old, sizeof(old)));
	list = calloc(1, sizeof(*list) + count * sizeof(list->list[0]));
	list->count = count;
	for (i = 0; i < count; i++) {
		list->list[i].memfd = mem;
		list->list[i].size = piece;
	}
	fd = ioctl(dev, UDMABUF_CREATE_LIST, list);
	/* Large, but fine; or too large for this machine. */
	EXPECT_TRUE(fd >= 0 || errno == ENOMEM);
	if (fd >= 0) {
		EXPECT_EQ((off_t)(count * piece), lseek(fd, 0, SEEK_END));
		close(fd);
	}
	EXPECT_TRUE(parameter("size_limit_mb", old, NULL, 0));
	free(list);
	close(dev);
	close(mem);
}

/* A limit of 2048 MiB and more, in bytes, was beyond what an int holds. */
TEST_F(history, cve_2025_37803_limit_beyond_31_bits)
{
	static const char *const limits[] = { "2047", "2048", "4095", "4096", "4294967295" };
	int mem = memfd(0, PAGES * page), fd, i;
	char old[24];

	ASSERT_LE(0, mem);
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(parameter("size_limit_mb", limits[i], i ? NULL : old, sizeof(old)));
		fd = create(mem, 0, PAGES * page);
		EXPECT_LE(0, fd);
		close(fd);
		EXPECT_EQ(-EINVAL, create(mem, 0, 1UL << 52));
		EXPECT_EQ(-EINVAL, create(mem, 0, 1UL << 63));
	}
	EXPECT_TRUE(parameter("size_limit_mb", old, NULL, 0));
	close(mem);
}

/* A page that hugetlb did not have yet was NULL, and taken for an error pointer. */
TEST_F(history, syzbot_udmabuf_create_of_a_hugetlb_hole)
{
	int mem = memfd(MFD_HUGETLB | MFD_HUGE_2MB, 2 * HUGE), fd;
	char *at;

	if (mem < 0)
		SKIP(return, "no hugetlb: %s", strerror(-mem));
	fd = create(mem, 0, 2 * HUGE);
	EXPECT_TRUE(fd >= 0 || fd == -ENOMEM);
	if (fd >= 0) {
		at = mmap(NULL, 2 * HUGE, PROT_READ, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_EQ(0, at[0] | at[HUGE] | at[2 * HUGE - 1]);
		munmap(at, 2 * HUGE);
		close(fd);
	}
	close(mem);
}

/* Pages that a process had mapped through the buffer were taken out of their file. */
TEST_F(history, syzbot_17a207d226b8a5fb0fd9_file_loses_pages_that_are_mapped)
{
	const size_t size = 64 * page;
	int i, mem, fd;
	char *at;

	for (i = 0; i < 20; i++) {
		mem = memfd(0, size);
		ASSERT_LE(0, mem);
		fd = create(mem, 0, size);
		ASSERT_LE(0, fd);
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, at);
		memset(at, i + 1, size);
		ASSERT_EQ(0, fallocate(mem, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				       size));
		EXPECT_EQ(i + 1, at[size - 1]);
		/* The file goes before the mapping, then after it. */
		if (i & 1)
			close(mem);
		munmap(at, size);
		close(fd);
		if (!(i & 1))
			close(mem);
	}
}

/* What two threads look at. */
#define GET(x)		__atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define SET(x, v)	__atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)

struct race {
	int fd;
	bool stop;
	int timeline;
	unsigned long done;
};

/* Prints the path of whatever has that number, over and over. */
static void *read_path(void *data)
{
	struct race *race = data;
	char path[64], target[PATH_MAX];

	while (!GET(race->stop)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", GET(race->fd));
		if (readlink(path, target, sizeof(target)) > 0)
			race->done++;
	}
	return NULL;
}

/* The name was freed before the last one who could print it had gone. */
TEST_F(history, syzbot_3643a18836bce555bff6_path_against_close)
{
	struct race race = { .fd = -1 };
	pthread_t thread;
	int i, fd;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_path, &race));
	for (i = 0; i < ROUNDS; i++) {
		fd = heap_buffer("system", page);
		ASSERT_LE(0, fd);
		SET(race.fd, fd);
		ioctl(fd, DMA_BUF_SET_NAME_B, "a name that the buffer has");
		ioctl(fd, DMA_BUF_SET_NAME_B, i & 1 ? "odd" : "even");
		close(fd);
	}
	SET(race.stop, true);
	pthread_join(thread, NULL);
}

/* Closes the descriptor that comes next, before anybody has been told of it. */
static void *close_next(void *data)
{
	struct race *race = data;
	int fd;

	while (!GET(race->stop)) {
		fd = GET(race->fd);
		if (fd >= 0 && !close(fd))
			race->done++;
	}
	return NULL;
}

/* dma_buf_fd() looked at a buffer that another thread had closed meanwhile. */
static void expect_guessed_closes_harmless(struct __test_metadata *_metadata,
					   int (*make)(void))
{
	struct race race = { .fd = -1 };
	pthread_t thread;
	int i, fd, next;

	ASSERT_EQ(0, pthread_create(&thread, NULL, close_next, &race));
	for (i = 0; i < ROUNDS; i++) {
		next = dup(0);
		close(next);
		/* The memfd and the device have the numbers before it. */
		SET(race.fd, next + 2);
		fd = make();
		SET(race.fd, -1);
		EXPECT_TRUE(fd >= 0 || fd == -EBADF || fd == -EBADFD || fd == -ENOTTY);
		if (fd >= 0)
			close(fd);
	}
	SET(race.stop, true);
	pthread_join(thread, NULL);
}

static int make_udmabuf(void)
{
	return udmabuf(1);
}

TEST_F(history, cve_2026_63910_descriptor_closed_by_a_guess)
{
	expect_guessed_closes_harmless(_metadata, make_udmabuf);
}

/* Signals what others wait for, as fast as it can. */
static void *signal_all(void *data)
{
	struct race *race = data;

	while (!GET(race->stop)) {
		advance(race->timeline);
		SET(race->done, race->done + 1);
		sched_yield();
	}
	return NULL;
}

/*
 * poll() on a busy buffer took a reference to a file that was just going, and epoll
 * found it dead.
 */
TEST_F(history, syzbot_ep_remove_may_2024_close_of_a_buffer_in_epoll)
{
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_WRITE };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT }, got;
	struct race race = { .timeline = timeline() };
	pthread_t thread;
	int i, fd, epoll;

	if (race.timeline < 0)
		SKIP(return, "no sw_sync: %s", strerror(errno));
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_all, &race));
	for (i = 0; i < ROUNDS; i++) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
		ASSERT_LE(0, epoll);
		fd = heap_buffer("system", page);
		ASSERT_LE(0, fd);
		/* Beyond what has been reached: by the time it is, who knows. */
		import.fd = fence(race.timeline, GET(race.done) + 2 + i % 7);
		ASSERT_LE(0, import.fd);
		ASSERT_EQ(0, ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
		close(import.fd);
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
		epoll_wait(epoll, &got, 1, 0);
		/* The last close takes the buffer out of the set. */
		close(fd);
		EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
		close(epoll);
	}
	SET(race.stop, true);
	pthread_join(thread, NULL);
	close(race.timeline);
}

TEST_HARNESS_MAIN
