// SPDX-License-Identifier: GPL-2.0-only
/* A buffer of a memfd: memory that a process has already, for a device to use. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/udmabuf.h>

#include "sample.h"

/* doc: udmabuf-memfd begin */
/* Memory that can become a buffer: it may not shrink any more, nor be write-protected. */
static int make_memfd(size_t size)
{
	int memfd = memfd_create("picture", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (memfd < 0)
		return -1;
	if (ftruncate(memfd, size) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		close(memfd);
		return -1;
	}
	return memfd;
}

/* doc: udmabuf-memfd end */

/* doc: udmabuf-create begin */
/* Offset and size are whole pages. Returns a dma-buf, or -1 with errno. */
static int udmabuf_create(int udmabuf, int memfd, __u64 offset, __u64 size)
{
	struct udmabuf_create args = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};

	return do_ioctl(udmabuf, UDMABUF_CREATE, &args);
}

/* doc: udmabuf-create end */

/* doc: udmabuf-create-list begin */
/* One buffer of the @count pages of @memfd that are listed in @pages, in that order. */
static int udmabuf_of_pages(int udmabuf, int memfd, const size_t *pages, size_t count)
{
	const size_t page_size = sysconf(_SC_PAGESIZE);
	struct udmabuf_create_list *args;
	int dmabuf;
	size_t i;

	args = calloc(1, sizeof(*args) + count * sizeof(args->list[0]));
	if (!args)
		return -1;
	args->flags = UDMABUF_FLAGS_CLOEXEC;
	args->count = count;
	for (i = 0; i < count; i++) {
		args->list[i].memfd = memfd;
		args->list[i].offset = pages[i] * page_size;
		args->list[i].size = page_size;
	}
	dmabuf = do_ioctl(udmabuf, UDMABUF_CREATE_LIST, args);
	free(args);
	return dmabuf;
}

/* doc: udmabuf-create-list end */

static char *map(int fd, size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

int main(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), pages[] = { 2, 0 };
	int udmabuf = open_device("/dev/udmabuf");
	int memfd = make_memfd(BUFFER_SIZE), whole, parts;
	char *memory;

	if (memfd < 0)
		die("memfd");
	memory = map(memfd, BUFFER_SIZE);
	memory[0] = 'a';
	memory[2 * page] = 'c';

	whole = udmabuf_create(udmabuf, memfd, 0, BUFFER_SIZE);
	if (whole < 0)
		die("UDMABUF_CREATE");
	expect(map(whole, BUFFER_SIZE)[2 * page] == 'c', "the buffer is the memfd's memory");

	parts = udmabuf_of_pages(udmabuf, memfd, pages, 2);
	if (parts < 0)
		die("UDMABUF_CREATE_LIST");
	expect(map(parts, 2 * page)[0] == 'c' && map(parts, 2 * page)[page] == 'a',
	       "pages are in the order of the list");
	printf("udmabuf: one memfd, two buffers\n");
	return 0;
}
