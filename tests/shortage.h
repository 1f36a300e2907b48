/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel does rarely: run out of memory, or of files.
 */
#ifndef _DMABUF_TESTS_SHORTAGE_H
#define _DMABUF_TESTS_SHORTAGE_H

#include <linux/types.h>

struct file_limit;
struct kunit;

/*
 * Skips the case where allocations cannot be made to fail. To be called first: what
 * a case has locked or initialised by itself would stay so.
 */
void needs_failslab(struct kunit *test);

/* Lets the @nth allocation of the calling thread fail from now on; returns @nth. */
int fail_allocation(struct kunit *test, int nth);

/* Ends it. True when it came to that. */
bool fail_allocation_hit(void);

/* The same for a call that cannot do without: @ret, its answer, has to be -ENOMEM then. */
bool allocation_failed(struct kunit *test, int nth, long ret);

/*
 * Makes @call, which yields 0 or an error, again and again: the first time with
 * its first allocation failing, then the second one, until it passes with @nth
 * beyond the last. What follows runs after each of those that failed.
 */
#define for_each_failing_allocation(test, nth, call)				\
	for ((nth) = fail_allocation(test, 1);					\
	     allocation_failed(test, nth, call);				\
	     (nth) = fail_allocation(test, (nth) + 1))

/*
 * Between these two the system has no file left for the calling thread, which
 * goes without the privilege to exceed the limit. Nothing may end the case there.
 */
struct file_limit *files_run_out(struct kunit *test);
void files_return(struct file_limit *limit);

#endif
