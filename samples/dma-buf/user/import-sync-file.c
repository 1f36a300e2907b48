// SPDX-License-Identifier: GPL-2.0-only
/*
 * From explicit to implicit: a renderer has said by a sync_file when it is done, and
 * the buffer goes on to somebody who only looks at the buffer.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: dma-buf-ioctl-import-sync-file begin */
/*
 * Add a fence to those of the buffer: as one who writes (DMA_BUF_SYNC_WRITE), for
 * whom everybody waits, or one who reads (DMA_BUF_SYNC_READ), for whom only writers
 * do. Returns 0, or -1 with errno.
 */
static int import_sync_file(int dmabuf, int sync_file, __u32 use)
{
	struct dma_buf_import_sync_file args = { .flags = use, .fd = sync_file };

	/* The fence stays with the buffer; the sync_file remains the caller's. */
	return do_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args);
}

/* doc: dma-buf-ioctl-import-sync-file end */

int main(void)
{
	int dmabuf = make_buffer();
	int sync_file = start_job(JOB_MS);

	if (import_sync_file(dmabuf, sync_file, DMA_BUF_SYNC_WRITE))
		die("DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
	close(sync_file);

	wait_for(dmabuf, POLLIN);
	printf("import-sync-file: the buffer waited for the job\n");
	close(dmabuf);
	return 0;
}
