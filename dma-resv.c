// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservation objects: the fences of a buffer and the lock around them.
 */
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dma-resv-list.h"

/**
 * DOC: Reservation Object Overview
 *
 * A &struct dma_resv answers one question about a buffer: what has to finish
 * before this may be done to it? It holds the fences of all work that still
 * uses the buffer, each with an &enum dma_resv_usage that says how, and the
 * lock under which that set changes. Every &struct dma_buf and every GEM object
 * points to one; buffers that are always used together may share it.
 *
 * A driver that submits work first makes room, then adds the fence. Making room
 * may fail and sleep, adding does neither, so the fence can be added after the
 * last point where the submission could still be abandoned::
 *
 *	ret = dma_resv_lock_interruptible(obj, NULL);
 *	if (ret)
 *		return ret;
 *	ret = dma_resv_reserve_fences(obj, 1);
 *	if (!ret) {
 *		fence = driver_submit(job);
 *		dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_WRITE);
 *	}
 *	dma_resv_unlock(obj);
 *
 * Reserved slots belong to whoever holds the lock and are gone once it is
 * released. The lock is a wound/wait mutex, so any number of objects can be
 * locked at once in any order; drm_exec shows the usual way to do that.
 *
 * Readers take neither the lock nor, where a fence has signalled already, any
 * reference: dma_resv_test_signaled(), dma_resv_wait_timeout(),
 * dma_resv_get_fences() and dma_resv_for_each_fence_unlocked() run under RCU and
 * can be used at any time. What they promise is about the past: each fence that
 * was in the object when the call began has been taken into account. To have the
 * same hold for the future, take the lock.
 *
 * Fences are not removed when they signal. A later fence of the same context
 * takes the place of an earlier one, in a short list a signalled fence gives its
 * slot to a new one, and when the list is full the signalled ones are left
 * behind. So an object holds about as many fences as contexts use it at a time.
 */

/* The least number of fences that a list has room for. */
#define DMA_RESV_MIN_FENCES	4U

/* What such a list needs. */
#define DMA_RESV_MIN_SIZE						\
	roundup_pow_of_two(struct_size_t(struct dma_resv_list, slots,	\
					 DMA_RESV_MIN_FENCES + 1))

/*
 * In lists up to this length a new fence takes the slot of a signalled one. Longer
 * ones drop theirs when they are full, so that nobody has to look for them.
 */
#define DMA_RESV_SWEEP		4U

/* How long a fence that could not be recorded is waited for instead. */
#define DMA_RESV_LAST_RESORT	(10 * HZ)

DEFINE_WD_CLASS(reservation_ww_class);
EXPORT_SYMBOL(reservation_ww_class);

/* References to fences that are there: there is no need to look for NULL. */
static __always_inline struct dma_fence *fence_get(struct dma_fence *fence)
{
	kref_get(&fence->refcount);
	return fence;
}

static __always_inline void fence_put(struct dma_fence *fence)
{
	kref_put(&fence->refcount, dma_fence_release);
}

static __always_inline unsigned long context_bit(u64 context)
{
	return BIT((unsigned long)context % BITS_PER_LONG);
}

/* Memory for a list that has room for at least @max_fences. */
static struct dma_resv_list *dma_resv_list_memory(size_t max_fences, gfp_t gfp, size_t *size)
{
	/* How most of them begin, and many stay. */
	if (max_fences <= DMA_RESV_MIN_FENCES) {
		*size = DMA_RESV_MIN_SIZE;
		return kmalloc(DMA_RESV_MIN_SIZE, gfp);
	}

	/* Full to the brim: a power of two is what the allocator has. */
	*size = struct_size_t(struct dma_resv_list, slots, size_add(max_fences, 1));
	*size = *size <= PAGE_SIZE ? roundup_pow_of_two(*size) :
				     size_add(*size, PAGE_SIZE - 1) & PAGE_MASK;
	return kvmalloc(*size, gfp);
}

/* An empty list with room for at least @max_fences. */
static struct dma_resv_list *
dma_resv_list_alloc(u32 generation, size_t max_fences, gfp_t gfp)
{
	struct dma_resv_list *list;
	size_t size;

	/* Counts may come from userspace: too many is an error, not a bug. */
	list = dma_resv_list_memory(max_fences, gfp | __GFP_NOWARN, &size);
	if (!list)
		return NULL;

	list->num_fences = 0;
	list->max_fences = (size - sizeof(*list)) / sizeof(list->slots[0]) - 1;
	list->generation = generation;
	list->exchanges = 0;
	list->contexts = 0;
	return list;
}

/* Puts a reference of the caller's into the next slot, which must be free. */
static __always_inline void dma_resv_list_append(struct dma_resv_list *list,
						 struct dma_fence *fence,
						 enum dma_resv_usage usage)
{
	struct dma_resv_slot *slot = &list->slots[list->num_fences];

	slot->context = fence->context;
	slot->tagged = tag_fence(fence, usage);
	list->contexts |= context_bit(fence->context);
	/* Pairs with dma_resv_iter_start(): who sees the count sees the slot. */
	smp_store_release(&list->num_fences, list->num_fences + 1);
}

/* Exchanges the fence in a slot that readers may be looking at. */
static __always_inline void dma_resv_list_replace(struct dma_resv_list *list,
						  struct dma_resv_slot *slot,
						  struct dma_fence *fence,
						  enum dma_resv_usage usage)
{
	struct dma_fence *old = tagged_fence(slot->tagged);

	if (slot->tagged == tag_fence(fence, usage))
		return;

	slot->context = fence->context;
	list->contexts |= context_bit(fence->context);
	/*
	 * Release, for the content of the fence: pairs with the address
	 * dependency of dma_resv_iter_step(). The reference is put only after the
	 * exchange was counted: a reader that finds the fence dying, or its
	 * memory in other use, must find that there was an exchange as well, and
	 * one that finds it counted must find the new fence. The address of the
	 * fence does not tell: it may come back.
	 */
	smp_store_release(&slot->tagged,
			  tag_fence(fence_get(fence), usage));
	/* Pairs with dma_resv_exchanges() and dma_resv_is_steady(). */
	smp_store_release(&list->exchanges, list->exchanges + 1);
	fence_put(old);
}

/* Frees a list with its references. Readers under RCU may still be looking at it. */
static noinline void dma_resv_list_free(struct dma_resv_list *list)
{
	u32 i;

	for (i = 0; i < list->num_fences; i++)
		fence_put(tagged_fence(list->slots[i].tagged));
	kvfree_rcu(list, rcu);
}

/*
 * Publishes @list. The fences of the list that was there before are put, but when
 * @list @inherits, the references of those it has, in the same order, are its own.
 */
static void dma_resv_install(struct dma_resv *obj, struct dma_resv_list *list,
			     bool inherits)
{
	struct dma_resv_list *old = dma_resv_locked_list(obj);
	u32 kept = 0;
	u32 i;

	/* Before any put, for the reason given in dma_resv_list_replace(). */
	rcu_assign_pointer(obj->fences, list);
	if (!old)
		return;

	/* Most often @list just has more room. */
	if (inherits && list->num_fences == old->num_fences)
		kept = old->num_fences;
	for (i = kept; i < old->num_fences; i++) {
		unsigned long tagged = old->slots[i].tagged;

		if (inherits && kept < list->num_fences &&
		    list->slots[kept].tagged == tagged)
			kept++;
		else
			fence_put(tagged_fence(tagged));
	}
	kvfree_rcu(old, rcu);
}

/* Counts the fences that have not signalled, asking the drivers. */
static size_t dma_resv_list_count_pending(const struct dma_resv_list *list)
{
	u32 num = list->num_fences;
	size_t pending = 0;
	u32 i;

	for (i = 0; i < num; i++)
		pending += !dma_fence_is_signaled(tagged_fence(list->slots[i].tagged));
	return pending;
}

/* Fills an empty list with the pending fences of another one, references included. */
static void dma_resv_list_take_pending(struct dma_resv_list *list, struct dma_resv_list *old)
{
	u32 i;

	for (i = 0; i < old->num_fences; i++) {
		unsigned long tagged = old->slots[i].tagged;
		struct dma_fence *fence = tagged_fence(tagged);

		if (!fence_flagged(fence))
			dma_resv_list_append(list, fence, tagged_usage(tagged));
	}
}

/* The same with all of them; nobody sees the new list yet. */
static void dma_resv_list_take_all(struct dma_resv_list *list, struct dma_resv_list *old)
{
	u32 num = old->num_fences;
	u32 i;

	for (i = 0; i < num; i++)
		list->slots[i] = old->slots[i];
	list->contexts = old->contexts;
	list->num_fences = num;
}

/* The first list, with room for at least @num_fences. */
static noinline int dma_resv_begin(struct dma_resv *obj, size_t num_fences, gfp_t gfp)
{
	struct dma_resv_list *list = dma_resv_list_alloc(1, num_fences, gfp);

	if (!list)
		return -ENOMEM;
	rcu_assign_pointer(obj->fences, list);
	return 0;
}

/*
 * Replaces the list by one that has the pending fences only, and room for at
 * least @num_fences and for as many again as it has. So the next replacement is
 * paid for by that many additions.
 */
static int dma_resv_grow(struct dma_resv *obj, size_t num_fences, gfp_t gfp)
{
	struct dma_resv_list *old = dma_resv_locked_list(obj);
	struct dma_resv_list *list;
	size_t pending;

	if (!old)
		return dma_resv_begin(obj, num_fences, gfp);

	pending = dma_resv_list_count_pending(old);
	num_fences = max3(num_fences, pending, (size_t)DMA_RESV_MIN_FENCES);
	list = dma_resv_list_alloc(old->generation + 1, size_add(pending, num_fences), gfp);
	if (!list)
		return -ENOMEM;

	if (pending == old->num_fences)
		dma_resv_list_take_all(list, old);
	else
		dma_resv_list_take_pending(list, old);
	dma_resv_install(obj, list, true);
	return 0;
}

/**
 * dma_resv_init - initialise a reservation object
 * @obj: the object
 *
 * Context: Any.
 */
void dma_resv_init(struct dma_resv *obj)
{
	ww_mutex_init(&obj->lock, &reservation_ww_class);
	RCU_INIT_POINTER(obj->fences, NULL);
}
EXPORT_SYMBOL(dma_resv_init);

/**
 * dma_resv_reserve_fences - make room for fences
 * @obj: the object, locked
 * @num_fences: how many fences will be added, at least one
 *
 * Makes sure that @num_fences fences can be added until the object is unlocked.
 * Two calls do not add up: each one counts all slots that are free by then, so
 * ask for the sum, or reserve and add in turns. When the list is full, fences
 * that have signalled are dropped from it.
 *
 * Context: Process context, may sleep and reclaim memory. The caller holds the
 * reservation lock.
 * Return:
 * * 0 - the slots are there
 * * -ENOMEM - no memory, or far too many fences; the object is as it was
 * * -EINVAL - @num_fences is 0, which is a bug in the caller and warned about
 */
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);

	dma_resv_assert_held(obj);

	if (WARN_ON(!num_fences))
		return -EINVAL;

	if (list && list->max_fences - list->num_fences >= num_fences)
		return 0;
	return dma_resv_grow(obj, num_fences, GFP_KERNEL);
}
EXPORT_SYMBOL(dma_resv_reserve_fences);

#ifdef CONFIG_DEBUG_MUTEXES
/**
 * dma_resv_reset_max_fences - take away the slots that are not filled
 * @obj: the object, locked
 *
 * Called by dma_resv_unlock() in kernels that debug mutexes, so that a driver
 * which adds a fence without reserving a slot is noticed on the first occasion,
 * not when the list happens to be full.
 *
 * Context: Any. The caller holds the reservation lock.
 */
void dma_resv_reset_max_fences(struct dma_resv *obj)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);

	dma_resv_assert_held(obj);

	if (list)
		list->max_fences = list->num_fences;
}
EXPORT_SYMBOL(dma_resv_reset_max_fences);
#endif

/*
 * The first slot from @slot on with a fence of @context, or the slot behind the
 * last fence when there is none: the key in that one ends the search.
 */
static __always_inline struct dma_resv_slot *
dma_resv_list_find(struct dma_resv_list *list, struct dma_resv_slot *slot,
		   u64 context)
{
	list->slots[list->num_fences].context = context;
	while (slot->context != context)
		slot++;
	return slot;
}

/*
 * Whether waiting for @fence makes waiting for the one in @slot unnecessary for
 * everybody who would have found the latter. Both are of one context.
 */
static __always_inline bool dma_resv_supersedes(struct dma_fence *fence,
						enum dma_resv_usage usage,
						const struct dma_resv_slot *slot)
{
	struct dma_fence *old = tagged_fence(slot->tagged);

	if (tagged_usage(slot->tagged) >= usage &&
	    (fence == old ||
	     __dma_fence_seqno_after(fence->seqno, old->seqno,
				     test_bit(DMA_FENCE_FLAG_SEQNO64_BIT, &fence->flags))))
		return true;
	return fence_flagged(old);
}

/* Puts @fence in place of one that it supersedes, if there is one. */
static noinline bool dma_resv_list_supersede(struct dma_resv_list *list,
					     struct dma_fence *fence,
					     enum dma_resv_usage usage)
{
	struct dma_resv_slot *end = &list->slots[list->num_fences];
	struct dma_resv_slot *slot = list->slots;

	for (;; slot++) {
		slot = dma_resv_list_find(list, slot, fence->context);
		if (slot == end)
			return false;
		if (dma_resv_supersedes(fence, usage, slot))
			break;
	}
	dma_resv_list_replace(list, slot, fence, usage);
	return true;
}

/* Puts @fence in place of one that has signalled. */
static noinline void dma_resv_list_reuse(struct dma_resv_list *list, struct dma_resv_slot *slot,
					 struct dma_fence *fence, enum dma_resv_usage usage)
{
	dma_resv_list_replace(list, slot, fence, usage);
}

/* A slot of a short list whose fence has signalled, or NULL. */
static __always_inline struct dma_resv_slot *dma_resv_list_sweep(struct dma_resv_list *list)
{
	struct dma_resv_slot *slot;
	u32 i;

	if (list->num_fences > DMA_RESV_SWEEP)
		return NULL;

	for (i = list->num_fences, slot = list->slots; i; i--, slot++) {
		if (fence_flagged(tagged_fence(slot->tagged)))
			return slot;
	}
	return NULL;
}

/*
 * Somebody adds without a slot. Without the fence the next user of the buffer
 * would run into this one's work, so get a slot from memory that needs no sleep
 * or reclaim: the caller may be on the path to signalling a fence. Failing that
 * wait for the work, but not for ever, since it may be the caller's to finish.
 */
static noinline void dma_resv_add_unreserved(struct dma_resv *obj,
					     struct dma_fence *fence,
					     enum dma_resv_usage usage)
{
	WARN(1, "fence added to a reservation object without a reserved slot\n");

	if (!dma_resv_grow(obj, 1, GFP_ATOMIC))
		dma_resv_list_append(dma_resv_locked_list(obj), dma_fence_get(fence),
				     usage);
	else
		dma_fence_wait_timeout(fence, false, DMA_RESV_LAST_RESORT);
}

/**
 * dma_resv_add_fence - add a fence
 * @obj: the object, locked
 * @fence: the fence, neither an array nor a chain
 * @usage: what the work behind @fence does with the buffer
 *
 * Needs a slot from dma_resv_reserve_fences(). The object takes a reference of
 * its own to @fence.
 *
 * @fence takes the place of one of the same context that is not later, when
 * everybody who would have waited for that one will also find @fence; or else,
 * while there are few, of one that has signalled. Fences in other slots stay.
 *
 * A caller without a slot is warned about. Its fence is added nevertheless when
 * memory can be had at once, else the call waits up to ten seconds for @fence to
 * signal: a caller who did reserve never sleeps here.
 *
 * Context: Any that may hold the reservation lock, which the caller does. Also
 * between dma_fence_begin_signalling() and dma_fence_end_signalling().
 */
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);
	struct dma_resv_slot *slot;

	dma_resv_assert_held(obj);
	/* Their parts are told apart by context, the containers cannot be. */
	WARN_ON(dma_fence_is_container(fence));

	if (!list) {
		dma_resv_add_unreserved(obj, fence, usage);
		return;
	}
	if ((list->contexts & context_bit(fence->context)) &&
	    dma_resv_list_supersede(list, fence, usage))
		return;

	slot = dma_resv_list_sweep(list);
	if (slot)
		dma_resv_list_reuse(list, slot, fence, usage);
	else if (list->num_fences < list->max_fences)
		dma_resv_list_append(list, fence_get(fence), usage);
	else
		dma_resv_add_unreserved(obj, fence, usage);
}
EXPORT_SYMBOL(dma_resv_add_fence);

/**
 * dma_resv_replace_fences - exchange all fences of a context
 * @obj: the object, locked
 * @context: the context whose fences are to go
 * @fence: what takes the place of each of them
 * @usage: what the work behind @fence does with the buffer
 *
 * For fences that stand for the presence of something rather than for work:
 * preemption fences, page table updates. @fence must signal no sooner than the
 * memory may be used without the old fences, and does not have to be of
 * @context. It takes one reference per slot; without a fence of @context,
 * nothing happens.
 *
 * Context: Any that may hold the reservation lock, which the caller does. Does
 * not sleep.
 */
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_locked_list(obj);
	struct dma_resv_slot *slot, *end;

	dma_resv_assert_held(obj);

	if (!list || !(list->contexts & context_bit(context)))
		return;

	end = &list->slots[list->num_fences];
	for (slot = list->slots;; slot++) {
		slot = dma_resv_list_find(list, slot, context);
		if (slot == end)
			return;
		dma_resv_list_replace(list, slot, fence, usage);
	}
}
EXPORT_SYMBOL(dma_resv_replace_fences);

/**
 * dma_resv_copy_fences - make one object wait for what another one waits for
 * @dst: the object to change, locked
 * @src: the object to read, locked or not
 *
 * Afterwards @dst has the pending fences of @src with their usages, instead of
 * its own. Slots that were reserved in @dst stay reserved.
 *
 * Context: Process context, may sleep and reclaim memory. The caller holds the
 * lock of @dst.
 * Return: 0, or -ENOMEM, which leaves @dst as it was.
 */
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src)
{
	struct dma_resv_list *old = dma_resv_locked_list(dst);
	u32 reserved = old ? old->max_fences - old->num_fences : 0;
	struct dma_resv_list *list = NULL;
	int count, i;

	dma_resv_assert_held(dst);

	do {
		u32 need = dma_resv_count(src);

		if (!need && !old) {
			kvfree(list);
			return 0;
		}
		if (!list || list->max_fences - reserved < need) {
			kvfree(list);
			list = dma_resv_list_alloc(old ? old->generation + 1 : 1,
						   size_add(need, reserved), GFP_KERNEL);
			if (!list)
				return -ENOMEM;
		}
		count = dma_resv_collect(src, DMA_RESV_USAGE_BOOKKEEP, &list->slots[0].tagged,
					 sizeof(list->slots[0]), list->max_fences - reserved);
	} while (count < 0);

	/* In place: a fence moves forward or stays. */
	for (i = 0; i < count; i++) {
		unsigned long tagged = list->slots[i].tagged;
		struct dma_fence *fence = tagged_fence(tagged);

		if (dma_fence_is_signaled(fence))
			dma_fence_put(fence);
		else
			dma_resv_list_append(list, fence, tagged_usage(tagged));
	}

	dma_resv_install(dst, list, false);
	return 0;
}
EXPORT_SYMBOL(dma_resv_copy_fences);

/**
 * dma_resv_fini - destroy a reservation object
 * @obj: the object, unlocked
 *
 * Puts all fences, signalled or not. Nobody may use the object any more; the list
 * of its fences stays for those who found it under RCU.
 *
 * Context: Any in which the last reference to a fence may be put.
 */
void dma_resv_fini(struct dma_resv *obj)
{
	struct dma_resv_list *list = rcu_dereference_protected(obj->fences, true);

	if (list)
		dma_resv_list_free(list);
	ww_mutex_destroy(&obj->lock);
}
EXPORT_SYMBOL(dma_resv_fini);

#if IS_ENABLED(CONFIG_LOCKDEP)
/*
 * What may happen below a reservation lock: an allocation reclaims memory, which
 * unmaps pages of a file, which tells the MMU notifiers, which wait for fences.
 */
static void __init dma_resv_prime_reclaim(struct address_space *mapping)
{
	fs_reclaim_acquire(GFP_KERNEL);
	i_mmap_lock_write(mapping);
#ifdef CONFIG_MMU_NOTIFIER
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	__dma_fence_might_wait();
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
#else
	__dma_fence_might_wait();
#endif
	i_mmap_unlock_write(mapping);
	fs_reclaim_release(GFP_KERNEL);
}

/*
 * Shows lockdep the order of everything around the reservation lock once, so that
 * a driver which does it the other way round is found on its first attempt.
 */
static int __init dma_resv_prime_lockdep(void)
{
	struct mm_struct *mm = mm_alloc();
	struct address_space mapping;
	struct ww_acquire_ctx ctx;
	struct dma_resv obj;

	if (!mm)
		return -ENOMEM;

	dma_resv_init(&obj);
	address_space_init_once(&mapping);

	mmap_read_lock(mm);
	ww_acquire_init(&ctx, &reservation_ww_class);
	/* The first lock of a context cannot be told to back off. */
	dma_resv_lock(&obj, &ctx);
	dma_resv_prime_reclaim(&mapping);
	dma_resv_unlock(&obj);
	ww_acquire_fini(&ctx);
	mmap_read_unlock(mm);

	dma_resv_fini(&obj);
	mmput(mm);
	return 0;
}
subsys_initcall(dma_resv_prime_lockdep);
#endif
