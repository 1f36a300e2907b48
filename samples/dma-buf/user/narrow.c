// SPDX-License-Identifier: GPL-2.0-only
/* A descriptor for somebody who may look, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: dma-buf-ioctl-narrow begin */
/*
 * A descriptor of the same buffer for which something is denied, for ever: @denied has
 * DMA_BUF_NARROW_* bits. Returns it, or -1 with errno.
 */
static int narrow(int dmabuf, __u32 denied)
{
	struct dma_buf_narrow args = { .flags = denied, .fd_flags = O_CLOEXEC };

	if (do_ioctl(dmabuf, DMA_BUF_IOCTL_NARROW, &args))
		return -1;
	return args.fd;
}

/* doc: dma-buf-ioctl-narrow end */

static void expect_denied(bool failed, const char *what)
{
	expect(failed && errno == EACCES, what);
}

int main(void)
{
	int dmabuf = make_buffer();
	int narrowed = narrow(dmabuf, DMA_BUF_NARROW_READ_ONLY | DMA_BUF_NARROW_NO_RENAME);
	void *pixels;

	if (narrowed < 0)
		die("DMA_BUF_IOCTL_NARROW");

	pixels = mmap(NULL, BUFFER_SIZE, PROT_READ, MAP_SHARED, narrowed, 0);
	if (pixels == MAP_FAILED)
		die("mmap");
	expect_denied(mprotect(pixels, BUFFER_SIZE, PROT_WRITE), "a mapping is for reading");
	expect_denied(do_ioctl(narrowed, DMA_BUF_SET_NAME_B, "mine") < 0, "no new name");
	munmap(pixels, BUFFER_SIZE);
	if (do_ioctl(dmabuf, DMA_BUF_SET_NAME_B, "cursor"))
		die("DMA_BUF_SET_NAME");
	printf("narrow: looking is all that is left\n");

	close(narrowed);
	close(dmabuf);
	return 0;
}
