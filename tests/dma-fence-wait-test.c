// SPDX-License-Identifier: GPL-2.0-only
/*
 * How one waits for a fence: results, timeouts, signals, one of many.
 */
#include <linux/dma-fence.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

typedef signed long (*wait_func)(struct dma_fence *fence, bool intr, signed long timeout);

static signed long wait_any_of_one(struct dma_fence *fence, bool intr, signed long timeout)
{
	return dma_fence_wait_any_timeout(&fence, 1, intr, timeout, NULL);
}

struct wait_form {
	const char *name;
	wait_func wait;
};

static const struct wait_form wait_forms[] = {
	{ "wait_timeout", dma_fence_wait_timeout },
	{ "default_wait", dma_fence_default_wait },
	{ "wait_any_timeout", wait_any_of_one },
};

static void wait_form_name(const struct wait_form *form, char *desc)
{
	strscpy(desc, form->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(form, wait_forms, wait_form_name);

/* Interruptible or not makes no difference while no signal is pending. */
static void waiting_on_a_signalled_fence_costs_no_time(struct kunit *test)
{
	const struct wait_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	int intr;

	dma_fence_signal(fence);
	for (intr = 0; intr <= 1; intr++) {
		KUNIT_EXPECT_EQ(test, 1, form->wait(fence, intr, 0));
		KUNIT_EXPECT_EQ(test, 1, form->wait(fence, intr, 1));
		KUNIT_EXPECT_EQ(test, 1000, form->wait(fence, intr, 1000));
		KUNIT_EXPECT_EQ(test, MAX_SCHEDULE_TIMEOUT,
				form->wait(fence, intr, MAX_SCHEDULE_TIMEOUT));
	}
}

static void a_timeout_of_0_only_asks(struct kunit *test)
{
	const struct wait_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, 0, form->wait(fence, false, 0));
	KUNIT_EXPECT_EQ(test, 0, form->wait(fence, true, 0));
}

static void an_expired_wait_answers_0_and_leaves_nothing_behind(struct kunit *test)
{
	const struct wait_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	unsigned long start = jiffies;

	KUNIT_EXPECT_EQ(test, 0, form->wait(fence, false, 3));
	KUNIT_EXPECT_GE(test, jiffies - start, 3);
	KUNIT_EXPECT_EQ(test, 0, form->wait(fence, true, 1));
	KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fence));
	KUNIT_EXPECT_TRUE(test, task_is_running(current));
}

/* "Signalled" counts even if a signal is pending as well. */
static void a_signalled_fence_wins_over_a_pending_signal(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	signed long ret;

	dma_fence_signal(fence);
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	ret = dma_fence_wait_timeout(fence, true, 7);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	KUNIT_EXPECT_EQ(test, ret, 7);
}

static void an_interruptible_wait_ends_at_a_pending_signal(struct kunit *test)
{
	const struct wait_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	signed long ret;

	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	ret = form->wait(fence, true, MOCK_TIMEOUT);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	KUNIT_EXPECT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fence));
	KUNIT_EXPECT_TRUE(test, task_is_running(current));
}

static void an_uninterruptible_wait_ignores_signals(struct kunit *test)
{
	const struct wait_form *form = test->param_value;
	struct dma_fence *fence = mock_fence(test);
	signed long ret;

	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	ret = form->wait(fence, false, 2);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static void wait_has_no_timeout_and_answers_0(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int ret;

	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	ret = dma_fence_wait(fence, true);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	KUNIT_EXPECT_EQ(test, ret, -ERESTARTSYS);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait(fence, true));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait(fence, false));
}

static void a_sleeping_waiter_is_interrupted_by_a_signal(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_waiter *waiter = mock_waiter(test, fence, true, 6 * MOCK_TIMEOUT);

	send_sig(SIGUSR1, waiter->task, 1);
	KUNIT_EXPECT_EQ(test, mock_waiter_result(waiter), -ERESTARTSYS);
	KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fence));
}

static void a_sleeping_waiter_is_woken_by_signalling(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_waiter *intr = mock_waiter(test, fence, true, 6 * MOCK_TIMEOUT);
	struct mock_waiter *nointr = mock_waiter(test, fence, false, 6 * MOCK_TIMEOUT);

	KUNIT_EXPECT_FALSE(test, completion_done(&intr->done));
	KUNIT_EXPECT_FALSE(test, completion_done(&nointr->done));
	dma_fence_signal(fence);
	KUNIT_EXPECT_GT(test, mock_waiter_result(intr), 0);
	KUNIT_EXPECT_LE(test, mock_waiter_result(intr), 6 * MOCK_TIMEOUT);
	KUNIT_EXPECT_GT(test, mock_waiter_result(nointr), 0);
}

static void a_woken_waiter_learns_what_was_left_of_its_time(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_waiter *waiter = mock_waiter(test, fence, true, 6 * MOCK_TIMEOUT);

	schedule_timeout_uninterruptible(5);
	dma_fence_signal(fence);
	KUNIT_EXPECT_GT(test, mock_waiter_result(waiter), MOCK_TIMEOUT);
	KUNIT_EXPECT_LE(test, mock_waiter_result(waiter), 6 * MOCK_TIMEOUT - 4);
}

static void a_waiter_goes_before_the_callbacks(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_callback *callback = mock_callback(test, fence);
	struct mock_waiter *waiter = mock_waiter(test, fence, false, MOCK_TIMEOUT);
	struct list_head *first;

	spin_lock_irq(fence->lock);
	first = fence->cb_list.next;
	spin_unlock_irq(fence->lock);
	KUNIT_EXPECT_PTR_NE(test, first, &callback->cb.node);
	KUNIT_EXPECT_PTR_EQ(test, first->next, &callback->cb.node);

	dma_fence_signal(fence);
	mock_waiter_result(waiter);
}

static void many_waiters_on_one_fence_are_all_woken(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct mock_waiter *waiter[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(waiter); i++)
		waiter[i] = mock_waiter(test, fence, i & 1, MOCK_TIMEOUT);
	dma_fence_signal(fence);
	for (i = 0; i < ARRAY_SIZE(waiter); i++)
		KUNIT_EXPECT_GT(test, mock_waiter_result(waiter[i]), 0);
}

/* A driver that only knows when asked is asked before sleeping. */
static void a_wait_asks_the_driver(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	to_mock_fence(fence)->done = true;
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, 9, dma_fence_wait_timeout(fence, false, 9));
}

static bool custom_intr;
static signed long custom_timeout;

static const char *custom_name(struct dma_fence *fence)
{
	return "custom";
}

static signed long custom_wait(struct dma_fence *fence, bool intr, signed long timeout)
{
	custom_intr = intr;
	custom_timeout = timeout;
	return 4711;
}

static const struct dma_fence_ops custom_ops = {
	.get_driver_name = custom_name,
	.get_timeline_name = custom_name,
	.wait = custom_wait,
};

static DEFINE_SPINLOCK(custom_lock);

static void a_driver_may_wait_its_own_way(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &custom_ops, &custom_lock, dma_fence_context_alloc(1), 1);
	mock_put_later(test, fence);

	KUNIT_EXPECT_EQ(test, 4711, dma_fence_wait_timeout(fence, true, 12));
	KUNIT_EXPECT_TRUE(test, custom_intr);
	KUNIT_EXPECT_EQ(test, custom_timeout, 12);
	KUNIT_EXPECT_EQ(test, 4711, dma_fence_wait_timeout(fence, false, 13));
	KUNIT_EXPECT_FALSE(test, custom_intr);
	KUNIT_EXPECT_EQ(test, custom_timeout, 13);
}

/* Five fences, of which number @signalled has signalled (none if negative). */
static struct dma_fence **five_fences(struct kunit *test, int signalled)
{
	struct dma_fence **fences = mock_fences(test, 5);

	if (signalled >= 0)
		dma_fence_signal(fences[signalled]);
	return fences;
}

static void wait_any_finds_the_signalled_fence(struct kunit *test)
{
	int i;

	for (i = 0; i < 5; i++) {
		struct dma_fence **fences = five_fences(test, i);
		u32 idx = 99;

		KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(fences, 5, true, 0, &idx));
		KUNIT_EXPECT_EQ(test, idx, i);
		idx = 99;
		KUNIT_EXPECT_EQ(test, 50, dma_fence_wait_any_timeout(fences, 5, true, 50, &idx));
		KUNIT_EXPECT_EQ(test, idx, i);
	}
}

static void wait_any_names_the_first_of_several_signalled_fences(struct kunit *test)
{
	struct dma_fence **fences = five_fences(test, 3);
	u32 idx = 99;

	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(fences, 5, false, 0, &idx));
	KUNIT_EXPECT_EQ(test, idx, 1);
	KUNIT_EXPECT_EQ(test, 8, dma_fence_wait_any_timeout(fences, 5, false, 8, &idx));
	KUNIT_EXPECT_EQ(test, idx, 1);
}

static void wait_any_does_not_need_to_tell_which(struct kunit *test)
{
	struct dma_fence **fences = five_fences(test, 2);

	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(fences, 5, false, 0, NULL));
	KUNIT_EXPECT_EQ(test, 3, dma_fence_wait_any_timeout(fences, 5, false, 3, NULL));
}

static void wait_any_of_pending_fences_expires(struct kunit *test)
{
	struct dma_fence **fences = five_fences(test, -1);
	u32 idx = 99;
	int i;

	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(fences, 5, true, 0, &idx));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(fences, 5, true, 2, &idx));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_any_timeout(fences, 5, false, 2, &idx));
	KUNIT_EXPECT_EQ(test, idx, 99);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fences[i]));
}

static void wait_any_leaves_no_callback_on_the_others(struct kunit *test)
{
	struct dma_fence **fences = five_fences(test, 4);
	int i;

	dma_fence_wait_any_timeout(fences, 5, false, MOCK_TIMEOUT, NULL);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fences[i]));
}

static void wait_any_polls_with_a_timeout_of_0(struct kunit *test)
{
	struct dma_fence **fences = five_fences(test, -1);
	u32 idx = 99;

	to_mock_fence(fences[2])->done = true;
	KUNIT_EXPECT_EQ(test, 1, dma_fence_wait_any_timeout(fences, 5, false, 0, &idx));
	KUNIT_EXPECT_EQ(test, idx, 2);
}

struct any_waiter {
	struct dma_fence **fences;
	u32 idx;
	signed long ret;
	struct work_struct work;
};

static void wait_any_work(struct work_struct *work)
{
	struct any_waiter *waiter = container_of(work, struct any_waiter, work);

	waiter->ret = dma_fence_wait_any_timeout(waiter->fences, 5, false, MOCK_TIMEOUT,
						 &waiter->idx);
}

static void a_sleeping_wait_any_is_woken_by_any(struct kunit *test)
{
	struct any_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	INIT_WORK(&waiter->work, wait_any_work);
	for (i = 0; i < 5; i++) {
		int tries;

		waiter->fences = five_fences(test, -1);
		waiter->idx = 99;
		queue_work(system_unbound_wq, &waiter->work);
		for (tries = 0; tries < 500 && !mock_fence_has_callback(waiter->fences[4]); tries++)
			schedule_timeout_uninterruptible(1);
		KUNIT_EXPECT_TRUE(test, mock_fence_has_callback(waiter->fences[4]));
		dma_fence_signal(waiter->fences[i]);
		flush_work(&waiter->work);
		KUNIT_EXPECT_GT(test, waiter->ret, 0);
		KUNIT_EXPECT_EQ(test, waiter->idx, i);
	}
}

static void containers_can_be_waited_for(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *array = &mock_array(test, fences, 2, false)->base;
	struct dma_fence *chain = mock_put_later(test, mock_chain(test, fences, 2));
	struct mock_waiter *for_array = mock_waiter(test, array, true, MOCK_TIMEOUT);
	struct mock_waiter *for_chain = mock_waiter(test, chain, true, MOCK_TIMEOUT);

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_GT(test, mock_waiter_result(for_array), 0);
	KUNIT_EXPECT_GT(test, mock_waiter_result(for_chain), 0);
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE_PARAM(waiting_on_a_signalled_fence_costs_no_time, form_gen_params),
	KUNIT_CASE_PARAM(a_timeout_of_0_only_asks, form_gen_params),
	KUNIT_CASE_PARAM(an_expired_wait_answers_0_and_leaves_nothing_behind, form_gen_params),
	KUNIT_CASE(a_signalled_fence_wins_over_a_pending_signal),
	KUNIT_CASE_PARAM(an_interruptible_wait_ends_at_a_pending_signal, form_gen_params),
	KUNIT_CASE_PARAM(an_uninterruptible_wait_ignores_signals, form_gen_params),
	KUNIT_CASE(wait_has_no_timeout_and_answers_0),
	KUNIT_CASE(a_sleeping_waiter_is_interrupted_by_a_signal),
	KUNIT_CASE(a_sleeping_waiter_is_woken_by_signalling),
	KUNIT_CASE(a_woken_waiter_learns_what_was_left_of_its_time),
	KUNIT_CASE(a_waiter_goes_before_the_callbacks),
	KUNIT_CASE(many_waiters_on_one_fence_are_all_woken),
	KUNIT_CASE(a_wait_asks_the_driver),
	KUNIT_CASE(a_driver_may_wait_its_own_way),
	KUNIT_CASE(wait_any_finds_the_signalled_fence),
	KUNIT_CASE(wait_any_names_the_first_of_several_signalled_fences),
	KUNIT_CASE(wait_any_does_not_need_to_tell_which),
	KUNIT_CASE(wait_any_of_pending_fences_expires),
	KUNIT_CASE(wait_any_leaves_no_callback_on_the_others),
	KUNIT_CASE(wait_any_polls_with_a_timeout_of_0),
	KUNIT_CASE(a_sleeping_wait_any_is_woken_by_any),
	KUNIT_CASE(containers_can_be_waited_for),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "dma-fence-wait",
	.init = mock_fence_suite_init,
	.test_cases = wait_cases,
};

kunit_test_suite(wait_suite);
