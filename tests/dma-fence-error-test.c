// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors survive: what stands for several fences ends with the first error of them.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/ktime.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"
#include "shortage.h"

/* Signals @fence, as of @ns, with @error or 0. */
static void end_at(struct dma_fence *fence, u64 ns, int error)
{
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal_timestamp(fence, ns_to_ktime(ns));
}

/* The test case owns the result, which is not NULL. */
static struct dma_fence *merged(struct kunit *test, struct dma_fence *a, struct dma_fence *b)
{
	struct dma_fence *fence = dma_fence_unwrap_merge(a, b);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	return mock_put_later(test, fence);
}

/* What becomes of @fence, whose parts have signalled. */
static int outcome(struct dma_fence *fence)
{
	return mock_fence_signals(fence) ? dma_fence_get_status(fence) : 0;
}

static bool unwraps_to(struct dma_fence *head, struct dma_fence *wanted)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	bool found = false;

	dma_fence_unwrap_for_each(fence, &cursor, head)
		found |= fence == wanted;
	return found;
}

static void a_failed_and_a_pending_fence_merge_to_a_failure(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *both, *turned;

	end_at(fences[0], 10, -EIO);
	both = merged(test, fences[0], fences[1]);
	turned = merged(test, fences[1], fences[0]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(both), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(turned), 0);
	/* Who looks inside finds out who failed. */
	KUNIT_EXPECT_TRUE(test, unwraps_to(both, fences[0]));
	KUNIT_EXPECT_TRUE(test, unwraps_to(both, fences[1]));
	dma_fence_enable_sw_signaling(both);
	end_at(fences[1], 20, 0);
	KUNIT_EXPECT_EQ(test, outcome(both), -EIO);
	KUNIT_EXPECT_EQ(test, outcome(turned), -EIO);
}

static void of_several_errors_the_first_one_is_kept(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *all;

	end_at(fences[0], 30, -EIO);
	end_at(fences[1], 10, -ENODEV);
	end_at(fences[2], 20, -ETIME);
	all = dma_fence_unwrap_merge(fences[0], fences[3], fences[1], fences[2]);
	KUNIT_ASSERT_NOT_NULL(test, all);
	mock_put_later(test, all);
	end_at(fences[3], 40, -ENOENT);
	KUNIT_EXPECT_EQ(test, outcome(all), -ENODEV);
}

static void signalled_fences_merge_to_the_first_error(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *all;

	end_at(fences[0], 30, 0);
	end_at(fences[1], 20, -EIO);
	end_at(fences[2], 10, -ENODEV);
	all = merged(test, fences[0], fences[1]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(all), -EIO);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(all)), 30);
	all = dma_fence_unwrap_merge(fences[0], fences[1], fences[2]);
	KUNIT_ASSERT_NOT_NULL(test, all);
	mock_put_later(test, all);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(all), -ENODEV);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(all)), 30);
}

static void an_error_survives_merge_after_merge(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *head;

	end_at(fences[0], 10, -EIO);
	head = merged(test, fences[0], fences[1]);
	head = merged(test, head, fences[2]);
	/* Only the error is left of what it was merged from first. */
	end_at(fences[1], 20, 0);
	head = merged(test, head, fences[3]);
	end_at(fences[2], 30, 0);
	end_at(fences[3], 40, 0);
	KUNIT_EXPECT_EQ(test, outcome(head), -EIO);
	/* All of it has signalled now. */
	head = merged(test, head, fences[3]);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(head), -EIO);
	head = merged(test, head, NULL);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(head), -EIO);
}

static void a_later_point_of_the_timeline_does_not_hide_an_error(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *early = mock_fence_at(test, context, 1);
	struct dma_fence *late = mock_fence_at(test, context, 2);
	struct dma_fence *both;

	end_at(early, 10, -EIO);
	both = merged(test, early, late);
	end_at(late, 20, 0);
	KUNIT_EXPECT_EQ(test, outcome(both), -EIO);
}

static void fences_that_ended_well_leave_no_trace(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);

	end_at(fences[0], 10, 0);
	KUNIT_EXPECT_PTR_EQ(test, merged(test, fences[0], fences[1]), fences[1]);
}

static void merging_a_failure_keeps_no_fence_without_memory(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *fence = NULL;
	int nth;

	needs_failslab(test);
	end_at(fences[0], 10, -EIO);
	for_each_failing_allocation(test, nth,
				    (fence = dma_fence_unwrap_merge(fences[0], fences[1],
								    fences[2])) ? 0 : -ENOMEM) {
		KUNIT_EXPECT_NULL(test, fence);
		KUNIT_EXPECT_EQ(test, kref_read(&fences[0]->refcount), 1);
		KUNIT_EXPECT_EQ(test, kref_read(&fences[1]->refcount), 1);
	}
	KUNIT_EXPECT_NOT_NULL(test, fence);
	dma_fence_put(fence);
}

static void a_point_ends_with_the_error_of_its_fence(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *asked = mock_put_later(test, mock_chain(test, fences, 2));
	struct dma_fence *waited = mock_put_later(test, mock_chain(test, fences, 2));
	struct dma_fence *idle;

	dma_fence_enable_sw_signaling(waited);
	/* The newest one fails before the one that it still waits for ends. */
	end_at(fences[1], 10, -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(asked), 0);
	end_at(fences[0], 20, 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(asked), -EIO);
	KUNIT_EXPECT_EQ(test, outcome(waited), -EIO);

	/* Enabled when all is over. */
	idle = mock_put_later(test, mock_chain(test, fences, 2));
	dma_fence_enable_sw_signaling(idle);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(idle), -EIO);
}

static void a_point_does_not_fail_for_an_earlier_one(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence **links = mock_links(test, fences, 2);

	dma_fence_enable_sw_signaling(links[1]);
	end_at(fences[0], 10, -EIO);
	end_at(fences[1], 20, 0);
	KUNIT_EXPECT_EQ(test, outcome(links[1]), 1);
	KUNIT_EXPECT_EQ(test, outcome(links[0]), -EIO);
}

static void an_error_set_on_a_point_stays(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *link = mock_put_later(test, mock_link(test, NULL, fence, 1));

	dma_fence_set_error(link, -ECANCELED);
	end_at(fence, 10, -EIO);
	KUNIT_EXPECT_EQ(test, outcome(link), -ECANCELED);
}

static void merging_finds_errors_in_containers(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *array = &mock_array(test, fences, 2, false)->base;
	struct dma_fence *chain = mock_put_later(test, mock_link(test, NULL, fences[2], 1));
	struct dma_fence *with_array, *with_chain;

	end_at(fences[0], 10, -EIO);
	end_at(fences[1], 20, 0);
	end_at(fences[2], 30, -ENODEV);
	with_array = merged(test, array, fences[3]);
	with_chain = merged(test, fences[3], chain);
	end_at(fences[3], 40, 0);
	KUNIT_EXPECT_EQ(test, outcome(with_array), -EIO);
	KUNIT_EXPECT_EQ(test, outcome(with_chain), -ENODEV);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(merged(test, array, chain)), -EIO);
}

static struct kunit_case error_cases[] = {
	KUNIT_CASE(a_failed_and_a_pending_fence_merge_to_a_failure),
	KUNIT_CASE(of_several_errors_the_first_one_is_kept),
	KUNIT_CASE(signalled_fences_merge_to_the_first_error),
	KUNIT_CASE(an_error_survives_merge_after_merge),
	KUNIT_CASE(a_later_point_of_the_timeline_does_not_hide_an_error),
	KUNIT_CASE(fences_that_ended_well_leave_no_trace),
	KUNIT_CASE(merging_a_failure_keeps_no_fence_without_memory),
	KUNIT_CASE(a_point_ends_with_the_error_of_its_fence),
	KUNIT_CASE(a_point_does_not_fail_for_an_earlier_one),
	KUNIT_CASE(an_error_set_on_a_point_stays),
	KUNIT_CASE(merging_finds_errors_in_containers),
	{}
};

static struct kunit_suite error_suite = {
	.name = "dma-fence-error",
	.init = mock_fence_suite_init,
	.test_cases = error_cases,
};

kunit_test_suite(error_suite);
