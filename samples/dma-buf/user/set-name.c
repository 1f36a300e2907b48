// SPDX-License-Identifier: GPL-2.0-only
/* Naming a buffer, for those who wonder where all the memory is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "sample.h"

/* doc: dma-buf-set-name begin */
/*
 * At most DMA_BUF_NAME_LEN - 1 bytes. All who have the buffer see the name, in
 * /proc/PID/fdinfo, /proc/PID/maps and debugfs, and any of them may change it: it is
 * for people, and no program should rely on it. Returns 0, or -1 with errno: EINVAL
 * if it is too long.
 */
static int set_name(int dmabuf, const char *name)
{
	/* _B, for this names the same number on 32 and on 64 bits. */
	return do_ioctl(dmabuf, DMA_BUF_SET_NAME_B, (void *)name);
}

/* doc: dma-buf-set-name end */

static void expect_name(int dmabuf, const char *name)
{
	char path[64], target[64], expected[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dmabuf);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		die(path);
	target[len] = '\0';
	snprintf(expected, sizeof(expected), "/dmabuf:%s", name);
	expect(!strcmp(target, expected), "/proc knows the name");
	printf("set-name: %s\n", target);
}

int main(void)
{
	int dmabuf = make_buffer();

	if (set_name(dmabuf, "cursor"))
		die("DMA_BUF_SET_NAME");
	expect_name(dmabuf, "cursor");
	expect(set_name(dmabuf, "a name that is a little longer than it may be") < 0,
	       "long names are refused");
	close(dmabuf);
	return 0;
}
