// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that several devices share: the object itself. Export, references,
 * release, access by the CPU.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fd_slot.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "dma-buf-internal.h"
#include "dma-buf-trace.h"

/**
 * DOC: locking convention
 *
 * There is one lock for importers and exporters to agree on: the reservation,
 * &dma_buf.resv.
 *
 * Called with the reservation held by the importer: dma_buf_pin(),
 * dma_buf_unpin(), dma_buf_map_attachment(), dma_buf_unmap_attachment(),
 * dma_buf_vmap(), dma_buf_vunmap(). Called with it held by the exporter:
 * dma_buf_move_notify(), dma_buf_invalidate_mappings().
 *
 * Called without it, because they take it themselves or call something that
 * does: dma_buf_export(), dma_buf_fd(), dma_buf_get(), dma_buf_put(),
 * dma_buf_attach(), dma_buf_dynamic_attach(), dma_buf_detach(),
 * dma_buf_mmap(), dma_buf_begin_cpu_access(), dma_buf_end_cpu_access(), the same
 * for a range, dma_buf_revoke(), and everything whose name ends in _unlocked.
 *
 * An exporter finds the reservation held in what maps, unmaps or pins:
 * &dma_buf_ops.map_dma_buf and &dma_buf_ops.unmap_dma_buf, &dma_buf_ops.vmap and
 * &dma_buf_ops.vunmap, &dma_buf_ops.pin and &dma_buf_ops.unpin. It finds it free
 * in everything else: when a device comes (&dma_buf_ops.attach) or goes
 * (&dma_buf_ops.detach), around access by the CPU (&dma_buf_ops.mmap,
 * &dma_buf_ops.begin_cpu_access, &dma_buf_ops.end_cpu_access, the same for a
 * range), and at the end (&dma_buf_ops.release).
 *
 * The importer's &dma_buf_attach_ops.move_notify and
 * &dma_buf_attach_ops.invalidate_mappings run with the reservation held.
 */

/**
 * DOC: cpu access
 *
 * The kernel reaches a buffer through dma_buf_vmap(), which gives one address
 * for all of it and keeps that for as long as anybody has asked. Userspace
 * reaches it through mmap() of the file descriptor; a driver that shows
 * buffers under a file of its own forwards that with dma_buf_mmap(). Either is
 * up to the exporter, and either may fail.
 *
 * Whoever touches the memory by one of these ways brackets that with
 * dma_buf_begin_cpu_access() and dma_buf_end_cpu_access(), from userspace
 * DMA_BUF_IOCTL_SYNC. The first waits for the devices' work and then has the
 * exporter make the result visible to the CPU, in this order: caches that are
 * cleaned before a device has finished would hold what was there before. The
 * second makes the CPU's writes visible to devices. Neither keeps others away.
 *
 * Whoever touches a part only says which by dma_buf_begin_cpu_access_range() and
 * dma_buf_end_cpu_access_range(), from userspace DMA_BUF_IOCTL_SYNC_RANGE. The
 * waiting is the same, but the exporter may leave the rest alone; if it does
 * (&dma_buf_ops.begin_cpu_access_range), parts that share no cache line may be
 * accessed at the same time.
 */

static struct vfsmount *dma_buf_mnt;

/*
 * The reservation of a buffer that was exported without one lies right behind
 * the buffer.
 */
static struct dma_resv *dma_buf_own_resv(struct dma_buf *dmabuf)
{
	return (struct dma_resv *)(dmabuf + 1);
}

/* Free what dma_buf_alloc() made. */
static void dma_buf_free(struct dma_buf *dmabuf)
{
	if (dmabuf->resv == dma_buf_own_resv(dmabuf))
		dma_resv_fini(dmabuf->resv);
	kfree(dmabuf->name);
	module_put(dmabuf->owner);
	kfree(dmabuf);
}

/*
 * The path of a buffer in /proc: /dmabuf:NAME. Can run at any time while the
 * file lives, so the name is only looked at under its lock.
 */
static char *dma_buf_dname(struct dentry *dentry, char *buffer, int buflen)
{
	static const char prefix[] = "/dmabuf:";
	char name[DMA_BUF_NAME_ESCAPED_LEN];
	int len;

	dma_buf_name_escaped(dentry->d_fsdata, name);
	len = strlen(prefix) + strlen(name) + 1;
	if (len > buflen)
		return ERR_PTR(-ENAMETOOLONG);

	buffer += buflen - len;
	snprintf(buffer, len, "%s%s", prefix, name);
	return buffer;
}

/*
 * The end of a buffer: neither files nor mappings nor paths are left. The
 * exporter goes first, its callbacks may look at everything.
 */
static void dma_buf_dentry_release(struct dentry *dentry)
{
	struct dma_buf *dmabuf = dentry->d_fsdata;

	/* No file ever came to be when dma_buf_open() failed. */
	if (!dmabuf)
		return;

	WARN(dmabuf->vmapping_counter, "%s: buffer released with %u vmaps\n",
	     dmabuf->exp_name, dmabuf->vmapping_counter);
	WARN(!list_empty(&dmabuf->attachments), "%s: buffer released with devices attached\n",
	     dmabuf->exp_name);

	dmabuf->ops->release(dmabuf);
	dma_buf_free(dmabuf);
}

static const struct dentry_operations dma_buf_dentry_ops = {
	.d_dname = dma_buf_dname,
	.d_release = dma_buf_dentry_release,
};

static int dma_buf_fs_init_context(struct fs_context *fc)
{
	struct pseudo_fs_context *pseudo = init_pseudo(fc, DMA_BUF_MAGIC);

	if (pseudo)
		pseudo->dops = &dma_buf_dentry_ops;
	return pseudo ? 0 : -ENOMEM;
}

/* Never registered, so it cannot be mounted from userspace. */
static struct file_system_type dma_buf_fs_type = {
	.kill_sb = kill_anon_super,
	.init_fs_context = dma_buf_fs_init_context,
	.name = "dmabuf",
};

/* A number for fstat() and sysfs that no buffer ever had before. */
static u64 dma_buf_new_id(void)
{
	static atomic64_t last = ATOMIC64_INIT(0);

	return atomic64_inc_return(&last);
}

/*
 * Say what is wrong with an exporter's description. Callbacks may change once
 * more after the export, so this catches mistakes and guarantees nothing.
 */
static const char *dma_buf_complaint(const struct dma_buf_export_info *info)
{
	const struct dma_buf_ops *ops = info->ops;

	if (!info->priv)
		return "no private data";
	if (!ops || !ops->map_dma_buf || !ops->unmap_dma_buf || !ops->release)
		return "a callback is missing";
	if (!ops->pin != !ops->unpin)
		return "pin and unpin belong together";
	if (ops->pin && ops->cache_sgt_mapping)
		return "a buffer that moves cannot cache its mappings";
	return NULL;
}

/* A buffer without a file, and with a reference to the exporter's module. */
static struct dma_buf *dma_buf_alloc(const struct dma_buf_export_info *info)
{
	size_t size = sizeof(struct dma_buf);
	struct dma_buf *dmabuf;

	if (!info->resv)
		size += sizeof(struct dma_resv);
	dmabuf = kmalloc(size, GFP_KERNEL);
	if (!dmabuf)
		return ERR_PTR(-ENOMEM);
	if (!try_module_get(info->owner)) {
		kfree(dmabuf);
		return ERR_PTR(-ENOENT);
	}

	*dmabuf = (struct dma_buf) {
		.size = info->size,
		.ops = info->ops,
		.exp_name = info->exp_name,
		.owner = info->owner,
		.priv = info->priv,
		.resv = info->resv,
	};
	INIT_LIST_HEAD(&dmabuf->attachments);
	spin_lock_init(&dmabuf->name_lock);
	spin_lock_init(&dmabuf->poll_lock);
	init_waitqueue_head(&dmabuf->poll);
	if (!dmabuf->resv) {
		dmabuf->resv = dma_buf_own_resv(dmabuf);
		dma_resv_init(dmabuf->resv);
	}
	return dmabuf;
}

/*
 * Put a file in front of the buffer. When this succeeds the file owns the
 * buffer, and fput() is the way to get rid of both.
 */
static int dma_buf_open(struct dma_buf *dmabuf, u64 id, int flags)
{
	struct inode *inode = alloc_anon_inode(dma_buf_mnt->mnt_sb);
	struct file *file;

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_ino = id;
	inode->i_size = dmabuf->size;
	inode_set_bytes(inode, dmabuf->size);

	file = alloc_file_pseudo(inode, dma_buf_mnt, "dmabuf", flags, &dma_buf_fops);
	if (IS_ERR(file)) {
		iput(inode);
		return PTR_ERR(file);
	}
	file->private_data = dmabuf;
	file->f_path.dentry->d_fsdata = dmabuf;
	dmabuf->file = file;
	return 0;
}

/**
 * dma_buf_export - make a buffer that can be shared
 * @exp_info: what the buffer is and who takes care of it
 *
 * The caller gets the only reference. The buffer holds @exp_info->owner, and
 * what @exp_info points to, itself excepted, until &dma_buf_ops.release has
 * run. When this fails, release does not run and everything is still the
 * caller's.
 *
 * Context: Process, may sleep.
 *
 * Return: the buffer, or an ERR_PTR: -EINVAL when @exp_info makes no sense
 * (the log says why), -ENOENT when the module is being unloaded, -ENOMEM,
 * -ENFILE when the system has too many files open.
 */
struct dma_buf *dma_buf_export(const struct dma_buf_export_info *exp_info)
{
	const char *complaint = dma_buf_complaint(exp_info);
	struct dma_buf *dmabuf;
	u64 id;
	int ret;

	if (complaint) {
		pr_err("dma_buf: bad export by %s: %s\n", exp_info->exp_name, complaint);
		return ERR_PTR(-EINVAL);
	}

	dmabuf = dma_buf_alloc(exp_info);
	if (IS_ERR(dmabuf))
		return dmabuf;

	id = dma_buf_new_id();
	ret = dma_buf_sysfs_add(dmabuf, id);
	if (ret)
		goto err_free;
	ret = dma_buf_open(dmabuf, id, exp_info->flags);
	if (ret)
		goto err_sysfs;

	dma_buf_registry_add(dmabuf);
	trace_dma_buf_export(dmabuf);
	return dmabuf;

err_sysfs:
	dma_buf_sysfs_del(dmabuf);
err_free:
	dma_buf_free(dmabuf);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_export, DMA_BUF);

/**
 * dma_buf_put - drop a reference
 * @dmabuf: the buffer
 *
 * The last one releases the buffer, from process context and possibly later.
 *
 * Context: Any.
 */
void dma_buf_put(struct dma_buf *dmabuf)
{
	if (WARN_ON(!dmabuf || !dmabuf->file))
		return;

	/* Last chance to look at it. */
	trace_dma_buf_put(dmabuf);
	fput(dmabuf->file);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_put, DMA_BUF);

/* The buffer that a file is of, its own or a narrowed one, or NULL. */
static struct dma_buf *dma_buf_of(struct file *file)
{
	u32 denied;

	if (file->f_op == &dma_buf_fops)
		return file->private_data;
	return dma_buf_narrowed_of(file, &denied);
}

/* A reference to the buffer of @file, which is not the buffer's own, or an ERR_PTR. */
static struct dma_buf *dma_buf_get_narrowed(struct file *file, int fd)
{
	struct dma_buf *dmabuf;
	u32 denied;

	dmabuf = dma_buf_narrowed_of(file, &denied);
	if (!dmabuf)
		return ERR_PTR(-EINVAL);
	if (denied & DMA_BUF_NARROW_NO_DEVICES)
		return ERR_PTR(-EACCES);

	get_dma_buf(dmabuf);
	dma_buf_trace_get(dmabuf, fd);
	return dmabuf;
}

/**
 * dma_buf_get - look up the buffer behind a file descriptor
 * @fd: of the current process
 *
 * All file descriptors of a buffer, narrowed or not, give the same &struct dma_buf.
 *
 * Context: Process.
 *
 * Return: the buffer with a reference for the caller, to be dropped with
 * dma_buf_put(), or an ERR_PTR: -EBADF when nothing is open there, -EINVAL
 * when that is something else, -EACCES when it was narrowed so that no driver may
 * have the buffer.
 */
struct dma_buf *dma_buf_get(int fd)
{
	struct file *file __free(fput) = fget(fd);
	struct dma_buf *dmabuf;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op != &dma_buf_fops)
		return dma_buf_get_narrowed(file, fd);

	dmabuf = no_free_ptr(file)->private_data;
	dma_buf_trace_get(dmabuf, fd);
	return dmabuf;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_get, DMA_BUF);

/*
 * Show a file of a buffer, the buffer's own or a narrowed one, to the process: all
 * of them pass through here. The file is not the caller's any more afterwards, so
 * it is told of before.
 */
static void dma_buf_install(struct dma_buf *dmabuf, int fd, struct file *file)
{
	dma_buf_trace_fd(dmabuf, fd);
	fd_install(fd, file);
}

/**
 * dma_buf_fd - give a buffer to the current process
 * @dmabuf: the buffer
 * @flags: O_CLOEXEC or 0
 *
 * On success the file descriptor takes over the caller's reference. It is
 * public at once: another thread may close it before this returns, so the
 * caller must not touch the buffer afterwards unless it has one more reference,
 * and must not fail any more. Who still has to copy the number to userspace
 * needs a &struct fd_slot instead.
 *
 * Context: Process, may sleep.
 *
 * Return: the file descriptor, or a negative errno, with the reference still
 * the caller's: -EINVAL when @dmabuf is NULL, -EMFILE, -ENOMEM.
 */
int dma_buf_fd(struct dma_buf *dmabuf, int flags)
{
	int fd;

	if (!dmabuf || !dmabuf->file)
		return -EINVAL;

	fd = get_unused_fd_flags(flags);
	if (fd >= 0)
		dma_buf_install(dmabuf, fd, dmabuf->file);
	return fd;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_fd, DMA_BUF);

/**
 * dma_buf_fd_install - publish a buffer at a descriptor that was reserved before
 * @fd: from get_unused_fd_flags()
 * @dmabuf: the buffer
 *
 * What fd_install() is for a file. The descriptor takes over the caller's
 * reference and is public at once, as with dma_buf_fd().
 *
 * Context: Process.
 */
void dma_buf_fd_install(int fd, struct dma_buf *dmabuf)
{
	dma_buf_install(dmabuf, fd, dmabuf->file);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_fd_install, DMA_BUF);

/**
 * dma_buf_fd_publish - publish the buffer in a slot
 * @slot: filled with the file of a buffer; empty afterwards
 *
 * What fd_slot_publish() is for other files::
 *
 *	CLASS(fd_slot, slot)(O_CLOEXEC);
 *	if (slot.fd < 0)
 *		return slot.fd;
 *	dmabuf = dma_buf_export(&info);
 *	if (IS_ERR(dmabuf))
 *		return PTR_ERR(dmabuf);
 *	fd_slot_fill(&slot, dmabuf->file);
 *	if (put_user(slot.fd, &arg->fd))
 *		return -EFAULT;
 *	dma_buf_fd_publish(&slot);
 *	return 0;
 *
 * Context: Process.
 *
 * Return: the descriptor. -EBADF, with a warning, is a bug of the caller: there
 * is no descriptor in the slot, or no buffer. Then nothing is published.
 */
int dma_buf_fd_publish(struct fd_slot *slot)
{
	struct dma_buf *dmabuf = slot->file ? dma_buf_of(slot->file) : NULL;
	int fd = slot->fd;

	if (WARN_ON_ONCE(fd < 0 || !dmabuf))
		return -EBADF;

	dma_buf_install(dmabuf, take_fd(slot->fd), no_free_ptr(slot->file));
	return fd;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_fd_publish, DMA_BUF);

/* Wait for what stands in the way of the CPU; less than 0 is -ERESTARTSYS. */
static long dma_buf_wait(struct dma_buf *dmabuf, enum dma_resv_usage usage)
{
	return dma_resv_wait_timeout(dmabuf->resv, usage, true, MAX_SCHEDULE_TIMEOUT);
}

/**
 * dma_buf_begin_cpu_access - get a buffer ready for the CPU
 * @dmabuf: the buffer
 * @direction: DMA_FROM_DEVICE when the CPU reads, DMA_TO_DEVICE when it writes,
 *	or DMA_BIDIRECTIONAL
 *
 * Waits for pending writers, and for readers too when the CPU writes, then has
 * the exporter do what the architecture needs. When a dynamic exporter moves the
 * buffer for that, the move is waited for as well.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv in some exporters.
 *
 * Return: 0, -ERESTARTSYS when a signal interrupts a wait, -ENODEV when the buffer
 * is revoked, -EINVAL when @dmabuf is NULL, or what the exporter answers.
 */
int dma_buf_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	bool write = direction == DMA_BIDIRECTIONAL || direction == DMA_TO_DEVICE;
	long ret;

	if (WARN_ON(!dmabuf))
		return -EINVAL;
	might_lock(&dmabuf->resv->lock.base);

	ret = dma_buf_wait(dmabuf, dma_resv_usage_rw(write));
	if (ret < 0)
		return ret;
	/* Not before the wait, which may be long: the exporter comes next. */
	if (dma_buf_is_revoked(dmabuf))
		return -ENODEV;
	if (!dmabuf->ops->begin_cpu_access)
		return 0;

	ret = dmabuf->ops->begin_cpu_access(dmabuf, direction);
	/* Only a dynamic exporter moves buffers, and it may have just begun to. */
	if (ret || !dma_buf_is_dynamic(dmabuf))
		return ret;
	return min(dma_buf_wait(dmabuf, DMA_RESV_USAGE_KERNEL), 0);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_begin_cpu_access, DMA_BUF);

/**
 * dma_buf_end_cpu_access - the CPU has finished with a buffer
 * @dmabuf: the buffer
 * @direction: as for dma_buf_begin_cpu_access()
 *
 * Waits for nothing. The contents of a revoked buffer are lost, so that is said.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv in some exporters.
 *
 * Return: 0, -ENODEV when the buffer is revoked, -EINVAL when @dmabuf is NULL, or
 * what the exporter answers.
 */
int dma_buf_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	if (WARN_ON(!dmabuf))
		return -EINVAL;
	might_lock(&dmabuf->resv->lock.base);

	if (dma_buf_is_revoked(dmabuf))
		return -ENODEV;
	if (!dmabuf->ops->end_cpu_access)
		return 0;
	return dmabuf->ops->end_cpu_access(dmabuf, direction);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_end_cpu_access, DMA_BUF);

/* Are these bytes, one at least, inside of the buffer? */
static bool dma_buf_has_bytes(struct dma_buf *dmabuf, size_t offset, size_t length)
{
	return length && length <= dmabuf->size && offset <= dmabuf->size - length;
}

/**
 * dma_buf_begin_cpu_access_range - get a part of a buffer ready for the CPU
 * @dmabuf: the buffer
 * @offset: where the part begins, in bytes
 * @length: how long it is, in bytes; not 0
 * @direction: as for dma_buf_begin_cpu_access()
 *
 * Waits for the same fences as dma_buf_begin_cpu_access(). An exporter without
 * &dma_buf_ops.begin_cpu_access_range does the whole buffer.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv in some exporters.
 *
 * Return: 0, -EINVAL when @dmabuf is NULL, the range is empty or reaches past the
 * end, -ERESTARTSYS when a signal interrupts a wait, -ENODEV when the buffer is
 * revoked, or what the exporter answers.
 */
int dma_buf_begin_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				   enum dma_data_direction direction)
{
	bool write = direction == DMA_BIDIRECTIONAL || direction == DMA_TO_DEVICE;
	long ret;

	if (WARN_ON(!dmabuf) || !dma_buf_has_bytes(dmabuf, offset, length))
		return -EINVAL;
	if (!dmabuf->ops->begin_cpu_access_range)
		return dma_buf_begin_cpu_access(dmabuf, direction);
	might_lock(&dmabuf->resv->lock.base);

	ret = dma_buf_wait(dmabuf, dma_resv_usage_rw(write));
	if (ret < 0)
		return ret;
	if (dma_buf_is_revoked(dmabuf))
		return -ENODEV;
	ret = dmabuf->ops->begin_cpu_access_range(dmabuf, offset, length, direction);
	/* As above: the exporter may have just begun to move the buffer. */
	if (ret || !dma_buf_is_dynamic(dmabuf))
		return ret;
	return min(dma_buf_wait(dmabuf, DMA_RESV_USAGE_KERNEL), 0);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_begin_cpu_access_range, DMA_BUF);

/**
 * dma_buf_end_cpu_access_range - the CPU has finished with a part of a buffer
 * @dmabuf: the buffer
 * @offset: where the part begins, in bytes
 * @length: how long it is, in bytes; not 0
 * @direction: as for dma_buf_begin_cpu_access_range()
 *
 * What was begun as one range may be ended in parts. Waits for nothing.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv in some exporters.
 *
 * Return: 0, -EINVAL when @dmabuf is NULL, the range is empty or reaches past the
 * end, -ENODEV when the buffer is revoked, or what the exporter answers.
 */
int dma_buf_end_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				 enum dma_data_direction direction)
{
	if (WARN_ON(!dmabuf) || !dma_buf_has_bytes(dmabuf, offset, length))
		return -EINVAL;
	if (!dmabuf->ops->end_cpu_access_range)
		return dma_buf_end_cpu_access(dmabuf, direction);
	might_lock(&dmabuf->resv->lock.base);

	if (dma_buf_is_revoked(dmabuf))
		return -ENODEV;
	return dmabuf->ops->end_cpu_access_range(dmabuf, offset, length, direction);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_end_cpu_access_range, DMA_BUF);

/* Fill in the map that all users share. It is clear before and after a failure. */
static int dma_buf_first_vmap(struct dma_buf *dmabuf)
{
	int ret;

	if (!dmabuf->ops->vmap)
		return -EINVAL;

	ret = dmabuf->ops->vmap(dmabuf, &dmabuf->vmap_ptr);
	if (ret)
		iosys_map_clear(&dmabuf->vmap_ptr);
	return ret;
}

/**
 * dma_buf_vmap - map a buffer into the kernel
 * @dmabuf: the buffer
 * @map: gets the address; cleared when this fails
 *
 * All users share one mapping, which lasts until the last of them has called
 * dma_buf_vunmap(). The contents need dma_buf_begin_cpu_access().
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 *
 * Return: 0, -ENODEV when the buffer is revoked, -EINVAL when the exporter cannot
 * do this, or what it answers.
 */
int dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	int ret = 0;

	if (WARN_ON(!dmabuf)) {
		iosys_map_clear(map);
		return -EINVAL;
	}
	dma_resv_assert_held(dmabuf->resv);
	if (dma_buf_is_revoked(dmabuf)) {
		iosys_map_clear(map);
		return -ENODEV;
	}

	if (!dmabuf->vmapping_counter)
		ret = dma_buf_first_vmap(dmabuf);
	if (!ret)
		dmabuf->vmapping_counter++;
	*map = dmabuf->vmap_ptr;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap, DMA_BUF);

/**
 * dma_buf_vmap_unlocked - dma_buf_vmap() that takes the lock
 * @dmabuf: the buffer
 * @map: gets the address; cleared when this fails
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 * Return: see dma_buf_vmap().
 */
int dma_buf_vmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map)
{
	if (WARN_ON(!dmabuf)) {
		iosys_map_clear(map);
		return -EINVAL;
	}

	guard(dma_buf_resv)(dmabuf);
	return dma_buf_vmap(dmabuf, map);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap_unlocked, DMA_BUF);

/**
 * dma_buf_vunmap - undo one dma_buf_vmap()
 * @dmabuf: the buffer
 * @map: what dma_buf_vmap() filled in
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	if (WARN_ON(!dmabuf))
		return;
	dma_resv_assert_held(dmabuf->resv);

	if (WARN_ON(!dmabuf->vmapping_counter || !iosys_map_is_equal(&dmabuf->vmap_ptr, map)))
		return;
	if (--dmabuf->vmapping_counter)
		return;

	if (dmabuf->ops->vunmap)
		dmabuf->ops->vunmap(dmabuf, map);
	iosys_map_clear(&dmabuf->vmap_ptr);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap, DMA_BUF);

/**
 * dma_buf_vunmap_unlocked - dma_buf_vunmap() that takes the lock
 * @dmabuf: the buffer
 * @map: what was filled in
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 */
void dma_buf_vunmap_unlocked(struct dma_buf *dmabuf, struct iosys_map *map)
{
	if (WARN_ON(!dmabuf))
		return;

	guard(dma_buf_resv)(dmabuf);
	dma_buf_vunmap(dmabuf, map);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap_unlocked, DMA_BUF);

static int __init dma_buf_init(void)
{
	dma_buf_mnt = kern_mount(&dma_buf_fs_type);
	if (IS_ERR(dma_buf_mnt))
		return PTR_ERR(dma_buf_mnt);

	return dma_buf_stats_init();
}
subsys_initcall(dma_buf_init);
