// SPDX-License-Identifier: GPL-2.0-only
/* Fences that a test signals when it likes. Root only, and only in tests. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <linux/ioctl.h>
#include <linux/sync_file.h>
#include <linux/types.h>

#include "sample.h"

/* doc: sw-sync-declarations begin */
struct sw_sync_create_fence_data {
	__u32	value;
	char	name[32];
	__s32	fence;
};

struct sw_sync_get_deadline {
	__u64	deadline_ns;
	__u32	pad;
	__s32	fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE		_IOWR('W', 2, struct sw_sync_get_deadline)
/* doc: sw-sync-declarations end */

#define TIMELINE	"/sys/kernel/debug/sync/sw_sync"

/* doc: sw-sync-ioc-create-fence begin */
/* Returns a sync_file that signals when the timeline gets to @value, or -1 with errno. */
static int fence_at(int timeline, __u32 value)
{
	struct sw_sync_create_fence_data args = { .value = value, .fence = -1 };

	if (do_ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &args))
		return -1;
	return args.fence;
}

/* doc: sw-sync-ioc-create-fence end */

/* doc: sw-sync-ioc-inc begin */
/* Returns 0, or -1 with errno. All fences on the way have signalled afterwards. */
static int count_on(int timeline, __u32 steps)
{
	return do_ioctl(timeline, SW_SYNC_IOC_INC, &steps);
}

/* doc: sw-sync-ioc-inc end */

/* doc: sw-sync-get-deadline begin */
/* Returns what others have told the fence by SYNC_IOC_SET_DEADLINE, 0 if nobody has. */
static __u64 deadline_of(int timeline, int sync_file)
{
	struct sw_sync_get_deadline args = { .fence_fd = sync_file };

	return do_ioctl(timeline, SW_SYNC_GET_DEADLINE, &args) ? 0 : args.deadline_ns;
}

/* doc: sw-sync-get-deadline end */

static bool is_ready(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

int main(void)
{
	int timeline = open_device(TIMELINE);
	int first = fence_at(timeline, 1), second = fence_at(timeline, 2);
	struct sync_set_deadline deadline = { .deadline_ns = 1000000000 };

	if (first < 0 || second < 0)
		die("SW_SYNC_IOC_CREATE_FENCE");
	expect(!deadline_of(timeline, second), "nobody has set a deadline");
	if (do_ioctl(second, SYNC_IOC_SET_DEADLINE, &deadline))
		die("SYNC_IOC_SET_DEADLINE");
	expect(deadline_of(timeline, second) == deadline.deadline_ns, "the deadline is there");

	expect(!is_ready(first), "fences wait for the timeline");
	if (count_on(timeline, 1))
		die("SW_SYNC_IOC_INC");
	expect(is_ready(first) && !is_ready(second), "one has signalled, the other one has not");
	printf("timeline: fences signal one after the other\n");

	/* Or whatever waits for the second one would wait for ever; closing does it, too. */
	if (count_on(timeline, 1))
		die("SW_SYNC_IOC_INC");
	expect(is_ready(second), "the second one has signalled as well");
	close(second);
	close(first);
	close(timeline);
	return 0;
}
