// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of a reservation object while a writer works on it.
 */
#include <kunit/test.h>
#include <linux/dma-resv.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "resv-fixture.h"

/* Readers against a writer */

#define STRESS_CONTEXTS	24
#define STRESS_ROUNDS	3000

/**
 * struct stress - an object that is changed and read at the same time
 * @obj: the object
 * @context: the first of %STRESS_CONTEXTS + 1 contexts; @pinned has the last
 * @pinned: in the object and pending all the time
 * @seqno: of the newest fence; writer only
 * @current_fence: the fence each context had last, referenced; writer only
 * @stop: the writer is through
 * @missed: a reader did not find @pinned, or not once
 * @wrong: a reader found a fence that was never added
 * @backwards: a reader found an older fence than it had found before
 */
struct stress {
	struct dma_resv obj;
	u64 context;
	struct dma_fence *pinned;
	u64 seqno;
	struct dma_fence *current_fence[STRESS_CONTEXTS];
	bool stop;
	atomic_t missed, wrong, backwards;
};

/**
 * struct stress_reader - one reader, and what it remembers
 * @stress: what it reads
 * @task: its thread
 * @newest: the latest seqno it has found in each context
 * @walks: how often it went over all fences
 */
struct stress_reader {
	struct stress *stress;
	struct task_struct *task;
	u64 newest[STRESS_CONTEXTS + 1];
	unsigned long walks;
};

static void stress_look_at(struct stress_reader *reader, struct dma_fence *fence)
{
	struct stress *stress = reader->stress;
	u64 index = fence->context - stress->context;

	if (fence->ops != &mock_fence_ops || index > STRESS_CONTEXTS) {
		atomic_inc(&stress->wrong);
		return;
	}
	if (fence->seqno < reader->newest[index])
		atomic_inc(&stress->backwards);
	reader->newest[index] = fence->seqno;
}

static void stress_walk(struct stress_reader *reader)
{
	struct stress *stress = reader->stress;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int pinned = 0;

	dma_resv_iter_begin(&cursor, &stress->obj, USAGE_ALL);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			pinned = 0;
		pinned += fence == stress->pinned;
		stress_look_at(reader, fence);
	}
	dma_resv_iter_end(&cursor);
	if (pinned != 1)
		atomic_inc(&stress->missed);
}

static void stress_query(struct stress *stress)
{
	struct dma_fence **fences;
	unsigned int i, num, pinned = 0;

	if (dma_resv_test_signaled(&stress->obj, USAGE_ALL) ||
	    dma_resv_wait_timeout(&stress->obj, USAGE_ALL, false, 0))
		atomic_inc(&stress->missed);
	if (dma_resv_get_fences(&stress->obj, USAGE_ALL, &num, &fences))
		return;
	for (i = 0; i < num; i++)
		pinned += fences[i] == stress->pinned;
	if (pinned != 1)
		atomic_inc(&stress->missed);
	resv_drop(fences, num);
}

static int stress_reader_thread(void *data)
{
	struct stress_reader *reader = data;

	while (!kthread_should_stop()) {
		stress_walk(reader);
		if (reader->walks++ % 4 == 0)
			stress_query(reader->stress);
		/* One CPU without preemption must serve the others as well. */
		if (reader->walks % 16 == 0)
			schedule_timeout_uninterruptible(1);
		cond_resched();
	}
	return 0;
}

/* Adds a fence to a context, and signals the one it had. */
static bool stress_add(struct stress *stress, unsigned int round)
{
	unsigned int index = round * 7 % STRESS_CONTEXTS;
	struct dma_fence *old = stress->current_fence[index];
	struct dma_fence *fence;

	fence = mock_fence_new(stress->context + index, ++stress->seqno);
	if (!fence)
		return false;
	if (dma_resv_reserve_fences(&stress->obj, 1 + round % 3)) {
		dma_fence_put(fence);
		return false;
	}
	dma_resv_add_fence(&stress->obj, fence, round % 2 ? DMA_RESV_USAGE_WRITE :
							   DMA_RESV_USAGE_READ);
	stress->current_fence[index] = fence;
	if (old) {
		dma_fence_signal(old);
		dma_fence_put(old);
	}
	return true;
}

static bool stress_change(struct stress *stress, unsigned int round)
{
	bool ok = true;

	dma_resv_lock(&stress->obj, NULL);
	if (round % 50 == 49)
		ok = !dma_resv_copy_fences(&stress->obj, &stress->obj);
	if (round % 64 == 63)
		dma_resv_replace_fences(&stress->obj, stress->pinned->context,
					stress->pinned, DMA_RESV_USAGE_BOOKKEEP);
	ok = ok && stress_add(stress, round);
	dma_resv_unlock(&stress->obj);
	return ok;
}

static void stress_end(struct stress *stress)
{
	unsigned int i;

	for (i = 0; i < STRESS_CONTEXTS; i++) {
		if (!stress->current_fence[i])
			continue;
		dma_fence_signal(stress->current_fence[i]);
		dma_fence_put(stress->current_fence[i]);
	}
	dma_resv_fini(&stress->obj);
}

static void cve_2025_38095_readers_miss_nothing_while_a_writer_works(struct kunit *test)
{
	struct stress_reader readers[2] = {};
	struct stress *stress;
	unsigned int i;

	stress = kunit_kzalloc(test, sizeof(*stress), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stress);
	dma_resv_init(&stress->obj);
	stress->context = dma_fence_context_alloc(STRESS_CONTEXTS + 1);
	stress->pinned = mock_fence_at(test, stress->context + STRESS_CONTEXTS, 1);
	resv_add_to(test, &stress->obj, stress->pinned, DMA_RESV_USAGE_BOOKKEEP);

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].stress = stress;
		readers[i].task = kthread_run(stress_reader_thread, &readers[i],
					      "resv-reader%u", i);
	}
	for (i = 0; i < STRESS_ROUNDS; i++) {
		if (!stress_change(stress, i)) {
			KUNIT_FAIL(test, "no memory in round %u", i);
			break;
		}
		if (i % 32 == 0)
			schedule_timeout_uninterruptible(1);
	}
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		if (IS_ERR(readers[i].task)) {
			KUNIT_FAIL(test, "no thread");
			continue;
		}
		kthread_stop(readers[i].task);
		KUNIT_EXPECT_GT(test, readers[i].walks, 20);
	}
	stress_end(stress);

	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stress->missed));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stress->wrong));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&stress->backwards));
	KUNIT_EXPECT_EQ(test, 1, fence_refs(stress->pinned));
}

static struct kunit_case resv_stress_cases[] = {
	KUNIT_CASE_SLOW(cve_2025_38095_readers_miss_nothing_while_a_writer_works),
	{}
};

static struct kunit_suite resv_stress_suite = {
	.name = "dma-resv-stress",
	.init = resv_test_init,
	.exit = resv_test_exit,
	.test_cases = resv_stress_cases,
};

kunit_test_suite(resv_stress_suite);
