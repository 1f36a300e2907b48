// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking into containers, and merging what is in them.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

/* Unwrapping @head must show exactly @fences, in this order. */
static void expect_unwraps_to(struct kunit *test, struct dma_fence *head,
			      struct dma_fence **fences, unsigned int count)
{
	unsigned int refs = head ? kref_read(&head->refcount) : 0;
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int seen = 0;

	dma_fence_unwrap_for_each(fence, &cursor, head) {
		KUNIT_ASSERT_LT(test, seen, count);
		KUNIT_ASSERT_PTR_EQ_MSG(test, fence, fences[seen], "fence %u", seen);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, count);
	if (head)
		KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), refs);
}

static void nothing_unwraps_to_nothing(struct kunit *test)
{
	expect_unwraps_to(test, NULL, NULL, 0);
}

static void a_plain_fence_unwraps_to_itself(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	expect_unwraps_to(test, fence, &fence, 1);
	dma_fence_signal(fence);
	expect_unwraps_to(test, fence, &fence, 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
}

static void an_array_unwraps_to_its_members(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 5, false);

	expect_unwraps_to(test, &array->base, fences, 5);
	dma_fence_signal(fences[2]);
	expect_unwraps_to(test, &array->base, fences, 5);
}

static void a_chain_unwraps_to_its_fences_newest_first(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 4));
	struct dma_fence *expected[] = { fences[3], fences[2], fences[1], fences[0] };

	expect_unwraps_to(test, head, expected, 4);
	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[1]);
	expect_unwraps_to(test, head, expected, 2);
}

static void a_chain_of_arrays_unwraps_to_their_members(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence_array *old = mock_array(test, fences + 1, 3, false);
	struct dma_fence_array *new = mock_array(test, fences + 5, 3, false);
	struct dma_fence *expected[] = {
		fences[5], fences[6], fences[7], fences[4],
		fences[1], fences[2], fences[3], fences[0],
	};
	struct dma_fence *head = dma_fence_get(fences[0]);

	head = mock_link(test, head, &old->base, 1);
	head = mock_link(test, head, fences[4], 2);
	head = mock_put_later(test, mock_link(test, head, &new->base, 3));
	expect_unwraps_to(test, head, expected, 8);
}

static void first_and_next_do_what_the_loop_does(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);
	struct dma_fence *head = mock_link(test, NULL, fences[2], 1);
	struct dma_fence_unwrap cursor;

	head = mock_put_later(test, mock_link(test, head, &array->base, 2));
	KUNIT_EXPECT_PTR_EQ(test, fences[0], dma_fence_unwrap_first(head, &cursor));
	KUNIT_EXPECT_PTR_EQ(test, fences[1], dma_fence_unwrap_next(&cursor));
	KUNIT_EXPECT_PTR_EQ(test, fences[2], dma_fence_unwrap_next(&cursor));
	KUNIT_EXPECT_NULL(test, dma_fence_unwrap_next(&cursor));
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), 1);
}

/* Puts the cursor's chain after the @stop-th fence, as virtio-gpu does on an error. */
static void break_after(struct kunit *test, struct dma_fence *head, unsigned int stop)
{
	unsigned int refs = kref_read(&head->refcount);
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;

	dma_fence_unwrap_for_each(fence, &cursor, head) {
		if (!stop--) {
			dma_fence_put(cursor.chain);
			break;
		}
	}
	KUNIT_EXPECT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), refs);
}

static void breaking_out_leaves_one_reference_in_the_cursor(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	struct dma_fence *link = mock_put_later(test, mock_link(test, NULL, &array->base, 1));
	struct dma_fence *head = mock_link(test, dma_fence_get(link), fences[3], 2);
	unsigned int i;

	mock_put_later(test, head);
	for (i = 0; i < 4; i++) {
		break_after(test, head, i);
		KUNIT_EXPECT_EQ(test, kref_read(&link->refcount), 2);
	}
	for (i = 0; i < 3; i++)
		break_after(test, &array->base, i);
	break_after(test, fences[4], 0);
}

/* The leaves of a merge must be @fences; they come sorted by context. Puts @merged. */
static void expect_merged_and_put(struct kunit *test, struct dma_fence *merged,
				  struct dma_fence **fences, unsigned int count)
{
	KUNIT_ASSERT_NOT_NULL(test, merged);
	expect_unwraps_to(test, merged, fences, count);
	dma_fence_put(merged);
}

static void merging_nothing_gives_a_signalled_fence(struct kunit *test)
{
	struct dma_fence *merged = dma_fence_unwrap_merge(NULL, NULL);

	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(merged), 1);
	dma_fence_put(merged);
}

static void merging_signalled_fences_keeps_the_latest_timestamp(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	struct dma_fence *head = mock_put_later(test, mock_link(test, NULL, fences[3], 1));
	struct dma_fence *merged;
	int latest, i;

	dma_fence_signal_timestamp(fences[0], ns_to_ktime(100));
	dma_fence_signal_timestamp(fences[1], ns_to_ktime(5000));
	dma_fence_signal_timestamp(fences[2], ns_to_ktime(300));
	dma_fence_signal_timestamp(fences[3], ns_to_ktime(400));
	dma_fence_signal_timestamp(fences[4], ns_to_ktime(500));

	merged = dma_fence_unwrap_merge(&array->base, head, fences[4]);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(merged)), 5000);
	dma_fence_put(merged);

	for (latest = 0; latest < 3; latest++) {
		struct dma_fence **three = mock_fences(test, 3);

		for (i = 0; i < 3; i++)
			dma_fence_signal_timestamp(three[i],
						   ns_to_ktime(i == latest ? 900 : 10 + i));
		merged = dma_fence_unwrap_merge(three[0], three[1], three[2]);
		KUNIT_ASSERT_NOT_NULL(test, merged);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
		KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(merged)), 900);
		dma_fence_put(merged);
	}
}

static void the_only_pending_fence_is_the_result_of_merging(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence_array *array = mock_array(test, fences, 2, false);
	struct dma_fence *head = mock_put_later(test, mock_link(test, NULL, fences[2], 1));
	struct dma_fence *merged;

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[2]);
	dma_fence_signal(fences[3]);
	merged = dma_fence_unwrap_merge(fences[0], fences[1]);
	KUNIT_EXPECT_PTR_EQ(test, merged, fences[1]);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[1]->refcount), 3);
	dma_fence_put(merged);

	merged = dma_fence_unwrap_merge(fences[1], NULL);
	KUNIT_EXPECT_PTR_EQ(test, merged, fences[1]);
	dma_fence_put(merged);

	merged = dma_fence_unwrap_merge(NULL, &array->base, head, fences[3]);
	KUNIT_EXPECT_PTR_EQ(test, merged, fences[1]);
	dma_fence_put(merged);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[1]->refcount), 2);
}

static void merging_a_fence_with_itself_gives_that_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *merged = dma_fence_unwrap_merge(fence, fence, fence);

	KUNIT_EXPECT_PTR_EQ(test, merged, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	dma_fence_put(merged);
}

static void merging_keeps_the_latest_fence_of_a_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = mock_fence_at(test, context, 3);
	struct dma_fence *second = mock_fence_at(test, context, 4);
	struct dma_fence *third = mock_fence_at(test, context, 5);
	struct dma_fence *merged;

	merged = dma_fence_unwrap_merge(first, third, second);
	KUNIT_EXPECT_PTR_EQ(test, merged, third);
	dma_fence_put(merged);
	merged = dma_fence_unwrap_merge(third, first);
	KUNIT_EXPECT_PTR_EQ(test, merged, third);
	dma_fence_put(merged);
	merged = dma_fence_unwrap_merge(first, second);
	KUNIT_EXPECT_PTR_EQ(test, merged, second);
	dma_fence_put(merged);
	KUNIT_EXPECT_EQ(test, kref_read(&first->refcount), 1);
}

static void the_latest_fence_of_a_context_may_have_wrapped(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *before = mock_fence_at(test, context, U32_MAX);
	struct dma_fence *after = mock_fence_at(test, context, 0);
	struct dma_fence *merged = dma_fence_unwrap_merge(after, before);

	KUNIT_EXPECT_PTR_EQ(test, merged, after);
	dma_fence_put(merged);
}

static void merging_makes_an_array_sorted_by_context(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *merged = dma_fence_unwrap_merge(fences[2], fences[0], fences[1]);
	struct dma_fence_array *array = to_dma_fence_array(merged);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_ASSERT_EQ(test, array->num_fences, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, array->fences[i], fences[i]);
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2);
	}
	KUNIT_EXPECT_EQ(test, kref_read(&merged->refcount), 1);
	dma_fence_put(merged);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

static void a_merged_fence_signals_after_all(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *merged = dma_fence_unwrap_merge(fences[1], fences[2], fences[0]);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, merged);
	mock_put_later(test, merged);
	dma_fence_enable_sw_signaling(merged);
	for (i = 0; i < 3; i++) {
		mock_run_irq_work();
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(merged));
		KUNIT_EXPECT_EQ(test, atomic_read(&to_mock_fence(fences[i])->enable_count), 1);
		dma_fence_signal(fences[i]);
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(merged, false, MOCK_TIMEOUT), 0);
}

static void merging_looks_into_containers(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence_array *array = mock_array(test, fences + 4, 3, false);
	struct dma_fence_array *inner = mock_array(test, fences + 1, 2, false);
	struct dma_fence *head = mock_link(test, dma_fence_get(fences[3]), &inner->base, 1);
	struct dma_fence *merged;

	head = mock_put_later(test, mock_link(test, head, fences[7], 2));
	merged = dma_fence_unwrap_merge(&array->base, head, fences[0]);
	expect_merged_and_put(test, merged, fences, 8);
}

static void merging_drops_what_has_signalled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence_array *array = mock_array(test, fences, 4, false);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences + 4, 4));
	struct dma_fence *pending[] = { fences[1], fences[2], fences[5], fences[6] };
	struct dma_fence *merged;

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[3]);
	dma_fence_signal(fences[4]);
	dma_fence_signal(fences[7]);
	merged = dma_fence_unwrap_merge(head, &array->base);
	expect_merged_and_put(test, merged, pending, 4);
}

/* A driver's fence that has signalled but was not asked yet. */
static void merging_asks_the_drivers(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *merged;

	to_mock_fence(fences[0])->done = true;
	to_mock_fence(fences[2])->done = true;
	merged = dma_fence_unwrap_merge(fences[0], fences[1], fences[2]);
	KUNIT_EXPECT_PTR_EQ(test, merged, fences[1]);
	dma_fence_put(merged);
}

static void merging_overlapping_containers_keeps_the_latest_of_each_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(16);
	struct dma_fence *old[16], *new[16], *left[16], *right[16];
	struct dma_fence_array *left_array, *right_array;
	int i;

	for (i = 0; i < 16; i++) {
		old[i] = mock_fence_at(test, context + i, 7);
		new[i] = mock_fence_at(test, context + i, 8);
		left[i] = i & 1 ? old[i] : new[i];
		right[i] = i & 1 ? new[i] : old[i];
	}
	left_array = mock_array(test, left, 16, false);
	right_array = mock_array(test, right, 16, false);
	expect_merged_and_put(test, dma_fence_unwrap_merge(&left_array->base, &right_array->base),
			      new, 16);
	expect_merged_and_put(test, dma_fence_unwrap_merge(&right_array->base, new[3],
							   &left_array->base, old[5]),
			      new, 16);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&old[i]->refcount), 2);
}

/* An array over every second of @fences, beginning with @fences[@start], in the given order. */
static struct dma_fence_array *every_second(struct kunit *test, struct dma_fence **fences,
					    unsigned int start, unsigned int count,
					    const unsigned int *order)
{
	struct dma_fence **half = kunit_kcalloc(test, count, sizeof(*half), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, half);
	for (i = 0; i < count; i++)
		half[i] = fences[start + 2 * order[i]];
	return mock_array(test, half, count, false);
}

static const unsigned int orders[] = { MOCK_FORWARD, MOCK_BACKWARD, MOCK_RANDOM };

static void orders_name(const unsigned int *kind, char *desc)
{
	strscpy(desc, mock_order_name(*kind), KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(orders, orders, orders_name);

/* Drivers make arrays in any order; only the result of a merge is sorted. */
static void large_disjoint_arrays_merge(struct kunit *test)
{
	unsigned int *order = mock_order(test, *(const unsigned int *)test->param_value, 512);
	struct dma_fence **fences = mock_fences(test, 1024);
	struct dma_fence_array *even = every_second(test, fences, 0, 512, order);
	struct dma_fence_array *odd = every_second(test, fences, 1, 512, order);

	expect_merged_and_put(test, dma_fence_unwrap_merge(&even->base, &odd->base), fences, 1024);
	expect_merged_and_put(test, dma_fence_unwrap_merge(&odd->base, &even->base), fences, 1024);
}

static void equal_arrays_merge_to_one(struct kunit *test)
{
	unsigned int *order = mock_order(test, *(const unsigned int *)test->param_value, 512);
	struct dma_fence **fences = mock_fences(test, 512);
	struct dma_fence **shuffled = kunit_kcalloc(test, 512, sizeof(*shuffled), GFP_KERNEL);
	struct dma_fence_array *left, *right;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, shuffled);
	for (i = 0; i < 512; i++)
		shuffled[i] = fences[order[i]];
	left = mock_array(test, fences, 512, false);
	right = mock_array(test, shuffled, 512, false);
	expect_merged_and_put(test, dma_fence_unwrap_merge(&left->base, &right->base),
			      fences, 512);
	expect_merged_and_put(test, dma_fence_unwrap_merge(&right->base, &right->base),
			      fences, 512);
}

/* What SYNC_IOC_MERGE does rung by rung: each result goes into the next merge. */
static void merging_results_of_merging_stays_flat(struct kunit *test)
{
	unsigned int *order = mock_order(test, *(const unsigned int *)test->param_value, 64);
	struct dma_fence **fences = mock_fences(test, 64);
	struct dma_fence *merged = NULL;
	int i;

	for (i = 0; i < 64; i++) {
		struct dma_fence *next = dma_fence_unwrap_merge(merged, fences[order[i]]);

		KUNIT_ASSERT_NOT_NULL(test, next);
		dma_fence_put(merged);
		merged = next;
	}
	KUNIT_ASSERT_TRUE(test, dma_fence_is_array(merged));
	KUNIT_EXPECT_EQ(test, to_dma_fence_array(merged)->num_fences, 64);
	expect_merged_and_put(test, merged, fences, 64);
	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
}

/* A merged array may be sorted, but its members go on signalling. */
static void merging_a_partly_signalled_result_again_drops_what_signalled(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 12);
	struct dma_fence *pending[] = { fences[0], fences[2], fences[4], fences[7], fences[9] };
	struct dma_fence *left = dma_fence_unwrap_merge(fences[0], fences[2], fences[4],
							fences[6], fences[8]);
	struct dma_fence *right = dma_fence_unwrap_merge(fences[1], fences[3], fences[5],
							 fences[7], fences[9]);

	KUNIT_ASSERT_NOT_NULL(test, left);
	mock_put_later(test, left);
	KUNIT_ASSERT_NOT_NULL(test, right);
	mock_put_later(test, right);
	dma_fence_signal(fences[6]);
	dma_fence_signal(fences[8]);
	dma_fence_signal(fences[1]);
	dma_fence_signal(fences[3]);
	dma_fence_signal(fences[5]);
	expect_merged_and_put(test, dma_fence_unwrap_merge(right, left), pending, 5);
}

static void a_merge_of_merges_replaces_older_fences(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(4);
	struct dma_fence *old[4], *new[4], *left, *right;
	int i;

	for (i = 0; i < 4; i++) {
		old[i] = mock_fence_at(test, context + i, 1);
		new[i] = mock_fence_at(test, context + i, 2);
	}
	left = dma_fence_unwrap_merge(old[0], new[1], old[2], new[3]);
	KUNIT_ASSERT_NOT_NULL(test, left);
	mock_put_later(test, left);
	right = dma_fence_unwrap_merge(new[0], old[1], new[2], old[3]);
	KUNIT_ASSERT_NOT_NULL(test, right);
	mock_put_later(test, right);
	expect_merged_and_put(test, dma_fence_unwrap_merge(left, right), new, 4);
}

static void many_sources_merge_in_one_call(struct kunit *test)
{
	unsigned int *order = mock_order(test, *(const unsigned int *)test->param_value, 300);
	struct dma_fence **fences = mock_fences(test, 300);
	struct dma_fence **sources = kunit_kcalloc(test, 300, sizeof(*sources), GFP_KERNEL);
	struct dma_fence_unwrap *cursors = kunit_kcalloc(test, 300, sizeof(*cursors), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, sources);
	KUNIT_ASSERT_NOT_NULL(test, cursors);
	for (i = 0; i < 300; i++)
		sources[i] = fences[order[i]];
	expect_merged_and_put(test, __dma_fence_unwrap_merge(300, sources, cursors), fences, 300);
}

/* Order and duplicates are as bad as they can be. */
static void long_chains_of_few_contexts_merge(struct kunit *test)
{
	const unsigned int count = 2000, contexts = 10;
	struct dma_fence **fences = kunit_kcalloc(test, count, sizeof(*fences), GFP_KERNEL);
	u64 context = dma_fence_context_alloc(contexts);
	struct dma_fence *left, *right;
	u32 random = 9;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	/* The newest fence of each context comes last, in the order of contexts. */
	for (i = 0; i < count; i++) {
		u64 offset = i < count - contexts ? mock_random(&random) % contexts :
						    i - (count - contexts);

		fences[i] = mock_fence_at(test, context + offset, i + 1);
	}
	left = mock_put_later(test, mock_chain(test, fences, count));
	right = mock_put_later(test, mock_chain(test, fences, count / 2));
	expect_merged_and_put(test, dma_fence_unwrap_merge(right, left),
			      fences + count - contexts, contexts);
	expect_merged_and_put(test, dma_fence_unwrap_merge(left, right),
			      fences + count - contexts, contexts);
}

static void random_merges_match_a_model(struct kunit *test)
{
	const unsigned int contexts = 12, rounds = 200;
	u64 context = dma_fence_context_alloc(contexts);
	struct dma_fence *latest[12], *expected[12];
	u32 random = 10;
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		struct dma_fence *sources[3], *merged;
		unsigned int count = 0;

		memset(latest, 0, sizeof(latest));
		for (i = 0; i < ARRAY_SIZE(sources); i++) {
			unsigned int n = 1 + mock_random(&random) % 8, j;
			struct dma_fence *members[8];

			for (j = 0; j < n; j++) {
				unsigned int at = mock_random(&random) % contexts;
				u64 seqno = mock_random(&random) % 1000 * 3 + i;

				members[j] = mock_fence_at(test, context + at, seqno * 8 + j);
				if (!(mock_random(&random) % 3))
					dma_fence_signal(members[j]);
				else if (!latest[at] || dma_fence_is_later(members[j], latest[at]))
					latest[at] = members[j];
			}
			if (mock_random(&random) % 2)
				sources[i] = mock_put_later(test, mock_chain(test, members, n));
			else
				sources[i] = &mock_array(test, members, n, false)->base;
		}
		for (i = 0; i < contexts; i++) {
			if (latest[i])
				expected[count++] = latest[i];
		}

		merged = dma_fence_unwrap_merge(sources[0], sources[1], sources[2]);
		KUNIT_ASSERT_NOT_NULL(test, merged);
		if (count)
			expect_unwraps_to(test, merged, expected, count);
		else
			KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
		dma_fence_put(merged);
	}
}

#define VERY_MANY 80000

static void put_many(void *data)
{
	struct dma_fence **fences = data;
	unsigned int i;

	for (i = 0; i < VERY_MANY && fences[i]; i++)
		dma_fence_put(fences[i]);
	kvfree(fences);
}

/* What a program can do with sync_files. A merge this large may fail, but only as a merge fails. */
static void very_many_fences_merge_or_fail_cleanly(struct kunit *test)
{
	struct dma_fence **fences = kvcalloc(VERY_MANY, sizeof(*fences), GFP_KERNEL);
	u64 context = dma_fence_context_alloc(VERY_MANY);
	struct dma_fence *head = NULL, *merged, *last;
	ktime_t start;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_many, fences));
	for (i = 0; i < VERY_MANY; i++) {
		/* 7919 is prime to 80000: every context once, in an order that is none. */
		fences[i] = mock_fence_new(context + (u64)i * 7919 % VERY_MANY, 1);
		KUNIT_ASSERT_NOT_NULL(test, fences[i]);
		head = mock_link(test, head, fences[i], i + 1);
	}
	mock_put_later(test, head);
	last = mock_fence(test);

	start = ktime_get();
	merged = dma_fence_unwrap_merge(head, last);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 10000);
	if (merged) {
		struct dma_fence_array *array = to_dma_fence_array(merged);

		KUNIT_ASSERT_NOT_NULL(test, array);
		KUNIT_EXPECT_EQ(test, array->num_fences, VERY_MANY + 1);
		for (i = 0; i < VERY_MANY; i++)
			KUNIT_ASSERT_EQ(test, array->fences[i]->context, context + i);
		dma_fence_put(merged);
	}
	for (i = 0; i < VERY_MANY; i++)
		KUNIT_ASSERT_EQ(test, kref_read(&fences[i]->refcount), 2);
}

static void merging_signalled_containers_leaves_nothing_behind(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 6);
	struct dma_fence_array *array = mock_array(test, fences, 3, false);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences + 3, 3));
	struct dma_fence *merged;

	mock_signal_all(fences, 6);
	merged = dma_fence_unwrap_merge(&array->base, head);
	KUNIT_ASSERT_NOT_NULL(test, merged);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_container(merged));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merged));
	KUNIT_EXPECT_EQ(test, kref_read(&fences[0]->refcount), 2);
	dma_fence_put(merged);
}

static struct kunit_case unwrap_cases[] = {
	KUNIT_CASE(nothing_unwraps_to_nothing),
	KUNIT_CASE(a_plain_fence_unwraps_to_itself),
	KUNIT_CASE(an_array_unwraps_to_its_members),
	KUNIT_CASE(a_chain_unwraps_to_its_fences_newest_first),
	KUNIT_CASE(a_chain_of_arrays_unwraps_to_their_members),
	KUNIT_CASE(first_and_next_do_what_the_loop_does),
	KUNIT_CASE(breaking_out_leaves_one_reference_in_the_cursor),
	KUNIT_CASE(merging_nothing_gives_a_signalled_fence),
	KUNIT_CASE(merging_signalled_fences_keeps_the_latest_timestamp),
	KUNIT_CASE(the_only_pending_fence_is_the_result_of_merging),
	KUNIT_CASE(merging_a_fence_with_itself_gives_that_fence),
	KUNIT_CASE(merging_keeps_the_latest_fence_of_a_context),
	KUNIT_CASE(the_latest_fence_of_a_context_may_have_wrapped),
	KUNIT_CASE(merging_makes_an_array_sorted_by_context),
	KUNIT_CASE(a_merged_fence_signals_after_all),
	KUNIT_CASE(merging_looks_into_containers),
	KUNIT_CASE(merging_drops_what_has_signalled),
	KUNIT_CASE(merging_asks_the_drivers),
	KUNIT_CASE(merging_overlapping_containers_keeps_the_latest_of_each_context),
	KUNIT_CASE_PARAM(large_disjoint_arrays_merge, orders_gen_params),
	KUNIT_CASE_PARAM(equal_arrays_merge_to_one, orders_gen_params),
	KUNIT_CASE_PARAM(merging_results_of_merging_stays_flat, orders_gen_params),
	KUNIT_CASE(merging_a_partly_signalled_result_again_drops_what_signalled),
	KUNIT_CASE(a_merge_of_merges_replaces_older_fences),
	KUNIT_CASE_PARAM(many_sources_merge_in_one_call, orders_gen_params),
	KUNIT_CASE(long_chains_of_few_contexts_merge),
	KUNIT_CASE(random_merges_match_a_model),
	KUNIT_CASE(very_many_fences_merge_or_fail_cleanly),
	KUNIT_CASE(merging_signalled_containers_leaves_nothing_behind),
	{}
};

static struct kunit_suite unwrap_suite = {
	.name = "dma-fence-unwrap",
	.init = mock_fence_suite_init,
	.test_cases = unwrap_cases,
};

kunit_test_suite(unwrap_suite);
