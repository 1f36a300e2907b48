// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that later kernels have: a driver written for those finds them here.
 */
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static const char *later_name(struct dma_fence *fence)
{
	return "later";
}

static const struct dma_fence_ops later_ops = {
	.get_driver_name = later_name,
	.get_timeline_name = later_name,
};

static void init64_makes_numbers_that_never_wrap(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = kzalloc(sizeof(*first), GFP_KERNEL);
	struct dma_fence *second = kzalloc(sizeof(*second), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, first);
	dma_fence_init64(first, &later_ops, NULL, context, 1);
	mock_put_later(test, first);
	KUNIT_ASSERT_NOT_NULL(test, second);
	dma_fence_init64(second, &later_ops, NULL, context, 1ULL << 32);
	mock_put_later(test, second);

	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(second, first));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(first, second));
	KUNIT_EXPECT_EQ(test, second->seqno, 1ULL << 32);
	KUNIT_EXPECT_EQ(test, kref_read(&second->refcount), 1);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(second));
	KUNIT_EXPECT_FALSE(test, dma_fence_check_and_signal(second));
}

static void init64_takes_a_lock_of_the_driver(struct kunit *test)
{
	static DEFINE_SPINLOCK(lock);
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init64(fence, &later_ops, &lock, dma_fence_context_alloc(1), 1);
	mock_put_later(test, fence);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_spinlock(fence), &lock);
}

static void check_and_signal_tells_whether_it_was_too_late(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test), *locked = mock_fence(test);
	unsigned long flags;

	KUNIT_EXPECT_FALSE(test, dma_fence_check_and_signal(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_check_and_signal(fence));

	dma_fence_lock_irqsave(locked, flags);
	KUNIT_EXPECT_FALSE(test, dma_fence_check_and_signal_locked(locked));
	KUNIT_EXPECT_TRUE(test, dma_fence_check_and_signal_locked(locked));
	dma_fence_unlock_irqrestore(locked, flags);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(locked));
}

static void the_flag_is_tested_without_asking_the_driver(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	to_mock_fence(fence)->done = true;
	KUNIT_EXPECT_FALSE(test, dma_fence_test_signaled_flag(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_test_signaled_flag(fence));
}

static void zeroed_memory_is_not_initialised(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_FALSE(test, dma_fence_was_initialized(NULL));
	KUNIT_EXPECT_FALSE(test, dma_fence_was_initialized(fence));
	dma_fence_init(fence, &later_ops, NULL, dma_fence_context_alloc(1), 1);
	mock_put_later(test, fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_was_initialized(fence));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_was_initialized(fence));
}

static void fences_are_locked_whichever_lock_they_have(struct kunit *test)
{
	struct dma_fence *fences[2] = { mock_fence(test), kzalloc(sizeof(**fences), GFP_KERNEL) };
	unsigned long flags;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fences[1]);
	dma_fence_init(fences[1], &later_ops, NULL, dma_fence_context_alloc(1), 1);
	mock_put_later(test, fences[1]);
	for (i = 0; i < 2; i++) {
		dma_fence_lock_irqsave(fences[i], flags);
		dma_fence_assert_held(fences[i]);
		KUNIT_EXPECT_TRUE(test, irqs_disabled());
		KUNIT_EXPECT_TRUE(test, mock_fence_locked(fences[i]));
		dma_fence_unlock_irqrestore(fences[i], flags);
		KUNIT_EXPECT_FALSE(test, irqs_disabled());
	}
}

static void enable_signaling_reaches_the_driver(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_enable_signaling(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fence)->enable_count), 1);
}

/* The memory behind no fences was once looked at. */
static void cve_2026_72095_no_fences_stay_none(struct kunit *test)
{
	struct dma_fence *none = NULL;

	KUNIT_EXPECT_EQ(test, dma_fence_dedup_array(&none, 0), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_dedup_array(NULL, 0), 0);
}

static void dedup_keeps_the_latest_fence_of_each_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(3);
	/* Two contexts with several fences, one of which wraps. */
	struct dma_fence *fences[] = {
		mock_fence_at(test, context + 2, 7),
		mock_fence_at(test, context, U32_MAX),
		mock_fence_at(test, context + 1, 5),
		mock_fence_at(test, context, 1),
		mock_fence_at(test, context + 1, 6),
		mock_fence_at(test, context, U32_MAX - 1),
	};
	struct dma_fence *array[ARRAY_SIZE(fences)];
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		array[i] = dma_fence_get(fences[i]);
	KUNIT_ASSERT_EQ(test, dma_fence_dedup_array(array, ARRAY_SIZE(array)), 3);
	KUNIT_EXPECT_PTR_EQ(test, array[0], fences[3]);
	KUNIT_EXPECT_PTR_EQ(test, array[1], fences[4]);
	KUNIT_EXPECT_PTR_EQ(test, array[2], fences[0]);
	for (i = 0; i < 3; i++)
		dma_fence_put(array[i]);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

static void dedup_gives_back_a_fence_that_is_there_twice(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *array[] = { dma_fence_get(fence), dma_fence_get(fence) };

	KUNIT_EXPECT_EQ(test, dma_fence_dedup_array(array, 2), 1);
	KUNIT_EXPECT_PTR_EQ(test, array[0], fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	KUNIT_EXPECT_EQ(test, dma_fence_dedup_array(array, 1), 1);
	dma_fence_put(fence);
}

static struct kunit_case later_cases[] = {
	KUNIT_CASE(init64_makes_numbers_that_never_wrap),
	KUNIT_CASE(init64_takes_a_lock_of_the_driver),
	KUNIT_CASE(check_and_signal_tells_whether_it_was_too_late),
	KUNIT_CASE(the_flag_is_tested_without_asking_the_driver),
	KUNIT_CASE(zeroed_memory_is_not_initialised),
	KUNIT_CASE(fences_are_locked_whichever_lock_they_have),
	KUNIT_CASE(enable_signaling_reaches_the_driver),
	KUNIT_CASE(cve_2026_72095_no_fences_stay_none),
	KUNIT_CASE(dedup_keeps_the_latest_fence_of_each_context),
	KUNIT_CASE(dedup_gives_back_a_fence_that_is_there_twice),
	{}
};

static struct kunit_suite later_suite = {
	.name = "dma-fence-later",
	.init = mock_fence_suite_init,
	.test_cases = later_cases,
};

kunit_test_suite(later_suite);
