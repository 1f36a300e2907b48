// SPDX-License-Identifier: GPL-2.0-only
/* Several fences as one: the picture is ready when all of its layers are. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "sample.h"

/* doc: sync-ioc-merge begin */
/*
 * Returns a sync_file that signals when both have, or -1 with errno. The two stay as
 * they are, and open.
 */
static int merge(const char *name, int one, int other)
{
	struct sync_merge_data args = { .fd2 = other, .fence = -1 };

	/* For people, and cut off if it is longer. */
	snprintf(args.name, sizeof(args.name), "%s", name);
	if (do_ioctl(one, SYNC_IOC_MERGE, &args))
		return -1;
	return args.fence;
}

/* doc: sync-ioc-merge end */

/* doc: merge-many begin */
/* The same for many: takes over @sync_files, and returns one that stands for all. */
static int merge_all(const int *sync_files, size_t count)
{
	int all = sync_files[0], merged;
	size_t i;

	for (i = 1; i < count; i++) {
		merged = merge("all layers", all, sync_files[i]);
		close(sync_files[i]);
		/* What was merged before is part of the new one, if there is a new one. */
		close(all);
		all = merged;
	}
	return all;
}

/* doc: merge-many end */

int main(void)
{
	int layers[3], all;
	size_t i;

	for (i = 0; i < 3; i++)
		layers[i] = start_job(JOB_MS);
	all = merge_all(layers, 3);
	if (all < 0)
		die("SYNC_IOC_MERGE");
	wait_for(all, POLLIN);
	printf("merge: all layers are ready\n");
	close(all);
	return 0;
}
