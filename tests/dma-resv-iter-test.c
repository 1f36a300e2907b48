// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be asked of a reservation object, with and without its lock.
 */
#include <kunit/test.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "resv-fixture.h"

#define LONG_WAIT	(20 * HZ)

/* Getting */

static void get_fences_returns_the_pending_ones_up_to_the_usage(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *added[8], **fences;
	enum dma_resv_usage usage;
	unsigned int i, num;

	for (i = 0; i < 8; i++)
		added[i] = resv_add_new(test, i % 4);
	for (i = 4; i < 8; i++)
		dma_fence_signal(added[i]);

	for (usage = DMA_RESV_USAGE_KERNEL; usage <= USAGE_ALL; usage++) {
		KUNIT_ASSERT_EQ(test, 0, dma_resv_get_fences(obj, usage, &num, &fences));
		KUNIT_EXPECT_EQ(test, usage + 1, num);
		for (i = 0; i < num; i++) {
			KUNIT_EXPECT_PTR_EQ(test, added[i], fences[i]);
			KUNIT_EXPECT_EQ(test, 3, fence_refs(fences[i]));
		}
		resv_drop(fences, num);
	}
}

static void get_fences_without_any_returns_null_and_zero(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence **fences = ERR_PTR(-EIO), *fence;
	unsigned int num = 77;

	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_fences(obj, USAGE_ALL, &num, &fences));
	KUNIT_EXPECT_EQ(test, 0, num);
	KUNIT_EXPECT_NULL(test, fences);

	fence = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_fence_signal(fence);
	num = 77;
	fences = ERR_PTR(-EIO);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_fences(obj, DMA_RESV_USAGE_WRITE,
						     &num, &fences));
	KUNIT_EXPECT_EQ(test, 0, num);
	KUNIT_EXPECT_NULL(test, fences);
}

static void get_fences_takes_what_was_there_without_a_leak(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct meddler *meddler = meddler_new(test);
	struct dma_fence *a, *b = mock_fence(test), **fences;
	unsigned int num;

	a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	resv_add(test, &meddler->base, DMA_RESV_USAGE_WRITE);
	meddler->other = b;
	meddler->meddle = meddle_add;
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_fences(obj, USAGE_ALL, &num, &fences));
	KUNIT_EXPECT_NULL(test, meddler->meddle);
	KUNIT_ASSERT_EQ(test, 2, num);
	KUNIT_EXPECT_PTR_EQ(test, a, fences[0]);
	KUNIT_EXPECT_PTR_EQ(test, &meddler->base, fences[1]);
	resv_drop(fences, num);
	KUNIT_EXPECT_EQ(test, 2, fence_refs(a));
	KUNIT_EXPECT_EQ(test, 2, fence_refs(b));
	KUNIT_EXPECT_EQ(test, 2, fence_refs(&meddler->base));
}

static void cve_2023_53181_get_fences_leaves_nothing_stale(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct meddler *meddler = meddler_new(test);
	struct dma_fence *a, **fences;
	unsigned int num;

	resv_add(test, &meddler->base, DMA_RESV_USAGE_WRITE);
	a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	meddler->other = a;
	meddler->meddle = meddle_signal_all;
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_fences(obj, USAGE_ALL, &num, &fences));
	KUNIT_EXPECT_EQ(test, 0, num);
	KUNIT_EXPECT_NULL(test, fences);
	KUNIT_EXPECT_EQ(test, 1, fence_refs(a));
}

static void singleton_of_nothing_is_null(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = ERR_PTR(-EIO);

	dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_singleton(obj, USAGE_ALL, &fence));
	KUNIT_EXPECT_NULL(test, fence);
}

static void singleton_of_one_fence_is_the_fence(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *only = resv_add_new(test, DMA_RESV_USAGE_WRITE), *fence;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_get_singleton(obj, DMA_RESV_USAGE_WRITE, &fence));
	KUNIT_EXPECT_PTR_EQ(test, only, fence);
	KUNIT_EXPECT_EQ(test, 3, fence_refs(fence));
	dma_fence_put(fence);
}

static void singleton_of_several_signals_after_all_of_them(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence, *again, *added[5];
	unsigned int i;

	for (i = 0; i < 5; i++)
		added[i] = resv_add_new(test, i % 4);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_singleton(obj, USAGE_ALL, &fence));
	KUNIT_ASSERT_EQ(test, 0, dma_resv_get_singleton(obj, USAGE_ALL, &again));
	KUNIT_ASSERT_TRUE(test, dma_fence_is_array(fence));
	KUNIT_EXPECT_EQ(test, 5, to_dma_fence_array(fence)->num_fences);
	KUNIT_EXPECT_EQ(test, 1, fence->seqno);
	KUNIT_EXPECT_NE(test, fence->context, again->context);
	dma_fence_put(again);

	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(fence, false, 0));
		dma_fence_signal(added[i]);
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false, LONG_WAIT), 0);
	dma_fence_put(fence);
}

/* Waiting */

static void wait_on_idle_object_returns_the_whole_timeout(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_KERNEL);

	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 1, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, true, 0));
	KUNIT_EXPECT_EQ(test, 1, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, true, 1));
	KUNIT_EXPECT_EQ(test, 55, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, true, 55));
	KUNIT_EXPECT_EQ(test, MAX_SCHEDULE_TIMEOUT,
			dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, true,
					      MAX_SCHEDULE_TIMEOUT));
	KUNIT_EXPECT_EQ(test, MAX_SCHEDULE_TIMEOUT,
			dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, true, ULONG_MAX));
}

static void wait_on_busy_object_times_out(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	unsigned long start;

	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, false, 0));
	start = jiffies;
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, false, 3));
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + 3));
}

static void wait_of_zero_jiffies_does_not_sleep(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *done = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct meddler *meddler = meddler_new(test);

	to_mock_fence(done)->done = true;
	resv_add(test, &meddler->base, DMA_RESV_USAGE_WRITE);
	/* A wait that sleeps makes the fence signal, and would answer 1. */
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, USAGE_ALL, true, 0));
}

static void wait_ends_when_all_fences_have_signalled(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	unsigned int i;
	long left;

	for (i = 0; i < 5; i++)
		resv_add(test, &meddler_new(test)->base, i % 4);
	left = dma_resv_wait_timeout(obj, USAGE_ALL, true, LONG_WAIT);
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_LE(test, left, LONG_WAIT);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, USAGE_ALL));
}

static void wait_includes_what_a_new_list_brings(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct meddler *first = meddler_new(test), *second = meddler_new(test);

	first->meddle = meddle_add;
	first->other = &second->base;
	resv_add(test, &first->base, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(obj, USAGE_ALL, true, LONG_WAIT), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&second->base));
}

static void signal_ends_an_interruptible_wait(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);

	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	resv_interrupt_begin();
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS,
			dma_resv_wait_timeout(obj, USAGE_ALL, true, LONG_WAIT));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, USAGE_ALL, false, 2));
	resv_interrupt_end();
}

static void test_signaled_asks_the_driver_but_enables_nothing(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct mock_fence *mock = to_mock_fence(resv_add_new(test, DMA_RESV_USAGE_WRITE));

	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_KERNEL));
	mock->done = true;
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&mock->enable_count));
	KUNIT_EXPECT_EQ(test, 2, fence_refs(&mock->base));
}

static void deadline_reaches_the_pending_fences_up_to_the_usage(struct kunit *test)
{
	struct dma_fence *fences[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		fences[i] = resv_add_new(test, i % 4);
	for (i = 4; i < 8; i++)
		dma_fence_signal(fences[i]);
	dma_resv_set_deadline(resv_obj(test), DMA_RESV_USAGE_WRITE, 1234);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, i <= DMA_RESV_USAGE_WRITE ? 1234 : 0,
				to_mock_fence(fences[i])->deadline);
}

static void describe_prints_usage_and_fence_but_no_bookkeeping(struct kunit *test)
{
	static const char * const prefix[] = {
		"\tkernel fence:", "\twrite fence:", "\tread fence:",
	};
	const size_t size = 2048;
	struct seq_file seq = { .buf = kunit_kzalloc(test, size, GFP_KERNEL), .size = size };
	struct seq_file want = { .buf = kunit_kzalloc(test, size, GFP_KERNEL), .size = size };
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[4];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	KUNIT_ASSERT_NOT_NULL(test, want.buf);
	for (i = 0; i < 4; i++)
		fences[i] = resv_add_new(test, i);
	dma_fence_signal(fences[DMA_RESV_USAGE_READ]);
	for (i = 0; i < ARRAY_SIZE(prefix); i++) {
		seq_puts(&want, prefix[i]);
		dma_fence_describe(fences[i], &want);
	}

	dma_resv_lock(obj, NULL);
	dma_resv_describe(obj, &seq);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_STREQ(test, want.buf, seq.buf);
}

/* Walking */

static void locked_walk_returns_signalled_fences_without_reference(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *added[8], *fence;
	struct dma_resv_iter cursor;
	enum dma_resv_usage usage;
	unsigned int i, seen;

	for (i = 0; i < 8; i++)
		added[i] = resv_add_new(test, i % 4);
	for (i = 0; i < 8; i += 3)
		dma_fence_signal(added[i]);

	dma_resv_lock(obj, NULL);
	for (usage = DMA_RESV_USAGE_KERNEL; usage <= USAGE_ALL; usage++) {
		seen = 0;
		dma_resv_for_each_fence(&cursor, obj, usage, fence) {
			KUNIT_EXPECT_EQ(test, 2, fence_refs(fence));
			KUNIT_EXPECT_LE(test, dma_resv_iter_usage(&cursor), usage);
			KUNIT_EXPECT_EQ(test, !seen, dma_resv_iter_is_restarted(&cursor));
			KUNIT_EXPECT_PTR_EQ(test, fence,
					    added[seen / (usage + 1) * 4 + seen % (usage + 1)]);
			seen++;
		}
		KUNIT_EXPECT_EQ(test, 2 * (usage + 1), seen);
		dma_resv_iter_end(&cursor);
	}
	KUNIT_EXPECT_EQ(test, 8, resv_count_locked(obj));
	dma_resv_unlock(obj);
}

static void locked_walk_begins_again_on_a_new_list(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *c = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv_iter cursor;

	dma_resv_lock(obj, NULL);
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first(&cursor));
	KUNIT_EXPECT_PTR_EQ(test, b, dma_resv_iter_next(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));

	dma_fence_signal(a);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 200));
	KUNIT_EXPECT_PTR_EQ(test, b, dma_resv_iter_next(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_PTR_EQ(test, c, dma_resv_iter_next(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_NULL(test, dma_resv_iter_next(&cursor));
	dma_resv_iter_end(&cursor);
	dma_resv_unlock(obj);
}

static void unlocked_walk_skips_what_has_signalled(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *added[16], *fence;
	struct dma_resv_iter cursor;
	enum dma_resv_usage usage;
	unsigned int i, seen;

	for (i = 0; i < 16; i++)
		added[i] = resv_add_new(test, i % 4);
	for (i = 0; i < 4; i++) {
		dma_fence_signal(added[i]);
		to_mock_fence(added[i + 8])->done = true;
	}

	for (usage = DMA_RESV_USAGE_KERNEL; usage <= USAGE_ALL; usage++) {
		seen = 0;
		dma_resv_iter_begin(&cursor, obj, usage);
		dma_resv_for_each_fence_unlocked(&cursor, fence) {
			i = seen / (usage + 1) * 8 + seen % (usage + 1) + 4;
			KUNIT_EXPECT_PTR_EQ(test, added[i], fence);
			KUNIT_EXPECT_EQ(test, i % 4, dma_resv_iter_usage(&cursor));
			KUNIT_EXPECT_EQ(test, !seen, dma_resv_iter_is_restarted(&cursor));
			KUNIT_EXPECT_PTR_EQ(test, fence, added[i]);
			KUNIT_EXPECT_EQ(test, 3, fence_refs(fence));
			seen++;
		}
		dma_resv_iter_end(&cursor);
		KUNIT_EXPECT_EQ(test, 2 * (usage + 1), seen);
	}
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, 2, fence_refs(added[i]));
}

static void unlocked_walk_ends_with_no_reference_after_a_break(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ), *fence;
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		break;
	KUNIT_EXPECT_PTR_EQ(test, a, fence);
	KUNIT_EXPECT_EQ(test, 3, fence_refs(a));

	/* A second walk with the same cursor lets go of what the first one had. */
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first_unlocked(&cursor));
	KUNIT_EXPECT_EQ(test, 3, fence_refs(a));
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, 2, fence_refs(a));
}

static void current_fence_of_an_unlocked_walk_outlives_its_slot(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);
	struct dma_fence *later;
	struct dma_resv_iter cursor;
	int alive = mock_fence_alive();

	KUNIT_ASSERT_NOT_NULL(test, fence);
	later = mock_fence_at(test, fence->context, 2);

	/* One critical section, as debugging of mutexes takes slots away after it. */
	dma_resv_lock(obj, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 2));
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, fence, dma_resv_iter_first_unlocked(&cursor));
	dma_resv_add_fence(obj, later, DMA_RESV_USAGE_READ);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, 1, fence_refs(fence));
	KUNIT_EXPECT_EQ(test, alive + 1, mock_fence_alive());
	dma_fence_signal(fence);

	KUNIT_EXPECT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_EQ(test, alive, mock_fence_alive());
	dma_resv_iter_end(&cursor);
}

static void unlocked_walk_begins_again_on_a_new_list(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *c = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first_unlocked(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_PTR_EQ(test, b, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));

	dma_fence_signal(a);
	resv_replace_list(test);
	KUNIT_EXPECT_PTR_EQ(test, b, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, dma_resv_iter_usage(&cursor));
	KUNIT_EXPECT_PTR_EQ(test, c, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));

	dma_fence_signal(b);
	dma_fence_signal(c);
	resv_replace_list(test);
	KUNIT_EXPECT_NULL(test, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
}

static void unlocked_walk_notices_a_new_list_at_an_old_address(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv_iter cursor;
	void *address;
	int tries;

	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first_unlocked(&cursor));
	address = rcu_access_pointer(obj->fences);

	dma_fence_signal(a);
	for (tries = 0; tries < 50; tries++) {
		dma_resv_lock(obj, NULL);
		KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(obj, obj));
		dma_resv_unlock(obj);
		if (rcu_access_pointer(obj->fences) == address)
			break;
		kvfree_rcu_barrier();
	}
	if (tries == 50)
		kunit_info(test, "the allocator did not return the address\n");

	KUNIT_EXPECT_PTR_EQ(test, b, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
}

static void unlocked_walk_goes_on_when_a_slot_is_exchanged(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *c = mock_fence_at(test, b->context, 2);
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first_unlocked(&cursor));
	resv_lock(test, obj);
	dma_resv_replace_fences(obj, b->context, c, DMA_RESV_USAGE_KERNEL);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_PTR_EQ(test, c, dma_resv_iter_next_unlocked(&cursor));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_KERNEL, dma_resv_iter_usage(&cursor));
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
}

static void body_of_an_unlocked_walk_may_lock_the_object(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int seen = 0;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			seen = 0;
		if (++seen == 2 && resv_count(obj) == 2)
			resv_add_new(test, DMA_RESV_USAGE_READ);
		schedule_timeout_uninterruptible(1);
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_GE(test, seen, 2);
}

static struct kunit_case resv_iter_cases[] = {
	KUNIT_CASE(get_fences_returns_the_pending_ones_up_to_the_usage),
	KUNIT_CASE(get_fences_without_any_returns_null_and_zero),
	KUNIT_CASE(get_fences_takes_what_was_there_without_a_leak),
	KUNIT_CASE(cve_2023_53181_get_fences_leaves_nothing_stale),
	KUNIT_CASE(singleton_of_nothing_is_null),
	KUNIT_CASE(singleton_of_one_fence_is_the_fence),
	KUNIT_CASE(singleton_of_several_signals_after_all_of_them),
	KUNIT_CASE(wait_on_idle_object_returns_the_whole_timeout),
	KUNIT_CASE(wait_on_busy_object_times_out),
	KUNIT_CASE(wait_of_zero_jiffies_does_not_sleep),
	KUNIT_CASE(wait_ends_when_all_fences_have_signalled),
	KUNIT_CASE(wait_includes_what_a_new_list_brings),
	KUNIT_CASE(signal_ends_an_interruptible_wait),
	KUNIT_CASE(test_signaled_asks_the_driver_but_enables_nothing),
	KUNIT_CASE(deadline_reaches_the_pending_fences_up_to_the_usage),
	KUNIT_CASE(describe_prints_usage_and_fence_but_no_bookkeeping),
	KUNIT_CASE(locked_walk_returns_signalled_fences_without_reference),
	KUNIT_CASE(locked_walk_begins_again_on_a_new_list),
	KUNIT_CASE(unlocked_walk_skips_what_has_signalled),
	KUNIT_CASE(unlocked_walk_ends_with_no_reference_after_a_break),
	KUNIT_CASE(current_fence_of_an_unlocked_walk_outlives_its_slot),
	KUNIT_CASE(unlocked_walk_begins_again_on_a_new_list),
	KUNIT_CASE(unlocked_walk_notices_a_new_list_at_an_old_address),
	KUNIT_CASE(unlocked_walk_goes_on_when_a_slot_is_exchanged),
	KUNIT_CASE(body_of_an_unlocked_walk_may_lock_the_object),
	{}
};

static struct kunit_suite resv_iter_suite = {
	.name = "dma-resv-iter",
	.init = resv_test_init,
	.exit = resv_test_exit,
	.test_cases = resv_iter_cases,
};

kunit_test_suite(resv_iter_suite);
