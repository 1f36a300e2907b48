// SPDX-License-Identifier: GPL-2.0-only
/* Thin wrappers around the ioctls of dma-buf and sync_file, and around their poll(). */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <linux/sync_file.h>

#include "dmabuf.h"

/* A merged sync_file lists one entry per fence; the demonstration never has more. */
#define FENCES_MAX 16

static void must_ioctl(int fd, unsigned long request, void *argument, const char *what)
{
	int error;

	do {
		error = ioctl(fd, request, argument);
	} while (error && (errno == EINTR || errno == EAGAIN));
	if (error)
		die_errno("%s", what);
}

static void dmabuf_sync(int dmabuf, __u64 flags, const char *what)
{
	struct dma_buf_sync sync = { .flags = flags };

	must_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync, what);
}

void dmabuf_begin_write(int dmabuf)
{
	dmabuf_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
		    "DMA_BUF_IOCTL_SYNC (start)");
}

void dmabuf_end_write(int dmabuf)
{
	dmabuf_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE,
		    "DMA_BUF_IOCTL_SYNC (end)");
}

bool dmabuf_poll(int dmabuf, short events, int ms)
{
	struct pollfd ready = { .fd = dmabuf, .events = events };
	int count;

	do {
		count = poll(&ready, 1, ms);
	} while (count < 0 && errno == EINTR);
	if (count < 0 || (count && ready.revents & ~events))
		die_errno("poll on a dma-buf (events %#x)", (unsigned int)ready.revents);
	return count > 0;
}

int dmabuf_export_write_fence(int dmabuf)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ, .fd = -1 };

	must_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export,
		   "DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	return export.fd;
}

void dmabuf_import_read_fence(int dmabuf, int sync_file)
{
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_READ, .fd = sync_file };

	must_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import,
		   "DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
}

bool fence_is_signalled(int sync_file)
{
	struct sync_file_info info = {};

	must_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info, "SYNC_IOC_FILE_INFO");
	if (info.status < 0)
		die("fence %s has error %d", info.name, info.status);
	return info.status > 0;
}

void fence_wait(int sync_file, const char *what)
{
	struct pollfd ready = { .fd = sync_file, .events = POLLIN };
	int count;

	do {
		count = poll(&ready, 1, DEMO_WAIT_MS);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		die_errno("poll on a sync_file");
	if (!count)
		die("%s was not signalled within %d s", what, DEMO_WAIT_MS / 1000);
	if (!fence_is_signalled(sync_file))
		die("%s: poll says signalled, SYNC_IOC_FILE_INFO does not", what);
}

__s64 fence_time(int sync_file)
{
	struct sync_fence_info fences[FENCES_MAX] = {};
	struct sync_file_info info = {
		.num_fences = FENCES_MAX,
		.sync_fence_info = (uintptr_t)fences,
	};
	__s64 last = 0;

	must_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info, "SYNC_IOC_FILE_INFO");
	for (unsigned int i = 0; i < info.num_fences; i++)
		if ((__s64)fences[i].timestamp_ns > last)
			last = fences[i].timestamp_ns;
	return last;
}
