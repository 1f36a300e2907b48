// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unwrapping: the plain fences inside containers, one by one or merged.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>

#include "dma-fence-internal.h"

/* Enters a link, whose reference goes to the cursor. */
static struct dma_fence *unwrap_enter(struct dma_fence_unwrap *cursor,
				      struct dma_fence *link)
{
	struct dma_fence *array, *fence;

	for (;; link = dma_fence_chain_walk(link)) {
		array = dma_fence_chain_contained(link);
		*cursor = (struct dma_fence_unwrap) { .chain = link, .array = array };
		fence = dma_fence_array_first(array);
		/* Goes on behind an array without members. */
		if (fence || !link)
			return fence;
	}
}

/**
 * dma_fence_unwrap_first - begin with the plain fences inside a fence
 * @head: chain, array, plain fence, or NULL
 * @cursor: where the iteration stands; holds a reference until the end of it
 *
 * Context: any.
 * Return: the first plain fence, or NULL. It lives until the cursor moves on.
 */
struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor)
{
	return unwrap_enter(cursor, dma_fence_get(head));
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_first);

/**
 * dma_fence_unwrap_next - go on to the next plain fence
 * @cursor: where the iteration stands
 *
 * Context: any.
 * Return: the plain fence, or NULL at the end, where the cursor has given back
 * its reference. It lives until the cursor moves on.
 */
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	return dma_fence_array_next(cursor->array, ++cursor->index) ?:
	       unwrap_enter(cursor, dma_fence_chain_walk(cursor->chain));
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_next);

/* Remembers, with a reference, whichever of the signalled fences failed first. */
void dma_fence_merge_failure(struct dma_fence **failed, struct dma_fence *fence)
{
	if (*failed && !ktime_before(dma_fence_timestamp(fence), dma_fence_timestamp(*failed)))
		return;
	dma_fence_put(*failed);
	*failed = dma_fence_get(fence);
}

/*
 * What is left of fences that have all signalled, when the last one did. Takes over
 * the reference in @failed.
 */
struct dma_fence *dma_fence_merge_signaled(ktime_t timestamp, struct dma_fence *failed)
{
	struct dma_fence *fence = dma_fence_allocate_private_stub(timestamp);

	/* Nobody else has it yet, so it may get an error after the fact. */
	if (fence && failed)
		fence->error = failed->error;
	dma_fence_put(failed);
	return fence;
}

/* What a look at all inputs of a merge finds; references to both fences. */
struct merge_survey {
	unsigned int pending;
	struct dma_fence *only;
	struct dma_fence *failed;
	ktime_t timestamp;
};

/* Counts the pending fences; @only is there when there is just one. */
static void merge_survey(struct merge_survey *survey, unsigned int num_fences,
			 struct dma_fence **fences,
			 struct dma_fence_unwrap *cursors)
{
	struct dma_fence *fence;

	*survey = (struct merge_survey) {};
	for (unsigned int i = 0; i < num_fences; i++) {
		dma_fence_unwrap_for_each(fence, &cursors[i], fences[i]) {
			if (dma_fence_is_signaled(fence)) {
				ktime_t t = dma_fence_timestamp(fence);

				if (ktime_after(t, survey->timestamp))
					survey->timestamp = t;
				if (unlikely(fence->error))
					dma_fence_merge_failure(&survey->failed, fence);
			} else if (!survey->pending++) {
				survey->only = dma_fence_get(fence);
			}
		}
	}
	if (survey->pending > 1) {
		dma_fence_put(survey->only);
		survey->only = NULL;
	}
}

/* Takes references to at most @max pending fences; returns how many. */
static unsigned int merge_collect(struct dma_fence **list, unsigned int max,
				  unsigned int num_fences,
				  struct dma_fence **fences,
				  struct dma_fence_unwrap *cursors)
{
	struct dma_fence *fence;
	unsigned int count = 0;

	for (unsigned int i = 0; i < num_fences; i++) {
		dma_fence_unwrap_for_each(fence, &cursors[i], fences[i]) {
			if (count < max && !dma_fence_is_signaled(fence))
				list[count++] = dma_fence_get(fence);
		}
	}
	return count;
}

/*
 * By context; on one context the later fence first. A total order: of numbers
 * that wrap there can be three of which each comes after another.
 */
static __always_inline bool merge_in_order(struct dma_fence *a, struct dma_fence *b)
{
	if (a->context != b->context)
		return a->context < b->context;
	return a->seqno >= b->seqno;
}

/* The end of the ascending run that starts at @i. */
static unsigned int merge_run_end(struct dma_fence **list, unsigned int i,
				  unsigned int count)
{
	while (++i < count && merge_in_order(list[i - 1], list[i]))
		;
	return i;
}

/* Merges neighbouring runs of @from two by two into @to; returns how many. */
static __always_inline unsigned int merge_runs(struct dma_fence **to, struct dma_fence **from,
					       unsigned int count)
{
	unsigned int a = 0, a_end, b, b_end, out = 0, runs = 0;

	while (a < count) {
		a_end = merge_run_end(from, a, count);
		b = a_end;
		b_end = b < count ? merge_run_end(from, b, count) : b;

		while (a < a_end && b < b_end)
			to[out++] = merge_in_order(from[a], from[b]) ?
				    from[a++] : from[b++];
		while (a < a_end)
			to[out++] = from[a++];
		while (b < b_end)
			to[out++] = from[b++];
		a = b_end;
		runs++;
	}
	return runs;
}

/*
 * A natural merge sort: linear for what merges give, a few sorted arrays, and
 * n log n for the worst. Returns whichever of the two arrays has the result.
 */
static __always_inline struct dma_fence **merge_sort(struct dma_fence **list,
						     struct dma_fence **spare,
						     unsigned int count)
{
	unsigned int runs;

	do {
		runs = merge_runs(spare, list, count);
		swap(list, spare);
	} while (runs > 1);

	return list;
}

/* Keeps the latest fence of each context and puts the others. */
static __always_inline unsigned int merge_dedup(struct dma_fence **list, unsigned int count)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!kept || list[kept - 1]->context != list[i]->context) {
			list[kept++] = list[i];
			continue;
		}
		if (dma_fence_is_later(list[i], list[kept - 1]))
			swap(list[i], list[kept - 1]);
		dma_fence_put(list[i]);
	}
	return kept;
}

/* A list without duplicates, with references, turned into one fence. */
static __always_inline struct dma_fence *merge_result(struct dma_fence **list, unsigned int count)
{
	struct dma_fence_array *array;
	struct dma_fence *fence;

	if (count == 1) {
		fence = list[0];
		kvfree(list);
		return fence;
	}

	array = dma_fence_array_create(count, list, dma_fence_context_alloc(1),
				       1, false);
	if (array)
		return &array->base;

	while (count--)
		dma_fence_put(list[count]);
	kvfree(list);
	return NULL;
}

/**
 * __dma_fence_unwrap_merge - one fence that stands for all of several
 * @num_fences: how many
 * @fences: the fences, containers allowed, NULLs allowed
 * @cursors: room for as many cursors
 *
 * Flattens containers, drops what has signalled and, of each context, all but
 * the latest fence. In the result fences are sorted by context, which makes it
 * cheap to merge again. Use dma_fence_unwrap_merge().
 *
 * An error survives: if fences have failed already, the one that failed first
 * becomes a member behind the others, so that the result ends with its error.
 *
 * Context: may sleep.
 * Return: a fence with a reference: the only one that is pending, an array of
 * several, or, if none is, a signalled one with the latest timestamp of them, and
 * with the first error. NULL when there is no memory.
 */
struct dma_fence *__dma_fence_unwrap_merge(unsigned int num_fences,
					   struct dma_fence **fences,
					   struct dma_fence_unwrap *cursors)
{
	struct dma_fence **list, **spare, **sorted;
	struct merge_survey survey;
	unsigned int count;

	merge_survey(&survey, num_fences, fences, cursors);
	if (!survey.pending)
		return dma_fence_merge_signaled(survey.timestamp, survey.failed);
	if (survey.only) {
		if (!survey.failed)
			return survey.only;
		dma_fence_put(survey.only);
	}

	/* One more for what has failed. */
	list = kvmalloc_array(survey.pending + 1, sizeof(*list), GFP_KERNEL);
	spare = kvmalloc_array(survey.pending + 1, sizeof(*spare), GFP_KERNEL);
	if (!list || !spare) {
		kvfree(list);
		kvfree(spare);
		dma_fence_put(survey.failed);
		return NULL;
	}

	count = merge_collect(list, survey.pending, num_fences, fences, cursors);
	sorted = merge_sort(list, spare, count);
	kvfree(sorted == list ? spare : list);

	count = merge_dedup(sorted, count);
	if (count) {
		if (survey.failed)
			sorted[count++] = survey.failed;
		return merge_result(sorted, count);
	}

	/* The last ones have signalled between the two looks. */
	kvfree(sorted);
	dma_fence_put(survey.failed);
	merge_survey(&survey, num_fences, fences, cursors);
	return dma_fence_merge_signaled(survey.timestamp, survey.failed);
}
EXPORT_SYMBOL_GPL(__dma_fence_unwrap_merge);

/*
 * Sorts a list of references and keeps the latest fence of each context. Returns how
 * many are left in *@list, which may have changed places with *@spare.
 */
unsigned int dma_fence_merge_unique(struct dma_fence ***list, struct dma_fence ***spare,
				    unsigned int count)
{
	struct dma_fence **sorted = merge_sort(*list, *spare, count);

	if (sorted != *list)
		swap(*list, *spare);
	return merge_dedup(sorted, count);
}

/* The same for who comes with the list. */
struct dma_fence *dma_fence_merge_result(struct dma_fence **list, unsigned int count)
{
	return merge_result(list, count);
}

/* merge_in_order() as sort() wants it. */
static int dedup_cmp(const void *a, const void *b)
{
	struct dma_fence * const *left = a, * const *right = b;

	if ((*left)->context == (*right)->context && (*left)->seqno == (*right)->seqno)
		return 0;
	return merge_in_order(*left, *right) ? -1 : 1;
}

/**
 * dma_fence_dedup_array - keep the latest fence of each context
 * @fences: plain fences, each with a reference
 * @num_fences: how many; may be 0
 *
 * Sorts the array by context. The references of what is not kept are given back;
 * the entries behind the result are stale.
 *
 * Context: any.
 * Return: how many are left.
 */
int dma_fence_dedup_array(struct dma_fence **fences, int num_fences)
{
	if (num_fences < 1)
		return 0;
	sort(fences, num_fences, sizeof(*fences), dedup_cmp, NULL);
	return merge_dedup(fences, num_fences);
}
EXPORT_SYMBOL_GPL(dma_fence_dedup_array);
