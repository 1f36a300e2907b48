/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sw_sync.c and sync_debug.c share.
 */
#ifndef _SYNC_DEBUG_H
#define _SYNC_DEBUG_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct dma_fence;

/**
 * struct sync_timeline - a counter that userspace advances by hand
 */
struct sync_timeline {
	/** @kref: One reference for the open file and one for each point. */
	struct kref kref;
	/** @name: Command name of the process that opened the file. Constant. */
	char name[TASK_COMM_LEN];
	/** @context: Fence context of the points. Constant. */
	u64 context;
	/**
	 * @lock: Taken with interrupts off, also inside the callbacks of the
	 * timeline's own points, when one of them drops the last reference to
	 * another one. Hence no point is ever signalled while it is held.
	 */
	spinlock_t lock;
	/**
	 * @value: Points up to this one, in wrapping order, have signalled or
	 * are about to. Written under @lock, read by anybody with READ_ONCE().
	 */
	u32 value;
	/**
	 * @points: Points that lie ahead, ordered by value. Each value is there
	 * at most once, and all lie less than 2^31 ahead of @value, so that
	 * wrapping comparison orders them. A point is in here without a
	 * reference, until the timeline reaches it or its release removes it.
	 * Points that the close of the file signalled stay, for sync/info to
	 * show. Protected by @lock.
	 */
	struct rb_root points;
	/**
	 * @advance: Lets one process at a time advance the timeline, so that
	 * points signal in order, and add points only when those that were
	 * passed are gone. Outside @lock.
	 */
	struct mutex advance;
	/** @node: Place among all timelines, under sync_debug.c's lock. */
	struct list_head node;
	/**
	 * @rcu: Delays the free, since who reads the timeline name of a point
	 * holds only the RCU read lock.
	 */
	struct rcu_head rcu;
};

/* File operations of debugfs' sync/sw_sync; each open is a new timeline. */
extern const struct file_operations sw_sync_fops;

/* Any context. The last reference also takes the timeline off the list. */
void sync_timeline_put(struct sync_timeline *timeline);

/*
 * The point that follows @prev, the first one without @prev, with a reference;
 * NULL when there is none. Gives up the reference to @prev.
 */
struct dma_fence *sync_timeline_next_fence(struct sync_timeline *timeline,
					   struct dma_fence *prev);

/* Lists @timeline in sync/info until it is removed. Any context. */
void sync_debug_add(struct sync_timeline *timeline);
void sync_debug_remove(struct sync_timeline *timeline);

#endif /* _SYNC_DEBUG_H */
