// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ioctls of a buffer guarantee, with every errno; see dma-buf-ioctl.c.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/sync_file.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"
#include "shortage.h"
#include "sync-user.h"

static long buf_ioctl(struct mock_buf *mock, unsigned int cmd, void __user *arg)
{
	struct file *file = mock->dmabuf->file;

	return file->f_op->unlocked_ioctl(file, cmd, (unsigned long)arg);
}

static void unknown_requests_are_no_ioctls_of_ours(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	void __user *page = mock_user_page(test);

	KUNIT_EXPECT_EQ(test, -ENOTTY, buf_ioctl(mock, _IO(DMA_BUF_BASE, 0), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, buf_ioctl(mock, _IOW(DMA_BUF_BASE, 0, u32), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, buf_ioctl(mock, _IOR(DMA_BUF_BASE, 0, u64), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, buf_ioctl(mock, _IOW('c', 0, u64), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, buf_ioctl(mock, _IOW(DMA_BUF_BASE, 9, u64), page));
	if (!IS_ENABLED(CONFIG_SYNC_FILE)) {
		KUNIT_EXPECT_EQ(test, -ENOTTY,
				buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, page));
		KUNIT_EXPECT_EQ(test, -ENOTTY,
				buf_ioctl(mock, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, page));
	}
}

static void programs_of_32_bits_are_served(struct kunit *test)
{
#ifdef CONFIG_COMPAT
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;

	KUNIT_EXPECT_TRUE(test, file->f_op->compat_ioctl == compat_ptr_ioctl);
#else
	kunit_skip(test, "no such programs here");
#endif
}

static long sync_ioctl(struct kunit *test, struct mock_buf *mock, u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_SYNC, &sync, sizeof(sync));
}

struct sync_case {
	const char *name;
	u64 flags;
	enum dma_data_direction dir;
	unsigned int begin, end;
};

static const struct sync_case sync_cases[] = {
	{ "start reading", DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ, DMA_FROM_DEVICE, 1, 0 },
	{ "start writing", DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE, DMA_TO_DEVICE, 1, 0 },
	{ "start both", DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW, DMA_BIDIRECTIONAL, 1, 0 },
	{ "end reading", DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ, DMA_FROM_DEVICE, 0, 1 },
	{ "end writing", DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE, DMA_TO_DEVICE, 0, 1 },
	{ "end both", DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW, DMA_BIDIRECTIONAL, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(sync, sync_cases, name);

static void sync_reaches_the_exporter(struct kunit *test)
{
	const struct sync_case *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, mock, param->flags));
	KUNIT_EXPECT_EQ(test, param->begin, mock->calls.begin);
	KUNIT_EXPECT_EQ(test, param->end, mock->calls.end);
	KUNIT_EXPECT_EQ(test, param->dir, mock->dir);
}

static void sync_refuses_unknown_flags(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -EINVAL, sync_ioctl(test, mock, DMA_BUF_SYNC_READ | 8));
	KUNIT_EXPECT_EQ(test, -EINVAL, sync_ioctl(test, mock, DMA_BUF_SYNC_READ | BIT_ULL(32)));
	KUNIT_EXPECT_EQ(test, -EINVAL, sync_ioctl(test, mock, DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, -EINVAL, sync_ioctl(test, mock, DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.begin + mock->calls.end);
}

static void sync_reports_a_bad_pointer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -EFAULT, buf_ioctl(mock, DMA_BUF_IOCTL_SYNC, mock_bad_user(test)));
}

static void sync_passes_errors_of_the_exporter_on(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	mock->begin_err = -EIO;
	mock->end_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, -EIO, sync_ioctl(test, mock, DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_EQ(test, -ENXIO,
			sync_ioctl(test, mock, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
}

static void sync_start_can_be_interrupted(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	long ret;

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	mock_signal_self();
	ret = sync_ioctl(test, mock, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START);
	mock_signal_clear();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ret);
}

static void name_can_be_set_by_either_number(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;
	char name[] = "first";

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_SET_NAME_A, name, sizeof(name)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, file), "name:\tfirst\n"));
	memcpy(name, "again", sizeof(name));
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_SET_NAME_B, name, sizeof(name)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, file), "name:\tagain\n"));
}

static void name_is_limited_to_31_bytes(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;
	char name[40] = "";

	memset(name, 'x', 31);
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_SET_NAME, name, sizeof(name)));
	name[31] = 'y';
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mock_ioctl(test, file, DMA_BUF_SET_NAME, name, sizeof(name)));
	/* The name before that is still there. */
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, file), "xxx\n"));
}

static void name_at_a_bad_pointer_is_reported(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -EFAULT, buf_ioctl(mock, DMA_BUF_SET_NAME, mock_bad_user(test)));
	KUNIT_EXPECT_EQ(test, -EFAULT, buf_ioctl(mock, DMA_BUF_SET_NAME, NULL));
}

#ifdef CONFIG_SYNC_FILE
/* DMA_BUF_IOCTL_EXPORT_SYNC_FILE; the file descriptor, or a negative errno. */
static long export_fd(struct kunit *test, struct mock_buf *mock, u32 flags)
{
	struct dma_buf_export_sync_file args = { .flags = flags, .fd = -1 };
	long ret;

	ret = mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
			 &args, sizeof(args));
	return ret ?: args.fd;
}

static void put_fence(void *fence)
{
	dma_fence_put(fence);
}

/* The fence that the buffer exports, put at the end of the case. */
static struct dma_fence *export_fence(struct kunit *test, struct mock_buf *mock, u32 flags)
{
	struct dma_fence *fence;
	long fd = export_fd(test, mock, flags);

	KUNIT_ASSERT_GE(test, fd, 0);
	fence = sync_file_get_fence(fd);
	KUNIT_EXPECT_EQ(test, 0, close_fd(fd));
	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_fence, fence));
	return fence;
}

/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE of a sync_file with @fence in it. */
static long import_fence(struct kunit *test, struct mock_buf *mock, u32 flags,
			 struct dma_fence *fence)
{
	struct dma_buf_import_sync_file args = { .flags = flags };
	struct sync_file *sync_file;
	long ret;

	args.fd = get_unused_fd_flags(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, args.fd, 0);
	sync_file = sync_file_create(fence);
	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	fd_install(args.fd, sync_file->file);
	ret = mock_ioctl(test, mock->dmabuf->file, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
			 &args, sizeof(args));
	close_fd(args.fd);
	flush_delayed_fput();
	return ret;
}

/* How many fences of exactly @usage the buffer has, signalled or not. */
static unsigned int count_fences(struct mock_buf *mock, enum dma_resv_usage usage)
{
	struct dma_resv *resv = mock->dmabuf->resv;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence)
		count += dma_resv_iter_usage(&cursor) == usage;
	dma_resv_unlock(resv);
	return count;
}

/* The number that the next file descriptor will get: tells whether one leaked. */
static int next_fd(struct kunit *test)
{
	int fd = get_unused_fd_flags(0);

	KUNIT_ASSERT_GE(test, fd, 0);
	put_unused_fd(fd);
	return fd;
}

static void idle_buffer_exports_a_signalled_fence(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_TRUE(test,
			  dma_fence_is_signaled(export_fence(test, mock, DMA_BUF_SYNC_RW)));
}

static void export_for_reading_leaves_readers_out(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *write = mock_fence(test), *read = mock_fence(test);
	struct dma_fence *out;

	mock_buf_add_fence(test, mock->dmabuf, write, DMA_RESV_USAGE_WRITE);
	mock_buf_add_fence(test, mock->dmabuf, read, DMA_RESV_USAGE_READ);
	out = export_fence(test, mock, DMA_BUF_SYNC_READ);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(out));
	dma_fence_signal(write);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(out, false, HZ), 0);
}

static void export_for_writing_waits_for_readers_too(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *write = mock_fence(test), *read = mock_fence(test);
	struct dma_fence *alone, *both;

	mock_buf_add_fence(test, mock->dmabuf, write, DMA_RESV_USAGE_WRITE);
	mock_buf_add_fence(test, mock->dmabuf, read, DMA_RESV_USAGE_READ);
	alone = export_fence(test, mock, DMA_BUF_SYNC_WRITE);
	both = export_fence(test, mock, DMA_BUF_SYNC_RW);
	dma_fence_enable_sw_signaling(alone);
	dma_fence_enable_sw_signaling(both);
	dma_fence_signal(write);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(alone, false, 3));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(both, false, 3));
	dma_fence_signal(read);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(alone, false, HZ), 0);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(both, false, HZ), 0);
}

static void export_leaves_bookkeeping_out(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_TRUE(test,
			  dma_fence_is_signaled(export_fence(test, mock, DMA_BUF_SYNC_RW)));
}

static void export_does_not_wait_for_later_work(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *first = mock_fence(test), *out;

	mock_buf_add_fence(test, mock->dmabuf, first, DMA_RESV_USAGE_WRITE);
	out = export_fence(test, mock, DMA_BUF_SYNC_READ);
	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	dma_fence_signal(first);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(out, false, HZ), 0);
}

static void exported_fd_is_close_on_exec(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	long fd = export_fd(test, mock, DMA_BUF_SYNC_READ);
	bool cloexec;

	KUNIT_ASSERT_GE(test, fd, 0);
	cloexec = fd_is_cloexec(fd);
	close_fd(fd);
	KUNIT_EXPECT_TRUE(test, cloexec);
}

static void export_refuses_other_flags(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd = next_fd(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, export_fd(test, mock, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_fd(test, mock, DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, -EINVAL, export_fd(test, mock, DMA_BUF_SYNC_READ | BIT(31)));
	KUNIT_EXPECT_EQ(test, fd, next_fd(test));
}

static void export_reports_a_full_table(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct rlimit *limit = &current->signal->rlim[RLIMIT_NOFILE];
	unsigned long old = limit->rlim_cur;
	long ret;

	limit->rlim_cur = 0;
	ret = export_fd(test, mock, DMA_BUF_SYNC_READ);
	limit->rlim_cur = old;
	KUNIT_EXPECT_EQ(test, -EMFILE, ret);
}

static void export_that_cannot_tell_the_fd_leaks_none(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_export_sync_file *args = mock->vaddr;
	int fd = next_fd(test);
	unsigned long page;

	KUNIT_EXPECT_EQ(test, -EFAULT,
			buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, mock_bad_user(test)));

	/* Memory that can be read but not written: a mapping of the buffer itself. */
	args->flags = DMA_BUF_SYNC_READ;
	args->fd = -1;
	page = kunit_vm_mmap(test, mock->dmabuf->file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, !page || IS_ERR_VALUE(page));
	KUNIT_EXPECT_EQ(test, -EFAULT, buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
						 (void __user *)page));
	vm_munmap(page, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -1, args->fd);
	KUNIT_EXPECT_EQ(test, fd, next_fd(test));
}

struct import_case {
	const char *name;
	u32 flags;
	enum dma_resv_usage usage;
};

static const struct import_case import_cases[] = {
	{ "read", DMA_BUF_SYNC_READ, DMA_RESV_USAGE_READ },
	{ "write", DMA_BUF_SYNC_WRITE, DMA_RESV_USAGE_WRITE },
	{ "both", DMA_BUF_SYNC_RW, DMA_RESV_USAGE_WRITE },
};

KUNIT_ARRAY_PARAM_DESC(import, import_cases, name);

static void import_adds_the_fence_with_its_usage(struct kunit *test)
{
	const struct import_case *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);
	unsigned int refs = kref_read(&fence->refcount);

	KUNIT_EXPECT_EQ(test, 0, import_fence(test, mock, param->flags, fence));
	KUNIT_EXPECT_EQ(test, 1, count_fences(mock, param->usage));
	KUNIT_EXPECT_EQ(test, 1, count_fences(mock, DMA_RESV_USAGE_READ) +
				 count_fences(mock, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, refs + 1, kref_read(&fence->refcount));
}

static void import_adds_signalled_fences_as_well(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, import_fence(test, mock, DMA_BUF_SYNC_WRITE, fence));
	KUNIT_EXPECT_EQ(test, 1, count_fences(mock, DMA_RESV_USAGE_WRITE));
}

static void import_takes_arrays_apart(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence **fences = kcalloc(3, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < 3; i++)
		fences[i] = dma_fence_get(mock_fence(test));
	array = dma_fence_array_create(3, fences, dma_fence_context_alloc(1), 1, false);
	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_EXPECT_EQ(test, 0, import_fence(test, mock, DMA_BUF_SYNC_READ, &array->base));
	dma_fence_put(&array->base);
	KUNIT_EXPECT_EQ(test, 3, count_fences(mock, DMA_RESV_USAGE_READ));
}

static void import_takes_chains_apart(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *head = NULL;
	struct dma_fence_chain *link;
	int i;

	for (i = 0; i < 3; i++) {
		link = dma_fence_chain_alloc();
		KUNIT_ASSERT_NOT_NULL(test, link);
		dma_fence_chain_init(link, head, dma_fence_get(mock_fence(test)), i + 1);
		head = &link->base;
	}
	KUNIT_EXPECT_EQ(test, 0, import_fence(test, mock, DMA_BUF_SYNC_WRITE, head));
	dma_fence_put(head);
	KUNIT_EXPECT_EQ(test, 3, count_fences(mock, DMA_RESV_USAGE_WRITE));
}

static void import_refuses_other_flags(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, import_fence(test, mock, 0, fence));
	KUNIT_EXPECT_EQ(test, -EINVAL, import_fence(test, mock, DMA_BUF_SYNC_END, fence));
	KUNIT_EXPECT_EQ(test, -EINVAL, import_fence(test, mock, DMA_BUF_SYNC_READ | 8, fence));
	KUNIT_EXPECT_EQ(test, 0, count_fences(mock, DMA_RESV_USAGE_READ));
}

static void import_refuses_what_is_no_sync_file(struct kunit *test)
{
	struct dma_buf_import_sync_file args = { .flags = DMA_BUF_SYNC_READ };
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;

	args.fd = -1;
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, file, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
						  &args, sizeof(args)));
	get_dma_buf(mock->dmabuf);
	args.fd = dma_buf_fd(mock->dmabuf, 0);
	KUNIT_ASSERT_GE(test, args.fd, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, file, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
						  &args, sizeof(args)));
	close_fd(args.fd);
}

static void import_reports_a_bad_pointer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -EFAULT,
			buf_ioctl(mock, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, mock_bad_user(test)));
}

/* @arg in user memory, the way an ioctl called directly needs it. */
static void __user *user_arg(struct kunit *test, const void *arg, size_t size)
{
	void __user *page = mock_user_page(test);

	mock_to_user(test, page, arg, size);
	return page;
}

/* A buffer whose export takes an array: one writer, one reader. */
static struct mock_buf *busy_buf(struct kunit *test, struct dma_fence *write,
				 struct dma_fence *read)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	mock_buf_add_fence(test, mock->dmabuf, write, DMA_RESV_USAGE_WRITE);
	mock_buf_add_fence(test, mock->dmabuf, read, DMA_RESV_USAGE_READ);
	return mock;
}

static void export_out_of_memory_is_enomem_and_leaves_nothing(struct kunit *test)
{
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_WRITE, .fd = -1 };
	struct dma_fence *write = mock_fence(test), *read = mock_fence(test);
	struct mock_buf *mock = busy_buf(test, write, read);
	void __user *arg = user_arg(test, &args, sizeof(args));
	unsigned int refs = kref_read(&write->refcount);
	int fd = next_fd(test), nth;
	long ret;

	needs_failslab(test);
	for_each_failing_allocation(test, nth, ret = buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
							       arg)) {
		KUNIT_EXPECT_EQ(test, fd, next_fd(test));
		KUNIT_EXPECT_EQ(test, refs, kref_read(&write->refcount));
		KUNIT_EXPECT_EQ(test, refs, kref_read(&read->refcount));
		mock_from_user(test, &args, arg, sizeof(args));
		KUNIT_EXPECT_EQ(test, -1, args.fd);
	}
	/* Members, array, sync_file and file: that much can fail at least. */
	KUNIT_EXPECT_GT(test, nth, 4);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 0, close_fd(fd));
	flush_delayed_fput();
}

static void export_without_a_file_is_enfile_and_leaves_nothing(struct kunit *test)
{
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_WRITE, .fd = -1 };
	struct dma_fence *write = mock_fence(test), *read = mock_fence(test);
	struct mock_buf *mock = busy_buf(test, write, read);
	void __user *arg = user_arg(test, &args, sizeof(args));
	unsigned int refs = kref_read(&write->refcount);
	struct file_limit *limit;
	int fd = next_fd(test);
	long ret;

	limit = files_run_out(test);
	ret = buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, fd, next_fd(test));
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, refs, kref_read(&write->refcount));
	KUNIT_EXPECT_EQ(test, refs, kref_read(&read->refcount));
	mock_from_user(test, &args, arg, sizeof(args));
	KUNIT_EXPECT_EQ(test, -1, args.fd);

	KUNIT_EXPECT_EQ(test, 0, buf_ioctl(mock, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg));
	KUNIT_EXPECT_EQ(test, 0, close_fd(fd));
	flush_delayed_fput();
}

static void import_out_of_memory_is_enomem_and_adds_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf_import_sync_file args = { .flags = DMA_BUF_SYNC_WRITE };
	void __user *arg;
	long ret;
	int nth;

	needs_failslab(test);
	args.fd = sync_fd(test, mock_fence(test));
	arg = user_arg(test, &args, sizeof(args));
	for_each_failing_allocation(test, nth, ret = buf_ioctl(mock, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
							       arg))
		KUNIT_EXPECT_EQ(test, 0, count_fences(mock, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 1, count_fences(mock, DMA_RESV_USAGE_WRITE));
}

static void name_out_of_memory_is_enomem_and_keeps_the_old_one(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;
	char name[] = "first";
	void __user *arg;
	long ret;
	int nth;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_SET_NAME, name, sizeof(name)));
	arg = user_arg(test, "again", sizeof("again"));
	for_each_failing_allocation(test, nth, ret = buf_ioctl(mock, DMA_BUF_SET_NAME, arg))
		KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, file), "name:\tfirst\n"));
	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, file), "name:\tagain\n"));
}

static void what_is_imported_can_be_exported(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = mock_fence(test), *out;

	KUNIT_EXPECT_EQ(test, 0, import_fence(test, mock, DMA_BUF_SYNC_WRITE, fence));
	out = export_fence(test, mock, DMA_BUF_SYNC_READ);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(out));
	dma_fence_signal(fence);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(out, false, HZ), 0);
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_ioctl_cases[] = {
	KUNIT_CASE(unknown_requests_are_no_ioctls_of_ours),
	KUNIT_CASE(programs_of_32_bits_are_served),
	KUNIT_CASE_PARAM(sync_reaches_the_exporter, sync_gen_params),
	KUNIT_CASE(sync_refuses_unknown_flags),
	KUNIT_CASE(sync_reports_a_bad_pointer),
	KUNIT_CASE(sync_passes_errors_of_the_exporter_on),
	KUNIT_CASE(sync_start_can_be_interrupted),
	KUNIT_CASE(name_can_be_set_by_either_number),
	KUNIT_CASE(name_is_limited_to_31_bytes),
	KUNIT_CASE(name_at_a_bad_pointer_is_reported),
#ifdef CONFIG_SYNC_FILE
	KUNIT_CASE(idle_buffer_exports_a_signalled_fence),
	KUNIT_CASE(export_for_reading_leaves_readers_out),
	KUNIT_CASE(export_for_writing_waits_for_readers_too),
	KUNIT_CASE(export_leaves_bookkeeping_out),
	KUNIT_CASE(export_does_not_wait_for_later_work),
	KUNIT_CASE(exported_fd_is_close_on_exec),
	KUNIT_CASE(export_refuses_other_flags),
	KUNIT_CASE(export_reports_a_full_table),
	KUNIT_CASE(export_that_cannot_tell_the_fd_leaks_none),
	KUNIT_CASE_PARAM(import_adds_the_fence_with_its_usage, import_gen_params),
	KUNIT_CASE(import_adds_signalled_fences_as_well),
	KUNIT_CASE(import_takes_arrays_apart),
	KUNIT_CASE(import_takes_chains_apart),
	KUNIT_CASE(import_refuses_other_flags),
	KUNIT_CASE(import_refuses_what_is_no_sync_file),
	KUNIT_CASE(import_reports_a_bad_pointer),
	KUNIT_CASE(what_is_imported_can_be_exported),
	KUNIT_CASE(export_out_of_memory_is_enomem_and_leaves_nothing),
	KUNIT_CASE(export_without_a_file_is_enfile_and_leaves_nothing),
	KUNIT_CASE(import_out_of_memory_is_enomem_and_adds_nothing),
	KUNIT_CASE(name_out_of_memory_is_enomem_and_keeps_the_old_one),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_ioctl_suite = {
	.name = "dma-buf-ioctl",
	.test_cases = dma_buf_ioctl_cases,
};

kunit_test_suite(dma_buf_ioctl_suite);
