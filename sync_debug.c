// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of sw_sync in debugfs.
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/dma-fence.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "sync_debug.h"

/*
 * All timelines that exist, oldest first. A timeline is freed by whoever drops
 * the last fence, in any context: the lock is taken with interrupts off, and
 * the caller's interrupt state is given back.
 */
static LIST_HEAD(timelines);
static DEFINE_SPINLOCK(timelines_lock);

void sync_debug_add(struct sync_timeline *timeline)
{
	unsigned long flags;

	spin_lock_irqsave(&timelines_lock, flags);
	list_add_tail(&timeline->node, &timelines);
	spin_unlock_irqrestore(&timelines_lock, flags);
}

void sync_debug_remove(struct sync_timeline *timeline)
{
	unsigned long flags;

	spin_lock_irqsave(&timelines_lock, flags);
	list_del(&timeline->node);
	spin_unlock_irqrestore(&timelines_lock, flags);
}

/*
 * The timeline behind @prev, or the first one, with a reference. Gives up the
 * one to @prev, which kept it in the list.
 */
static struct sync_timeline *next_timeline(struct sync_timeline *prev)
{
	struct sync_timeline *next = NULL;

	scoped_guard(spinlock_irqsave, &timelines_lock) {
		next = list_prepare_entry(prev, &timelines, node);
		list_for_each_entry_continue(next, &timelines, node)
			if (kref_get_unless_zero(&next->kref))
				break;
		if (list_entry_is_head(next, &timelines, node))
			next = NULL;
	}

	if (prev)
		sync_timeline_put(prev);
	return next;
}

static void show_point(struct seq_file *seq, struct dma_fence *fence, u32 now)
{
	int status = dma_fence_get_status(fence);

	if (!status) {
		seq_puts(seq, "  fence active");
	} else {
		struct timespec64 ts = ktime_to_timespec64(dma_fence_timestamp(fence));

		seq_printf(seq, "  fence %s@%lld.%09ld",
			   status < 0 ? "error" : "signaled", ts.tv_sec, ts.tv_nsec);
	}
	seq_printf(seq, ": %lld / %d\n", fence->seqno, now);
}

/* Holds no lock while it prints, so that a long list delays nobody. */
static void show_timeline(struct seq_file *seq, struct sync_timeline *timeline)
{
	u32 now = READ_ONCE(timeline->value);
	struct dma_fence *fence = NULL;

	seq_printf(seq, "%s: %d\n", timeline->name, now);
	while ((fence = sync_timeline_next_fence(timeline, fence)))
		show_point(seq, fence, now);
	seq_putc(seq, '\n');
}

static int sync_info_show(struct seq_file *seq, void *unused)
{
	struct sync_timeline *timeline = NULL;

	seq_puts(seq, "objs:\n--------------\n");
	while ((timeline = next_timeline(timeline)))
		show_timeline(seq, timeline);

	/* Nothing is listed here, but parsers know that it comes. */
	seq_puts(seq, "fences:\n--------------\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sync_info);

static int __init sync_debug_init(void)
{
	struct dentry *dir = debugfs_create_dir("sync", NULL);

	debugfs_create_file("info", 0444, dir, NULL, &sync_info_fops);
	/*
	 * The directory is never removed, so the operations need no protection
	 * against that, which would cost the compat ioctls.
	 */
	debugfs_create_file_unsafe("sw_sync", 0644, dir, NULL, &sw_sync_fops);
	return 0;
}
late_initcall(sync_debug_init);
