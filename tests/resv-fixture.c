// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reservation object to test, and what the suites do with it most.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "resv-fixture.h"

struct dma_resv *resv_obj(struct kunit *test)
{
	struct resv_test *t = test->priv;

	return &t->obj;
}

void resv_lock(struct kunit *test, struct dma_resv *obj)
{
	KUNIT_ASSERT_TRUE(test, dma_resv_trylock(obj));
}

void resv_add_to(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence,
		 enum dma_resv_usage usage)
{
	resv_lock(test, obj);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));
	dma_resv_add_fence(obj, fence, usage);
	dma_resv_unlock(obj);
}

void resv_add(struct kunit *test, struct dma_fence *fence, enum dma_resv_usage usage)
{
	resv_add_to(test, resv_obj(test), fence, usage);
}

struct dma_fence *resv_add_new(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = mock_fence(test);

	resv_add(test, fence, usage);
	return fence;
}

void resv_replace_list(struct kunit *test)
{
	struct resv_test *t = test->priv;

	t->room = 4 * t->room + 64;
	resv_lock(test, &t->obj);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(&t->obj, t->room));
	dma_resv_unlock(&t->obj);
}

unsigned int resv_count_locked(struct dma_resv *obj)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_for_each_fence(&cursor, obj, USAGE_ALL, fence)
		count++;
	return count;
}

unsigned int resv_count(struct dma_resv *obj)
{
	unsigned int count;

	dma_resv_lock(obj, NULL);
	count = resv_count_locked(obj);
	dma_resv_unlock(obj);
	return count;
}

int resv_usage_of(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence)
{
	struct dma_resv_iter cursor;
	struct dma_fence *other;
	int usage = -1;

	dma_resv_lock(obj, NULL);
	dma_resv_for_each_fence(&cursor, obj, USAGE_ALL, other) {
		if (other != fence)
			continue;
		KUNIT_EXPECT_EQ(test, -1, usage);
		usage = dma_resv_iter_usage(&cursor);
	}
	dma_resv_unlock(obj);
	return usage;
}

unsigned int fence_refs(struct dma_fence *fence)
{
	return kref_read(&fence->refcount);
}

static const char *meddler_name(struct dma_fence *fence)
{
	return "meddler";
}

static bool meddler_signaled(struct dma_fence *fence)
	__must_hold(RCU)
{
	struct meddler *meddler = container_of(fence, struct meddler, base);
	void (*meddle)(struct meddler *meddler) = meddler->meddle;

	meddler->meddle = NULL;
	if (meddle) {
		/* Stands for another thread, which is free to sleep. */
		rcu_read_unlock();
		meddle(meddler);
		rcu_read_lock();
	}
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

static void meddler_signal(struct work_struct *work)
{
	dma_fence_signal(&container_of(work, struct meddler, signal)->base);
}

static bool meddler_enable_signaling(struct dma_fence *fence)
{
	schedule_work(&container_of(fence, struct meddler, base)->signal);
	return true;
}

static const struct dma_fence_ops meddler_ops = {
	.get_driver_name = meddler_name,
	.get_timeline_name = meddler_name,
	.enable_signaling = meddler_enable_signaling,
	.signaled = meddler_signaled,
};

static void meddler_finish(void *data)
{
	struct meddler *meddler = data;

	cancel_work_sync(&meddler->signal);
	dma_fence_signal(&meddler->base);
	dma_fence_put(&meddler->base);
}

struct meddler *meddler_new(struct kunit *test)
{
	struct meddler *meddler = kzalloc(sizeof(*meddler), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, meddler);
	spin_lock_init(&meddler->lock);
	INIT_WORK(&meddler->signal, meddler_signal);
	meddler->test = test;
	dma_fence_init(&meddler->base, &meddler_ops, &meddler->lock,
		       dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, meddler_finish,
							   meddler));
	return meddler;
}

void meddle_replace_list(struct meddler *meddler)
{
	resv_replace_list(meddler->test);
}

void meddle_signal_all(struct meddler *meddler)
{
	dma_fence_signal(meddler->other);
	dma_fence_signal(&meddler->base);
	resv_replace_list(meddler->test);
}

void meddle_add(struct meddler *meddler)
{
	resv_add(meddler->test, meddler->other, DMA_RESV_USAGE_WRITE);
	resv_replace_list(meddler->test);
}

void resv_interrupt_begin(void)
{
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
}

void resv_interrupt_end(void)
{
	disallow_signal(SIGUSR1);
	flush_signals(current);
}

bool resv_list_was_replaced(struct dma_resv_iter *cursor)
{
	dma_resv_iter_next_unlocked(cursor);
	return dma_resv_iter_is_restarted(cursor);
}

void resv_drop(struct dma_fence **fences, unsigned int num)
{
	while (num--)
		dma_fence_put(fences[num]);
	kfree(fences);
}

/* Registered before any fence, so it runs when all of them are gone. */
static void check_for_leaks(void *data)
{
	struct kunit *test = data;
	struct resv_test *t = test->priv;
	unsigned long end = jiffies + HZ;

	/* An array may put its fences a moment after it has signalled. */
	while (mock_fence_alive() > t->alive && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_LE(test, mock_fence_alive(), t->alive);
}

int resv_test_init(struct kunit *test)
{
	struct resv_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	dma_resv_init(&t->obj);
	t->alive = mock_fence_alive();
	return kunit_add_action_or_reset(test, check_for_leaks, test);
}

void resv_test_exit(struct kunit *test)
{
	if (test->priv)
		dma_resv_fini(resv_obj(test));
}
