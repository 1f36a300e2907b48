// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unwrapping: the plain fences inside containers, one by one or merged.
 */

/**
 * DOC: unwrapping fences
 *
 * What comes from a process may be a plain fence, an array, a chain, or a chain
 * with arrays inside. dma_fence_unwrap_for_each() goes through the plain fences in
 * there, whatever it is: for a driver that makes each of them a dependency of its
 * job, and for adding them to a reservation, which takes no containers.
 *
 * dma_fence_unwrap_merge() goes the other way. It takes any fences and returns one
 * that signals when all of them have, without more members than needed: what has
 * signalled is left out, and of the fences on one context all but the latest.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>

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

/* What a look at all inputs of a merge finds. */
struct merge_survey {
	unsigned int pending;
	struct dma_fence *only;
	ktime_t timestamp;
};

/* Counts the pending fences; @only has a reference when there is just one. */
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
static unsigned int merge_runs(struct dma_fence **to, struct dma_fence **from,
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
static struct dma_fence **merge_sort(struct dma_fence **list,
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
static unsigned int merge_dedup(struct dma_fence **list, unsigned int count)
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

/* A sorted list without duplicates, with references, turned into one fence. */
static struct dma_fence *merge_result(struct dma_fence **list,
				      unsigned int count)
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
 * Context: may sleep.
 * Return: a fence with a reference: the only one that is pending, an array of
 * several, or, if none is, a signalled one with the latest timestamp of them.
 * NULL when there is no memory.
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
		return dma_fence_allocate_private_stub(survey.timestamp);
	if (survey.only)
		return survey.only;

	list = kvmalloc_array(survey.pending, sizeof(*list), GFP_KERNEL);
	spare = kvmalloc_array(survey.pending, sizeof(*spare), GFP_KERNEL);
	if (!list || !spare) {
		kvfree(list);
		kvfree(spare);
		return NULL;
	}

	count = merge_collect(list, survey.pending, num_fences, fences, cursors);
	sorted = merge_sort(list, spare, count);
	kvfree(sorted == list ? spare : list);

	count = merge_dedup(sorted, count);
	if (count)
		return merge_result(sorted, count);

	/* The last ones have signalled between the two looks. */
	kvfree(sorted);
	merge_survey(&survey, num_fences, fences, cursors);
	return dma_fence_allocate_private_stub(survey.timestamp);
}
EXPORT_SYMBOL_GPL(__dma_fence_unwrap_merge);
