// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-revoke.c guarantees to importers and in the kernel. Mappings of
 * processes have a suite of their own.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/poll.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

static struct dma_buf_attachment *try_attach(struct kunit *test, struct mock_buf *mock,
					     const struct dma_buf_attach_ops *ops)
{
	struct mock_importer *importer = mock_importer(test);

	return dma_buf_dynamic_attach(mock->dmabuf, importer->dev, ops, importer);
}

static struct dma_buf_attachment *attach_ok(struct kunit *test, struct mock_buf *mock,
					    const struct dma_buf_attach_ops *ops)
{
	struct dma_buf_attachment *attach = try_attach(test, mock, ops);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	return attach;
}

static struct sg_table *map_ok(struct kunit *test, struct dma_buf_attachment *attach)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sgt);
	return sgt;
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

/* What an attachment's importer has been told so far. */
static unsigned int told(struct dma_buf_attachment *attach)
{
	struct mock_importer *importer = attach->importer_priv;

	return importer->moves + importer->invalidations;
}

static int count_range(struct dma_buf *dmabuf, size_t offset, size_t length,
		       enum dma_data_direction dir)
{
	struct mock_buf *mock = dmabuf->priv;

	mock->calls.begin++;
	return 0;
}

static void nothing_new_begins(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &mock_revocable_ops);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(test);
	struct dma_buf_sync start = { DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START };
	struct dma_buf_sync end = { DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END };
	struct dma_buf *dmabuf = mock->dmabuf;
	struct mock_buf_calls before = mock->calls;

	mock->ops.begin_cpu_access_range = count_range;
	mock->ops.end_cpu_access_range = count_range;
	KUNIT_EXPECT_FALSE(test, dma_buf_is_revoked(dmabuf));
	dma_buf_revoke(dmabuf);
	KUNIT_EXPECT_TRUE(test, dma_buf_is_revoked(dmabuf));

	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR(try_attach(test, mock, NULL)));
	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR(try_attach(test, mock, &mock_importer_ops)));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			PTR_ERR(dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE)));
	KUNIT_EXPECT_EQ(test, -ENODEV, pin_locked(attach));
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_vmap_unlocked(dmabuf, &map));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_begin_cpu_access(dmabuf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_end_cpu_access(dmabuf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			dma_buf_begin_cpu_access_range(dmabuf, 0, 1, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			dma_buf_end_cpu_access_range(dmabuf, 0, 1, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENODEV, mock_ioctl(test, dmabuf->file, DMA_BUF_IOCTL_SYNC,
						  &start, sizeof(start)));
	KUNIT_EXPECT_EQ(test, -ENODEV, mock_ioctl(test, dmabuf->file, DMA_BUF_IOCTL_SYNC,
						  &end, sizeof(end)));
	KUNIT_EXPECT_EQ(test, 0, memcmp(&before, &mock->calls, sizeof(before)));
	dma_buf_detach(dmabuf, attach);
}

static void refusals_need_no_callbacks(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &mock_importer_ops);

	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, -ENODEV, pin_locked(attach));
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_begin_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_end_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	dma_buf_detach(mock->dmabuf, attach);
}

struct kind {
	const char *name;
	unsigned int buffer;
	const struct dma_buf_attach_ops *importer;
	bool pinned;
};

static const struct kind kinds[] = {
	{ "static", 0, NULL },
	{ "static with a cached mapping", MOCK_BUF_CACHED, NULL },
	{ "static, of a buffer that moves", MOCK_BUF_DYNAMIC, NULL },
	{ "dynamic, of a buffer that stays", 0, &mock_importer_ops },
	{ "dynamic with p2p", MOCK_BUF_DYNAMIC, &mock_importer_ops },
	{ "dynamic with p2p, pinned", MOCK_BUF_DYNAMIC, &mock_importer_ops, true },
	{ "revocable", MOCK_BUF_DYNAMIC, &mock_revocable_ops },
	{ "revocable, pinned", MOCK_BUF_DYNAMIC, &mock_revocable_ops, true },
	{ "both old and new", MOCK_BUF_DYNAMIC, &mock_bilingual_ops },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

/* Everybody holds what they have until they give it back, and the exporter sees that. */
static void importer_is_told_and_ends_as_ever(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, kind->buffer);
	struct dma_buf_attachment *attach = attach_ok(test, mock, kind->importer);
	struct mock_buf_calls *calls = &mock->calls;
	struct sg_table *sgt;

	if (kind->pinned)
		KUNIT_ASSERT_EQ(test, 0, pin_locked(attach));
	sgt = map_ok(test, attach);

	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, kind->importer ? 1 : 0, told(attach));
	KUNIT_EXPECT_EQ(test, 0, ((struct mock_importer *)attach->importer_priv)->unlocked_moves);
	KUNIT_EXPECT_EQ(test, 1, mock->mapped);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			PTR_ERR(dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE)));

	dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	if (kind->pinned)
		unpin_locked(attach);
	dma_buf_detach(mock->dmabuf, attach);
	KUNIT_EXPECT_EQ(test, 0, mock->mapped);
	KUNIT_EXPECT_TRUE(test, mock->unmap_ok);
	KUNIT_EXPECT_EQ(test, calls->pin, calls->unpin);
	KUNIT_EXPECT_EQ(test, calls->attach, calls->detach);
	KUNIT_EXPECT_EQ(test, 0, calls->wrong_lock);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
}

static void vmap_lasts_until_its_users_are_done(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct iosys_map one, two, three;

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &one));
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &two));
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, -ENODEV, dma_buf_vmap_unlocked(mock->dmabuf, &three));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&three));
	KUNIT_EXPECT_EQ(test, 2, mock->dmabuf->vmapping_counter);

	dma_buf_vunmap_unlocked(mock->dmabuf, &one);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.vunmap);
	dma_buf_vunmap_unlocked(mock->dmabuf, &two);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vunmap);
}

static void second_revocation_changes_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	struct dma_buf_attachment *attach = attach_ok(test, mock, &mock_revocable_ops);

	dma_buf_revoke(mock->dmabuf);
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 1, told(attach));
	dma_buf_detach(mock->dmabuf, attach);
}

static int revoke_then_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct mock_buf *mock = dmabuf->priv;

	mock->calls.attach++;
	dma_buf_revoke(dmabuf);
	return 0;
}

static void importer_that_comes_meanwhile_is_turned_down(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);

	mock->ops.attach = revoke_then_attach;
	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR(try_attach(test, mock, NULL)));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.attach);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.detach);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.pin);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.map);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->dmabuf->attachments));
}

/* Somebody who waits for a buffer's fences in order to access it. */
struct accessor {
	struct dma_buf *dmabuf;
	int ret;
	struct completion started, done;
};

static int accessor_thread(void *data)
{
	struct accessor *accessor = data;

	complete(&accessor->started);
	accessor->ret = dma_buf_begin_cpu_access(accessor->dmabuf, DMA_FROM_DEVICE);
	complete(&accessor->done);
	return 0;
}

static void access_that_waited_meanwhile_is_refused(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);
	struct accessor accessor = { .dmabuf = mock->dmabuf };
	struct task_struct *task;

	init_completion(&accessor.started);
	init_completion(&accessor.done);
	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_WRITE);
	task = kthread_run(accessor_thread, &accessor, "accessor");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&accessor.started);
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_FALSE(test, completion_done(&accessor.done));
	dma_fence_signal(fence);
	wait_for_completion(&accessor.done);
	KUNIT_EXPECT_EQ(test, -ENODEV, accessor.ret);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.begin);
}

static void fences_stay_and_signal(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);
	struct dma_resv *resv = mock->dmabuf->resv;

	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_READ);
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP));
}

static void descriptors_go_on_naming_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd;

	dma_buf_revoke(mock->dmabuf);
	get_dma_buf(mock->dmabuf);
	fd = dma_buf_fd(mock->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf, dma_buf_get(fd));
	dma_buf_put(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vfs_llseek(mock->dmabuf->file, 0, SEEK_END));
	close_fd(fd);
}

static void fdinfo_tells_it(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_NULL(test, strstr(mock_fdinfo(test, mock->dmabuf->file), "revoked"));
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, mock->dmabuf->file),
					   "\nrevoked:\t1\n"));
}

#ifdef CONFIG_DEBUG_FS
static void bufinfo_tells_it(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_NULL(test, strstr(mock_bufinfo(test), "\tRevoked\n"));
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_bufinfo(test), "\tRevoked\n"));
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_revoke_cases[] = {
	KUNIT_CASE(nothing_new_begins),
	KUNIT_CASE(refusals_need_no_callbacks),
	KUNIT_CASE_PARAM(importer_is_told_and_ends_as_ever, kind_gen_params),
	KUNIT_CASE(vmap_lasts_until_its_users_are_done),
	KUNIT_CASE(second_revocation_changes_nothing),
	KUNIT_CASE(importer_that_comes_meanwhile_is_turned_down),
	KUNIT_CASE(access_that_waited_meanwhile_is_refused),
	KUNIT_CASE(fences_stay_and_signal),
	KUNIT_CASE(descriptors_go_on_naming_the_buffer),
	KUNIT_CASE(fdinfo_tells_it),
#ifdef CONFIG_DEBUG_FS
	KUNIT_CASE(bufinfo_tells_it),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_revoke_suite = {
	.name = "dma-buf-revoke",
	.test_cases = dma_buf_revoke_cases,
};

kunit_test_suite(dma_buf_revoke_suite);
