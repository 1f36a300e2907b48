// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does with a buffer's file descriptor: find out its size, map
 * it, look at it in /proc. What it does with poll() is in dma-buf-poll.c, with
 * ioctl() in dma-buf-ioctl.c.
 */
#include <linux/dma-buf.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <uapi/linux/dma-buf.h>

#include "dma-buf-internal.h"
#include "dma-buf-trace.h"

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

/*
 * May a process map the buffer? A revocation that this does not see yet waits for
 * the process to leave mmap(), and takes the mapping away again.
 */
static bool dma_buf_may_mmap(struct dma_buf *dmabuf)
{
	if (!READ_ONCE(dmabuf->mmapped))
		WRITE_ONCE(dmabuf->mmapped, true);
	/* Pairs with dma_buf_end_mmaps(): it sees the note, or this the revocation. */
	smp_mb();
	return !dma_buf_is_revoked(dmabuf);
}

static int dma_buf_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dma_buf *dmabuf = file->private_data;
	int ret;

	if (!dmabuf->ops->mmap || !dma_buf_range_ok(dmabuf, vma, vma->vm_pgoff))
		return -EINVAL;
	if (!dma_buf_may_mmap(dmabuf))
		return -ENODEV;

	ret = dmabuf->ops->mmap(dmabuf, vma);
	if (!ret)
		dma_buf_trace_mmap_internal(dmabuf);
	return ret;
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
 * past the end or an argument is missing, -EOVERFLOW when it wraps, -ENODEV when
 * the buffer is revoked, or what the exporter answers.
 */
int dma_buf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma, unsigned long pgoff)
{
	unsigned long end;
	int ret;

	if (WARN_ON(!dmabuf || !vma) || !dmabuf->ops->mmap)
		return -EINVAL;
	if (check_add_overflow(pgoff, vma_pages(vma), &end))
		return -EOVERFLOW;
	if (!dma_buf_range_ok(dmabuf, vma, pgoff))
		return -EINVAL;
	if (!dma_buf_may_mmap(dmabuf))
		return -ENODEV;

	vma_set_file(vma, dmabuf->file);
	vma->vm_pgoff = pgoff;
	ret = dmabuf->ops->mmap(dmabuf, vma);
	if (!ret)
		dma_buf_trace_mmap(dmabuf);
	return ret;
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

/* The lines of /proc/PID/fdinfo/FD but for the name, which comes last. */
void dma_buf_show_facts(struct seq_file *m, struct dma_buf *dmabuf, long count)
{
	seq_printf(m, "size:\t%zu\n", dmabuf->size);
	seq_printf(m, "count:\t%ld\n", count);
	seq_printf(m, "exp_name:\t%s\n", dmabuf->exp_name);
	if (dma_buf_is_revoked(dmabuf))
		seq_puts(m, "revoked:\t1\n");
}

void dma_buf_show_name(struct seq_file *m, struct dma_buf *dmabuf)
{
	char name[DMA_BUF_NAME_ESCAPED_LEN];

	if (dma_buf_name_escaped(dmabuf, name))
		seq_printf(m, "name:\t%s\n", name);
}

static void dma_buf_show_fdinfo(struct seq_file *m, struct file *file)
{
	/* The reader's own reference does not count. */
	dma_buf_show_facts(m, file->private_data, file_count(file) - 1);
	dma_buf_show_name(m, file->private_data);
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
