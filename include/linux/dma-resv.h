/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reservation objects: which fences must have signalled before a buffer may
 * be used, and the lock that decides who may add to them.
 */
#ifndef _LINUX_RESERVATION_H
#define _LINUX_RESERVATION_H

#include <linux/dma-fence.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/ww_mutex.h>

struct seq_file;
struct dma_resv_list;

extern struct ww_class reservation_ww_class;

/**
 * enum dma_resv_usage - what the work behind a fence does with the buffer
 *
 * The usages are ordered. A query names one of them and is answered with the
 * fences of that usage and of every usage before it, so that asking for
 * %DMA_RESV_USAGE_READ also finds the writers and the kernel's own work.
 */
enum dma_resv_usage {
	/**
	 * @DMA_RESV_USAGE_KERNEL: the kernel manages the memory itself
	 *
	 * Moving or clearing the backing store, for instance. Nothing may
	 * touch the buffer before these fences have signalled, implicit
	 * synchronisation or not.
	 */
	DMA_RESV_USAGE_KERNEL,

	/**
	 * @DMA_RESV_USAGE_WRITE: work of userspace that writes the content
	 *
	 * Takes part in implicit synchronisation: readers and writers that
	 * come later wait for it.
	 */
	DMA_RESV_USAGE_WRITE,

	/**
	 * @DMA_RESV_USAGE_READ: work of userspace that reads the content
	 *
	 * Takes part in implicit synchronisation: writers that come later
	 * wait for it.
	 */
	DMA_RESV_USAGE_READ,

	/**
	 * @DMA_RESV_USAGE_BOOKKEEP: work nobody waits for implicitly
	 *
	 * Explicitly synchronised work, preemption fences, page table
	 * updates. Only who is about to take the memory away asks for these.
	 */
	DMA_RESV_USAGE_BOOKKEEP
};

/**
 * dma_resv_usage_rw - which fences implicit synchronisation waits for
 * @write: whether the new work writes the buffer
 *
 * A writer must come after all readers and writers, a reader only after the
 * writers.
 *
 * Context: Any.
 * Return: the usage to hand to a query.
 */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

/**
 * struct dma_resv - the fences of one buffer, or of several that share it
 *
 * Readers need neither the lock nor a reference to the fences; see
 * dma_resv_for_each_fence_unlocked().
 */
struct dma_resv {
	/**
	 * @lock: serialises all who change @fences
	 *
	 * Take it with dma_resv_lock() and its siblings. Several objects are
	 * locked together under one acquire context of @reservation_ww_class.
	 */
	struct ww_mutex lock;

	/**
	 * @fences: the list, NULL until slots were reserved for the first time
	 *
	 * Replaced and filled under @lock, read under RCU.
	 */
	struct dma_resv_list __rcu *fences;
};

/**
 * struct dma_resv_iter - where a walk over the fences of an object stands
 *
 * Lives on the stack of who walks and is touched by nobody else. Ask for its
 * content with dma_resv_iter_usage() and dma_resv_iter_is_restarted().
 */
struct dma_resv_iter {
	/** @obj: the object whose fences are walked */
	struct dma_resv *obj;

	/** @usage: fences up to this usage are returned */
	enum dma_resv_usage usage;

	/** @generation: of @fences; an address alone may come back after a free */
	unsigned int generation;

	/** @fence: the current fence, referenced; NULL in a locked walk */
	struct dma_fence *fence;

	/** @fence_usage: what the current fence was added for */
	enum dma_resv_usage fence_usage;

	/** @index: the slot to look at next */
	unsigned int index;

	/** @fences: the list walked; compared only, unless locked or in RCU */
	struct dma_resv_list *fences;

	/** @num_fences: filled slots when the walk (re)started */
	unsigned int num_fences;

	/** @is_restarted: the current fence is the first one of a new walk */
	bool is_restarted;
};

struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor);

/**
 * dma_resv_iter_begin - prepare a walk
 * @cursor: the cursor, uninitialised
 * @obj: the object whose fences to walk
 * @usage: return the fences of this usage and of the usages before it
 *
 * End the walk with dma_resv_iter_end().
 *
 * Context: Any.
 */
static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor,
				       struct dma_resv *obj,
				       enum dma_resv_usage usage)
{
	cursor->obj = obj;
	cursor->usage = usage;
	cursor->fence = NULL;
}

/**
 * dma_resv_iter_end - finish a walk, at its end or early
 * @cursor: the cursor
 *
 * Drops the reference to the current fence of an unlocked walk.
 *
 * Context: Any in which the last reference to a fence may be put.
 */
static inline void dma_resv_iter_end(struct dma_resv_iter *cursor)
{
	dma_fence_put(cursor->fence);
}

/**
 * dma_resv_iter_usage - what the current fence was added for
 * @cursor: a cursor whose last step returned a fence
 *
 * Context: Any.
 * Return: the usage given to dma_resv_add_fence() or dma_resv_replace_fences().
 */
static inline enum dma_resv_usage
dma_resv_iter_usage(struct dma_resv_iter *cursor)
{
	return cursor->fence_usage;
}

/**
 * dma_resv_iter_is_restarted - whether the walk has just begun again
 * @cursor: the cursor, after its last step
 *
 * True after the first step, and after each step that found the list replaced
 * below an unlocked walk. Whatever was collected before is to be dropped: the
 * walk goes over all fences again.
 *
 * Context: Any.
 * Return: true when the last step started from the first slot.
 */
static inline bool dma_resv_iter_is_restarted(struct dma_resv_iter *cursor)
{
	return cursor->is_restarted;
}

/**
 * dma_resv_for_each_fence_unlocked - walk the pending fences without the lock
 * @cursor: a cursor prepared with dma_resv_iter_begin()
 * @fence: the current fence
 *
 * Skips fences that have signalled. The cursor holds a reference to @fence
 * until the next step or dma_resv_iter_end(); take one's own to keep it. The
 * body may sleep and may lock the object. A walk begins again when a writer
 * replaces the list, which dma_resv_iter_is_restarted() tells. A fence that is
 * added during the walk may or may not be seen.
 *
 * Call dma_resv_iter_end() afterwards, also after a break.
 */
#define dma_resv_for_each_fence_unlocked(cursor, fence)			\
	for (fence = dma_resv_iter_first_unlocked(cursor); fence;	\
	     fence = dma_resv_iter_next_unlocked(cursor))

/**
 * dma_resv_for_each_fence - walk all fences with the lock held
 * @cursor: an uninitialised cursor
 * @obj: the object, locked
 * @usage: return the fences of this usage and of the usages before it
 * @fence: the current fence
 *
 * Signalled fences are returned too. No reference is taken: @fence lives as
 * long as the object is locked and the body does not replace it. The body may
 * use dma_resv_replace_fences(); when it makes the list grow, the walk begins
 * again. dma_resv_iter_end() is not needed, but does no harm.
 */
#define dma_resv_for_each_fence(cursor, obj, usage, fence)		\
	for (dma_resv_iter_begin(cursor, obj, usage),			\
	     fence = dma_resv_iter_first(cursor); fence;		\
	     fence = dma_resv_iter_next(cursor))

#define dma_resv_held(obj) lockdep_is_held(&(obj)->lock.base)
#define dma_resv_assert_held(obj) lockdep_assert_held(&(obj)->lock.base)

#ifdef CONFIG_DEBUG_MUTEXES
void dma_resv_reset_max_fences(struct dma_resv *obj);
#else
static inline void dma_resv_reset_max_fences(struct dma_resv *obj)
{
}
#endif

/**
 * dma_resv_lock - lock an object
 * @obj: the object
 * @ctx: the acquire context when several objects are locked, or NULL
 *
 * The lock is a wound/wait mutex. With a context, an object may turn out to be
 * held by an older context. Then unlock everything taken under @ctx, wait for
 * the contended object with dma_resv_lock_slow() and begin again.
 *
 * Context: Process context, may sleep. Takes the reservation lock.
 * Return:
 * * 0 - locked
 * * -EDEADLK - @ctx must back off as described
 * * -EALREADY - @ctx holds this object's lock already
 *
 * Without a context always 0.
 */
static inline int dma_resv_lock(struct dma_resv *obj,
				struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(&obj->lock, ctx);
}

/**
 * dma_resv_lock_interruptible - lock an object unless a signal arrives
 * @obj: the object
 * @ctx: the acquire context when several objects are locked, or NULL
 *
 * Like dma_resv_lock().
 *
 * Context: Process context, may sleep. Takes the reservation lock.
 * Return:
 * * 0 - locked
 * * -EDEADLK - @ctx must back off
 * * -EALREADY - @ctx holds this object's lock already
 * * -EINTR - a signal arrived first
 */
static inline int dma_resv_lock_interruptible(struct dma_resv *obj,
					      struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow - wait for the object that made a context back off
 * @obj: the object whose lock returned -EDEADLK
 * @ctx: the acquire context, which must hold no lock any more
 *
 * Context: Process context, may sleep. Takes the reservation lock.
 */
static inline void dma_resv_lock_slow(struct dma_resv *obj,
				      struct ww_acquire_ctx *ctx)
{
	ww_mutex_lock_slow(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow_interruptible - the same, unless a signal arrives
 * @obj: the object whose lock returned -EDEADLK
 * @ctx: the acquire context, which must hold no lock any more
 *
 * Context: Process context, may sleep. Takes the reservation lock.
 * Return: 0 when locked, -EINTR when a signal arrived first.
 */
static inline int dma_resv_lock_slow_interruptible(struct dma_resv *obj,
						   struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_slow_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_trylock - lock an object if nobody holds it
 * @obj: the object
 *
 * Outside of any acquire context, so the owner cannot be made to back off and
 * must not wait for other reservations.
 *
 * Context: Process context. Does not sleep. Takes the reservation lock.
 * Return: true when the lock was taken.
 */
static inline bool __must_check dma_resv_trylock(struct dma_resv *obj)
{
	return ww_mutex_trylock(&obj->lock, NULL);
}

/**
 * dma_resv_is_locked - whether anybody holds the lock
 * @obj: the object
 *
 * The answer may be out of date when it arrives; to assert that the caller
 * holds the lock, use dma_resv_assert_held().
 *
 * Context: Any.
 * Return: true when the lock is held.
 */
static inline bool dma_resv_is_locked(struct dma_resv *obj)
{
	return ww_mutex_is_locked(&obj->lock);
}

/**
 * dma_resv_locking_ctx - the acquire context an object is locked under
 * @obj: the object
 *
 * Without the lock, the result may only be compared, never followed.
 *
 * Context: Any.
 * Return: the context, or NULL when not locked or locked without one.
 */
static inline struct ww_acquire_ctx *dma_resv_locking_ctx(struct dma_resv *obj)
{
	return READ_ONCE(obj->lock.ctx);
}

/**
 * dma_resv_unlock - unlock an object
 * @obj: the object
 *
 * Ends the validity of reserved slots. Kernels with CONFIG_DEBUG_MUTEXES take
 * them away at once, so that dma_resv_add_fence() notices who relies on them.
 *
 * Context: Process context. Releases the reservation lock.
 */
static inline void dma_resv_unlock(struct dma_resv *obj)
{
	dma_resv_reset_max_fences(obj);
	ww_mutex_unlock(&obj->lock);
}

void dma_resv_init(struct dma_resv *obj);
void dma_resv_fini(struct dma_resv *obj);
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences);
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage);
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage);
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences);
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence);
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src);
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout);
void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage,
			   ktime_t deadline);
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage);
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq);

#endif
