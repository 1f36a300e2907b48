// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merging any number of fences, which come one by one.
 *
 * Their number is userspace's to choose, and so is what is in them, mostly the same
 * fences again and again. So what counts is how many contexts there are: whenever
 * the list is full, all but the latest fence of each context are dropped.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/dma-fence-unwrap.h>

#include "dma-fence-internal.h"
#include "dma-fence-merge.h"

/* How many fences fit in at first. */
#define MERGE_ROOM	64

/* How many fences are looked at between two looks at the task. */
#define MERGE_BATCH	1024

static bool merge_grow(struct dma_fence_merge *merge)
{
	unsigned int room = merge->room ? 2 * merge->room : MERGE_ROOM;
	struct dma_fence **list, **spare;

	/* An array counts its members as int. */
	if (room > INT_MAX)
		return false;

	list = dma_fence_merge_alloc(room);
	spare = dma_fence_merge_alloc(room);
	if (!list || !spare) {
		kvfree(list);
		kvfree(spare);
		return false;
	}
	if (merge->count)
		memcpy(list, merge->list, array_size(merge->count, sizeof(*list)));
	kvfree(merge->list);
	kvfree(merge->spare);
	merge->list = list;
	merge->spare = spare;
	merge->room = room;
	return true;
}

/* Drops earlier fences of a context that has later ones. */
static void merge_compact(struct dma_fence_merge *merge)
{
	if (merge->count)
		merge->count = dma_fence_merge_unique(&merge->list, &merge->spare, merge->count);
}

/* Room for one more. Half of it empty, so that sorting is worth the time. */
static bool merge_make_room(struct dma_fence_merge *merge)
{
	if (merge->count < merge->room)
		return true;
	merge_compact(merge);
	return merge->count < merge->room / 2 || merge_grow(merge);
}

/* Takes a plain fence. */
static int merge_take(struct dma_fence_merge *merge, struct dma_fence *fence)
{
	ktime_t t;

	if (!dma_fence_is_signaled(fence)) {
		if (!merge_make_room(merge))
			return -ENOMEM;
		merge->list[merge->count++] = dma_fence_get(fence);
		return 0;
	}

	t = dma_fence_timestamp(fence);
	if (ktime_after(t, merge->timestamp))
		merge->timestamp = t;
	if (fence->error)
		dma_fence_merge_failure(&merge->failed, fence);
	return 0;
}

/* Lets others run now and then. Long chains may be behind each of very many fences. */
static int merge_breathe(struct dma_fence_merge *merge)
{
	if (++merge->visits % MERGE_BATCH)
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * Adds a fence, which may be a container. Returns 0, -ENOMEM, or -EINTR when the
 * task is being killed; the caller ends or aborts the merge in any case.
 *
 * May sleep.
 */
int dma_fence_merge_add(struct dma_fence_merge *merge, struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *part;
	int ret;

	dma_fence_unwrap_for_each(part, &cursor, fence) {
		ret = merge_breathe(merge) ?: merge_take(merge, part);
		if (ret) {
			/* Left early, the walk still owns this reference. */
			dma_fence_put(cursor.chain);
			return ret;
		}
	}
	return 0;
}

/* Forgets what was added. */
void dma_fence_merge_abort(struct dma_fence_merge *merge)
{
	while (merge->count)
		dma_fence_put(merge->list[--merge->count]);
	kvfree(merge->list);
	kvfree(merge->spare);
	dma_fence_put(merge->failed);
}

/* The array of a merge's fences and of the one that failed; takes the references. */
static struct dma_fence *merge_join(struct dma_fence_merge *merge)
{
	unsigned int count = merge->count + !!merge->failed;
	struct dma_fence **list = dma_fence_merge_alloc(count);

	if (!list)
		return NULL;

	memcpy(list, merge->list, array_size(merge->count, sizeof(*list)));
	if (merge->failed)
		list[merge->count] = merge->failed;
	merge->count = 0;
	merge->failed = NULL;
	return dma_fence_merge_result(list, count);
}

/*
 * Ends a merge. Returns what __dma_fence_unwrap_merge() would for all that was
 * added, with a reference, or NULL when there is no memory.
 *
 * May sleep.
 */
struct dma_fence *dma_fence_merge_end(struct dma_fence_merge *merge)
{
	struct dma_fence *fence;

	merge_compact(merge);
	if (merge->count) {
		fence = merge_join(merge);
	} else {
		fence = dma_fence_merge_signaled(merge->timestamp, merge->failed);
		merge->failed = NULL;
	}
	dma_fence_merge_abort(merge);
	return fence;
}
