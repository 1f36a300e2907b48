// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for a heap's memory: with dma_heap.mem_accounting it is the memory cgroup
 * of the process that allocates.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-heap.h>

#include "kselftest_harness.h"

#define MIB	0x100000UL
#define ROOT	"/tmp/cgroup"
#define GROUP	ROOT "/heap-memcg"
#define PARAM	"/sys/module/dma_heap/parameters/mem_accounting"

/* Writes a string to a file; 0 or -errno. */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int put_bytes(const char *path, unsigned long bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", bytes);
	return put(path, text);
}

/* The first word of a file, or "". */
static const char *get(const char *path)
{
	static char word[32];
	FILE *file = fopen(path, "re");

	if (!file || fscanf(file, "%31s", word) != 1)
		word[0] = '\0';
	if (file)
		fclose(file);
	return word;
}

static long used(void)
{
	return atol(get(GROUP "/memory.current"));
}

/* Allocates from the system heap; the descriptor or -errno. */
static int alloc(unsigned long bytes)
{
	struct dma_heap_allocation_data data = { .len = bytes, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	int ret = heap < 0 ? -errno : 0;

	if (!ret && ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		ret = -errno;
	if (heap >= 0)
		close(heap);
	return ret ?: (int)data.fd;
}

/* Until the group has given back what it had; pages may be charged in batches. */
static bool falls_below(long bytes)
{
	int i;

	for (i = 0; i < 500 && used() >= bytes; i++)
		usleep(20000);
	return used() < bytes;
}

FIXTURE(group) {
	int home;
};

FIXTURE_SETUP(group)
{
	if (strcmp(get(PARAM), "Y"))
		SKIP(return, "dma_heap.mem_accounting is off");
	mkdir(ROOT, 0755);
	ASSERT_TRUE(!mount("none", ROOT, "cgroup2", 0, NULL) || errno == EBUSY);
	ASSERT_EQ(0, put(ROOT "/cgroup.subtree_control", "+memory"));
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
	ASSERT_EQ(0, put(GROUP "/memory.max", "max"));
	ASSERT_EQ(0, put(GROUP "/cgroup.procs", "0"));
}

FIXTURE_TEARDOWN(group)
{
	put(ROOT "/cgroup.procs", "0");
	rmdir(GROUP);
}

TEST_F(group, memory_of_a_buffer_is_charged_to_who_allocates_it)
{
	long before = used();
	int fd = alloc(16 * MIB);

	ASSERT_LE(0, fd);
	EXPECT_LE(before + 16 * (long)MIB, used());
	close(fd);
	EXPECT_TRUE(falls_below(before + 4 * (long)MIB));
}

TEST_F(group, buffer_stays_charged_while_somebody_else_has_it)
{
	long before = used();
	int fd = alloc(16 * MIB);

	ASSERT_LE(0, fd);
	/* Out of the group, with the buffer. */
	ASSERT_EQ(0, put(ROOT "/cgroup.procs", "0"));
	EXPECT_LE(before + 16 * (long)MIB, used());
	close(fd);
	EXPECT_TRUE(falls_below(before + 4 * (long)MIB));
}

TEST_F(group, more_than_the_limit_is_enomem_and_nothing_stays)
{
	ASSERT_EQ(0, put_bytes(GROUP "/memory.max", used() + 16 * MIB));
	EXPECT_EQ(-ENOMEM, alloc(64 * MIB));
	EXPECT_TRUE(falls_below(8 * (long)MIB));
	/* And what fits can be had. */
	EXPECT_LE(0, alloc(4 * MIB));
}

TEST_HARNESS_MAIN
