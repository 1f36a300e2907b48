// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays: several fences behind one.
 */

/**
 * DOC: fence arrays
 *
 * An array stands for a set of fences, its members, that never changes. It
 * signals when all of them have or, if it is made that way, when any has. Its
 * error is that of the member that failed first. Members may be of any context;
 * the array is on a context of its own. A driver makes one when somebody wants a
 * single fence for what several engines do, and the kernel does so for
 * dma_resv_get_singleton() and dma_fence_unwrap_merge().
 *
 * An array that waits for all of its members has a callback on just one of them.
 * When that one has signalled, the next one that has not is taken, from the other
 * end: members tend to signal in the order of the array or against it, and either
 * way there are two callbacks at the most. In random order the number of
 * callbacks grows with the logarithm of the number of members.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/dma-fence-array.h>

#include "dma-fence-internal.h"

static bool array_signals_on_any(struct dma_fence_array *array)
{
	return test_bit(DMA_FENCE_ARRAY_ANY_BIT, &array->base.flags);
}

/**
 * dma_fence_array_next - a member of an array by number
 * @head: an array, any other fence, or NULL
 * @index: which member
 *
 * Context: any.
 * Return: the member, or NULL when there are no more or @head is not an array. No
 * reference is taken.
 */
struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	return array && index < array->num_fences ? array->fences[index] : NULL;
}
EXPORT_SYMBOL(dma_fence_array_next);

/**
 * dma_fence_array_first - the first member of an array
 * @head: an array, any other fence, or NULL
 *
 * Context: any.
 * Return: the first member, @head itself when it is not an array, or NULL. No
 * reference is taken.
 */
struct dma_fence *dma_fence_array_first(struct dma_fence *head)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	if (!array)
		return head;
	return array->num_fences ? array->fences[0] : NULL;
}
EXPORT_SYMBOL(dma_fence_array_first);

/**
 * dma_fence_match_context - is a fence of one context alone?
 * @fence: a plain fence or an array
 * @context: the context
 *
 * Context: any.
 * Return: true when the fence, or each member of the array, is of @context.
 */
bool dma_fence_match_context(struct dma_fence *fence, u64 context)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	if (!array)
		return fence->context == context;

	for (unsigned int i = 0; i < array->num_fences; i++) {
		if (array->fences[i]->context != context)
			return false;
	}
	return true;
}
EXPORT_SYMBOL(dma_fence_match_context);

/* When a member signalled. i915 sets the time a little later than the flag. */
static ktime_t array_member_time(struct dma_fence *fence)
{
	if (!test_bit_acquire(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags))
		return KTIME_MAX;
	return fence->timestamp;
}

/* The error of whichever member failed first, or 0. */
static int array_first_error(struct dma_fence_array *array)
{
	ktime_t time, first = KTIME_MAX;
	int error = 0;

	for (unsigned int i = 0; i < array->num_fences; i++) {
		struct dma_fence *fence = array->fences[i];

		if (!test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ||
		    !fence->error)
			continue;

		time = array_member_time(fence);
		if (!error || ktime_before(time, first)) {
			error = fence->error;
			first = time;
		}
	}
	return error;
}

/* The outcome, once and for all, no matter how many tasks notice it. */
static void array_decide(struct dma_fence_array *array, int error)
{
	cmpxchg(&array->base.error, DMA_FENCE_ARRAY_PENDING, error);
}

/* The outcome of an array whose members have all signalled. */
static void array_set_outcome(struct dma_fence_array *array)
{
	if (READ_ONCE(array->base.error) == DMA_FENCE_ARRAY_PENDING)
		array_decide(array, array_first_error(array));
}

/* Has any member signalled? Its error is the outcome then. */
static bool array_any_is_done(struct dma_fence_array *array)
{
	for (unsigned int i = 0; i < array->num_fences; i++) {
		if (dma_fence_is_signaled(array->fences[i])) {
			array_decide(array, array->fences[i]->error);
			return true;
		}
	}
	return false;
}

/* Have all members signalled? */
static bool array_all_are_done(struct dma_fence_array *array)
{
	/*
	 * Members that these two leave out have been seen to signal by whoever
	 * wrote them; so has their error, and the work behind them.
	 */
	unsigned int last = smp_load_acquire(&array->last); /* see array_arm_all() */
	unsigned int first = smp_load_acquire(&array->first); /* the same, and below */

	for (unsigned int i = first; i < last; i++) {
		if (!dma_fence_is_signaled(array->fences[i]))
			return false;
		/* Pairs with the acquire above. */
		smp_store_release(&array->first, i + 1);
	}
	array_set_outcome(array);
	return true;
}

/* Signals the array and gives back the reference of the callback. */
static void array_complete(struct dma_fence_array *array)
{
	dma_fence_signal(&array->base);
	dma_fence_put(&array->base);
}

/* Takes back the callbacks below @count, with their references. */
static void array_disarm_any(struct dma_fence_array *array, unsigned int count)
{
	while (count--) {
		if (dma_fence_remove_callback(array->fences[count],
					      &array->callbacks[count].cb))
			dma_fence_put(&array->base);
	}
}

/* A member has signalled; outside its lock. */
static void array_any_deferred(struct dma_fence_deferred *deferred)
{
	struct dma_fence_array *array = container_of(deferred, typeof(*array), deferred);
	unsigned long flags;

	/* enable_signaling may still be busy with the members that follow. */
	spin_lock_irqsave(&array->lock, flags);
	spin_unlock_irqrestore(&array->lock, flags);

	array_disarm_any(array, array->num_fences);
	array_complete(array);
}

static void array_any_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array_cb *member = container_of(cb, typeof(*member), cb);
	struct dma_fence_array *array = member->array;

	/* The first one hands its reference on to the work. */
	if (test_and_set_bit(DMA_FENCE_ARRAY_FIRED_BIT, &array->base.flags)) {
		dma_fence_put(&array->base);
		return;
	}
	array_decide(array, fence->error);
	dma_fence_defer(&array->deferred, array_any_deferred);
}

static bool array_arm_any(struct dma_fence_array *array)
{
	for (unsigned int i = 0; i < array->num_fences; i++) {
		dma_fence_get(&array->base);
		if (dma_fence_add_callback(array->fences[i],
					   &array->callbacks[i].cb,
					   array_any_func)) {
			array_decide(array, array->fences[i]->error);
			dma_fence_put(&array->base);
			array_disarm_any(array, i);
			return false;
		}
	}
	return true;
}

static void array_all_func(struct dma_fence *fence, struct dma_fence_cb *cb);

/*
 * Leaves a callback on one of the pending members; false when there is none. The
 * caller's reference goes to the callback. One task at a time: first the one that
 * enables signalling, then each time the work of the callback before.
 */
static bool array_arm_all(struct dma_fence_array *array)
{
	unsigned int first, last, i;

	for (;;) {
		first = smp_load_acquire(&array->first); /* see array_all_are_done() */
		last = array->last;
		if (first >= last)
			return false;

		i = array->backward ? first : last - 1;
		if (!dma_fence_add_callback(array->fences[i], &array->cb, array_all_func))
			return true;
		if (array->backward)
			smp_store_release(&array->first, i + 1); /* see array_all_are_done() */
		else
			smp_store_release(&array->last, i); /* the same */
	}
}

/* The member with the callback has signalled; outside its lock. */
static void array_all_deferred(struct dma_fence_deferred *deferred)
{
	struct dma_fence_array *array = container_of(deferred, typeof(*array), deferred);

	array->backward = !array->backward;
	if (array_arm_all(array))
		return;
	array_set_outcome(array);
	array_complete(array);
}

static void array_all_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array *array = container_of(cb, typeof(*array), cb);

	dma_fence_defer(&array->deferred, array_all_deferred);
}

static const char *array_driver_name(struct dma_fence *fence)
{
	return "dma_fence_array";
}

static const char *array_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

static bool array_enable_signaling(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	bool armed;

	dma_fence_get(fence);
	if (array_signals_on_any(array)) {
		armed = array_arm_any(array);
		dma_fence_put(fence);
	} else {
		for (unsigned int i = 0; i < array->num_fences; i++)
			dma_fence_enable_sw_signaling(array->fences[i]);
		armed = array_arm_all(array);
		if (!armed) {
			array_set_outcome(array);
			dma_fence_put(fence);
		}
	}

	return armed;
}

static bool array_signaled(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	return array_signals_on_any(array) ? array_any_is_done(array) :
					     array_all_are_done(array);
}

/* Fences are released in any context, where vfree() would have to sleep, too. */
static void array_free_members(struct dma_fence **fences)
{
	if (is_vmalloc_addr(fences))
		vfree_atomic(fences);
	else
		kfree(fences);
}

static void array_release(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned int i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	array_free_members(array->fences);
	dma_fence_free(fence);
}

static void array_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned int i = 0; i < array->num_fences; i++)
		dma_fence_set_deadline(array->fences[i], deadline);
}

/* Callbacks of the fences that are arrays. */
const struct dma_fence_ops dma_fence_array_ops = {
	.get_driver_name = array_driver_name,
	.get_timeline_name = array_timeline_name,
	.enable_signaling = array_enable_signaling,
	.signaled = array_signaled,
	.release = array_release,
	.set_deadline = array_set_deadline,
};
EXPORT_SYMBOL(dma_fence_array_ops);

/**
 * dma_fence_array_alloc - memory for an array
 * @num_fences: how many members it is going to have
 *
 * Context: may sleep.
 * Return: the array, to be passed to dma_fence_array_init() or kfree(), or NULL
 * when there is no memory.
 */
struct dma_fence_array *dma_fence_array_alloc(int num_fences)
{
	struct dma_fence_array *array;

	array = kmalloc(struct_size(array, callbacks, num_fences), GFP_KERNEL);
	return array;
}
EXPORT_SYMBOL(dma_fence_array_alloc);

/* Callbacks may be taken back before they were armed, by a member's that was. */
static void array_init_any(struct dma_fence_array *array)
{
	__set_bit(DMA_FENCE_ARRAY_ANY_BIT, &array->base.flags);
	for (unsigned int i = 0; i < array->num_fences; i++) {
		array->callbacks[i].array = array;
		INIT_LIST_HEAD(&array->callbacks[i].cb.node);
	}
}

/**
 * dma_fence_array_init - make an array out of memory that is there
 * @array: from dma_fence_array_alloc() for as many members
 * @num_fences: how many members, at least 1
 * @fences: the members, from kmalloc() or a relative. The array takes over the
 *	memory and the reference to each member.
 * @context: the array's own context
 * @seqno: and place there
 * @signal_on_any: the first member to signal signals the array, rather than the
 *	last one
 *
 * Until the array has signalled its error reads 1; then it is 0, or the error of
 * the member that failed first.
 *
 * Members are plain fences. An array or chain among them is a mistake of the
 * caller's that draws a warning, since nesting could exhaust the stack; see
 * dma_fence_unwrap_for_each() for what to do about it.
 *
 * Context: any.
 */
void dma_fence_array_init(struct dma_fence_array *array,
			  int num_fences, struct dma_fence **fences,
			  u64 context, unsigned int seqno,
			  bool signal_on_any)
{
	WARN_ON(num_fences <= 0 || !fences);

	spin_lock_init(&array->lock);
	dma_fence_init(&array->base, &dma_fence_array_ops, &array->lock, context, seqno);
	array->base.error = DMA_FENCE_ARRAY_PENDING;

	array->num_fences = num_fences;
	array->fences = fences;
	array->first = 0;
	array->last = num_fences;
	array->backward = false;
	if (signal_on_any)
		array_init_any(array);

	for (int i = 0; i < num_fences; i++)
		WARN_ON(dma_fence_is_container(fences[i]));
}
EXPORT_SYMBOL(dma_fence_array_init);

/**
 * dma_fence_array_create - make an array
 * @num_fences: how many members, at least 1
 * @fences: the members, from kmalloc() or a relative. If all goes well the array
 *	takes over the memory and the reference to each member.
 * @context: the array's own context
 * @seqno: and place there
 * @signal_on_any: the first member to signal signals the array, rather than the
 *	last one
 *
 * See dma_fence_array_init().
 *
 * Context: may sleep.
 * Return: the array, its fence with the only reference, or NULL when there is no
 * memory; @fences is the caller's then.
 */
struct dma_fence_array *dma_fence_array_create(int num_fences,
					       struct dma_fence **fences,
					       u64 context, unsigned int seqno,
					       bool signal_on_any)
{
	/* One callback is enough to wait for all, and it is in the structure. */
	struct dma_fence_array *array =
		kvmalloc(struct_size(array, callbacks, signal_on_any ? num_fences : 0),
			 GFP_KERNEL);

	if (!array)
		return NULL;

	dma_fence_array_init(array, num_fences, fences, context, seqno,
			     signal_on_any);
	return array;
}
EXPORT_SYMBOL(dma_fence_array_create);
