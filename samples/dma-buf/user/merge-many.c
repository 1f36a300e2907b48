// SPDX-License-Identifier: GPL-2.0-only
/* One fence for the work of many clients, by one call. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "sample.h"

#define CLIENTS	5

/* doc: sync-ioc-merge-many begin */
/*
 * Returns a sync_file for all @count (at least one), or -1 with errno: ENOTTY on a
 * kernel that can only merge two at a time. Those that go in stay open.
 */
static int merge_many(const __s32 *sync_files, __u32 count)
{
	struct sync_merge_many args = {
		.name = "all clients",
		/* The first one is what is asked. */
		.fds = (uintptr_t)(sync_files + 1),
		.num_fds = count - 1,
		.fence = -1,
	};

	if (do_ioctl(sync_files[0], SYNC_IOC_MERGE_MANY, &args))
		return -1;
	return args.fence;
}

/* doc: sync-ioc-merge-many end */

/* doc: poll-error begin */
/*
 * Waits for the end of the work. Returns whether it went well. POLLMSG asks for POLLERR,
 * which is not reported otherwise; a kernel that does not know it reports POLLIN alone,
 * and SYNC_IOC_FILE_INFO has to tell.
 */
static bool ended_well(int sync_file)
{
	struct pollfd ready = { .fd = sync_file, .events = POLLIN | POLLMSG };

	while (poll(&ready, 1, -1) < 0) {
		if (errno != EINTR)
			die("poll");
	}
	return !(ready.revents & POLLERR);
}

/* doc: poll-error end */

int main(void)
{
	__s32 sync_files[CLIENTS];
	unsigned int i;
	int all, failed;

	for (i = 0; i < CLIENTS; i++)
		sync_files[i] = start_job(JOB_MS);
	all = merge_many(sync_files, CLIENTS);
	if (all < 0)
		die("SYNC_IOC_MERGE_MANY");
	expect(ended_well(all), "all jobs went well");
	for (i = 0; i < CLIENTS; i++)
		wait_for(sync_files[i], POLLIN);
	printf("merge-many: all clients are ready\n");

	/* The device's watchdog ends this one. */
	failed = start_job(2 * SAMPLE_JOB_LIMIT_MS);
	expect(!ended_well(failed), "poll() tells of a failure");

	close(failed);
	close(all);
	for (i = 0; i < CLIENTS; i++)
		close(sync_files[i]);
	return 0;
}
