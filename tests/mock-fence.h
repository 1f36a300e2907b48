/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fence whose producer is the test itself.
 */
#ifndef _DMABUF_TESTS_MOCK_FENCE_H
#define _DMABUF_TESTS_MOCK_FENCE_H

#include <linux/completion.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>

struct kunit;
struct task_struct;

/* Longer than anything here takes; what is still missing then never comes. */
#define MOCK_TIMEOUT (10 * HZ)

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

/* @count fences that the test case owns, each on a context of its own. */
struct dma_fence **mock_fences(struct kunit *test, unsigned int count);

/* How many mock fences have not been released yet. */
int mock_fence_alive(void);

/* Sleeps until at most @count mock fences are alive; false when that never happens. */
bool mock_fence_wait_alive(int count);

/* The init function of a suite whose cases must release every mock fence they make. */
int mock_fence_suite_init(struct kunit *test);

/*
 * Runs what containers have deferred to an irq_work, as a CPU that can interrupt
 * itself does at once and User-Mode Linux only at its next tick.
 */
void mock_run_irq_work(void);

/* Signals @count fences, the first one first. */
void mock_signal_all(struct dma_fence **fences, unsigned int count);

/* The flag alone: asks no driver. */
bool mock_fence_flagged(struct dma_fence *fence);

/* Whether a container signals, given the time that its irq_work may take. */
bool mock_fence_signals(struct dma_fence *fence);

/* Pages in kmalloc()ed objects, large ones included, after all that is freed under RCU is gone. */
long mock_slab_pages(void);

/* Pseudo-random numbers; the same @state gives the same sequence everywhere. */
u32 mock_random(u32 *state);

/* The orders in which tests signal. */
enum mock_order_kind {
	MOCK_FORWARD,
	MOCK_BACKWARD,
	MOCK_RANDOM,
	MOCK_ORDERS,
};

const char *mock_order_name(enum mock_order_kind kind);

/* How many fences signal in which order. */
struct mock_order_case {
	unsigned int count;
	enum mock_order_kind kind;
};

/* For KUNIT_CASE_PARAM(): one run with each of the cases that are worth it. */
const void *mock_order_gen_params(const void *prev, char *desc);

/* 0 ... @count - 1 in that order, freed with the test case. */
unsigned int *mock_order(struct kunit *test, enum mock_order_kind kind, unsigned int count);

/**
 * struct mock_callback - a callback that writes down how it was called
 * @cb: what the fence knows
 * @fence: the fence it was added to
 * @calls: how often it was called
 * @turn: this was the turn-th call of any mock callback since the case began
 * @irqs_off: interrupts were disabled during the call
 * @locked: the fence's lock was held during the call
 */
struct mock_callback {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	unsigned int calls;
	unsigned int turn;
	bool irqs_off;
	bool locked;
};

/* Whether this context holds @fence's lock; true where that cannot be known. */
bool mock_fence_locked(struct dma_fence *fence);

/* What a mock callback runs, for tests that add their callback themselves. */
void mock_callback_func(struct dma_fence *fence, struct dma_fence_cb *cb);

/*
 * A callback on @fence, which must not have signalled. The test case keeps a
 * reference to the fence and removes the callback when it ends.
 */
struct mock_callback *mock_callback(struct kunit *test, struct dma_fence *fence);

/**
 * struct mock_waiter - a thread that waits for a fence
 * @fence: what it waits for
 * @intr: a signal ends the wait
 * @timeout: in jiffies
 * @ret: what dma_fence_wait_timeout() said
 * @task: the thread; valid until mock_waiter_result()
 * @done: the thread has ended
 */
struct mock_waiter {
	struct dma_fence *fence;
	bool intr;
	signed long timeout;
	signed long ret;
	struct task_struct *task;
	struct completion done;
};

/* Starts a waiter and returns when its callback is on the list of @fence. */
struct mock_waiter *mock_waiter(struct kunit *test, struct dma_fence *fence,
				bool intr, signed long timeout);

/* Sleeps until the waiter has ended. */
signed long mock_waiter_result(struct mock_waiter *waiter);

/* Whether a callback or a waiter is on @fence's list. */
bool mock_fence_has_callback(struct dma_fence *fence);

/*
 * An array over @fences, which the caller keeps; the array has references of its own. The
 * caller owns the array.
 */
struct dma_fence_array *mock_array_new(struct kunit *test, struct dma_fence **fences,
				       unsigned int count, bool signal_on_any);

/* The same, put when the test case ends. */
struct dma_fence_array *mock_array(struct kunit *test, struct dma_fence **fences,
				   unsigned int count, bool signal_on_any);

/*
 * A link that adds @fence as point @seqno behind @prev. Takes over the reference to @prev,
 * takes one of its own to @fence. The caller owns the link.
 */
struct dma_fence *mock_link(struct kunit *test, struct dma_fence *prev,
			    struct dma_fence *fence, u64 seqno);

/* A chain of @count links over @fences with seqnos 1 ... @count; the caller owns the head. */
struct dma_fence *mock_chain(struct kunit *test, struct dma_fence **fences, unsigned int count);

/*
 * The links of a chain over @fences with seqnos 1 ... @count, a reference to each held
 * until the test case ends.
 */
struct dma_fence **mock_links(struct kunit *test, struct dma_fence **fences,
			      unsigned int count);

/* Puts @fence when the test case ends; returns it. */
struct dma_fence *mock_put_later(struct kunit *test, struct dma_fence *fence);

#endif
