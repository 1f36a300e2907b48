// SPDX-License-Identifier: GPL-2.0-only
/* Looking into a sync_file: what it waits for, when that was done, what went wrong. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "sample.h"

/* doc: sync-ioc-file-info begin */
/*
 * Fills in @info and returns an array of info->num_fences fences, for the caller to
 * free, or NULL with errno.
 */
static struct sync_fence_info *file_info(int sync_file, struct sync_file_info *info)
{
	struct sync_fence_info *fences;

	/* Without an array this tells how large it has to be. */
	memset(info, 0, sizeof(*info));
	if (do_ioctl(sync_file, SYNC_IOC_FILE_INFO, info))
		return NULL;

	fences = calloc(info->num_fences, sizeof(*fences));
	if (!fences)
		return NULL;
	info->sync_fence_info = (uintptr_t)fences;
	/* That is still enough, for a sync_file never gets more fences. */
	if (do_ioctl(sync_file, SYNC_IOC_FILE_INFO, info)) {
		free(fences);
		return NULL;
	}
	return fences;
}

/* 0 while pending, 1 when all is well, or a negative errno from the driver. */
static int fence_status(int sync_file)
{
	struct sync_file_info info = {};

	if (do_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info))
		die("SYNC_IOC_FILE_INFO");
	return info.status;
}

/* doc: sync-ioc-file-info end */

static void print(const struct sync_file_info *info, const struct sync_fence_info *fences)
{
	unsigned int i;

	printf("file-info: %s: status %d\n", info->name, info->status);
	/* Once a fence has signalled its driver may be gone, and its names are then others. */
	for (i = 0; i < info->num_fences; i++)
		printf("file-info: %s %s: status %d at %llu ns\n", fences[i].driver_name,
		       fences[i].obj_name, fences[i].status,
		       (unsigned long long)fences[i].timestamp_ns);
}

int main(void)
{
	int good = start_job(JOB_MS), late = start_job(SAMPLE_JOB_LIMIT_MS + 1);
	struct sync_fence_info *fences;
	struct sync_file_info info;

	wait_for(good, POLLIN);
	fences = file_info(good, &info);
	if (!fences)
		die("SYNC_IOC_FILE_INFO");
	print(&info, fences);
	expect(info.status == 1 && info.num_fences == 1, "the job has succeeded");
	expect(fences[0].timestamp_ns > 0, "and it is known when");
	free(fences);

	/* A fence that failed has signalled as well: the status tells the difference. */
	wait_for(late, POLLIN);
	expect(fence_status(late) == -ETIMEDOUT, "the watchdog ended the other job");
	printf("file-info: the late job: %s\n", strerror(-fence_status(late)));
	close(good);
	close(late);
	return 0;
}
