// SPDX-License-Identifier: GPL-2.0-only
/* A buffer of a heap: memory for devices that have no allocator of their own. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/dma-heap.h>

#include "sample.h"

/* doc: dma-heap-ioctl-alloc begin */
/*
 * @heap: a descriptor of /dev/dma_heap/NAME, which may stay open for more. The size
 * is rounded up to pages, and the memory is zero. Returns a dma-buf, or -1 with errno.
 */
static int heap_alloc(int heap, size_t size)
{
	struct dma_heap_allocation_data args = {
		.len = size,
		/* What the descriptor may be used for; without O_RDWR nobody could draw. */
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (do_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &args))
		return -1;
	return args.fd;
}

/* doc: dma-heap-ioctl-alloc end */

int main(void)
{
	int heap = open_device("/dev/dma_heap/system");
	int dmabuf = heap_alloc(heap, BUFFER_SIZE), device;

	if (dmabuf < 0)
		die("DMA_HEAP_IOCTL_ALLOC");
	close(heap);

	/* It is a buffer like any other. */
	device = import_buffer(IMPORT_STATIC, dmabuf);
	run_device(device, 0, SAMPLE_RUN_WRITE);
	printf("heap: a device used a buffer of the system heap\n");
	close(device);
	close(dmabuf);
	return 0;
}
