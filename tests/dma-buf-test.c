// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf.c guarantees: export, references, release, access by the CPU.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

/* What dma_buf_export() answers to a description that @spoil has been at. */
static int export_spoilt(struct kunit *test, unsigned int kind,
			 void (*spoil)(struct mock_buf *mock, struct dma_buf_export_info *info))
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;

	mock_buf_describe(mock, &info, kind);
	spoil(mock, &info);
	return mock_buf_export(mock, &info);
}

static void no_priv(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	info->priv = NULL;
}

static void no_ops(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	info->ops = NULL;
}

static void no_map(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.map_dma_buf = NULL;
}

static void no_unmap(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.unmap_dma_buf = NULL;
}

static void no_release(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.release = NULL;
}

static void no_pin(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.pin = NULL;
}

static void no_unpin(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.unpin = NULL;
}

static void cached(struct mock_buf *mock, struct dma_buf_export_info *info)
{
	mock->ops.cache_sgt_mapping = true;
}

static void export_needs_private_data_and_callbacks(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, 0, no_priv));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, 0, no_ops));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, 0, no_map));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, 0, no_unmap));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, 0, no_release));
}

static void export_needs_pin_and_unpin_or_neither(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, MOCK_BUF_DYNAMIC, no_pin));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, MOCK_BUF_DYNAMIC, no_unpin));
}

static void export_refuses_to_cache_what_moves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, export_spoilt(test, MOCK_BUF_DYNAMIC, cached));
}

static void export_needs_no_optional_callback(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
}

#ifdef CONFIG_MODULE_UNLOAD
/* A module of no code. Its name is for the module tracepoints. */
static struct module *mock_module(struct kunit *test, enum module_state state)
{
	struct module *module = kunit_kzalloc(test, sizeof(*module), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, module);
	strscpy(module->name, "mock");
	module->state = state;
	atomic_set(&module->refcnt, 1);
	return module;
}

static void export_fails_while_the_module_goes(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;

	mock_buf_describe(mock, &info, 0);
	info.owner = mock_module(test, MODULE_STATE_GOING);
	KUNIT_EXPECT_EQ(test, -ENOENT, mock_buf_export(mock, &info));
	KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&info.owner->refcnt));
}

static void module_refs_at_release(struct mock_buf *mock)
{
	*(int *)mock->data = atomic_read(&mock->dmabuf->owner->refcnt);
}

static void buffer_holds_the_module_until_release_is_over(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	int refs = 0;

	mock_buf_describe(mock, &info, 0);
	info.owner = mock_module(test, MODULE_STATE_LIVE);
	mock->on_release = module_refs_at_release;
	mock->data = &refs;
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&info.owner->refcnt));

	/* Not from a work item, so that all of it is over afterwards. */
	__fput_sync(mock->dmabuf->file);
	mock->dmabuf = NULL;
	KUNIT_EXPECT_TRUE(test, completion_done(&mock->released));
	KUNIT_EXPECT_EQ(test, 2, refs);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&info.owner->refcnt));
}
#endif

static void export_fills_in_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 3 * PAGE_SIZE, 0);
	struct dma_buf *dmabuf = mock->dmabuf;

	KUNIT_EXPECT_EQ(test, 3 * PAGE_SIZE, dmabuf->size);
	KUNIT_EXPECT_PTR_EQ(test, &mock->ops, dmabuf->ops);
	KUNIT_EXPECT_PTR_EQ(test, mock, dmabuf->priv);
	KUNIT_EXPECT_STREQ(test, "mock", dmabuf->exp_name);
	KUNIT_EXPECT_TRUE(test, list_empty(&dmabuf->attachments));
	KUNIT_EXPECT_EQ(test, 1, file_count(dmabuf->file));
	KUNIT_EXPECT_FALSE(test, dma_buf_is_dynamic(dmabuf));
}

static void file_looks_as_programs_expect(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE + 1, 0)->dmabuf->file;
	struct inode *inode = file_inode(file);

	KUNIT_EXPECT_EQ(test, PAGE_SIZE + 1, i_size_read(inode));
	KUNIT_EXPECT_EQ(test, 0600, inode->i_mode);
	KUNIT_EXPECT_EQ(test, DMA_BUF_MAGIC, inode->i_sb->s_magic);
	KUNIT_EXPECT_STREQ(test, "dmabuf", inode->i_sb->s_type->name);
	KUNIT_EXPECT_EQ(test, O_RDWR, file->f_flags & O_ACCMODE);
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_READ);
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_WRITE);
}

static void file_system_cannot_be_mounted_from_userspace(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, get_fs_type("dmabuf"));
}

static void file_flags_limit_the_file(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;

	mock_buf_describe(mock, &info, 0);
	info.flags = O_RDONLY;
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	KUNIT_EXPECT_TRUE(test, mock->dmabuf->file->f_mode & FMODE_READ);
	KUNIT_EXPECT_FALSE(test, mock->dmabuf->file->f_mode & FMODE_WRITE);
}

static void inode_numbers_never_repeat(struct kunit *test)
{
	unsigned long last = 0, ino;
	struct mock_buf *mock;
	int i;

	for (i = 0; i < 5; i++) {
		mock = mock_buf(test, PAGE_SIZE, 0);
		ino = file_inode(mock->dmabuf->file)->i_ino;
		KUNIT_EXPECT_GT(test, ino, last);
		last = ino;
		KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	}
}

static void buffer_brings_a_reservation_unless_given_one(struct kunit *test)
{
	struct mock_buf *own = mock_buf(test, PAGE_SIZE, 0);
	struct mock_buf *given = mock_buf(test, PAGE_SIZE, MOCK_BUF_SHARED_RESV);

	KUNIT_EXPECT_PTR_NE(test, &own->own_resv, own->dmabuf->resv);
	KUNIT_EXPECT_PTR_EQ(test, &given->own_resv, given->dmabuf->resv);

	mock_buf_add_fence(test, own->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(own->dmabuf->resv, DMA_RESV_USAGE_WRITE));
}

static void structure_is_at_most_232_bytes(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_64BIT) || IS_ENABLED(CONFIG_DEBUG_SPINLOCK) ||
	    IS_ENABLED(CONFIG_DEBUG_LOCK_ALLOC) || IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "locks have another size here");
	KUNIT_EXPECT_LE(test, sizeof(struct dma_buf), 232);
}

static void last_put_releases(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf *dmabuf = mock->dmabuf;

	get_dma_buf(dmabuf);
	dma_buf_put(dmabuf);
	flush_delayed_fput();
	KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
}

static void look_at_the_fences(struct mock_buf *mock)
{
	struct dma_fence *fence = mock->data;

	if (kref_read(&fence->refcount) == 2 &&
	    !dma_resv_test_signaled(mock->dmabuf->resv, DMA_RESV_USAGE_WRITE))
		mock->data = NULL;
}

static void release_finds_the_reservation_whole(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);

	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_WRITE);
	mock->on_release = look_at_the_fences;
	mock->data = fence;
	__fput_sync(mock->dmabuf->file);
	mock->dmabuf = NULL;
	KUNIT_EXPECT_NULL(test, mock->data);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&fence->refcount));
}

static void release_leaves_a_given_reservation_alone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_SHARED_RESV);
	struct dma_fence *fence = mock_fence(test);

	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_WRITE);
	__fput_sync(mock->dmabuf->file);
	mock->dmabuf = NULL;
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(&mock->own_resv, DMA_RESV_USAGE_WRITE));
}

static void fd_of_nothing_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_buf_fd(NULL, 0));
}

static void fd_takes_over_the_reference(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf *dmabuf = mock->dmabuf, *found;
	int fd = dma_buf_fd(dmabuf, 0);

	KUNIT_ASSERT_GE(test, fd, 0);
	mock->dmabuf = NULL;
	KUNIT_EXPECT_EQ(test, 1, file_count(dmabuf->file));

	found = dma_buf_get(fd);
	KUNIT_EXPECT_PTR_EQ(test, dmabuf, found);
	KUNIT_EXPECT_EQ(test, 2, file_count(dmabuf->file));
	dma_buf_put(found);

	KUNIT_EXPECT_EQ(test, 0, close_fd(fd));
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
}

static void fd_is_close_on_exec_when_asked(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int plain, cloexec;

	get_dma_buf(mock->dmabuf);
	plain = dma_buf_fd(mock->dmabuf, 0);
	get_dma_buf(mock->dmabuf);
	cloexec = dma_buf_fd(mock->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, plain, 0);
	KUNIT_ASSERT_GE(test, cloexec, 0);
	KUNIT_EXPECT_FALSE(test, fd_is_cloexec(plain));
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(cloexec));
	close_fd(plain);
	close_fd(cloexec);
}

static void fd_reports_a_full_table_and_keeps_the_reference(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct rlimit *limit = &current->signal->rlim[RLIMIT_NOFILE];
	unsigned long old = limit->rlim_cur;
	int fd;

	limit->rlim_cur = 0;
	fd = dma_buf_fd(mock->dmabuf, 0);
	limit->rlim_cur = old;
	KUNIT_EXPECT_EQ(test, -EMFILE, fd);
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
}

static void get_tells_what_is_not_a_buffer(struct kunit *test)
{
	static const struct file_operations fops = {};
	int fd = anon_inode_getfd("[other]", &fops, NULL, O_RDWR);

	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(dma_buf_get(fd)));
	close_fd(fd);
	KUNIT_EXPECT_EQ(test, -EBADF, PTR_ERR(dma_buf_get(fd)));
	KUNIT_EXPECT_EQ(test, -EBADF, PTR_ERR(dma_buf_get(-1)));
}

/* What begin_cpu_access answers with a fence of @usage pending and no time to wait. */
static int begin_hurried(struct kunit *test, enum dma_resv_usage usage,
			 enum dma_data_direction dir)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int ret;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), usage);
	mock_signal_self();
	ret = dma_buf_begin_cpu_access(mock->dmabuf, dir);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, ret ? 0 : 1, mock->calls.begin);
	return ret;
}

static void begin_for_reading_waits_for_writers_only(struct kunit *test)
{
	const enum dma_data_direction dir = DMA_FROM_DEVICE;

	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, begin_hurried(test, DMA_RESV_USAGE_KERNEL, dir));
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, begin_hurried(test, DMA_RESV_USAGE_WRITE, dir));
	KUNIT_EXPECT_EQ(test, 0, begin_hurried(test, DMA_RESV_USAGE_READ, dir));
	KUNIT_EXPECT_EQ(test, 0, begin_hurried(test, DMA_RESV_USAGE_BOOKKEEP, dir));
}

static void begin_for_writing_waits_for_readers_too(struct kunit *test)
{
	const enum dma_resv_usage read = DMA_RESV_USAGE_READ, book = DMA_RESV_USAGE_BOOKKEEP;

	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, begin_hurried(test, read, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, begin_hurried(test, read, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0, begin_hurried(test, book, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, begin_hurried(test, book, DMA_BIDIRECTIONAL));
}

struct delayed_signal {
	struct delayed_work work;
	struct dma_fence *fence;
	bool seen;
};

static void signal_later(struct work_struct *work)
{
	dma_fence_signal(container_of(work, struct delayed_signal, work.work)->fence);
}

static void was_it_signalled(struct mock_buf *mock)
{
	struct delayed_signal *later = mock->data;

	later->seen = dma_fence_is_signaled(later->fence);
}

static void begin_cleans_caches_after_the_devices_have_finished(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct delayed_signal later = { .fence = mock_fence(test) };

	mock_buf_add_fence(test, mock->dmabuf, later.fence, DMA_RESV_USAGE_WRITE);
	mock->on_begin = was_it_signalled;
	mock->data = &later;
	INIT_DELAYED_WORK_ONSTACK(&later.work, signal_later);
	schedule_delayed_work(&later.work, 2);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(mock->dmabuf, DMA_FROM_DEVICE));
	flush_delayed_work(&later.work);
	destroy_delayed_work_on_stack(&later.work);

	KUNIT_EXPECT_EQ(test, 1, mock->calls.begin);
	KUNIT_EXPECT_TRUE(test, later.seen);
}

/* A device that the caches do not know of writes, twice, and what the CPU sees of it. */
struct incoherent {
	struct delayed_work work;
	struct dma_fence *fences[2];
	unsigned int written, seen;
};

static void write_and_signal(struct work_struct *work)
{
	struct incoherent *device = container_of(work, struct incoherent, work.work);
	unsigned int turn = device->written++;

	dma_fence_signal(device->fences[turn]);
	if (device->written < ARRAY_SIZE(device->fences))
		schedule_delayed_work(&device->work, 2);
}

static void fetch_into_the_cache(struct mock_buf *mock)
{
	struct incoherent *device = mock->data;

	device->seen = device->written;
}

static void sync_start_shows_what_an_incoherent_device_wrote_last(struct kunit *test)
{
	struct dma_buf_sync start = { DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START };
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct incoherent device = {};
	int i;

	for (i = 0; i < ARRAY_SIZE(device.fences); i++) {
		device.fences[i] = mock_fence(test);
		mock_buf_add_fence(test, mock->dmabuf, device.fences[i], DMA_RESV_USAGE_WRITE);
	}
	mock->on_begin = fetch_into_the_cache;
	mock->data = &device;
	INIT_DELAYED_WORK_ONSTACK(&device.work, write_and_signal);
	schedule_delayed_work(&device.work, 2);
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_SYNC,
					    &start, sizeof(start)));
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(device.fences), device.seen);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.begin);
	flush_delayed_work(&device.work);
	destroy_delayed_work_on_stack(&device.work);
}

static void start_a_move(struct mock_buf *mock)
{
	struct dma_resv *resv = mock->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	if (!dma_resv_reserve_fences(resv, 1))
		dma_resv_add_fence(resv, mock->data, DMA_RESV_USAGE_KERNEL);
	dma_resv_unlock(resv);
}

static void begin_waits_for_a_move_that_the_exporter_starts(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_DYNAMIC);
	int ret;

	mock->on_begin = start_a_move;
	mock->data = mock_fence(test);
	mock_signal_self();
	ret = dma_buf_begin_cpu_access(mock->dmabuf, DMA_FROM_DEVICE);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ret);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.begin);
}

static void end_waits_for_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int ret;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_KERNEL);
	mock_signal_self();
	ret = dma_buf_end_cpu_access(mock->dmabuf, DMA_TO_DEVICE);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.end);
}

static void cpu_access_passes_direction_and_errors_on(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	mock->begin_err = -EIO;
	mock->end_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, -EIO, dma_buf_begin_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, mock->dir);
	KUNIT_EXPECT_EQ(test, -ENXIO, dma_buf_end_cpu_access(mock->dmabuf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_FROM_DEVICE, mock->dir);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
}

static int other_begin(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	return -EUCLEAN;
}

static void callbacks_replaced_after_export_are_the_ones_that_run(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_ops other = mock->ops;

	other.begin_cpu_access = other_begin;
	mock->dmabuf->ops = &other;
	KUNIT_EXPECT_EQ(test, -EUCLEAN, dma_buf_begin_cpu_access(mock->dmabuf, DMA_TO_DEVICE));
	mock->dmabuf->ops = &mock->ops;
}

static void vmaps_share_one_mapping_until_the_last_is_gone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct iosys_map a, b;

	KUNIT_EXPECT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &a));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &b));
	KUNIT_EXPECT_PTR_EQ(test, mock->vaddr, a.vaddr);
	KUNIT_EXPECT_TRUE(test, iosys_map_is_equal(&a, &b));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vmap);

	dma_buf_vunmap_unlocked(mock->dmabuf, &a);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.vunmap);
	dma_buf_vunmap_unlocked(mock->dmabuf, &b);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vunmap);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &a));
	KUNIT_EXPECT_EQ(test, 2, mock->calls.vmap);
	dma_buf_vunmap_unlocked(mock->dmabuf, &a);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
}

static void vmap_works_inside_a_reservation(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct iosys_map map;
	int ret;

	dma_resv_lock(mock->dmabuf->resv, NULL);
	ret = dma_buf_vmap(mock->dmabuf, &map);
	if (!ret)
		dma_buf_vunmap(mock->dmabuf, &map);
	dma_resv_unlock(mock->dmabuf->resv);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vunmap);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
}

static void vmap_that_fails_leaves_nothing_behind(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(test);

	mock->vmap_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_buf_vmap_unlocked(mock->dmabuf, &map));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));

	mock->vmap_err = 0;
	KUNIT_EXPECT_EQ(test, 0, dma_buf_vmap_unlocked(mock->dmabuf, &map));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vmap);
	dma_buf_vunmap_unlocked(mock->dmabuf, &map);
	KUNIT_EXPECT_EQ(test, 1, mock->calls.vunmap);
}

static void vmap_needs_an_exporter_that_can(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, dma_buf_vmap_unlocked(mock->dmabuf, &map));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_cases[] = {
	KUNIT_CASE(export_needs_private_data_and_callbacks),
	KUNIT_CASE(export_needs_pin_and_unpin_or_neither),
	KUNIT_CASE(export_refuses_to_cache_what_moves),
	KUNIT_CASE(export_needs_no_optional_callback),
#ifdef CONFIG_MODULE_UNLOAD
	KUNIT_CASE(export_fails_while_the_module_goes),
	KUNIT_CASE(buffer_holds_the_module_until_release_is_over),
#endif
	KUNIT_CASE(export_fills_in_the_buffer),
	KUNIT_CASE(file_looks_as_programs_expect),
	KUNIT_CASE(file_system_cannot_be_mounted_from_userspace),
	KUNIT_CASE(file_flags_limit_the_file),
	KUNIT_CASE(inode_numbers_never_repeat),
	KUNIT_CASE(buffer_brings_a_reservation_unless_given_one),
	KUNIT_CASE(structure_is_at_most_232_bytes),
	KUNIT_CASE(last_put_releases),
	KUNIT_CASE(release_finds_the_reservation_whole),
	KUNIT_CASE(release_leaves_a_given_reservation_alone),
	KUNIT_CASE(fd_of_nothing_is_refused),
	KUNIT_CASE(fd_takes_over_the_reference),
	KUNIT_CASE(fd_is_close_on_exec_when_asked),
	KUNIT_CASE(fd_reports_a_full_table_and_keeps_the_reference),
	KUNIT_CASE(get_tells_what_is_not_a_buffer),
	KUNIT_CASE(begin_for_reading_waits_for_writers_only),
	KUNIT_CASE(begin_for_writing_waits_for_readers_too),
	KUNIT_CASE(begin_cleans_caches_after_the_devices_have_finished),
	KUNIT_CASE(sync_start_shows_what_an_incoherent_device_wrote_last),
	KUNIT_CASE(begin_waits_for_a_move_that_the_exporter_starts),
	KUNIT_CASE(end_waits_for_nothing),
	KUNIT_CASE(cpu_access_passes_direction_and_errors_on),
	KUNIT_CASE(callbacks_replaced_after_export_are_the_ones_that_run),
	KUNIT_CASE(vmaps_share_one_mapping_until_the_last_is_gone),
	KUNIT_CASE(vmap_works_inside_a_reservation),
	KUNIT_CASE(vmap_that_fails_leaves_nothing_behind),
	KUNIT_CASE(vmap_needs_an_exporter_that_can),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_suite = {
	.name = "dma-buf",
	.test_cases = dma_buf_cases,
};

kunit_test_suite(dma_buf_suite);

