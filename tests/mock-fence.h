/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fence whose producer is the test itself.
 */
#ifndef _DMABUF_TESTS_MOCK_FENCE_H
#define _DMABUF_TESTS_MOCK_FENCE_H

#include <linux/dma-fence.h>
#include <linux/spinlock.h>

struct kunit;

/**
 * struct mock_fence - a fence and what its callbacks saw
 * @base: the fence; signal it with dma_fence_signal()
 * @lock: the fence's lock
 * @enable_count: how often enable_signaling was called
 * @refuse: enable_signaling answers false, "has signalled already"
 * @done: what the signaled callback answers
 * @deadline: the last deadline that was asked for, 0 when none
 */
struct mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* the fence's own */
	atomic_t enable_count;
	bool refuse;
	bool done;
	ktime_t deadline;
};

extern const struct dma_fence_ops mock_fence_ops;

static inline struct mock_fence *to_mock_fence(struct dma_fence *fence)
{
	return container_of(fence, struct mock_fence, base);
}

/* A fence on @context; the caller owns the reference. NULL when out of memory. */
struct dma_fence *mock_fence_new(u64 context, u64 seqno);

/* A fence that the test case owns: signalled and put when the case ends. */
struct dma_fence *mock_fence_at(struct kunit *test, u64 context, u64 seqno);

/* The same on a context of its own, with seqno 1. */
struct dma_fence *mock_fence(struct kunit *test);

/* How many mock fences have not been released yet. */
int mock_fence_alive(void);

#endif
