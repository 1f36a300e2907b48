// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a fence signals: the four forms, callbacks, enabling, polling, and what drivers do by hand.
 */
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static int signal_locked(struct dma_fence *fence)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(fence->lock, flags);
	ret = dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(fence->lock, flags);
	return ret;
}

static int signal_timestamp_now(struct dma_fence *fence)
{
	return dma_fence_signal_timestamp(fence, ktime_get());
}

static int signal_timestamp_locked_now(struct dma_fence *fence)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(fence->lock, flags);
	ret = dma_fence_signal_timestamp_locked(fence, ktime_get());
	spin_unlock_irqrestore(fence->lock, flags);
	return ret;
}

struct signal_form {
	const char *name;
	int (*signal)(struct dma_fence *fence);
};

static const struct signal_form signal_forms[] = {
	{ "signal", dma_fence_signal },
	{ "signal_locked", signal_locked },
	{ "signal_timestamp", signal_timestamp_now },
	{ "signal_timestamp_locked", signal_timestamp_locked_now },
};

static void signal_form_name(const struct signal_form *form, char *desc)
{
	strscpy(desc, form->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(form, signal_forms, signal_form_name);

static void signal_succeeds_once(struct kunit *test)
{
	const struct signal_form *form = test->param_value;
	const struct signal_form *again;
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, 0, form->signal(fence));
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));

	for (again = signal_forms; again < signal_forms + ARRAY_SIZE(signal_forms); again++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, again->signal(fence), "%s", again->name);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

static void signal_stamps_the_time_at_which_it_ran(struct kunit *test)
{
	const struct signal_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	ktime_t before = ktime_get();

	form->signal(fence);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags));
	KUNIT_EXPECT_GE(test, dma_fence_timestamp(fence), before);
	KUNIT_EXPECT_LE(test, dma_fence_timestamp(fence), ktime_get());
}

static void signal_runs_every_callback_once(struct kunit *test)
{
	const struct signal_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(callback); i++)
		callback[i] = mock_callback(test, fence);
	form->signal(fence);
	form->signal(fence);
	for (i = 0; i < ARRAY_SIZE(callback); i++)
		KUNIT_EXPECT_EQ(test, callback[i]->calls, 1);
}

static void signal_runs_callbacks_in_insertion_order(struct kunit *test)
{
	const struct signal_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback[16];
	int i;

	for (i = 0; i < ARRAY_SIZE(callback); i++)
		callback[i] = mock_callback(test, fence);
	form->signal(fence);
	for (i = 0; i < ARRAY_SIZE(callback); i++)
		KUNIT_EXPECT_EQ(test, callback[i]->turn, i + 1);
}

static void signal_runs_callbacks_under_the_lock_with_interrupts_off(struct kunit *test)
{
	const struct signal_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	form->signal(fence);
	KUNIT_ASSERT_EQ(test, callback->calls, 1);
	KUNIT_EXPECT_TRUE(test, callback->locked);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		KUNIT_EXPECT_TRUE(test, callback->irqs_off);
}

static void signal_of_nothing_is_an_error(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_signal(NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_signal_timestamp(NULL, ktime_get()));
}

static void a_given_timestamp_is_stored_exactly(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *locked = mock_fence(test);

	KUNIT_EXPECT_EQ(test, 0, dma_fence_signal_timestamp(fence, ns_to_ktime(1234567890123LL)));
	KUNIT_EXPECT_EQ(test, ktime_to_ns(fence->timestamp), 1234567890123LL);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(fence)), 1234567890123LL);

	spin_lock_irq(locked->lock);
	dma_fence_signal_timestamp_locked(locked, ns_to_ktime(3));
	spin_unlock_irq(locked->lock);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(locked)), 3);
}

static void a_timestamp_never_changes(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_signal_timestamp(fence, ns_to_ktime(5));
	dma_fence_signal_timestamp(fence, ns_to_ktime(6));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(fence)), 5);
}

static void add_callback_arms_the_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	KUNIT_EXPECT_PTR_EQ(test, callback->cb.func, &mock_callback_func);
	KUNIT_EXPECT_FALSE(test, list_empty(&callback->cb.node));
	KUNIT_EXPECT_TRUE(test, mock_fence_has_callback(fence));
	KUNIT_EXPECT_EQ(test, callback->calls, 0);
}

static void add_callback_on_a_signalled_fence_is_enoent(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback callback = {};

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			dma_fence_add_callback(fence, &callback.cb, mock_callback_func));
	KUNIT_EXPECT_TRUE(test, list_empty(&callback.cb.node));
	KUNIT_EXPECT_EQ(test, callback.calls, 0);
	/* drm_syncobj removes it without asking. */
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &callback.cb));
}

/* Drivers tell by list_empty() whether their callback has run. */
static void a_callback_is_off_the_list_when_it_runs(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, list_empty(&callback->cb.node));
}

static void a_removed_callback_never_runs(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *first = mock_callback(test, fence);
	struct mock_callback *removed = mock_callback(test, fence);
	struct mock_callback *last = mock_callback(test, fence);

	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(fence, &removed->cb));
	KUNIT_EXPECT_TRUE(test, list_empty(&removed->cb.node));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, removed->calls, 0);
	KUNIT_EXPECT_EQ(test, first->turn, 1);
	KUNIT_EXPECT_EQ(test, last->turn, 2);
}

static void remove_callback_tells_that_it_is_too_late(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	dma_fence_signal(fence);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &callback->cb));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void a_callback_is_removed_once(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(fence, &callback->cb));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &callback->cb));
}

static void a_removed_callback_can_be_added_again(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *other = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);
	struct mock_callback *moved = mock_callback(test, other);

	dma_fence_remove_callback(fence, &callback->cb);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callback->cb, mock_callback_func));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, callback->calls, 1);

	dma_fence_remove_callback(other, &moved->cb);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			dma_fence_add_callback(fence, &moved->cb, mock_callback_func));
	KUNIT_EXPECT_EQ(test, moved->calls, 0);
}

struct putting_callback {
	struct dma_fence_cb cb;
	struct dma_fence *victim;
};

static void put_victim(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct putting_callback *callback = container_of(cb, struct putting_callback, cb);

	dma_fence_put(callback->victim);
	callback->victim = NULL;
}

static void a_callback_may_put_another_fence(struct kunit *test)
{
	struct putting_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);
	int alive = mock_fence_alive();

	KUNIT_ASSERT_NOT_NULL(test, callback);
	callback->victim = mock_fence_new(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_NULL(test, callback->victim);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callback->cb, put_victim));
	dma_fence_signal(fence);
	KUNIT_EXPECT_NULL(test, callback->victim);
	KUNIT_EXPECT_EQ(test, mock_fence_alive(), alive);
}

/* The signaller's reference is enough; the callback may drop the one that came with it. */
static void a_callback_may_put_its_own_fence(struct kunit *test)
{
	struct putting_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);

	KUNIT_ASSERT_NOT_NULL(test, callback);
	callback->victim = dma_fence_get(fence);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callback->cb, put_victim));
	dma_fence_signal(fence);
	KUNIT_EXPECT_NULL(test, callback->victim);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
}

struct freeing_callback {
	struct dma_fence_cb cb;
	int *calls;
};

static void free_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct freeing_callback *callback = container_of(cb, struct freeing_callback, cb);

	(*callback->calls)++;
	kfree(callback);
}

static void a_callback_may_free_itself(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int calls = 0;
	int i;

	for (i = 0; i < 3; i++) {
		struct freeing_callback *callback = kmalloc(sizeof(*callback), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, callback);
		callback->calls = &calls;
		dma_fence_add_callback(fence, &callback->cb, free_callback);
	}
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, calls, 3);
}

struct asking_callback {
	struct dma_fence_cb cb;
	bool signalled;
	bool stamped;
	int status;
};

static void ask_fence(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct asking_callback *callback = container_of(cb, struct asking_callback, cb);

	callback->signalled = dma_fence_is_signaled(fence);
	callback->stamped = ktime_to_ns(dma_fence_timestamp(fence)) == 77;
	callback->status = dma_fence_get_status_locked(fence);
}

static void a_callback_sees_a_signalled_fence(struct kunit *test)
{
	struct asking_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);

	KUNIT_ASSERT_NOT_NULL(test, callback);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callback->cb, ask_fence));
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal_timestamp(fence, ns_to_ktime(77));
	KUNIT_EXPECT_TRUE(test, callback->signalled);
	KUNIT_EXPECT_TRUE(test, callback->stamped);
	KUNIT_EXPECT_EQ(test, callback->status, -EIO);
}

static void signalling_is_enabled_once(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_fence *mock = to_mock_fence(fence);

	KUNIT_EXPECT_EQ(test, atomic_read(&mock->enable_count), 0);
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags));
	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&mock->enable_count), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags));
	dma_fence_enable_sw_signaling(fence);
	mock_callback(test, fence);
	mock_callback(test, fence);
	dma_fence_wait_timeout(fence, false, 1);
	dma_fence_wait_any_timeout(&fence, 1, false, 1, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&mock->enable_count), 1);
}

static void the_first_callback_enables_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	mock_callback(test, fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 1);
}

static void waiting_enables_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *any = mock_fence(test);

	dma_fence_wait_timeout(fence, false, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 1);
	dma_fence_wait_any_timeout(&any, 1, false, 1, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(any)->enable_count), 1);
}

static void asking_does_not_enable_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_is_signaled(fence);
	dma_fence_get_status(fence);
	dma_fence_set_deadline(fence, ktime_get());
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 0);
}

static void a_signalled_fence_is_not_enabled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence_cb cb;

	dma_fence_signal(fence);
	dma_fence_enable_sw_signaling(fence);
	dma_fence_wait_timeout(fence, false, 1);
	dma_fence_add_callback(fence, &cb, mock_callback_func);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 0);
}

static void a_driver_that_refuses_to_enable_has_signalled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *enabled = mock_fence(test);
	struct dma_fence *waited = mock_fence(test);
	struct mock_callback callback = {};

	to_mock_fence(fence)->refuse = true;
	to_mock_fence(enabled)->refuse = true;
	to_mock_fence(waited)->refuse = true;

	KUNIT_EXPECT_EQ(test, -ENOENT,
			dma_fence_add_callback(fence, &callback.cb, mock_callback_func));
	KUNIT_EXPECT_TRUE(test, list_empty(&callback.cb.node));
	KUNIT_EXPECT_EQ(test, callback.calls, 0);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);

	dma_fence_enable_sw_signaling(enabled);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &enabled->flags));

	KUNIT_EXPECT_EQ(test, MOCK_TIMEOUT, dma_fence_wait_timeout(waited, false, MOCK_TIMEOUT));
}

static bool enabled_locked, enabled_irqs_off;

static const char *strict_name(struct dma_fence *fence)
{
	return "strict";
}

static bool strict_enable(struct dma_fence *fence)
{
	enabled_locked = mock_fence_locked(fence);
	enabled_irqs_off = irqs_disabled();
	return true;
}

static const struct dma_fence_ops strict_ops = {
	.get_driver_name = strict_name,
	.get_timeline_name = strict_name,
	.enable_signaling = strict_enable,
};

static DEFINE_SPINLOCK(strict_lock);

static void enabling_happens_under_the_lock_with_interrupts_off(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	enabled_locked = false;
	enabled_irqs_off = false;
	dma_fence_init(fence, &strict_ops, &strict_lock, dma_fence_context_alloc(1), 1);
	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_TRUE(test, enabled_locked);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		KUNIT_EXPECT_TRUE(test, enabled_irqs_off);
	dma_fence_put(fence);
}

static void is_signaled_asks_the_driver_and_signals(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);

	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	to_mock_fence(fence)->done = true;
	KUNIT_EXPECT_EQ(test, callback->calls, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_signal(fence));
}

static void is_signaled_locked_asks_the_driver_and_signals(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);
	bool before, after;

	spin_lock_irq(fence->lock);
	before = dma_fence_is_signaled_locked(fence);
	to_mock_fence(fence)->done = true;
	after = dma_fence_is_signaled_locked(fence);
	spin_unlock_irq(fence->lock);
	KUNIT_EXPECT_FALSE(test, before);
	KUNIT_EXPECT_TRUE(test, after);
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void status_asks_the_driver_and_signals(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	to_mock_fence(fence)->done = true;
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
}

/* i915, first half: the flag, before the lock is taken. */
static void set_signalled_by_hand(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_FALSE(test, test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
}

/* i915, second half: steal the list, overwrite it with the timestamp, call everybody. */
static void notify_by_hand(struct dma_fence *fence, ktime_t timestamp)
{
	struct dma_fence_cb *cb, *next;
	LIST_HEAD(callbacks);

	spin_lock_irq(fence->lock);
	list_replace(&fence->cb_list, &callbacks);
	fence->timestamp = timestamp;
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
	list_for_each_entry_safe(cb, next, &callbacks, node) {
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}
	spin_unlock_irq(fence->lock);
}

static void a_fence_signalled_by_hand_is_signalled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *first = mock_callback(test, fence);
	struct mock_callback *second = mock_callback(test, fence);
	struct dma_fence_cb cb;

	dma_fence_set_error(fence, -EIO);
	set_signalled_by_hand(test, fence);
	notify_by_hand(fence, ns_to_ktime(88));

	KUNIT_EXPECT_EQ(test, first->turn, 1);
	KUNIT_EXPECT_EQ(test, second->turn, 2);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), -EIO);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(fence)), 88);
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_signal(fence));
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_add_callback(fence, &cb, mock_callback_func));
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &first->cb));
	KUNIT_EXPECT_EQ(test, 5, dma_fence_wait_timeout(fence, true, 5));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait(fence, true));
	KUNIT_EXPECT_EQ(test, first->calls, 1);
}

/* Between the two halves the flag is set, but the callbacks are still on the fence's list. */
static void between_flag_and_notification_the_fence_is_signalled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *kept = mock_callback(test, fence);
	struct mock_callback *removed = mock_callback(test, fence);
	struct dma_fence_cb cb;

	set_signalled_by_hand(test, fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_signal(fence));
	KUNIT_EXPECT_EQ(test, kept->calls, 0);
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_add_callback(fence, &cb, mock_callback_func));
	KUNIT_EXPECT_EQ(test, 5, dma_fence_wait_timeout(fence, true, 5));
	KUNIT_EXPECT_TRUE(test, dma_fence_remove_callback(fence, &removed->cb));

	notify_by_hand(fence, ns_to_ktime(1));
	KUNIT_EXPECT_EQ(test, kept->calls, 1);
	KUNIT_EXPECT_EQ(test, removed->calls, 0);
}

static void a_waiter_is_woken_by_hand_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_waiter *waiter = mock_waiter(test, fence, true, MOCK_TIMEOUT);

	set_signalled_by_hand(test, fence);
	notify_by_hand(fence, ktime_get());
	KUNIT_EXPECT_GT(test, mock_waiter_result(waiter), 0);
}

static void containers_follow_a_fence_signalled_by_hand(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *array = &mock_array(test, fences, 2, false)->base;
	struct dma_fence *chain = mock_put_later(test, mock_chain(test, fences, 2));
	struct mock_callback *array_callback = mock_callback(test, array);
	struct mock_callback *chain_callback = mock_callback(test, chain);
	int i;

	for (i = 0; i < 2; i++) {
		set_signalled_by_hand(test, fences[i]);
		notify_by_hand(fences[i], ktime_get());
		mock_run_irq_work();
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(array, false, MOCK_TIMEOUT), 0);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(chain, false, MOCK_TIMEOUT), 0);
	KUNIT_EXPECT_EQ(test, array_callback->calls, 1);
	KUNIT_EXPECT_EQ(test, chain_callback->calls, 1);
}

/* Finishes what the signaller has begun, should a test wait for that. */
struct rescue {
	struct timer_list timer;
	struct dma_fence *fence;
	bool fired;
};

static void rescue_func(struct timer_list *timer)
{
	struct rescue *rescue = from_timer(rescue, timer, timer);

	WRITE_ONCE(rescue->fired, true);
	rescue->fence->timestamp = ktime_get();
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &rescue->fence->flags);
}

/*
 * The second half is the job of an irq_work of i915's, maybe on this very CPU: who
 * meets the fence before with interrupts off would wait for ever for its timestamp.
 */
static void no_array_waits_for_the_timestamp_of_a_failed_member(struct kunit *test)
{
	struct rescue *rescue = kunit_kzalloc(test, sizeof(*rescue), GFP_KERNEL);
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);

	KUNIT_ASSERT_NOT_NULL(test, rescue);
	rescue->fence = fences[1];
	timer_setup(&rescue->timer, rescue_func, 0);

	dma_fence_set_error(fences[0], -EIO);
	dma_fence_signal(fences[0]);
	dma_fence_set_error(fences[1], -EIO);
	set_signalled_by_hand(test, fences[1]);
	mod_timer(&rescue->timer, jiffies + HZ / 5);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&array->base));
	timer_delete_sync(&rescue->timer);
	KUNIT_EXPECT_FALSE(test, rescue->fired);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), -EIO);

	if (!rescue->fired)
		notify_by_hand(fences[1], ktime_get());
}

/* vmwgfx waits with a callback that it puts on the list itself. */
static void a_callback_put_on_the_list_by_hand_runs(struct kunit *test)
{
	struct mock_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *second = mock_callback(test, fence);

	KUNIT_ASSERT_NOT_NULL(test, callback);
	callback->cb.func = mock_callback_func;
	spin_lock_irq(fence->lock);
	list_add(&callback->cb.node, &fence->cb_list);
	spin_unlock_irq(fence->lock);
	dma_fence_signal(fence);

	KUNIT_EXPECT_EQ(test, callback->turn, 1);
	KUNIT_EXPECT_EQ(test, second->turn, 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&callback->cb.node));
}

static void signalling_annotations_nest(struct kunit *test)
{
	bool outer, inner;
#ifdef CONFIG_LOCKDEP
	int depth = current->lockdep_depth;
	bool works = debug_locks;
#endif

	outer = dma_fence_begin_signalling();
	inner = dma_fence_begin_signalling();
	dma_fence_end_signalling(inner);
	dma_fence_end_signalling(outer);
#ifdef CONFIG_LOCKDEP
	KUNIT_EXPECT_EQ(test, current->lockdep_depth, depth);
	KUNIT_EXPECT_EQ(test, debug_locks, works);
#else
	KUNIT_EXPECT_TRUE(test, outer == inner);
#endif
}

static void signalling_inside_a_critical_section_is_allowed(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);
	bool cookie = dma_fence_begin_signalling();

	dma_fence_signal(fence);
	dma_fence_end_signalling(cookie);
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
#ifdef CONFIG_LOCKDEP
	KUNIT_EXPECT_TRUE(test, debug_locks);
#endif
}

static void a_critical_section_may_begin_under_a_spinlock(struct kunit *test)
{
	bool cookie;

	spin_lock_irq(&strict_lock);
	cookie = dma_fence_begin_signalling();
	dma_fence_end_signalling(cookie);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	spin_unlock_irq(&strict_lock);
#ifdef CONFIG_LOCKDEP
	KUNIT_EXPECT_TRUE(test, debug_locks);
#endif
}

static struct kunit_case signal_cases[] = {
	KUNIT_CASE_PARAM(signal_succeeds_once, form_gen_params),
	KUNIT_CASE_PARAM(signal_stamps_the_time_at_which_it_ran, form_gen_params),
	KUNIT_CASE_PARAM(signal_runs_every_callback_once, form_gen_params),
	KUNIT_CASE_PARAM(signal_runs_callbacks_in_insertion_order, form_gen_params),
	KUNIT_CASE_PARAM(signal_runs_callbacks_under_the_lock_with_interrupts_off, form_gen_params),
	KUNIT_CASE(signal_of_nothing_is_an_error),
	KUNIT_CASE(a_given_timestamp_is_stored_exactly),
	KUNIT_CASE(a_timestamp_never_changes),
	KUNIT_CASE(add_callback_arms_the_fence),
	KUNIT_CASE(add_callback_on_a_signalled_fence_is_enoent),
	KUNIT_CASE(a_callback_is_off_the_list_when_it_runs),
	KUNIT_CASE(a_removed_callback_never_runs),
	KUNIT_CASE(remove_callback_tells_that_it_is_too_late),
	KUNIT_CASE(a_callback_is_removed_once),
	KUNIT_CASE(a_removed_callback_can_be_added_again),
	KUNIT_CASE(a_callback_may_put_another_fence),
	KUNIT_CASE(a_callback_may_put_its_own_fence),
	KUNIT_CASE(a_callback_may_free_itself),
	KUNIT_CASE(a_callback_sees_a_signalled_fence),
	KUNIT_CASE(signalling_is_enabled_once),
	KUNIT_CASE(the_first_callback_enables_signalling),
	KUNIT_CASE(waiting_enables_signalling),
	KUNIT_CASE(asking_does_not_enable_signalling),
	KUNIT_CASE(a_signalled_fence_is_not_enabled),
	KUNIT_CASE(a_driver_that_refuses_to_enable_has_signalled),
	KUNIT_CASE(enabling_happens_under_the_lock_with_interrupts_off),
	KUNIT_CASE(is_signaled_asks_the_driver_and_signals),
	KUNIT_CASE(is_signaled_locked_asks_the_driver_and_signals),
	KUNIT_CASE(status_asks_the_driver_and_signals),
	KUNIT_CASE(a_fence_signalled_by_hand_is_signalled),
	KUNIT_CASE(between_flag_and_notification_the_fence_is_signalled),
	KUNIT_CASE(a_waiter_is_woken_by_hand_signalling),
	KUNIT_CASE(containers_follow_a_fence_signalled_by_hand),
	KUNIT_CASE(no_array_waits_for_the_timestamp_of_a_failed_member),
	KUNIT_CASE(a_callback_put_on_the_list_by_hand_runs),
	KUNIT_CASE(signalling_annotations_nest),
	KUNIT_CASE(signalling_inside_a_critical_section_is_allowed),
	KUNIT_CASE(a_critical_section_may_begin_under_a_spinlock),
	{}
};

static struct kunit_suite signal_suite = {
	.name = "dma-fence-signal",
	.init = mock_fence_suite_init,
	.test_cases = signal_cases,
};

kunit_test_suite(signal_suite);
