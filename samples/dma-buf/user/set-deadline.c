// SPDX-License-Identifier: GPL-2.0-only
/* Telling the devices that work on a buffer by when it is to be shown. */
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

#define NS_PER_SECOND	1000000000ull
#define FRAME_NS	16666667ull

/* doc: dma-buf-ioctl-set-deadline begin */
/* @ns: of CLOCK_MONOTONIC. @use: what for, as in DMA_BUF_SYNC_READ. Returns 0, or -1 with errno. */
static int set_buffer_deadline(int dmabuf, __u64 ns, __u32 use)
{
	struct dma_buf_set_deadline args = { .deadline_ns = ns, .flags = use };

	return do_ioctl(dmabuf, DMA_BUF_IOCTL_SET_DEADLINE, &args);
}

/* doc: dma-buf-ioctl-set-deadline end */

int main(void)
{
	int dmabuf = make_buffer();
	int device = import_buffer(IMPORT_DYNAMIC, dmabuf);
	struct timespec now;

	run_device(device, JOB_MS, SAMPLE_RUN_WRITE);
	if (clock_gettime(CLOCK_MONOTONIC, &now))
		die("clock_gettime");
	if (set_buffer_deadline(dmabuf, now.tv_sec * NS_PER_SECOND + now.tv_nsec + FRAME_NS,
				DMA_BUF_SYNC_READ))
		die("DMA_BUF_IOCTL_SET_DEADLINE");
	wait_for(dmabuf, POLLIN);
	printf("set-deadline: told, and waited\n");

	close(device);
	close(dmabuf);
	return 0;
}
