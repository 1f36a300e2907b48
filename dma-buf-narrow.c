// SPDX-License-Identifier: GPL-2.0-only
/*
 * File descriptors through which less is possible with a buffer.
 */
#include <linux/dma-buf.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <uapi/linux/dma-buf.h>

#include "dma-buf-internal.h"

/**
 * DOC: narrowed file descriptors
 *
 * A process that passes a buffer on may want the other one to look at it only.
 * dup() shares all rights, opening /proc/self/fd/N anew is not possible, and a
 * second dma-buf for the same memory would have fences of its own. So
 * DMA_BUF_IOCTL_NARROW makes a second file of the same dma-buf, for which some
 * things are denied. Nothing gives them back: dup() and passing the descriptor on
 * share the file, and narrowing a narrowed one only takes away more.
 *
 * It is the same buffer in every other respect. Inode number, size, name and path
 * are those of the buffer, poll() waits for the same fences, and dma_buf_get()
 * returns the same &struct dma_buf, so that drivers recognise a buffer that they
 * know, and compare and count as ever. The fdinfo of a narrowed file has one more
 * line, "denied:", with what is not possible.
 *
 * What a driver does with a buffer is beyond that. Devices write to memory as
 * their drivers say, and a driver that has imported the buffer may make another
 * file descriptor of it, with all rights (DRM does on PRIME export). Who may open
 * such a device node can get around everything except
 * %DMA_BUF_NARROW_NO_DEVICES, which lets dma_buf_get() fail, so this is part of
 * %DMA_BUF_NARROW_READ_ONLY. A consumer that needs a device to look at the buffer
 * gets one with %DMA_BUF_NARROW_NO_CPU_WRITE alone, and has to be trusted.
 *
 * Inside, a narrowed file holds a reference to the buffer's own, &dma_buf.file, and
 * hands everything on to that after a look at what is denied. The buffer's own
 * file lives longest, in whatever order descriptors are closed; exporters never
 * get to see another one, and mappings belong to it.
 */

/*
 * What is behind a narrowed file.
 * @dmabuf: the buffer, with a reference
 * @denied: DMA_BUF_NARROW_* flags
 *
 * Constant, and freed with the file.
 */
struct dma_buf_narrowed {
	struct dma_buf *dmabuf;
	u32 denied;
};

static const char * const dma_buf_denials[] = {
	[ilog2(DMA_BUF_NARROW_NO_CPU_WRITE)] = "cpu-write",
	[ilog2(DMA_BUF_NARROW_NO_DEVICES)] = "devices",
	[ilog2(DMA_BUF_NARROW_NO_RENAME)] = "rename",
	[ilog2(DMA_BUF_NARROW_NO_FENCES)] = "fences",
};

static int dma_buf_narrowed_release(struct inode *inode, struct file *file)
{
	struct dma_buf_narrowed *narrowed = file->private_data;

	dma_buf_put(narrowed->dmabuf);
	kfree(narrowed);
	return 0;
}

/*
 * The mapping has its flags by now: it cannot be written, nor made writable, unless
 * this file can. From here on it belongs to the buffer's file, which is what
 * exporters expect and what they take mappings back by.
 */
static int dma_buf_narrowed_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dma_buf_narrowed *narrowed = file->private_data;
	struct file *whole = narrowed->dmabuf->file;

	vma_set_file(vma, whole);
	return call_mmap(whole, vma);
}

static loff_t dma_buf_narrowed_llseek(struct file *file, loff_t offset, int whence)
{
	struct dma_buf_narrowed *narrowed = file->private_data;

	return vfs_llseek(narrowed->dmabuf->file, offset, whence);
}

static __poll_t dma_buf_narrowed_poll(struct file *file, poll_table *pt)
{
	struct dma_buf_narrowed *narrowed = file->private_data;

	return vfs_poll(narrowed->dmabuf->file, pt);
}

static long dma_buf_narrowed_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_buf_narrowed *narrowed = file->private_data;

	return dma_buf_do_ioctl(narrowed->dmabuf, narrowed->denied, cmd, arg);
}

static void dma_buf_narrowed_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct dma_buf_narrowed *narrowed = file->private_data;
	unsigned long denied = narrowed->denied, i;
	char separator = '\t';

	/* The reader holds this file, not the buffer's, which all others are counted by. */
	dma_buf_show_facts(m, narrowed->dmabuf, file_count(narrowed->dmabuf->file));
	seq_puts(m, "denied:");
	for_each_set_bit(i, &denied, ARRAY_SIZE(dma_buf_denials)) {
		seq_printf(m, "%c%s", separator, dma_buf_denials[i]);
		separator = ' ';
	}
	seq_putc(m, '\n');
	dma_buf_show_name(m, narrowed->dmabuf);
}

static const struct file_operations dma_buf_narrowed_fops = {
	.release = dma_buf_narrowed_release,
	.mmap = dma_buf_narrowed_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = dma_buf_narrowed_llseek,
	.poll = dma_buf_narrowed_poll,
	.unlocked_ioctl = dma_buf_narrowed_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = dma_buf_narrowed_show_fdinfo,
};

/* The buffer that a narrowed file is of, and what is denied; NULL for other files. */
struct dma_buf *dma_buf_narrowed_of(struct file *file, u32 *denied)
{
	struct dma_buf_narrowed *narrowed = file->private_data;

	if (file->f_op != &dma_buf_narrowed_fops)
		return NULL;
	*denied = narrowed->denied;
	return narrowed->dmabuf;
}

/* How the file is to be opened: as the buffer's, less writing if that is denied. */
static int dma_buf_narrowed_mode(struct dma_buf *dmabuf, u32 denied)
{
	if (!(denied & DMA_BUF_NARROW_NO_CPU_WRITE))
		return dmabuf->file->f_flags & O_ACCMODE;
	/* O_ACCMODE: neither reading nor writing, which is all that is left. */
	return dmabuf->file->f_mode & FMODE_READ ? O_RDONLY : O_ACCMODE;
}

/*
 * A file of @dmabuf, not in any process yet, for which @denied is denied. The caller
 * has a reference to the buffer and gets one to the file, or -ENOMEM or -ENFILE.
 */
struct file *dma_buf_narrowed_open(struct dma_buf *dmabuf, u32 denied)
{
	struct dma_buf_narrowed *narrowed = kmalloc(sizeof(*narrowed), GFP_KERNEL);
	struct file *file;

	if (!narrowed)
		return ERR_PTR(-ENOMEM);
	file = alloc_file_clone(dmabuf->file, dma_buf_narrowed_mode(dmabuf, denied),
				&dma_buf_narrowed_fops);
	if (IS_ERR(file)) {
		kfree(narrowed);
		return file;
	}

	get_dma_buf(dmabuf);
	narrowed->dmabuf = dmabuf;
	narrowed->denied = denied;
	file->private_data = narrowed;
	return file;
}
