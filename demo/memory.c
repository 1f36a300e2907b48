// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for pictures without a graphics device: the system heap, and udmabuf, which makes a buffer
 * of a file in memory.
 */

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "memory.h"

#define HEAP		"/dev/dma_heap/system"
#define UDMABUF		"/dev/udmabuf"

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die_errno("%s (is it in this kernel?)", path);
	return fd;
}

/* Both hand out whole pages, and a picture should end where its last line does. */
static __u64 picture_size(__u32 *pitch)
{
	__u64 page = sysconf(_SC_PAGESIZE);

	*pitch = DEMO_WIDTH * DEMO_BITS_PER_PIXEL / 8;
	return (*pitch * (__u64)DEMO_HEIGHT + page - 1) / page * page;
}

int heap_open(void)
{
	return open_device(HEAP);
}

int heap_create(int heap, __u32 *pitch)
{
	struct dma_heap_allocation_data data = {
		.len = picture_size(pitch), .fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		die_errno("DMA_HEAP_IOCTL_ALLOC");
	return data.fd;
}

int udmabuf_open(void)
{
	return open_device(UDMABUF);
}

int udmabuf_create(int udmabuf, __u32 *pitch)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC, .size = picture_size(pitch),
	};
	int memfd, dmabuf;

	memfd = memfd_create("frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, create.size))
		die_errno("a memfd of %llu bytes", create.size);
	/* A buffer whose pages could be taken away under a device is refused. */
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		die_errno("F_SEAL_SHRINK");

	create.memfd = memfd;
	dmabuf = ioctl(udmabuf, UDMABUF_CREATE, &create);
	if (dmabuf < 0)
		die_errno("UDMABUF_CREATE");
	close(memfd);
	return dmabuf;
}
