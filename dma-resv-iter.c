// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over the fences of a reservation object, and what can be asked with them.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "dma-resv-list.h"

/* Points @cursor at the first slot of @list. Under RCU or the lock. */
static void dma_resv_iter_start(struct dma_resv_iter *cursor,
				struct dma_resv_list *list)
{
	cursor->index = 0;
	cursor->fences = list;
	/* Pairs with the release in dma_resv_list_append(). */
	cursor->num_fences = list ? smp_load_acquire(&list->num_fences) : 0;
	cursor->generation = list ? list->generation : 0;
	cursor->is_restarted = true;
}

/*
 * How readers look at slots, all of them under RCU. Writers go on meanwhile, so what
 * was learned about a fence counts only when nothing was exchanged in the list, and
 * the list in the object is the same, afterwards: the memory of a fence that was put
 * may be another one at once (SLAB_TYPESAFE_BY_RCU), and even return as the fence in
 * the slot. The order here, first the count, then slots and fences, then count and
 * list again, pairs with dma_resv_list_replace() and dma_resv_install(): first slot,
 * then count, or list, then the put. See tests/spin/resv-replace.pml.
 */

/* How many exchanges there were before a reader looks. */
static __always_inline u32 dma_resv_exchanges(const struct dma_resv_list *list)
{
	return smp_load_acquire(&list->exchanges); /* count, then slots; see above */
}

/* Whether what a reader has seen of the slots since then is still so. */
static __always_inline bool dma_resv_is_steady(const struct dma_resv_list *list, u32 exchanges)
{
	smp_rmb(); /* fences, then count and list; see above */
	return READ_ONCE(list->exchanges) == exchanges;
}

/*
 * Takes a reference to the fence in @slot when it is of @usage or one before and
 * not flagged as signalled; @found is its word then, else 0. Returns false when a
 * writer interfered, which a writer who never stops could do to a whole list, but
 * not to one slot: for the caller to try again.
 */
static __always_inline bool dma_resv_slot_get(const struct dma_resv_list *list,
					      const struct dma_resv_slot *slot,
					      enum dma_resv_usage usage,
					      unsigned long *found)
{
	u32 exchanges = dma_resv_exchanges(list);
	unsigned long tagged = READ_ONCE(slot->tagged);
	struct dma_fence *fence = tagged_fence(tagged);

	*found = 0;
	if (tagged_usage(tagged) > usage)
		return true;
	if (fence_flagged(fence))
		return dma_resv_is_steady(list, exchanges);
	if (!dma_fence_get_rcu(fence))
		return false;
	if (!dma_resv_is_steady(list, exchanges)) {
		dma_fence_put(fence);
		return false;
	}
	*found = tagged;
	return true;
}

/*
 * Moves @cursor to the next fence that is not flagged as signalled and takes a
 * reference to it; at the end there is none. Returns false when the list was
 * replaced; the walk has to start again then.
 */
static __always_inline bool dma_resv_iter_step(struct dma_resv_iter *cursor,
					       struct dma_resv_list *list)
{
	unsigned long found = 0;

	while (!found && cursor->index < cursor->num_fences) {
		if (dma_resv_slot_get(list, &list->slots[cursor->index], cursor->usage, &found))
			cursor->index++;
		else if (rcu_access_pointer(cursor->obj->fences) != list)
			return false;
	}
	if (found) {
		cursor->fence = tagged_fence(found);
		cursor->fence_usage = tagged_usage(found);
	}
	return rcu_access_pointer(cursor->obj->fences) == list;
}

/*
 * Whether @list has come in place of the one that @cursor walks. The generation
 * tells, for a new list may have got the memory of an old one.
 */
static __always_inline bool dma_resv_iter_is_stale(const struct dma_resv_iter *cursor,
						   const struct dma_resv_list *list)
{
	return cursor->generation != (list ? list->generation : 0);
}

/*
 * Steps until there is a pending fence or the end, from the start again as often
 * as writers interfere. Drivers are asked, and references put, outside of RCU.
 */
static struct dma_fence *dma_resv_iter_walk(struct dma_resv_iter *cursor,
					    bool restart)
{
	do {
		struct dma_resv_list *list;

		dma_fence_put(cursor->fence);
		cursor->fence = NULL;

		rcu_read_lock();
		list = rcu_dereference(cursor->obj->fences);
		if (restart || dma_resv_iter_is_stale(cursor, list))
			dma_resv_iter_start(cursor, list);
		restart = !dma_resv_iter_step(cursor, list);
		rcu_read_unlock();
	} while (restart || (cursor->fence && dma_fence_is_signaled(cursor->fence)));

	/* A slot may have been passed over for what came after a signalled fence. */
	smp_acquire__after_ctrl_dep();
	return cursor->fence;
}

/**
 * dma_resv_iter_first_unlocked - begin a walk without the lock
 * @cursor: a cursor prepared with dma_resv_iter_begin()
 *
 * Use dma_resv_for_each_fence_unlocked() instead. Begins anew when the cursor has
 * walked already.
 *
 * Context: Any in which the last reference to a fence may be put.
 * Return: the first pending fence, on which @cursor holds a reference, or NULL.
 */
struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor)
{
	return dma_resv_iter_walk(cursor, true);
}
EXPORT_SYMBOL(dma_resv_iter_first_unlocked);

/**
 * dma_resv_iter_next_unlocked - continue a walk without the lock
 * @cursor: a cursor that dma_resv_iter_first_unlocked() was called on
 *
 * Puts the reference to the current fence. Begins from the first fence again
 * when the list was replaced, see dma_resv_iter_is_restarted().
 *
 * Context: Any in which the last reference to a fence may be put.
 * Return: the next pending fence, on which @cursor holds a reference, or NULL.
 */
struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor)
{
	cursor->is_restarted = false;
	return dma_resv_iter_walk(cursor, false);
}
EXPORT_SYMBOL(dma_resv_iter_next_unlocked);

/* Makes the fence in a slot the current one of a walk under the lock. */
static __always_inline struct dma_fence *
dma_resv_iter_take(struct dma_resv_iter *cursor, unsigned int index, unsigned long tagged)
{
	cursor->index = index + 1;
	cursor->fence_usage = tagged_usage(tagged);
	return tagged_fence(tagged);
}

/* The first fence from a slot on that is of the usage asked for, signalled or not. */
static noinline struct dma_fence *
dma_resv_iter_skip(struct dma_resv_iter *cursor, struct dma_resv_list *list, unsigned int index)
{
	for (; index < cursor->num_fences; index++) {
		unsigned long tagged = list->slots[index].tagged;

		if (tagged_usage(tagged) <= cursor->usage)
			return dma_resv_iter_take(cursor, index, tagged);
	}
	return NULL;
}

/**
 * dma_resv_iter_first - begin a walk with the lock held
 * @cursor: a cursor prepared with dma_resv_iter_begin()
 *
 * Use dma_resv_for_each_fence() instead.
 *
 * Context: Any. The caller holds the reservation lock.
 * Return: the first fence, signalled or not, without a reference; or NULL.
 */
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor)
{
	struct dma_resv_list *list = dma_resv_locked_list(cursor->obj);

	dma_resv_assert_held(cursor->obj);

	dma_resv_iter_start(cursor, list);
	return dma_resv_iter_skip(cursor, list, 0);
}
EXPORT_SYMBOL_GPL(dma_resv_iter_first);

/**
 * dma_resv_iter_next - continue a walk with the lock held
 * @cursor: a cursor whose last step returned a fence
 *
 * Context: Any. The caller holds the reservation lock, without a break since the
 * walk began.
 * Return: the next fence, signalled or not, without a reference; or NULL.
 */
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor)
{
	struct dma_resv_list *list = dma_resv_locked_list(cursor->obj);
	unsigned int index = cursor->index;
	unsigned long tagged;

	dma_resv_assert_held(cursor->obj);

	/* Where there was a fence there is a list. */
	if (unlikely(list->generation != cursor->generation))
		return dma_resv_iter_first(cursor);
	cursor->is_restarted = false;
	if (index == cursor->num_fences)
		return NULL;

	tagged = list->slots[index].tagged;
	if (unlikely(tagged_usage(tagged) > cursor->usage))
		return dma_resv_iter_skip(cursor, list, index + 1);
	return dma_resv_iter_take(cursor, index, tagged);
}
EXPORT_SYMBOL_GPL(dma_resv_iter_next);

/**
 * dma_resv_collect - take references to all pending fences in one go
 * @obj: the object, locked or not
 * @usage: take the fences of this usage and of the usages before it
 * @tagged: receives addresses and usages, as in &dma_resv_slot.tagged
 * @stride: distance of two places in @tagged in bytes
 * @room: how many there are
 *
 * Goes by the flags, does not ask the drivers.
 *
 * Return: how many fences; or -EAGAIN, with no reference taken, when a writer
 * interfered or there were more than @room.
 */
int dma_resv_collect(struct dma_resv *obj, enum dma_resv_usage usage,
		     unsigned long *tagged, size_t stride, u32 room)
{
	unsigned long *next = tagged;
	struct dma_resv_list *list;
	bool valid = true;
	u32 num, i = 0;

	rcu_read_lock();
	list = rcu_dereference(obj->fences);
	if (!list) {
		rcu_read_unlock();
		return 0;
	}
	/* Pairs with the release in dma_resv_list_append(). */
	num = smp_load_acquire(&list->num_fences);
	if (num > room) {
		rcu_read_unlock();
		return -EAGAIN;
	}
	while (valid && i < num) {
		if (!dma_resv_slot_get(list, &list->slots[i], usage, next)) {
			valid = rcu_access_pointer(obj->fences) == list;
			continue;
		}
		i++;
		if (*next)
			next = (void *)next + stride;
	}
	valid = rcu_access_pointer(obj->fences) == list;
	rcu_read_unlock();
	/* As in dma_resv_iter_walk(). */
	smp_acquire__after_ctrl_dep();

	num = ((void *)next - (void *)tagged) / stride;
	if (valid)
		return num;
	while (num--) {
		next = (void *)next - stride;
		dma_fence_put(tagged_fence(*next));
	}
	return -EAGAIN;
}

/*
 * Whether nothing is pending, as far as that can be told by the flags, without a
 * reference and without asking a driver: 1 if so, 0 if something is, or -EAGAIN.
 * After 1, what the caller does is ordered behind what the fences stand for.
 */
static __always_inline int dma_resv_is_idle(struct dma_resv *obj, enum dma_resv_usage usage)
{
	const struct dma_resv_slot *slot, *end;
	struct dma_resv_list *list;
	bool idle = true;
	u32 exchanges;

	guard(rcu)();
	list = rcu_dereference(obj->fences);
	if (!list)
		return 1;

	exchanges = dma_resv_exchanges(list);
	/* Pairs with the release in dma_resv_list_append(). */
	end = &list->slots[smp_load_acquire(&list->num_fences)];
	for (slot = list->slots; slot != end; slot++) {
		unsigned long tagged = READ_ONCE(slot->tagged);
		struct dma_fence *fence = tagged_fence(tagged);

		if (tagged_usage(tagged) > usage || fence_flagged(fence))
			continue;
		/* Its driver knows more about it. */
		if (READ_ONCE(fence->ops)->signaled)
			return -EAGAIN;
		idle = false;
		break;
	}
	/* The flags were read with acquire: everything else comes after. */
	if (!dma_resv_is_steady(list, exchanges) || rcu_access_pointer(obj->fences) != list)
		return -EAGAIN;
	return idle;
}

/* Drops the array of dma_resv_get_fences(). */
static void dma_resv_drop_fences(struct dma_fence **fences, unsigned int count)
{
	while (count--)
		dma_fence_put(fences[count]);
	kfree(fences);
}

/**
 * dma_resv_get_fences - get all pending fences in an array
 * @obj: the object, locked or not
 * @usage: get the fences of this usage and of the usages before it
 * @num_fences: receives how many there are
 * @fences: receives the array, NULL when there are none
 *
 * The caller owns the array, to be freed with kfree(), and a reference to each
 * fence in it. After an error @num_fences and @fences are zero and NULL too.
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0, or -ENOMEM.
 */
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences)
{
	unsigned long *tagged = NULL;
	struct dma_fence **array;
	unsigned int kept = 0;
	u32 room = 0;
	int count, i;

	*num_fences = 0;
	*fences = NULL;

	/* Nothing to collect needs no memory, which might not be had. */
	if (dma_resv_is_idle(obj, usage) > 0)
		return 0;

	do {
		u32 need = dma_resv_count(obj);

		if (need > room) {
			kfree(tagged);
			tagged = kmalloc_array(need, sizeof(*tagged), GFP_KERNEL | __GFP_NOWARN);
			if (!tagged)
				return -ENOMEM;
			room = need;
		}
		count = dma_resv_collect(obj, usage, tagged, sizeof(*tagged), room);
	} while (count < 0);

	/* In place: a fence moves forward or stays. */
	array = (struct dma_fence **)tagged;
	for (i = 0; i < count; i++) {
		struct dma_fence *fence = tagged_fence(tagged[i]);

		if (dma_fence_is_signaled(fence))
			dma_fence_put(fence);
		else
			array[kept++] = fence;
	}
	if (!kept) {
		kfree(array);
		return 0;
	}

	*num_fences = kept;
	*fences = array;
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_get_fences);

/**
 * dma_resv_get_singleton - get one fence for all pending ones
 * @obj: the object, locked or not
 * @usage: get the fences of this usage and of the usages before it
 * @fence: receives the fence, NULL when nothing is pending
 *
 * That is the fence itself when only one is pending, else a new fence array on a
 * context of its own, which signals after all of them. An array cannot be added
 * to a reservation object. The caller owns the reference.
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0, or -ENOMEM, with @fence NULL.
 */
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	unsigned int count;
	int ret;

	*fence = NULL;

	ret = dma_resv_get_fences(obj, usage, &count, &fences);
	if (ret || !count)
		return ret;

	if (count == 1) {
		*fence = fences[0];
		kfree(fences);
		return 0;
	}

	array = dma_fence_array_create(count, fences, dma_fence_context_alloc(1),
				       1, false);
	if (!array) {
		dma_resv_drop_fences(fences, count);
		return -ENOMEM;
	}
	*fence = &array->base;
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_get_singleton);

/* Wait for one fence after the other. A cursor costs a little, so not if there are none. */
static noinline long dma_resv_wait_each(struct dma_resv *obj, enum dma_resv_usage usage,
					bool intr, long left)
{
	long ret = left ?: 1;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		ret = dma_fence_wait_timeout(fence, intr, left);
		if (ret <= 0)
			break;
		/* A mere look answers 1, which is no time to wait. */
		if (left)
			left = ret;
	}
	dma_resv_iter_end(&cursor);

	return ret;
}

/**
 * dma_resv_wait_timeout - wait until no fence is pending
 * @obj: the object, locked or not
 * @usage: wait for the fences of this usage and of the usages before it
 * @intr: whether a signal ends the wait
 * @timeout: the longest time to wait in jiffies, %MAX_SCHEDULE_TIMEOUT for ever,
 *	0 to have a look without waiting
 *
 * Covers the fences that were there when the call began, and while it lasts some
 * that come later. Without the lock there may be new ones by the time it returns.
 *
 * Context: Process context. May sleep unless @timeout is 0.
 * Return:
 * * > 0 - nothing is pending; what is left of @timeout, 1 when @timeout was 0
 * * 0 - the time was over first
 * * -ERESTARTSYS - a signal arrived first
 *
 * Drivers' own wait functions may return other negative errors.
 */
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout)
{
	long left = min_t(unsigned long, timeout, MAX_SCHEDULE_TIMEOUT);

	if (dma_resv_is_idle(obj, usage) > 0)
		return left ?: 1;
	return dma_resv_wait_each(obj, usage, intr, left);
}
EXPORT_SYMBOL_GPL(dma_resv_wait_timeout);

/* Have all signalled, now that their drivers are asked as well? */
static noinline bool dma_resv_ask_each(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	bool idle;

	dma_resv_iter_begin(&cursor, obj, usage);
	idle = !dma_resv_iter_first_unlocked(&cursor);
	dma_resv_iter_end(&cursor);
	return idle;
}

/**
 * dma_resv_test_signaled - whether no fence is pending
 * @obj: the object, locked or not
 * @usage: look at the fences of this usage and of the usages before it
 *
 * Asks the drivers about fences that are not known to have signalled, but does
 * not make them enable signalling.
 *
 * Context: Any in which the last reference to a fence may be put.
 * Return: true when all have signalled or there are none.
 */
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	int idle = dma_resv_is_idle(obj, usage);

	return idle >= 0 ? idle : dma_resv_ask_each(obj, usage);
}
EXPORT_SYMBOL_GPL(dma_resv_test_signaled);

/**
 * dma_resv_set_deadline - say when the buffer is needed
 * @obj: the object, locked or not
 * @usage: tell the fences of this usage and of the usages before it
 * @deadline: the time on the monotonic clock
 *
 * Hands the hint to dma_fence_set_deadline() for each pending fence.
 *
 * Context: Any in which the fences' set_deadline operations may be called and the
 * last reference to a fence may be put.
 */
void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage,
			   ktime_t deadline)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		dma_fence_set_deadline(fence, deadline);
	dma_resv_iter_end(&cursor);
}
EXPORT_SYMBOL_GPL(dma_resv_set_deadline);

/**
 * dma_resv_describe - print the fences that implicit synchronisation sees
 * @obj: the object, locked
 * @seq: where to print to
 *
 * One line per fence, with its usage and what dma_fence_describe() says. Fences
 * of %DMA_RESV_USAGE_BOOKKEEP are left out.
 *
 * Context: Any. The caller holds the reservation lock.
 */
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq)
{
	static const char * const names[] = {
		[DMA_RESV_USAGE_KERNEL] = "kernel",
		[DMA_RESV_USAGE_WRITE] = "write",
		[DMA_RESV_USAGE_READ] = "read",
	};
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_READ, fence) {
		seq_printf(seq, "\t%s fence:", names[dma_resv_iter_usage(&cursor)]);
		dma_fence_describe(fence, seq);
	}
}
EXPORT_SYMBOL_GPL(dma_resv_describe);
