// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer that follows a buffer's moves: /dev/dma-buf-import-dynamic.
 *
 * It looks for every job where the buffer is, leaves the job's fence with the
 * buffer, and is told when the buffer goes elsewhere.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fence-producer.h"
#include "pretend-device.h"

static struct platform_device *device;

/* A buffer that somebody has given to the device; &file.private_data. */
struct import {
	struct mutex lock;	/* serialises the calls on a file; outside of the reservation */
	struct dma_buf *dmabuf;	/* NULL before SAMPLE_IOCTL_IMPORT */
	struct dma_buf_attachment *attach;

	/* what follows is protected by &dma_buf.resv */
	struct sg_table *sgt;	/* NULL while the buffer is not mapped */
	bool moved;		/* the buffer is no longer where @sgt says */
	unsigned int maps;
	struct dma_fence *last;	/* of the latest job that was given @sgt */
};

/* doc: move begin */
/*
 * The buffer is about to move. The mapping stays as it is, since the device may be
 * working on it right now, and the exporter waits for that; but no other job gets it.
 */
static void import_move_notify(struct dma_buf_attachment *attach)
{
	struct import *import = attach->importer_priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	import->moved = true;
}

static const struct dma_buf_attach_ops import_attach_ops = {
	.move_notify = import_move_notify,
};

static void import_unmap(struct import *import)
{
	if (!import->sgt)
		return;
	/* The device must have finished before its addresses become invalid. */
	dma_fence_wait(import->last, false);
	dma_buf_unmap_attachment(import->attach, import->sgt, DMA_BIDIRECTIONAL);
	import->sgt = NULL;
}

/* Have a mapping that is right, until the reservation is unlocked at least. */
static int import_validate(struct import *import)
{
	struct sg_table *sgt;

	if (import->sgt && !import->moved)
		return 0;

	import_unmap(import);
	sgt = dma_buf_map_attachment(import->attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	import->sgt = sgt;
	import->moved = false;
	import->maps++;
	return 0;
}

/* doc: move end */

/* doc: attach begin */
static int import_begin(struct import *import, int fd)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;

	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	/* Nothing is mapped yet: that is for the first job to do, and for each after a move. */
	attach = dma_buf_dynamic_attach(dmabuf, &device->dev, &import_attach_ops, import);
	if (IS_ERR(attach)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}

	import->dmabuf = dmabuf;
	import->attach = attach;
	return 0;
}

static void import_end(struct import *import)
{
	dma_resv_lock(import->dmabuf->resv, NULL);
	import_unmap(import);
	dma_resv_unlock(import->dmabuf->resv);

	dma_buf_detach(import->dmabuf, import->attach);
	dma_buf_put(import->dmabuf);
}

/* doc: attach end */

/* doc: map begin */
/* Everything that can fail or has to wait. The reservation is held. */
static int import_prepare(struct import *import, bool write)
{
	struct dma_resv *resv = import->dmabuf->resv;
	long ret;

	/* Room for the job's fence: once that exists, it must not fail to be added. */
	ret = dma_resv_reserve_fences(resv, 1);
	if (ret)
		return ret;
	ret = import_validate(import);
	if (ret)
		return ret;
	/*
	 * For others who use the buffer, and for the exporter that may still be
	 * moving it: a dynamic importer gets its mapping before the move is over.
	 * Hardware that can wait by itself would be given these fences instead.
	 */
	ret = dma_resv_wait_timeout(resv, dma_resv_usage_rw(write), true, MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

/* Start @job, which uses the buffer until its fence signals. The reservation is held. */
static void import_submit(struct import *import, struct sample_job *job, bool write)
{
	enum dma_resv_usage usage = write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;
	struct dma_fence *fence;
	bool cookie;

	/* From the moment others can see the fence, it has to signal without their help. */
	cookie = dma_fence_begin_signalling();
	fence = sample_job_submit(job);
	dma_resv_add_fence(import->dmabuf->resv, fence, usage);
	dma_fence_end_signalling(cookie);

	dma_fence_put(import->last);
	import->last = fence;
}

static int import_run(struct import *import, struct sample_run *run)
{
	bool write = run->flags & SAMPLE_RUN_WRITE;
	struct sample_job *job;
	int ret;

	job = sample_job_alloc(run->ms);
	if (!job)
		return -ENOMEM;
	ret = dma_resv_lock_interruptible(import->dmabuf->resv, NULL);
	if (ret)
		goto err_free;
	ret = import_prepare(import, write);
	if (ret)
		goto err_unlock;

	pretend_device_program(import->sgt, run);
	run->maps = import->maps;
	import_submit(import, job, write);
	dma_resv_unlock(import->dmabuf->resv);
	return 0;

err_unlock:
	dma_resv_unlock(import->dmabuf->resv);
err_free:
	sample_job_free(job);
	return ret;
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
	/* Signalled already: there is no job to wait for. */
	import->last = dma_fence_get_stub();
	file->private_data = import;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct import *import = file->private_data;

	if (import->dmabuf)
		import_end(import);
	dma_fence_put(import->last);
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
	.name = "dma-buf-import-dynamic",
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

MODULE_DESCRIPTION("Sample of a dma-buf importer that follows moves");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
