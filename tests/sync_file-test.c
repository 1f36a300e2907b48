// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarantees of sync_file: fences as descriptors.
 */
#include <linux/completion.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
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

static int alive_before;

static int sync_file_test_init(struct kunit *test)
{
	alive_before = mock_fence_alive();
	return 0;
}

/* Runs after the actions that put what the case still owned. */
static void sync_file_test_exit(struct kunit *test)
{
	flush_delayed_fput();
}

static unsigned int refs(struct dma_fence *fence)
{
	return kref_read(&fence->refcount);
}

static long merge(struct kunit *test, int fd, int fd2, struct sync_merge_data *data)
{
	long ret;

	data->fd2 = fd2;
	ret = fd_ioctl_data(test, fd, SYNC_IOC_MERGE, data, sizeof(*data));
	if (!ret)
		close_later(test, data->fence);
	return ret;
}

/* Merges two descriptors and returns the new one. */
static int merged_fd(struct kunit *test, int fd, int fd2)
{
	struct sync_merge_data data = {};

	KUNIT_ASSERT_EQ(test, 0, merge(test, fd, fd2, &data));
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

static bool contains(struct dma_fence *head, struct dma_fence *wanted)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	bool found = false;

	dma_fence_unwrap_for_each(fence, &cursor, head)
		found |= fence == wanted;
	return found;
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

static void struct_does_not_outgrow_the_interface(struct kunit *test)
{
	struct interface {
		struct file *file;
		char user_name[32];
#ifdef CONFIG_DEBUG_FS
		struct list_head sync_file_list;
#endif
		wait_queue_head_t wq;
		unsigned long flags;
		struct dma_fence *fence;
		struct dma_fence_cb cb;
	};

	KUNIT_EXPECT_LE(test, sizeof(struct sync_file), sizeof(struct interface));
}

static void file_holds_one_reference_of_its_own(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd;

	fd = sync_fd(test, fence);
	KUNIT_EXPECT_EQ(test, 2, refs(fence));
	close_now(test, fd);
	KUNIT_EXPECT_EQ(test, 1, refs(fence));
}

static void file_keeps_the_fence_alive(struct kunit *test)
{
	struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);
	int fd;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	fd = sync_fd(test, fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, alive_before + 1, mock_fence_alive());
	dma_fence_signal(fence);
	close_now(test, fd);
	KUNIT_EXPECT_EQ(test, alive_before, mock_fence_alive());
}

static void uninstalled_file_is_freed_by_fput(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct sync_file *sync_file = sync_file_create(fence);

	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	KUNIT_EXPECT_EQ(test, 2, refs(fence));
	fput(sync_file->file);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 1, refs(fence));
}

static void get_fence_returns_a_reference(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	KUNIT_EXPECT_PTR_EQ(test, fence, sync_file_get_fence(fd));
	KUNIT_EXPECT_EQ(test, 3, refs(fence));
	dma_fence_put(fence);
}

static void get_fence_of_another_file_or_none_is_null(struct kunit *test)
{
	struct file *file = shmem_file_setup("other", PAGE_SIZE, 0);
	int fd;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	fd = file_fd(test, file);
	KUNIT_EXPECT_NULL(test, sync_file_get_fence(fd));
	KUNIT_EXPECT_NULL(test, sync_file_get_fence(-1));
	close_now(test, fd);
	KUNIT_EXPECT_NULL(test, sync_file_get_fence(fd));
}

static void file_can_neither_be_read_written_nor_sought(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct file *file = fget(fd);

	KUNIT_ASSERT_NOT_NULL(test, file);
	/* read(2) answers EINVAL, write(2) EBADF */
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_READ);
	KUNIT_EXPECT_FALSE(test, file->f_mode & (FMODE_WRITE | FMODE_CAN_READ | FMODE_CAN_WRITE));
	KUNIT_EXPECT_EQ(test, -ESPIPE, vfs_llseek(file, 0, SEEK_SET));
	fput(file);
}

static void unknown_ioctl_is_enotty(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));

	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IO(SYNC_IOC_MAGIC, 0), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IO(SYNC_IOC_MAGIC, 3), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(fd, _IO('b', 5), NULL));
}

static void expect_name(struct kunit *test, int fd, const char *name)
{
	struct sync_file_info info;

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, NULL, 0));
	KUNIT_EXPECT_STREQ(test, info.name, name);
}

static void name_is_made_up_from_the_fence(struct kunit *test)
{
	expect_name(test, sync_fd(test, mock_fence_at(test, 1234567890, 42)),
		    "mock-mock-timeline1234567890-42");
}

static void name_has_the_seqno_as_a_signed_number(struct kunit *test)
{
	expect_name(test, sync_fd(test, mock_fence_at(test, 7, U64_MAX)),
		    "mock-mock-timeline7--1");
}

static void name_is_cut_off_after_31_characters(struct kunit *test)
{
	expect_name(test, sync_fd(test, mock_fence_at(test, 12345678901ULL, 42)),
		    "mock-mock-timeline12345678901-4");
}

/* ---- SYNC_IOC_MERGE ---- */

static void merge_without_a_free_descriptor_is_emfile_before_efault(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	void __user *hole = user_hole(test);
	unsigned long limit = limit_fds(0);

	KUNIT_EXPECT_EQ(test, -EMFILE, fd_ioctl(fd, SYNC_IOC_MERGE, hole));
	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE, hole));
}

static void merge_with_flags_or_pad_is_einval_before_enoent(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_data flags = { .flags = 1 };
	struct sync_merge_data pad = { .pad = 1 };

	KUNIT_EXPECT_EQ(test, -EINVAL, merge(test, fd, -1, &flags));
	KUNIT_EXPECT_EQ(test, -EINVAL, merge(test, fd, -1, &pad));
	KUNIT_EXPECT_EQ(test, -EINVAL, merge(test, fd, fd, &flags));
	KUNIT_EXPECT_EQ(test, -EINVAL, merge(test, fd, fd, &pad));
}

static void merge_with_what_is_no_sync_file_is_enoent(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct file *file = shmem_file_setup("other", PAGE_SIZE, 0);
	struct sync_merge_data data = {};
	int other;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	other = file_fd(test, file);
	KUNIT_EXPECT_EQ(test, -ENOENT, merge(test, fd, -1, &data));
	KUNIT_EXPECT_EQ(test, -ENOENT, merge(test, fd, other, &data));
}

static void failed_merge_leaves_no_descriptor(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_data data = { .fd2 = fd };
	void __user *constant = user_constant(test, &data, sizeof(data));
	void __user *hole = user_hole(test);
	int free_fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE, hole));
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, -ENOENT, merge(test, fd, -1, &data));
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(fd, SYNC_IOC_MERGE, constant));
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
}

/* A merge that failed late once kept the merged array and all its fences. */
static void cve_2021_47305_failed_merge_keeps_no_fence(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int fd = sync_fd(test, a);
	struct sync_merge_data data = { .fd2 = sync_fd(test, b) };

	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(fd, SYNC_IOC_MERGE,
				 user_constant(test, &data, sizeof(data))));
	flush_delayed_fput();
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, 2, refs(a));
	KUNIT_EXPECT_EQ(test, 2, refs(b));
}

static void merge_out_of_memory_is_enomem_and_keeps_nothing(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int fd = sync_fd(test, a), free_fd, nth;
	struct sync_merge_data data = { .fd2 = sync_fd(test, b) };
	struct sync_merge_data __user *arg = user_memory(test, sizeof(data));
	long ret;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	for_each_failing_allocation(test, nth, ret = fd_ioctl(fd, SYNC_IOC_MERGE, arg)) {
		KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
		KUNIT_EXPECT_EQ(test, 2, refs(a));
		KUNIT_EXPECT_EQ(test, 2, refs(b));
	}

	/* Array, members, sync_file and file: that much can fail at least. */
	KUNIT_EXPECT_GT(test, nth, 3);
	KUNIT_ASSERT_EQ(test, 0, ret);
	user_read(test, &data, arg, sizeof(data));
	close_later(test, data.fence);
}

static void merge_without_a_file_is_enfile_and_keeps_nothing(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int fd = sync_fd(test, a), free_fd;
	struct sync_merge_data data = { .fd2 = sync_fd(test, b) };
	struct sync_merge_data __user *arg = user_memory(test, sizeof(data));
	struct file_limit *limit;
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	limit = files_run_out(test);
	ret = fd_ioctl(fd, SYNC_IOC_MERGE, arg);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, 2, refs(a));
	KUNIT_EXPECT_EQ(test, 2, refs(b));
}

static void merged_descriptor_closes_on_exec(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	int both = merged_fd(test, fd, fd);

	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(both));
}

static void merge_waits_for_both(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int both = merged_fd(test, sync_fd(test, a), sync_fd(test, b));
	struct dma_fence *fence = peek(test, both);

	KUNIT_EXPECT_EQ(test, 2, members(fence));
	KUNIT_EXPECT_TRUE(test, contains(fence, a));
	KUNIT_EXPECT_TRUE(test, contains(fence, b));
	dma_fence_enable_sw_signaling(fence);
	dma_fence_signal(b);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(fence, false, 2));
	dma_fence_signal(a);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false, HZ), 0);
}

static void merge_keeps_the_later_point_of_one_timeline(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *early = mock_fence_at(test, context, 1);
	struct dma_fence *late = mock_fence_at(test, context, 2);
	int fd1 = sync_fd(test, early), fd2 = sync_fd(test, late);

	KUNIT_EXPECT_PTR_EQ(test, late, peek(test, merged_fd(test, fd1, fd2)));
	KUNIT_EXPECT_PTR_EQ(test, late, peek(test, merged_fd(test, fd2, fd1)));
}

static void merge_with_itself_is_the_same_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	KUNIT_EXPECT_PTR_EQ(test, fence, peek(test, merged_fd(test, fd, fd)));
}

static void merge_leaves_out_what_has_signalled(struct kunit *test)
{
	struct dma_fence *done = mock_fence(test), *pending = mock_fence(test);
	int fd1 = sync_fd(test, done), fd2 = sync_fd(test, pending);

	dma_fence_signal(done);
	KUNIT_EXPECT_PTR_EQ(test, pending, peek(test, merged_fd(test, fd1, fd2)));
	KUNIT_EXPECT_PTR_EQ(test, pending, peek(test, merged_fd(test, fd2, fd1)));
}

static void merge_of_signalled_fences_has_signalled(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int fd1 = sync_fd(test, a), fd2 = sync_fd(test, b);

	dma_fence_signal(a);
	dma_fence_signal(b);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(peek(test, merged_fd(test, fd1,
									   fd2))));
}

static void merge_of_merged_files_has_each_fence_once(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	struct dma_fence *c = mock_fence(test), *fence;
	int fd_b = sync_fd(test, b);
	int ab = merged_fd(test, sync_fd(test, a), fd_b);
	int bc = merged_fd(test, fd_b, sync_fd(test, c));

	fence = peek(test, merged_fd(test, ab, bc));
	KUNIT_EXPECT_EQ(test, 3, members(fence));
	KUNIT_EXPECT_TRUE(test, contains(fence, a));
	KUNIT_EXPECT_TRUE(test, contains(fence, b));
	KUNIT_EXPECT_TRUE(test, contains(fence, c));
}

static void merge_names_the_file(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_data data = { .name = "one and the other" };

	KUNIT_ASSERT_EQ(test, 0, merge(test, fd, fd, &data));
	expect_name(test, data.fence, "one and the other");
}

static void merge_cuts_the_name_off_after_31_characters(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_merge_data data = {};

	memset(data.name, 'n', sizeof(data.name));
	KUNIT_ASSERT_EQ(test, 0, merge(test, fd, fd, &data));
	expect_name(test, data.fence, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
}

static void merge_without_a_name_is_named_after_its_fence(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence_at(test, 5, 6));

	expect_name(test, merged_fd(test, fd, fd), "mock-mock-timeline5-6");
}

/* ---- SYNC_IOC_SET_DEADLINE ---- */

static long set_deadline(struct kunit *test, int fd, u64 deadline_ns, u64 pad)
{
	struct sync_set_deadline data = { .deadline_ns = deadline_ns, .pad = pad };

	return fd_ioctl_data(test, fd, SYNC_IOC_SET_DEADLINE, &data, sizeof(data));
}

static void deadline_of_a_bad_address_is_efault(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));

	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(fd, SYNC_IOC_SET_DEADLINE, user_hole(test)));
}

static void deadline_with_pad_is_einval_and_not_passed_on(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, set_deadline(test, sync_fd(test, fence), 5, 1));
	KUNIT_EXPECT_EQ(test, 0, to_mock_fence(fence)->deadline);
}

static void deadline_reaches_the_producer(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, sync_fd(test, fence), 123456, 0));
	KUNIT_EXPECT_EQ(test, 123456, ktime_to_ns(to_mock_fence(fence)->deadline));
}

static void deadline_reaches_every_merged_fence(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int both = merged_fd(test, sync_fd(test, a), sync_fd(test, b));

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, both, 1000, 0));
	KUNIT_EXPECT_EQ(test, 1000, to_mock_fence(a)->deadline);
	KUNIT_EXPECT_EQ(test, 1000, to_mock_fence(b)->deadline);
}

static void deadline_of_a_signalled_fence_is_no_error(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, sync_fd(test, fence), 1000, 0));
	KUNIT_EXPECT_EQ(test, 0, to_mock_fence(fence)->deadline);
}

static void deadline_of_an_indifferent_producer_is_no_error(struct kunit *test)
{
	struct dma_fence *stub = dma_fence_get_stub();

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, sync_fd(test, stub), 1000, 0));
	dma_fence_put(stub);
}

static void deadline_beyond_the_end_of_time_means_now(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, sync_fd(test, fence), U64_MAX, 0));
	KUNIT_EXPECT_LT(test, to_mock_fence(fence)->deadline, 0);
}

/* ---- poll ---- */

/* One process that polls: a queue entry that counts how often it is woken. */
struct poller {
	poll_table table;
	wait_queue_head_t *wq;
	wait_queue_entry_t entry;
	atomic_t wakeups;
	struct completion woken;
};

static int poller_wake(wait_queue_entry_t *entry, unsigned int mode, int sync, void *key)
{
	struct poller *poller = container_of(entry, struct poller, entry);

	atomic_inc(&poller->wakeups);
	complete(&poller->woken);
	return 1;
}

static void poller_queue(struct file *file, wait_queue_head_t *wq, poll_table *table)
{
	struct poller *poller = container_of(table, struct poller, table);

	poller->wq = wq;
	add_wait_queue(wq, &poller->entry);
}

static void poller_init(struct poller *poller)
{
	*poller = (struct poller) {};
	init_poll_funcptr(&poller->table, poller_queue);
	init_waitqueue_func_entry(&poller->entry, poller_wake);
	init_completion(&poller->woken);
}

static void poller_leave(struct poller *poller)
{
	if (poller->wq)
		remove_wait_queue(poller->wq, &poller->entry);
	poller->wq = NULL;
}

static __poll_t poll_fd(int fd, struct poller *poller)
{
	struct file *file = fget(fd);
	__poll_t mask;

	mask = vfs_poll(file, poller ? &poller->table : NULL);
	fput(file);
	return mask;
}

static void poll_of_a_pending_fence_is_empty(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, (__force int)poll_fd(sync_fd(test, mock_fence(test)), NULL));
}

static void poll_of_a_signalled_fence_is_readable(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
}

static void poll_of_a_failed_fence_is_readable(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
}

/* What a poll for @events, and nothing else, reports. */
static __poll_t poll_fd_for(int fd, __poll_t events)
{
	poll_table table = { ._key = events };
	struct file *file = fget(fd);
	__poll_t mask = vfs_poll(file, &table);

	fput(file);
	return mask;
}

static void poll_reports_a_failure_to_who_asks_for_messages(struct kunit *test)
{
	const __poll_t all_but_msg = ~(EPOLLMSG | 0);
	struct dma_fence *bad = mock_fence(test), *good = mock_fence(test);
	int bad_fd = sync_fd(test, bad), good_fd = sync_fd(test, good);

	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, EPOLLIN | EPOLLMSG) == 0);
	dma_fence_set_error(bad, -EIO);
	/* i915 sets errors early: it has not failed before it has signalled. */
	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, EPOLLIN | EPOLLMSG) == 0);
	dma_fence_signal(bad);
	dma_fence_signal(good);
	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, EPOLLIN | EPOLLMSG) == (EPOLLIN | EPOLLERR));
	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, EPOLLMSG) == (EPOLLIN | EPOLLERR));
	KUNIT_EXPECT_TRUE(test, poll_fd_for(good_fd, EPOLLIN | EPOLLMSG) == EPOLLIN);
	/* poll(2) and select(2) ask for some of these by themselves. */
	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, EPOLLIN | EPOLLERR | EPOLLHUP) == EPOLLIN);
	KUNIT_EXPECT_TRUE(test, poll_fd_for(bad_fd, all_but_msg) == EPOLLIN);
}

/* An array knows its error when it has signalled; until then its field says something else. */
static void poll_reports_the_failure_of_a_merged_file(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int both = merged_fd(test, sync_fd(test, a), sync_fd(test, b));

	KUNIT_EXPECT_TRUE(test, poll_fd_for(both, EPOLLIN | EPOLLMSG) == 0);
	dma_fence_set_error(a, -EIO);
	dma_fence_signal(a);
	KUNIT_EXPECT_TRUE(test, poll_fd_for(both, EPOLLIN | EPOLLMSG) == 0);
	dma_fence_signal(b);
	KUNIT_EXPECT_TRUE(test, poll_fd_for(both, EPOLLIN | EPOLLMSG) == (EPOLLIN | EPOLLERR));
}

static void poll_asks_the_producer(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	to_mock_fence(fence)->done = true;
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
}

static void poll_without_waiting_still_enables_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	poll_fd(fd, NULL);
	poll_fd(fd, NULL);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&to_mock_fence(fence)->enable_count));
}

static void poll_sees_that_the_producer_refuses_to_signal_later(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	to_mock_fence(fence)->refuse = true;
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
}

static void signal_wakes_each_poller_once(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence), i;
	struct poller pollers[3];

	for (i = 0; i < 3; i++) {
		poller_init(&pollers[i]);
		KUNIT_EXPECT_TRUE(test, poll_fd(fd, &pollers[i]) == 0);
	}
	KUNIT_EXPECT_EQ(test, 1, (int)list_count_nodes(&fence->cb_list));
	dma_fence_signal(fence);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 1, atomic_read(&pollers[i].wakeups));
		poller_leave(&pollers[i]);
	}
	KUNIT_EXPECT_TRUE(test, poll_fd(fd, NULL) == EPOLLIN);
}

static void poller_of_a_merged_file_wakes_when_all_are_done(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	int both = merged_fd(test, sync_fd(test, a), sync_fd(test, b));
	struct poller poller;

	poller_init(&poller);
	KUNIT_EXPECT_TRUE(test, poll_fd(both, &poller) == 0);
	dma_fence_signal(a);
	KUNIT_EXPECT_EQ(test, 0, wait_for_completion_timeout(&poller.woken, 2));
	dma_fence_signal(b);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&poller.woken, HZ), 0);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&poller.wakeups));
	poller_leave(&poller);
}

static void release_takes_the_callback_back(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int fd = sync_fd(test, fence);

	poll_fd(fd, NULL);
	KUNIT_EXPECT_FALSE(test, list_empty(&fence->cb_list));
	close_now(test, fd);
	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
	KUNIT_EXPECT_EQ(test, 1, refs(fence));
	dma_fence_signal(fence);
}

static void release_after_the_signal_leaves_the_fence_alone(struct kunit *test)
{
	struct dma_fence *armed = mock_fence(test), *refused = mock_fence(test);
	int fd1 = sync_fd(test, armed), fd2 = sync_fd(test, refused);

	to_mock_fence(refused)->refuse = true;
	poll_fd(fd1, NULL);
	poll_fd(fd2, NULL);
	dma_fence_signal(armed);
	close_now(test, fd1);
	close_now(test, fd2);
	KUNIT_EXPECT_EQ(test, 1, refs(armed));
	KUNIT_EXPECT_EQ(test, 1, refs(refused));
}

static struct kunit_case sync_file_cases[] = {
	KUNIT_CASE(struct_does_not_outgrow_the_interface),
	KUNIT_CASE(file_holds_one_reference_of_its_own),
	KUNIT_CASE(file_keeps_the_fence_alive),
	KUNIT_CASE(uninstalled_file_is_freed_by_fput),
	KUNIT_CASE(get_fence_returns_a_reference),
	KUNIT_CASE(get_fence_of_another_file_or_none_is_null),
	KUNIT_CASE(file_can_neither_be_read_written_nor_sought),
	KUNIT_CASE(unknown_ioctl_is_enotty),
	KUNIT_CASE(name_is_made_up_from_the_fence),
	KUNIT_CASE(name_has_the_seqno_as_a_signed_number),
	KUNIT_CASE(name_is_cut_off_after_31_characters),
	KUNIT_CASE(merge_without_a_free_descriptor_is_emfile_before_efault),
	KUNIT_CASE(merge_with_flags_or_pad_is_einval_before_enoent),
	KUNIT_CASE(merge_with_what_is_no_sync_file_is_enoent),
	KUNIT_CASE(failed_merge_leaves_no_descriptor),
	KUNIT_CASE(cve_2021_47305_failed_merge_keeps_no_fence),
	KUNIT_CASE(merge_out_of_memory_is_enomem_and_keeps_nothing),
	KUNIT_CASE(merge_without_a_file_is_enfile_and_keeps_nothing),
	KUNIT_CASE(merged_descriptor_closes_on_exec),
	KUNIT_CASE(merge_waits_for_both),
	KUNIT_CASE(merge_keeps_the_later_point_of_one_timeline),
	KUNIT_CASE(merge_with_itself_is_the_same_fence),
	KUNIT_CASE(merge_leaves_out_what_has_signalled),
	KUNIT_CASE(merge_of_signalled_fences_has_signalled),
	KUNIT_CASE(merge_of_merged_files_has_each_fence_once),
	KUNIT_CASE(merge_names_the_file),
	KUNIT_CASE(merge_cuts_the_name_off_after_31_characters),
	KUNIT_CASE(merge_without_a_name_is_named_after_its_fence),
	KUNIT_CASE(deadline_of_a_bad_address_is_efault),
	KUNIT_CASE(deadline_with_pad_is_einval_and_not_passed_on),
	KUNIT_CASE(deadline_reaches_the_producer),
	KUNIT_CASE(deadline_reaches_every_merged_fence),
	KUNIT_CASE(deadline_of_a_signalled_fence_is_no_error),
	KUNIT_CASE(deadline_of_an_indifferent_producer_is_no_error),
	KUNIT_CASE(deadline_beyond_the_end_of_time_means_now),
	KUNIT_CASE(poll_of_a_pending_fence_is_empty),
	KUNIT_CASE(poll_of_a_signalled_fence_is_readable),
	KUNIT_CASE(poll_of_a_failed_fence_is_readable),
	KUNIT_CASE(poll_reports_a_failure_to_who_asks_for_messages),
	KUNIT_CASE(poll_reports_the_failure_of_a_merged_file),
	KUNIT_CASE(poll_asks_the_producer),
	KUNIT_CASE(poll_without_waiting_still_enables_signalling),
	KUNIT_CASE(poll_sees_that_the_producer_refuses_to_signal_later),
	KUNIT_CASE(signal_wakes_each_poller_once),
	KUNIT_CASE(poller_of_a_merged_file_wakes_when_all_are_done),
	KUNIT_CASE(release_takes_the_callback_back),
	KUNIT_CASE(release_after_the_signal_leaves_the_fence_alone),
	{}
};

static struct kunit_suite sync_file_suite = {
	.name = "sync_file",
	.init = sync_file_test_init,
	.exit = sync_file_test_exit,
	.test_cases = sync_file_cases,
};

kunit_test_suite(sync_file_suite);
