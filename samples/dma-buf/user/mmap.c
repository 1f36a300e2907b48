// SPDX-License-Identifier: GPL-2.0-only
/* Drawing into a buffer with the CPU, and looking at it. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: dma-buf-ioctl-sync begin */
/* @how: DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE or both. Returns 0, or -1 with errno. */
static int begin_access(int dmabuf, __u64 how)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | how };

	/* Waits for devices, which a signal may interrupt: do_ioctl() tries again. */
	return do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* As soon as possible, with what begin_access() was called with. */
static int end_access(int dmabuf, __u64 how)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_END | how };

	return do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* doc: dma-buf-ioctl-sync end */

/* doc: mmap begin */
static int draw(int dmabuf, size_t size, int value)
{
	/* Shared, or others would not see what is drawn. */
	void *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	int ret;

	if (pixels == MAP_FAILED)
		return -1;

	/*
	 * The mapping may stay for as long as the buffer is in use. What comes and
	 * goes is the access: without the bracket the CPU's caches may hold what was
	 * there before, and the device may miss what is still in them.
	 */
	ret = begin_access(dmabuf, DMA_BUF_SYNC_WRITE);
	if (!ret) {
		memset(pixels, value, size);
		ret = end_access(dmabuf, DMA_BUF_SYNC_WRITE);
	}
	munmap(pixels, size);
	return ret;
}

/* doc: mmap end */

static int byte_at(int dmabuf, size_t size, size_t offset)
{
	unsigned char *pixels = mmap(NULL, size, PROT_READ, MAP_SHARED, dmabuf, 0);
	int value = -1;

	if (pixels == MAP_FAILED)
		return -1;
	if (!begin_access(dmabuf, DMA_BUF_SYNC_READ)) {
		value = pixels[offset];
		if (end_access(dmabuf, DMA_BUF_SYNC_READ))
			value = -1;
	}
	munmap(pixels, size);
	return value;
}

int main(void)
{
	int dmabuf = make_buffer();

	if (draw(dmabuf, BUFFER_SIZE, 0x5a))
		die("draw");
	expect(byte_at(dmabuf, BUFFER_SIZE, BUFFER_SIZE - 1) == 0x5a, "what was drawn is there");
	printf("mmap: drawn and read back\n");
	close(dmabuf);
	return 0;
}
