// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of fences and their tracepoints.
 */
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/trace_events.h>
#include <linux/tracepoint.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include <trace/events/dma_fence.h>

#include "mock-fence.h"

/* What the accessors say about @fence must be @driver and @timeline. */
static void expect_names(struct kunit *test, struct dma_fence *fence,
			 const char *driver, const char *timeline)
{
	rcu_read_lock();
	KUNIT_EXPECT_STREQ(test, driver, (__force const char *)dma_fence_driver_name(fence));
	KUNIT_EXPECT_STREQ(test, timeline, (__force const char *)dma_fence_timeline_name(fence));
	rcu_read_unlock();
}

static void names_are_the_drivers_until_signalled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	expect_names(test, fence, "mock", "mock-timeline");
	dma_fence_enable_sw_signaling(fence);
	expect_names(test, fence, "mock", "mock-timeline");
	dma_fence_signal(fence);
	expect_names(test, fence, "detached-driver", "signaled-timeline");
}

static void names_of_the_subsystems_own_fences_stay(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 2);
	struct dma_fence *array = &mock_array(test, fences, 2, false)->base;
	struct dma_fence *chain = mock_put_later(test, mock_chain(test, fences, 2));
	struct dma_fence *stub = mock_put_later(test, dma_fence_get_stub());
	struct dma_fence *private = dma_fence_allocate_private_stub(0);

	KUNIT_ASSERT_NOT_NULL(test, private);
	mock_put_later(test, private);
	expect_names(test, stub, "stub", "stub");
	expect_names(test, private, "stub", "stub");
	expect_names(test, array, "dma_fence_array", "unbound");
	expect_names(test, chain, "dma_fence_chain", "unbound");

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(chain));
	expect_names(test, array, "dma_fence_array", "unbound");
	expect_names(test, chain, "dma_fence_chain", "unbound");
}

#ifdef CONFIG_TRACEPOINTS
/**
 * struct probe - counts what one tracepoint says about one fence
 * @name: the tracepoint
 * @tp: the tracepoint, NULL until found
 * @fence: the fence; NULL for any
 * @calls: how often the tracepoint was hit
 */
struct probe {
	const char *name;
	struct tracepoint *tp;
	struct dma_fence *fence;
	unsigned int calls;
};

static void probe_hit(void *data, struct dma_fence *fence)
{
	struct probe *probe = data;

	if (!probe->fence || probe->fence == fence)
		probe->calls++;
}

static void probe_match(struct tracepoint *tp, void *data)
{
	struct probe *probe = data;

	if (!strcmp(tp->name, probe->name))
		probe->tp = tp;
}

static void probe_remove(void *data)
{
	struct probe *probe = data;

	tracepoint_probe_unregister(probe->tp, probe_hit, probe);
	tracepoint_synchronize_unregister();
}

static struct probe *probe_on(struct kunit *test, const char *name, struct dma_fence *fence)
{
	struct probe *probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, probe);
	probe->name = name;
	probe->fence = fence;
	for_each_kernel_tracepoint(probe_match, probe);
	KUNIT_ASSERT_NOT_NULL_MSG(test, probe->tp, "no tracepoint %s", name);
	KUNIT_ASSERT_EQ(test, 0, tracepoint_probe_register(probe->tp, probe_hit, probe));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, probe_remove, probe));
	return probe;
}

static void init_and_destroy_are_traced(struct kunit *test)
{
	struct probe *init = probe_on(test, "dma_fence_init", NULL);
	struct probe *destroy = probe_on(test, "dma_fence_destroy", NULL);
	struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 1);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, init->calls, 1);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, destroy->calls, 0);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, destroy->calls, 1);
	KUNIT_EXPECT_EQ(test, init->calls, 1);
}

static void destroying_a_chain_traces_every_link(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence *head = mock_chain(test, fences, 5);
	struct probe *destroy = probe_on(test, "dma_fence_destroy", NULL);

	dma_fence_put(head);
	KUNIT_EXPECT_EQ(test, destroy->calls, 5);
}

static void enabling_is_traced_once(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct probe *probe = probe_on(test, "dma_fence_enable_signal", fence);

	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_EQ(test, probe->calls, 1);
	mock_callback(test, fence);
	dma_fence_wait_timeout(fence, false, 1);
	KUNIT_EXPECT_EQ(test, probe->calls, 1);
}

static void signalling_is_traced_once(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct probe *probe = probe_on(test, "dma_fence_signaled", fence);

	KUNIT_EXPECT_EQ(test, probe->calls, 0);
	dma_fence_signal(fence);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, probe->calls, 1);
}

static void a_wait_is_traced_from_start_to_end(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct probe *start = probe_on(test, "dma_fence_wait_start", fence);
	struct probe *end = probe_on(test, "dma_fence_wait_end", fence);
	struct mock_waiter *waiter;

	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(fence, false, 1));
	KUNIT_EXPECT_EQ(test, start->calls, 1);
	KUNIT_EXPECT_EQ(test, end->calls, 1);

	waiter = mock_waiter(test, fence, false, MOCK_TIMEOUT);
	KUNIT_EXPECT_EQ(test, start->calls, 2);
	KUNIT_EXPECT_EQ(test, end->calls, 1);
	dma_fence_signal(fence);
	mock_waiter_result(waiter);
	KUNIT_EXPECT_EQ(test, end->calls, 2);
}

/* Only drivers know when they hand work over; they call this themselves, also from modules. */
static void drivers_can_trace_emit_signal_and_enable(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct probe *emit = probe_on(test, "dma_fence_emit", fence);
	struct probe *enable = probe_on(test, "dma_fence_enable_signal", fence);
	struct probe *signaled = probe_on(test, "dma_fence_signaled", fence);

	trace_dma_fence_emit(fence);
	KUNIT_EXPECT_EQ(test, emit->calls, 1);
	trace_dma_fence_enable_signal(fence);
	KUNIT_EXPECT_EQ(test, enable->calls, 1);
	trace_dma_fence_signaled(fence);
	KUNIT_EXPECT_EQ(test, signaled->calls, 1);
}
#endif /* CONFIG_TRACEPOINTS */

#ifdef CONFIG_EVENT_TRACING
/* A fence whose driver goes away when it has signalled, and its names with it. */
struct leaving_fence {
	struct dma_fence base;
	spinlock_t lock; /* the fence's */
	unsigned int asked;
	bool gone;
	bool asked_when_gone;
};

static const char *leaving_name(struct dma_fence *fence)
{
	struct leaving_fence *leaving = container_of(fence, struct leaving_fence, base);

	leaving->asked++;
	if (leaving->gone)
		leaving->asked_when_gone = true;
	return "leaving";
}

static void leaving_release(struct dma_fence *fence)
{
	/* The test frees it. */
}

static const struct dma_fence_ops leaving_ops = {
	.get_driver_name = leaving_name,
	.get_timeline_name = leaving_name,
	.release = leaving_release,
};

static void trace_disable(void *data)
{
	trace_set_clr_event("dma_fence", NULL, 0);
}

static void tracing_never_asks_a_driver_that_may_be_gone(struct kunit *test)
{
	struct leaving_fence *leaving = kunit_kzalloc(test, sizeof(*leaving), GFP_KERNEL);
	struct dma_fence *fence = &leaving->base;
	unsigned int asked;

	KUNIT_ASSERT_NOT_NULL(test, leaving);
	KUNIT_ASSERT_EQ(test, 0, trace_set_clr_event("dma_fence", NULL, 1));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, trace_disable, NULL));
	spin_lock_init(&leaving->lock);
	dma_fence_init(fence, &leaving_ops, &leaving->lock, dma_fence_context_alloc(1), 1);
	trace_dma_fence_emit(fence);
	asked = leaving->asked;
	KUNIT_EXPECT_GT(test, asked, 0);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(fence, false, 1));
	KUNIT_EXPECT_GT(test, leaving->asked, asked);
	dma_fence_signal(fence);

	leaving->gone = true;
	dma_fence_wait_timeout(fence, false, 1);
	dma_fence_wait_timeout(fence, false, 0);
	dma_fence_default_wait(fence, false, 1);
	dma_fence_enable_sw_signaling(fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_FALSE(test, leaving->asked_when_gone);
}

/* The signal ends a wait that has begun before; the driver may leave in between. */
static void the_end_of_a_wait_does_not_ask_a_driver_that_may_be_gone(struct kunit *test)
{
	struct leaving_fence *leaving = kunit_kzalloc(test, sizeof(*leaving), GFP_KERNEL);
	struct dma_fence *fence = &leaving->base;
	struct mock_waiter *waiter;

	KUNIT_ASSERT_NOT_NULL(test, leaving);
	KUNIT_ASSERT_EQ(test, 0, trace_set_clr_event("dma_fence", NULL, 1));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, trace_disable, NULL));
	spin_lock_init(&leaving->lock);
	dma_fence_init(fence, &leaving_ops, &leaving->lock, dma_fence_context_alloc(1), 1);
	mock_put_later(test, fence);
	waiter = mock_waiter(test, fence, false, MOCK_TIMEOUT);

	spin_lock_irq(&leaving->lock);
	dma_fence_signal_locked(fence);
	leaving->gone = true;
	spin_unlock_irq(&leaving->lock);
	KUNIT_EXPECT_GT(test, mock_waiter_result(waiter), 0);
	KUNIT_EXPECT_FALSE(test, leaving->asked_when_gone);
}
#endif /* CONFIG_EVENT_TRACING */

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(names_are_the_drivers_until_signalled),
	KUNIT_CASE(names_of_the_subsystems_own_fences_stay),
#ifdef CONFIG_TRACEPOINTS
	KUNIT_CASE(init_and_destroy_are_traced),
	KUNIT_CASE(destroying_a_chain_traces_every_link),
	KUNIT_CASE(enabling_is_traced_once),
	KUNIT_CASE(signalling_is_traced_once),
	KUNIT_CASE(a_wait_is_traced_from_start_to_end),
	KUNIT_CASE(drivers_can_trace_emit_signal_and_enable),
#endif
#ifdef CONFIG_EVENT_TRACING
	KUNIT_CASE(tracing_never_asks_a_driver_that_may_be_gone),
	KUNIT_CASE(the_end_of_a_wait_does_not_ask_a_driver_that_may_be_gone),
#endif
	{}
};

static struct kunit_suite trace_suite = {
	.name = "dma-fence-trace",
	.init = mock_fence_suite_init,
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
