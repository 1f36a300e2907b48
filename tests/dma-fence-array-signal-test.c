// SPDX-License-Identifier: GPL-2.0-only
/*
 * How arrays are enabled, signal and fail.
 */
#include <linux/dma-fence-array.h>
#include <linux/irqflags.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static void expect_enabling_reaches_all(struct kunit *test, bool signal_on_any)
{
	struct dma_fence **fences = mock_fences(test, 300);
	struct dma_fence_array *array = mock_array(test, fences, 300, signal_on_any);
	int i;

	dma_fence_enable_sw_signaling(&array->base);
	mock_callback(test, &array->base);
	dma_fence_wait_timeout(&array->base, false, 1);
	for (i = 0; i < 300; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count), 1);
}

static void enabling_reaches_every_member_once(struct kunit *test)
{
	expect_enabling_reaches_all(test, false);
	expect_enabling_reaches_all(test, true);
}

static void enabling_reaches_the_members_behind_a_signalled_one(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 5, false);
	int i;

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[2]);
	dma_fence_enable_sw_signaling(&array->base);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count),
				i != 0 && i != 2);
}

/* A refusing member has signalled; the array must count it and go on. */
static void a_member_that_refuses_to_enable_counts_as_signalled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	struct mock_callback *callback;

	to_mock_fence(fences[1])->refuse = true;
	callback = mock_callback(test, &array->base);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fences[1]));
	dma_fence_signal(fences[0]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(&array->base));
	dma_fence_signal(fences[2]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void an_array_of_refusing_members_signals_when_enabled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	int i;

	for (i = 0; i < 3; i++)
		to_mock_fence(fences[i])->refuse = true;
	dma_fence_enable_sw_signaling(&array->base);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
}

/*
 * A fence whose driver, when signalling is enabled, looks at its hardware, signals another fence
 * first and finds that this one is done, too.
 */
struct eager_fence {
	struct dma_fence base;
	struct dma_fence *other;
};

static const char *eager_name(struct dma_fence *fence)
{
	return "eager";
}

static bool eager_enable(struct dma_fence *fence)
{
	dma_fence_signal(container_of(fence, struct eager_fence, base)->other);
	return false;
}

static const struct dma_fence_ops eager_ops = {
	.get_driver_name = eager_name,
	.get_timeline_name = eager_name,
	.enable_signaling = eager_enable,
};

static DEFINE_SPINLOCK(eager_lock);

static void members_may_signal_while_the_array_is_being_enabled(struct kunit *test)
{
	int any;

	for (any = 0; any <= 1; any++) {
		struct eager_fence *eager = kzalloc(sizeof(*eager), GFP_KERNEL);
		struct dma_fence **fences = mock_fences(test, 4);
		struct dma_fence_array *array;

		KUNIT_ASSERT_NOT_NULL(test, eager);
		eager->other = fences[0];
		dma_fence_init(&eager->base, &eager_ops, &eager_lock,
			       dma_fence_context_alloc(1), 1);
		fences[1] = mock_put_later(test, &eager->base);
		array = mock_array(test, fences, 4, any);
		dma_fence_enable_sw_signaling(&array->base);
		mock_run_irq_work();
		KUNIT_EXPECT_EQ(test, mock_fence_flagged(&array->base), any);
		dma_fence_signal(fences[3]);
		dma_fence_signal(fences[2]);
		KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
		mock_run_irq_work();
		KUNIT_EXPECT_EQ(test, kref_read(&array->base.refcount), 1);
	}
}

static void all_signals_after_the_last_member_and_not_before(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence_array *array = mock_array(test, fences, c->count, false);
	struct mock_callback *callback = mock_callback(test, &array->base);
	unsigned int i;

	for (i = 0; i < c->count; i++) {
		KUNIT_ASSERT_FALSE(test, mock_fence_flagged(&array->base));
		dma_fence_signal(fences[order[i]]);
		mock_run_irq_work();
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 1);
}

/* Members that signal before anybody cares about the array, none of them noticed. */
static void all_counts_members_that_signalled_before_enabling(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence_array *array = mock_array(test, fences, c->count, false);
	struct mock_callback *callback;
	unsigned int i;

	for (i = 0; i < c->count / 2; i++)
		dma_fence_signal(fences[order[i]]);
	callback = mock_callback(test, &array->base);
	for (; i < c->count; i++) {
		KUNIT_ASSERT_FALSE(test, mock_fence_flagged(&array->base));
		dma_fence_signal(fences[order[i]]);
		mock_run_irq_work();
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

/* As all members of one signaller do that works with interrupts off. */
static void all_signals_when_the_members_signal_in_one_go(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence_array *array = mock_array(test, fences, c->count, false);
	struct mock_callback *callback = mock_callback(test, &array->base);
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	for (i = 0; i < c->count; i++)
		dma_fence_signal(fences[order[i]]);
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void any_signals_after_the_first_member(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence_array *array = mock_array(test, fences, c->count, true);
	struct mock_callback *callback = mock_callback(test, &array->base);
	unsigned int i;

	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, mock_fence_flagged(&array->base));
	dma_fence_signal(fences[order[0]]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 1);
	for (i = 1; i < c->count; i++)
		dma_fence_signal(fences[order[i]]);
	mock_run_irq_work();
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

/* Whether @array stays unsignalled for as long as interrupts are off around the signalling. */
static bool defers(struct dma_fence_array *array, struct dma_fence *member)
{
	bool flag_locked, flag_unlocked;
	unsigned long flags;

	local_irq_save(flags);
	spin_lock(member->lock);
	dma_fence_signal_locked(member);
	flag_locked = mock_fence_flagged(&array->base);
	spin_unlock(member->lock);
	flag_unlocked = mock_fence_flagged(&array->base);
	local_irq_restore(flags);
	return !flag_locked && !flag_unlocked;
}

static void an_array_never_signals_under_its_members_lock(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *all = mock_array(test, fences, 1, false);
	struct dma_fence_array *any = mock_array(test, fences + 1, 2, true);

	dma_fence_enable_sw_signaling(&all->base);
	KUNIT_EXPECT_TRUE(test, defers(all, fences[0]));
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&all->base));

	dma_fence_enable_sw_signaling(&any->base);
	KUNIT_EXPECT_TRUE(test, defers(any, fences[2]));
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&any->base));
}

/* The hop of 6.12 and not one more: what one irq_work run finds done is signalled by it. */
static void an_array_signals_one_irq_work_after_its_last_member(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 64);
	struct dma_fence_array *array = mock_array(test, fences, 64, false);
	unsigned long flags;

	dma_fence_enable_sw_signaling(&array->base);
	local_irq_save(flags);
	mock_signal_all(fences, 64);
	local_irq_restore(flags);
	mock_run_irq_work();
	KUNIT_EXPECT_TRUE(test, mock_fence_flagged(&array->base));
}

static void an_array_runs_its_callbacks_as_any_fence_does(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);
	struct mock_callback *callback[3];
	int i;

	for (i = 0; i < 3; i++)
		callback[i] = mock_callback(test, &array->base);
	mock_signal_all(fences, 2);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&array->base));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, callback[i]->turn, i + 1);
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			KUNIT_EXPECT_TRUE(test, callback[i]->irqs_off);
	}
}

static void an_array_of_signalled_members_signals_at_once(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence_array *all, *any;
	struct dma_fence_cb cb;

	mock_signal_all(fences, 4);
	all = mock_array(test, fences, 4, false);
	any = mock_array(test, fences, 4, true);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&all->base));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&any->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&all->base), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&any->base), 1);

	all = mock_array(test, fences, 4, false);
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_add_callback(&all->base, &cb, mock_callback_func));
	any = mock_array(test, fences, 4, true);
	KUNIT_EXPECT_EQ(test, -ENOENT, dma_fence_add_callback(&any->base, &cb, mock_callback_func));
	all = mock_array(test, fences, 4, false);
	KUNIT_EXPECT_EQ(test, 3, dma_fence_wait_timeout(&all->base, false, 3));
}

static void any_with_one_signalled_member_signals_at_once(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *asked = mock_array(test, fences, 3, true);
	struct dma_fence_array *enabled = mock_array(test, fences, 3, true);
	struct dma_fence_cb cb;

	dma_fence_signal(fences[2]);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&asked->base));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			dma_fence_add_callback(&enabled->base, &cb, mock_callback_func));
}

static void an_array_can_be_polled_without_enabling(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *all = mock_array(test, fences, 3, false);
	struct dma_fence_array *any = mock_array(test, fences, 3, true);
	int i;

	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&any->base));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&all->base));
		dma_fence_signal(fences[2 - i]);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&any->base));
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&all->base));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count), 0);
}

/* Members of drivers that only know when asked. */
static void polling_an_array_polls_its_members(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&array->base));
		to_mock_fence(fences[i])->done = true;
	}
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 1);
}

static void an_unsignalled_array_carries_error_1_but_status_0(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);

	KUNIT_EXPECT_EQ(test, array->base.error, 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 0);
	dma_fence_enable_sw_signaling(&array->base);
	dma_fence_signal(fences[0]);
	mock_run_irq_work();
	KUNIT_EXPECT_EQ(test, array->base.error, 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 0);
}

static void a_clean_end_has_no_error(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *enabled = mock_array(test, fences, 2, false);
	struct dma_fence_array *polled = mock_array(test, fences, 2, false);
	struct dma_fence_array *late;

	dma_fence_enable_sw_signaling(&enabled->base);
	mock_signal_all(fences, 2);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&enabled->base));
	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(&polled->base));
	late = mock_array(test, fences, 2, false);
	dma_fence_enable_sw_signaling(&late->base);
	KUNIT_ASSERT_TRUE(test, dma_fence_is_signaled(&late->base));

	KUNIT_EXPECT_EQ(test, enabled->base.error, 0);
	KUNIT_EXPECT_EQ(test, polled->base.error, 0);
	KUNIT_EXPECT_EQ(test, late->base.error, 0);
}

static void the_error_of_a_failed_member_becomes_the_arrays(struct kunit *test)
{
	int failing;

	for (failing = 0; failing < 4; failing++) {
		struct dma_fence **fences = mock_fences(test, 4);
		struct dma_fence_array *array = mock_array(test, fences, 4, false);

		dma_fence_enable_sw_signaling(&array->base);
		dma_fence_set_error(fences[failing], -EIO);
		mock_signal_all(fences, 4);
		KUNIT_ASSERT_TRUE(test, mock_fence_signals(&array->base));
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), -EIO);
	}
}

/* The first in time, wherever in the array it stands. */
static void the_first_error_becomes_the_arrays(struct kunit *test)
{
	const struct mock_order_case *c = test->param_value;
	unsigned int *order = mock_order(test, c->kind, c->count);
	struct dma_fence **fences = mock_fences(test, c->count);
	struct dma_fence_array *array = mock_array(test, fences, c->count, false);
	ktime_t now = ktime_get();
	unsigned int i;

	dma_fence_enable_sw_signaling(&array->base);
	for (i = 0; i < c->count; i++) {
		struct dma_fence *fence = fences[order[i]];

		if (i >= c->count / 2)
			dma_fence_set_error(fence, -1 - (int)i);
		dma_fence_signal_timestamp(fence, ktime_add_us(now, i));
	}
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), -1 - (int)(c->count / 2));
}

static void the_error_of_a_member_that_failed_before_enabling_is_kept(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *partly = mock_array(test, fences, 3, false);
	struct dma_fence_array *late = mock_array(test, fences, 3, false);

	dma_fence_set_error(fences[1], -ENODEV);
	dma_fence_signal(fences[1]);
	dma_fence_enable_sw_signaling(&partly->base);
	mock_signal_all(fences, 3);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&partly->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&partly->base), -ENODEV);

	dma_fence_enable_sw_signaling(&late->base);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&late->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&late->base), -ENODEV);
}

static void the_error_of_a_member_is_seen_by_polling(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);

	dma_fence_set_error(fences[2], -EIO);
	mock_signal_all(fences, 3);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), -EIO);
}

static void an_error_set_on_an_array_is_its_status(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);

	dma_fence_set_error(&array->base, -ETIME);
	dma_fence_enable_sw_signaling(&array->base);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 0);
	mock_signal_all(fences, 2);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), -ETIME);
}

static void any_takes_the_error_of_the_member_that_signalled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 6);
	struct dma_fence_array *failed = mock_array(test, fences, 3, true);
	struct dma_fence_array *clean = mock_array(test, fences + 3, 3, true);

	dma_fence_enable_sw_signaling(&failed->base);
	dma_fence_set_error(fences[1], -EIO);
	dma_fence_signal(fences[1]);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&failed->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&failed->base), -EIO);

	dma_fence_enable_sw_signaling(&clean->base);
	dma_fence_signal(fences[4]);
	KUNIT_ASSERT_TRUE(test, mock_fence_signals(&clean->base));
	dma_fence_set_error(fences[3], -EIO);
	dma_fence_signal(fences[3]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&clean->base), 1);
}

static struct kunit_case array_signal_cases[] = {
	KUNIT_CASE(enabling_reaches_every_member_once),
	KUNIT_CASE(enabling_reaches_the_members_behind_a_signalled_one),
	KUNIT_CASE(a_member_that_refuses_to_enable_counts_as_signalled),
	KUNIT_CASE(an_array_of_refusing_members_signals_when_enabled),
	KUNIT_CASE(members_may_signal_while_the_array_is_being_enabled),
	KUNIT_CASE_PARAM(all_signals_after_the_last_member_and_not_before, mock_order_gen_params),
	KUNIT_CASE_PARAM(all_counts_members_that_signalled_before_enabling, mock_order_gen_params),
	KUNIT_CASE_PARAM(all_signals_when_the_members_signal_in_one_go, mock_order_gen_params),
	KUNIT_CASE_PARAM(any_signals_after_the_first_member, mock_order_gen_params),
	KUNIT_CASE(an_array_never_signals_under_its_members_lock),
	KUNIT_CASE(an_array_signals_one_irq_work_after_its_last_member),
	KUNIT_CASE(an_array_runs_its_callbacks_as_any_fence_does),
	KUNIT_CASE(an_array_of_signalled_members_signals_at_once),
	KUNIT_CASE(any_with_one_signalled_member_signals_at_once),
	KUNIT_CASE(an_array_can_be_polled_without_enabling),
	KUNIT_CASE(polling_an_array_polls_its_members),
	KUNIT_CASE(an_unsignalled_array_carries_error_1_but_status_0),
	KUNIT_CASE(a_clean_end_has_no_error),
	KUNIT_CASE(the_error_of_a_failed_member_becomes_the_arrays),
	KUNIT_CASE_PARAM(the_first_error_becomes_the_arrays, mock_order_gen_params),
	KUNIT_CASE(the_error_of_a_member_that_failed_before_enabling_is_kept),
	KUNIT_CASE(the_error_of_a_member_is_seen_by_polling),
	KUNIT_CASE(an_error_set_on_an_array_is_its_status),
	KUNIT_CASE(any_takes_the_error_of_the_member_that_signalled),
	{}
};

static struct kunit_suite array_signal_suite = {
	.name = "dma-fence-array-signal",
	.init = mock_fence_suite_init,
	.test_cases = array_signal_cases,
};

kunit_test_suite(array_signal_suite);
