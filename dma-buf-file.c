// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does with a buffer's file descriptor: find out its size, map
 * it, poll it, synchronise with devices, give it a name, look at it in /proc.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>

#include "dma-buf-internal.h"
#include "sync_file-internal.h"

/*
 * Only two seeks make sense, and neither moves anything: the start, and the
 * end, which is how userspace asks for the size.
 */
static loff_t dma_buf_llseek(struct file *file, loff_t offset, int whence)
{
	struct dma_buf *dmabuf = file->private_data;

	if (offset)
		return -EINVAL;

	switch (whence) {
	case SEEK_SET:
		return 0;
	case SEEK_END:
		return dmabuf->size;
	default:
		return -EINVAL;
	}
}

/* Whole pages only: the tail of an odd-sized buffer cannot be mapped. */
static bool dma_buf_range_ok(struct dma_buf *dmabuf, struct vm_area_struct *vma,
			     unsigned long pgoff)
{
	unsigned long pages = vma_pages(vma), have = dmabuf->size >> PAGE_SHIFT;

	return pages <= have && pgoff <= have - pages;
}

static int dma_buf_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dma_buf *dmabuf = file->private_data;

	if (!dmabuf->ops->mmap || !dma_buf_range_ok(dmabuf, vma, vma->vm_pgoff))
		return -EINVAL;

	return dmabuf->ops->mmap(dmabuf, vma);
}

/**
 * dma_buf_mmap - map a buffer through the file of another driver
 * @dmabuf: the buffer
 * @vma: the mapping; its file becomes that of @dmabuf
 * @pgoff: where in the buffer the mapping starts, in pages
 *
 * For the mmap operation of a driver that shows buffers of others. The mapping
 * keeps a reference to the buffer's file instead of the driver's.
 *
 * Context: Process, may sleep, mmap_lock held for writing.
 *
 * Return: 0, -EINVAL when the exporter cannot do this, when the range reaches
 * past the end or an argument is missing, -EOVERFLOW when it wraps, or what the
 * exporter answers.
 */
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma, unsigned long pgoff)
{
	unsigned long end;

	if (WARN_ON(!dmabuf || !vma) || !dmabuf->ops->mmap)
		return -EINVAL;
	if (check_add_overflow(pgoff, vma_pages(vma), &end))
		return -EOVERFLOW;
	if (!dma_buf_range_ok(dmabuf, vma, pgoff))
		return -EINVAL;

	vma_set_file(vma, dmabuf->file);
	vma->vm_pgoff = pgoff;
	return dmabuf->ops->mmap(dmabuf, vma);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_mmap, DMA_BUF);

/**
 * DOC: implicit fence polling
 *
 * poll(), select() and epoll tell when a buffer's devices have finished:
 *
 * - EPOLLIN when nobody is writing, so that reading it gives a whole picture:
 *   all fences of %DMA_RESV_USAGE_KERNEL and %DMA_RESV_USAGE_WRITE have
 *   signalled;
 *
 * - EPOLLOUT when nobody is reading either, so that it may be overwritten: those
 *   of %DMA_RESV_USAGE_READ have signalled as well.
 *
 * Fences of %DMA_RESV_USAGE_BOOKKEEP never count, and errors of fences are not
 * reported. What has been seen ready may be busy again at once, when new work
 * is queued. Ready only means that fences have signalled: caches are the
 * business of DMA_BUF_IOCTL_SYNC.
 */

/*
 * How poll works. The answer always comes from the reservation, read without
 * its lock. The rest is about waking those who got "busy" for an answer:
 *
 * - One watch per direction (struct dma_buf_poll_cb_t) is hooked into one
 *   fence. A poll that finds the buffer busy hooks it into a fence made of
 *   everything that is pending right then, in place of what an earlier poll
 *   has hooked it into. So it signals when the fences that the latest poll saw
 *   are done; until then the buffer was busy for the pollers before it as
 *   well. A count (dma_buf.poll_seq) keeps a slower poll from putting back an
 *   older fence, which could wait for work that has been replaced meanwhile.
 *
 * - A fence made of several was enabled by hooking into it, and lives from then
 *   on until its members have signalled. So the watch stays where it is when all
 *   that it still waits for is among what is pending: else every call would leave
 *   such a fence behind. If there is more now, those who sleep look once more.
 *
 * - Should that poll find the buffer idle instead while it takes the watch
 *   off a fence that has not signalled (one that was replaced, or that is just
 *   signalling), it wakes the others itself.
 *
 * - The fence's callback only wakes. It runs under the fence's lock and so
 *   takes neither poll_lock, inside of which fence locks are taken, nor drops
 *   references. A signalled fence stays with the watch until the next poll or
 *   the last close.
 *
 * - The watch holds no reference to the file. Whoever sleeps on the wait queue
 *   does; once the last close comes, dma_buf_file_release() unhooks the watch,
 *   and since callbacks run under the fence's lock, which unhooking takes, none
 *   is still running afterwards.
 *
 * - Nobody sleeping means nobody to wake, hence no watch. Signalling is enabled
 *   all the same, or a program that calls poll() in a loop might do so for ever.
 */

static void dma_buf_wake_in(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_buf *dmabuf = container_of(cb, struct dma_buf, cb_in.cb);

	wake_up_poll(&dmabuf->poll, EPOLLIN);
}

static void dma_buf_wake_out(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_buf *dmabuf = container_of(cb, struct dma_buf, cb_out.cb);

	wake_up_poll(&dmabuf->poll, EPOLLOUT);
}

/* The two directions: what to watch with, what to wait for, how to wake whom. */
static const struct dma_buf_poll_dir {
	/* offset of the struct dma_buf_poll_cb_t */
	size_t watch;
	enum dma_resv_usage usage;
	dma_fence_func_t wake;
	__poll_t event;
} dma_buf_poll_dirs[] = {
	{ offsetof(struct dma_buf, cb_in), DMA_RESV_USAGE_WRITE, dma_buf_wake_in, EPOLLIN },
	{ offsetof(struct dma_buf, cb_out), DMA_RESV_USAGE_READ, dma_buf_wake_out, EPOLLOUT },
};

static struct dma_buf_poll_cb_t *dma_buf_poll_watch(struct dma_buf *dmabuf,
						    const struct dma_buf_poll_dir *dir)
{
	return (void *)dmabuf + dir->watch;
}

/* Does a watch on @old do for those who wait for @fence? */
static bool dma_buf_watch_does(struct dma_fence *old, struct dma_fence *fence)
{
	struct dma_fence *want, *have = dma_fence_array_first(fence);
	unsigned int i, j = 0;

	/* Both are in the order of the reservation; if not, hooking anew is fine. */
	dma_fence_array_for_each(want, i, old) {
		if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &want->flags))
			continue;
		while (have && have != want)
			have = dma_fence_array_next(fence, ++j);
		if (!have)
			return false;
	}
	/* Last, for from here on the callback is sure to come. */
	return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &old->flags);
}

/* Hook the watch into @fence instead of what it is hooked into; under poll_lock. */
static int dma_buf_hook(struct dma_buf_poll_cb_t *watch, struct dma_fence *fence,
			dma_fence_func_t wake, bool *unhooked)
{
	int ret = -ENOENT;

	if (watch->fence && dma_fence_remove_callback(watch->fence, &watch->cb))
		*unhooked = true;
	if (fence)
		ret = dma_fence_add_callback(fence, &watch->cb, wake);
	/* Pairs with the look without the lock in dma_buf_needs_rewatch(). */
	WRITE_ONCE(watch->fence, ret ? NULL : fence);
	return ret;
}

/*
 * Take the watch off its fence and hook it into @fence, whose reference goes
 * with it; @fence may be NULL. @seq is what dma_buf.poll_seq was before @fence was
 * made. *@unhooked is set when the old fence will not wake anybody any more.
 *
 * Returns 0; -ENOENT when there is no @fence or it has signalled already; -EAGAIN
 * when another poll has been here since, so that @fence may be older than what
 * the watch is hooked into.
 */
static int dma_buf_watch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir,
			 struct dma_fence *fence, unsigned int seq, bool *unhooked)
{
	struct dma_buf_poll_cb_t *watch = dma_buf_poll_watch(dmabuf, dir);
	struct dma_fence *old = NULL;
	int ret = -EAGAIN;

	spin_lock(&dmabuf->poll_lock);
	if (dmabuf->poll_seq == seq) {
		old = watch->fence;
		if (old && fence && dma_buf_watch_does(old, fence)) {
			/* The new one is given back instead. */
			swap(old, fence);
			ret = 0;
		} else {
			ret = dma_buf_hook(watch, fence, dir->wake, unhooked);
		}
		/* Pairs with dma_buf_rewatch(): who sees this looks at fences later. */
		smp_store_release(&dmabuf->poll_seq, seq + 1);
	}
	spin_unlock(&dmabuf->poll_lock);

	/* Releasing a fence is the driver's code: not under a lock. */
	dma_fence_put(old);
	if (ret)
		dma_fence_put(fence);
	return ret;
}

/*
 * Is @fence pending even after signalling was enabled on it? Without that some
 * fences never signal, and others only notice then that they have.
 */
static bool dma_buf_pending(struct dma_fence *fence)
{
	if (!test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		dma_fence_enable_sw_signaling(fence);
	return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/* The first fence that is pending, with a reference, or NULL. */
static struct dma_fence *dma_buf_first_pending(struct dma_resv *resv, enum dma_resv_usage usage)
{
	struct dma_fence *fence, *found = NULL;
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_buf_pending(fence)) {
			found = dma_fence_get(fence);
			break;
		}
	}
	dma_resv_iter_end(&cursor);
	return found;
}

/*
 * One fence for all that is pending, with a reference, or NULL. Without the
 * memory for that the first one has to do: its pollers wake too early, find the
 * buffer busy and get here again.
 */
static struct dma_fence *dma_buf_all_pending(struct dma_resv *resv, enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	if (dma_resv_get_singleton(resv, usage, &fence))
		return dma_buf_first_pending(resv, usage);
	return fence;
}

/*
 * Hook the watch into what is pending right now. Returns false when that is
 * nothing; nobody who sleeps waits for the watch then.
 */
static bool dma_buf_rewatch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir)
{
	bool unhooked = false, pending;
	struct dma_fence *fence;
	unsigned int seq;
	int ret;

	do {
		/* Pairs with dma_buf_watch(): before the fences are looked at. */
		seq = smp_load_acquire(&dmabuf->poll_seq);
		fence = dma_buf_all_pending(dmabuf->resv, dir->usage);
		pending = fence;
		ret = dma_buf_watch(dmabuf, dir, fence, seq, &unhooked);
		if (!ret)
			return true;
	} while (pending || ret == -EAGAIN);

	if (unhooked)
		wake_up_poll(&dmabuf->poll, dir->event);
	return false;
}

/* Is there something to do for the watch, with the buffer @busy or not? */
static bool dma_buf_needs_rewatch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir,
				  bool busy)
{
	/* A watch that is being set up right now is for fences of its own. */
	if (!busy)
		return READ_ONCE(dma_buf_poll_watch(dmabuf, dir)->fence);
	/*
	 * The sleeper that matters is the one this call is made for. It has put
	 * itself into the queue in an earlier call, or just now in poll_wait(),
	 * which has the barrier.
	 */
	return waitqueue_active(&dmabuf->poll);
}

/*
 * Which of the events that are @asked for are ready, in one walk over the fences.
 * Signalling is enabled on those that stand in the way.
 */
static __poll_t dma_buf_ready(struct dma_resv *resv, __poll_t asked)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(asked & EPOLLOUT);
	__poll_t ready = asked;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (!dma_buf_pending(fence))
			continue;
		ready &= ~EPOLLOUT;
		if (dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_WRITE)
			ready &= ~EPOLLIN;
		if (!ready)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ready;
}

static __poll_t dma_buf_poll(struct file *file, poll_table *pt)
{
	struct dma_buf *dmabuf = file->private_data;
	__poll_t asked = poll_requested_events(pt) & (EPOLLIN | EPOLLOUT), ready;
	const struct dma_buf_poll_dir *dir;
	unsigned int i;

	/* Also for no events: epoll may ask for some later, in this queue. */
	poll_wait(file, &dmabuf->poll, pt);
	if (!asked)
		return 0;

	ready = dma_buf_ready(dmabuf->resv, asked);
	for (i = 0; i < ARRAY_SIZE(dma_buf_poll_dirs); i++) {
		dir = &dma_buf_poll_dirs[i];
		if (!(asked & dir->event) ||
		    !dma_buf_needs_rewatch(dmabuf, dir, !(ready & dir->event)))
			continue;
		if (dma_buf_rewatch(dmabuf, dir))
			ready &= ~dir->event;
		else
			ready |= dir->event;
	}
	return ready;
}

/* The last close. Nobody sleeps on the wait queue any more. */
static int dma_buf_file_release(struct inode *inode, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;
	const struct dma_buf_poll_dir *dir;
	bool unhooked;
	unsigned int i;

	dma_buf_registry_del(dmabuf);
	dma_buf_sysfs_del(dmabuf);
	for (i = 0; i < ARRAY_SIZE(dma_buf_poll_dirs); i++) {
		dir = &dma_buf_poll_dirs[i];
		if (dma_buf_poll_watch(dmabuf, dir)->fence)
			dma_buf_watch(dmabuf, dir, NULL, dmabuf->poll_seq, &unhooked);
	}
	return 0;
}

/* DMA_BUF_IOCTL_SYNC */
static long dma_buf_ioctl_sync(struct dma_buf *dmabuf, void __user *arg)
{
	enum dma_data_direction dir;
	struct dma_buf_sync sync;

	if (copy_from_user(&sync, arg, sizeof(sync)))
		return -EFAULT;
	if (sync.flags & ~DMA_BUF_SYNC_VALID_FLAGS_MASK)
		return -EINVAL;

	switch (sync.flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		dir = DMA_FROM_DEVICE;
		break;
	case DMA_BUF_SYNC_WRITE:
		dir = DMA_TO_DEVICE;
		break;
	case DMA_BUF_SYNC_RW:
		dir = DMA_BIDIRECTIONAL;
		break;
	default:
		return -EINVAL;
	}

	if (sync.flags & DMA_BUF_SYNC_END)
		return dma_buf_end_cpu_access(dmabuf, dir);
	return dma_buf_begin_cpu_access(dmabuf, dir);
}

/* DMA_BUF_SET_NAME. Any bytes will do, they are escaped where they show. */
static long dma_buf_ioctl_set_name(struct dma_buf *dmabuf, void __user *arg)
{
	const char *name = strndup_user(arg, DMA_BUF_NAME_LEN);

	if (IS_ERR(name))
		return PTR_ERR(name);

	spin_lock(&dmabuf->name_lock);
	swap(dmabuf->name, name);
	spin_unlock(&dmabuf->name_lock);
	kfree(name);
	return 0;
}

/*
 * Put the name into @buf, printable and terminated. Returns false, with an empty
 * string, when userspace has given none. The caller keeps the buffer alive.
 */
bool dma_buf_name_escaped(struct dma_buf *dmabuf, char buf[static DMA_BUF_NAME_ESCAPED_LEN])
{
	static const char forbidden[] =
		"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"
		"\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\177\\";
	char name[DMA_BUF_NAME_LEN] = "";
	bool named;
	int len;

	spin_lock(&dmabuf->name_lock);
	named = dmabuf->name;
	if (named)
		strscpy(name, dmabuf->name);
	spin_unlock(&dmabuf->name_lock);

	len = string_escape_mem(name, strlen(name), buf, DMA_BUF_NAME_ESCAPED_LEN - 1,
				ESCAPE_OCTAL, forbidden);
	buf[len] = '\0';
	return named;
}

#ifdef CONFIG_SYNC_FILE
/* What DMA_BUF_SYNC_READ and _WRITE allow, out of @flags of a sync_file ioctl. */
static bool dma_buf_access_ok(__u32 flags)
{
	return !(flags & ~DMA_BUF_SYNC_RW) && (flags & DMA_BUF_SYNC_RW);
}

/* What an access with @flags has to wait for, as one fence with a reference. */
static struct dma_fence *dma_buf_access_fence(struct dma_buf *dmabuf, __u32 flags)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(flags & DMA_BUF_SYNC_WRITE);
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(dmabuf->resv, usage, &fence);
	if (ret)
		return ERR_PTR(ret);
	return fence ?: dma_fence_get_stub();
}

/* DMA_BUF_IOCTL_EXPORT_SYNC_FILE. Nobody sees the fd before all is done. */
static long dma_buf_ioctl_export_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	struct dma_buf_export_sync_file args;
	struct sync_file *sync_file;
	struct dma_fence *fence;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!dma_buf_access_ok(args.flags))
		return -EINVAL;

	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0)
		return args.fd;

	fence = dma_buf_access_fence(dmabuf, args.flags);
	if (IS_ERR(fence)) {
		ret = PTR_ERR(fence);
		goto err_fd;
	}
	sync_file = sync_file_open(fence);
	dma_fence_put(fence);
	if (IS_ERR(sync_file)) {
		ret = PTR_ERR(sync_file);
		goto err_fd;
	}
	if (copy_to_user(arg, &args, sizeof(args))) {
		ret = -EFAULT;
		goto err_file;
	}
	fd_install(args.fd, sync_file->file);
	return 0;

err_file:
	fput(sync_file->file);
err_fd:
	put_unused_fd(args.fd);
	return ret;
}

/* Add every fence inside of @head. Containers do not belong in a reservation. */
static int dma_buf_add_fences(struct dma_resv *resv, struct dma_fence *head,
			      enum dma_resv_usage usage)
{
	struct dma_fence_unwrap iter;
	struct dma_fence *fence;
	unsigned int count = 0;
	int ret;

	/*
	 * A chain can only lose links between this walk and the next one, so
	 * what is reserved is enough.
	 */
	dma_fence_unwrap_for_each(fence, &iter, head)
		count++;
	if (!count)
		return 0;

	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, count);
	if (!ret) {
		dma_fence_unwrap_for_each(fence, &iter, head)
			dma_resv_add_fence(resv, fence, usage);
	}
	dma_resv_unlock(resv);
	return ret;
}

/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE */
static long dma_buf_ioctl_import_sync_file(struct dma_buf *dmabuf, void __user *arg)
{
	struct dma_buf_import_sync_file args;
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!dma_buf_access_ok(args.flags))
		return -EINVAL;

	fence = sync_file_get_fence(args.fd);
	if (!fence)
		return -EINVAL;

	usage = args.flags & DMA_BUF_SYNC_WRITE ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;
	ret = dma_buf_add_fences(dmabuf->resv, fence, usage);
	dma_fence_put(fence);
	return ret;
}
#endif

/* Every ioctl; the number says how large the argument is and who writes it. */
static const struct dma_buf_ioctl {
	unsigned int cmd;
	long (*handler)(struct dma_buf *dmabuf, void __user *arg);
} dma_buf_ioctls[] = {
	{ DMA_BUF_IOCTL_SYNC,			dma_buf_ioctl_sync },
	{ DMA_BUF_SET_NAME_A,			dma_buf_ioctl_set_name },
	{ DMA_BUF_SET_NAME_B,			dma_buf_ioctl_set_name },
#ifdef CONFIG_SYNC_FILE
	{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE,	dma_buf_ioctl_export_sync_file },
	{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE,	dma_buf_ioctl_import_sync_file },
#endif
};

static long dma_buf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dma_buf_ioctls); i++) {
		if (dma_buf_ioctls[i].cmd == cmd)
			return dma_buf_ioctls[i].handler(file->private_data, (void __user *)arg);
	}
	return -ENOTTY;
}

/* The lines of /proc/PID/fdinfo/FD. The reader's own reference does not count. */
static void dma_buf_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	seq_printf(m, "size:\t%zu\n", dmabuf->size);
	seq_printf(m, "count:\t%ld\n", file_count(file) - 1);
	seq_printf(m, "exp_name:\t%s\n", dmabuf->exp_name);
	if (dma_buf_name_escaped(dmabuf, name))
		seq_printf(m, "name:\t%s\n", name);
}

const struct file_operations dma_buf_fops = {
	.release = dma_buf_file_release,
	.mmap = dma_buf_file_mmap,
	/* So that an exporter can map large pages. NULL without them. */
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = dma_buf_llseek,
	.poll = dma_buf_poll,
	.unlocked_ioctl = dma_buf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = dma_buf_show_fdinfo,
};
