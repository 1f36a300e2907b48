// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one process must not get from another, or from the kernel; and what one
 * call may cost. Documentation/hardening.rst has the rest of the list, with the
 * tests that are in the suites of their files or in tests/selftests/permissions.c.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "mock-fence.h"
#include "sync-user.h"

/* What others would find in memory that was not cleared. */
#define DIRT	0xa5

/* ---- Descriptors ---- */

static void descriptors_close_on_exec_where_no_flag_says_so(struct kunit *test)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	int timeline = sw_sync_open(test), point = sw_sync_fence(test, timeline, 1);
	struct sync_merge_data merge = { .fd2 = point };
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file,
					    DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export,
					    sizeof(export)));
	close_later(test, export.fd);
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, point, SYNC_IOC_MERGE, &merge,
					       sizeof(merge)));
	close_later(test, merge.fence);

	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(point));
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(export.fd));
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(merge.fence));
}

/* ---- Memory ---- */

/* How many bytes of @data, which is @size bytes large, are dirt. */
static size_t dirty_bytes(const void *data, size_t size)
{
	size_t i, count = 0;

	for (i = 0; i < size; i++)
		count += ((const u8 *)data)[i] == DIRT;
	return count;
}

/* Makes it likely that the next allocations of about @size bytes find dirt. */
static void soil_slab(struct kunit *test, size_t size)
{
	void *objects[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = kmalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		memset(objects[i], DIRT, size);
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		kfree(objects[i]);
}

/* Fills the stack below with dirt; what is called next has its variables there. */
static noinline void soil_stack(void)
{
	u8 dirt[1024];

	memset(dirt, DIRT, sizeof(dirt));
	barrier_data(dirt);
}

static void file_info_answers_with_nothing_of_the_kernels(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	int one = sync_fd(test, fences[0]), two = sync_fd(test, fences[1]);
	struct sync_merge_data merge = { .fd2 = two, .name = "both" };
	struct sync_fence_info entries[2];
	struct sync_file_info info;
	void __user *list = user_memory(test, sizeof(entries));

	soil_slab(test, sizeof(struct sync_file));
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, one, SYNC_IOC_MERGE, &merge, sizeof(merge)));
	close_later(test, merge.fence);
	KUNIT_EXPECT_EQ(test, 0, dirty_bytes(&merge, sizeof(merge)));

	soil_slab(test, sizeof(entries));
	soil_stack();
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, merge.fence, &info, list, 2));
	user_read(test, entries, list, sizeof(entries));
	KUNIT_EXPECT_EQ(test, 2, info.num_fences);
	KUNIT_EXPECT_EQ(test, 0, dirty_bytes(&info, sizeof(info)));
	KUNIT_EXPECT_EQ(test, 0, dirty_bytes(entries, sizeof(entries)));
	KUNIT_EXPECT_NULL(test, memchr_inv(info.name + 4, 0, sizeof(info.name) - 4));
}

/* Nothing is written back but the answer itself: the rest is as the caller left it. */
static void structures_come_back_as_they_were_given(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct sw_sync_create data, before;

	memset(&data, 0x3c, sizeof(data));
	data.value = 1;
	before = data;
	soil_stack();
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, timeline, SW_SYNC_CREATE, &data,
					       sizeof(data)));
	close_later(test, data.fence);
	before.fence = data.fence;
	KUNIT_EXPECT_MEMEQ(test, &before, &data, sizeof(data));
}

static void name_ends_where_it_ends(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	char name[DMA_BUF_NAME_LEN];
	const char *text;

	soil_slab(test, sizeof(name));
	soil_stack();
	strscpy_pad(name, "short");
	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_SET_NAME, name,
					    sizeof(name)));
	text = mock_fdinfo(test, mock->dmabuf->file);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "name:\tshort\n"));
	KUNIT_EXPECT_EQ(test, 0, dirty_bytes(text, strlen(text)));
}

/* ---- Addresses ---- */

/* @text does not tell where @object is, nor a hash of that. */
static void expect_no_address(struct kunit *test, const char *text, const void *object)
{
	char address[24];

	snprintf(address, sizeof(address), "%lx", (unsigned long)object);
	KUNIT_EXPECT_NULL_MSG(test, strstr(text, address), "%s in:\n%s", address, text);
	snprintf(address, sizeof(address), "%lu", (unsigned long)object);
	KUNIT_EXPECT_NULL_MSG(test, strstr(text, address), "%s in:\n%s", address, text);
	snprintf(address, sizeof(address), "%p", object);
	KUNIT_EXPECT_NULL_MSG(test, strstr(text, address), "%s in:\n%s", address, text);
}

static void expect_no_address_of(struct kunit *test, const char *text, struct mock_buf *mock,
				 struct dma_fence *fence)
{
	expect_no_address(test, text, mock->dmabuf);
	expect_no_address(test, text, mock->dmabuf->file);
	expect_no_address(test, text, file_inode(mock->dmabuf->file));
	expect_no_address(test, text, mock->dmabuf->resv);
	expect_no_address(test, text, mock->dmabuf->ops);
	expect_no_address(test, text, mock->vaddr);
	expect_no_address(test, text, mock);
	expect_no_address(test, text, fence);
	expect_no_address(test, text, fence->ops);
}

static void nobody_is_told_where_things_are(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);
	struct sync_fence_info entry;
	struct sync_file_info info;
	int timeline = sw_sync_open(test), fd = sync_fd(test, fence);
	struct dma_fence *point = mock_put_later(test, sw_sync_point(test, timeline, 1));
	void __user *list = user_memory(test, sizeof(entry));
	struct file *debug;
	loff_t pos = 0;

	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_WRITE);
	expect_no_address_of(test, mock_fdinfo(test, mock->dmabuf->file), mock, fence);
	if (IS_ENABLED(CONFIG_DEBUG_FS))
		expect_no_address_of(test, mock_bufinfo(test), mock, fence);

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, list, 1));
	user_read(test, &entry, list, sizeof(entry));
	expect_no_address_of(test, info.name, mock, fence);
	expect_no_address_of(test, entry.obj_name, mock, fence);
	expect_no_address_of(test, entry.driver_name, mock, fence);

	debug = mock_fs_open(test, "debugfs", "sync/info", O_RDONLY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(debug));
	expect_no_address_of(test, mock_fs_read(test, debug, &pos, PAGE_SIZE), mock, point);
}

/* ---- Who may ---- */

static unsigned int mode_of(struct kunit *test, const char *type, const char *path)
{
	struct file *file = mock_fs_open(test, type, path, O_RDONLY);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%s: %pe", path, file);
	return file_inode(file)->i_mode & 07777;
}

/*
 * Nobody but root gets into debugfs at all; somebody who is let in reads, and
 * cannot write. Timelines are made by whoever may open sw_sync.
 */
static void files_belong_to_root(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0700, mode_of(test, "debugfs", "/"));
	KUNIT_EXPECT_EQ(test, 0644, mode_of(test, "debugfs", "sync/sw_sync"));
	KUNIT_EXPECT_EQ(test, 0444, mode_of(test, "debugfs", "sync/info"));
	KUNIT_EXPECT_EQ(test, 0444, mode_of(test, "debugfs", "dma_buf/bufinfo"));
	KUNIT_EXPECT_EQ(test, 0600, mode_of(test, "devtmpfs", "udmabuf"));
}

/* ---- What one call may cost ---- */

#define WAITERS	4096

static void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct mock_callback *callback = container_of(cb, struct mock_callback, cb);

	callback->calls++;
}

static void free_callbacks(void *callbacks)
{
	kvfree(callbacks);
}

/*
 * Interrupts are off while a fence signals, for as long as its callbacks take: it
 * is linear, a waiter takes no memory of the kernel's but its own, and the stack
 * does not grow with the number of waiters.
 */
static void four_thousand_waiters_on_one_fence(struct kunit *test)
{
	struct mock_callback *callbacks = kvcalloc(WAITERS, sizeof(*callbacks), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);
	unsigned int i, calls = 0;
	u64 begin, signalled;
	long pages;

	KUNIT_ASSERT_NOT_NULL(test, callbacks);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_callbacks, callbacks));
	pages = mock_slab_pages();
	for (i = 0; i < WAITERS; i++)
		KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callbacks[i].cb,
								count_call));
	/* One page for each 4096 waiters would be a byte for each. */
	KUNIT_EXPECT_LE(test, mock_slab_pages() - pages, 16);

	begin = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, 0, dma_fence_signal(fence));
	signalled = ktime_get_ns() - begin;
	for (i = 0; i < WAITERS; i++)
		calls += callbacks[i].calls;
	KUNIT_EXPECT_EQ(test, WAITERS, calls);
	kunit_info(test, "%u waiters: %llu ns with interrupts off", WAITERS, signalled);
}

static struct kunit_case permissions_cases[] = {
	KUNIT_CASE(descriptors_close_on_exec_where_no_flag_says_so),
	KUNIT_CASE(file_info_answers_with_nothing_of_the_kernels),
	KUNIT_CASE(structures_come_back_as_they_were_given),
	KUNIT_CASE(name_ends_where_it_ends),
	KUNIT_CASE(nobody_is_told_where_things_are),
	KUNIT_CASE(files_belong_to_root),
	KUNIT_CASE(four_thousand_waiters_on_one_fence),
	{}
};

static struct kunit_suite permissions_suite = {
	.name = "permissions",
	.test_cases = permissions_cases,
};

kunit_test_suite(permissions_suite);
