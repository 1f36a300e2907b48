// SPDX-License-Identifier: GPL-2.0-only
/* Drawing into a part of a buffer, without a look at the rest of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

#define CURSOR_OFFSET	4096
#define CURSOR_SIZE	1024

/* doc: detect begin */
/*
 * Does the kernel have an ioctl that is not in every kernel? They all refuse a null
 * pointer, but only if they exist.
 */
static bool has_ioctl(int dmabuf, unsigned long request)
{
	return ioctl(dmabuf, request, NULL) < 0 && errno == EFAULT;
}

/* doc: detect end */

/* doc: dma-buf-ioctl-sync-range begin */
/* @flags: DMA_BUF_SYNC_START or _END, and READ, WRITE or both. Returns 0, or -1 with errno. */
static int sync_range(int dmabuf, __u32 flags, size_t offset, size_t length)
{
	struct dma_buf_sync_range range = {
		.flags = flags, .offset = offset, .length = length,
	};
	struct dma_buf_sync all = { .flags = flags };

	if (has_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC_RANGE))
		return do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC_RANGE, &range);
	/* Does more than is needed, so it is right as well. */
	return do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &all);
}

/* doc: dma-buf-ioctl-sync-range end */

int main(void)
{
	int dmabuf = make_buffer();
	char *pixels = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (pixels == MAP_FAILED)
		die("mmap");
	expect(has_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC_RANGE), "this kernel knows parts");
	expect(!has_ioctl(dmabuf, _IOW(DMA_BUF_BASE, 0x5f, int)), "and not everything");

	if (sync_range(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE, CURSOR_OFFSET, CURSOR_SIZE))
		die("start");
	memset(pixels + CURSOR_OFFSET, 0xff, CURSOR_SIZE);
	if (sync_range(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE, CURSOR_OFFSET, CURSOR_SIZE))
		die("end");
	expect(sync_range(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ, BUFFER_SIZE, 1) < 0,
	       "there is nothing behind the end");
	printf("sync-range: a part was drawn\n");

	munmap(pixels, BUFFER_SIZE);
	close(dmabuf);
	return 0;
}
