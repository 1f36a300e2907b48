// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer that knows nothing of moves: /dev/dma-buf-import-static.
 *
 * It maps a buffer once and relies on the addresses until it lets go of it. That is
 * easy on the driver and hard on the exporter, whose buffer is pinned all the time.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pretend-device.h"

static struct platform_device *device;

/* A buffer that somebody has given to the device; &file.private_data. */
struct import {
	struct mutex lock;	/* serialises the calls on a file, protects all below */
	struct dma_buf *dmabuf;	/* NULL before SAMPLE_IOCTL_IMPORT */
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
};

/* doc: attach begin */
/* Take the buffer behind @fd. Each step holds what the one before has got. */
static int import_begin(struct import *import, int fd)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *sgt;

	/* A reference; the descriptor itself may be closed right after this. */
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	attach = dma_buf_attach(dmabuf, &device->dev);
	if (IS_ERR(attach)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		dma_buf_detach(dmabuf, attach);
		dma_buf_put(dmabuf);
		return PTR_ERR(sgt);
	}

	import->dmabuf = dmabuf;
	import->attach = attach;
	import->sgt = sgt;
	return 0;
}

/* Undo import_begin(); the device has finished. */
static void import_end(struct import *import)
{
	dma_buf_unmap_attachment_unlocked(import->attach, import->sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(import->dmabuf, import->attach);
	dma_buf_put(import->dmabuf);
}

/* doc: attach end */

/* doc: map begin */
/*
 * Have the device use the buffer, and wait until it is done. What others do with
 * the buffer is over before the device starts; it is the caller's business that
 * they start nothing new meanwhile, for this importer leaves no fence behind.
 */
static int import_run(struct import *import, struct sample_run *run)
{
	bool write = run->flags & SAMPLE_RUN_WRITE;
	long ret;

	/* A reader waits for writers, a writer for readers too. */
	ret = dma_resv_wait_timeout(import->dmabuf->resv, dma_resv_usage_rw(write), true,
				    MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;

	pretend_device_program(import->sgt, run);
	run->maps = 1;
	return 0;
}

/* doc: map end */

static int import_ioctl_import(struct import *import, s32 __user *arg)
{
	s32 fd;

	if (get_user(fd, arg))
		return -EFAULT;
	if (import->dmabuf)
		return -EBUSY;
	return import_begin(import, fd);
}

static int import_ioctl_run(struct import *import, struct sample_run __user *arg)
{
	struct sample_run run;
	int ret;

	if (copy_from_user(&run, arg, sizeof(run)))
		return -EFAULT;
	if (run.flags & ~SAMPLE_RUN_WRITE || !import->dmabuf)
		return -EINVAL;
	ret = import_run(import, &run);
	if (ret)
		return ret;
	return copy_to_user(arg, &run, sizeof(run)) ? -EFAULT : 0;
}

static long importer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct import *import = file->private_data;

	guard(mutex)(&import->lock);
	switch (cmd) {
	case SAMPLE_IOCTL_IMPORT:
		return import_ioctl_import(import, (s32 __user *)arg);
	case SAMPLE_IOCTL_RUN:
		return import_ioctl_run(import, (struct sample_run __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return -ENOMEM;
	mutex_init(&import->lock);
	file->private_data = import;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct import *import = file->private_data;

	if (import->dmabuf)
		import_end(import);
	mutex_destroy(&import->lock);
	kfree(import);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma-buf-import-static",
	.fops = &importer_fops,
};

static int __init importer_init(void)
{
	int ret;

	device = pretend_device_register(importer_misc.name);
	if (IS_ERR(device))
		return PTR_ERR(device);
	ret = misc_register(&importer_misc);
	if (ret)
		platform_device_unregister(device);
	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	misc_deregister(&importer_misc);
	platform_device_unregister(device);
}
module_exit(importer_exit);

MODULE_DESCRIPTION("Sample of a dma-buf importer that needs buffers to stay");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
