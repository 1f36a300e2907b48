// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has gone wrong in this subsystem before: each case is named after the CVE
 * or the syzbot report whose trigger it pulls. Documentation/hardening.rst tells
 * what each was about, and where those are that other suites or
 * tests/selftests/history.c pull.
 */
#include <linux/dcache.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-heap.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/path.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/dma-heap.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "mock-fence.h"
#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"
#include "udmabuf-fixture.h"

/* One trigger that was reported under several names. */
struct report {
	const char *name;
};

static void stop_thread(void *task)
{
	kthread_stop(task);
}

/* A thread that runs @func until the case ends, or until it is stopped. */
static struct task_struct *thread(struct kunit *test, int (*func)(void *data), void *data)
{
	struct task_struct *task = kthread_run(func, data, "history");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, stop_thread, task));
	return task;
}

/* ---- Buffers and their files ---- */

/* Exports a buffer and drops it, again and again; the answer is what went wrong. */
static int come_and_go(void *data)
{
	struct dma_buf_export_info info;
	struct mock_buf *mock = data;
	int ret = 0;

	while (!kthread_should_stop()) {
		mock_buf_describe(mock, &info, 0);
		ret = ret ?: mock_buf_export(mock, &info);
		if (!ret && !mock_buf_put(mock))
			ret = -ETIME;
		cond_resched();
	}
	return ret;
}

/* bufinfo looked at the inode of a file that was already being taken apart. */
static void cve_2021_0707_bufinfo_while_buffers_go(struct kunit *test)
{
	struct mock_buf *mocks[2];
	int i;

	if (!IS_ENABLED(CONFIG_DEBUG_FS))
		kunit_skip(test, "needs CONFIG_DEBUG_FS");

	for (i = 0; i < ARRAY_SIZE(mocks); i++) {
		mocks[i] = mock_buf_prepare(test, PAGE_SIZE);
		thread(test, come_and_go, mocks[i]);
	}
	for (i = 0; i < 50; i++) {
		KUNIT_EXPECT_NOT_NULL(test, strstr(mock_bufinfo(test), " objects, "));
		schedule_timeout_uninterruptible(1);
	}
}

/* A path was printed after the name in it had been freed. */
static void syzbot_3643a18836bce555bff6_path_of_a_closed_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	char name[DMA_BUF_NAME_LEN] = "still here", buf[64];
	struct path path = mock->dmabuf->file->f_path;
	struct dma_buf *dmabuf = mock->dmabuf;

	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, dmabuf->file, DMA_BUF_SET_NAME, name,
					    sizeof(name)));
	path_get(&path);
	mock->dmabuf = NULL;
	dma_buf_put(dmabuf);
	flush_delayed_fput();
	KUNIT_EXPECT_STREQ(test, "/dmabuf:still here", d_path(&path, buf, sizeof(buf)));
	path_put(&path);
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
}

/* Each name but the first was a leak. */
static void syzbot_b2098bc44728a4efb3e9_names_are_freed(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;
	void __user *name = mock_user_page(test);
	const long names = 8192;
	long pages, i;

	mock_to_user(test, name, "a name of thirty-one characters", DMA_BUF_NAME_LEN);
	pages = mock_slab_pages();
	for (i = 0; i < names; i++)
		KUNIT_ASSERT_EQ(test, 0, file->f_op->unlocked_ioctl(file, DMA_BUF_SET_NAME,
								    (unsigned long)name));
	KUNIT_EXPECT_LT(test, mock_slab_pages() - pages,
			(long)(names * DMA_BUF_NAME_LEN / PAGE_SIZE / 2));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
}

/* That an exporter is out of memory was worth a warning, which panics some machines. */
static void syzbot_4317d7108e14e5d56308_vmap_without_memory(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(mock);

	mock->vmap_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_buf_vmap_unlocked(mock->dmabuf, &map));
	KUNIT_EXPECT_TRUE(test, iosys_map_is_null(&map));
}

/* poll() took a reference to a file whose last one could just be going. */
static void syzbot_9228d6098455bb209ec8_poll_and_close(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);
	poll_table pt = { ._key = EPOLLIN | EPOLLOUT };

	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, 0, (__force int)vfs_poll(mock->dmabuf->file, &pt));
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	dma_fence_signal(fence);
}

/* Closes whatever the test is about to get, as soon as it is there. */
static int guess(void *data)
{
	int *fd = data;

	while (!kthread_should_stop()) {
		if (READ_ONCE(*fd) > 0)
			close_fd(READ_ONCE(*fd));
		cond_resched();
	}
	return 0;
}

static const struct report guess_reports[] = {
	{ "cve_2026_63910" }, { "syzbot_7f4987d0afb97dd090cb" },
};

KUNIT_ARRAY_PARAM_DESC(guess, guess_reports, name);

/* dma_buf_fd() went on to look at a buffer that another thread had closed by then. */
static void descriptor_is_closed_by_another_thread(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	struct task_struct *guesser;
	int next = -1, fd, i;

	guesser = thread(test, guess, &next);
	mock_buf_describe(mock, &info, 0);
	for (i = 0; i < 200; i++) {
		KUNIT_EXPECT_EQ(test, 0, mock_buf_export(mock, &info));
		WRITE_ONCE(next, lowest_free_fd());
		fd = dma_buf_fd(mock->dmabuf, O_CLOEXEC);
		mock->dmabuf = NULL;
		KUNIT_EXPECT_GE(test, fd, 0);
		WRITE_ONCE(next, -1);
		close_fd(fd);
		KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
	}
	kunit_release_action(test, stop_thread, guesser);
}

/* ---- Fences ---- */

/* A fence that looks pending once and has signalled whenever it is asked again. */
struct fickle {
	struct dma_fence base;
	unsigned int asked;
};

static const char *fickle_name(struct dma_fence *fence)
{
	return "fickle";
}

static bool fickle_signaled(struct dma_fence *fence)
{
	return container_of(fence, struct fickle, base)->asked++;
}

static const struct dma_fence_ops fickle_ops = {
	.get_driver_name = fickle_name,
	.get_timeline_name = fickle_name,
	.signaled = fickle_signaled,
};

static struct dma_fence *fickle(struct kunit *test)
{
	struct fickle *fickle = kzalloc(sizeof(*fickle), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fickle);
	dma_fence_init(&fickle->base, &fickle_ops, NULL, dma_fence_context_alloc(1), 1);
	return mock_put_later(test, &fickle->base);
}

/* Of no fences, one was left when duplicates were gone, from memory that had none. */
static void cve_2026_72095_merge_of_what_is_gone(struct kunit *test)
{
	struct dma_fence *one = fickle(test), *two = fickle(test), *merged;

	merged = dma_fence_unwrap_merge(one, two);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(merged));
	dma_fence_put(merged);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_dedup_array(NULL, 0));

	merged = __dma_fence_unwrap_merge(0, NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(merged));
	dma_fence_put(merged);
}

/* Merging signalled fences gave an array of none, whose first member was looked at. */
static void syzbot_5c943fe38e86d615cac2_merge_of_signalled_fences(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2), *merged, *fence;
	struct sync_merge_data data = { .fd2 = sync_fd(test, fences[1]) };
	struct dma_fence_unwrap cursor;
	unsigned int count = 0;
	int fd = sync_fd(test, fences[0]);

	mock_signal_all(fences, 2);
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_MERGE, &data, sizeof(data)));
	close_later(test, data.fence);
	merged = mock_put_later(test, sync_file_get_fence(data.fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_array(merged));
	dma_fence_unwrap_for_each(fence, &cursor, merged)
		count++;
	KUNIT_EXPECT_EQ(test, 1, count);
}

static const struct report info_reports[] = {
	{ "syzbot_007bfe0f3330f6e1e7d1" }, { "syzbot_6d6c13e35721fb4393fd" },
	{ "syzbot_65422ff0767f378aacfb" }, { "syzbot_a225ee3df7e7f9372dbe" },
};

KUNIT_ARRAY_PARAM_DESC(info, info_reports, name);

/* sync/info let interrupts in while it held a lock that they take: CVE-2024-38780. */
static void info_leaves_interrupts_as_they_are(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct file *file = mock_fs_open(test, "debugfs", "sync/info", O_RDONLY);
	loff_t pos = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	sw_sync_fence(test, timeline, 1);
	sw_sync_fence(test, timeline, 2);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fs_read(test, file, &pos, PAGE_SIZE),
					   "fence active: 2 / 0"));
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
}

/* ---- Where memory comes from ---- */

#ifdef CONFIG_DMABUF_HEAPS_SYSTEM
/* The number of an ioctl was an index into a table, also while the CPU speculated. */
static void cve_2022_48730_ioctl_number_is_no_index(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/system", O_RDONLY);
	struct dma_heap_allocation_data data = { .len = PAGE_SIZE };
	unsigned int nr, cmd;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	for (nr = 1; nr <= _IOC_NRMASK; nr++) {
		cmd = _IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, nr, sizeof(data));
		KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, file, cmd, &data, sizeof(data)));
	}
}
#endif

static const struct report nothing_reports[] = {
	{ "cve_2021_47649" }, { "syzbot_2c56b725ec547fa9cb29" },
};

KUNIT_ARRAY_PARAM_DESC(nothing, nothing_reports, name);

/* A buffer of no pages at all. */
static void nothing_to_make_a_buffer_of(struct kunit *test)
{
	int mem = memfd_fd(test, memfd(test, 1, F_SEAL_SHRINK)), dev = udmabuf_fd(test);
	const struct udmabuf_create_item items[2] = { { .memfd = mem }, { .memfd = mem } };

	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 0));
}

static const struct report mask_reports[] = {
	{ "cve_2022_49983" },
	{ "syzbot_10e27961f4da37c443b2" },
	{ "syzbot_d03b64357793677f0080" },
	{ "syzbot_3ba551855046ba3b3806" },
};

KUNIT_ARRAY_PARAM_DESC(mask, mask_reports, name);

/* The device behind udmabuf had no DMA mask, and the first access drew a warning. */
static void first_access_of_the_cpu(struct kunit *test)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START };
	int fd;

	whole(test, memfd(test, 4, F_SEAL_SHRINK), &fd);
	KUNIT_EXPECT_EQ(test, 0, fd_ioctl_data(test, fd, DMA_BUF_IOCTL_SYNC, &sync, sizeof(sync)));
	sync.flags |= DMA_BUF_SYNC_END;
	KUNIT_EXPECT_EQ(test, 0, fd_ioctl_data(test, fd, DMA_BUF_IOCTL_SYNC, &sync, sizeof(sync)));
}

static const struct report table_reports[] = {
	{ "cve_2022_50819" }, { "syzbot_c80e9ef5d8bb45894db0" },
};

KUNIT_ARRAY_PARAM_DESC(table, table_reports, name);

/* An access failed, and the release freed the error that was kept as a table. */
static void release_after_an_access_that_failed(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	struct dma_buf *dmabuf;
	int fd, ret;

	needs_failslab(test);
	dmabuf = whole(test, file, &fd);
	fail_allocation(test, 1);
	ret = dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, fail_allocation_hit());
	KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	close_now(test, fd);
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(file));
}

/* Pages behind the end could be mapped, and somebody made an exploit of it. */
static void cve_2023_2008_mapping_beyond_the_end(struct kunit *test)
{
	static const unsigned long offsets[] = {
		4, 5, BIT(20), ULONG_MAX >> PAGE_SHIFT, (ULONG_MAX >> PAGE_SHIFT) - 3,
	};
	struct dma_buf *dmabuf;
	int fd, i;

	dmabuf = whole(test, memfd(test, 4, F_SEAL_SHRINK), &fd);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		KUNIT_EXPECT_TRUE(test, IS_ERR_VALUE(map_buffer(test, dmabuf, offsets[i], 1,
								PROT_READ, MAP_SHARED)));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, 5, PROT_READ,
							MAP_SHARED));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 3, 2, PROT_READ,
							MAP_SHARED));
}

/* Without a free descriptor the buffer stayed, with what it was made of freed. */
static void cve_2024_56712_no_descriptor_left(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int mem = memfd_fd(test, file), dev = udmabuf_fd(test);
	unsigned long limit = limit_fds(0);
	long ret = create(test, dev, mem, 0, 4 * PAGE_SIZE);

	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, ret);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(file));
}

static struct kunit_case history_cases[] = {
	KUNIT_CASE(cve_2021_0707_bufinfo_while_buffers_go),
	KUNIT_CASE(syzbot_3643a18836bce555bff6_path_of_a_closed_buffer),
	KUNIT_CASE(syzbot_b2098bc44728a4efb3e9_names_are_freed),
	KUNIT_CASE(syzbot_4317d7108e14e5d56308_vmap_without_memory),
	KUNIT_CASE(syzbot_9228d6098455bb209ec8_poll_and_close),
	KUNIT_CASE_PARAM(descriptor_is_closed_by_another_thread, guess_gen_params),
	KUNIT_CASE(cve_2026_72095_merge_of_what_is_gone),
	KUNIT_CASE(syzbot_5c943fe38e86d615cac2_merge_of_signalled_fences),
	KUNIT_CASE_PARAM(info_leaves_interrupts_as_they_are, info_gen_params),
#ifdef CONFIG_DMABUF_HEAPS_SYSTEM
	KUNIT_CASE(cve_2022_48730_ioctl_number_is_no_index),
#endif
	KUNIT_CASE_PARAM(nothing_to_make_a_buffer_of, nothing_gen_params),
	KUNIT_CASE_PARAM(first_access_of_the_cpu, mask_gen_params),
	KUNIT_CASE_PARAM(release_after_an_access_that_failed, table_gen_params),
	KUNIT_CASE(cve_2023_2008_mapping_beyond_the_end),
	KUNIT_CASE(cve_2024_56712_no_descriptor_left),
	{}
};

static struct kunit_suite history_suite = {
	.name = "history",
	.test_cases = history_cases,
};

kunit_test_suite(history_suite);
