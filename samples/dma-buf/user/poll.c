// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for a device without stopping everything else: a buffer in an event loop. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "sample.h"

/* doc: poll begin */
/*
 * Is the buffer ready, at most @timeout milliseconds from now? POLLIN: nobody writes
 * to it, so it may be shown. POLLOUT: nobody reads it either, so it may be drawn to
 * again. Returns 1, 0, or -1 with errno.
 */
static int buffer_ready(int dmabuf, short events, int timeout)
{
	struct pollfd ready = { .fd = dmabuf, .events = events };

	return poll(&ready, 1, timeout);
}

/* doc: poll end */

/* Ready means that fences have signalled; the CPU still needs DMA_BUF_IOCTL_SYNC. */
static void wait_until_ready(int dmabuf, short events)
{
	int ret;

	do {
		ret = buffer_ready(dmabuf, events, -1);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		die("poll");
}

int main(void)
{
	int dmabuf = make_buffer();
	int device = import_buffer(IMPORT_DYNAMIC, dmabuf);

	expect(buffer_ready(dmabuf, POLLIN | POLLOUT, 0) == 1, "an unused buffer is ready");

	run_device(device, JOB_MS, SAMPLE_RUN_WRITE);
	wait_until_ready(dmabuf, POLLIN);
	printf("poll: the device has written\n");

	run_device(device, JOB_MS, 0);
	expect(buffer_ready(dmabuf, POLLIN, 0) == 1, "who reads keeps no reader waiting");
	wait_until_ready(dmabuf, POLLOUT);
	printf("poll: the device has read\n");

	close(device);
	close(dmabuf);
	return 0;
}
