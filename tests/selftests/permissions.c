// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process must not get: a mapping that its descriptor does not allow, a node
 * that is root's, an address of the kernel, somebody else's memory. What can be
 * tested inside of the kernel is in tests/permissions-test.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "kselftest_harness.h"

#define SIZE	(64UL << 10)
#define NOBODY	65534

static int alloc(unsigned int flags)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = flags };
	int heap = open("/dev/dma_heap/system", O_RDONLY), ret;

	if (heap < 0)
		return -errno;
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
	close(heap);
	return ret;
}

/* ---- Mappings ---- */

TEST(buffer_for_reading_is_never_written)
{
	int fd = alloc(O_RDONLY | O_CLOEXEC), dup_fd;
	char path[64], *at;

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));

	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(at, SIZE);

	/* Neither a second descriptor nor a second open is worth more. */
	dup_fd = dup(fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, dup_fd, 0));
	close(dup_fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(-1, open(path, O_RDONLY));
	EXPECT_EQ(-1, ftruncate(fd, 2 * SIZE));
	EXPECT_EQ(-1, write(fd, path, 1));
	close(fd);
}

/* What system calls do on behalf of a process is no way around that. */
TEST(system_calls_write_to_no_mapping_for_reading)
{
	int fd = alloc(O_RDONLY | O_CLOEXEC), zero = open("/dev/zero", O_RDONLY);
	int mem = open("/proc/self/mem", O_RDWR);
	char *at;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, zero);
	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, read(zero, at, 16));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (off_t)at));
	EXPECT_EQ(0, at[0]);
	munmap(at, SIZE);
	close(mem);
	close(zero);
	close(fd);
}

/* ---- Memory ---- */

/* Memory that a process has left full of something is empty in the next one's buffer. */
TEST(buffer_has_nothing_of_who_had_the_memory_before)
{
	unsigned long *at, i, dirty = 0;
	int fd, round, status;
	pid_t child;

	for (round = 0; round < 4; round++) {
		child = fork();
		if (!child) {
			fd = alloc(O_RDWR | O_CLOEXEC);
			at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (at != MAP_FAILED)
				memset(at, 0xa5, SIZE);
			_exit(at == MAP_FAILED);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
		fd = alloc(O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, at);
		for (i = 0; i < SIZE / sizeof(*at); i++)
			dirty += !!at[i];
		munmap(at, SIZE);
		close(fd);
	}
	EXPECT_EQ(0UL, dirty);
}

/* ---- Nodes ---- */

/* The errno of open(2) by somebody who is not root, or 0. */
static int open_as_nobody(const char *path, int flags)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(255);
		_exit(open(path, flags) < 0 ? errno : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST(nodes_are_closed_to_those_who_are_not_root)
{
	static const char *const nodes[] = {
		"/dev/udmabuf",
		"/dev/dma_heap/system",
		"/sys/kernel/debug/sync/sw_sync",
		"/sys/kernel/debug/sync/info",
		"/sys/kernel/debug/dma_buf/bufinfo",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		if (access(nodes[i], F_OK))
			continue;
		EXPECT_EQ(EACCES, open_as_nobody(nodes[i], O_RDONLY)) {
			TH_LOG("%s", nodes[i]);
		}
	}
}

TEST(parameters_are_written_by_root_alone)
{
	const char *path = "/sys/module/udmabuf/parameters/size_limit_mb";

	if (access(path, F_OK))
		SKIP(return, "no udmabuf");
	EXPECT_EQ(EACCES, open_as_nobody(path, O_WRONLY));
	EXPECT_EQ(0, open_as_nobody(path, O_RDONLY));
}

/* ---- Addresses ---- */

/* Does the text have a number like ffff888012345678 in it, in hex or decimal? */
static bool has_address(const char *text)
{
	unsigned long long value;
	char *end;

	while (*text) {
		if (!isxdigit(*text)) {
			text++;
			continue;
		}
		value = strtoull(text, &end, 16);
		if (end - text >= 16 && value >= 0xffff800000000000ULL)
			return true;
		if (isdigit(*text)) {
			value = strtoull(text, &end, 10);
			if (end - text >= 19 && value >= 0xffff800000000000ULL)
				return true;
		}
		while (isxdigit(*text))
			text++;
	}
	return false;
}

/* Reads all of a file; NULL when it is not there. */
static char *slurp(const char *path)
{
	const size_t room = 1UL << 20;
	char *text = calloc(1, room);
	FILE *file = fopen(path, "r");
	size_t got;

	if (!file) {
		free(text);
		return NULL;
	}
	got = fread(text, 1, room - 1, file);
	text[got] = '\0';
	fclose(file);
	return text;
}

TEST(address_is_found_where_there_is_one)
{
	EXPECT_TRUE(has_address("at ffff888012345678."));
	EXPECT_TRUE(has_address("18446612682070010488"));
	EXPECT_FALSE(has_address("00000000ffff 65536 ffffffff deadbeef"));
}

TEST(no_output_has_an_address_of_the_kernel)
{
	char fdinfo[64], fd_path[64], target[256] = "", name[] = "named";
	const char *const files[] = {
		fdinfo,
		"/sys/kernel/debug/dma_buf/bufinfo",
		"/sys/kernel/debug/sync/info",
		"/proc/self/maps",
	};
	int fd = alloc(O_RDWR | O_CLOEXEC);
	char *text;
	size_t i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME_B, name));
	ASSERT_NE(MAP_FAILED, mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0));
	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(fd_path, target, sizeof(target) - 1));
	EXPECT_FALSE(has_address(target));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		text = slurp(files[i]);
		if (!text)
			continue;
		/* The vsyscall page of x86 is at an address of the kernel's, for all to see. */
		if (strstr(text, "[vsyscall]"))
			*strstr(text, "ffffffffff6") = '\0';
		EXPECT_FALSE(has_address(text)) {
			TH_LOG("%s: %s", files[i], text);
		}
		free(text);
	}
	close(fd);
}

TEST_HARNESS_MAIN
