// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does with a buffer's file descriptor: find out its size, map
 * it, synchronise with devices, give it a name, look at it in /proc. What it does
 * with poll() is in dma-buf-poll.c.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/overflow.h>
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

/* The last close. */
static int dma_buf_file_release(struct inode *inode, struct file *file)
{
	struct dma_buf *dmabuf = file->private_data;

	dma_buf_registry_del(dmabuf);
	dma_buf_sysfs_del(dmabuf);
	dma_buf_poll_stop(dmabuf);
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
