// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a reservation object guarantees when memory runs out: -ENOMEM, everything
 * as it was, and success once there is enough.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <kunit/test.h>

#include "mock-fence.h"
#include "resv-fixture.h"
#include "shortage.h"

/* What the object of a case has: one fence that wrote, one that reads. */
struct pair {
	struct dma_fence *write, *read;
};

static struct pair add_pair(struct kunit *test)
{
	struct pair pair;

	pair.write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	pair.read = resv_add_new(test, DMA_RESV_USAGE_READ);
	return pair;
}

/* The pair is in @obj as it was, held by the case, @obj and @others. */
static void expect_pair(struct kunit *test, struct dma_resv *obj, struct pair *pair,
			unsigned int others)
{
	KUNIT_EXPECT_EQ(test, 2 + others, fence_refs(pair->write));
	KUNIT_EXPECT_EQ(test, 2 + others, fence_refs(pair->read));
	KUNIT_EXPECT_EQ(test, 2, resv_count_locked(obj));
}

static void reserve_out_of_memory_changes_nothing(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct pair pair = add_pair(test);
	int nth, ret;

	needs_failslab(test);
	resv_lock(test, obj);
	for_each_failing_allocation(test, nth, ret = dma_resv_reserve_fences(obj, 16))
		expect_pair(test, obj, &pair, 0);
	KUNIT_EXPECT_EQ(test, 2, nth);
	KUNIT_EXPECT_EQ(test, 0, ret);
	expect_pair(test, obj, &pair, 0);
	dma_resv_unlock(obj);
}

static void failed_reserve_leaves_slots_that_were_reserved_before(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	int nth, ret;

	needs_failslab(test);
	resv_lock(test, obj);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));
	fail_allocation(test, 1);
	ret = dma_resv_reserve_fences(obj, 100);
	KUNIT_EXPECT_TRUE(test, allocation_failed(test, 1, ret));

	/* Room for one is there still: no memory is asked for. */
	for_each_failing_allocation(test, nth, ret = dma_resv_reserve_fences(obj, 1))
		;
	KUNIT_EXPECT_EQ(test, 1, nth);
	dma_resv_add_fence(obj, mock_fence(test), DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, 1, resv_count_locked(obj));
	dma_resv_unlock(obj);
}

static void copy_out_of_memory_leaves_both_as_they_were(struct kunit *test)
{
	struct dma_resv *src = resv_obj(test), dst;
	struct dma_fence *old = mock_fence(test);
	struct pair pair = add_pair(test);
	int nth, ret;

	needs_failslab(test);
	dma_resv_init(&dst);
	resv_add_to(test, &dst, old, DMA_RESV_USAGE_BOOKKEEP);
	resv_lock(test, &dst);
	for_each_failing_allocation(test, nth, ret = dma_resv_copy_fences(&dst, src)) {
		KUNIT_EXPECT_EQ(test, 2, fence_refs(old));
		KUNIT_EXPECT_EQ(test, 1, resv_count_locked(&dst));
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(src));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.write));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.read));
	}
	KUNIT_EXPECT_EQ(test, 2, nth);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 1, fence_refs(old));
	expect_pair(test, &dst, &pair, 1);
	dma_resv_unlock(&dst);
	dma_resv_fini(&dst);
}

/* Without a fence in the source there is a list to make as well: an empty one. */
static void copy_of_nothing_out_of_memory_keeps_the_fences(struct kunit *test)
{
	struct dma_resv *dst = resv_obj(test), src;
	struct pair pair = add_pair(test);
	int nth, ret;

	needs_failslab(test);
	dma_resv_init(&src);
	resv_lock(test, dst);
	for_each_failing_allocation(test, nth, ret = dma_resv_copy_fences(dst, &src))
		expect_pair(test, dst, &pair, 0);
	KUNIT_EXPECT_EQ(test, 2, nth);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 0, resv_count_locked(dst));
	dma_resv_unlock(dst);
	dma_resv_fini(&src);
}

static void get_fences_out_of_memory_returns_null_and_zero(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct pair pair = add_pair(test);
	struct dma_fence **fences;
	unsigned int count;
	int nth, ret;

	needs_failslab(test);
	count = 99;
	fences = ERR_PTR(-EIO);
	for_each_failing_allocation(test, nth,
				    ret = dma_resv_get_fences(obj, USAGE_ALL, &count, &fences)) {
		KUNIT_EXPECT_EQ(test, 0, count);
		KUNIT_EXPECT_NULL(test, fences);
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(obj));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.write));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.read));
		count = 99;
		fences = ERR_PTR(-EIO);
	}
	KUNIT_EXPECT_EQ(test, 2, nth);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 2, count);
	resv_drop(fences, count);
}

static void singleton_out_of_memory_is_null(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct pair pair = add_pair(test);
	struct dma_fence *fence = ERR_PTR(-EIO);
	int nth, ret;

	needs_failslab(test);
	for_each_failing_allocation(test, nth,
				    ret = dma_resv_get_singleton(obj, USAGE_ALL, &fence)) {
		KUNIT_EXPECT_NULL(test, fence);
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(obj));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.write));
		KUNIT_EXPECT_EQ(test, 2, fence_refs(pair.read));
		fence = ERR_PTR(-EIO);
	}
	/* The list of members and the array. */
	KUNIT_EXPECT_EQ(test, 3, nth);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(fence));
	dma_fence_put(fence);
}

static void idle_object_is_answered_without_memory(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence, **fences;
	unsigned int count;
	struct dma_resv dst;

	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_WRITE));
	if (IS_ENABLED(CONFIG_FAILSLAB))
		fail_allocation(test, 1);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_fences(obj, DMA_RESV_USAGE_READ, &count, &fences));
	KUNIT_EXPECT_EQ(test, 0, count);
	KUNIT_EXPECT_NULL(test, fences);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_singleton(obj, DMA_RESV_USAGE_READ, &fence));
	KUNIT_EXPECT_NULL(test, fence);
	KUNIT_EXPECT_FALSE(test, fail_allocation_hit());

	dma_resv_init(&dst);
	resv_lock(test, &dst);
	if (IS_ENABLED(CONFIG_FAILSLAB))
		fail_allocation(test, 1);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(&dst, &dst));
	KUNIT_EXPECT_FALSE(test, fail_allocation_hit());
	dma_resv_unlock(&dst);
	dma_resv_fini(&dst);
}

static struct kunit_case resv_shortage_cases[] = {
	KUNIT_CASE(reserve_out_of_memory_changes_nothing),
	KUNIT_CASE(failed_reserve_leaves_slots_that_were_reserved_before),
	KUNIT_CASE(copy_out_of_memory_leaves_both_as_they_were),
	KUNIT_CASE(copy_of_nothing_out_of_memory_keeps_the_fences),
	KUNIT_CASE(get_fences_out_of_memory_returns_null_and_zero),
	KUNIT_CASE(singleton_out_of_memory_is_null),
	KUNIT_CASE(idle_object_is_answered_without_memory),
	{}
};

static struct kunit_suite resv_shortage_suite = {
	.name = "dma-resv-shortage",
	.init = resv_test_init,
	.exit = resv_test_exit,
	.test_cases = resv_shortage_cases,
};

kunit_test_suite(resv_shortage_suite);
