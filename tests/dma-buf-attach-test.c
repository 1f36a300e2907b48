// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-attach.c guarantees: attachments and their mappings, pinning and
 * moving, for every mix of exporters and importers that know about moves.
 */
#include <linux/scatterlist.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "mock-fence.h"

/* Who can cope with moves. */
struct sides {
	const char *name;
	bool exporter, importer;
};

static const struct sides all_sides[] = {
	{ "nobody moves", false, false },
	{ "the exporter moves", true, false },
	{ "the importer follows", false, true },
	{ "both", true, true },
};

KUNIT_ARRAY_PARAM_DESC(sides, all_sides, name);

static struct mock_buf *mock_exporter(struct kunit *test, const struct sides *sides)
{
	return mock_buf(test, 2 * PAGE_SIZE, sides->exporter ? MOCK_BUF_DYNAMIC : 0);
}

static struct dma_buf_attachment *try_attach(struct kunit *test, struct mock_buf *mock,
					     const struct sides *sides)
{
	struct mock_importer *importer = mock_importer(test);

	return dma_buf_dynamic_attach(mock->dmabuf, importer->dev,
				      sides->importer ? &mock_importer_ops : NULL, importer);
}

static struct dma_buf_attachment *attach_ok(struct kunit *test, struct mock_buf *mock,
					    const struct sides *sides)
{
	struct dma_buf_attachment *attach = try_attach(test, mock, sides);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	return attach;
}

static const struct sides nobody = { .exporter = false, .importer = false };
static const struct sides exporter_only = { .exporter = true, .importer = false };
static const struct sides importer_only = { .exporter = false, .importer = true };
static const struct sides both = { .exporter = true, .importer = true };

/* All that was done has been undone, and each callback ran with the right lock. */
static void expect_balance(struct kunit *test, struct mock_buf *mock)
{
	struct mock_buf_calls *calls = &mock->calls;

	KUNIT_EXPECT_EQ(test, calls->attach, calls->detach);
	KUNIT_EXPECT_EQ(test, calls->map, calls->unmap);
	KUNIT_EXPECT_EQ(test, calls->pin, calls->unpin);
	KUNIT_EXPECT_EQ(test, 0, calls->wrong_lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->dmabuf->attachments));
}

static void attach_describes_the_device(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct device *dev = mock_device(test, "mock-device");
	struct dma_buf_attachment *attach = dma_buf_attach(mock->dmabuf, dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf, attach->dmabuf);
	KUNIT_EXPECT_PTR_EQ(test, dev, attach->dev);
	KUNIT_EXPECT_FALSE(test, attach->peer2peer);
	KUNIT_EXPECT_FALSE(test, dma_buf_attachment_is_dynamic(attach));
	KUNIT_EXPECT_FALSE(test, list_empty(&mock->dmabuf->attachments));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.attach);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void dynamic_attach_describes_the_importer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach;

	attach = dma_buf_dynamic_attach(mock->dmabuf, importer->dev, &mock_importer_ops, importer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_PTR_EQ(test, importer, attach->importer_priv);
	KUNIT_EXPECT_PTR_EQ(test, &mock_importer_ops, attach->importer_ops);
	KUNIT_EXPECT_TRUE(test, attach->peer2peer);
	KUNIT_EXPECT_TRUE(test, dma_buf_attachment_is_dynamic(attach));
	KUNIT_EXPECT_TRUE(test, dma_buf_is_dynamic(mock->dmabuf));
	dma_buf_detach(mock->dmabuf, attach);
}

static void dynamic_attach_needs_a_callback(struct kunit *test)
{
	static const struct dma_buf_attach_ops deaf = {};
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach;

	attach = dma_buf_dynamic_attach(mock->dmabuf, importer->dev, &deaf, importer);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(attach));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.attach);
}

static void exporter_may_turn_a_device_down(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	mock->attach_err = -EBUSY;
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(try_attach(test, mock, &nobody)));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.detach);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->dmabuf->attachments));
}

static void attach_and_detach_callbacks_are_optional(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);

	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void attach_maps_when_only_one_side_knows_of_moves(struct kunit *test)
{
	const struct sides *sides = test->param_value;
	struct mock_buf *mock = mock_exporter(test, sides);
	struct dma_buf_attachment *attach = attach_ok(test, mock, sides);
	bool differ = sides->exporter != sides->importer;

	KUNIT_EXPECT_EQ(test, differ, mock->calls.map);
	KUNIT_EXPECT_EQ(test, differ && sides->exporter, mock->calls.pin);
	if (differ)
		KUNIT_EXPECT_EQ(test, DMA_BIDIRECTIONAL, mock->dir);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void mapping_made_at_attach_serves_all_directions(struct kunit *test)
{
	const struct sides *sides = test->param_value;
	struct mock_buf *mock = mock_exporter(test, sides);
	struct dma_buf_attachment *attach = attach_ok(test, mock, sides);
	struct sg_table *to, *from;

	if (sides->exporter == sides->importer) {
		dma_buf_detach(mock->dmabuf, attach);
		kunit_skip(test, "not mapped at attach");
	}
	to = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	from = dma_buf_map_attachment_unlocked(attach, DMA_FROM_DEVICE);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(to));
	KUNIT_EXPECT_PTR_EQ(test, to, from);
	dma_buf_unmap_attachment_unlocked(attach, to, DMA_TO_DEVICE);
	dma_buf_unmap_attachment_unlocked(attach, from, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.map);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.unmap);

	dma_buf_detach(mock->dmabuf, attach);
	KUNIT_EXPECT_TRUE(test, mock->unmap_ok);
	expect_balance(test, mock);
}

static void mapping_belongs_to_the_device_until_unmap(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct scatterlist *sg;
	struct sg_table *sgt;
	int i;

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, mock->dir);
	KUNIT_EXPECT_EQ(test, 2, sgt->nents);
	for_each_sgtable_dma_sg(sgt, sg, i) {
		KUNIT_EXPECT_EQ(test, MOCK_BUF_DMA_BASE + i * PAGE_SIZE, sg_dma_address(sg));
		KUNIT_EXPECT_EQ(test, PAGE_SIZE, sg_dma_len(sg));
	}
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, mock->unmap_ok);
	KUNIT_EXPECT_EQ(test, 0, mock->mapped);

	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void mapping_works_inside_a_reservation(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct sg_table *sgt;

	dma_resv_lock(mock->dmabuf->resv, NULL);
	sgt = dma_buf_map_attachment(attach, DMA_FROM_DEVICE);
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment(attach, sgt, DMA_FROM_DEVICE);
	dma_resv_unlock(mock->dmabuf->resv);
	KUNIT_EXPECT_FALSE(test, IS_ERR(sgt));
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void two_dynamic_sides_pin_while_mapped_unless_moves_are_notified(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &both);
	struct sg_table *sgt;

	KUNIT_EXPECT_EQ(test, 0, mock->calls.pin);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, !IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY), mock->calls.pin);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.unpin);
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, mock->calls.pin, mock->calls.unpin);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void cached_mapping_stays_until_detach(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_CACHED);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct sg_table *first, *again, *other;

	KUNIT_EXPECT_EQ(test, 0, mock->calls.map);
	first = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	dma_buf_unmap_attachment_unlocked(attach, first, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.unmap);

	again = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, first, again);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.map);
	other = dma_buf_map_attachment_unlocked(attach, DMA_FROM_DEVICE);
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(other));
	other = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(other));

	dma_buf_detach(mock->dmabuf, attach);
	KUNIT_EXPECT_TRUE(test, mock->unmap_ok);
	expect_balance(test, mock);
}

static void mapping_cached_for_both_directions_serves_each(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_CACHED);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct sg_table *first, *other;

	first = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	other = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(first));
	KUNIT_EXPECT_PTR_EQ(test, first, other);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void map_errors_come_back_and_leave_no_pin(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &both);
	struct sg_table *sgt;

	mock->map_err = -EIO;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, -EIO, PTR_ERR(sgt));
	KUNIT_EXPECT_EQ(test, mock->calls.pin, mock->calls.unpin);

	/* The mock's way to make its callback return NULL. */
	mock->map_err = -ENODATA;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(sgt));
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void pin_errors_come_back_from_map(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &both);
	struct sg_table *sgt;

	mock->pin_err = -ENOSPC;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	if (IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY))
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	else
		KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR(sgt));
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void attach_that_cannot_pin_or_map_is_undone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);

	mock->pin_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, -ENOSPC, PTR_ERR(try_attach(test, mock, &exporter_only)));
	expect_balance(test, mock);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.map);

	mock->pin_err = 0;
	mock->map_err = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, PTR_ERR(try_attach(test, mock, &exporter_only)));
	mock->map_err = -ENODATA;
	KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(try_attach(test, mock, &exporter_only)));
	expect_balance(test, mock);
	KUNIT_EXPECT_EQ(test, 3, mock->calls.detach);
}

/* What map answers with a move under way and no time to wait for it. */
static long map_hurried(struct kunit *test, struct mock_buf *mock, const struct sides *sides)
{
	struct dma_buf_attachment *attach = attach_ok(test, mock, sides);
	struct sg_table *sgt;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_KERNEL);
	mock_signal_self();
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	mock_signal_clear();
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
	return PTR_ERR_OR_ZERO(sgt);
}

static void static_importer_gets_no_buffer_that_is_still_moving(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, map_hurried(test, mock, &nobody));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.unmap);
}

static void dynamic_importer_waits_for_moves_itself(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);

	KUNIT_EXPECT_EQ(test, 0, map_hurried(test, mock, &both));
}

static void static_importer_waits_for_no_other_work(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct sg_table *sgt;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	mock_signal_self();
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	mock_signal_clear();
	KUNIT_EXPECT_FALSE(test, IS_ERR(sgt));
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	dma_buf_detach(mock->dmabuf, attach);
}

static void static_importer_attaches_to_no_buffer_that_is_still_moving(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_KERNEL);
	mock_signal_self();
	attach = try_attach(test, mock, &exporter_only);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, PTR_ERR(attach));
	expect_balance(test, mock);
}

static int pin_locked(struct dma_buf_attachment *attach)
{
	int ret;

	dma_resv_lock(attach->dmabuf->resv, NULL);
	ret = dma_buf_pin(attach);
	dma_resv_unlock(attach->dmabuf->resv);
	return ret;
}

static void unpin_locked(struct dma_buf_attachment *attach)
{
	dma_resv_lock(attach->dmabuf->resv, NULL);
	dma_buf_unpin(attach);
	dma_resv_unlock(attach->dmabuf->resv);
}

static void importer_may_pin(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &both);

	mock->pin_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, -ENOSPC, pin_locked(attach));
	mock->pin_err = 0;
	KUNIT_EXPECT_EQ(test, 0, pin_locked(attach));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.pin);
	unpin_locked(attach);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void pin_of_a_buffer_that_never_moves_does_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &importer_only);

	KUNIT_EXPECT_EQ(test, 0, pin_locked(attach));
	unpin_locked(attach);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void moves_are_notified_to_those_who_asked(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *deaf = attach_ok(test, mock, &exporter_only);
	struct dma_buf_attachment *one = attach_ok(test, mock, &both);
	struct dma_buf_attachment *two = attach_ok(test, mock, &both);
	struct mock_importer *importer;

	dma_resv_lock(mock->dmabuf->resv, NULL);
	dma_buf_move_notify(mock->dmabuf);
	dma_resv_unlock(mock->dmabuf->resv);

	importer = one->importer_priv;
	KUNIT_EXPECT_EQ(test, 1, importer->moves);
	importer = two->importer_priv;
	KUNIT_EXPECT_EQ(test, 1, importer->moves);
	KUNIT_EXPECT_EQ(test, 0, importer->unlocked_moves);
	importer = deaf->importer_priv;
	KUNIT_EXPECT_EQ(test, 0, importer->moves);

	dma_buf_detach(mock->dmabuf, two);
	dma_resv_lock(mock->dmabuf->resv, NULL);
	dma_buf_move_notify(mock->dmabuf);
	dma_resv_unlock(mock->dmabuf->resv);
	importer = one->importer_priv;
	KUNIT_EXPECT_EQ(test, 2, importer->moves);

	dma_buf_detach(mock->dmabuf, one);
	dma_buf_detach(mock->dmabuf, deaf);
	expect_balance(test, mock);
}

static struct dma_buf_attachment *attach_with(struct kunit *test, struct mock_buf *mock,
					      const struct dma_buf_attach_ops *ops)
{
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach;

	attach = dma_buf_dynamic_attach(mock->dmabuf, importer->dev, ops, importer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	return attach;
}

/* The exporter's side of one language, each importer of another. */
static void each_name_of_a_move_reaches_each_importer_once(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *old = attach_with(test, mock, &mock_importer_ops);
	struct dma_buf_attachment *new = attach_with(test, mock, &mock_revocable_ops);
	struct dma_buf_attachment *both_ops = attach_with(test, mock, &mock_bilingual_ops);
	const struct mock_importer *bilingual = both_ops->importer_priv;
	unsigned int told;

	dma_resv_lock(mock->dmabuf->resv, NULL);
	for (told = 1; told <= 2; told++) {
		if (told == 1)
			dma_buf_move_notify(mock->dmabuf);
		else
			dma_buf_invalidate_mappings(mock->dmabuf);
		KUNIT_EXPECT_EQ(test, told, ((struct mock_importer *)old->importer_priv)->moves);
		KUNIT_EXPECT_EQ(test, told,
				((struct mock_importer *)new->importer_priv)->invalidations);
		KUNIT_EXPECT_EQ(test, told, bilingual->invalidations);
		KUNIT_EXPECT_EQ(test, 0, bilingual->moves);
		KUNIT_EXPECT_EQ(test, 0, bilingual->unlocked_moves);
	}
	dma_resv_unlock(mock->dmabuf->resv);

	dma_buf_detach(mock->dmabuf, both_ops);
	dma_buf_detach(mock->dmabuf, new);
	dma_buf_detach(mock->dmabuf, old);
	expect_balance(test, mock);
}

static void only_who_obeys_at_any_time_is_revocable(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	static const struct {
		const struct dma_buf_attach_ops *ops;
		bool revocable;
	} importers[] = {
		{ NULL, false },
		/* a pin silences it */
		{ &mock_importer_ops, false },
		{ &mock_revocable_ops, true },
		{ &mock_bilingual_ops, true },
	};
	struct dma_buf_attachment *attach;
	int i;

	for (i = 0; i < ARRAY_SIZE(importers); i++) {
		attach = attach_with(test, mock, importers[i].ops);
		KUNIT_EXPECT_EQ(test, importers[i].revocable, dma_buf_attach_revocable(attach));
		dma_buf_detach(mock->dmabuf, attach);
	}
}

static void debugging_hides_the_pages_and_nothing_else(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct scatterlist *sg;
	struct sg_table *sgt;
	int i;

	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	if (!IS_ENABLED(CONFIG_DMABUF_DEBUG))
		KUNIT_EXPECT_PTR_EQ(test, mock->last_sgt, sgt);
	for_each_sgtable_sg(sgt, sg, i) {
		if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
			KUNIT_EXPECT_NULL(test, sg_page(sg));
		KUNIT_EXPECT_EQ(test, PAGE_SIZE, sg->length);
	}
	KUNIT_EXPECT_EQ(test, 2, i);
	/* The exporter's own list is as it was. */
	for_each_sgtable_sg(mock->last_sgt, sg, i)
		KUNIT_EXPECT_PTR_EQ(test, mock->vaddr + i * PAGE_SIZE, sg_virt(sg));
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, mock->unmap_ok);
	dma_buf_detach(mock->dmabuf, attach);
}

static void list_without_cpu_entries_arrives_whole(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, 0);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &nobody);
	struct scatterlist *sg;
	struct sg_table *sgt;
	int i;

	mock->no_cpu_list = true;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	KUNIT_EXPECT_EQ(test, 0, sgt->orig_nents);
	for_each_sgtable_dma_sg(sgt, sg, i)
		KUNIT_EXPECT_EQ(test, MOCK_BUF_DMA_BASE + i * PAGE_SIZE, sg_dma_address(sg));
	KUNIT_EXPECT_EQ(test, 2, i);
	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	dma_buf_detach(mock->dmabuf, attach);
	expect_balance(test, mock);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_attach_cases[] = {
	KUNIT_CASE(attach_describes_the_device),
	KUNIT_CASE(dynamic_attach_describes_the_importer),
	KUNIT_CASE(dynamic_attach_needs_a_callback),
	KUNIT_CASE(exporter_may_turn_a_device_down),
	KUNIT_CASE(attach_and_detach_callbacks_are_optional),
	KUNIT_CASE_PARAM(attach_maps_when_only_one_side_knows_of_moves, sides_gen_params),
	KUNIT_CASE_PARAM(mapping_made_at_attach_serves_all_directions, sides_gen_params),
	KUNIT_CASE(mapping_belongs_to_the_device_until_unmap),
	KUNIT_CASE(mapping_works_inside_a_reservation),
	KUNIT_CASE(two_dynamic_sides_pin_while_mapped_unless_moves_are_notified),
	KUNIT_CASE(cached_mapping_stays_until_detach),
	KUNIT_CASE(mapping_cached_for_both_directions_serves_each),
	KUNIT_CASE(map_errors_come_back_and_leave_no_pin),
	KUNIT_CASE(pin_errors_come_back_from_map),
	KUNIT_CASE(attach_that_cannot_pin_or_map_is_undone),
	KUNIT_CASE(static_importer_gets_no_buffer_that_is_still_moving),
	KUNIT_CASE(dynamic_importer_waits_for_moves_itself),
	KUNIT_CASE(static_importer_waits_for_no_other_work),
	KUNIT_CASE(static_importer_attaches_to_no_buffer_that_is_still_moving),
	KUNIT_CASE(importer_may_pin),
	KUNIT_CASE(pin_of_a_buffer_that_never_moves_does_nothing),
	KUNIT_CASE(moves_are_notified_to_those_who_asked),
	KUNIT_CASE(each_name_of_a_move_reaches_each_importer_once),
	KUNIT_CASE(only_who_obeys_at_any_time_is_revocable),
	KUNIT_CASE(debugging_hides_the_pages_and_nothing_else),
	KUNIT_CASE(list_without_cpu_entries_arrives_whole),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_attach_suite = {
	.name = "dma-buf-attach",
	.test_cases = dma_buf_attach_cases,
};

kunit_test_suite(dma_buf_attach_suite);
