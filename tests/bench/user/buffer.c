// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers as file descriptors: the ioctls and poll. The buffers are of one
 * page, from the system heap.
 */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "kernel.h"

#define PAGE 4096

int heap_buffer(size_t size)
{
	static int heap;
	/* insmod gets it handed down: it must not be closed on exec. */
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR };

	if (!heap)
		heap = must(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), "system heap");
	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "ALLOC");
	return data.fd;
}

static void import_fence(int buffer, int fence)
{
	struct dma_buf_import_sync_file data = { .flags = DMA_BUF_SYNC_WRITE, .fd = fence };

	must(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &data), "IMPORT_SYNC_FILE");
}

static int export_fence(int buffer)
{
	struct dma_buf_export_sync_file data = { .flags = DMA_BUF_SYNC_RW };

	must(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &data), "EXPORT_SYNC_FILE");
	return data.fd;
}

/* A buffer with that many fences, and the timelines that hold them back. */
struct busy {
	int buffer;
	unsigned int count;
	int *timeline;
	int last;	/* the last of the fences */
};

static struct busy make_busy(unsigned int count)
{
	struct busy busy = { heap_buffer(PAGE), count, calloc(count, sizeof(int)), -1 };
	unsigned int i;

	for (i = 0; i < count; i++) {
		busy.timeline[i] = timeline();
		if (busy.last >= 0)
			close(busy.last);
		busy.last = timeline_fence(busy.timeline[i], 1);
		import_fence(busy.buffer, busy.last);
	}
	return busy;
}

static void drop_busy(struct busy *busy)
{
	if (busy->last >= 0)
		close(busy->last);
	while (busy->count--)
		close(busy->timeline[busy->count]);
	free(busy->timeline);
	close(busy->buffer);
}

/* The exported fence is closed as well. */
static void export_sync_file(struct sample *s)
{
	struct busy busy = make_busy(s->size);
	unsigned int i;

	for_each_turn(s, i)
		close(export_fence(busy.buffer));
	end(s);
	drop_busy(&busy);
}

/* The fence takes the place of the one of its timeline that is there. */
static void import_sync_file(struct sample *s)
{
	struct busy busy = make_busy(s->size);
	unsigned int i;

	for_each_turn(s, i)
		import_fence(busy.buffer, busy.last);
	end(s);
	drop_busy(&busy);
}

static void poll_buffer(struct sample *s, unsigned int fences)
{
	struct busy busy = make_busy(fences);
	struct pollfd pollfd = { .fd = busy.buffer, .events = POLLIN | POLLOUT };
	unsigned int i;

	for_each_turn(s, i)
		must(poll(&pollfd, 1, 0), "poll");
	end(s);
	drop_busy(&busy);
}

static void poll_idle(struct sample *s)
{
	poll_buffer(s, 0);
}

static void poll_busy(struct sample *s)
{
	poll_buffer(s, 1);
}

static void sync_start_end(struct sample *s)
{
	struct dma_buf_sync start = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	struct dma_buf_sync stop = { .flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW };
	int buffer = heap_buffer(PAGE);
	unsigned int i;

	for_each_turn(s, i) {
		must(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &start), "SYNC start");
		must(ioctl(buffer, DMA_BUF_IOCTL_SYNC, &stop), "SYNC end");
	}
	end(s);
	close(buffer);
}

static void set_name(struct sample *s)
{
	int buffer = heap_buffer(PAGE);
	unsigned int i;

	for_each_turn(s, i)
		must(ioctl(buffer, DMA_BUF_SET_NAME_B, "bench"), "SET_NAME");
	end(s);
	close(buffer);
}

static void seek(struct sample *s)
{
	int buffer = heap_buffer(PAGE);
	unsigned int i;

	for_each_turn(s, i)
		must(lseek(buffer, 0, SEEK_END), "lseek");
	end(s);
	close(buffer);
}

static void map(struct sample *s)
{
	int buffer = heap_buffer(PAGE);
	unsigned int i;
	void *where;

	for_each_turn(s, i) {
		where = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
		must(where == MAP_FAILED ? -1 : 0, "mmap");
		munmap(where, PAGE);
	}
	end(s);
	close(buffer);
}

/* What /proc tells of a buffer. */
static void read_fdinfo(struct sample *s)
{
	int buffer = heap_buffer(PAGE), file;
	char path[64], text[512];
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", buffer);
	file = must(open(path, O_RDONLY), path);
	for_each_turn(s, i)
		must(pread(file, text, sizeof(text), 0), path);
	end(s);
	close(file);
	close(buffer);
}

const struct row buffer_rows[] = {
	{ "ioctl/export-sync-file", export_sync_file, .size = 1, .loops = 32 },
	{ "ioctl/export-sync-file", export_sync_file, .size = 8, .loops = 16 },
	{ "ioctl/export-sync-file", export_sync_file, .size = 64, .loops = 8 },
	{ "ioctl/import-sync-file", import_sync_file, .size = 1, .loops = 32 },
	{ "ioctl/import-sync-file", import_sync_file, .size = 8, .loops = 32 },
	{ "ioctl/import-sync-file", import_sync_file, .size = 64, .loops = 32 },
	{ "ioctl/sync-start+end", sync_start_end, .loops = 32 },
	{ "ioctl/set-name", set_name, .loops = 32 },
	{ "buffer/poll-idle", poll_idle, .loops = 32 },
	{ "buffer/poll-busy", poll_busy, .loops = 32 },
	{ "buffer/seek", seek, .loops = 32 },
	{ "buffer/mmap+munmap", map, .loops = 16 },
	{ "buffer/fdinfo", read_fdinfo, .loops = 16 },
	{ 0 }
};
