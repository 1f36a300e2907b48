// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timelines that userspace advances by hand.
 */

/**
 * DOC: sw_sync overview
 *
 * Each open of debugfs' ``sync/sw_sync`` is a timeline, a 32-bit counter that
 * starts at 0. The process asks for fences at values of the counter and gets
 * them as sync_files; adding to the counter signals, in order, the fences that
 * it reaches. Closing the file signals what is left with the error -ENOENT.
 *
 * This is for testing what waits for fences. Nothing obliges the process to
 * signal at all, so a waiter without a timeout may wait for ever. The ioctls
 * are known to the tests only and in no public header.
 */

#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/fd_slot.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "sync_debug.h"
#include "sync_file-internal.h"

#define CREATE_TRACE_POINTS
#include "sync_trace.h"

/* in: value; name is ignored. out: fence, a new sync_file */
struct sw_sync_create_fence_data {
	__u32	value;
	char	name[32];
	__s32	fence;
};

/* in: fence_fd, the other fields 0. out: deadline_ns */
struct sw_sync_get_deadline {
	__u64	deadline_ns;
	__u32	pad;
	__s32	fence_fd;
};

#define SW_SYNC_IOC_MAGIC	 'W'
#define SW_SYNC_IOC_CREATE_FENCE _IOWR(SW_SYNC_IOC_MAGIC, 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC		 _IOW(SW_SYNC_IOC_MAGIC, 1, __u32)
#define SW_SYNC_GET_DEADLINE	 _IOWR(SW_SYNC_IOC_MAGIC, 2, struct sw_sync_get_deadline)

/**
 * struct sync_point - a fence at one value of a timeline
 */
struct sync_point {
	/**
	 * @base: The fence; first, since dma_fence_free() frees all by it. Its
	 * lock is its own, and &sync_timeline.lock nests inside.
	 */
	struct dma_fence base;
	/** @timeline: Holds a reference until the release. Constant. */
	struct sync_timeline *timeline;
	/**
	 * @node: Place in &sync_timeline.points, or cleared. Protected by
	 * &sync_timeline.lock.
	 */
	struct rb_node node;
	/** @has_deadline: Somebody has set one. Protected by the fence's lock. */
	bool has_deadline;
	/** @deadline: The earliest one. Protected by the fence's lock. */
	ktime_t deadline;
};

static struct sync_point *to_sync_point(struct dma_fence *fence)
{
	return container_of(fence, struct sync_point, base);
}

static struct sync_point *node_to_point(const struct rb_node *node)
{
	return rb_entry(node, struct sync_point, node);
}

static u32 point_value(const struct sync_point *point)
{
	return lower_32_bits(point->base.seqno);
}

static bool value_reached(u32 value, u32 now)
{
	return (s32)(value - now) <= 0;
}

static void sync_timeline_free(struct kref *kref)
{
	struct sync_timeline *timeline = container_of(kref, struct sync_timeline, kref);

	sync_debug_remove(timeline);
	kfree_rcu(timeline, rcu);
}

void sync_timeline_put(struct sync_timeline *timeline)
{
	kref_put(&timeline->kref, sync_timeline_free);
}

static const char *sync_point_driver_name(struct dma_fence *fence)
{
	return "sw_sync";
}

static const char *sync_point_timeline_name(struct dma_fence *fence)
{
	return to_sync_point(fence)->timeline->name;
}

static bool sync_point_signaled(struct dma_fence *fence)
{
	struct sync_point *point = to_sync_point(fence);

	return value_reached(point_value(point), READ_ONCE(point->timeline->value));
}

static void sync_point_release(struct dma_fence *fence)
{
	struct sync_point *point = to_sync_point(fence);
	struct sync_timeline *timeline = point->timeline;

	scoped_guard(spinlock_irqsave, &timeline->lock) {
		if (!RB_EMPTY_NODE(&point->node))
			rb_erase(&point->node, &timeline->points);
	}
	sync_timeline_put(timeline);
	dma_fence_free(fence);
}

static void sync_point_value_str(struct dma_fence *fence, char *str, int size)
{
	snprintf(str, size, "%lld", fence->seqno);
}

static void sync_point_timeline_value_str(struct dma_fence *fence, char *str,
					  int size)
{
	snprintf(str, size, "%d", READ_ONCE(to_sync_point(fence)->timeline->value));
}

static void sync_point_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct sync_point *point = to_sync_point(fence);
	unsigned long flags;

	spin_lock_irqsave(dma_fence_spinlock(fence), flags);
	if (!point->has_deadline || ktime_before(deadline, point->deadline))
		point->deadline = deadline;
	point->has_deadline = true;
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags);
}

static const struct dma_fence_ops sync_point_ops = {
	.get_driver_name = sync_point_driver_name,
	.get_timeline_name = sync_point_timeline_name,
	.signaled = sync_point_signaled,
	.release = sync_point_release,
	.fence_value_str = sync_point_value_str,
	.timeline_value_str = sync_point_timeline_value_str,
	.set_deadline = sync_point_set_deadline,
};

static int point_cmp(struct rb_node *new, const struct rb_node *old)
{
	return (s32)(point_value(node_to_point(new)) -
		     point_value(node_to_point(old)));
}

/*
 * Puts @point where it belongs. If the timeline has a living point there
 * already, returns a reference to that one instead of adding a second.
 */
static struct sync_point *sync_timeline_add(struct sync_timeline *timeline,
					    struct sync_point *point)
{
	struct rb_node *node;

	lockdep_assert_held(&timeline->lock);

	node = rb_find_add(&point->node, &timeline->points, point_cmp);
	if (!node)
		return NULL;
	if (dma_fence_get_rcu(&node_to_point(node)->base))
		return node_to_point(node);

	/* That one's release is about to take the lock. */
	rb_replace_node(node, &point->node, &timeline->points);
	RB_CLEAR_NODE(node);
	return NULL;
}

/* The fence at @value, with a reference for the caller; NULL without memory. */
static struct dma_fence *sync_timeline_fence(struct sync_timeline *timeline,
					     u32 value)
{
	struct sync_point *point, *present = NULL;
	bool reached;

	point = kzalloc(sizeof(*point), GFP_KERNEL);
	if (!point)
		return NULL;

	RB_CLEAR_NODE(&point->node);
	kref_get(&timeline->kref);
	point->timeline = timeline;
	dma_fence_init(&point->base, &sync_point_ops, NULL, timeline->context,
		       value);

	/* Not beside points that were passed: no comparison would order them. */
	mutex_lock(&timeline->advance);
	scoped_guard(spinlock_irqsave, &timeline->lock) {
		reached = value_reached(value, timeline->value);
		if (!reached)
			present = sync_timeline_add(timeline, point);
	}
	mutex_unlock(&timeline->advance);

	if (reached)
		dma_fence_signal(&point->base);
	if (!present)
		return &point->base;
	dma_fence_put(&point->base);
	return &present->base;
}

/* Takes the first point that was reached off the timeline. The lock is held. */
static struct sync_point *sync_timeline_take_locked(struct sync_timeline *timeline)
{
	struct sync_point *point;
	struct rb_node *node;

	while ((node = rb_first(&timeline->points))) {
		point = node_to_point(node);
		if (!value_reached(point_value(point), timeline->value))
			return NULL;

		rb_erase(node, &timeline->points);
		RB_CLEAR_NODE(node);
		/* Without a reference left, its release is about to run. */
		if (dma_fence_get_rcu(&point->base))
			return point;
	}
	return NULL;
}

/* The first point that was reached, off the timeline, with a reference. */
static struct sync_point *sync_timeline_take(struct sync_timeline *timeline)
{
	struct sync_point *point;
	unsigned long flags;

	spin_lock_irqsave(&timeline->lock, flags);
	point = sync_timeline_take_locked(timeline);
	spin_unlock_irqrestore(&timeline->lock, flags);
	return point;
}

/*
 * Adds at most INT_MAX, since beyond that the values passed and the values
 * ahead look alike. One fence at a time, so that interrupts are never off for
 * longer than one fence and its callbacks need.
 */
static void sync_timeline_advance(struct sync_timeline *timeline, u32 step)
{
	struct sync_point *point;

	lockdep_assert_held(&timeline->advance);

	trace_sync_timeline(timeline);
	scoped_guard(spinlock_irqsave, &timeline->lock)
		WRITE_ONCE(timeline->value, timeline->value + step);

	while ((point = sync_timeline_take(timeline))) {
		dma_fence_signal(&point->base);
		dma_fence_put(&point->base);
		cond_resched();
	}
}

/* The first point of @timeline, or with @prev the first one beyond it. */
static struct rb_node *find_next(struct sync_timeline *timeline,
				 const struct sync_point *prev)
{
	struct rb_node *node = timeline->points.rb_node, *next = NULL;

	lockdep_assert_held(&timeline->lock);

	while (node) {
		if (prev && value_reached(point_value(node_to_point(node)),
					  point_value(prev))) {
			node = node->rb_right;
		} else {
			next = node;
			node = node->rb_left;
		}
	}
	return next;
}

struct dma_fence *sync_timeline_next_fence(struct sync_timeline *timeline,
					   struct dma_fence *prev)
{
	struct dma_fence *fence = NULL;
	struct rb_node *node;

	scoped_guard(spinlock_irqsave, &timeline->lock) {
		/* By value, since @prev may have left the timeline by now. */
		node = find_next(timeline, prev ? to_sync_point(prev) : NULL);
		for (; node && !fence; node = rb_next(node))
			fence = dma_fence_get_rcu(&node_to_point(node)->base);
	}
	dma_fence_put(prev);
	return fence;
}

static int sw_sync_open(struct inode *inode, struct file *file)
{
	struct sync_timeline *timeline = kzalloc(sizeof(*timeline), GFP_KERNEL);

	if (!timeline)
		return -ENOMEM;

	kref_init(&timeline->kref);
	get_task_comm(timeline->name, current);
	timeline->context = dma_fence_context_alloc(1);
	spin_lock_init(&timeline->lock);
	timeline->points = RB_ROOT;
	mutex_init(&timeline->advance);

	sync_debug_add(timeline);
	file->private_data = timeline;
	return 0;
}

static int sw_sync_release(struct inode *inode, struct file *file)
{
	struct sync_timeline *timeline = file->private_data;
	struct dma_fence *fence = NULL;

	/* No ioctl can run any more: what is left lies ahead and is pending. */
	while ((fence = sync_timeline_next_fence(timeline, fence))) {
		dma_fence_set_error(fence, -ENOENT);
		dma_fence_signal(fence);
		cond_resched();
	}

	sync_timeline_put(timeline);
	return 0;
}

static long sw_sync_ioctl_create_fence(struct sync_timeline *timeline,
				       void __user *arg)
{
	struct sw_sync_create_fence_data __user *out = arg;
	struct sw_sync_create_fence_data data;
	struct sync_file *sync_file;
	struct dma_fence *fence;

	CLASS(fd_slot, slot)(O_CLOEXEC);
	if (slot.fd < 0)
		return slot.fd;
	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;

	fence = sync_timeline_fence(timeline, data.value);
	if (!fence)
		return -ENOMEM;
	sync_file = sync_file_open(fence);
	dma_fence_put(fence);
	if (IS_ERR(sync_file))
		return PTR_ERR(sync_file);
	fd_slot_fill(&slot, sync_file->file);

	if (put_user(slot.fd, &out->fence))
		return -EFAULT;
	fd_slot_publish(&slot);
	return 0;
}

static long sw_sync_ioctl_inc(struct sync_timeline *timeline, void __user *arg)
{
	u32 left, step;

	if (get_user(left, (__u32 __user *)arg))
		return -EFAULT;

	guard(mutex)(&timeline->advance);
	do {
		step = min_t(u32, left, INT_MAX);
		sync_timeline_advance(timeline, step);
		left -= step;
	} while (left);
	return 0;
}

/* Stores the deadline of @fence, or says why there is none. */
static int sync_point_get_deadline(struct dma_fence *fence, ktime_t *deadline)
{
	struct sync_point *point = to_sync_point(fence);
	unsigned long flags;
	bool known;

	if (fence->ops != &sync_point_ops)
		return -EINVAL;

	spin_lock_irqsave(dma_fence_spinlock(fence), flags);
	*deadline = point->deadline;
	known = point->has_deadline;
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags);
	return known ? 0 : -ENOENT;
}

static long sw_sync_ioctl_get_deadline(struct sync_timeline *timeline,
				       void __user *arg)
{
	struct sw_sync_get_deadline data;
	struct dma_fence *fence;
	ktime_t deadline;
	int ret;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	if (data.deadline_ns || data.pad)
		return -EINVAL;

	fence = sync_file_get_fence(data.fence_fd);
	if (!fence)
		return -EINVAL;
	ret = sync_point_get_deadline(fence, &deadline);
	dma_fence_put(fence);
	if (ret)
		return ret;

	data.deadline_ns = ktime_to_ns(deadline);
	return copy_to_user(arg, &data, sizeof(data)) ? -EFAULT : 0;
}

static const struct {
	unsigned int cmd;
	long (*func)(struct sync_timeline *timeline, void __user *arg);
} sw_sync_ioctls[] = {
	{ SW_SYNC_IOC_CREATE_FENCE, sw_sync_ioctl_create_fence },
	{ SW_SYNC_IOC_INC,	    sw_sync_ioctl_inc },
	{ SW_SYNC_GET_DEADLINE,	    sw_sync_ioctl_get_deadline },
};

static long sw_sync_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sw_sync_ioctls); i++)
		if (sw_sync_ioctls[i].cmd == cmd)
			return sw_sync_ioctls[i].func(file->private_data,
						      (void __user *)arg);
	return -ENOTTY;
}

const struct file_operations sw_sync_fops = {
	.open = sw_sync_open,
	.release = sw_sync_release,
	.unlocked_ioctl = sw_sync_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
