// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarantees of SYNC_IOC_MERGE_MANY.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "mock-fence.h"
#include "shortage.h"
#include "sync-user.h"

/* The ioctl with a structure of another size. */
#define MERGE_MANY_OF(size)	_IOC(_IOC_READ | _IOC_WRITE, SYNC_IOC_MAGIC, 0x60, size)

/* The same list in user memory. */
static u64 user_list(struct kunit *test, const int *fds, u32 count)
{
	int __user *list = user_memory(test, count * sizeof(*list));

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(list, fds, count * sizeof(*fds)));
	return (uintptr_t)list;
}

static long merge_many(struct kunit *test, int fd, struct sync_merge_many *data)
{
	long ret = fd_ioctl_data(test, fd, SYNC_IOC_MERGE_MANY, data, sizeof(*data));

	if (!ret)
		close_later(test, data->fence);
	return ret;
}

/* Merges a file with others; the new descriptor. */
static int merged_fd(struct kunit *test, int fd, const int *fds, u32 count)
{
	struct sync_merge_many data = { .num_fds = count };

	if (count)
		data.fds = user_list(test, fds, count);
	KUNIT_ASSERT_EQ(test, 0, merge_many(test, fd, &data));
	return data.fence;
}

/* The fence behind @fd, which the descriptor keeps alive. */
static struct dma_fence *peek(struct kunit *test, int fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_put(fence);
	return fence;
}

static unsigned int members(struct dma_fence *head)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int n = 0;

	dma_fence_unwrap_for_each(fence, &cursor, head)
		n++;
	return n;
}

static void result_waits_for_all(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 200);
	int fds[200], i;
	struct dma_fence *all;

	for (i = 0; i < 200; i++)
		fds[i] = sync_fd(test, fences[i]);
	/* More than are read at once, and the file itself is not in the list. */
	all = peek(test, merged_fd(test, fds[0], fds + 1, 199));
	KUNIT_EXPECT_EQ(test, 200, members(all));
	dma_fence_enable_sw_signaling(all);
	for (i = 199; i >= 0; i--) {
		mock_run_irq_work();
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(all));
		dma_fence_signal(fences[i]);
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(all));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(all));
}

static void result_is_what_merging_one_by_one_gives(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	u64 context = dma_fence_context_alloc(1);
	int fds[] = {
		sync_fd(test, fences[2]),
		sync_fd(test, mock_fence_at(test, context, 1)),
		sync_fd(test, fences[0]),
		sync_fd(test, mock_fence_at(test, context, 2)),
		sync_fd(test, fences[1]),
	};
	struct sync_merge_data data = {};
	struct dma_fence_array *one_by_one, *at_once;
	int fd = fds[0], i;

	for (i = 1; i < ARRAY_SIZE(fds); i++) {
		data.fd2 = fds[i];
		KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_MERGE, &data,
						       sizeof(data)));
		close_later(test, data.fence);
		fd = data.fence;
	}
	one_by_one = to_dma_fence_array(peek(test, fd));
	at_once = to_dma_fence_array(peek(test, merged_fd(test, fds[0], fds + 1, 4)));
	KUNIT_ASSERT_NOT_NULL(test, one_by_one);
	KUNIT_ASSERT_NOT_NULL(test, at_once);
	KUNIT_ASSERT_EQ(test, one_by_one->num_fences, at_once->num_fences);
	for (i = 0; i < at_once->num_fences; i++)
		KUNIT_EXPECT_PTR_EQ(test, one_by_one->fences[i], at_once->fences[i]);
}

static void no_other_file_makes_a_second_one(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = merged_fd(test, sync_fd(test, fence), NULL, 0);

	KUNIT_EXPECT_PTR_EQ(test, fence, peek(test, fd));
}

/* The list needs more room than there are contexts, again and again. */
static void one_file_a_thousand_times_is_one_fence(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	int fds[3], i, *list = kunit_kcalloc(test, 3000, sizeof(*list), GFP_KERNEL);
	struct dma_fence *all;

	KUNIT_ASSERT_NOT_NULL(test, list);
	for (i = 0; i < 3; i++)
		fds[i] = sync_fd(test, fences[i]);
	for (i = 0; i < 3000; i++)
		list[i] = fds[i % 3];
	all = peek(test, merged_fd(test, fds[0], list, 3000));
	KUNIT_EXPECT_EQ(test, 3, members(all));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 3, kref_read(&fences[i]->refcount));
}

static void signalled_files_are_left_out_but_for_the_first_error(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *all;
	int fds[4], i;

	for (i = 0; i < 4; i++)
		fds[i] = sync_fd(test, fences[i]);
	dma_fence_set_error(fences[2], -EIO);
	dma_fence_set_error(fences[3], -ENODEV);
	dma_fence_signal_timestamp(fences[1], ns_to_ktime(10));
	dma_fence_signal_timestamp(fences[2], ns_to_ktime(20));
	KUNIT_EXPECT_PTR_EQ(test, fences[0], peek(test, merged_fd(test, fds[1], fds, 1)));

	all = peek(test, merged_fd(test, fds[0], fds + 1, 2));
	KUNIT_EXPECT_EQ(test, 2, members(all));
	dma_fence_signal_timestamp(fences[3], ns_to_ktime(5));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			dma_fence_get_status(peek(test, merged_fd(test, fds[1], fds + 2, 2))));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(all));
	KUNIT_EXPECT_EQ(test, -EIO, dma_fence_get_status(all));
}

static void signalled_files_merge_to_a_signalled_one(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	int fds[] = { sync_fd(test, fences[0]), sync_fd(test, fences[1]) };
	struct dma_fence *all;

	dma_fence_signal_timestamp(fences[0], ns_to_ktime(20));
	dma_fence_signal_timestamp(fences[1], ns_to_ktime(10));
	all = peek(test, merged_fd(test, fds[0], fds, 2));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(all));
	KUNIT_EXPECT_EQ(test, 20, ktime_to_ns(dma_fence_timestamp(all)));
}

static void result_closes_on_exec_and_has_the_name(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_many data = { .name = "all of them" };
	struct sync_file_info info;

	KUNIT_ASSERT_EQ(test, 0, merge_many(test, fd, &data));
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(data.fence));
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, data.fence, &info, NULL, 0));
	KUNIT_EXPECT_STREQ(test, info.name, "all of them");

	memset(data.name, 'n', sizeof(data.name));
	KUNIT_ASSERT_EQ(test, 0, merge_many(test, fd, &data));
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, data.fence, &info, NULL, 0));
	KUNIT_EXPECT_STREQ(test, info.name, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
}

static void flags_or_pad_is_einval(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_many flags = { .flags = 1 }, pad = { .pad = 1 };

	KUNIT_EXPECT_EQ(test, -EINVAL, merge_many(test, fd, &flags));
	KUNIT_EXPECT_EQ(test, -EINVAL, merge_many(test, fd, &pad));
}

static void a_bad_address_is_efault(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_many data = {
		.num_fds = 1, .fds = (uintptr_t)user_hole(test),
	};

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE_MANY, NULL));
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE_MANY, user_hole(test)));
	KUNIT_EXPECT_EQ(test, -EFAULT, merge_many(test, fd, &data));
	/* An address that only a wider kernel has. */
	data.fds = U64_MAX;
	KUNIT_EXPECT_EQ(test, -EFAULT, merge_many(test, fd, &data));
}

static void a_list_that_ends_in_a_hole_is_efault(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence), i;
	int __user *end = user_page_before_hole(test) + PAGE_SIZE;
	struct sync_merge_many data = {
		.num_fds = 101, .fds = (uintptr_t)(end - 100),
	};

	for (i = 1; i <= 100; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user(fd, end - i));
	KUNIT_EXPECT_EQ(test, -EFAULT, merge_many(test, fd, &data));
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
	data.num_fds = 100;
	KUNIT_EXPECT_EQ(test, 0, merge_many(test, fd, &data));
}

static void what_is_no_sync_file_is_enoent(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct file *file = shmem_file_setup("other", PAGE_SIZE, 0);
	struct sync_merge_many data = { .num_fds = 2 };
	int fds[2] = { sync_fd(test, fence) };

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	fds[1] = file_fd(test, file);
	data.fds = user_list(test, fds, 2);
	KUNIT_EXPECT_EQ(test, -ENOENT, merge_many(test, fds[0], &data));
	fds[1] = -1;
	data.fds = user_list(test, fds, 2);
	KUNIT_EXPECT_EQ(test, -ENOENT, merge_many(test, fds[0], &data));
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static void no_free_descriptor_is_emfile(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);
	struct sync_merge_many data = {};
	void __user *arg = user_memory(test, sizeof(data));
	unsigned long limit;
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	limit = limit_fds(0);
	ret = fd_ioctl(fd, SYNC_IOC_MERGE_MANY, arg);
	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, ret);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static void no_free_file_is_enfile(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence), free_fd;
	struct sync_merge_many data = {};
	void __user *arg = user_memory(test, sizeof(data));
	struct file_limit *limit;
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	limit = files_run_out(test);
	ret = fd_ioctl(fd, SYNC_IOC_MERGE_MANY, arg);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static void out_of_memory_is_enomem_and_keeps_nothing(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 70);
	int fds[70], free_fd, nth, i;
	struct sync_merge_many data = { .num_fds = 70 };
	struct sync_merge_many __user *arg = user_memory(test, sizeof(data));
	long ret;

	needs_failslab(test);
	for (i = 0; i < 70; i++)
		fds[i] = sync_fd(test, fences[i]);
	data.fds = user_list(test, fds, 70);
	/* An error to keep, so that there is a reference to lose. */
	dma_fence_set_error(fences[3], -EIO);
	dma_fence_signal(fences[3]);
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	for_each_failing_allocation(test, nth, ret = fd_ioctl(fds[0], SYNC_IOC_MERGE_MANY, arg)) {
		KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
		for (i = 0; i < 70; i++)
			KUNIT_EXPECT_EQ(test, 2, kref_read(&fences[i]->refcount));
	}
	KUNIT_ASSERT_EQ(test, 0, ret);
	/* Lists of two sizes, twice each; the members; array, sync_file, file. */
	KUNIT_EXPECT_GT(test, nth, 7);
	user_read(test, &data, arg, sizeof(data));
	close_later(test, data.fence);
	KUNIT_EXPECT_EQ(test, 70, members(peek(test, data.fence)));
}

static void an_answer_that_cannot_be_given_leaves_no_descriptor(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence), free_fd;
	struct sync_merge_many data = {};
	void __user *constant = user_constant(test, &data, sizeof(data));

	free_fd = lowest_free_fd();
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE_MANY, constant));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static void a_short_structure_is_einval(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_many data = {};

	KUNIT_EXPECT_EQ(test, 56, sizeof(data));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, fd, MERGE_MANY_OF(55), &data, 56));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, fd, MERGE_MANY_OF(0), &data, 56));
}

static void a_longer_structure_may_have_zeroes_only(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct {
		struct sync_merge_many data;
		u64 more;
	} longer = {};
	unsigned int cmd = MERGE_MANY_OF(sizeof(longer));

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, cmd, &longer, sizeof(longer)));
	close_later(test, longer.data.fence);
	longer.more = 1ULL << 63;
	KUNIT_EXPECT_EQ(test, -E2BIG, fd_ioctl_data(test, fd, cmd, &longer, sizeof(longer)));
}

static void another_direction_or_number_is_enotty(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));

	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IOC(_IOC_WRITE, '>', 0x60, 56), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IOC(_IOC_READ, '>', 0x60, 56), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IOWR('>', 0x61, struct sync_merge_many),
						NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IOWR('=', 0x60, struct sync_merge_many),
						NULL));
}

/* A list that nobody has time for: whoever gives it can still be killed. */
static void a_merge_that_takes_for_ever_can_be_killed(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence), i, __user *list = user_memory(test, 2000 * sizeof(int));
	struct sync_merge_many data = { .num_fds = 2000, .fds = (uintptr_t)list };
	long ret;

	for (i = 0; i < 2000; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user(fd, list + i));
	sigaddset(&current->pending.signal, SIGKILL);
	set_thread_flag(TIF_SIGPENDING);
	ret = merge_many(test, fd, &data);
	sigdelset(&current->pending.signal, SIGKILL);
	clear_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, -EINTR, ret);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static struct kunit_case merge_many_cases[] = {
	KUNIT_CASE(result_waits_for_all),
	KUNIT_CASE(result_is_what_merging_one_by_one_gives),
	KUNIT_CASE(no_other_file_makes_a_second_one),
	KUNIT_CASE(one_file_a_thousand_times_is_one_fence),
	KUNIT_CASE(signalled_files_are_left_out_but_for_the_first_error),
	KUNIT_CASE(signalled_files_merge_to_a_signalled_one),
	KUNIT_CASE(result_closes_on_exec_and_has_the_name),
	KUNIT_CASE(flags_or_pad_is_einval),
	KUNIT_CASE(a_bad_address_is_efault),
	KUNIT_CASE(a_list_that_ends_in_a_hole_is_efault),
	KUNIT_CASE(what_is_no_sync_file_is_enoent),
	KUNIT_CASE(no_free_descriptor_is_emfile),
	KUNIT_CASE(no_free_file_is_enfile),
	KUNIT_CASE(out_of_memory_is_enomem_and_keeps_nothing),
	KUNIT_CASE(an_answer_that_cannot_be_given_leaves_no_descriptor),
	KUNIT_CASE(a_short_structure_is_einval),
	KUNIT_CASE(a_longer_structure_may_have_zeroes_only),
	KUNIT_CASE(another_direction_or_number_is_enotty),
	KUNIT_CASE(a_merge_that_takes_for_ever_can_be_killed),
	{}
};

static struct kunit_suite merge_many_suite = {
	.name = "sync_file-merge-many",
	.init = mock_fence_suite_init,
	.test_cases = merge_many_cases,
};

kunit_test_suite(merge_many_suite);
