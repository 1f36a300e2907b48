// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers out of the pages of memfds: /dev/udmabuf.
 */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/fd_slot.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/udmabuf.h>
#include <kunit/visibility.h>

#include "heaps/paged-buffer.h"
#include "udmabuf.h"

/*
 * The pages of a memfd stay where they are because they are pinned, one pin for
 * each folio that a run of the buffer touches. So the runs say what to unpin,
 * and nothing else has to be kept: a pinned folio is neither split nor merged.
 */

static unsigned int list_limit = 1024;
module_param(list_limit, uint, 0644);
MODULE_PARM_DESC(list_limit, "Number of ranges that one buffer may consist of");

static unsigned int size_limit_mb = 64;
module_param(size_limit_mb, uint, 0644);
MODULE_PARM_DESC(size_limit_mb, "Size that one buffer may have, in MiB");

/* How many folios are pinned at a time. */
#define UDMABUF_BATCH	(PAGE_SIZE / sizeof(struct folio *))

/* As many ranges as fit into the largest piece of memory that may be asked for. */
#define UDMABUF_MAX_COUNT	(INT_MAX / sizeof(struct udmabuf_create_item))

/**
 * struct udmabuf - a buffer out of the pages of memfds
 * @base: the pages; what the dma-buf's private data points to
 * @lock: held while @self is made ready; not taken inside of any other
 * @self: the device /dev/udmabuf as one that is attached to the buffer, so that
 *	access by the CPU works as if a device were there even when none is
 * @table: how @self is mapped
 * @ready: @self is attached and mapped, and stays so until the end
 * @mode: how processes may map the buffer, O_RDWR or O_RDONLY; constant once
 *	the buffer is exported
 */
struct udmabuf {
	struct paged_buffer base;
	struct mutex lock;	/* protects @self and @table until @ready */
	struct dma_buf_attachment self;
	struct sg_table *table;
	bool ready;
	int mode;
};

static struct miscdevice udmabuf_misc;

static struct udmabuf *to_udmabuf(struct dma_buf *dmabuf)
{
	return container_of(to_paged_buffer(dmabuf), struct udmabuf, base);
}

/* Attach and map the device of our own, in both directions: all that anybody may need. */
static int udmabuf_map_self(struct udmabuf *ubuf, struct dma_buf *dmabuf)
{
	struct sg_table *table;
	int ret;

	guard(mutex)(&ubuf->lock);
	if (ubuf->ready)
		return 0;

	ubuf->self.dmabuf = dmabuf;
	ubuf->self.dev = udmabuf_misc.this_device;
	ret = paged_buffer_attach(dmabuf, &ubuf->self);
	if (ret)
		return ret;
	table = paged_buffer_map(&ubuf->self, DMA_BIDIRECTIONAL);
	if (IS_ERR(table)) {
		paged_buffer_detach(dmabuf, &ubuf->self);
		return PTR_ERR(table);
	}
	ubuf->table = table;
	/* Pairs with the acquire in udmabuf_is_ready(). */
	smp_store_release(&ubuf->ready, true);
	return 0;
}

static int udmabuf_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	int ret = udmabuf_map_self(to_udmabuf(dmabuf), dmabuf);

	return ret ?: paged_buffer_begin_cpu_access(dmabuf, dir);
}

static int udmabuf_begin_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
					  enum dma_data_direction dir)
{
	int ret = udmabuf_map_self(to_udmabuf(dmabuf), dmabuf);

	return ret ?: paged_buffer_begin_cpu_access_range(dmabuf, offset, length, dir);
}

/* Has anybody begun yet to access the buffer? */
static bool udmabuf_is_ready(struct dma_buf *dmabuf)
{
	/* Pairs with the release in udmabuf_map_self(). */
	return smp_load_acquire(&to_udmabuf(dmabuf)->ready);
}

static int udmabuf_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	if (!udmabuf_is_ready(dmabuf))
		return -EINVAL;

	return paged_buffer_end_cpu_access(dmabuf, dir);
}

static int udmabuf_end_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
					enum dma_data_direction dir)
{
	if (!udmabuf_is_ready(dmabuf))
		return -EINVAL;

	return paged_buffer_end_cpu_access_range(dmabuf, offset, length, dir);
}

/* Unpin one run, folio by folio. */
static void udmabuf_unpin_run(unsigned long pfn, unsigned long pages)
{
	unsigned long end = pfn + pages;
	struct folio *folio;

	while (pfn < end) {
		folio = pfn_folio(pfn);
		/* Most are not large, and where pages lie can be costly to find out. */
		if (folio_test_large(folio))
			pfn = folio_pfn(folio) + folio_nr_pages(folio);
		else
			pfn++;
		unpin_folio(folio);
	}
}

/* Free a buffer that no dma-buf belongs to any more, if there is one. */
static void udmabuf_free(struct udmabuf *ubuf)
{
	struct extents *extents;
	unsigned long i;

	if (!ubuf)
		return;

	extents = &ubuf->base.extents;
	for (i = 0; i < extents->nr; i++)
		udmabuf_unpin_run(extents->run[i].pfn, extents_len(extents, i));
	paged_buffer_fini(&ubuf->base);
	mutex_destroy(&ubuf->lock);
	kfree(ubuf);
}

DEFINE_FREE(udmabuf, struct udmabuf *, udmabuf_free(_T))

static void udmabuf_release(struct dma_buf *dmabuf)
{
	struct udmabuf *ubuf = to_udmabuf(dmabuf);

	if (ubuf->ready) {
		paged_buffer_unmap(&ubuf->self, ubuf->table, DMA_BIDIRECTIONAL);
		paged_buffer_detach(dmabuf, &ubuf->self);
	}
	udmabuf_free(ubuf);
}

static const struct dma_buf_ops udmabuf_ops = {
	.attach = paged_buffer_attach,
	.detach = paged_buffer_detach,
	.map_dma_buf = paged_buffer_map,
	.unmap_dma_buf = paged_buffer_unmap,
	.begin_cpu_access = udmabuf_begin_cpu_access,
	.end_cpu_access = udmabuf_end_cpu_access,
	.begin_cpu_access_range = udmabuf_begin_cpu_access_range,
	.end_cpu_access_range = udmabuf_end_cpu_access_range,
	.mmap = paged_buffer_mmap,
	.vmap = paged_buffer_vmap,
	.vunmap = paged_buffer_vunmap,
	.release = udmabuf_release,
};

static struct udmabuf *udmabuf_alloc(void)
{
	struct udmabuf *ubuf = kzalloc(sizeof(*ubuf), GFP_KERNEL);

	if (ubuf) {
		paged_buffer_init(&ubuf->base);
		mutex_init(&ubuf->lock);
		ubuf->mode = O_RDWR;
	}
	return ubuf;
}

/* May the memory of this file become a buffer? It must not go away, and be writable. */
static int udmabuf_check_memfd(struct file *memfd)
{
	const int forbidden = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	long seals;

	if (!shmem_file(memfd) && !is_file_hugepages(memfd))
		return -EBADFD;

	seals = memfd_fcntl(memfd, F_GET_SEALS, 0);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || seals & forbidden)
		return -EINVAL;
	return 0;
}

/*
 * The same once pages are pinned. A seal against writing can only be added
 * while no page is pinned, and its giver looks for pins and adds it under the
 * lock of the inode; who finds no such seal under that lock, with all pins in
 * place, has kept it out for good.
 */
static int udmabuf_check_pinned(struct file *memfd)
{
	struct inode *inode = file_inode(memfd);
	int ret;

	if (inode_lock_shared_killable(inode))
		return -EINTR;
	ret = udmabuf_check_memfd(memfd);
	inode_unlock_shared(inode);
	return ret;
}

static bool udmabuf_is_settled(struct folio *folio)
{
	return folio_test_uptodate(folio) && folio_test_dirty(folio);
}

/*
 * Make a pinned folio fit to be seen and written by others than shmem. One that
 * was only set aside, by fallocate(), still holds what was in it before and would
 * be cleared at its first use; one that is clean may be dropped as soon as it is
 * not pinned any more, whatever devices have written to it.
 */
static int udmabuf_settle(struct folio *folio)
{
	if (folio_lock_killable(folio))
		return -EINTR;

	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		folio_mark_uptodate(folio);
	}
	folio_mark_dirty(folio);
	folio_unlock(folio);
	return 0;
}

/*
 * Settle the first folio and those that follow it in memory, which are a run of
 * @pages pages. Returns how many folios that are, or a negative errno.
 */
static long udmabuf_settle_run(struct folio **folios, long nr, unsigned long *pages)
{
	unsigned long pfn = folio_pfn(folios[0]);
	long i;

	for (i = 0; i < nr && folio_pfn(folios[i]) == pfn; i++) {
		if (!udmabuf_is_settled(folios[i]) && udmabuf_settle(folios[i]))
			return -EINTR;
		pfn += folio_nr_pages(folios[i]);
	}
	*pages = pfn - folio_pfn(folios[0]);
	return i;
}

/*
 * Append a run that begins with page @first of a folio, all of it pinned. When
 * the last run already ends with that folio there is a pin for it.
 */
static int udmabuf_append(struct udmabuf *ubuf, struct folio *folio, unsigned long first,
			  unsigned long pages)
{
	struct extents *extents = &ubuf->base.extents;
	unsigned long nr = extents->nr;
	int ret = extents_append(extents, folio_pfn(folio) + first, pages);

	if (!ret && first && extents->nr == nr)
		unpin_folio(folio);
	return ret;
}

/*
 * Does each of the folios have one of the @pages pages that begin with the first
 * folio? It has not when somebody punched holes while they were being pinned,
 * which pins do not prevent, and a larger folio has taken the place of smaller
 * ones that had been pinned already.
 */
VISIBLE_IF_KUNIT bool udmabuf_batch_fits(struct folio **folios, long nr, u64 pages)
{
	long i;

	for (i = 0; i < nr; i++) {
		if (!pages)
			return false;
		pages -= min_t(u64, pages, folio_nr_pages(folios[i]));
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(udmabuf_batch_fits);

/*
 * Append @nr folios that have just been pinned, up to the offset @end. @pos is
 * @offset bytes into the first one, and moves on. After an error the pins of all
 * that was not appended are gone.
 */
static int udmabuf_append_batch(struct udmabuf *ubuf, struct folio **folios, long nr,
				loff_t *pos, loff_t end, unsigned long offset)
{
	unsigned long first = offset >> PAGE_SHIFT, pages;
	long done, count;
	int ret;

	if (!udmabuf_batch_fits(folios, nr, first + ((u64)(end - *pos) >> PAGE_SHIFT))) {
		unpin_folios(folios, nr);
		return -EINVAL;
	}

	for (done = 0; done < nr; done += count, first = 0) {
		count = udmabuf_settle_run(folios + done, nr - done, &pages);
		if (count < 0) {
			ret = count;
		} else {
			pages = min_t(u64, pages - first, (end - *pos) >> PAGE_SHIFT);
			ret = udmabuf_append(ubuf, folios[done], first, pages);
		}
		if (ret) {
			unpin_folios(folios + done, nr - done);
			return ret;
		}
		*pos += (loff_t)pages << PAGE_SHIFT;
	}
	return 0;
}

/* Pin a range of a memfd, not empty and in whole pages, and append its pages. */
static int udmabuf_pin(struct udmabuf *ubuf, struct file *memfd, loff_t pos, loff_t end,
		       struct folio **folios)
{
	pgoff_t offset;
	long nr;
	int ret;

	while (pos < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		nr = memfd_pin_folios(memfd, pos, end - 1, folios, UDMABUF_BATCH, &offset);
		if (nr < 0)
			return nr;
		ret = udmabuf_append_batch(ubuf, folios, nr, &pos, end, offset);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Append the memory that one item names. */
static int udmabuf_add_item(struct udmabuf *ubuf, const struct udmabuf_create_item *item,
			    struct folio **folios)
{
	struct file *memfd __free(fput) = fget(item->memfd);
	u64 end;
	int ret;

	if (!memfd)
		return -EBADFD;
	ret = udmabuf_check_memfd(memfd);
	if (ret)
		return ret;
	if (check_add_overflow(item->offset, item->size, &end) || end > LLONG_MAX)
		return -EINVAL;

	/* What may not be written through the memfd may not be through the buffer. */
	if (!(memfd->f_mode & FMODE_WRITE))
		ubuf->mode = O_RDONLY;
	ret = udmabuf_pin(ubuf, memfd, item->offset, end, folios);
	return ret ?: udmabuf_check_pinned(memfd);
}

static struct udmabuf *udmabuf_build(const struct udmabuf_create_item *items, u32 count)
{
	struct folio **folios __free(kfree) = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct udmabuf *ubuf __free(udmabuf) = udmabuf_alloc();
	u32 i;
	int ret;

	if (!folios || !ubuf)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < count; i++) {
		ret = udmabuf_add_item(ubuf, &items[i], folios);
		if (ret)
			return ERR_PTR(ret);
	}
	extents_trim(&ubuf->base.extents);
	return no_free_ptr(ubuf);
}

/* Is this what a buffer may be made of, whatever is behind the memfds? */
static bool udmabuf_items_ok(const struct udmabuf_create_item *items, u32 count)
{
	u64 room = min_t(u64, (u64)READ_ONCE(size_limit_mb) << 20, SIZE_MAX);
	u32 i;

	for (i = 0; i < count; i++) {
		if (!PAGE_ALIGNED(items[i].offset) || !PAGE_ALIGNED(items[i].size))
			return false;
		if (!items[i].size || items[i].size > room)
			return false;
		room -= items[i].size;
	}
	return true;
}

static long udmabuf_create(const struct udmabuf_create_item *items, u32 count, u32 flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct udmabuf *ubuf;

	if (!udmabuf_items_ok(items, count))
		return -EINVAL;
	ubuf = udmabuf_build(items, count);
	if (IS_ERR(ubuf))
		return PTR_ERR(ubuf);

	info.ops = &udmabuf_ops;
	info.size = ubuf->base.extents.pages << PAGE_SHIFT;
	info.flags = ubuf->mode;
	info.priv = &ubuf->base;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		udmabuf_free(ubuf);
		return PTR_ERR(dmabuf);
	}

	CLASS(fd_slot, slot)(flags & UDMABUF_FLAGS_CLOEXEC ? O_CLOEXEC : 0);
	fd_slot_fill(&slot, dmabuf->file);
	return slot.fd < 0 ? slot.fd : dma_buf_fd_publish(&slot);
}

/* UDMABUF_CREATE */
static long udmabuf_ioctl_create(void __user *arg)
{
	struct udmabuf_create_item item = {};
	struct udmabuf_create args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;

	item.memfd = args.memfd;
	item.offset = args.offset;
	item.size = args.size;
	return udmabuf_create(&item, 1, args.flags);
}

/* UDMABUF_CREATE_LIST */
static long udmabuf_ioctl_create_list(void __user *arg)
{
	struct udmabuf_create_list __user *list = arg;
	struct udmabuf_create_item *items;
	struct udmabuf_create_list args;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!args.count || args.count > min_t(u32, READ_ONCE(list_limit), UDMABUF_MAX_COUNT))
		return -EINVAL;

	items = vmemdup_array_user(list->list, args.count, sizeof(*items));
	if (IS_ERR(items))
		return PTR_ERR(items);
	ret = udmabuf_create(items, args.count, args.flags);
	kvfree(items);
	return ret;
}

static long udmabuf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case UDMABUF_CREATE:
		return udmabuf_ioctl_create((void __user *)arg);
	case UDMABUF_CREATE_LIST:
		return udmabuf_ioctl_create_list((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations udmabuf_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = udmabuf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice udmabuf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "udmabuf",
	.fops = &udmabuf_fops,
};

/*
 * No such device exists. It stands for one that reaches all memory as it is, in
 * pieces of any size; a copy for it (swiotlb) would only be written back, stale,
 * over what real devices and processes have written.
 */
static int __init udmabuf_init_device(struct device *dev)
{
	static struct device_dma_parameters parms;

	dev->dma_parms = &parms;
	dma_set_max_seg_size(dev, UINT_MAX);
	dma_set_seg_boundary(dev, ULONG_MAX);
#ifdef CONFIG_SWIOTLB
	dev->dma_io_tlb_mem = NULL;
#endif
	return dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

static int __init udmabuf_init(void)
{
	int ret = misc_register(&udmabuf_misc);

	if (ret)
		return ret;

	ret = udmabuf_init_device(udmabuf_misc.this_device);
	if (ret)
		misc_deregister(&udmabuf_misc);
	return ret;
}
device_initcall(udmabuf_init);
