// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can do with the mapping of a buffer of the system heap, whether
 * it consists of large pages or of small ones.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#define LARGE	(2UL << 20)
#define PAGES	(SIZE / 4096)
/* Ends in the middle of what a large page would hold. */
#define SIZE	(4 * LARGE + 20 * 4096)

static sigjmp_buf on_fault;

static void fault(int sig)
{
	siglongjmp(on_fault, sig);
}

/* The signal that touching @word brings, or 0. */
static int poke(__u32 *word, __u32 value)
{
	int sig = sigsetjmp(on_fault, 1);

	if (!sig)
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
	return sig;
}

static int peek(__u32 *word)
{
	int sig = sigsetjmp(on_fault, 1);

	if (!sig)
		__atomic_load_n(word, __ATOMIC_RELAXED);
	return sig;
}

FIXTURE(mapping) {
	int fd;
	char *at;
};

FIXTURE_VARIANT(mapping) {
	bool small;
};

FIXTURE_VARIANT_ADD(mapping, large_pages) {
	.small = false,
};

FIXTURE_VARIANT_ADD(mapping, small_pages) {
	.small = true,
};

/* The first word of page @i. */
static __u32 *word_of(char *at, size_t i)
{
	return (__u32 *)(at + i * 4096);
}

/* How many of the pages at @at are not those of the buffer from page @from on. */
static size_t wrong_pages(char *at, size_t pages, size_t from)
{
	size_t i, wrong = 0;

	for (i = 0; i < pages; i++)
		wrong += *word_of(at, i) != from + i;
	return wrong;
}

FIXTURE_SETUP(mapping)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDONLY);
	size_t i;

	ASSERT_LE(0, heap);
	ASSERT_EQ(0, ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	close(heap);
	self->fd = data.fd;
	ASSERT_EQ(0, prctl(PR_SET_THP_DISABLE, variant->small, 0, 0, 0));

	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0U, *word_of(self->at, i));
		*word_of(self->at, i) = i;
	}
	signal(SIGSEGV, fault);
	signal(SIGBUS, fault);
}

FIXTURE_TEARDOWN(mapping)
{
	munmap(self->at, SIZE);
	close(self->fd);
}

TEST_F(mapping, shows_every_page)
{
	EXPECT_EQ(0U, wrong_pages(self->at, PAGES, 0));
}

TEST_F(mapping, is_aligned_for_large_pages)
{
	EXPECT_EQ(0U, (uintptr_t)self->at % LARGE);
}

TEST_F(mapping, goes_where_it_is_told_to)
{
	char *hole = mmap(NULL, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at;

	ASSERT_NE(MAP_FAILED, hole);
	at = mmap(hole + 4096, 3 * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, self->fd, 8192);
	EXPECT_EQ(hole + 4096, at);
	EXPECT_EQ(0U, wrong_pages(at, 3, 2));
	EXPECT_EQ(SIGSEGV, peek(word_of(hole, 0)));
	EXPECT_EQ(SIGSEGV, peek(word_of(hole, 4)));
	munmap(hole, LARGE);
}

TEST_F(mapping, starts_at_any_page)
{
	static const size_t from[] = { 1, 5, 511, 512, 513, PAGES - 1 };
	size_t i;
	char *at;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		at = mmap(NULL, SIZE - from[i] * 4096, PROT_READ, MAP_SHARED, self->fd,
			  from[i] * 4096);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_EQ(0U, wrong_pages(at, PAGES - from[i], from[i]));
		munmap(at, SIZE - from[i] * 4096);
	}
}

TEST_F(mapping, is_the_childs_as_well)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		size_t wrong = wrong_pages(self->at, PAGES, 0);

		*word_of(self->at, 7) = 4711;
		_exit(!!wrong);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(4711U, *word_of(self->at, 7));
}

TEST_F(mapping, loses_and_gets_back_permissions)
{
	ASSERT_EQ(0, mprotect(self->at, SIZE / 2, PROT_READ));
	EXPECT_EQ(SIGSEGV, poke(word_of(self->at, 0), 1));
	EXPECT_EQ(0, poke(word_of(self->at, PAGES - 1), PAGES - 1));

	ASSERT_EQ(0, mprotect(self->at + 8192, 8192, PROT_NONE));
	EXPECT_EQ(SIGSEGV, peek(word_of(self->at, 2)));
	EXPECT_EQ(0, peek(word_of(self->at, 1)));
	EXPECT_EQ(0, peek(word_of(self->at, 4)));

	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, poke(word_of(self->at, 0), 0));
	EXPECT_EQ(0U, wrong_pages(self->at, PAGES, 0));
}

TEST_F(mapping, can_lose_its_middle)
{
	ASSERT_EQ(0, munmap(self->at + 5 * 4096, 2 * 4096));
	EXPECT_EQ(SIGSEGV, peek(word_of(self->at, 5)));
	EXPECT_EQ(SIGSEGV, peek(word_of(self->at, 6)));
	EXPECT_EQ(0U, wrong_pages(self->at, 5, 0));
	EXPECT_EQ(0U, wrong_pages(self->at + 7 * 4096, PAGES - 7, 7));
}

TEST_F(mapping, can_move_and_shrink)
{
	char *hole = mmap(NULL, SIZE + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at;

	ASSERT_NE(MAP_FAILED, hole);
	at = mremap(self->at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, hole + 4096);
	ASSERT_EQ(hole + 4096, at);
	self->at = at;
	EXPECT_EQ(0U, wrong_pages(at, PAGES, 0));
	ASSERT_EQ(at, mremap(at, SIZE, SIZE - 4096, 0));
	EXPECT_EQ(0U, wrong_pages(at, PAGES - 1, 0));
}

TEST_F(mapping, cannot_grow)
{
	EXPECT_EQ(MAP_FAILED, mremap(self->at, SIZE, SIZE + 4096, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(self->at, 0, SIZE, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE + 4096, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 8192, PROT_READ, MAP_SHARED, self->fd, SIZE - 4096));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(mapping, is_private_for_one_page_only)
{
	__u32 *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 3 * 4096);

	ASSERT_NE(MAP_FAILED, (void *)at);
	EXPECT_EQ(3U, *at);
	*at = 4711;
	EXPECT_EQ(4711U, *at);
	EXPECT_EQ(3U, *word_of(self->at, 3));
	munmap(at, 4096);

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(mapping, serves_system_calls)
{
	char copy[4096];
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(4096, write(ends[1], self->at + 9 * 4096, 4096));
	ASSERT_EQ(4096, read(ends[0], self->at + 10 * 4096, 4096));
	EXPECT_EQ(9U, *word_of(self->at, 10));
	ASSERT_EQ(4096, write(ends[1], self->at + 10 * 4096, 4096));
	ASSERT_EQ(4096, read(ends[0], copy, 4096));
	EXPECT_EQ(0, memcmp(copy, self->at + 9 * 4096, 4096));
	close(ends[0]);
	close(ends[1]);
}

static pthread_barrier_t together;

/* Touch each page first or second, in a word of this thread's own. */
static void *toucher(void *arg)
{
	__u32 *word = arg;
	size_t i;

	pthread_barrier_wait(&together);
	for (i = 0; i < PAGES; i++, word += 1024)
		__atomic_store_n(word, i, __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(mapping, fills_once_for_threads_that_race)
{
	pthread_t thread[4];
	size_t i, t, wrong = 0;
	char *at;

	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, pthread_barrier_init(&together, NULL, 4));
	for (t = 0; t < 4; t++)
		ASSERT_EQ(0, pthread_create(&thread[t], NULL, toucher, at + 4 * (t + 1)));
	for (t = 0; t < 4; t++)
		ASSERT_EQ(0, pthread_join(thread[t], NULL));
	for (t = 0; t < 4; t++)
		for (i = 0; i < PAGES; i++)
			wrong += word_of(self->at, i)[t + 1] != i;
	EXPECT_EQ(0U, wrong);
	munmap(at, SIZE);
}

TEST_HARNESS_MAIN
