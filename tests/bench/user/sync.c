// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences as file descriptors. A result that is a file descriptor is closed
 * inside of what is measured.
 */
#include <linux/sync_file.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "kernel.h"

/* Fences of as many timelines, none of which advances. */
struct fences {
	unsigned int count;
	int *timeline;
	int *fence;
};

static struct fences make_fences(unsigned int count)
{
	struct fences f = { count, calloc(count, sizeof(int)), calloc(count, sizeof(int)) };
	unsigned int i;

	for (i = 0; i < count; i++) {
		f.timeline[i] = timeline();
		f.fence[i] = timeline_fence(f.timeline[i], 1);
	}
	return f;
}

static void drop_fences(struct fences *f)
{
	while (f->count--) {
		close(f->fence[f->count]);
		close(f->timeline[f->count]);
	}
	free(f->timeline);
	free(f->fence);
}

static void merge_two(struct sample *s)
{
	struct fences f = make_fences(2);
	unsigned int i;

	for_each_turn(s, i)
		close(merge(f.fence[0], f.fence[1]));
	end(s);
	drop_fences(&f);
}

/* One fence after the other is merged to what there is; an operation is one merge. */
static void merge_ladder(struct sample *s)
{
	struct fences f = make_fences(s->size);
	int all = dup(f.fence[0]), more;
	unsigned int i;

	begin(s);
	for (i = 1; i < s->size; i++) {
		more = merge(all, f.fence[i]);
		close(all);
		all = more;
	}
	end(s);
	s->ops = s->size - 1;
	close(all);
	drop_fences(&f);
}

static void file_info(struct sample *s)
{
	struct fences f = make_fences(s->size);
	struct sync_fence_info *list = calloc(s->size, sizeof(*list));
	struct sync_file_info info;
	int all = dup(f.fence[0]), more;
	unsigned int i;

	for (i = 1; i < s->size; i++) {
		more = merge(all, f.fence[i]);
		close(all);
		all = more;
	}
	for_each_turn(s, i) {
		info = (struct sync_file_info){
			.num_fences = s->size,
			.sync_fence_info = (uintptr_t)list,
		};
		must(ioctl(all, SYNC_IOC_FILE_INFO, &info), "FILE_INFO");
	}
	end(s);
	close(all);
	free(list);
	drop_fences(&f);
}

static void set_deadline(struct sample *s)
{
	struct fences f = make_fences(1);
	struct sync_set_deadline deadline = { .deadline_ns = 1000000000 };
	unsigned int i;

	for_each_turn(s, i)
		must(ioctl(f.fence[0], SYNC_IOC_SET_DEADLINE, &deadline), "SET_DEADLINE");
	end(s);
	drop_fences(&f);
}

static void get_deadline(struct sample *s)
{
	struct fences f = make_fences(1);
	struct sync_set_deadline deadline = { .deadline_ns = 1000000000 };
	struct sw_sync_get_deadline data;
	unsigned int i;

	must(ioctl(f.fence[0], SYNC_IOC_SET_DEADLINE, &deadline), "SET_DEADLINE");
	for_each_turn(s, i) {
		data = (struct sw_sync_get_deadline){ .fence_fd = f.fence[0] };
		must(ioctl(f.timeline[0], SW_SYNC_GET_DEADLINE, &data), "GET_DEADLINE");
	}
	end(s);
	drop_fences(&f);
}

static void poll_fence(struct sample *s, bool signalled)
{
	struct fences f = make_fences(1);
	struct pollfd pollfd = { .fd = f.fence[0], .events = POLLIN };
	__u32 one = 1;
	unsigned int i;

	if (signalled)
		must(ioctl(f.timeline[0], SW_SYNC_IOC_INC, &one), "INC");
	for_each_turn(s, i)
		must(poll(&pollfd, 1, 0), "poll");
	end(s);
	drop_fences(&f);
}

static void poll_pending(struct sample *s)
{
	poll_fence(s, false);
}

static void poll_signalled(struct sample *s)
{
	poll_fence(s, true);
}

/* Creates a fence, lets it signal, closes it. */
static void sw_sync_life(struct sample *s)
{
	__u32 one = 1;
	unsigned int i;
	int tl = timeline(), fence;

	for_each_turn(s, i) {
		fence = timeline_fence(tl, s->loops - i);
		must(ioctl(tl, SW_SYNC_IOC_INC, &one), "INC");
		close(fence);
	}
	end(s);
	close(tl);
}

const struct row sync_rows[] = {
	{ "sync_file/merge", merge_two, .loops = 32 },
	{ "sync_file/merge-ladder", merge_ladder, .size = 257 },
	{ "sync_file/file-info", file_info, .size = 1, .loops = 32 },
	{ "sync_file/file-info", file_info, .size = 257, .loops = 4 },
	{ "sync_file/set-deadline", set_deadline, .loops = 32 },
	{ "sync_file/poll-pending", poll_pending, .loops = 32 },
	{ "sync_file/poll-signalled", poll_signalled, .loops = 32 },
	{ "sw_sync/create+signal+close", sw_sync_life, .loops = 32 },
	{ "sw_sync/get-deadline", get_deadline, .loops = 32 },
	{ 0 }
};
