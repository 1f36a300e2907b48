// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all exporters of plain pages have in common: devices, and the CPU in the
 * kernel. Processes are in paged-buffer-mmap.c.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "paged-buffer.h"

/*
 * An attached device. It has a list of its own, since that holds the addresses
 * at which this device sees the pages.
 */
struct paged_attachment {
	struct device *dev;
	struct sg_table table;
	/* in &paged_buffer.attachments; this and all below under &paged_buffer.lock */
	struct list_head node;
	/* how often it is mapped; @dir and @segments are valid while it is */
	unsigned int maps;
	enum dma_data_direction dir;
	/* table.nents, once a part of many segments was accessed, or NULL */
	struct paged_segment *segments;
};

/* What the device sees in one piece: an entry of its list, and where in the buffer that begins. */
struct paged_segment {
	struct scatterlist *sg;
	size_t start;
};

/* A list is searched one by one if it has fewer segments. */
#define PAGED_MANY_SEGMENTS	32

/**
 * paged_buffer_init - start with a buffer that has no pages
 * @buffer: to be initialised
 */
void paged_buffer_init(struct paged_buffer *buffer)
{
	extents_init(&buffer->extents);
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	buffer->vaddr = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_init);

/**
 * paged_buffer_fini - undo paged_buffer_init()
 * @buffer: released, or never exported
 *
 * The pages are the exporter's business, and &paged_buffer.extents is gone
 * afterwards.
 *
 * Context: Process, may sleep.
 */
void paged_buffer_fini(struct paged_buffer *buffer)
{
	extents_fini(&buffer->extents);
	mutex_destroy(&buffer->lock);
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_fini);

/**
 * paged_buffer_attach - &dma_buf_ops.attach
 * @dmabuf: the buffer
 * @attach: the new attachment
 *
 * No entry of the device's list is longer than the device can map: where it
 * needs bounce buffers, those are small.
 *
 * Context: Process, may sleep.
 * Return: 0, or an error of extents_sg_table().
 */
int paged_buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged = kzalloc(sizeof(*paged), GFP_KERNEL);
	size_t max = dma_max_mapping_size(attach->dev);
	int ret;

	if (!paged)
		return -ENOMEM;
	paged->dev = attach->dev;
	ret = extents_sg_table(&buffer->extents, &paged->table, max_t(size_t, max, PAGE_SIZE));
	if (ret) {
		kfree(paged);
		return ret;
	}

	attach->priv = paged;
	guard(mutex)(&buffer->lock);
	list_add(&paged->node, &buffer->attachments);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_attach);

/**
 * paged_buffer_detach - &dma_buf_ops.detach
 * @dmabuf: the buffer
 * @attach: what paged_buffer_attach() made; not mapped any more
 *
 * Context: Process, may sleep.
 */
void paged_buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged = attach->priv;

	scoped_guard(mutex, &buffer->lock)
		list_del(&paged->node);
	sg_free_table(&paged->table);
	kfree(paged);
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_detach);

/**
 * paged_buffer_map - &dma_buf_ops.map_dma_buf
 * @attach: the attachment
 * @dir: what the device does
 *
 * Caches are maintained here and in paged_buffer_unmap(): the device sees what
 * the CPU wrote before it mapped the buffer, such as the zeros of new memory,
 * and the CPU what the device wrote before it unmapped it. What happens in
 * between is the business of begin and end, which know all mapped devices.
 *
 * A device that maps the buffer once more gets the same list.
 *
 * Context: Process, may sleep. The core holds &dma_buf.resv here; all that this
 * needs is &paged_buffer.lock, which it takes.
 *
 * Return: the list, or an ERR_PTR: -EBUSY when the device has it mapped in a
 * direction that does not cover @dir, or what dma_map_sgtable() answers.
 */
struct sg_table *paged_buffer_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	struct paged_buffer *buffer = to_paged_buffer(attach->dmabuf);
	struct paged_attachment *paged = attach->priv;
	int ret;

	guard(mutex)(&buffer->lock);
	if (paged->maps) {
		if (paged->dir != dir && paged->dir != DMA_BIDIRECTIONAL)
			return ERR_PTR(-EBUSY);
	} else {
		ret = dma_map_sgtable(paged->dev, &paged->table, dir, 0);
		if (ret)
			return ERR_PTR(ret);
		paged->dir = dir;
	}
	paged->maps++;
	return &paged->table;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_map);

/**
 * paged_buffer_unmap - &dma_buf_ops.unmap_dma_buf
 * @attach: the attachment
 * @table: what paged_buffer_map() returned
 * @dir: what it was called with
 *
 * Context: as paged_buffer_map().
 */
void paged_buffer_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			enum dma_data_direction dir)
{
	struct paged_buffer *buffer = to_paged_buffer(attach->dmabuf);
	struct paged_attachment *paged = attach->priv;

	guard(mutex)(&buffer->lock);
	if (--paged->maps)
		return;
	dma_unmap_sgtable(paged->dev, table, paged->dir, 0);
	if (paged->segments) {
		kvfree(paged->segments);
		paged->segments = NULL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_unmap);

VISIBLE_IF_KUNIT void paged_sync_for_cpu(struct device *dev, struct sg_table *table,
					 enum dma_data_direction dir)
{
	KUNIT_STATIC_STUB_REDIRECT(paged_sync_for_cpu, dev, table, dir);
	dma_sync_sgtable_for_cpu(dev, table, dir);
}
EXPORT_SYMBOL_IF_KUNIT(paged_sync_for_cpu);

VISIBLE_IF_KUNIT void paged_sync_for_device(struct device *dev, struct sg_table *table,
					    enum dma_data_direction dir)
{
	KUNIT_STATIC_STUB_REDIRECT(paged_sync_for_device, dev, table, dir);
	dma_sync_sgtable_for_device(dev, table, dir);
}
EXPORT_SYMBOL_IF_KUNIT(paged_sync_for_device);

VISIBLE_IF_KUNIT void paged_sync_part_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
					      enum dma_data_direction dir)
{
	KUNIT_STATIC_STUB_REDIRECT(paged_sync_part_for_cpu, dev, addr, size, dir);
	dma_sync_single_for_cpu(dev, addr, size, dir);
}
EXPORT_SYMBOL_IF_KUNIT(paged_sync_part_for_cpu);

VISIBLE_IF_KUNIT void paged_sync_part_for_device(struct device *dev, dma_addr_t addr, size_t size,
						 enum dma_data_direction dir)
{
	KUNIT_STATIC_STUB_REDIRECT(paged_sync_part_for_device, dev, addr, size, dir);
	dma_sync_single_for_device(dev, addr, size, dir);
}
EXPORT_SYMBOL_IF_KUNIT(paged_sync_part_for_device);

/* Bytes @start to @end, that one excluded, of a buffer. */
struct paged_range {
	size_t start, end;
};

/* How to synchronise what the device of @dev sees at @addr. */
typedef void (*paged_sync_t)(struct device *dev, dma_addr_t addr, size_t size,
			     enum dma_data_direction dir);

/*
 * Synchronise a range that the device sees in one piece, from @addr on. Where an
 * IOMMU has made one piece of several runs, each run is done by itself: what is
 * behind an address is only looked up for where a synchronisation begins.
 */
static void paged_sync_segment(struct paged_buffer *buffer, struct device *dev, dma_addr_t addr,
			       struct paged_range range, enum dma_data_direction dir,
			       paged_sync_t sync)
{
	unsigned long pages;
	size_t len;

	for (; range.start < range.end; range.start += len, addr += len) {
		extents_pfn(&buffer->extents, range.start >> PAGE_SHIFT, &pages);
		len = min(range.end - range.start,
			  ((size_t)pages << PAGE_SHIFT) - offset_in_page(range.start));
		sync(dev, addr, len, dir);
	}
}

/* Have an index of the segments if there are many; false if there is none. */
static bool paged_index(struct paged_attachment *paged)
{
	struct scatterlist *sg;
	size_t start = 0;
	unsigned int i;

	if (paged->segments || paged->table.nents < PAGED_MANY_SEGMENTS)
		return paged->segments;

	paged->segments = kvmalloc_array(paged->table.nents, sizeof(*paged->segments),
					 GFP_KERNEL | __GFP_NOWARN);
	if (!paged->segments)
		return false;
	for_each_sgtable_dma_sg(&paged->table, sg, i) {
		paged->segments[i].sg = sg;
		paged->segments[i].start = start;
		start += sg_dma_len(sg);
	}
	return true;
}

/*
 * The segment that a byte of the buffer is in. How many lie before it matters only
 * where there is no memory for an index of them.
 */
static struct paged_segment paged_find_segment(struct paged_attachment *paged, size_t byte)
{
	struct paged_segment segment = { .sg = paged->table.sgl };
	unsigned int low = 0, high = paged->table.nents, middle;

	if (!paged_index(paged)) {
		while (byte - segment.start >= sg_dma_len(segment.sg)) {
			segment.start += sg_dma_len(segment.sg);
			segment.sg = sg_next(segment.sg);
		}
		return segment;
	}

	/* Segment @low begins at or before the byte, segment @high behind it. */
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (paged->segments[middle].start <= byte)
			low = middle;
		else
			high = middle;
	}
	return paged->segments[low];
}

/*
 * Synchronise a range for a device that has mapped the buffer. Not a byte more:
 * with bounce buffers each is copied, over what others have just written.
 */
static void paged_sync_range(struct paged_buffer *buffer, struct paged_attachment *paged,
			     struct paged_range range, enum dma_data_direction dir,
			     paged_sync_t sync)
{
	struct paged_segment segment = paged_find_segment(paged, range.start);
	struct paged_range part = range;
	dma_addr_t addr;

	for (; part.start < range.end; part.start = part.end) {
		addr = sg_dma_address(segment.sg) + (part.start - segment.start);
		segment.start += sg_dma_len(segment.sg);
		segment.sg = sg_next(segment.sg);
		part.end = min(segment.start, range.end);
		paged_sync_segment(buffer, paged->dev, addr, part, dir, sync);
	}
}

/*
 * Where the kernel's mapping has cache lines of its own, bring those of a range into
 * line with memory by @sync, which takes an int.
 */
static void paged_sync_vmap(struct paged_buffer *buffer, struct paged_range range,
			    void (*sync)(void *vaddr, int size))
{
	size_t len;

	if (!buffer->vaddr)
		return;
	for (; range.start < range.end; range.start += len) {
		len = min_t(size_t, range.end - range.start, SZ_1G);
		sync(buffer->vaddr + range.start, len);
	}
}

static struct paged_range paged_whole(struct paged_buffer *buffer)
{
	return (struct paged_range){ .end = buffer->extents.pages << PAGE_SHIFT };
}

/* What goes back to a device after the CPU has done @dir. */
static enum dma_data_direction paged_dir_back(struct paged_attachment *paged,
					      enum dma_data_direction dir)
{
	return paged->dir == DMA_BIDIRECTIONAL ? dir : paged->dir;
}

/**
 * paged_buffer_begin_cpu_access - &dma_buf_ops.begin_cpu_access
 * @dmabuf: the buffer
 * @dir: what the CPU will do
 *
 * Fetches what each device has written, also when the CPU only writes: it may
 * write less than a cache line or a bounce buffer, and the rest of that goes back
 * to the device in paged_buffer_end_cpu_access().
 *
 * Context: Process, may sleep.
 * Return: 0.
 */
int paged_buffer_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged;

	guard(mutex)(&buffer->lock);
	list_for_each_entry(paged, &buffer->attachments, node) {
		if (paged->maps)
			paged_sync_for_cpu(paged->dev, &paged->table, paged->dir);
	}
	paged_sync_vmap(buffer, paged_whole(buffer), invalidate_kernel_vmap_range);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_begin_cpu_access);

/**
 * paged_buffer_end_cpu_access - &dma_buf_ops.end_cpu_access
 * @dmabuf: the buffer
 * @dir: what the CPU has done
 *
 * Gives to each device what the CPU has written. If it only read, nothing goes
 * back where that would overwrite what the device writes meanwhile.
 *
 * Context: Process, may sleep.
 * Return: 0.
 */
int paged_buffer_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged;

	guard(mutex)(&buffer->lock);
	paged_sync_vmap(buffer, paged_whole(buffer), flush_kernel_vmap_range);
	list_for_each_entry(paged, &buffer->attachments, node) {
		if (paged->maps)
			paged_sync_for_device(paged->dev, &paged->table,
					      paged_dir_back(paged, dir));
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_end_cpu_access);

/**
 * paged_buffer_begin_cpu_access_range - &dma_buf_ops.begin_cpu_access_range
 * @dmabuf: the buffer
 * @offset: where the range begins, in bytes
 * @length: how long it is
 * @dir: what the CPU will do
 *
 * As paged_buffer_begin_cpu_access(), for exactly these bytes and no others, but
 * that caches know whole lines only.
 *
 * Context: Process, may sleep.
 * Return: 0.
 */
int paged_buffer_begin_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
					enum dma_data_direction dir)
{
	struct paged_range range = { .start = offset, .end = offset + length };
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged;

	guard(mutex)(&buffer->lock);
	list_for_each_entry(paged, &buffer->attachments, node) {
		if (paged->maps)
			paged_sync_range(buffer, paged, range, paged->dir,
					 paged_sync_part_for_cpu);
	}
	paged_sync_vmap(buffer, range, invalidate_kernel_vmap_range);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_begin_cpu_access_range);

/**
 * paged_buffer_end_cpu_access_range - &dma_buf_ops.end_cpu_access_range
 * @dmabuf: the buffer
 * @offset: where the range begins, in bytes
 * @length: how long it is
 * @dir: what the CPU has done
 *
 * As paged_buffer_end_cpu_access(), for exactly these bytes.
 *
 * Context: Process, may sleep.
 * Return: 0.
 */
int paged_buffer_end_cpu_access_range(struct dma_buf *dmabuf, size_t offset, size_t length,
				      enum dma_data_direction dir)
{
	struct paged_range range = { .start = offset, .end = offset + length };
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	struct paged_attachment *paged;

	guard(mutex)(&buffer->lock);
	paged_sync_vmap(buffer, range, flush_kernel_vmap_range);
	list_for_each_entry(paged, &buffer->attachments, node) {
		if (paged->maps)
			paged_sync_range(buffer, paged, range, paged_dir_back(paged, dir),
					 paged_sync_part_for_device);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_end_cpu_access_range);

/**
 * paged_buffer_vmap - &dma_buf_ops.vmap
 * @dmabuf: the buffer
 * @map: gets the address
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 * Return: 0 or -ENOMEM.
 */
int paged_buffer_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);
	void *vaddr = extents_vmap(&buffer->extents);

	dma_resv_assert_held(dmabuf->resv);
	if (!vaddr)
		return -ENOMEM;

	scoped_guard(mutex, &buffer->lock)
		buffer->vaddr = vaddr;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_vmap);

/**
 * paged_buffer_vunmap - &dma_buf_ops.vunmap
 * @dmabuf: the buffer
 * @map: what paged_buffer_vmap() filled in
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void paged_buffer_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct paged_buffer *buffer = to_paged_buffer(dmabuf);

	scoped_guard(mutex, &buffer->lock)
		buffer->vaddr = NULL;
	vunmap(map->vaddr);
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_vunmap);
