// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarantees of sw_sync: timelines that userspace advances.
 */
#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/file.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "mock-fence.h"
#include "shortage.h"
#include "sync-user.h"

static void put_action(void *fence)
{
	dma_fence_put(fence);
}

/* A fence of @timeline that the case holds a reference to until it ends. */
static struct dma_fence *point(struct kunit *test, int timeline, u32 value)
{
	struct dma_fence *fence = sw_sync_point(test, timeline, value);

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_action, fence));
	return fence;
}

static void unknown_ioctl_is_enotty(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(timeline, _IO('W', 0), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(timeline, _IO('W', 3), NULL));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(timeline, SYNC_IOC_MERGE, NULL));
}

/* ---- CREATE_FENCE ---- */

static void create_without_a_free_descriptor_is_emfile_before_efault(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	void __user *hole = user_hole(test);
	unsigned long limit = limit_fds(0);

	KUNIT_EXPECT_EQ(test, -EMFILE, fd_ioctl(timeline, SW_SYNC_CREATE, hole));
	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(timeline, SW_SYNC_CREATE, hole));
}

static void failed_create_leaves_neither_descriptor_nor_fence(struct kunit *test)
{
	int timeline = sw_sync_open(test), free_fd;
	struct sw_sync_create data = { .value = 1 };
	struct dma_fence *fence = point(test, timeline, 1);
	void __user *constant = user_constant(test, &data, sizeof(data));

	free_fd = lowest_free_fd();
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(timeline, SW_SYNC_CREATE, constant));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(timeline, SW_SYNC_CREATE, user_hole(test)));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 1, kref_read(&fence->refcount));
}

static void create_out_of_memory_is_enomem_and_keeps_nothing(struct kunit *test)
{
	int timeline = sw_sync_open(test), free_fd, nth;
	struct sw_sync_create data = { .value = 1 };
	struct sw_sync_create __user *arg = user_memory(test, sizeof(data));
	struct dma_fence *fence = point(test, timeline, 1);
	long ret;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	for_each_failing_allocation(test, nth, ret = fd_ioctl(timeline, SW_SYNC_CREATE, arg)) {
		KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
		KUNIT_EXPECT_EQ(test, 1, kref_read(&fence->refcount));
	}

	/* Point, sync_file and file: that much can fail at least. */
	KUNIT_EXPECT_GT(test, nth, 3);
	KUNIT_ASSERT_EQ(test, 0, ret);
	user_read(test, &data, arg, sizeof(data));
	close_later(test, data.fence);
}

static void create_without_a_file_is_enfile_and_keeps_nothing(struct kunit *test)
{
	int timeline = sw_sync_open(test), free_fd;
	struct sw_sync_create data = { .value = 1 };
	struct sw_sync_create __user *arg = user_memory(test, sizeof(data));
	struct dma_fence *fence = point(test, timeline, 1);
	struct file_limit *limit;
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	free_fd = lowest_free_fd();
	limit = files_run_out(test);
	ret = fd_ioctl(timeline, SW_SYNC_CREATE, arg);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, free_fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 1, kref_read(&fence->refcount));
}

static void create_ignores_the_name(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct sw_sync_create data = { .value = 1, .name = "never seen again" };
	struct sync_file_info info = {};
	char expected[32];

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, timeline, SW_SYNC_CREATE, &data,
					       sizeof(data)));
	close_later(test, data.fence);
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, data.fence, SYNC_IOC_FILE_INFO,
					       &info, sizeof(info)));
	snprintf(expected, sizeof(expected), "sw_sync-%s%llu-1", current->comm,
		 point(test, timeline, 1)->context);
	KUNIT_EXPECT_STREQ(test, info.name, expected);
}

static void timeline_is_named_after_the_process(struct kunit *test)
{
	int fd = sw_sync_fence(test, sw_sync_open(test), 1);
	struct sync_fence_info entry;
	struct sync_fence_info __user *list = user_memory(test, sizeof(entry));
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)list,
	};

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_FILE_INFO, &info,
					       sizeof(info)));
	user_read(test, &entry, list, sizeof(entry));
	KUNIT_EXPECT_STREQ(test, entry.driver_name, "sw_sync");
	KUNIT_EXPECT_STREQ(test, entry.obj_name, current->comm);
}

static void each_open_is_a_timeline_of_its_own(struct kunit *test)
{
	int t1 = sw_sync_open(test), t2 = sw_sync_open(test);
	struct dma_fence *a = point(test, t1, 1), *b = point(test, t2, 1);

	KUNIT_EXPECT_NE(test, a->context, b->context);
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, t1, 1));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(a));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(b));
}

static void value_that_was_reached_is_signalled_at_once(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(point(test, timeline, 0)));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_get_status(point(test, timeline, 1)));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 10));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(point(test, timeline, 9)));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(point(test, timeline, 10)));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_get_status(point(test, timeline, 11)));
}

static void same_value_twice_is_the_same_fence(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *first = point(test, timeline, 7);

	point(test, timeline, 6);
	KUNIT_EXPECT_PTR_EQ(test, first, point(test, timeline, 7));
	KUNIT_EXPECT_EQ(test, 2, kref_read(&first->refcount));
}

static void value_whose_fence_is_gone_can_be_used_again(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *fence;

	close_now(test, sw_sync_fence(test, timeline, 7));
	fence = point(test, timeline, 7);
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 7));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(fence));
}

/* ---- INC ---- */

static void inc_of_a_bad_address_is_efault(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(timeline, SW_SYNC_INC, user_hole(test)));
}

static void inc_by_nothing_signals_nothing(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *fence = point(test, timeline, 1);

	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 0));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
}

static void inc_signals_up_to_its_value_and_no_further(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *fences[5];
	int i;

	for (i = 0; i < 5; i++)
		fences[i] = point(test, timeline, i + 1);
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 3));
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, i < 3,
				test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fences[i]->flags));
}

/* A callback that notes when, among others of its kind, it was called. */
struct turn {
	struct dma_fence_cb cb;
	int *counter;
	int mine;
};

static void take_turn(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct turn *turn = container_of(cb, struct turn, cb);

	turn->mine = ++*turn->counter;
}

static void inc_signals_in_the_order_of_the_values(struct kunit *test)
{
	static const u32 values[] = { 5, 1, 9, 3, 2, 8, 4, 7, 6 };
	int timeline = sw_sync_open(test), counter = 0, i;
	struct turn turns[ARRAY_SIZE(values)] = {};

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		turns[i].counter = &counter;
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_add_callback(point(test, timeline, values[i]),
						       &turns[i].cb, take_turn));
	}
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 9));
	for (i = 0; i < ARRAY_SIZE(values); i++)
		KUNIT_EXPECT_EQ(test, (int)values[i], turns[i].mine);
}

/* Brings @timeline, whose value is 0, to @value without passing a fence. */
static void go_to(struct kunit *test, int timeline, u32 value)
{
	KUNIT_ASSERT_EQ(test, 0, sw_sync_inc(test, timeline, value));
}

static void values_go_on_beyond_the_end_of_32_bits(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *last, *zero, *one;

	go_to(test, timeline, U32_MAX - 1);
	one = point(test, timeline, 1);
	last = point(test, timeline, U32_MAX);
	zero = point(test, timeline, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(last));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 2));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(last));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(zero));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(one));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 1));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(one));
}

static void what_lies_2_to_the_31_away_counts_as_passed(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, 0, dma_fence_get_status(point(test, timeline, INT_MAX)));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(point(test, timeline, 1U << 31)));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(point(test, timeline, U32_MAX)));
}

static void inc_beyond_2_to_the_31_passes_every_fence(struct kunit *test)
{
	static const u32 steps[] = { INT_MAX, 1U << 31, U32_MAX };
	struct dma_fence *near, *far;
	int i, timeline;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		timeline = sw_sync_open(test);
		near = point(test, timeline, 1);
		far = point(test, timeline, INT_MAX);
		KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, steps[i]));
		KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(near));
		KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(far));
		/* ... and ends where it should. */
		KUNIT_EXPECT_EQ(test, 1,
				dma_fence_get_status(point(test, timeline, steps[i])));
		KUNIT_EXPECT_EQ(test, 0,
				dma_fence_get_status(point(test, timeline, steps[i] + 1)));
	}
}

static void thousands_of_fences_signal_and_are_freed(struct kunit *test)
{
	const int n = 4096;
	int timeline = sw_sync_open(test), counter = 0, i;
	struct turn *turns = kunit_kcalloc(test, n, sizeof(*turns), GFP_KERNEL);
	struct dma_fence **fences = kunit_kcalloc(test, n, sizeof(*fences), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, turns);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < n; i++) {
		/* Neither ascending nor descending. */
		fences[i] = sw_sync_point(test, timeline, (i * 1021) % n + 1);
		turns[i].counter = &counter;
		KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fences[i], &turns[i].cb,
								take_turn));
	}
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, n));
	KUNIT_EXPECT_EQ(test, n, counter);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, (i * 1021) % n + 1, turns[i].mine);
		KUNIT_EXPECT_EQ(test, 1, kref_read(&fences[i]->refcount));
		dma_fence_put(fences[i]);
	}
}

/* ---- callbacks ---- */

/* A callback that drops a reference to another fence of the timeline. */
struct dropper {
	struct dma_fence_cb cb;
	struct dma_fence *victim;
};

static void drop_victim(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dropper *dropper = container_of(cb, struct dropper, cb);

	dma_fence_put(dropper->victim);
}

/*
 * Dropping the last reference in a callback once recursed on the lock that the
 * signalling held, and corrupted the list that it walked.
 */
static void recursion_callback_may_release_the_next_point(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *first = point(test, timeline, 1);
	struct dma_fence *last = point(test, timeline, 4);
	struct dropper dropper = { .victim = sw_sync_point(test, timeline, 2) };

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(first, &dropper.cb, drop_victim));
	point(test, timeline, 3);
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 4));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(last));
}

static void recursion_callback_may_release_the_previous_point(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dropper dropper = { .victim = sw_sync_point(test, timeline, 1) };
	struct dma_fence *second = point(test, timeline, 2);
	struct dma_fence *last = point(test, timeline, 3);

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(second, &dropper.cb, drop_victim));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 3));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(last));
}

static void recursion_callback_may_release_its_own_point(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dropper dropper = { .victim = sw_sync_point(test, timeline, 1) };
	struct dma_fence *last = point(test, timeline, 2);

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(dropper.victim, &dropper.cb,
							drop_victim));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 2));
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(last));
}

static void recursion_callback_may_release_the_next_point_at_close(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *first = point(test, timeline, 1);
	struct dma_fence *last = point(test, timeline, 3);
	struct dropper dropper = { .victim = sw_sync_point(test, timeline, 2) };

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(first, &dropper.cb, drop_victim));
	close_now(test, timeline);
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_get_status(last));
}

/* What an interrupt that the first fence's callback raised had done by the second's. */
struct interrupted {
	struct dma_fence_cb first, second;
	struct irq_work work;
	bool ran, ran_in_between;
};

static void interrupt(struct irq_work *work)
{
	container_of(work, struct interrupted, work)->ran = true;
}

static void raise_interrupt(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	irq_work_queue(&container_of(cb, struct interrupted, first)->work);
}

static void look_for_interrupt(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct interrupted *interrupted = container_of(cb, struct interrupted, second);

	interrupted->ran_in_between = READ_ONCE(interrupted->ran);
}

static void interrupts_get_in_between_two_fences(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct interrupted interrupted = { .work = IRQ_WORK_INIT_HARD(interrupt) };

	if (!arch_irq_work_has_interrupt())
		kunit_skip(test, "irq_work waits for the tick on this architecture");

	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(point(test, timeline, 1),
							&interrupted.first,
							raise_interrupt));
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(point(test, timeline, 2),
							&interrupted.second,
							look_for_interrupt));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 2));
	irq_work_sync(&interrupted.work);
	KUNIT_EXPECT_TRUE(test, interrupted.ran_in_between);
}

/* ---- close ---- */

static void close_signals_what_is_left_with_enoent(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dma_fence *done = point(test, timeline, 1);
	struct dma_fence *pending = point(test, timeline, 2);
	struct dma_fence *far = point(test, timeline, INT_MAX);

	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 1));
	close_now(test, timeline);
	KUNIT_EXPECT_EQ(test, 1, dma_fence_get_status(done));
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_get_status(pending));
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_get_status(far));
}

static void fences_outlive_the_file(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	int fd = sw_sync_fence(test, timeline, 5);
	struct sync_file_info info = {};

	close_now(test, timeline);
	rcu_barrier();
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_FILE_INFO, &info,
					       sizeof(info)));
	KUNIT_EXPECT_EQ(test, -ENOENT, info.status);
}

/* ---- GET_DEADLINE ---- */

static long set_deadline(struct kunit *test, int fd, u64 deadline_ns)
{
	struct sync_set_deadline data = { .deadline_ns = deadline_ns };

	return fd_ioctl_data(test, fd, SYNC_IOC_SET_DEADLINE, &data, sizeof(data));
}

static long get_deadline(struct kunit *test, int timeline, int fd, u64 *deadline_ns)
{
	struct sw_sync_deadline data = { .fence_fd = fd };
	long ret;

	ret = fd_ioctl_data(test, timeline, SW_SYNC_DEADLINE, &data, sizeof(data));
	*deadline_ns = data.deadline_ns;
	return ret;
}

static void deadline_of_a_bad_address_is_efault(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	struct sw_sync_deadline data = { .fence_fd = fd };

	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(timeline, SW_SYNC_DEADLINE, user_hole(test)));
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 1000));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(timeline, SW_SYNC_DEADLINE,
				 user_constant(test, &data, sizeof(data))));
}

static void deadline_with_other_fields_set_is_einval(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	struct sw_sync_deadline ns = { .deadline_ns = 1, .fence_fd = fd };
	struct sw_sync_deadline pad = { .pad = 1, .fence_fd = fd };

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 1000));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, timeline, SW_SYNC_DEADLINE,
						     &ns, sizeof(ns)));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, timeline, SW_SYNC_DEADLINE,
						     &pad, sizeof(pad)));
}

static void deadline_of_what_is_no_bare_point_is_einval(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	int other = sw_sync_fence(test, sw_sync_open(test), 1);
	struct sync_merge_data merge = { .fd2 = other };
	u64 ns;

	KUNIT_EXPECT_EQ(test, -EINVAL, get_deadline(test, timeline, -1, &ns));
	KUNIT_EXPECT_EQ(test, -EINVAL, get_deadline(test, timeline, timeline, &ns));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			get_deadline(test, timeline, sync_fd(test, mock_fence(test)), &ns));

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_MERGE, &merge,
					       sizeof(merge)));
	close_later(test, merge.fence);
	KUNIT_EXPECT_EQ(test, -EINVAL, get_deadline(test, timeline, merge.fence, &ns));
}

static void deadline_that_nobody_set_is_enoent(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	u64 ns;

	KUNIT_EXPECT_EQ(test, -ENOENT, get_deadline(test, timeline, fd, &ns));
	KUNIT_EXPECT_EQ(test, 0, ns);
}

static void deadline_is_the_earliest_that_was_set(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	u64 ns;

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, S64_MAX));
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, timeline, fd, &ns));
	KUNIT_EXPECT_EQ(test, S64_MAX, ns);
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 2000));
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 3000));
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, timeline, fd, &ns));
	KUNIT_EXPECT_EQ(test, 2000, ns);
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 1000));
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, timeline, fd, &ns));
	KUNIT_EXPECT_EQ(test, 1000, ns);
}

static void deadline_of_another_timelines_fence_is_told(struct kunit *test)
{
	int fd = sw_sync_fence(test, sw_sync_open(test), 1);
	u64 ns;

	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, fd, 1000));
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, sw_sync_open(test), fd, &ns));
	KUNIT_EXPECT_EQ(test, 1000, ns);
}

static void deadline_of_a_merged_file_reaches_the_points(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 1);
	int other = sw_sync_fence(test, sw_sync_open(test), 1);
	struct sync_merge_data merge = { .fd2 = other };
	u64 ns;

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, fd, SYNC_IOC_MERGE, &merge,
					       sizeof(merge)));
	close_later(test, merge.fence);
	KUNIT_EXPECT_EQ(test, 0, set_deadline(test, merge.fence, 1000));
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, timeline, fd, &ns));
	KUNIT_EXPECT_EQ(test, 1000, ns);
	KUNIT_EXPECT_EQ(test, 0, get_deadline(test, timeline, other, &ns));
	KUNIT_EXPECT_EQ(test, 1000, ns);
}

static struct kunit_case sw_sync_cases[] = {
	KUNIT_CASE(unknown_ioctl_is_enotty),
	KUNIT_CASE(create_without_a_free_descriptor_is_emfile_before_efault),
	KUNIT_CASE(failed_create_leaves_neither_descriptor_nor_fence),
	KUNIT_CASE(create_out_of_memory_is_enomem_and_keeps_nothing),
	KUNIT_CASE(create_without_a_file_is_enfile_and_keeps_nothing),
	KUNIT_CASE(create_ignores_the_name),
	KUNIT_CASE(timeline_is_named_after_the_process),
	KUNIT_CASE(each_open_is_a_timeline_of_its_own),
	KUNIT_CASE(value_that_was_reached_is_signalled_at_once),
	KUNIT_CASE(same_value_twice_is_the_same_fence),
	KUNIT_CASE(value_whose_fence_is_gone_can_be_used_again),
	KUNIT_CASE(inc_of_a_bad_address_is_efault),
	KUNIT_CASE(inc_by_nothing_signals_nothing),
	KUNIT_CASE(inc_signals_up_to_its_value_and_no_further),
	KUNIT_CASE(inc_signals_in_the_order_of_the_values),
	KUNIT_CASE(values_go_on_beyond_the_end_of_32_bits),
	KUNIT_CASE(what_lies_2_to_the_31_away_counts_as_passed),
	KUNIT_CASE(inc_beyond_2_to_the_31_passes_every_fence),
	KUNIT_CASE(thousands_of_fences_signal_and_are_freed),
	KUNIT_CASE(recursion_callback_may_release_the_next_point),
	KUNIT_CASE(recursion_callback_may_release_the_previous_point),
	KUNIT_CASE(recursion_callback_may_release_its_own_point),
	KUNIT_CASE(recursion_callback_may_release_the_next_point_at_close),
	KUNIT_CASE(interrupts_get_in_between_two_fences),
	KUNIT_CASE(close_signals_what_is_left_with_enoent),
	KUNIT_CASE(fences_outlive_the_file),
	KUNIT_CASE(deadline_of_a_bad_address_is_efault),
	KUNIT_CASE(deadline_with_other_fields_set_is_einval),
	KUNIT_CASE(deadline_of_what_is_no_bare_point_is_einval),
	KUNIT_CASE(deadline_that_nobody_set_is_enoent),
	KUNIT_CASE(deadline_is_the_earliest_that_was_set),
	KUNIT_CASE(deadline_of_another_timelines_fence_is_told),
	KUNIT_CASE(deadline_of_a_merged_file_reaches_the_points),
	{}
};

static struct kunit_suite sw_sync_suite = {
	.name = "sw_sync",
	.test_cases = sw_sync_cases,
};

kunit_test_suite(sw_sync_suite);
