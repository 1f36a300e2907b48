// SPDX-License-Identifier: GPL-2.0-only
/*
 * What containers put off until they are outside of all locks.
 */
#include <linux/irqflags.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

#define COUNT 8

/* Arrays over one fence each, so that each signals after its fence has. */
static void arrays_over(struct kunit *test, struct dma_fence **fences,
			struct dma_fence_array **arrays)
{
	unsigned int i;

	for (i = 0; i < COUNT; i++)
		arrays[i] = mock_array(test, &fences[i], 1, false);
}

static void what_was_put_off_first_is_done_first(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, COUNT);
	struct dma_fence_array *arrays[COUNT];
	struct mock_callback *callbacks[COUNT];
	unsigned long flags;
	unsigned int i;

	arrays_over(test, fences, arrays);
	for (i = 0; i < COUNT; i++)
		callbacks[i] = mock_callback(test, &arrays[i]->base);

	/* All of them wait before the first one is dealt with. */
	local_irq_save(flags);
	for (i = 0; i < COUNT; i++)
		dma_fence_signal(fences[COUNT - 1 - i]);
	local_irq_restore(flags);

	for (i = 0; i < COUNT; i++)
		KUNIT_ASSERT_TRUE(test, mock_fence_signals(&arrays[i]->base));
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_EQ(test, callbacks[COUNT - 1 - i]->turn, i + 1);
}

/* A callback that lets the next container become ready. */
struct signal_next {
	struct dma_fence_cb cb;
	struct dma_fence *next;
};

static void signal_next_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	dma_fence_signal(container_of(cb, struct signal_next, cb)->next);
}

static void what_is_put_off_meanwhile_is_done_too(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, COUNT);
	struct dma_fence_array *arrays[COUNT];
	static struct signal_next next[COUNT - 1];
	unsigned int i;

	arrays_over(test, fences, arrays);
	dma_fence_enable_sw_signaling(&arrays[COUNT - 1]->base);
	for (i = 0; i < COUNT - 1; i++) {
		next[i].next = fences[i + 1];
		KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(&arrays[i]->base, &next[i].cb,
								signal_next_func));
	}

	dma_fence_signal(fences[0]);
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_TRUE(test, mock_fence_signals(&arrays[i]->base));
}

static void what_is_put_off_may_be_released_by_it(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence_array *array = mock_array_new(test, &fence, 1, false);

	/* The callback on the member has the last reference. */
	dma_fence_enable_sw_signaling(&array->base);
	dma_fence_put(&array->base);
	KUNIT_ASSERT_EQ(test, 2, kref_read(&fence->refcount));

	dma_fence_signal(fence);
	mock_run_irq_work();
	KUNIT_EXPECT_EQ(test, 1, kref_read(&fence->refcount));
}

static struct kunit_case defer_cases[] = {
	KUNIT_CASE(what_was_put_off_first_is_done_first),
	KUNIT_CASE(what_is_put_off_meanwhile_is_done_too),
	KUNIT_CASE(what_is_put_off_may_be_released_by_it),
	{}
};

static struct kunit_suite defer_suite = {
	.name = "dma-fence-defer",
	.init = mock_fence_suite_init,
	.test_cases = defer_cases,
};

kunit_test_suite(defer_suite);
