// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers may rely on when they change a reservation object.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/dma-resv.h>
#include <linux/kthread.h>

#include "resv-fixture.h"

/* The object itself */

static void new_object_has_nothing_pending(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	enum dma_resv_usage usage;

	for (usage = DMA_RESV_USAGE_KERNEL; usage <= USAGE_ALL; usage++) {
		KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, usage));
		KUNIT_EXPECT_EQ(test, 1, dma_resv_wait_timeout(obj, usage, false, 0));

		dma_resv_iter_begin(&cursor, obj, usage);
		KUNIT_EXPECT_NULL(test, dma_resv_iter_first_unlocked(&cursor));
		KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
		dma_resv_iter_end(&cursor);
	}
	KUNIT_EXPECT_EQ(test, 0, resv_count(obj));
}

static void sizes_are_no_larger_than_before(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_X86_64) || sizeof(struct mutex) > 32)
		kunit_skip(test, "holds on x86-64 without lock debugging");

	KUNIT_EXPECT_LE(test, sizeof(struct dma_resv), 48);
	KUNIT_EXPECT_LE(test, sizeof(struct dma_resv_iter), 48);
}

static void fini_puts_pending_and_signalled_fences(struct kunit *test)
{
	struct dma_fence *a = mock_fence(test), *b = mock_fence(test);
	struct dma_resv obj;

	dma_resv_init(&obj);
	resv_add_to(test, &obj, a, DMA_RESV_USAGE_READ);
	resv_add_to(test, &obj, b, DMA_RESV_USAGE_KERNEL);
	dma_fence_signal(b);
	KUNIT_EXPECT_EQ(test, 2, fence_refs(a));
	KUNIT_EXPECT_EQ(test, 2, fence_refs(b));

	dma_resv_fini(&obj);
	KUNIT_EXPECT_EQ(test, 1, fence_refs(a));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(b));
}

static void writers_wait_for_readers_and_readers_for_writers(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *reader = resv_add_new(test, DMA_RESV_USAGE_READ);

	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, dma_resv_usage_rw(false)));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, dma_resv_usage_rw(true)));

	dma_fence_signal(reader);
	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, dma_resv_usage_rw(false)));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, dma_resv_usage_rw(true)));
}

/* The lock */

/**
 * struct holder - a thread that holds an object's lock until it is told
 * @obj: the object
 * @ctx: the acquire context it is locked under, older than any of the test's
 * @held: the lock is taken
 * @release: let it go
 * @done: it is gone
 */
struct holder {
	struct dma_resv *obj;
	struct ww_acquire_ctx ctx;
	struct completion held, release, done;
};

static int holder_thread(void *data)
{
	struct holder *holder = data;

	ww_acquire_init(&holder->ctx, &reservation_ww_class);
	dma_resv_lock(holder->obj, &holder->ctx);
	complete(&holder->held);
	wait_for_completion(&holder->release);
	dma_resv_unlock(holder->obj);
	ww_acquire_fini(&holder->ctx);
	complete(&holder->done);
	return 0;
}

static void holder_start(struct kunit *test, struct holder *holder,
			 struct dma_resv *obj)
{
	struct task_struct *task;

	holder->obj = obj;
	init_completion(&holder->held);
	init_completion(&holder->release);
	init_completion(&holder->done);
	task = kthread_run(holder_thread, holder, "resv-holder");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&holder->held);
}

static void holder_stop(struct holder *holder)
{
	complete(&holder->release);
	wait_for_completion(&holder->done);
}

static void trylock_fails_while_locked(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct holder holder;

	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(obj));
	holder_start(test, &holder, obj);
	KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(obj));
	KUNIT_EXPECT_FALSE(test, dma_resv_trylock(obj));
	holder_stop(&holder);

	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(obj));
	KUNIT_ASSERT_TRUE(test, dma_resv_trylock(obj));
	KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(obj));
	KUNIT_EXPECT_PTR_EQ(test, NULL, dma_resv_locking_ctx(obj));
	dma_resv_unlock(obj);
}

static void locking_twice_in_a_context_is_ealready(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_lock(obj, &ctx));
	KUNIT_EXPECT_PTR_EQ(test, &ctx, dma_resv_locking_ctx(obj));
	KUNIT_EXPECT_EQ(test, -EALREADY, dma_resv_lock(obj, &ctx));
	KUNIT_EXPECT_EQ(test, -EALREADY, dma_resv_lock_interruptible(obj, &ctx));
	dma_resv_unlock(obj);
	ww_acquire_fini(&ctx);
}

/* Locks @own under @ctx, then meets the older context that holds @contended. */
static void back_off(struct kunit *test, struct dma_resv *own,
		     struct dma_resv *contended, struct ww_acquire_ctx *ctx,
		     bool interruptible)
{
	KUNIT_EXPECT_EQ(test, 0, dma_resv_lock(own, ctx));
	if (interruptible)
		KUNIT_EXPECT_EQ(test, -EDEADLK,
				dma_resv_lock_interruptible(contended, ctx));
	else
		KUNIT_EXPECT_EQ(test, -EDEADLK, dma_resv_lock(contended, ctx));
	dma_resv_unlock(own);
}

static void younger_context_backs_off_and_waits_for_older(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct ww_acquire_ctx ctx;
	struct holder holder;
	struct dma_resv own;

	dma_resv_init(&own);
	holder_start(test, &holder, obj);
	ww_acquire_init(&ctx, &reservation_ww_class);

	back_off(test, &own, obj, &ctx, false);
	complete(&holder.release);
	dma_resv_lock_slow(obj, &ctx);
	KUNIT_EXPECT_PTR_EQ(test, &ctx, dma_resv_locking_ctx(obj));

	dma_resv_unlock(obj);
	ww_acquire_fini(&ctx);
	wait_for_completion(&holder.done);
	dma_resv_fini(&own);
}

static void signal_interrupts_the_interruptible_locks(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct ww_acquire_ctx ctx;
	struct holder holder;
	struct dma_resv own;

	dma_resv_init(&own);
	holder_start(test, &holder, obj);
	ww_acquire_init(&ctx, &reservation_ww_class);
	back_off(test, &own, obj, &ctx, true);

	resv_interrupt_begin();
	KUNIT_EXPECT_EQ(test, -EINTR, dma_resv_lock_interruptible(obj, NULL));
	KUNIT_EXPECT_EQ(test, -EINTR, dma_resv_lock_slow_interruptible(obj, &ctx));
	resv_interrupt_end();

	complete(&holder.release);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_lock_slow_interruptible(obj, &ctx));
	dma_resv_unlock(obj);
	ww_acquire_fini(&ctx);
	wait_for_completion(&holder.done);
	dma_resv_fini(&own);
}

/* Reserving */

static void reserved_fences_are_added_without_a_new_list(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	unsigned int i;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_lock(obj, NULL);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_reserve_fences(obj, 50));
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	dma_resv_iter_first_unlocked(&cursor);

	for (i = 0; i < 50; i++)
		dma_resv_add_fence(obj, mock_fence(test), DMA_RESV_USAGE_READ);

	KUNIT_EXPECT_FALSE(test, resv_list_was_replaced(&cursor));
	KUNIT_EXPECT_EQ(test, 51, resv_count_locked(obj));
	dma_resv_iter_end(&cursor);
	dma_resv_unlock(obj);
}

static void reserving_twice_does_not_add_up(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_lock(obj, NULL);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_reserve_fences(obj, 500));
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	dma_resv_iter_first_unlocked(&cursor);

	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 500));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));

	KUNIT_EXPECT_FALSE(test, resv_list_was_replaced(&cursor));
	dma_resv_iter_end(&cursor);
	dma_resv_unlock(obj);
}

static void too_many_slots_are_enomem_and_change_nothing(struct kunit *test)
{
	static const unsigned int absurd[] = {
		INT_MAX / 2, INT_MAX, UINT_MAX - 1, UINT_MAX,
	};
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_resv_iter cursor;
	unsigned int i;

	dma_fence_signal(b);
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	KUNIT_EXPECT_PTR_EQ(test, a, dma_resv_iter_first_unlocked(&cursor));

	dma_resv_lock(obj, NULL);
	for (i = 0; i < ARRAY_SIZE(absurd); i++)
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				dma_resv_reserve_fences(obj, absurd[i]));
	KUNIT_EXPECT_EQ(test, 2, resv_count_locked(obj));
	dma_resv_unlock(obj);

	KUNIT_EXPECT_FALSE(test, resv_list_was_replaced(&cursor));
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, a));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_BOOKKEEP, resv_usage_of(test, obj, b));
}

static void new_list_has_the_pending_fences_in_their_order(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[40], *fence;
	struct dma_resv_iter cursor;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, i % 4);
	for (i = 0; i < ARRAY_SIZE(fences); i += 2)
		dma_fence_signal(fences[i]);
	resv_replace_list(test);

	i = 1;
	dma_resv_lock(obj, NULL);
	dma_resv_for_each_fence(&cursor, obj, USAGE_ALL, fence) {
		KUNIT_EXPECT_PTR_EQ(test, fences[i], fence);
		KUNIT_EXPECT_EQ(test, i % 4, dma_resv_iter_usage(&cursor));
		i += 2;
	}
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(fences) + 1, i);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_EQ(test, i % 2 ? 2 : 1, fence_refs(fences[i]));
}

static void new_list_drops_what_drivers_say_has_signalled(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);

	to_mock_fence(fence)->done = true;
	resv_replace_list(test);
	KUNIT_EXPECT_EQ(test, 0, resv_count(resv_obj(test)));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(fence));
}

static void same_fence_with_two_usages_survives_a_new_list(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	resv_add(test, fence, DMA_RESV_USAGE_KERNEL);
	resv_add(test, fence, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, 2, resv_count(resv_obj(test)));
	resv_replace_list(test);
	KUNIT_EXPECT_EQ(test, 2, resv_count(resv_obj(test)));
	KUNIT_EXPECT_EQ(test, 3, fence_refs(fence));

	dma_fence_signal(fence);
	resv_replace_list(test);
	KUNIT_EXPECT_EQ(test, 0, resv_count(resv_obj(test)));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(fence));
}

static void slots_end_with_the_lock_when_mutexes_are_debugged(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_lock(obj, NULL);
	KUNIT_ASSERT_EQ(test, 0, dma_resv_reserve_fences(obj, 10));
	dma_resv_unlock(obj);
	dma_resv_iter_begin(&cursor, obj, USAGE_ALL);
	dma_resv_iter_first_unlocked(&cursor);

	dma_resv_lock(obj, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_DEBUG_MUTEXES),
			resv_list_was_replaced(&cursor));
	dma_resv_iter_end(&cursor);
}

/* Adding */

static void add_takes_its_own_reference(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_READ);

	KUNIT_EXPECT_EQ(test, 2, fence_refs(fence));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, fence));
}

static void fences_of_other_contexts_stay(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence;
	unsigned int i;

	/* Contexts that differ in a single bit, so that any hash has collisions. */
	for (i = 0; i < 64; i++) {
		fence = mock_fence_at(test, context ^ BIT_ULL(i), 1);
		resv_add(test, fence, DMA_RESV_USAGE_WRITE);
	}
	KUNIT_EXPECT_EQ(test, 64, resv_count(obj));
	for (i = 0; i < 64; i++) {
		fence = mock_fence_at(test, context ^ BIT_ULL(i), 2);
		resv_add(test, fence, DMA_RESV_USAGE_WRITE);
		KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, fence));
	}
	KUNIT_EXPECT_EQ(test, 64, resv_count(obj));
}

enum age { OLDER, SAME, LATER };

/* One cell of the matrix: what happens to a fence when another one is added. */
static void check_replacement(struct kunit *test, enum dma_resv_usage old_usage,
			      enum dma_resv_usage usage, enum age age,
			      bool signalled)
{
	bool replaces = signalled || (old_usage >= usage && age != OLDER);
	struct dma_fence *old = mock_fence_at(test, dma_fence_context_alloc(1), 10);
	struct dma_fence *fence = old;
	struct dma_resv obj;

	if (age != SAME)
		fence = mock_fence_at(test, old->context, age == LATER ? 11 : 9);
	dma_resv_init(&obj);
	resv_add_to(test, &obj, old, old_usage);
	if (signalled)
		dma_fence_signal(old);
	resv_add_to(test, &obj, fence, usage);

	KUNIT_EXPECT_EQ_MSG(test, replaces ? 1 : 2, resv_count(&obj),
			    "old usage %d, new %d, age %d, old signalled %d",
			    old_usage, usage, age, signalled);
	if (replaces || age != SAME)
		KUNIT_EXPECT_EQ(test, usage, resv_usage_of(test, &obj, fence));
	if (age != SAME)
		KUNIT_EXPECT_EQ(test, replaces ? -1 : (int)old_usage,
				resv_usage_of(test, &obj, old));
	dma_resv_fini(&obj);
	KUNIT_EXPECT_EQ(test, 1, fence_refs(old));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(fence));
}

static void fence_replaces_what_nobody_needs_to_wait_for_any_more(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 4 * 4 * 3 * 2; i++)
		check_replacement(test, i % 4, i / 4 % 4, i / 16 % 3, i / 48);
}

static void cve_2022_49935_older_fence_does_not_replace_a_newer_one(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *newer = mock_fence_at(test, dma_fence_context_alloc(1), 2);
	struct dma_fence *older = mock_fence_at(test, newer->context, 1);

	resv_add(test, newer, DMA_RESV_USAGE_WRITE);
	resv_add(test, older, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(older);

	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, newer));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_wait_timeout(obj, USAGE_ALL, false, 0));
}

static void seqno_that_wraps_is_later(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *before = mock_fence_at(test, context, U32_MAX);
	struct dma_fence *after = mock_fence_at(test, context, 0);

	resv_add(test, before, DMA_RESV_USAGE_WRITE);
	resv_add(test, after, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, -1, resv_usage_of(test, obj, before));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, after));
}

static void search_goes_on_behind_a_fence_that_must_stay(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *kernel = mock_fence_at(test, context, 1);
	struct dma_fence *reader = mock_fence_at(test, context, 2);
	struct dma_fence *next = mock_fence_at(test, context, 3);

	resv_add(test, kernel, DMA_RESV_USAGE_KERNEL);
	resv_add(test, reader, DMA_RESV_USAGE_READ);
	resv_add(test, next, DMA_RESV_USAGE_READ);

	KUNIT_EXPECT_EQ(test, 2, resv_count(obj));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_KERNEL, resv_usage_of(test, obj, kernel));
	KUNIT_EXPECT_EQ(test, -1, resv_usage_of(test, obj, reader));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, next));
}

static void signalled_fence_gives_its_slot_to_another_context(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *old[4], *fence;
	unsigned int i;

	for (i = 0; i < 4; i++)
		old[i] = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	for (i = 0; i < 4; i++) {
		dma_fence_signal(old[(i + 2) % 4]);
		fence = resv_add_new(test, DMA_RESV_USAGE_READ);
		KUNIT_EXPECT_EQ(test, 4, resv_count(obj));
		KUNIT_EXPECT_EQ(test, 1, fence_refs(old[(i + 2) % 4]));
		KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, fence));
	}
}

static void context_in_a_reused_slot_is_found_again(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *first, *second;

	dma_fence_signal(old);
	first = resv_add_new(test, DMA_RESV_USAGE_READ);
	second = mock_fence_at(test, first->context, first->seqno + 1);
	resv_add(test, second, DMA_RESV_USAGE_READ);

	KUNIT_EXPECT_EQ(test, 1, resv_count(obj));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, second));
}

static void add_does_not_ask_the_drivers_of_old_fences(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct meddler *meddler = meddler_new(test);
	unsigned int i;

	meddler->meddle = meddle_replace_list;
	dma_resv_lock(obj, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 30));
	dma_resv_add_fence(obj, &meddler->base, DMA_RESV_USAGE_WRITE);
	for (i = 0; i < 20; i++)
		dma_resv_add_fence(obj, mock_fence(test), DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(obj);

	KUNIT_EXPECT_NOT_NULL(test, meddler->meddle);
	meddler->meddle = NULL;
}

static void list_stays_short_when_fences_signal_in_time(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	unsigned int i, longest = 0;

	for (i = 0; i < 20; i++)
		resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	for (i = 0; i < 1000; i++) {
		struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);

		KUNIT_ASSERT_NOT_NULL(test, fence);
		resv_add(test, fence, DMA_RESV_USAGE_WRITE);
		dma_fence_signal(fence);
		dma_fence_put(fence);
		longest = max(longest, resv_count(obj));
	}
	KUNIT_EXPECT_LE(test, longest, 80);
}

/* Replacing */

static void replace_exchanges_all_fences_of_the_context_only(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *a = mock_fence_at(test, context, 1);
	struct dma_fence *b = mock_fence_at(test, context, 2);
	struct dma_fence *c = mock_fence_at(test, context, 3);
	struct dma_fence *other = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *fence = mock_fence(test);

	resv_add(test, a, DMA_RESV_USAGE_KERNEL);
	resv_add(test, b, DMA_RESV_USAGE_READ);
	resv_add(test, c, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_signal(b);

	dma_resv_lock(obj, NULL);
	dma_resv_replace_fences(obj, context, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(obj);

	KUNIT_EXPECT_EQ(test, 4, resv_count(obj));
	KUNIT_EXPECT_EQ(test, 4, fence_refs(fence));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(a));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(b));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(c));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, other));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_READ));
}

static void replace_without_such_a_context_does_nothing(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = mock_fence(test), *other;
	u64 context = dma_fence_context_alloc(1);

	dma_resv_lock(obj, NULL);
	dma_resv_replace_fences(obj, context, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, 0, resv_count(obj));

	other = mock_fence_at(test, context + 64, 1);
	resv_add(test, other, DMA_RESV_USAGE_WRITE);
	dma_resv_lock(obj, NULL);
	dma_resv_replace_fences(obj, context, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, other));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(fence));
}

static void replacing_fence_is_found_by_its_own_context(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *later = mock_fence_at(test, fence->context, 2);

	dma_resv_lock(obj, NULL);
	dma_resv_replace_fences(obj, old->context, fence, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_replace_fences(obj, fence->context, later, DMA_RESV_USAGE_READ);
	dma_resv_unlock(obj);

	KUNIT_EXPECT_EQ(test, 1, resv_count(obj));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, later));
}

static void replace_in_a_locked_walk_goes_over_each_slot_once(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *stub = dma_fence_get_stub(), *fence;
	struct dma_resv_iter cursor;
	unsigned int i, steps = 0;

	for (i = 0; i < 10; i++)
		resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);

	dma_resv_lock(obj, NULL);
	dma_resv_for_each_fence(&cursor, obj, USAGE_ALL, fence) {
		dma_resv_replace_fences(obj, fence->context, stub, USAGE_ALL);
		steps++;
	}
	KUNIT_EXPECT_EQ(test, 10, resv_count_locked(obj));
	dma_resv_unlock(obj);
	dma_fence_put(stub);

	KUNIT_EXPECT_EQ(test, 10, steps);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, USAGE_ALL));
}

/* Copying */

static void copy_takes_over_pending_fences_with_their_usages(struct kunit *test)
{
	struct dma_resv *src = resv_obj(test);
	struct dma_fence *own = mock_fence(test);
	struct dma_fence *fences[8];
	struct dma_resv dst;
	unsigned int i;

	for (i = 0; i < 8; i++)
		fences[i] = resv_add_new(test, i % 4);
	for (i = 4; i < 8; i++)
		dma_fence_signal(fences[i]);
	dma_resv_init(&dst);
	resv_add_to(test, &dst, own, DMA_RESV_USAGE_WRITE);
	resv_add_to(test, &dst, fences[2], 2);

	dma_resv_lock(&dst, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(&dst, src));
	dma_resv_unlock(&dst);

	KUNIT_EXPECT_EQ(test, 4, resv_count(&dst));
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, i, resv_usage_of(test, &dst, fences[i]));
		KUNIT_EXPECT_EQ(test, 3, fence_refs(fences[i]));
	}
	KUNIT_EXPECT_EQ(test, 1, fence_refs(own));
	KUNIT_EXPECT_EQ(test, 8, resv_count(src));
	dma_resv_fini(&dst);
	KUNIT_EXPECT_EQ(test, 2, fence_refs(fences[2]));
}

static void copy_of_nothing_empties_the_object(struct kunit *test)
{
	struct dma_resv *dst = resv_obj(test);
	struct dma_fence *own = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_resv src;

	dma_resv_init(&src);
	dma_resv_lock(dst, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(dst, &src));
	dma_resv_unlock(dst);
	KUNIT_EXPECT_EQ(test, 0, resv_count(dst));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(own));

	dma_resv_lock(&src, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(&src, dst));
	KUNIT_EXPECT_EQ(test, 0, resv_count_locked(&src));
	dma_resv_unlock(&src);
	dma_resv_fini(&src);
}

static void copy_keeps_reserved_slots(struct kunit *test)
{
	struct dma_resv *dst = resv_obj(test);
	struct dma_resv_iter cursor;
	struct dma_resv src;
	unsigned int i, left;

	dma_resv_init(&src);
	dma_resv_lock(dst, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(dst, 30));

	/* Once from an object without, once from one with fences. */
	for (left = 30; left; left -= 15) {
		KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(dst, &src));
		dma_resv_add_fence(dst, mock_fence(test), DMA_RESV_USAGE_WRITE);
		dma_resv_iter_begin(&cursor, dst, USAGE_ALL);
		dma_resv_iter_first_unlocked(&cursor);
		for (i = 1; i < 15; i++)
			dma_resv_add_fence(dst, mock_fence(test), DMA_RESV_USAGE_WRITE);
		KUNIT_EXPECT_FALSE(test, resv_list_was_replaced(&cursor));
		dma_resv_iter_end(&cursor);
		for (i = 0; i < 10; i++)
			resv_add_to(test, &src, mock_fence(test), DMA_RESV_USAGE_READ);
	}
	KUNIT_EXPECT_EQ(test, 10 + 15, resv_count_locked(dst));
	dma_resv_unlock(dst);
	dma_resv_fini(&src);
}

static void copy_takes_what_was_there_when_the_source_changes(struct kunit *test)
{
	struct dma_resv *src = resv_obj(test);
	struct meddler *meddler = meddler_new(test);
	struct dma_fence *a, *b = mock_fence(test);
	struct dma_resv dst;

	resv_add(test, &meddler->base, DMA_RESV_USAGE_KERNEL);
	a = resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_init(&dst);
	dma_resv_lock(&dst, NULL);
	meddler->meddle = meddle_add;
	meddler->other = b;
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(&dst, src));
	KUNIT_EXPECT_NULL(test, meddler->meddle);
	KUNIT_EXPECT_EQ(test, 2, resv_count_locked(&dst));
	KUNIT_EXPECT_EQ(test, 3, fence_refs(a));
	KUNIT_EXPECT_EQ(test, 2, fence_refs(b));

	meddler->meddle = meddle_signal_all;
	meddler->other = a;
	dma_fence_signal(b);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(&dst, src));
	KUNIT_EXPECT_NULL(test, meddler->meddle);
	KUNIT_EXPECT_EQ(test, 0, resv_count_locked(&dst));
	dma_resv_unlock(&dst);
	dma_resv_fini(&dst);
}

static struct kunit_case resv_cases[] = {
	KUNIT_CASE(new_object_has_nothing_pending),
	KUNIT_CASE(sizes_are_no_larger_than_before),
	KUNIT_CASE(fini_puts_pending_and_signalled_fences),
	KUNIT_CASE(writers_wait_for_readers_and_readers_for_writers),
	KUNIT_CASE(trylock_fails_while_locked),
	KUNIT_CASE(locking_twice_in_a_context_is_ealready),
	KUNIT_CASE(younger_context_backs_off_and_waits_for_older),
	KUNIT_CASE(signal_interrupts_the_interruptible_locks),
	KUNIT_CASE(reserved_fences_are_added_without_a_new_list),
	KUNIT_CASE(reserving_twice_does_not_add_up),
	KUNIT_CASE(too_many_slots_are_enomem_and_change_nothing),
	KUNIT_CASE(new_list_has_the_pending_fences_in_their_order),
	KUNIT_CASE(new_list_drops_what_drivers_say_has_signalled),
	KUNIT_CASE(same_fence_with_two_usages_survives_a_new_list),
	KUNIT_CASE(slots_end_with_the_lock_when_mutexes_are_debugged),
	KUNIT_CASE(add_takes_its_own_reference),
	KUNIT_CASE(fences_of_other_contexts_stay),
	KUNIT_CASE(fence_replaces_what_nobody_needs_to_wait_for_any_more),
	KUNIT_CASE(cve_2022_49935_older_fence_does_not_replace_a_newer_one),
	KUNIT_CASE(seqno_that_wraps_is_later),
	KUNIT_CASE(search_goes_on_behind_a_fence_that_must_stay),
	KUNIT_CASE(signalled_fence_gives_its_slot_to_another_context),
	KUNIT_CASE(context_in_a_reused_slot_is_found_again),
	KUNIT_CASE(add_does_not_ask_the_drivers_of_old_fences),
	KUNIT_CASE(list_stays_short_when_fences_signal_in_time),
	KUNIT_CASE(replace_exchanges_all_fences_of_the_context_only),
	KUNIT_CASE(replace_without_such_a_context_does_nothing),
	KUNIT_CASE(replacing_fence_is_found_by_its_own_context),
	KUNIT_CASE(replace_in_a_locked_walk_goes_over_each_slot_once),
	KUNIT_CASE(copy_takes_over_pending_fences_with_their_usages),
	KUNIT_CASE(copy_of_nothing_empties_the_object),
	KUNIT_CASE(copy_keeps_reserved_slots),
	KUNIT_CASE(copy_takes_what_was_there_when_the_source_changes),
	{}
};

static struct kunit_suite resv_suite = {
	.name = "dma-resv",
	.init = resv_test_init,
	.exit = resv_test_exit,
	.test_cases = resv_cases,
};

kunit_test_suite(resv_suite);
