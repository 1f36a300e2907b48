// SPDX-License-Identifier: GPL-2.0-only
/*
 * A DMA fence behind a file descriptor.
 */

/**
 * DOC: sync_file overview
 *
 * A sync_file lets processes hand each other a promise, "this work has
 * finished". The file holds one reference to one &struct dma_fence, which may
 * stand for many (an array or a chain). A process can poll the file, look into
 * it, merge it with another one, say when it needs the result, and pass it to
 * a driver as the fence to wait for.
 *
 * A driver gives a fence to userspace in this order, so that no process ever
 * sees a descriptor whose system call failed::
 *
 *	CLASS(fd_slot, slot)(O_CLOEXEC);
 *	sync_file = sync_file_create(fence);
 *	fd_slot_fill(&slot, sync_file->file);
 *	... everything that can fail, copy_to_user() included ...
 *	fd_slot_publish(&slot);
 *
 * and takes one from userspace with sync_file_get_fence().
 *
 * None of this depends on the fence's driver once the fence has signalled; it may
 * be unloaded. What it would be asked for is answered by the fence then.
 */

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/export.h>
#include <linux/fd_slot.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>

#include "dma-fence-merge.h"
#include "sync_file-internal.h"

static const struct file_operations sync_file_fops;

/*
 * sync_file_create() that says why it failed, so that an ioctl can: -ENOMEM, or
 * -ENFILE when the system has too many files open.
 */
struct sync_file *sync_file_open(struct dma_fence *fence)
{
	struct sync_file *sync_file = kmalloc(sizeof(*sync_file), GFP_KERNEL);
	struct file *file;

	if (!sync_file)
		return ERR_PTR(-ENOMEM);

	file = anon_inode_getfile("sync_file", &sync_file_fops, sync_file, 0);
	if (IS_ERR(file)) {
		kfree(sync_file);
		return ERR_CAST(file);
	}

	*sync_file = (struct sync_file) {
		.file = file,
		.fence = dma_fence_get(fence),
	};
	init_waitqueue_head(&sync_file->wq);
	return sync_file;
}

/**
 * sync_file_create - put a fence behind a file
 * @fence: the fence; the file takes a reference of its own
 *
 * The file is not open in any process yet: install &sync_file.file when
 * nothing can fail any more, or fput() it, which also frees the sync_file.
 *
 * Context: may sleep; no locks required.
 * Return: the sync_file, or NULL when there is no memory or no file left.
 */
struct sync_file *sync_file_create(struct dma_fence *fence)
{
	struct sync_file *sync_file = sync_file_open(fence);

	return IS_ERR(sync_file) ? NULL : sync_file;
}
EXPORT_SYMBOL(sync_file_create);

/**
 * sync_file_get_fence - the fence behind a descriptor of this process
 * @fd: a descriptor, not necessarily of a sync_file
 *
 * Context: process context, does not sleep.
 * Return: the fence with a reference that the caller must put, or NULL when
 * @fd is not open or is no sync_file.
 */
struct dma_fence *sync_file_get_fence(int fd)
{
	struct sync_file *sync_file;

	CLASS(fd, f)(fd);

	if (fd_empty(f) || fd_file(f)->f_op != &sync_file_fops)
		return NULL;

	sync_file = fd_file(f)->private_data;
	return dma_fence_get(sync_file->fence);
}
EXPORT_SYMBOL(sync_file_get_fence);

/* Caller holds the RCU read lock for as long as it uses the strings. */
static void fence_names(struct dma_fence *fence, const char **driver,
			const char **timeline)
{
	const char __rcu *driver_name = dma_fence_driver_name(fence);
	const char __rcu *timeline_name = dma_fence_timeline_name(fence);

	*driver = rcu_dereference(driver_name);
	*timeline = rcu_dereference(timeline_name);
}

/**
 * sync_file_get_name - the name of a sync_file
 * @sync_file: the sync_file
 * @buf: where the name goes, always terminated
 * @len: size of @buf in bytes; a longer name is cut off
 *
 * A file that was merged under a name keeps it. Any other is called
 * "driver-timelinecontext-seqno" after its fence.
 *
 * Context: any; the caller keeps the file open.
 * Return: @buf.
 */
char *sync_file_get_name(struct sync_file *sync_file, char *buf, int len)
{
	struct dma_fence *fence = sync_file->fence;
	const char *driver, *timeline;

	if (sync_file->user_name[0]) {
		strscpy(buf, sync_file->user_name, len);
		return buf;
	}

	rcu_read_lock();
	fence_names(fence, &driver, &timeline);
	/* Programs know the seqno as a signed number. */
	snprintf(buf, len, "%s-%s%llu-%lld", driver, timeline,
		 fence->context, (s64)fence->seqno);
	rcu_read_unlock();
	return buf;
}

static void sync_file_wake(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct sync_file *sync_file = container_of(cb, struct sync_file, cb);

	wake_up_all(&sync_file->wq);
}

/*
 * What a poller learns of a fence that has signalled. That it failed is for who
 * asks in a way that nobody uses who does not know of it: poll(2) reports POLLERR to
 * anybody, select(2) asks for EPOLLPRI on its own, and a poll in the kernel for
 * everything there is.
 */
static __poll_t sync_file_ready(struct dma_fence *fence, const poll_table *wait)
{
	const __poll_t asked = poll_requested_events(wait);

	if (fence->error && (asked & EPOLLMSG) && asked != ~(__poll_t)0)
		return EPOLLIN | EPOLLERR;
	return EPOLLIN;
}

static __poll_t sync_file_poll(struct file *file, poll_table *wait)
{
	struct sync_file *sync_file = file->private_data;
	struct dma_fence *fence = sync_file->fence;

	/* Also when signalled: aio and io_uring refuse files that queue nothing. */
	poll_wait(file, &sync_file->wq, wait);
	if (dma_fence_is_signaled(fence))
		return sync_file_ready(fence, wait);

	/*
	 * The first poller arms the callback for all of them. When the fence
	 * turns out to have signalled, others may already sleep on the queue
	 * in the belief that the callback will come.
	 */
	if (!test_and_set_bit(POLL_ENABLED, &sync_file->flags) &&
	    dma_fence_add_callback(fence, &sync_file->cb, sync_file_wake))
		wake_up_all(&sync_file->wq);

	/*
	 * Signalling sets the flag, then wakes the queue under its lock;
	 * poll_wait() took that lock before this test. So either the wakeup
	 * finds this poller or the flag is seen here.
	 */
	return dma_fence_test_signaled_flag(fence) ? sync_file_ready(fence, wait) : 0;
}

/* Publishes a merged fence, whose reference it takes, in @slot and tells userspace. */
static long sync_file_publish(struct dma_fence *fence, const char *name, struct fd_slot *slot,
			      __s32 __user *to)
{
	struct sync_file *merged;

	if (!fence)
		return -ENOMEM;

	merged = sync_file_open(fence);
	dma_fence_put(fence);
	if (IS_ERR(merged))
		return PTR_ERR(merged);
	memcpy(merged->user_name, name, sizeof(merged->user_name) - 1);
	fd_slot_fill(slot, merged->file);

	if (put_user(slot->fd, to))
		return -EFAULT;
	fd_slot_publish(slot);
	return 0;
}

static long sync_file_ioctl_merge(struct sync_file *sync_file, void __user *arg)
{
	struct sync_merge_data __user *out = arg;
	struct dma_fence *other, *fence;
	struct sync_merge_data data;

	/* Before the argument is looked at: that order is part of the ABI. */
	CLASS(fd_slot, slot)(O_CLOEXEC);
	if (slot.fd < 0)
		return slot.fd;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	if (data.flags || data.pad)
		return -EINVAL;

	other = sync_file_get_fence(data.fd2);
	if (!other)
		return -ENOENT;
	fence = dma_fence_unwrap_merge(sync_file->fence, other);
	dma_fence_put(other);
	return sync_file_publish(fence, data.name, &slot, &out->fence);
}

/* Adds @count files, whose descriptors are in userspace's array. */
static int merge_files(struct dma_fence_merge *merge, const __s32 __user *from, u32 count)
{
	struct dma_fence *fence;
	__s32 fds[64];
	u32 n, i;
	int ret;

	for (; count; count -= n, from += n) {
		n = min_t(u32, count, ARRAY_SIZE(fds));
		if (copy_from_user(fds, from, n * sizeof(*fds)))
			return -EFAULT;
		for (i = 0; i < n; i++) {
			fence = sync_file_get_fence(fds[i]);
			if (!fence)
				return -ENOENT;
			ret = dma_fence_merge_add(merge, fence);
			dma_fence_put(fence);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* The size of the first version, which is all there is yet. */
#define SYNC_MERGE_MANY_SIZE	offsetofend(struct sync_merge_many, pad)

static long sync_file_ioctl_merge_many(struct sync_file *sync_file, void __user *arg,
				       size_t size)
{
	struct sync_merge_many __user *out = arg;
	struct dma_fence_merge merge = {};
	struct sync_merge_many data;
	long ret;

	if (size < SYNC_MERGE_MANY_SIZE)
		return -EINVAL;
	ret = copy_struct_from_user(&data, sizeof(data), arg, size);
	if (ret)
		return ret;
	if (data.flags || data.pad)
		return -EINVAL;

	ret = dma_fence_merge_add(&merge, sync_file->fence) ?:
	      merge_files(&merge, u64_to_user_ptr(data.fds), data.num_fds);
	if (ret) {
		dma_fence_merge_abort(&merge);
		return ret;
	}

	CLASS(fd_slot, slot)(O_CLOEXEC);
	if (slot.fd < 0) {
		dma_fence_merge_abort(&merge);
		return slot.fd;
	}
	return sync_file_publish(dma_fence_merge_end(&merge), data.name, &slot, &out->fence);
}

static unsigned int count_fences(struct dma_fence *head)
{
	struct dma_fence_array *array = to_dma_fence_array(head);
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	if (array)
		return array->num_fences;
	dma_fence_unwrap_for_each(fence, &cursor, head)
		count++;
	return count;
}

static void describe_fence(struct dma_fence *fence, struct sync_fence_info *info)
{
	const char *driver, *timeline;

	*info = (struct sync_fence_info) {};

	rcu_read_lock();
	fence_names(fence, &driver, &timeline);
	strscpy(info->driver_name, driver);
	strscpy(info->obj_name, timeline);
	rcu_read_unlock();

	info->status = dma_fence_get_status(fence);
	if (info->status)
		info->timestamp_ns = ktime_to_ns(dma_fence_timestamp(fence));
}

/* One entry straight into the list, without a copy of the list in between. */
static bool put_fence_info(struct sync_fence_info __user *to,
			   const struct sync_fence_info *info)
{
	if (!user_write_access_begin(to, sizeof(*to)))
		return false;
	unsafe_copy_to_user((char __user *)to, (const char *)info,
			    sizeof(*info), fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/*
 * There is room for every fence that count_fences() saw, and a walk never
 * finds more than one before it: chains only ever lose their signalled end.
 */
static long list_fences(struct dma_fence *head, struct sync_file_info *info)
{
	struct sync_fence_info __user *to = u64_to_user_ptr(info->sync_fence_info);
	struct sync_fence_info entry;
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;

	info->status = 1;
	info->num_fences = 0;
	dma_fence_unwrap_for_each(fence, &cursor, head) {
		describe_fence(fence, &entry);
		if (info->status > 0)
			info->status = entry.status;
		if (!put_fence_info(to++, &entry)) {
			/* Left early, the walk still owns this reference. */
			dma_fence_put(cursor.chain);
			return -EFAULT;
		}
		info->num_fences++;
	}
	return 0;
}

static long sync_file_ioctl_info(struct sync_file *sync_file, void __user *arg)
{
	struct sync_file_info info;
	unsigned int count;
	long ret = 0;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || info.pad)
		return -EINVAL;

	count = count_fences(sync_file->fence);
	if (info.num_fences && info.num_fences < count)
		return -EINVAL;

	if (info.num_fences) {
		ret = list_fences(sync_file->fence, &info);
	} else {
		info.status = dma_fence_get_status(sync_file->fence);
		info.num_fences = count;
	}
	if (ret)
		return ret;

	sync_file_get_name(sync_file, info.name, sizeof(info.name));
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long sync_file_ioctl_deadline(struct sync_file *sync_file,
				     void __user *arg)
{
	struct sync_set_deadline data;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	if (data.pad)
		return -EINVAL;

	/* A time beyond what ktime_t can hold becomes a past one: "now". */
	dma_fence_set_deadline(sync_file->fence, ns_to_ktime(data.deadline_ns));
	return 0;
}

static const struct {
	unsigned int cmd;
	long (*func)(struct sync_file *sync_file, void __user *arg);
} sync_file_ioctls[] = {
	{ SYNC_IOC_MERGE,	 sync_file_ioctl_merge },
	{ SYNC_IOC_FILE_INFO,	 sync_file_ioctl_info },
	{ SYNC_IOC_SET_DEADLINE, sync_file_ioctl_deadline },
};

/* Those whose argument may grow, and be of any size for now. */
static const struct {
	unsigned int cmd;
	long (*func)(struct sync_file *sync_file, void __user *arg, size_t size);
} sync_file_sized_ioctls[] = {
	{ SYNC_IOC_MERGE_MANY,	 sync_file_ioctl_merge_many },
};

static long sync_file_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sync_file_ioctls); i++)
		if (sync_file_ioctls[i].cmd == cmd)
			return sync_file_ioctls[i].func(file->private_data,
							(void __user *)arg);

	for (i = 0; i < ARRAY_SIZE(sync_file_sized_ioctls); i++)
		if (!((sync_file_sized_ioctls[i].cmd ^ cmd) & ~IOCSIZE_MASK))
			return sync_file_sized_ioctls[i].func(file->private_data,
							      (void __user *)arg,
							      _IOC_SIZE(cmd));
	return -ENOTTY;
}

static int sync_file_release(struct inode *inode, struct file *file)
{
	struct sync_file *sync_file = file->private_data;
	struct dma_fence *fence = sync_file->fence;

	/* Nobody can poll any more, so the bits stay as they are. */
	if (sync_file->flags & BIT(POLL_ENABLED))
		dma_fence_remove_callback(fence, &sync_file->cb);
	kfree(sync_file);
	dma_fence_put(fence);
	return 0;
}

static const struct file_operations sync_file_fops = {
	.release = sync_file_release,
	.poll = sync_file_poll,
	.unlocked_ioctl = sync_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
