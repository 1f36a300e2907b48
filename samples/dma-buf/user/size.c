// SPDX-License-Identifier: GPL-2.0-only
/* The size of a buffer, for who got nothing but its descriptor. */
#include <stdio.h>
#include <unistd.h>

#include "sample.h"

/* doc: llseek begin */
/* Returns the size in bytes, or -1 with errno: ESPIPE if @dmabuf is something else. */
static off_t buffer_size(int dmabuf)
{
	/*
	 * The end is the only place to seek to, besides the start, and the
	 * descriptor does not move: there is nothing to read from it.
	 */
	return lseek(dmabuf, 0, SEEK_END);
}

/* doc: llseek end */

int main(void)
{
	int dmabuf = make_buffer();
	off_t size = buffer_size(dmabuf);

	if (size < 0)
		die("lseek");
	expect(size == BUFFER_SIZE, "the buffer is as large as it was made");
	printf("size: %lld bytes\n", (long long)size);
	close(dmabuf);
	return 0;
}
