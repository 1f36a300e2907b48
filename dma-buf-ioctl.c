// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process can ask of a buffer by ioctl(): access by the CPU, a name, fences,
 * a descriptor with fewer rights.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/fd_slot.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>

#include "dma-buf-internal.h"
#include "sync_file-internal.h"

/*
 * Read an argument whose structure may grow: @size bytes of it, which have to be
 * @first at least, the size of the first version. Returns 0, -EINVAL, -EFAULT, or
 * -E2BIG when something is set that this kernel does not know.
 */
static int dma_buf_get_args(void *args, size_t known, size_t first,
			    const void __user *arg, size_t size)
{
	return size < first ? -EINVAL : copy_struct_from_user(args, known, arg, size);
}

/* What the CPU does by the flags of a sync ioctl; DMA_NONE if they make no sense. */
static enum dma_data_direction dma_buf_sync_dir(u64 flags)
{
	if (flags & ~(u64)DMA_BUF_SYNC_VALID_FLAGS_MASK)
		return DMA_NONE;

	switch (flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		return DMA_FROM_DEVICE;
	case DMA_BUF_SYNC_WRITE:
		return DMA_TO_DEVICE;
	case DMA_BUF_SYNC_RW:
		return DMA_BIDIRECTIONAL;
	default:
		return DMA_NONE;
	}
}

/* May the CPU not do this? */
static bool dma_buf_denies_cpu(u32 denied, enum dma_data_direction dir)
{
	return denied & DMA_BUF_NARROW_NO_CPU_WRITE && dir != DMA_FROM_DEVICE;
}

/* DMA_BUF_IOCTL_SYNC */
static long dma_buf_ioctl_sync(struct dma_buf *dmabuf, u32 denied, void __user *arg,
			       size_t size)
{
	enum dma_data_direction dir;
	struct dma_buf_sync sync;

	if (copy_from_user(&sync, arg, sizeof(sync)))
		return -EFAULT;
	dir = dma_buf_sync_dir(sync.flags);
	if (dir == DMA_NONE)
		return -EINVAL;
	if (dma_buf_denies_cpu(denied, dir))
		return -EACCES;

	if (sync.flags & DMA_BUF_SYNC_END)
		return dma_buf_end_cpu_access(dmabuf, dir);
	return dma_buf_begin_cpu_access(dmabuf, dir);
}

/* DMA_BUF_IOCTL_SYNC_RANGE */
static long dma_buf_ioctl_sync_range(struct dma_buf *dmabuf, u32 denied, void __user *arg,
				     size_t size)
{
	const size_t first = offsetofend(struct dma_buf_sync_range, length);
	struct dma_buf_sync_range sync;
	enum dma_data_direction dir;
	int ret;

	ret = dma_buf_get_args(&sync, sizeof(sync), first, arg, size);
	if (ret)
		return ret;
	dir = dma_buf_sync_dir(sync.flags);
	if (dir == DMA_NONE || sync.pad)
		return -EINVAL;
	if (overflows_type(sync.offset, size_t) || overflows_type(sync.length, size_t))
		return -EINVAL;
	if (dma_buf_denies_cpu(denied, dir))
		return -EACCES;

	if (sync.flags & DMA_BUF_SYNC_END)
		return dma_buf_end_cpu_access_range(dmabuf, sync.offset, sync.length, dir);
	return dma_buf_begin_cpu_access_range(dmabuf, sync.offset, sync.length, dir);
}

/* DMA_BUF_SET_NAME. Any bytes will do, they are escaped where they show. */
static long dma_buf_ioctl_set_name(struct dma_buf *dmabuf, u32 denied, void __user *arg,
				   size_t size)
{
	const char *name;

	if (denied & DMA_BUF_NARROW_NO_RENAME)
		return -EACCES;
	name = strndup_user(arg, DMA_BUF_NAME_LEN);
	if (IS_ERR(name))
		return PTR_ERR(name);

	spin_lock(&dmabuf->name_lock);
	swap(dmabuf->name, name);
	spin_unlock(&dmabuf->name_lock);
	kfree(name);
	return 0;
}

/* Do @flags, of an ioctl about fences, name an access and nothing else? */
static bool dma_buf_access_ok(__u32 flags)
{
	return !(flags & ~DMA_BUF_SYNC_RW) && (flags & DMA_BUF_SYNC_RW);
}

/* The fences that an access with @flags has to wait for. */
static enum dma_resv_usage dma_buf_access_usage(__u32 flags)
{
	return dma_resv_usage_rw(flags & DMA_BUF_SYNC_WRITE);
}

/* DMA_BUF_IOCTL_SET_DEADLINE */
static long dma_buf_ioctl_set_deadline(struct dma_buf *dmabuf, u32 denied, void __user *arg,
				       size_t size)
{
	const size_t first = offsetofend(struct dma_buf_set_deadline, pad);
	struct dma_buf_set_deadline args;
	int ret;

	ret = dma_buf_get_args(&args, sizeof(args), first, arg, size);
	if (ret)
		return ret;
	if (!dma_buf_access_ok(args.flags) || args.pad)
		return -EINVAL;

	/* A time that ktime_t cannot hold is far away, not in the past. */
	dma_resv_set_deadline(dmabuf->resv, dma_buf_access_usage(args.flags),
			      ns_to_ktime(min_t(u64, args.deadline_ns, KTIME_MAX)));
	return 0;
}

/* DMA_BUF_IOCTL_NARROW */
static long dma_buf_ioctl_narrow(struct dma_buf *dmabuf, u32 denied, void __user *arg,
				 size_t size)
{
	const size_t first = offsetofend(struct dma_buf_narrow, pad);
	struct dma_buf_narrow __user *user = arg;
	struct dma_buf_narrow args;
	struct file *file;
	int ret;

	ret = dma_buf_get_args(&args, sizeof(args), first, arg, size);
	if (ret)
		return ret;
	if (!args.flags || args.flags & ~DMA_BUF_NARROW_VALID_FLAGS)
		return -EINVAL;
	if (args.fd_flags & ~O_CLOEXEC || args.pad)
		return -EINVAL;

	CLASS(fd_slot, slot)(args.fd_flags);
	if (slot.fd < 0)
		return slot.fd;
	file = dma_buf_narrowed_open(dmabuf, denied | args.flags);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd_slot_fill(&slot, file);

	if (put_user(slot.fd, &user->fd))
		return -EFAULT;
	dma_buf_fd_publish(&slot);
	return 0;
}

#ifdef CONFIG_SYNC_FILE
/* What an access with @flags has to wait for, as one fence with a reference. */
static struct dma_fence *dma_buf_access_fence(struct dma_buf *dmabuf, __u32 flags)
{
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(dmabuf->resv, dma_buf_access_usage(flags), &fence);
	if (ret)
		return ERR_PTR(ret);
	return fence ?: dma_fence_get_stub();
}

/* DMA_BUF_IOCTL_EXPORT_SYNC_FILE */
static long dma_buf_ioctl_export_sync_file(struct dma_buf *dmabuf, u32 denied, void __user *arg,
					   size_t size)
{
	struct dma_buf_export_sync_file args;
	struct sync_file *sync_file;
	struct dma_fence *fence;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!dma_buf_access_ok(args.flags))
		return -EINVAL;

	CLASS(fd_slot, slot)(O_CLOEXEC);
	if (slot.fd < 0)
		return slot.fd;

	fence = dma_buf_access_fence(dmabuf, args.flags);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	sync_file = sync_file_open(fence);
	dma_fence_put(fence);
	if (IS_ERR(sync_file))
		return PTR_ERR(sync_file);
	fd_slot_fill(&slot, sync_file->file);

	args.fd = slot.fd;
	if (copy_to_user(arg, &args, sizeof(args)))
		return -EFAULT;
	fd_slot_publish(&slot);
	return 0;
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

/* May nobody be kept waiting for an access with @flags? */
static bool dma_buf_denies_fence(u32 denied, __u32 flags)
{
	if (denied & DMA_BUF_NARROW_NO_FENCES)
		return true;
	/* Where neither the CPU nor a device can write there is no write to wait for. */
	return flags & DMA_BUF_SYNC_WRITE &&
	       (denied & DMA_BUF_NARROW_READ_ONLY) == DMA_BUF_NARROW_READ_ONLY;
}

/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE */
static long dma_buf_ioctl_import_sync_file(struct dma_buf *dmabuf, u32 denied, void __user *arg,
					   size_t size)
{
	struct dma_buf_import_sync_file args;
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!dma_buf_access_ok(args.flags))
		return -EINVAL;
	if (dma_buf_denies_fence(denied, args.flags))
		return -EACCES;

	fence = sync_file_get_fence(args.fd);
	if (!fence)
		return -EINVAL;

	usage = args.flags & DMA_BUF_SYNC_WRITE ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;
	ret = dma_buf_add_fences(dmabuf->resv, fence, usage);
	if (!ret)
		dma_buf_poll_rearm(dmabuf);
	dma_fence_put(fence);
	return ret;
}
#endif

/* The bits of a number that say what is asked for, when the structure may grow. */
#define DMA_BUF_IOCTL_GROWS	(~((unsigned int)_IOC_SIZEMASK << _IOC_SIZESHIFT))
#define DMA_BUF_IOCTL_FIXED	(~0U)

/*
 * Every ioctl; the number says how large the argument is and who writes it, @mask
 * which bits of that matter.
 */
static const struct dma_buf_ioctl {
	unsigned int cmd;
	unsigned int mask;
	long (*handler)(struct dma_buf *dmabuf, u32 denied, void __user *arg, size_t size);
} dma_buf_ioctls[] = {
	{ DMA_BUF_IOCTL_SYNC, DMA_BUF_IOCTL_FIXED, dma_buf_ioctl_sync },
	{ DMA_BUF_SET_NAME_A, DMA_BUF_IOCTL_FIXED, dma_buf_ioctl_set_name },
	{ DMA_BUF_SET_NAME_B, DMA_BUF_IOCTL_FIXED, dma_buf_ioctl_set_name },
#ifdef CONFIG_SYNC_FILE
	{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE, DMA_BUF_IOCTL_FIXED, dma_buf_ioctl_export_sync_file },
	{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE, DMA_BUF_IOCTL_FIXED, dma_buf_ioctl_import_sync_file },
#endif
	{ DMA_BUF_IOCTL_SYNC_RANGE, DMA_BUF_IOCTL_GROWS, dma_buf_ioctl_sync_range },
	{ DMA_BUF_IOCTL_SET_DEADLINE, DMA_BUF_IOCTL_GROWS, dma_buf_ioctl_set_deadline },
	{ DMA_BUF_IOCTL_NARROW, DMA_BUF_IOCTL_GROWS, dma_buf_ioctl_narrow },
};

/* An ioctl by somebody to whom @denied is denied. */
long dma_buf_do_ioctl(struct dma_buf *dmabuf, u32 denied, unsigned int cmd, unsigned long arg)
{
	const struct dma_buf_ioctl *ioctl;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dma_buf_ioctls); i++) {
		ioctl = &dma_buf_ioctls[i];
		if (!((cmd ^ ioctl->cmd) & ioctl->mask))
			return ioctl->handler(dmabuf, denied, (void __user *)arg, _IOC_SIZE(cmd));
	}
	return -ENOTTY;
}

long dma_buf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return dma_buf_do_ioctl(file->private_data, 0, cmd, arg);
}
