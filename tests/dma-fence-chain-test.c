// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: the points of a timeline, each signalled when all before it are.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static void the_first_link_starts_a_timeline(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *link = mock_put_later(test, mock_link(test, NULL, fence, 7));
	u64 newer = dma_fence_context_alloc(1);

	KUNIT_EXPECT_TRUE(test, dma_fence_is_chain(link));
	KUNIT_EXPECT_EQ(test, link->seqno, 7);
	KUNIT_EXPECT_GT(test, link->context, fence->context);
	KUNIT_EXPECT_LT(test, link->context, newer);
	KUNIT_EXPECT_EQ(test, kref_read(&link->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	KUNIT_EXPECT_EQ(test, to_dma_fence_chain(link)->prev_seqno, 0);
	KUNIT_EXPECT_PTR_EQ(test, to_dma_fence_chain(link)->fence, fence);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(link), 0);
}

static void a_later_point_continues_the_timeline(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *first = mock_put_later(test, mock_link(test, NULL, fences[0], 7));
	struct dma_fence *second = mock_link(test, dma_fence_get(first), fences[1], 10);

	mock_put_later(test, second);
	KUNIT_EXPECT_EQ(test, second->context, first->context);
	KUNIT_EXPECT_EQ(test, second->seqno, 10);
	KUNIT_EXPECT_EQ(test, to_dma_fence_chain(second)->prev_seqno, 7);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later(second, first));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(first, second));
}

/* The points of a timeline are the user's numbers and do not wrap. */
static void points_have_64_bits(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *first = mock_put_later(test, mock_link(test, NULL, fences[0], 5));
	struct dma_fence *second, *last;

	second = mock_put_later(test, mock_link(test, dma_fence_get(first), fences[1],
						0x500000004ULL));
	last = mock_put_later(test, mock_link(test, dma_fence_get(second), fences[2], U64_MAX));
	KUNIT_EXPECT_EQ(test, second->context, first->context);
	KUNIT_EXPECT_EQ(test, second->seqno, 0x500000004ULL);
	KUNIT_EXPECT_EQ(test, to_dma_fence_chain(second)->prev_seqno, 5);
	KUNIT_EXPECT_EQ(test, last->context, first->context);
	KUNIT_EXPECT_EQ(test, last->seqno, U64_MAX);
	KUNIT_EXPECT_EQ(test, to_dma_fence_chain(last)->prev_seqno, 0x500000004ULL);
}

static void an_out_of_order_point_starts_a_new_timeline(struct kunit *test)
{
	static const u64 seqnos[] = { 9, 10, 1 };
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *first = mock_put_later(test, mock_link(test, NULL, fences[0], 10));
	int i;

	for (i = 0; i < ARRAY_SIZE(seqnos); i++) {
		struct dma_fence *link = mock_link(test, dma_fence_get(first), fences[1],
						   seqnos[i]);

		KUNIT_EXPECT_NE(test, link->context, first->context);
		KUNIT_EXPECT_EQ(test, link->seqno, 10);
		KUNIT_EXPECT_EQ(test, to_dma_fence_chain(link)->prev_seqno, 0);
		dma_fence_put(link);
	}
}

static void an_out_of_order_point_still_waits_for_what_was_before(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *link = mock_link(test, NULL, fences[0], 10);

	link = mock_put_later(test, mock_link(test, link, fences[1], 3));
	dma_fence_enable_sw_signaling(link);
	dma_fence_signal(fences[1]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(link));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(link));
}

static void a_plain_fence_may_be_the_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *link = mock_link(test, dma_fence_get(fences[0]), fences[1], 1);

	mock_put_later(test, link);
	KUNIT_EXPECT_EQ(test, link->seqno, 1);
	KUNIT_EXPECT_NE(test, link->context, fences[0]->context);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[0]->refcount), 2);
	dma_fence_enable_sw_signaling(link);
	dma_fence_signal(fences[1]);
	mock_run_irq_work();
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(link));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(link));
}

static void an_allocated_link_can_be_freed_unused(struct kunit *test)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, chain);
	dma_fence_chain_free(chain);
	dma_fence_chain_free(NULL);
}

static void contained_is_the_fence_of_a_link_or_the_fence_itself(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *link = mock_put_later(test, mock_link(test, NULL, fence, 1));

	KUNIT_EXPECT_PTR_EQ(test, fence, dma_fence_chain_contained(link));
	KUNIT_EXPECT_PTR_EQ(test, fence, dma_fence_chain_contained(fence));
	KUNIT_EXPECT_NULL(test, to_dma_fence_chain(fence));
	KUNIT_EXPECT_NULL(test, to_dma_fence_chain(NULL));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
}

static void walking_goes_from_the_newest_point_to_the_oldest(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 5));
	struct dma_fence *link = dma_fence_get(head);
	int i;

	KUNIT_EXPECT_PTR_EQ(test, link, head);
	for (i = 4; i >= 0; i--) {
		KUNIT_ASSERT_NOT_NULL(test, link);
		KUNIT_EXPECT_EQ(test, link->seqno, i + 1);
		KUNIT_EXPECT_PTR_EQ(test, fences[i], dma_fence_chain_contained(link));
		link = dma_fence_chain_walk(link);
	}
	KUNIT_EXPECT_NULL(test, link);
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), 1);
}

static void walking_ends_at_a_plain_fence(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *head = mock_link(test, dma_fence_get(fences[0]), fences[1], 1);
	struct dma_fence *link;

	mock_put_later(test, head);
	link = dma_fence_chain_walk(dma_fence_get(head));
	KUNIT_EXPECT_PTR_EQ(test, link, fences[0]);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[0]->refcount), 3);
	KUNIT_EXPECT_NULL(test, dma_fence_chain_walk(link));
	KUNIT_EXPECT_EQ(test, kref_read(&fences[0]->refcount), 2);
}

static void iterating_visits_every_pending_point(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 5));
	struct dma_fence *iter;
	int seen = 0;

	dma_fence_chain_for_each(iter, head) {
		KUNIT_EXPECT_EQ(test, iter->seqno, 5 - seen);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, 5);
	KUNIT_EXPECT_NULL(test, iter);
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), 1);
}

static void iterating_over_a_plain_fence_visits_it(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *iter;
	int seen = 0;

	dma_fence_chain_for_each(iter, fence) {
		KUNIT_EXPECT_PTR_EQ(test, iter, fence);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
}

static void breaking_out_of_an_iteration_keeps_a_reference(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence **links = mock_links(test, fences, 3);
	unsigned int refs = kref_read(&links[1]->refcount);
	struct dma_fence *iter;

	dma_fence_chain_for_each(iter, links[2]) {
		if (iter == links[1])
			break;
	}
	KUNIT_EXPECT_PTR_EQ(test, iter, links[1]);
	KUNIT_EXPECT_EQ(test, kref_read(&links[1]->refcount), refs + 1);
	dma_fence_put(iter);
	KUNIT_EXPECT_EQ(test, kref_read(&links[1]->refcount), refs);
}

static void walking_forgets_the_signalled_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 8));
	struct dma_fence *iter;
	int i, seen = 0;

	mock_signal_all(fences, 5);
	dma_fence_chain_for_each(iter, head) {
		KUNIT_EXPECT_EQ(test, iter->seqno, 8 - seen);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, seen, 3);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), i < 5 ? 1 : 2);
	KUNIT_EXPECT_EQ(test, to_dma_fence_chain(head)->prev_seqno, 7);
}

static void walking_a_signalled_chain_forgets_all_but_the_head(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 8);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 8));
	int i;

	mock_signal_all(fences, 8);
	KUNIT_EXPECT_NULL(test, dma_fence_chain_walk(dma_fence_get(head)));
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[7]->refcount), 2);
}

static void walking_shows_what_is_pending_behind_a_signalled_point(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 9);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 9));
	unsigned long pending = 0;
	struct dma_fence *iter;
	int i;

	for (i = 1; i < 9; i += 2)
		dma_fence_signal(fences[i]);
	dma_fence_chain_for_each(iter, head) {
		if (!dma_fence_is_signaled(dma_fence_chain_contained(iter)))
			pending |= BIT(iter->seqno - 1);
	}
	KUNIT_EXPECT_EQ(test, pending, 0x155);
}

static void a_link_keeps_its_past_alive(struct kunit *test)
{
	int alive = mock_fence_alive();
	struct dma_fence *head = NULL;
	int i;

	for (i = 0; i < 4; i++) {
		struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);

		KUNIT_ASSERT_NOT_NULL(test, fence);
		head = mock_link(test, head, fence, i + 1);
		dma_fence_put(fence);
	}
	KUNIT_EXPECT_EQ(test, mock_fence_alive(), alive + 4);
	dma_fence_put(head);
	KUNIT_EXPECT_TRUE(test, mock_fence_wait_alive(alive));
}

static struct kunit_case chain_cases[] = {
	KUNIT_CASE(the_first_link_starts_a_timeline),
	KUNIT_CASE(a_later_point_continues_the_timeline),
	KUNIT_CASE(points_have_64_bits),
	KUNIT_CASE(an_out_of_order_point_starts_a_new_timeline),
	KUNIT_CASE(an_out_of_order_point_still_waits_for_what_was_before),
	KUNIT_CASE(a_plain_fence_may_be_the_past),
	KUNIT_CASE(an_allocated_link_can_be_freed_unused),
	KUNIT_CASE(contained_is_the_fence_of_a_link_or_the_fence_itself),
	KUNIT_CASE(walking_goes_from_the_newest_point_to_the_oldest),
	KUNIT_CASE(walking_ends_at_a_plain_fence),
	KUNIT_CASE(iterating_visits_every_pending_point),
	KUNIT_CASE(iterating_over_a_plain_fence_visits_it),
	KUNIT_CASE(breaking_out_of_an_iteration_keeps_a_reference),
	KUNIT_CASE(walking_forgets_the_signalled_past),
	KUNIT_CASE(walking_a_signalled_chain_forgets_all_but_the_head),
	KUNIT_CASE(walking_shows_what_is_pending_behind_a_signalled_point),
	KUNIT_CASE(a_link_keeps_its_past_alive),
	{}
};

static struct kunit_suite chain_suite = {
	.name = "dma-fence-chain",
	.init = mock_fence_suite_init,
	.test_cases = chain_cases,
};

kunit_test_suite(chain_suite);
