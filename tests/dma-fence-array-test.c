// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays: one fence for all of many fences, or for any of them.
 */
#include <linux/dma-fence-array.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

/* References to @fences in an array that the callee may keep. */
static struct dma_fence **members_of(struct kunit *test, struct dma_fence **fences,
				     unsigned int count)
{
	struct dma_fence **members = kmalloc_array(count, sizeof(*members), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, members);
	for (i = 0; i < count; i++)
		members[i] = dma_fence_get(fences[i]);
	return members;
}

static void expect_array_over(struct kunit *test, struct dma_fence_array *array,
			      struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(&array->base));
	KUNIT_EXPECT_PTR_EQ(test, to_dma_fence_array(&array->base), array);
	KUNIT_EXPECT_EQ(test, array->base.context, 77);
	KUNIT_EXPECT_EQ(test, array->base.seqno, 88);
	KUNIT_EXPECT_EQ(test, kref_read(&array->base.refcount), 1);
	KUNIT_ASSERT_EQ(test, array->num_fences, count);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_PTR_EQ(test, array->fences[i], fences[i]);
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2);
	}
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&array->base));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(&array->base), 0);
}

static void create_takes_over_the_members(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array;

	array = dma_fence_array_create(3, members_of(test, fences, 3), 77, 88, false);
	KUNIT_ASSERT_NOT_NULL(test, array);
	mock_put_later(test, &array->base);
	expect_array_over(test, array, fences, 3);
}

static void alloc_and_init_do_what_create_does(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = dma_fence_array_alloc(3);

	KUNIT_ASSERT_NOT_NULL(test, array);
	dma_fence_array_init(array, 3, members_of(test, fences, 3), 77, 88, false);
	mock_put_later(test, &array->base);
	expect_array_over(test, array, fences, 3);
}

/* xe allocates before the point of no return and may never get there. */
static void an_allocated_array_can_be_freed_unused(struct kunit *test)
{
	struct dma_fence_array *array = dma_fence_array_alloc(16);

	KUNIT_ASSERT_NOT_NULL(test, array);
	kfree(array);
}

static void creating_enables_nothing(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);
	int i;

	dma_fence_is_signaled(&array->base);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count), 0);
		KUNIT_EXPECT_FALSE(test, mock_fence_has_callback(fences[i]));
	}
}

static void iterating_visits_the_members_in_order(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 5, false);
	unsigned int index, seen = 0;
	struct dma_fence *fence;

	dma_fence_array_for_each(fence, index, &array->base) {
		KUNIT_ASSERT_LT(test, index, 5);
		KUNIT_EXPECT_EQ(test, index, seen);
		KUNIT_EXPECT_PTR_EQ(test, fence, fences[index]);
		KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, 5);

	KUNIT_EXPECT_PTR_EQ(test, fences[0], dma_fence_array_first(&array->base));
	KUNIT_EXPECT_PTR_EQ(test, fences[1], dma_fence_array_next(&array->base, 1));
	KUNIT_EXPECT_PTR_EQ(test, fences[4], dma_fence_array_next(&array->base, 4));
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(&array->base, 5));
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(&array->base, UINT_MAX));
}

static void iterating_shows_signalled_members_too(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	unsigned int index, seen = 0;
	struct dma_fence *fence;

	mock_signal_all(fences, 3);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&array->base));
	dma_fence_array_for_each(fence, index, &array->base)
		KUNIT_EXPECT_PTR_EQ(test, fence, fences[seen++]);
	KUNIT_EXPECT_EQ(test, seen, 3);
}

static void a_plain_fence_iterates_as_its_only_member(struct kunit *test)
{
	struct dma_fence *plain = mock_fence(test);
	unsigned int index, seen = 0;
	struct dma_fence *fence;

	dma_fence_array_for_each(fence, index, plain) {
		KUNIT_EXPECT_PTR_EQ(test, fence, plain);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_EXPECT_PTR_EQ(test, plain, dma_fence_array_first(plain));
	KUNIT_EXPECT_NULL(test, dma_fence_array_next(plain, 1));
	KUNIT_EXPECT_NULL(test, dma_fence_array_first(NULL));
	KUNIT_EXPECT_NULL(test, to_dma_fence_array(plain));
	KUNIT_EXPECT_NULL(test, to_dma_fence_array(NULL));
}

static void match_context_wants_every_member_to_match(struct kunit *test)
{
	struct dma_fence *fences[3];
	struct dma_fence_array *same, *mixed;
	int i;

	for (i = 0; i < 3; i++)
		fences[i] = mock_fence_at(test, 500, i + 1);
	same = mock_array(test, fences, 3, false);
	fences[2] = mock_fence_at(test, 501, 1);
	mixed = mock_array(test, fences, 3, false);

	KUNIT_EXPECT_TRUE(test, dma_fence_match_context(&same->base, 500));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(&same->base, 501));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(&same->base, same->base.context));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(&mixed->base, 500));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(&mixed->base, 501));
	KUNIT_EXPECT_TRUE(test, dma_fence_match_context(fences[0], 500));
	KUNIT_EXPECT_FALSE(test, dma_fence_match_context(fences[0], 501));
}

static void one_fence_may_be_a_member_many_times(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *fences[8];
	struct dma_fence_array *array;
	struct mock_callback *callback;
	int i;

	for (i = 0; i < 8; i++)
		fences[i] = fence;
	array = mock_array(test, fences, 8, false);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 9);
	callback = mock_callback(test, &array->base);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 1);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
}

static void one_fence_may_be_in_many_arrays(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence_array *array[16];
	int i;

	for (i = 0; i < 16; i++) {
		array[i] = mock_array(test, fences, 2, i & 1);
		dma_fence_enable_sw_signaling(&array[i]->base);
	}
	dma_fence_signal(fences[1]);
	mock_run_irq_work();
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, mock_fence_flagged(&array[i]->base), i & 1);
	dma_fence_signal(fences[0]);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array[i]->base));
}

static void thousands_of_members_work(struct kunit *test)
{
	const unsigned int count = 4096;
	unsigned int *order = mock_order(test, MOCK_RANDOM, count);
	struct dma_fence **fences = mock_fences(test, count);
	struct dma_fence_array *all = mock_array(test, fences, count, false);
	struct dma_fence_array *any = mock_array(test, fences, count, true);
	struct mock_callback *all_callback = mock_callback(test, &all->base);
	struct mock_callback *any_callback = mock_callback(test, &any->base);
	unsigned int i;

	for (i = 0; i < count; i++) {
		KUNIT_ASSERT_FALSE(test, mock_fence_flagged(&all->base));
		dma_fence_signal(fences[order[i]]);
		if (!(i % 256))
			mock_run_irq_work();
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&all->base));
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&any->base));
	KUNIT_EXPECT_EQ(test, all_callback->calls, 1);
	KUNIT_EXPECT_EQ(test, any_callback->calls, 1);
}

static void a_deadline_reaches_every_pending_member(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence_array *array = mock_array(test, fences, 4, false);
	int i;

	dma_fence_signal(fences[1]);
	dma_fence_set_deadline(&array->base, ns_to_ktime(123));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, ktime_to_ns(to_mock_fence(fences[i])->deadline),
				i == 1 ? 0 : 123);
}

static void put_puts_every_member_once(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array_new(test, fences, 3, false);
	int i;

	dma_fence_get(&array->base);
	dma_fence_put(&array->base);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2);
	dma_fence_put(&array->base);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

static void put_of_a_signalled_array_releases_its_members(struct kunit *test)
{
	struct dma_fence *fences[3];
	struct dma_fence_array *array;
	int alive = mock_fence_alive();
	int i;

	for (i = 0; i < 3; i++) {
		fences[i] = mock_fence_new(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_NULL(test, fences[i]);
	}
	array = mock_array_new(test, fences, 3, false);
	dma_fence_enable_sw_signaling(&array->base);
	for (i = 0; i < 3; i++) {
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	dma_fence_put(&array->base);
	KUNIT_EXPECT_TRUE(test, mock_fence_wait_alive(alive));
}

/* Nobody asked for it, so nothing but the member can keep it alive, and must not. */
static void an_array_that_was_never_enabled_dies_with_its_last_reference(struct kunit *test)
{
	int alive = mock_fence_alive();
	struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);
	struct dma_fence_array *array;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	array = mock_array_new(test, &fence, 1, false);
	dma_fence_put(fence);
	dma_fence_put(&array->base);
	KUNIT_EXPECT_TRUE(test, mock_fence_wait_alive(alive));
}

struct counting_callback {
	struct dma_fence_cb cb;
	int calls;
};

static void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	container_of(cb, struct counting_callback, cb)->calls++;
}

static void an_enabled_array_lives_until_it_has_signalled(struct kunit *test)
{
	struct counting_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array_new(test, fences, 3, false);
	unsigned long end = jiffies + MOCK_TIMEOUT;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, callback);
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&array->base, &callback->cb, count_call));
	dma_fence_put(&array->base);
	KUNIT_EXPECT_EQ(test, callback->calls, 0);
	mock_signal_all(fences, 3);
	mock_run_irq_work();
	while (!READ_ONCE(callback->calls) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, callback->calls, 1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

/* Any-mode signals while most callbacks are still armed: they keep nothing alive for ever. */
static void a_signalled_any_array_is_freed_when_its_members_are(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence_array *array = mock_array_new(test, fences, 8, true);
	int i;

	dma_fence_enable_sw_signaling(&array->base);
	dma_fence_signal(fences[3]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(&array->base));
	dma_fence_put(&array->base);
	mock_signal_all(fences, 8);
	mock_run_irq_work();
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

static void a_woken_waiter_may_put_the_array_at_once(struct kunit *test)
{
	int i;

	for (i = 0; i < 50; i++) {
		struct dma_fence **fences = mock_fences(test, 3);
		struct dma_fence_array *array = mock_array_new(test, fences, 3, i & 1);

		dma_fence_enable_sw_signaling(&array->base);
		mock_signal_all(fences, 3);
		KUNIT_ASSERT_TRUE(test, mock_fence_signals(&array->base));
		dma_fence_put(&array->base);
	}
}

#define BIG_COUNT 8192
#define BIG_ARRAYS 64

static void put_frees_the_array_of_members(struct kunit *test)
{
	struct dma_fence **fences = kunit_kcalloc(test, BIG_COUNT, sizeof(*fences), GFP_KERNEL);
	struct dma_fence *fence = mock_fence(test);
	long before = mock_slab_pages();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < BIG_COUNT; i++)
		fences[i] = fence;
	for (i = 0; i < BIG_ARRAYS; i++)
		dma_fence_put(&mock_array_new(test, fences, BIG_COUNT, false)->base);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
	KUNIT_EXPECT_LT(test, mock_slab_pages() - before,
			(long)(BIG_ARRAYS * BIG_COUNT * sizeof(*fences) / PAGE_SIZE / 2));
}

static struct kunit_case array_cases[] = {
	KUNIT_CASE(create_takes_over_the_members),
	KUNIT_CASE(alloc_and_init_do_what_create_does),
	KUNIT_CASE(an_allocated_array_can_be_freed_unused),
	KUNIT_CASE(creating_enables_nothing),
	KUNIT_CASE(iterating_visits_the_members_in_order),
	KUNIT_CASE(iterating_shows_signalled_members_too),
	KUNIT_CASE(a_plain_fence_iterates_as_its_only_member),
	KUNIT_CASE(match_context_wants_every_member_to_match),
	KUNIT_CASE(one_fence_may_be_a_member_many_times),
	KUNIT_CASE(one_fence_may_be_in_many_arrays),
	KUNIT_CASE(thousands_of_members_work),
	KUNIT_CASE(a_deadline_reaches_every_pending_member),
	KUNIT_CASE(put_puts_every_member_once),
	KUNIT_CASE(put_of_a_signalled_array_releases_its_members),
	KUNIT_CASE(an_array_that_was_never_enabled_dies_with_its_last_reference),
	KUNIT_CASE(an_enabled_array_lives_until_it_has_signalled),
	KUNIT_CASE(a_signalled_any_array_is_freed_when_its_members_are),
	KUNIT_CASE(a_woken_waiter_may_put_the_array_at_once),
	KUNIT_CASE(put_frees_the_array_of_members),
	{}
};

static struct kunit_suite array_suite = {
	.name = "dma-fence-array",
	.init = mock_fence_suite_init,
	.test_cases = array_cases,
};

kunit_test_suite(array_suite);
