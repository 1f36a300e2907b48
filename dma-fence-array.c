// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays: several fences behind one.
 *
 * An array that waits for all of its members has a callback on just one of them.
 * When that one has signalled, the next one that has not is taken, from the other
 * end: members tend to signal in the order of the array or against it, and either
 * way there are two callbacks at the most. In random order the number of
 * callbacks grows with the logarithm of the number of members.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>

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

/* Has any member signalled, or all, whichever the array waits for? */
static bool array_is_done(struct dma_fence_array *array)
{
	bool any = array_signals_on_any(array);
	unsigned int last = READ_ONCE(array->last);

	for (unsigned int i = READ_ONCE(array->first); i < last; i++) {
		if (dma_fence_is_signaled(array->fences[i]) == any)
			return any;
		if (!any)
			WRITE_ONCE(array->first, i + 1);
	}
	return !any;
}

/*
 * The outcome of an array that is done: the error of whichever member failed
 * first. Each time the same, as members do not change any more, so it does not
 * matter if two tasks get here at once.
 */
static void array_set_outcome(struct dma_fence_array *array)
{
	struct dma_fence *failed = NULL;
	struct dma_fence *fence;
	unsigned int i;

	if (READ_ONCE(array->base.error) != DMA_FENCE_ARRAY_PENDING)
		return;

	dma_fence_array_for_each(fence, i, &array->base) {
		if (!test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ||
		    !READ_ONCE(fence->error))
			continue;
		if (!failed || ktime_before(dma_fence_timestamp(fence),
					    dma_fence_timestamp(failed)))
			failed = fence;
	}
	WRITE_ONCE(array->base.error, failed ? failed->error : 0);
}

/* Signals the array and gives back the reference of the callback. */
static void array_complete(struct dma_fence_array *array)
{
	array_set_outcome(array);
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
static void array_any_work(struct irq_work *work)
{
	struct dma_fence_array *array = container_of(work, typeof(*array), work);
	unsigned long flags;

	/* enable_signaling may still be busy with the members that follow. */
	spin_lock_irqsave(&array->base.inline_lock, flags);
	spin_unlock_irqrestore(&array->base.inline_lock, flags);

	array_disarm_any(array, array->num_fences);
	array_complete(array);
}

static void array_any_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array_cb *member = container_of(cb, typeof(*member), cb);
	struct dma_fence_array *array = member->array;

	/* The first one hands its reference on to the work. */
	if (xchg(&array->fired, true)) {
		dma_fence_put(&array->base);
		return;
	}
	init_irq_work(&array->work, array_any_work);
	irq_work_queue(&array->work);
}

static bool array_arm_any(struct dma_fence_array *array)
{
	for (unsigned int i = 0; i < array->num_fences; i++) {
		struct dma_fence_array_cb *member = &array->callbacks[i];

		member->array = array;
		dma_fence_get(&array->base);
		if (dma_fence_add_callback(array->fences[i], &member->cb,
					   array_any_func)) {
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
	unsigned int first, last;

	while ((first = READ_ONCE(array->first)) < (last = array->last)) {
		unsigned int i = array->backward ? first : last - 1;

		if (dma_fence_add_callback(array->fences[i], &array->cb,
					   array_all_func)) {
			if (array->backward)
				WRITE_ONCE(array->first, i + 1);
			else
				WRITE_ONCE(array->last, i);
			continue;
		}
		return true;
	}
	return false;
}

/* The member with the callback has signalled; outside its lock. */
static void array_all_work(struct irq_work *work)
{
	struct dma_fence_array *array = container_of(work, typeof(*array), work);

	array->backward = !array->backward;
	if (!array_arm_all(array))
		array_complete(array);
}

static void array_all_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array *array = container_of(cb, typeof(*array), cb);

	init_irq_work(&array->work, array_all_work);
	irq_work_queue(&array->work);
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
		if (!armed)
			dma_fence_put(fence);
	}

	if (!armed)
		array_set_outcome(array);
	return armed;
}

static bool array_signaled(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	if (!array_is_done(array))
		return false;
	array_set_outcome(array);
	return true;
}

static void array_release(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);

	for (unsigned int i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	kvfree(array->fences);
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

	dma_fence_init(&array->base, &dma_fence_array_ops, NULL, context, seqno);
	dma_fence_set_lock_class(&array->base, "dma_fence_array");
	array->base.error = DMA_FENCE_ARRAY_PENDING;
	if (signal_on_any)
		__set_bit(DMA_FENCE_ARRAY_ANY_BIT, &array->base.flags);

	array->num_fences = num_fences;
	array->fences = fences;
	array->first = 0;
	array->last = num_fences;
	array->backward = false;
	array->fired = false;

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
