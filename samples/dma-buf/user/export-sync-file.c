// SPDX-License-Identifier: GPL-2.0-only
/*
 * From implicit to explicit: a driver has left its fence with the buffer, and the
 * next one, or a compositor, wants it as a file descriptor.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: dma-buf-ioctl-export-sync-file begin */
/*
 * What has to be over before the buffer may be used: DMA_BUF_SYNC_READ gets the
 * writers' fences, DMA_BUF_SYNC_WRITE those of readers, too. It is a copy of how
 * things are now; work that is queued later is not in it. Returns a sync_file, or -1
 * with errno. An idle buffer yields one that has signalled, so callers need no
 * special case.
 */
static int export_sync_file(int dmabuf, __u32 use)
{
	struct dma_buf_export_sync_file args = { .flags = use, .fd = -1 };

	/* The descriptor is always O_CLOEXEC. */
	if (do_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args))
		return -1;
	return args.fd;
}

/* doc: dma-buf-ioctl-export-sync-file end */

int main(void)
{
	int dmabuf = make_buffer();
	int device = import_buffer(IMPORT_DYNAMIC, dmabuf);
	int sync_file;

	run_device(device, JOB_MS, SAMPLE_RUN_WRITE);
	sync_file = export_sync_file(dmabuf, DMA_BUF_SYNC_READ);
	if (sync_file < 0)
		die("DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	wait_for(sync_file, POLLIN);
	printf("export-sync-file: the device's fence has signalled\n");

	close(sync_file);
	close(device);
	close(dmabuf);
	return 0;
}
