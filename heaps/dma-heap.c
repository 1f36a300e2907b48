// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps: a device node for each kind of memory that userspace can ask for
 * buffers of, and the ioctl by which it asks.
 */
#include <linux/cdev.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/fcntl.h>
#include <linux/fd_slot.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>
#include <uapi/linux/dma-heap.h>

#include "heaps.h"

/**
 * struct dma_heap - a kind of memory
 * @name: what the node in /dev/dma_heap is called
 * @ops: of the exporter
 * @priv: the exporter's
 *
 * Lives forever once dma_heap_add() has succeeded, and never changes.
 */
struct dma_heap {
	const char *name;
	const struct dma_heap_ops *ops;
	void *priv;
};

/*
 * Every heap by its minor number. Whoever holds the lock sees heaps that are
 * there to stay and names that are taken for good.
 */
static DEFINE_XARRAY_ALLOC(dma_heaps);
static DEFINE_MUTEX(dma_heaps_lock);

static dev_t dma_heap_devt;
static struct cdev dma_heap_cdev;

bool dma_heap_mem_accounting __ro_after_init;
EXPORT_SYMBOL_NS_GPL(dma_heap_mem_accounting, DMA_BUF_HEAP);
module_param_named(mem_accounting, dma_heap_mem_accounting, bool, 0444);
MODULE_PARM_DESC(mem_accounting,
		 "Charge what heaps allocate to the memory cgroup of the process that asked");

/**
 * dma_heap_get_drvdata - get what the exporter of a heap has kept there
 * @heap: the heap
 *
 * Context: Any.
 * Return: &dma_heap_export_info.priv of dma_heap_add().
 */
void *dma_heap_get_drvdata(struct dma_heap *heap)
{
	return heap->priv;
}
EXPORT_SYMBOL_NS_GPL(dma_heap_get_drvdata, DMA_BUF_HEAP);

/**
 * dma_heap_get_name - get the name of a heap
 * @heap: the heap
 *
 * Context: Any.
 * Return: the name, which stays as long as the system runs.
 */
const char *dma_heap_get_name(struct dma_heap *heap)
{
	return heap->name;
}
EXPORT_SYMBOL_NS_GPL(dma_heap_get_name, DMA_BUF_HEAP);

static int dma_heap_open(struct inode *inode, struct file *file)
{
	struct dma_heap *heap;

	scoped_guard(mutex, &dma_heaps_lock)
		heap = xa_load(&dma_heaps, iminor(inode));
	if (!heap)
		return -ENODEV;

	file->private_data = heap;
	return nonseekable_open(inode, file);
}

/* The length in whole pages, or 0 when there is no such buffer. */
static unsigned long dma_heap_aligned(u64 len)
{
	/* Only the last page that a pointer reaches would wrap. */
	if (len > (ULONG_MAX & PAGE_MASK))
		return 0;
	return PAGE_ALIGN(len);
}

static struct dma_buf *dma_heap_allocate(struct dma_heap *heap,
					 const struct dma_heap_allocation_data *data)
{
	unsigned long len = dma_heap_aligned(data->len);

	if (data->fd)
		return ERR_PTR(-EINVAL);
	if (data->fd_flags & ~DMA_HEAP_VALID_FD_FLAGS)
		return ERR_PTR(-EINVAL);
	/* Neither O_RDONLY nor O_WRONLY nor O_RDWR: a file good for nothing. */
	if ((data->fd_flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	if (data->heap_flags & ~DMA_HEAP_VALID_HEAP_FLAGS)
		return ERR_PTR(-EINVAL);
	if (!len)
		return ERR_PTR(-EINVAL);

	return heap->ops->allocate(heap, len, data->fd_flags, data->heap_flags);
}

/* DMA_HEAP_IOCTL_ALLOC with @size bytes of argument. */
static long dma_heap_ioctl_alloc(struct dma_heap *heap, void __user *arg, size_t size)
{
	struct dma_heap_allocation_data data = {};
	struct dma_buf *dmabuf;

	size = min(size, sizeof(data));
	if (copy_from_user(&data, arg, size))
		return -EFAULT;

	dmabuf = dma_heap_allocate(heap, &data);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	CLASS(fd_slot, slot)(data.fd_flags & O_CLOEXEC);
	fd_slot_fill(&slot, dmabuf->file);
	if (slot.fd < 0)
		return slot.fd;
	data.fd = slot.fd;
	if (copy_to_user(arg, &data, size))
		return -EFAULT;
	dma_buf_fd_publish(&slot);
	return 0;
}

/*
 * There is one command. The size in its number is that of the caller's
 * structure, so it is taken apart; a structure that does not hold the fd, or
 * that the caller does not expect to be written, would make the fd a leak.
 */
static long dma_heap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int alloc = DMA_HEAP_IOCTL_ALLOC;

	if (_IOC_TYPE(cmd) != _IOC_TYPE(alloc) || _IOC_NR(cmd) != _IOC_NR(alloc) ||
	    _IOC_DIR(cmd) != _IOC_DIR(alloc))
		return -EINVAL;
	if (_IOC_SIZE(cmd) < offsetofend(struct dma_heap_allocation_data, fd))
		return -EINVAL;

	return dma_heap_ioctl_alloc(file->private_data, (void __user *)arg, _IOC_SIZE(cmd));
}

static const struct file_operations dma_heap_fops = {
	.owner = THIS_MODULE,
	.open = dma_heap_open,
	.unlocked_ioctl = dma_heap_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static char *dma_heap_devnode(const struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "dma_heap/%s", dev_name(dev));
}

static const struct class dma_heap_class = {
	.name = "dma_heap",
	.devnode = dma_heap_devnode,
};

static bool dma_heap_name_taken(const char *name)
{
	struct dma_heap *heap;
	unsigned long minor;

	xa_for_each(&dma_heaps, minor, heap) {
		if (!strcmp(heap->name, name))
			return true;
	}
	return false;
}

/*
 * Heaps cannot be taken away, so neither can the module that brings one; its
 * callback tells which that is. The reference is never dropped.
 */
static void dma_heap_keep_module(const struct dma_heap_ops *ops)
{
	guard(preempt)();
	__module_get(__module_address((unsigned long)ops->allocate));
}

/* Give the heap a number and a node. */
static int dma_heap_register(struct dma_heap *heap)
{
	struct device *dev;
	u32 minor;
	int ret;

	guard(mutex)(&dma_heaps_lock);

	if (dma_heap_name_taken(heap->name))
		return -EEXIST;
	ret = xa_alloc(&dma_heaps, &minor, heap, XA_LIMIT(0, MINORMASK), GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -ENOSPC : ret;

	dev = device_create(&dma_heap_class, NULL, MKDEV(MAJOR(dma_heap_devt), minor), NULL,
			    "%s", heap->name);
	if (IS_ERR(dev)) {
		xa_erase(&dma_heaps, minor);
		return PTR_ERR(dev);
	}
	dma_heap_keep_module(heap->ops);
	return 0;
}

/**
 * dma_heap_add - let userspace allocate from a kind of memory
 * @exp_info: what it is called and who takes care of it; may go away afterwards
 *
 * Makes /dev/dma_heap/NAME, which can be opened before this returns. It is
 * there for good, and a module that has added a heap cannot be unloaded any
 * more. Its init function must not fail afterwards.
 *
 * Context: Process, may sleep.
 *
 * Return: the heap, or an ERR_PTR: -EINVAL for no name, one with a slash, or no
 * allocate callback, -EEXIST when the name is taken, -ENOSPC when there are 2^20
 * heaps, -ENOMEM.
 */
struct dma_heap *dma_heap_add(const struct dma_heap_export_info *exp_info)
{
	struct dma_heap *heap;
	int ret = -ENOMEM;

	if (!exp_info->name || !*exp_info->name || strchr(exp_info->name, '/'))
		return ERR_PTR(-EINVAL);
	if (!exp_info->ops || !exp_info->ops->allocate)
		return ERR_PTR(-EINVAL);

	heap = kzalloc(sizeof(*heap), GFP_KERNEL);
	if (!heap)
		return ERR_PTR(-ENOMEM);
	heap->ops = exp_info->ops;
	heap->priv = exp_info->priv;
	heap->name = kstrdup(exp_info->name, GFP_KERNEL);
	if (!heap->name)
		goto err_free;

	ret = dma_heap_register(heap);
	if (ret)
		goto err_free;
	return heap;

err_free:
	kfree(heap->name);
	kfree(heap);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(dma_heap_add, DMA_BUF_HEAP);

static int __init dma_heap_init(void)
{
	int ret = class_register(&dma_heap_class);

	if (ret)
		return ret;

	ret = alloc_chrdev_region(&dma_heap_devt, 0, MINORMASK + 1, "dma_heap");
	if (ret)
		goto err_class;

	cdev_init(&dma_heap_cdev, &dma_heap_fops);
	ret = cdev_add(&dma_heap_cdev, dma_heap_devt, MINORMASK + 1);
	if (ret)
		goto err_region;
	return 0;

err_region:
	unregister_chrdev_region(dma_heap_devt, MINORMASK + 1);
err_class:
	class_unregister(&dma_heap_class);
	return ret;
}
subsys_initcall(dma_heap_init);
