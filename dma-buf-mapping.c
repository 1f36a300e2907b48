// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of physical addresses that are not memory of the system, such as a BAR of
 * a PCI device: their mappings for importers. There are no pages behind these.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

/* One range, as the device sees it. */
struct dma_buf_dma_range {
	dma_addr_t addr;
	size_t len;
};

/* What an importer gets to see, and what it takes to undo that. */
struct dma_buf_phys_map {
	struct sg_table table;
	size_t nr;
	struct dma_buf_dma_range ranges[] __counted_by(nr);
};

/*
 * How much of the range of @left bytes at @addr fits into one entry for @dev. An
 * entry has 32 bits for its length and crosses no boundary that the device minds.
 */
static size_t dma_buf_entry_len(struct device *dev, dma_addr_t addr, size_t left)
{
	u64 boundary = dma_get_seg_boundary(dev);
	u64 most = dma_get_max_seg_size(dev);

	if (most > PAGE_SIZE)
		most = round_down(most, PAGE_SIZE);
	/* Of the last byte, for a boundary of all ones has no end. */
	return min3((u64)left - 1, most - 1, boundary - (addr & boundary)) + 1;
}

/* Make the next entry out of the start of @range. */
static void dma_buf_add_entry(struct device *dev, struct scatterlist *sg,
			      struct dma_buf_dma_range *range)
{
	size_t len = dma_buf_entry_len(dev, range->addr, range->len);

	sg_set_page(sg, NULL, len, 0);
	sg_dma_address(sg) = range->addr;
	sg_dma_len(sg) = len;
	range->addr += len;
	range->len -= len;
}

/* How many entries all ranges make together, or more than a list can have. */
static u64 dma_buf_count_entries(struct device *dev, const struct dma_buf_phys_map *map)
{
	struct dma_buf_dma_range range;
	u64 count = 0;
	size_t i, len;

	for (i = 0; i < map->nr; i++) {
		range = map->ranges[i];
		for (; range.len && count <= UINT_MAX; count++) {
			len = dma_buf_entry_len(dev, range.addr, range.len);
			range.addr += len;
			range.len -= len;
		}
	}
	return count;
}

/* Build the list. The device alone can use it: there is nothing for the CPU in it. */
static int dma_buf_fill_table(struct device *dev, struct dma_buf_phys_map *map)
{
	u64 count = dma_buf_count_entries(dev, map);
	struct dma_buf_dma_range range;
	struct scatterlist *sg;
	size_t i;
	int ret;

	if (count > UINT_MAX)
		return -EOVERFLOW;
	ret = sg_alloc_table(&map->table, count, GFP_KERNEL);
	if (ret)
		return ret;

	sg = map->table.sgl;
	for (i = 0; i < map->nr; i++) {
		for (range = map->ranges[i]; range.len; sg = sg_next(sg))
			dma_buf_add_entry(dev, sg, &range);
	}
	map->table.orig_nents = 0;
	return 0;
}

static void dma_buf_unmap_ranges(struct device *dev, const struct dma_buf_phys_map *map,
				 size_t nr, enum dma_data_direction dir)
{
	while (nr--)
		dma_unmap_resource(dev, map->ranges[nr].addr, map->ranges[nr].len, dir, 0);
}

static int dma_buf_map_ranges(struct device *dev, struct dma_buf_phys_map *map,
			      const struct phys_vec *phys_vec, enum dma_data_direction dir)
{
	dma_addr_t addr;
	size_t i;

	for (i = 0; i < map->nr; i++) {
		addr = dma_map_resource(dev, phys_vec[i].paddr, phys_vec[i].len, dir, 0);
		if (dma_mapping_error(dev, addr)) {
			dma_buf_unmap_ranges(dev, map, i, dir);
			return -EIO;
		}
		map->ranges[i].addr = addr;
		map->ranges[i].len = phys_vec[i].len;
	}
	return 0;
}

/* Are there ranges, none of them empty or beyond the end of all addresses, of @size bytes? */
static bool dma_buf_ranges_ok(const struct phys_vec *phys_vec, size_t nr, size_t size)
{
	phys_addr_t last;
	size_t i, sum = 0;

	for (i = 0; i < nr; i++) {
		if (!phys_vec[i].len ||
		    check_add_overflow(phys_vec[i].paddr, phys_vec[i].len - 1, &last) ||
		    check_add_overflow(sum, phys_vec[i].len, &sum))
			return false;
	}
	return nr && sum == size;
}

/**
 * dma_buf_phys_vec_to_sgt - map physical addresses for an importer
 * @attach: the attachment
 * @provider: the PCI device whose memory it is, for the kernel to find out whether
 *	the importer's device reaches that; or NULL when the exporter knows
 * @phys_vec: the addresses, in the order in which they make up the buffer
 * @nr_ranges: how many ranges these are
 * @size: how many bytes they have together
 * @dir: what the device does
 *
 * For &dma_buf_ops.map_dma_buf of exporters whose memory has no pages. The ranges
 * may be of any length; the list has as many entries as the device needs that they be
 * split into, and no entries for the CPU. Only importers that have said so
 * (&dma_buf_attachment.peer2peer) can do with that, which the exporter checks.
 *
 * With a @provider and without CONFIG_PCI_P2PDMA no device reaches anything.
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 *
 * Return: the list, for dma_buf_free_sgt(), or an ERR_PTR: -EINVAL when the ranges
 * are none, empty, not @size bytes or beyond the end of all addresses, or @dir is
 * none; -EREMOTEIO when the device does not reach @provider, -EIO when it cannot
 * address a range, -EOVERFLOW when a list cannot have that many entries, -ENOMEM.
 */
struct sg_table *dma_buf_phys_vec_to_sgt(struct dma_buf_attachment *attach,
					 struct pci_dev *provider,
					 const struct phys_vec *phys_vec, size_t nr_ranges,
					 size_t size, enum dma_data_direction dir)
{
	struct device *dev = attach->dev;
	struct dma_buf_phys_map *map;
	int ret;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (!valid_dma_direction(dir) || !dma_buf_ranges_ok(phys_vec, nr_ranges, size))
		return ERR_PTR(-EINVAL);
	if (provider && pci_p2pdma_distance(provider, dev, false) < 0)
		return ERR_PTR(-EREMOTEIO);

	map = kvzalloc(struct_size(map, ranges, nr_ranges), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->nr = nr_ranges;

	ret = dma_buf_map_ranges(dev, map, phys_vec, dir);
	if (ret)
		goto err_free;
	ret = dma_buf_fill_table(dev, map);
	if (ret)
		goto err_unmap;
	return &map->table;

err_unmap:
	dma_buf_unmap_ranges(dev, map, map->nr, dir);
err_free:
	kvfree(map);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_phys_vec_to_sgt, DMA_BUF);

/**
 * dma_buf_free_sgt - undo dma_buf_phys_vec_to_sgt()
 * @attach: the attachment
 * @sgt: what that returned; freed
 * @dir: what it was called with
 *
 * For &dma_buf_ops.unmap_dma_buf.
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_free_sgt(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir)
{
	struct dma_buf_phys_map *map = container_of(sgt, struct dma_buf_phys_map, table);

	dma_resv_assert_held(attach->dmabuf->resv);

	dma_buf_unmap_ranges(attach->dev, map, map->nr, dir);
	map->table.orig_nents = map->table.nents;
	sg_free_table(&map->table);
	kvfree(map);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_free_sgt, DMA_BUF);
