// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers and devices: attachments and their mappings, pinning and moving.
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "dma-buf-internal.h"
#include "dma-buf-trace.h"

/**
 * DOC: dma buf device access
 *
 * A dma-buf is a piece of memory with a file in front of it. The driver that
 * owns the memory is its *exporter*; a driver that lets its device work on
 * that memory is an *importer*. The life of a buffer, seen from both sides:
 *
 * 1. The exporter describes the buffer in a &struct dma_buf_export_info, calls
 *    dma_buf_export() and publishes the result with dma_buf_fd(). From there on
 *    the file descriptor owns the buffer; userspace passes it around.
 *
 * 2. An importer turns the file descriptor into a reference with dma_buf_get()
 *    and announces its device with dma_buf_attach() or
 *    dma_buf_dynamic_attach(). The exporter may refuse, or learn from the set
 *    of attached devices where the memory has to be.
 *
 * 3. dma_buf_map_attachment() gives the importer a scatter list with the
 *    addresses at which its device sees the buffer. Only the DMA addresses and
 *    lengths are meant for importers; there need not be pages at all. What
 *    order the device's work has with that of others is in the fences of
 *    &dma_buf.resv.
 *
 * 4. dma_buf_unmap_attachment(), dma_buf_detach() and dma_buf_put() undo it.
 *    &dma_buf_ops.release runs once the last file descriptor, mapping and
 *    reference is gone.
 *
 * *Dynamic* exporters have &dma_buf_ops.pin and may move a buffer that is not
 * pinned. *Dynamic* importers have &dma_buf_attach_ops.move_notify or
 * &dma_buf_attach_ops.invalidate_mappings and map again after a move. When only
 * one of the two is dynamic, the mapping is made in both directions when the device
 * attaches, with the buffer pinned if the exporter is the dynamic one, and kept
 * until the device detaches. When both are and CONFIG_DMABUF_MOVE_NOTIFY is off,
 * the buffer is pinned for as long as it is mapped.
 */

/*
 * CONFIG_DMABUF_DEBUG: what an importer sees instead of the exporter's list.
 * Same entries, lengths and DMA addresses, no pages.
 */
struct dma_buf_pageless {
	struct sg_table table;
	/* as allocated: @table may claim fewer CPU entries, like its model */
	unsigned int nents;
	struct sg_table *model;
};

static void dma_buf_copy_entry(struct scatterlist *to, struct scatterlist *from)
{
	sg_set_page(to, NULL, from->length, from->offset);
	sg_dma_address(to) = sg_dma_address(from);
	sg_dma_len(to) = sg_dma_len(from);
#ifdef CONFIG_NEED_SG_DMA_FLAGS
	to->dma_flags = from->dma_flags;
#endif
}

/* Wrap a mapping for an importer. @model stays the exporter's, unchanged. */
static struct sg_table *dma_buf_hide_pages(struct sg_table *model)
{
	struct dma_buf_pageless *pageless;
	struct scatterlist *from, *to;
	unsigned int i;

	if (!IS_ENABLED(CONFIG_DMABUF_DEBUG))
		return model;

	pageless = kzalloc(sizeof(*pageless), GFP_KERNEL);
	if (!pageless)
		return ERR_PTR(-ENOMEM);
	pageless->model = model;
	/* Lists for the device alone have nents entries and orig_nents 0. */
	pageless->nents = max(model->nents, model->orig_nents);
	if (sg_alloc_table(&pageless->table, pageless->nents, GFP_KERNEL)) {
		kfree(pageless);
		return ERR_PTR(-ENOMEM);
	}

	to = pageless->table.sgl;
	for_each_sg(model->sgl, from, pageless->nents, i) {
		dma_buf_copy_entry(to, from);
		to = sg_next(to);
	}
	pageless->table.nents = model->nents;
	pageless->table.orig_nents = model->orig_nents;
	return &pageless->table;
}

/* Undo dma_buf_hide_pages() and give back the exporter's list. */
static struct sg_table *dma_buf_unhide_pages(struct sg_table *sgt)
{
	struct dma_buf_pageless *pageless;
	struct sg_table *model;

	if (!IS_ENABLED(CONFIG_DMABUF_DEBUG))
		return sgt;

	pageless = container_of(sgt, struct dma_buf_pageless, table);
	model = pageless->model;
	pageless->table.orig_nents = pageless->nents;
	sg_free_table(&pageless->table);
	kfree(pageless);
	return model;
}

/* Have the exporter unmap @sgt, which dma_buf_do_map() returned. */
static void dma_buf_do_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			     enum dma_data_direction dir)
{
	attach->dmabuf->ops->unmap_dma_buf(attach, dma_buf_unhide_pages(sgt), dir);
}

/*
 * Have the exporter map the buffer. A static importer looks at no fences before
 * it starts to use the addresses, so a move that is still under way has to end
 * here.
 */
static struct sg_table *dma_buf_do_map(struct dma_buf_attachment *attach,
				       enum dma_data_direction dir)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct sg_table *sgt, *shown;
	long ret = 0;

	sgt = dmabuf->ops->map_dma_buf(attach, dir);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(sgt))
		return sgt;

	if (!dma_buf_attachment_is_dynamic(attach))
		ret = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_KERNEL, true,
					    MAX_SCHEDULE_TIMEOUT);
	shown = ret < 0 ? ERR_PTR(ret) : dma_buf_hide_pages(sgt);
	if (IS_ERR(shown))
		dmabuf->ops->unmap_dma_buf(attach, sgt, dir);
	return shown;
}

/*
 * Map in both directions, from attach to detach: for two sides of which only
 * one knows about moves. One that can move is pinned first.
 */
static int dma_buf_map_for_good(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct sg_table *sgt;
	int ret;

	if (dma_buf_is_dynamic(dmabuf)) {
		ret = dmabuf->ops->pin(attach);
		if (ret)
			return ret;
	}

	sgt = dma_buf_do_map(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		if (dma_buf_is_dynamic(dmabuf))
			dmabuf->ops->unpin(attach);
		return PTR_ERR(sgt);
	}
	attach->sgt = sgt;
	attach->dir = DMA_BIDIRECTIONAL;
	return 0;
}

/* Drop a mapping that was kept, with the pin that came with it. */
static void dma_buf_drop_kept(struct dma_buf_attachment *attach)
{
	struct dma_buf *dmabuf = attach->dmabuf;

	if (!attach->sgt)
		return;

	dma_buf_do_unmap(attach, attach->sgt, attach->dir);
	attach->sgt = NULL;
	if (dma_buf_is_dynamic(dmabuf))
		dmabuf->ops->unpin(attach);
}

/**
 * dma_buf_dynamic_attach - announce a device that will use a buffer
 * @dmabuf: the buffer; the caller keeps its reference until it has detached
 * @dev: the device
 * @importer_ops: the importer's callbacks when it can follow moves, else NULL
 * @importer_priv: becomes &dma_buf_attachment.importer_priv
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 *
 * Return: the attachment, for dma_buf_detach() to end, or an ERR_PTR: -EINVAL
 * for missing arguments or @importer_ops with neither move_notify nor
 * invalidate_mappings, -ENODEV when the buffer is revoked, -ENOMEM, what the
 * exporter's attach, pin or map callbacks answer, and -ERESTARTSYS when a signal
 * interrupts the wait for a move.
 */
struct dma_buf_attachment *
dma_buf_dynamic_attach(struct dma_buf *dmabuf, struct device *dev,
		       const struct dma_buf_attach_ops *importer_ops, void *importer_priv)
{
	struct dma_buf_attachment *attach;
	int ret = 0;

	if (WARN_ON(!dmabuf || !dev))
		return ERR_PTR(-EINVAL);
	if (importer_ops && !importer_ops->move_notify && !importer_ops->invalidate_mappings) {
		dev_err(dev, "dma_buf: a dynamic importer needs move_notify or invalidate_mappings\n");
		return ERR_PTR(-EINVAL);
	}

	if (dma_buf_is_revoked(dmabuf))
		return ERR_PTR(-ENODEV);

	attach = kmalloc(sizeof(*attach), GFP_KERNEL);
	if (!attach)
		return ERR_PTR(-ENOMEM);
	*attach = (struct dma_buf_attachment) {
		.dmabuf = dmabuf,
		.dev = dev,
		.peer2peer = importer_ops && importer_ops->allow_peer2peer,
		.importer_ops = importer_ops,
		.importer_priv = importer_priv,
	};

	if (dmabuf->ops->attach)
		ret = dmabuf->ops->attach(dmabuf, attach);
	if (ret) {
		kfree(attach);
		return ERR_PTR(ret);
	}

	scoped_guard(dma_buf_resv, dmabuf) {
		list_add(&attach->node, &dmabuf->attachments);
		/* For good this time: a revocation has not seen this importer. */
		if (dma_buf_is_revoked(dmabuf))
			ret = -ENODEV;
		else if (dma_buf_attachment_is_dynamic(attach) != dma_buf_is_dynamic(dmabuf))
			ret = dma_buf_map_for_good(attach);
	}
	/* Also when it goes again, so that each comes with a detach. */
	dma_buf_trace_attach(attach);
	if (ret) {
		dma_buf_detach(dmabuf, attach);
		return ERR_PTR(ret);
	}
	return attach;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_dynamic_attach, DMA_BUF);

/**
 * dma_buf_attach - announce a device whose driver knows nothing of moves
 * @dmabuf: the buffer
 * @dev: the device
 *
 * Same as dma_buf_dynamic_attach() without callbacks.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 * Return: see dma_buf_dynamic_attach().
 */
struct dma_buf_attachment *dma_buf_attach(struct dma_buf *dmabuf, struct device *dev)
{
	return dma_buf_dynamic_attach(dmabuf, dev, NULL, NULL);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_attach, DMA_BUF);

/**
 * dma_buf_detach - end an attachment
 * @dmabuf: the buffer
 * @attach: its attachment; freed
 *
 * The importer has unmapped and unpinned whatever it has mapped and pinned.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 */
void dma_buf_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	if (WARN_ON(!dmabuf || !attach || attach->dmabuf != dmabuf))
		return;

	dma_buf_trace_detach(attach);
	scoped_guard(dma_buf_resv, dmabuf) {
		dma_buf_drop_kept(attach);
		list_del(&attach->node);
	}

	if (dmabuf->ops->detach)
		dmabuf->ops->detach(dmabuf, attach);
	kfree(attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_detach, DMA_BUF);

/* The exporter's callbacks, for an importer that may pin. */
static const struct dma_buf_ops *dma_buf_pin_ops(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	WARN_ON(!dma_buf_attachment_is_dynamic(attach));

	return attach->dmabuf->ops;
}

/**
 * dma_buf_pin - keep a buffer where it is
 * @attach: attachment of a dynamic importer
 *
 * For a device that cannot cope with a move, such as a display that scans the
 * buffer out. Calls nest.
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 * Return: 0, -ENODEV when the buffer is revoked, or what the exporter answers.
 */
int dma_buf_pin(struct dma_buf_attachment *attach)
{
	const struct dma_buf_ops *ops = dma_buf_pin_ops(attach);

	if (dma_buf_is_revoked(attach->dmabuf))
		return -ENODEV;
	return ops->pin ? ops->pin(attach) : 0;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_pin, DMA_BUF);

/**
 * dma_buf_unpin - undo one dma_buf_pin()
 * @attach: the attachment
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_unpin(struct dma_buf_attachment *attach)
{
	const struct dma_buf_ops *ops = dma_buf_pin_ops(attach);

	if (ops->unpin)
		ops->unpin(attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unpin, DMA_BUF);

/* Without move notifications a buffer that could move is pinned while mapped. */
static bool dma_buf_pins_mappings(struct dma_buf *dmabuf)
{
	return !IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY) && dma_buf_is_dynamic(dmabuf);
}

/**
 * dma_buf_map_attachment - learn the addresses at which a device sees a buffer
 * @attach: the attachment
 * @direction: what the device does: DMA_TO_DEVICE when it reads the buffer
 *
 * The list belongs to the exporter; the importer uses the DMA addresses and
 * lengths in it and nothing else, until dma_buf_unmap_attachment(). A static
 * importer may use them at once, a dynamic one waits for the
 * %DMA_RESV_USAGE_KERNEL fences of &dma_buf.resv first.
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 *
 * Return: the list, or an ERR_PTR: -ENODEV when the buffer is revoked, -EBUSY when
 * the exporter keeps a mapping for another direction, -ENOMEM, -ERESTARTSYS for a
 * signal, -EINVAL for missing arguments, or what the exporter's pin and map
 * callbacks answer.
 */
struct sg_table *dma_buf_map_attachment(struct dma_buf_attachment *attach,
					enum dma_data_direction direction)
{
	struct dma_buf *dmabuf;
	struct sg_table *sgt;
	int ret;

	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf))
		return ERR_PTR(-EINVAL);
	dmabuf = attach->dmabuf;
	dma_resv_assert_held(dmabuf->resv);
	if (dma_buf_is_revoked(dmabuf))
		return ERR_PTR(-ENODEV);

	if (attach->sgt) {
		if (attach->dir != direction && attach->dir != DMA_BIDIRECTIONAL)
			return ERR_PTR(-EBUSY);
		return attach->sgt;
	}

	if (dma_buf_pins_mappings(dmabuf)) {
		ret = dmabuf->ops->pin(attach);
		if (ret)
			return ERR_PTR(ret);
	}
	sgt = dma_buf_do_map(attach, direction);
	if (IS_ERR(sgt)) {
		if (dma_buf_pins_mappings(dmabuf))
			dmabuf->ops->unpin(attach);
		return sgt;
	}

	if (dmabuf->ops->cache_sgt_mapping) {
		attach->sgt = sgt;
		attach->dir = direction;
	}
	return sgt;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment, DMA_BUF);

/**
 * dma_buf_map_attachment_unlocked - dma_buf_map_attachment() that takes the lock
 * @attach: the attachment
 * @direction: what the device does
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 * Return: see dma_buf_map_attachment().
 */
struct sg_table *dma_buf_map_attachment_unlocked(struct dma_buf_attachment *attach,
						 enum dma_data_direction direction)
{
	if (WARN_ON(!attach || !attach->dmabuf))
		return ERR_PTR(-EINVAL);

	guard(dma_buf_resv)(attach->dmabuf);
	return dma_buf_map_attachment(attach, direction);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment_unlocked, DMA_BUF);

/**
 * dma_buf_unmap_attachment - the device has finished with a mapping
 * @attach: the attachment
 * @sg_table: what dma_buf_map_attachment() returned
 * @direction: what it was called with
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_unmap_attachment(struct dma_buf_attachment *attach, struct sg_table *sg_table,
			      enum dma_data_direction direction)
{
	struct dma_buf *dmabuf;

	might_sleep();
	if (WARN_ON(!attach || !attach->dmabuf || !sg_table))
		return;
	dmabuf = attach->dmabuf;
	dma_resv_assert_held(dmabuf->resv);

	if (attach->sgt == sg_table)
		return;

	dma_buf_do_unmap(attach, sg_table, direction);
	if (dma_buf_pins_mappings(dmabuf))
		dmabuf->ops->unpin(attach);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment, DMA_BUF);

/**
 * dma_buf_unmap_attachment_unlocked - dma_buf_unmap_attachment() that takes the lock
 * @attach: the attachment
 * @sg_table: what was mapped
 * @direction: how it was mapped
 *
 * Context: Process, may sleep. Takes &dma_buf.resv.
 */
void dma_buf_unmap_attachment_unlocked(struct dma_buf_attachment *attach,
				       struct sg_table *sg_table,
				       enum dma_data_direction direction)
{
	if (WARN_ON(!attach || !attach->dmabuf))
		return;

	guard(dma_buf_resv)(attach->dmabuf);
	dma_buf_unmap_attachment(attach, sg_table, direction);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment_unlocked, DMA_BUF);

/**
 * dma_buf_invalidate_mappings - make all mappings of dynamic importers stale
 * @dmabuf: the buffer
 *
 * For exporters, before a buffer moves or goes away. Calls what the importer
 * has: &dma_buf_attach_ops.invalidate_mappings or else
 * &dma_buf_attach_ops.move_notify. Every mapping that a dynamic importer has is
 * stale from here on, unless it has pinned the buffer and does not promise more
 * than move_notify does, see dma_buf_attach_revocable(). Work that devices have
 * already started goes on until its fences signal, so the exporter waits for
 * those before it gives the old place to others.
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_invalidate_mappings(struct dma_buf *dmabuf)
{
	const struct dma_buf_attach_ops *ops;
	struct dma_buf_attachment *attach;

	dma_resv_assert_held(dmabuf->resv);

	list_for_each_entry(attach, &dmabuf->attachments, node) {
		ops = attach->importer_ops;
		if (!ops)
			continue;
		if (ops->invalidate_mappings)
			ops->invalidate_mappings(attach);
		else
			ops->move_notify(attach);
	}
}
EXPORT_SYMBOL_NS_GPL(dma_buf_invalidate_mappings, DMA_BUF);

/**
 * dma_buf_move_notify - tell the importers that a buffer is about to move
 * @dmabuf: the buffer, not pinned
 *
 * The name that Linux 6.12 has for dma_buf_invalidate_mappings().
 *
 * Context: Process, may sleep. The caller holds &dma_buf.resv.
 */
void dma_buf_move_notify(struct dma_buf *dmabuf)
{
	dma_buf_invalidate_mappings(dmabuf);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_move_notify, DMA_BUF);

/**
 * dma_buf_attach_revocable - will an importer let go of a buffer at any time?
 * @attach: the attachment
 *
 * For exporters whose memory can go away under those who use it. Only importers
 * with &dma_buf_attach_ops.invalidate_mappings have promised to give up even what
 * they have pinned. An exporter that cannot keep the memory for the others turns
 * them down: in &dma_buf_ops.attach, or in &dma_buf_ops.pin, since an importer
 * with move_notify alone follows as long as it does not pin.
 *
 * Context: Any.
 * Return: true when the importer has promised that.
 */
bool dma_buf_attach_revocable(struct dma_buf_attachment *attach)
{
	return attach->importer_ops && attach->importer_ops->invalidate_mappings;
}
EXPORT_SYMBOL_NS_GPL(dma_buf_attach_revocable, DMA_BUF);
