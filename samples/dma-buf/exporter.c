// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose buffers may move: /dev/dma-buf-exporter.
 *
 * The memory is ordinary pages, and to move is to copy them into others. With
 * memory of a device it is the same, but for who copies.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dma-buf-sample.h"

#define SIZE_LIMIT	SZ_64M

/*
 * Where a buffer lies, or lay before it moved. Its pages go to nobody else while
 * a device may still have a mapping of them, however late the importer drops it.
 */
struct place {
	struct kref refs;	/* one for the buffer, one for each mapping */
	unsigned int pages;
	struct page *page[] __counted_by(pages);
};

/* &dma_buf.priv; all of it is protected by &dma_buf.resv. */
struct buffer {
	struct place *place;
	/* of &struct mapping */
	struct list_head mappings;
	/* not 0: somebody relies on the buffer to stay */
	unsigned int pins;
};

/* What a device sees of a buffer. */
struct mapping {
	struct sg_table table;
	struct device *dev;
	enum dma_data_direction dir;
	struct place *place;
	/* in &buffer.mappings, under &dma_buf.resv */
	struct list_head node;
};

static void place_free(struct kref *refs)
{
	struct place *place = container_of(refs, struct place, refs);
	unsigned int i;

	for (i = 0; i < place->pages && place->page[i]; i++)
		__free_page(place->page[i]);
	kvfree(place);
}

static void place_put(struct place *place)
{
	kref_put(&place->refs, place_free);
}

/*
 * The pages are zeroed, for what was in them is not the new owner's business, and
 * charged to whoever asks for them.
 */
static struct place *place_alloc(unsigned int pages)
{
	struct place *place = kvzalloc(struct_size(place, page, pages), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!place)
		return NULL;
	kref_init(&place->refs);
	place->pages = pages;
	for (i = 0; i < pages; i++) {
		place->page[i] = alloc_page(GFP_HIGHUSER | __GFP_ZERO | __GFP_ACCOUNT);
		if (!place->page[i]) {
			place_put(place);
			return NULL;
		}
	}
	return place;
}

/* doc: attach begin */
/*
 * A device announces itself. This is the moment to turn it down if it can never
 * reach the memory, and to make up one's mind about where the memory should be.
 * Pages like ours suit whatever does DMA.
 */
static int buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	return attach->dev->dma_mask ? 0 : -EINVAL;
}

/*
 * Having these two makes the exporter a dynamic one: buffers move unless they are
 * pinned. An importer pins that cannot follow a move, and the core does so for
 * importers that know nothing of moves. The reservation is held.
 */
static int buffer_pin(struct dma_buf_attachment *attach)
{
	struct buffer *buffer = attach->dmabuf->priv;

	buffer->pins++;
	return 0;
}

static void buffer_unpin(struct dma_buf_attachment *attach)
{
	struct buffer *buffer = attach->dmabuf->priv;

	buffer->pins--;
}

/* doc: attach end */

/* doc: map begin */
/*
 * Tell a device where the buffer is. Each call makes a list of its own, for the
 * addresses are those of this device, and after a move an importer may for a while
 * have two. The reservation is held.
 */
static struct sg_table *buffer_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct buffer *buffer = attach->dmabuf->priv;
	struct place *place = buffer->place;
	struct mapping *mapping;
	int ret;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return ERR_PTR(-ENOMEM);

	ret = sg_alloc_table_from_pages_segment(&mapping->table, place->page, place->pages, 0,
						(size_t)place->pages << PAGE_SHIFT,
						dma_get_max_seg_size(attach->dev), GFP_KERNEL);
	if (ret)
		goto err_free;
	/* Makes what the CPU has written visible to the device as well. */
	ret = dma_map_sgtable(attach->dev, &mapping->table, dir, 0);
	if (ret)
		goto err_table;

	mapping->dev = attach->dev;
	mapping->dir = dir;
	mapping->place = place;
	kref_get(&place->refs);
	list_add(&mapping->node, &buffer->mappings);
	return &mapping->table;

err_table:
	sg_free_table(&mapping->table);
err_free:
	kfree(mapping);
	return ERR_PTR(ret);
}

static void buffer_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			 enum dma_data_direction dir)
{
	struct mapping *mapping = container_of(table, struct mapping, table);

	list_del(&mapping->node);
	dma_unmap_sgtable(mapping->dev, table, dir, 0);
	sg_free_table(table);
	place_put(mapping->place);
	kfree(mapping);
}

/* doc: map end */

/* doc: cpu-access begin */
/* Show the CPU what devices have written. The reservation is held. */
static void buffer_sync_for_cpu(struct buffer *buffer)
{
	struct mapping *mapping;

	list_for_each_entry(mapping, &buffer->mappings, node) {
		/* The others are of a place where the buffer was once. */
		if (mapping->place == buffer->place)
			dma_sync_sgtable_for_cpu(mapping->dev, &mapping->table, mapping->dir);
	}
}

/* The core has waited for the fences that are in the way of this access. */
static int buffer_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	int ret = dma_resv_lock_interruptible(dmabuf->resv, NULL);

	if (ret)
		return ret;
	buffer_sync_for_cpu(dmabuf->priv);
	dma_resv_unlock(dmabuf->resv);
	return 0;
}

/* Not interruptible: a process that gave up half way would leave the caches stale. */
static int buffer_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct buffer *buffer = dmabuf->priv;
	struct mapping *mapping;

	dma_resv_lock(dmabuf->resv, NULL);
	list_for_each_entry(mapping, &buffer->mappings, node) {
		if (mapping->place != buffer->place)
			continue;
		/* If the CPU only read, nothing of it may overwrite what a device writes. */
		dma_sync_sgtable_for_device(mapping->dev, &mapping->table,
					    mapping->dir == DMA_BIDIRECTIONAL ? dir : mapping->dir);
	}
	dma_resv_unlock(dmabuf->resv);
	return 0;
}

/*
 * A process touches a page that it has not touched since the last move, which has
 * taken its mappings away. While a buffer moves, this waits.
 */
static vm_fault_t buffer_fault(struct vm_fault *vmf)
{
	struct dma_buf *dmabuf = vmf->vma->vm_private_data;
	struct buffer *buffer = dmabuf->priv;
	vm_fault_t ret;

	/* A signal is handled first; then the process faults again. */
	if (dma_resv_lock_interruptible(dmabuf->resv, NULL))
		return VM_FAULT_NOPAGE;
	ret = vmf_insert_pfn(vmf->vma, vmf->address,
			     page_to_pfn(buffer->place->page[vmf->pgoff]));
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

static const struct vm_operations_struct buffer_vm_ops = {
	.fault = buffer_fault,
};

/* The core has checked that all of the mapping is inside of the buffer. */
static int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	/* A private copy would never see what devices write. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = dmabuf;
	vma->vm_ops = &buffer_vm_ops;
	return 0;
}

/* doc: cpu-access end */

/* doc: export begin */
static void buffer_free(struct buffer *buffer)
{
	place_put(buffer->place);
	kfree(buffer);
}

/* The last descriptor, mapping and reference is gone, and no device is attached. */
static void buffer_release(struct dma_buf *dmabuf)
{
	buffer_free(dmabuf->priv);
}

static const struct dma_buf_ops buffer_ops = {
	.attach = buffer_attach,
	.pin = buffer_pin,
	.unpin = buffer_unpin,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.begin_cpu_access = buffer_begin_cpu_access,
	.end_cpu_access = buffer_end_cpu_access,
	.mmap = buffer_mmap,
	.release = buffer_release,
};

static struct buffer *buffer_alloc(size_t size)
{
	struct buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);

	if (!buffer)
		return NULL;
	INIT_LIST_HEAD(&buffer->mappings);
	buffer->place = place_alloc(size >> PAGE_SHIFT);
	if (!buffer->place) {
		kfree(buffer);
		return NULL;
	}
	return buffer;
}

/* Make a buffer and give it to the current process; returns the file descriptor. */
static int buffer_export(u64 size)
{
	/* Fills in the exporter's name and this module, which the buffer keeps loaded. */
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct buffer *buffer;
	int fd;

	/* A program that asks for less than a page could not map what it gets. */
	if (!size || size > SIZE_LIMIT)
		return -EINVAL;
	size = PAGE_ALIGN(size);

	buffer = buffer_alloc(size);
	if (!buffer)
		return -ENOMEM;

	info.ops = &buffer_ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		buffer_free(buffer);
		return PTR_ERR(dmabuf);
	}

	/*
	 * From here on the buffer frees itself. The descriptor comes last: once it
	 * is there the process may use and close it, so nothing may fail any more.
	 */
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

/* doc: export end */

/* doc: move begin */
/*
 * Move a buffer to @to, and leave in @to where it was. The reservation is held:
 * nobody can map the buffer or add a fence to it meanwhile.
 */
static int buffer_move_locked(struct dma_buf *dmabuf, struct place **to)
{
	struct buffer *buffer = dmabuf->priv;
	unsigned int i;
	long ret;

	if (buffer->pins)
		return -EBUSY;

	/* No importer starts anything with the old addresses after this ... */
	dma_buf_move_notify(dmabuf);
	/* ... and what is under way finishes, whatever it is: hence BOOKKEEP. */
	ret = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				    MAX_SCHEDULE_TIMEOUT);
	/* Interrupted, the buffer stays; who was told of a move maps it there again. */
	if (ret < 0)
		return ret;

	/* Processes must not write to the old place once it is being copied. */
	unmap_mapping_range(dmabuf->file->f_mapping, 0, 0, 1);

	buffer_sync_for_cpu(buffer);
	for (i = 0; i < buffer->place->pages; i++)
		copy_highpage((*to)->page[i], buffer->place->page[i]);
	swap(buffer->place, *to);
	return 0;
}

/*
 * Here userspace asks for a move, so that one can be watched. A real exporter moves
 * a buffer when it needs the memory, or when a device wants the buffer elsewhere.
 */
static int buffer_move(struct dma_buf *dmabuf)
{
	struct place *place;
	int ret;

	/* Before the lock, for it may take long. */
	place = place_alloc(dmabuf->size >> PAGE_SHIFT);
	if (!place)
		return -ENOMEM;
	ret = dma_resv_lock_interruptible(dmabuf->resv, NULL);
	if (!ret) {
		ret = buffer_move_locked(dmabuf, &place);
		dma_resv_unlock(dmabuf->resv);
	}
	place_put(place);
	return ret;
}

/* doc: move end */

static int exporter_move(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	int ret = -EINVAL;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	/* Another exporter's priv is not ours to look at. */
	if (dmabuf->ops == &buffer_ops)
		ret = buffer_move(dmabuf);
	dma_buf_put(dmabuf);
	return ret;
}

static long exporter_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	u64 size;
	s32 fd;

	switch (cmd) {
	case SAMPLE_IOCTL_EXPORT:
		if (copy_from_user(&size, (void __user *)arg, sizeof(size)))
			return -EFAULT;
		return buffer_export(size);
	case SAMPLE_IOCTL_MOVE:
		if (get_user(fd, (s32 __user *)arg))
			return -EFAULT;
		return exporter_move(fd);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations exporter_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = exporter_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice exporter_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma-buf-exporter",
	.fops = &exporter_fops,
};
module_misc_device(exporter_misc);

MODULE_DESCRIPTION("Sample of a dma-buf exporter whose buffers may move");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
