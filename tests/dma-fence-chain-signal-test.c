// SPDX-License-Identifier: GPL-2.0-only
/*
 * How chains signal: in any order, in linear time, on little stack.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

/* How many of @fences, from the first on, have signalled without a gap. */
static unsigned int retired(struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && mock_fence_flagged(fences[i]); i++)
		;
	return i;
}

/*
 * After one irq_work hop exactly the links whose whole past has signalled are signalled,
 * however many become complete at once.
 */
static void every_link_signals_when_its_whole_past_has(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence **links = mock_links(test, fences, c->count);
	struct mock_callback **callback;
	unsigned int i, j;

	callback = kunit_kcalloc(test, c->count, sizeof(*callback), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, callback);
	for (i = 0; i < c->count; i++)
		callback[i] = mock_callback(test, links[i]);
	for (i = 0; i < c->count; i++) {
		dma_fence_signal(fences[order[i]]);
		mock_run_irq_work();
		for (j = 0; j < c->count; j++)
			KUNIT_ASSERT_EQ(test, mock_fence_flagged(links[j]),
					j < retired(fences, c->count));
	}
	for (i = 0; i < c->count; i++) {
		KUNIT_EXPECT_EQ(test, callback[i]->calls, 1);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(links[i]), 1);
	}
}

static void the_head_alone_signals_when_its_whole_past_has(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, c->count));
	struct mock_callback *callback = mock_callback(test, head);
	unsigned int i;

	for (i = 0; i < c->count; i++) {
		KUNIT_ASSERT_FALSE(test, mock_fence_flagged(head));
		dma_fence_signal(fences[order[i]]);
		mock_run_irq_work();
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(head));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void a_chain_can_be_polled_without_enabling(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence **links = mock_links(test, fences, c->count);
	unsigned int i;

	for (i = 0; i < c->count; i++) {
		unsigned int done;

		KUNIT_ASSERT_FALSE(test, dma_fence_is_signaled(links[c->count - 1]));
		dma_fence_signal(fences[order[i]]);
		done = retired(fences, c->count);
		if (done)
			KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(links[done - 1]));
		if (done < c->count)
			KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(links[done]));
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(links[c->count - 1]));
	for (i = 0; i < c->count; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count), 0);
}

/* As all users of one signaller do that works with interrupts off. */
static void links_signal_when_their_fences_signal_in_one_go(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence **links = mock_links(test, fences, c->count);
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < c->count; i++)
		dma_fence_enable_sw_signaling(links[order[i]]);
	local_irq_save(flags);
	for (i = 0; i < c->count; i++)
		dma_fence_signal(fences[order[i]]);
	local_irq_restore(flags);
	mock_run_irq_work();
	for (i = 0; i < c->count; i++)
		KUNIT_EXPECT_TRUE(test, mock_fence_flagged(links[i]));
}

static void links_may_be_enabled_while_others_signal(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence **links = mock_links(test, fences, c->count);
	unsigned int i;

	for (i = 0; i < c->count; i++) {
		dma_fence_enable_sw_signaling(links[order[c->count - 1 - i]]);
		dma_fence_signal(fences[order[i]]);
		mock_run_irq_work();
	}
	for (i = 0; i < c->count; i++)
		KUNIT_EXPECT_TRUE(test, mock_fence_signals(links[i]));
}

static void a_link_never_signals_under_the_lock_of_its_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *link = mock_put_later(test, mock_link(test, NULL, fence, 1));
	bool flag_locked, flag_unlocked;
	unsigned long flags;

	dma_fence_enable_sw_signaling(link);
	local_irq_save(flags);
	spin_lock(fence->lock);
	dma_fence_signal_locked(fence);
	flag_locked = mock_fence_flagged(link);
	spin_unlock(fence->lock);
	flag_unlocked = mock_fence_flagged(link);
	local_irq_restore(flags);
	KUNIT_EXPECT_FALSE(test, flag_locked);
	KUNIT_EXPECT_FALSE(test, flag_unlocked);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(link));
}

static void a_chain_of_signalled_fences_signals_when_enabled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 4));
	struct dma_fence *other = mock_put_later(test, mock_chain(test, fences, 4));
	struct dma_fence_cb cb;

	mock_signal_all(fences, 4);
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_add_callback(head, &cb, mock_callback_func));
	KUNIT_EXPECT_TRUE(test, mock_fence_flagged(head));
	KUNIT_EXPECT_EQ(test, 3, dma_fence_wait_timeout(other, false, 3));
}

static void a_link_over_a_signalled_fence_waits_for_its_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *head;

	dma_fence_signal(fences[2]);
	head = mock_put_later(test, mock_chain(test, fences, 3));
	dma_fence_enable_sw_signaling(head);
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(head));
	dma_fence_signal(fences[1]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(head));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(head));
}

/* Enabling one point must be enough, whatever its driver answers. */
static void fences_that_refuse_to_enable_do_not_stop_a_chain(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 6);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 6));
	int i;

	for (i = 0; i < 6; i++)
		to_mock_fence(fences[i])->refuse = i != 3;
	dma_fence_enable_sw_signaling(head);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(head));
	dma_fence_signal(fences[3]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(head));
}

/* What xe does to the fences of a job that it gives up. */
static void an_error_set_on_a_link_is_its_status(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence **links = mock_links(test, fences, 2);

	dma_fence_set_error(links[1], -ETIME);
	dma_fence_enable_sw_signaling(links[1]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(links[1]), 0);
	mock_signal_all(fences, 2);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(links[1]));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(links[1]), -ETIME);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(links[0]), 1);
}

static void a_chain_may_fork(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *past = mock_chain(test, fences, 2);
	struct dma_fence *left = mock_link(test, dma_fence_get(past), fences[2], 3);
	struct dma_fence *right = mock_link(test, past, fences[3], 3);

	mock_put_later(test, left);
	mock_put_later(test, right);
	dma_fence_enable_sw_signaling(left);
	dma_fence_enable_sw_signaling(right);
	dma_fence_signal(fences[2]);
	dma_fence_signal(fences[1]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(left));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(left));
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(right));
	dma_fence_signal(fences[3]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(right));
}

static void a_link_may_contain_an_array(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	struct dma_fence *link = mock_link(test, NULL, fences[3], 1);

	link = mock_link(test, link, &array->base, 2);
	link = mock_put_later(test, mock_link(test, link, fences[4], 3));
	dma_fence_enable_sw_signaling(link);
	dma_fence_signal(fences[4]);
	dma_fence_signal(fences[3]);
	dma_fence_signal(fences[1]);
	dma_fence_signal(fences[2]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(link));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(link));
}

static void a_deadline_reaches_everything_pending(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 7);
	struct dma_fence_array *array = mock_array(test, fences + 1, 3, false);
	struct dma_fence *link = mock_link(test, dma_fence_get(fences[0]), &array->base, 1);
	int i;

	for (i = 4; i < 7; i++)
		link = mock_link(test, link, fences[i], i);
	mock_put_later(test, link);
	dma_fence_signal(fences[2]);
	dma_fence_signal(fences[5]);
	dma_fence_set_deadline(link, ns_to_ktime(321));
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, ktime_to_ns(to_mock_fence(fences[i])->deadline),
				i == 2 || i == 5 ? 0 : 321);
}

static void an_enabled_chain_lives_until_it_has_signalled(struct kunit *test)
{
	struct mock_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *head = mock_chain(test, fences, 3);
	unsigned long end = jiffies + MOCK_TIMEOUT;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, callback);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(head, &callback->cb, mock_callback_func));
	dma_fence_put(head);
	mock_signal_all(fences, 3);
	mock_run_irq_work();
	while (!READ_ONCE(callback->calls) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

static void a_link_dropped_in_the_middle_keeps_its_waiters(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 6);
	struct dma_fence *middle = mock_chain(test, fences, 3);
	struct dma_fence *head = dma_fence_get(middle);
	struct mock_callback *callback = mock_callback(test, middle);
	int i;

	dma_fence_put(middle);
	for (i = 3; i < 6; i++)
		head = mock_link(test, head, fences[i], i + 1);
	dma_fence_put(head);
	for (i = 2; i >= 0; i--) {
		KUNIT_EXPECT_EQ(test, callback->calls, 0);
		dma_fence_signal(fences[i]);
		mock_run_irq_work();
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(callback->fence));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

/* The callbacks on @fence, which has not signalled. */
static size_t callbacks_on(struct dma_fence *fence)
{
	unsigned long flags;
	size_t count = 0;

	local_irq_save(flags);
	if (!mock_fence_flagged(fence))
		count = list_count_nodes(&fence->cb_list);
	local_irq_restore(flags);
	return count;
}

/*
 * Every link waited upon, fences signalled from the newest to the oldest: a link whose own fence
 * is done waits for its past once, not anew after every signal.
 */
static void signalling_backward_runs_few_callbacks_per_link(struct kunit *test)
{
	const unsigned int count = 1024;
	struct dma_fence **fences = mock_fences(test, count);
	struct dma_fence **links = mock_links(test, fences, count);
	size_t callbacks = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_enable_sw_signaling(links[i]);
	for (i = count - 1; i > 0; i--) {
		callbacks += callbacks_on(fences[i]);
		dma_fence_signal(fences[i]);
		mock_run_irq_work();
	}
	callbacks += callbacks_on(fences[0]);
	for (i = 0; i < count; i++)
		callbacks += callbacks_on(links[i]);
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(links[count - 1]));
	KUNIT_EXPECT_LE(test, callbacks, 4 * count);
}

/* The nanoseconds to signal a chain of @count links, each waited upon; the best of three. */
static s64 time_to_signal(struct kunit *test, enum mock_order_kind kind, unsigned int count)
{
	unsigned int *order = mock_order(test, kind, count);
	s64 best = S64_MAX;
	int run;

	for (run = 0; run < 3; run++) {
		struct dma_fence **fences = mock_fences(test, count);
		struct dma_fence **links = mock_links(test, fences, count);
		ktime_t start;
		unsigned int i;

		for (i = 0; i < count; i++)
			dma_fence_enable_sw_signaling(links[i]);
		start = ktime_get();
		for (i = 0; i < count; i++) {
			dma_fence_signal(fences[order[i]]);
			mock_run_irq_work();
		}
		best = min(best, ktime_to_ns(ktime_sub(ktime_get(), start)));
		KUNIT_EXPECT_TRUE(test, mock_fence_signals(links[count - 1]));
	}
	return best;
}

static void signalling_takes_linear_time_in_any_order(struct kunit *test)
{
	const unsigned int count = 2048;
	s64 forward = time_to_signal(test, MOCK_FORWARD, count);

	KUNIT_EXPECT_LT(test, time_to_signal(test, MOCK_BACKWARD, count),
			8 * forward + 20 * NSEC_PER_MSEC);
	KUNIT_EXPECT_LT(test, time_to_signal(test, MOCK_RANDOM, count),
			8 * forward + 20 * NSEC_PER_MSEC);
}

/* Where on the stack of one task fences were released. */
static struct {
	struct task_struct *task;
	unsigned long lowest;
	unsigned long highest;
	unsigned int released;
} stack;

static const char *deep_name(struct dma_fence *fence)
{
	return "deep";
}

static void deep_release(struct dma_fence *fence)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);

	stack.released++;
	if (in_task() && current == stack.task) {
		stack.lowest = min(stack.lowest, here);
		stack.highest = max(stack.highest, here);
	}
	dma_fence_free(fence);
}

static const struct dma_fence_ops deep_ops = {
	.get_driver_name = deep_name,
	.get_timeline_name = deep_name,
	.release = deep_release,
};

static DEFINE_SPINLOCK(deep_lock);

#define LONG_CHAIN 100000

/* A chain over @count fences that only it refers to. */
static struct dma_fence *long_chain(struct kunit *test, unsigned int count, bool signalled)
{
	struct dma_fence *head = NULL;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, fence);
		dma_fence_init(fence, &deep_ops, &deep_lock, dma_fence_context_alloc(1), 1);
		if (signalled)
			dma_fence_signal(fence);
		head = mock_link(test, head, fence, i + 1);
		dma_fence_put(fence);
	}
	stack.task = current;
	stack.lowest = ULONG_MAX;
	stack.highest = 0;
	stack.released = 0;
	return head;
}

/* Releases may be deferred, but wherever they run, the first one is as deep as the last one. */
static void expect_flat_release(struct kunit *test, unsigned int count)
{
	unsigned long end = jiffies + MOCK_TIMEOUT;

	while (READ_ONCE(stack.released) < count && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, stack.released, count);
	if (stack.highest)
		KUNIT_EXPECT_LT(test, stack.highest - stack.lowest, 1024);
	rcu_barrier();
}

static void a_long_chain_is_freed_with_constant_stack(struct kunit *test)
{
	struct dma_fence *head = long_chain(test, LONG_CHAIN, false);
	ktime_t start = ktime_get();

	dma_fence_put(head);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 60000);
	expect_flat_release(test, LONG_CHAIN);
}

static void a_long_past_is_forgotten_with_constant_stack(struct kunit *test)
{
	struct dma_fence *head = long_chain(test, LONG_CHAIN, true);
	ktime_t start = ktime_get();

	KUNIT_EXPECT_NULL(test, dma_fence_chain_walk(dma_fence_get(head)));
	dma_fence_put(head);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 60000);
	expect_flat_release(test, LONG_CHAIN);
}

static void a_link_shared_by_two_chains_is_freed_with_the_second(struct kunit *test)
{
	struct dma_fence *past = long_chain(test, 1000, false);
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *left = mock_link(test, dma_fence_get(past), fence, 2000);
	struct dma_fence *right = mock_link(test, past, fence, 2000);

	dma_fence_put(left);
	KUNIT_EXPECT_EQ(test, stack.released, 0);
	dma_fence_put(right);
	expect_flat_release(test, 1000);
}

/* Signalling a long chain whose every link is waited upon does not nest its callbacks. */
static void a_long_chain_signals_with_constant_stack(struct kunit *test)
{
	const unsigned int count = 10000;
	struct dma_fence *oldest = mock_fence(test);
	struct dma_fence **links = kunit_kcalloc(test, count, sizeof(*links), GFP_KERNEL);
	struct dma_fence *done = mock_put_later(test, dma_fence_get_stub());
	struct dma_fence *prev = mock_link(test, NULL, oldest, 1);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, links);
	for (i = 0; i < count; i++) {
		links[i] = mock_put_later(test, mock_link(test, prev, done, i + 2));
		prev = dma_fence_get(links[i]);
		dma_fence_enable_sw_signaling(links[i]);
	}
	dma_fence_put(prev);
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(links[0]));
	dma_fence_signal(oldest);
	mock_run_irq_work();
	for (i = 0; i < count; i++)
		KUNIT_ASSERT_TRUE(test, mock_fence_signals(links[i]));
}

struct signaller {
	struct dma_fence **fences;
	unsigned int *order;
	unsigned int count;
	struct completion done;
};

/* Signals in @order, giving way to the others now and then. */
static int signaller_thread(void *data)
{
	struct signaller *signaller = data;
	unsigned int i;

	for (i = 0; i < signaller->count; i++) {
		dma_fence_signal(signaller->fences[signaller->order[i]]);
		if (!(i % 16))
			schedule_timeout_uninterruptible(1);
	}
	kthread_complete_and_exit(&signaller->done, 0);
}

static void a_woken_waiter_finds_the_whole_past_signalled(struct kunit *test)
{
	const unsigned int count = 128;
	enum mock_order_kind kind;

	for (kind = MOCK_FORWARD; kind < MOCK_ORDERS; kind++) {
		struct dma_fence **fences = mock_fences(test, count);
		struct dma_fence **links = mock_links(test, fences, count);
		struct signaller *signaller;
		struct task_struct *task;
		unsigned int i;

		signaller = kunit_kzalloc(test, sizeof(*signaller), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, signaller);
		signaller->fences = fences;
		signaller->order = mock_order(test, kind, count);
		signaller->count = count;
		init_completion(&signaller->done);
		task = kthread_run(signaller_thread, signaller, "mock-signaller");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
		for (i = 0; i < count; i++) {
			long left = dma_fence_wait_timeout(links[i], false, MOCK_TIMEOUT);

			KUNIT_EXPECT_GT(test, left, 0);
			KUNIT_EXPECT_GT(test, retired(fences, count), i);
		}
		wait_for_completion(&signaller->done);
	}
}

/* Found in review: an idle timeline kept all its links until somebody walked it. */
static void a_signalled_link_lets_go_of_its_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 64);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 64));
	int i;

	/* Backward and one by one, so that each link comes to wait for the one before. */
	dma_fence_enable_sw_signaling(head);
	for (i = 63; i >= 0; i--) {
		dma_fence_signal(fences[i]);
		mock_run_irq_work();
	}
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(head));

	/* The newest one is the head's own. */
	for (i = 0; i < 63; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

/* The same for a link that is polled and has a short cut to the past. */
static void a_polled_link_lets_go_of_its_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 4));
	int i;

	for (i = 0; i < 4; i++)
		to_mock_fence(fences[i])->done = true;
	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(head));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

/* Found in review: xe sets such a flag on chains and looks at it later. */
static void the_flags_of_drivers_on_a_link_are_left_alone(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence **links = mock_links(test, fences, 2);
	unsigned int bit;

	for (bit = DMA_FENCE_FLAG_USER_BITS; bit < DMA_FENCE_FLAG_USER_BITS + 8; bit++) {
		KUNIT_EXPECT_FALSE(test, test_bit(bit, &links[1]->flags));
		set_bit(bit, &links[0]->flags);
	}
	dma_fence_enable_sw_signaling(links[0]);
	dma_fence_enable_sw_signaling(links[1]);
	mock_signal_all(fences, 2);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(links[1]));
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(links[0]));

	for (bit = DMA_FENCE_FLAG_USER_BITS; bit < DMA_FENCE_FLAG_USER_BITS + 8; bit++) {
		KUNIT_EXPECT_FALSE(test, test_bit(bit, &links[1]->flags));
		KUNIT_EXPECT_TRUE(test, test_bit(bit, &links[0]->flags));
	}
}

static struct kunit_case chain_signal_cases[] = {
	KUNIT_CASE_PARAM(every_link_signals_when_its_whole_past_has, mock_order_gen_params),
	KUNIT_CASE_PARAM(the_head_alone_signals_when_its_whole_past_has, mock_order_gen_params),
	KUNIT_CASE_PARAM(a_chain_can_be_polled_without_enabling, mock_order_gen_params),
	KUNIT_CASE_PARAM(links_signal_when_their_fences_signal_in_one_go, mock_order_gen_params),
	KUNIT_CASE_PARAM(links_may_be_enabled_while_others_signal, mock_order_gen_params),
	KUNIT_CASE(a_link_never_signals_under_the_lock_of_its_fence),
	KUNIT_CASE(a_chain_of_signalled_fences_signals_when_enabled),
	KUNIT_CASE(a_link_over_a_signalled_fence_waits_for_its_past),
	KUNIT_CASE(fences_that_refuse_to_enable_do_not_stop_a_chain),
	KUNIT_CASE(an_error_set_on_a_link_is_its_status),
	KUNIT_CASE(a_chain_may_fork),
	KUNIT_CASE(a_link_may_contain_an_array),
	KUNIT_CASE(a_deadline_reaches_everything_pending),
	KUNIT_CASE(an_enabled_chain_lives_until_it_has_signalled),
	KUNIT_CASE(a_link_dropped_in_the_middle_keeps_its_waiters),
	KUNIT_CASE(signalling_backward_runs_few_callbacks_per_link),
	KUNIT_CASE(signalling_takes_linear_time_in_any_order),
	KUNIT_CASE(a_long_chain_is_freed_with_constant_stack),
	KUNIT_CASE(a_long_past_is_forgotten_with_constant_stack),
	KUNIT_CASE(a_link_shared_by_two_chains_is_freed_with_the_second),
	KUNIT_CASE(a_long_chain_signals_with_constant_stack),
	KUNIT_CASE(a_woken_waiter_finds_the_whole_past_signalled),
	KUNIT_CASE(a_signalled_link_lets_go_of_its_past),
	KUNIT_CASE(a_polled_link_lets_go_of_its_past),
	KUNIT_CASE(the_flags_of_drivers_on_a_link_are_left_alone),
	{}
};

static struct kunit_suite chain_signal_suite = {
	.name = "dma-fence-chain-signal",
	.init = mock_fence_suite_init,
	.test_cases = chain_signal_cases,
};

kunit_test_suite(chain_signal_suite);
