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
 * signalled is left out, and of the fences on one context all but the latest. The
 * one that failed first stays, for its error.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/sched.h>
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

/*
 * Memory for so many fences, or NULL: how many there are is userspace's choice, so too
 * many are no bug, and it pays for them.
 */
struct dma_fence **dma_fence_merge_alloc(size_t room)
{
	return kvmalloc_array(room, sizeof(struct dma_fence *),
			      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

/* So many fences are merged without memory for a list. */
#define MERGE_FEW	8

/* How many steps there are between two chances for others to run. */
#define MERGE_BATCH	1024

/**
 * struct merge - what a merge has found so far
 * @list: the fences that are pending, each with a reference
 * @count: how many
 * @room: how many @list has room for
 * @timestamp: when the last one of the others signalled
 * @failed: which of those failed first, with a reference; or NULL
 * @few: what @list is when there are not many
 */
struct merge {
	struct dma_fence **list;
	unsigned int count;
	size_t room;
	ktime_t timestamp;
	struct dma_fence *failed;
	struct dma_fence *few[MERGE_FEW];
};

/* How many plain fences there are at most: a chain only ever gets shorter. */
static size_t merge_bound(struct dma_fence *head, struct dma_fence_unwrap *cursor)
{
	struct dma_fence_array *array = to_dma_fence_array(head);
	struct dma_fence *fence;
	size_t bound = 0;

	if (array)
		return array->num_fences;
	if (!to_dma_fence_chain(head))
		return head ? 1 : 0;
	dma_fence_unwrap_for_each(fence, cursor, head) {
		if (!(++bound % MERGE_BATCH))
			cond_resched();
	}
	return bound;
}

static __always_inline void merge_add(struct merge *merge, struct dma_fence *fence)
{
	ktime_t timestamp;

	if (!dma_fence_is_signaled(fence)) {
		merge->list[merge->count++] = dma_fence_get(fence);
		return;
	}
	timestamp = dma_fence_timestamp(fence);
	if (ktime_after(timestamp, merge->timestamp))
		merge->timestamp = timestamp;
	if (unlikely(fence->error))
		dma_fence_merge_failure(&merge->failed, fence);
}

/* Adds every plain fence that is inside of @head. */
static void merge_collect(struct merge *merge, struct dma_fence *head,
			  struct dma_fence_unwrap *cursor)
{
	struct dma_fence_array *array = to_dma_fence_array(head);
	struct dma_fence *fence;

	if (array) {
		for (unsigned int i = 0; i < array->num_fences; i++)
			merge_add(merge, array->fences[i]);
		cond_resched();
	} else if (to_dma_fence_chain(head)) {
		dma_fence_unwrap_for_each(fence, cursor, head) {
			merge_add(merge, fence);
			if (!(merge->count % MERGE_BATCH))
				cond_resched();
		}
	} else if (head) {
		merge_add(merge, head);
	}
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
		if (!(runs % MERGE_BATCH))
			cond_resched();
	}
	return runs;
}

/* For a few fences. */
static void merge_sort_few(struct dma_fence **list, unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		for (unsigned int k = i; k && !merge_in_order(list[k - 1], list[k]); k--)
			swap(list[k - 1], list[k]);
	}
}

/*
 * A natural merge sort: linear for what merges give, a few sorted arrays, and
 * n log n for the worst. Returns whichever of the two arrays has the result.
 */
static struct dma_fence **merge_sort(struct dma_fence **list, struct dma_fence **spare,
				     unsigned int count)
{
	while (merge_runs(spare, list, count) > 1)
		swap(list, spare);
	return spare;
}

/* Sorts the list, which may get other memory. False when there is none for that. */
static bool merge_sort_list(struct merge *merge)
{
	struct dma_fence **list = merge->list, **spare;
	unsigned int count = merge->count;

	if (count <= MERGE_FEW) {
		merge_sort_few(list, count);
		return true;
	}
	if (merge_run_end(list, 0, count) == count)
		return true;

	spare = dma_fence_merge_alloc(count);
	if (!spare)
		return false;
	if (merge_sort(list, spare, count) == spare) {
		merge->list = spare;
		merge->room = count;
		spare = list;
	}
	kvfree(spare);
	return true;
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

/* An array of the fences in the list and the one that failed; NULL without memory. */
static struct dma_fence *merge_array(struct merge *merge)
{
	unsigned int count = merge->count + !!merge->failed;
	struct dma_fence **list = merge->list;
	struct dma_fence_array *array;
	bool copy;

	/* An array keeps its list for long, so not one that is mostly empty. */
	copy = list == merge->few || count > merge->room || count <= merge->room / 2;
	if (copy) {
		list = dma_fence_merge_alloc(count);
		if (!list)
			return NULL;
		for (unsigned int i = 0; i < merge->count; i++)
			list[i] = merge->list[i];
	}
	if (merge->failed)
		list[count - 1] = merge->failed;

	array = dma_fence_array_create(count, list, dma_fence_context_alloc(1), 1, false);
	if (array) {
		if (!copy)
			merge->list = merge->few;
		return &array->base;
	}
	if (copy)
		kvfree(list);
	return NULL;
}

/* What a merge comes to, with all of its references. */
static struct dma_fence *merge_result(struct merge *merge)
{
	struct dma_fence *fence = NULL;

	if (!merge->count)
		return dma_fence_merge_signaled(merge->timestamp, merge->failed);

	if (merge_sort_list(merge)) {
		merge->count = merge_dedup(merge->list, merge->count);
		if (merge->count == 1 && !merge->failed)
			return merge->list[0];
		fence = merge_array(merge);
	}
	if (!fence) {
		for (unsigned int i = 0; i < merge->count; i++)
			dma_fence_put(merge->list[i]);
		dma_fence_put(merge->failed);
	}
	return fence;
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
	struct merge merge = { .room = 0 };
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < num_fences; i++)
		merge.room = size_add(merge.room, merge_bound(fences[i], &cursors[i]));
	merge.list = merge.few;
	if (merge.room > MERGE_FEW) {
		merge.list = dma_fence_merge_alloc(merge.room);
		if (!merge.list)
			return NULL;
	}

	for (i = 0; i < num_fences; i++)
		merge_collect(&merge, fences[i], &cursors[i]);
	fence = merge_result(&merge);

	if (merge.list != merge.few)
		kvfree(merge.list);
	return fence;
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

/* A list without duplicates, from kvmalloc() and with references, turned into one fence. */
struct dma_fence *dma_fence_merge_result(struct dma_fence **list, unsigned int count)
{
	struct dma_fence_array *array;
	struct dma_fence *fence;

	if (count == 1) {
		fence = list[0];
		kvfree(list);
		return fence;
	}

	array = dma_fence_array_create(count, list, dma_fence_context_alloc(1), 1, false);
	if (array)
		return &array->base;

	while (count--)
		dma_fence_put(list[count]);
	kvfree(list);
	return NULL;
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
