// SPDX-License-Identifier: GPL-2.0-only
/* What the sample programs share. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sample.h"

noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void expect(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

int do_ioctl(int fd, unsigned long request, void *argument)
{
	int ret;

	do {
		ret = ioctl(fd, request, argument);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret;
}

int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

int make_buffer(void)
{
	int exporter = open_device(EXPORTER), dmabuf;
	__u64 size = BUFFER_SIZE;

	dmabuf = do_ioctl(exporter, SAMPLE_IOCTL_EXPORT, &size);
	if (dmabuf < 0)
		die("SAMPLE_IOCTL_EXPORT");
	/* The buffer does not need the device that it came from. */
	close(exporter);
	return dmabuf;
}

void move_buffer(int dmabuf)
{
	int exporter = open_device(EXPORTER);

	if (do_ioctl(exporter, SAMPLE_IOCTL_MOVE, &dmabuf))
		die("SAMPLE_IOCTL_MOVE");
	close(exporter);
}

int start_job(unsigned int ms)
{
	int producer = open_device(FENCE_PRODUCER), sync_file;

	sync_file = do_ioctl(producer, SAMPLE_IOCTL_SUBMIT, &ms);
	if (sync_file < 0)
		die("SAMPLE_IOCTL_SUBMIT");
	close(producer);
	return sync_file;
}

int import_buffer(const char *path, int dmabuf)
{
	int device = open_device(path);

	if (do_ioctl(device, SAMPLE_IOCTL_IMPORT, &dmabuf))
		die("SAMPLE_IOCTL_IMPORT");
	return device;
}

struct sample_run run_device(int device, unsigned int ms, unsigned int flags)
{
	struct sample_run run = { .ms = ms, .flags = flags };

	if (do_ioctl(device, SAMPLE_IOCTL_RUN, &run))
		die("SAMPLE_IOCTL_RUN");
	expect(run.entries && run.bytes == BUFFER_SIZE, "the device sees all of the buffer");
	return run;
}

void wait_for(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int count;

	do {
		count = poll(&ready, 1, -1);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		die("poll");
	expect(ready.revents & events, "poll() returns what it was asked for");
}
