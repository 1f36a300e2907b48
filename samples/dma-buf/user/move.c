// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer that moves while a device and a process use it. Programs need not know of
 * moves: this one asks for them, to show that nobody notices.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

#define FIRST_PICTURE	"drawn before the move"
#define SECOND_PICTURE	"drawn by the same process after it"

static int try_to_move(int dmabuf)
{
	int exporter = open_device(EXPORTER);
	int ret = do_ioctl(exporter, SAMPLE_IOCTL_MOVE, &dmabuf) ? errno : 0;

	close(exporter);
	return ret;
}

static void sync_buffer(int dmabuf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync))
		die("DMA_BUF_IOCTL_SYNC");
}

static char *map(int dmabuf)
{
	char *pixels = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (pixels == MAP_FAILED)
		die("mmap");
	return pixels;
}

static void draw(int dmabuf, char *pixels, const char *picture)
{
	sync_buffer(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	memcpy(pixels, picture, strlen(picture) + 1);
	sync_buffer(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

static bool is_drawn(int dmabuf, const char *pixels, const char *picture)
{
	bool same;

	sync_buffer(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	same = !strcmp(pixels, picture);
	sync_buffer(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	return same;
}

/* The job is over when the move is, without anybody else having waited for it. */
static void move_below_a_job(int dmabuf, int device)
{
	struct pollfd idle = { .fd = dmabuf, .events = POLLIN | POLLOUT };

	expect(run_device(device, 4 * JOB_MS, SAMPLE_RUN_WRITE).maps == 1, "it is mapped once");
	move_buffer(dmabuf);
	expect(poll(&idle, 1, 0) == 1 && idle.revents == (POLLIN | POLLOUT),
	       "the move has waited for the device");
	printf("move: the device finished first\n");
}

/* @pixels has been mapped all the time. */
static void follow(int dmabuf, int device, char *pixels)
{
	struct sample_run run = run_device(device, 0, 0);

	expect(run.maps == 2, "the next job looked for the buffer again");
	expect(run_device(device, 0, 0).maps == 2, "and the one after that did not need to");
	expect(is_drawn(dmabuf, pixels, FIRST_PICTURE), "what was in the buffer is there still");
	draw(dmabuf, pixels, SECOND_PICTURE);
	expect(is_drawn(dmabuf, map(dmabuf), SECOND_PICTURE), "and drawing reaches the new place");
	printf("move: device and process have followed\n");
}

static void hold_still(int dmabuf)
{
	int device = import_buffer(IMPORT_STATIC, dmabuf);

	run_device(device, 0, 0);
	expect(try_to_move(dmabuf) == EBUSY, "a static importer keeps the buffer where it is");
	close(device);
	expect(try_to_move(dmabuf) == 0, "until it lets go");
	printf("move: a static importer was in the way, for a while\n");
}

int main(void)
{
	int dmabuf = make_buffer();
	int device = import_buffer(IMPORT_DYNAMIC, dmabuf);
	char *pixels = map(dmabuf);

	draw(dmabuf, pixels, FIRST_PICTURE);
	move_below_a_job(dmabuf, device);
	follow(dmabuf, device, pixels);
	hold_still(dmabuf);
	close(device);
	close(dmabuf);
	return 0;
}
