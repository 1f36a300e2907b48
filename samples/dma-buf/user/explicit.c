// SPDX-License-Identifier: GPL-2.0-only
/* Work that knows explicit fences only, on a buffer whose other users know none. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: implicit-to-explicit begin */
/*
 * @submit queues work on the buffer behind one sync_file and returns another one for
 * its end. Returns 0, or -1 with errno.
 */
static int between_fences(int dmabuf, __u32 use, int (*submit)(int in_fence))
{
	struct dma_buf_export_sync_file before = { .flags = use, .fd = -1 };
	struct dma_buf_import_sync_file after = { .flags = use };
	int ret;

	/* From the buffer: all that this use has to wait for. */
	if (do_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &before))
		return -1;
	after.fd = submit(before.fd);
	close(before.fd);
	if (after.fd < 0)
		return -1;

	/* To the buffer: who comes next waits for this use, and need not know of it. */
	ret = do_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &after);
	close(after.fd);
	return ret;
}

/* doc: implicit-to-explicit end */

/* A driver would take the fence and have its device wait for it. */
static int submit(int in_fence)
{
	wait_for(in_fence, POLLIN);
	return start_job(JOB_MS);
}

int main(void)
{
	int dmabuf = make_buffer();
	int device = import_buffer(IMPORT_DYNAMIC, dmabuf);

	run_device(device, JOB_MS, SAMPLE_RUN_WRITE);
	if (between_fences(dmabuf, DMA_BUF_SYNC_WRITE, submit))
		die("between_fences");
	wait_for(dmabuf, POLLIN);
	printf("explicit: the job came after the device, and the buffer waited for it\n");

	close(device);
	close(dmabuf);
	return 0;
}
