/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reservation object to test, and what the suites do with it most.
 */
#ifndef _DMABUF_TESTS_RESV_FIXTURE_H
#define _DMABUF_TESTS_RESV_FIXTURE_H

#include <linux/dma-resv.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mock-fence.h"

struct kunit;

#define USAGE_ALL		DMA_RESV_USAGE_BOOKKEEP
#define LONG_WAIT	(20 * HZ)

/**
 * struct resv_test - what each case starts with
 * @obj: an object without fences
 * @room: how many slots resv_replace_list() reserved last
 * @alive: mock fences that existed when the case began
 */
struct resv_test {
	struct dma_resv obj;
	unsigned int room;
	int alive;
};

/**
 * struct meddler - a fence that changes the object in the middle of a query
 * @base: the fence; signals soon after somebody has begun to wait for it
 * @lock: the fence's lock
 * @test: the test
 * @meddle: called once, when @base is asked whether it has signalled
 * @other: a fence that @meddle signals or adds
 * @signal: signals @base
 */
struct meddler {
	struct dma_fence base;
	/* Protects @base, as dma_fence_init() wants it. */
	spinlock_t lock;
	struct kunit *test;
	void (*meddle)(struct meddler *meddler);
	struct dma_fence *other;
	struct work_struct signal;
};

/* For the suites: sets test->priv up, and checks in the end that no fence leaked. */
int resv_test_init(struct kunit *test);
void resv_test_exit(struct kunit *test);

/* The object of the case. */
struct dma_resv *resv_obj(struct kunit *test);

/*
 * For objects that nobody else locks. A trylock, so that lockdep has no objection
 * to another object being locked already.
 */
void resv_lock(struct kunit *test, struct dma_resv *obj);

/* Reserves a slot for @fence and adds it. */
void resv_add_to(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence,
		 enum dma_resv_usage usage);
void resv_add(struct kunit *test, struct dma_fence *fence, enum dma_resv_usage usage);

/* A new pending fence of a context of its own, added with @usage. */
struct dma_fence *resv_add_new(struct kunit *test, enum dma_resv_usage usage);

/* Makes the object get a new list, as a reserve does when the old one is full. */
void resv_replace_list(struct kunit *test);

/* How many slots have a fence, signalled or not; with the lock held and without. */
unsigned int resv_count_locked(struct dma_resv *obj);
unsigned int resv_count(struct dma_resv *obj);

/* The usage @fence is in the object with, or -1; in one slot at most. */
int resv_usage_of(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence);

/* Whether the object has got another list since @cursor's last unlocked step. */
bool resv_list_was_replaced(struct dma_resv_iter *cursor);

/* How many references there are to @fence. */
unsigned int fence_refs(struct dma_fence *fence);

/* Puts and frees what dma_resv_get_fences() returned. */
void resv_drop(struct dma_fence **fences, unsigned int num);

/* A meddler that the test owns, and what it may do. */
struct meddler *meddler_new(struct kunit *test);
void meddle_replace_list(struct meddler *meddler);
void meddle_signal_all(struct meddler *meddler);
void meddle_add(struct meddler *meddler);

/* Between these, a signal interrupts whatever the thread of the test waits for. */
void resv_interrupt_begin(void);
void resv_interrupt_end(void);

#endif
