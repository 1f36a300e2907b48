// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fence whose producer is the test itself.
 */
#include <linux/slab.h>
#include <kunit/test.h>

#include "mock-fence.h"

static atomic_t alive = ATOMIC_INIT(0);

static const char *mock_driver_name(struct dma_fence *fence)
{
	return "mock";
}

static const char *mock_timeline_name(struct dma_fence *fence)
{
	return "mock-timeline";
}

static bool mock_enable_signaling(struct dma_fence *fence)
{
	struct mock_fence *mock = to_mock_fence(fence);

	atomic_inc(&mock->enable_count);
	return !READ_ONCE(mock->refuse);
}

static bool mock_signaled(struct dma_fence *fence)
{
	return READ_ONCE(to_mock_fence(fence)->done);
}

static void mock_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	to_mock_fence(fence)->deadline = deadline;
}

static void mock_release(struct dma_fence *fence)
{
	atomic_dec(&alive);
	dma_fence_free(fence);
}

const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_driver_name,
	.get_timeline_name = mock_timeline_name,
	.enable_signaling = mock_enable_signaling,
	.signaled = mock_signaled,
	.set_deadline = mock_set_deadline,
	.release = mock_release,
};

struct dma_fence *mock_fence_new(u64 context, u64 seqno)
{
	struct mock_fence *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	if (!mock)
		return NULL;
	spin_lock_init(&mock->lock);
	atomic_inc(&alive);
	dma_fence_init(&mock->base, &mock_fence_ops, &mock->lock, context, seqno);
	return &mock->base;
}

static void mock_fence_finish(void *data)
{
	struct dma_fence *fence = data;

	dma_fence_signal(fence);
	dma_fence_put(fence);
}

struct dma_fence *mock_fence_at(struct kunit *test, u64 context, u64 seqno)
{
	struct dma_fence *fence = mock_fence_new(context, seqno);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_fence_finish, fence));
	return fence;
}

struct dma_fence *mock_fence(struct kunit *test)
{
	return mock_fence_at(test, dma_fence_context_alloc(1), 1);
}

int mock_fence_alive(void)
{
	return atomic_read(&alive);
}
