// SPDX-License-Identifier: GPL-2.0-only
/* Saying when a fence is needed, so that the hardware does not doze until then. */
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "sample.h"

#define NS_PER_SECOND	1000000000ull
#define FRAME_NS	16666667u

/* doc: sync-ioc-set-deadline begin */
/*
 * @ns is in terms of CLOCK_MONOTONIC, as the times of vertical blanks are. It is a
 * hint: it says nothing that fails if the driver does not know it, or if the deadline
 * passes. Returns 0, or -1 with errno.
 */
static int set_deadline(int sync_file, __u64 ns)
{
	struct sync_set_deadline args = { .deadline_ns = ns };

	return do_ioctl(sync_file, SYNC_IOC_SET_DEADLINE, &args);
}

/* doc: sync-ioc-set-deadline end */

int main(void)
{
	int sync_file = start_job(JOB_MS);
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now))
		die("clock_gettime");
	if (set_deadline(sync_file, now.tv_sec * NS_PER_SECOND + now.tv_nsec + FRAME_NS))
		die("SYNC_IOC_SET_DEADLINE");
	wait_for(sync_file, POLLIN);
	printf("deadline: told, and waited\n");
	close(sync_file);
	return 0;
}
