/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA fences: one bit that says "this work on shared memory has finished",
 * and everything needed to wait for it across drivers.
 */
#ifndef __LINUX_DMA_FENCE_H
#define __LINUX_DMA_FENCE_H

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

struct dma_fence;
struct dma_fence_cb;
struct dma_fence_ops;
struct seq_file;

/**
 * struct dma_fence - the completion of one piece of work
 * @lock: lock of the driver that made the fence, guards @cb_list and the
 *	transition to signalled. Must outlive the fence. Valid unless the fence
 *	was made with a lock of its own; dma_fence_spinlock() knows which.
 * @inline_lock: the fence's own lock, when dma_fence_init() was given none
 * @ops: the driver's callbacks; set by dma_fence_init(), never NULL after.
 *	Constant until dma_fence_detach(), where a driver asks for that
 * @cb_list: callbacks to run when the fence signals, in this order. Under the
 *	lock; gone once DMA_FENCE_FLAG_SIGNALED_BIT is set.
 * @timestamp: when the fence signalled. Written once, under the lock; may be
 *	read when DMA_FENCE_FLAG_TIMESTAMP_BIT is set.
 * @rcu: for freeing the fence, when the last reference is gone
 * @context: the timeline that the fence belongs to; constant
 * @seqno: position on the timeline; constant
 * @flags: &enum dma_fence_flag_bits and the driver's own bits from
 *	DMA_FENCE_FLAG_USER_BITS up; atomic bit operations only. The
 *	subsystem keeps its own bits at the other end of the word.
 * @refcount: references; the fence's memory outlives the last one by an RCU
 *	grace period
 * @error: 0, or why the work failed (negative errno). Set by the driver before
 *	it signals, constant from then on.
 *
 * On one timeline fences signal in the order of their seqno, so that the
 * latest one stands for all before it.
 */
struct dma_fence {
	union {
		spinlock_t *lock; /* guards cb_list, and signalling */
		spinlock_t inline_lock; /* the same, without a driver's lock */
	};
	const struct dma_fence_ops *ops;
	union {
		struct list_head cb_list;
		ktime_t timestamp;
		struct rcu_head rcu;
	};
	u64 context;
	u64 seqno;
	unsigned long flags;
	struct kref refcount;
	int error;
};

/**
 * enum dma_fence_flag_bits - bits of &dma_fence.flags
 * @DMA_FENCE_FLAG_SIGNALED_BIT: the fence has signalled; never cleared
 * @DMA_FENCE_FLAG_TIMESTAMP_BIT: &dma_fence.timestamp is valid
 * @DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT: somebody waits: enable_signaling was called
 * @DMA_FENCE_FLAG_USER_BITS: the first bit that a driver may use for itself
 */
enum dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT,
	DMA_FENCE_FLAG_TIMESTAMP_BIT,
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
	DMA_FENCE_FLAG_USER_BITS,
};

/*
 * The subsystem's own bits, counted from the top, set by dma_fence_init(). Containers
 * have some of those that are missing here.
 */
#define DMA_FENCE_FLAG_INLINE_LOCK_BIT	(BITS_PER_LONG - 1)
#define DMA_FENCE_FLAG_SEQNO64_BIT	(BITS_PER_LONG - 2)

/*
 * The driver brought neither release nor wait, so nobody needs it after the signal.
 * Set rather than clear, since a driver that clears all flags must keep its release.
 */
#define DMA_FENCE_FLAG_DETACHABLE_BIT	(BITS_PER_LONG - 9)

/**
 * typedef dma_fence_func_t - what to call when a fence signals
 * @fence: the fence, with its lock held and interrupts off
 * @cb: the callback, which is in no list any more
 */
typedef void (*dma_fence_func_t)(struct dma_fence *fence,
				 struct dma_fence_cb *cb);

/**
 * struct dma_fence_cb - what to call when a fence signals
 * @node: place in &dma_fence.cb_list, under the fence's lock; an empty list
 *	when the callback waits for nothing
 * @func: the function
 *
 * Embed it in the structure that the function needs.
 */
struct dma_fence_cb {
	struct list_head node;
	dma_fence_func_t func;
};

/**
 * struct dma_fence_deferred - what a container does outside of all locks
 * @node: place in the CPU's list
 * @func: the function
 *
 * For the containers only.
 */
struct dma_fence_deferred {
	struct llist_node node;
	void (*func)(struct dma_fence_deferred *deferred);
};

/**
 * struct dma_fence_ops - what a fence's driver provides
 *
 * When a fence has signalled, none of these is called any more, save @wait of a
 * wait that has begun and @release. A driver without these two may thus be
 * unloaded when its fences have signalled, no matter who still has references;
 * see dma_fence_detach() for its data.
 *
 * @get_driver_name, @get_timeline_name, @signaled and @set_deadline are called
 * inside an RCU read side or the lock, @enable_signaling inside the fence's lock.
 */
struct dma_fence_ops {
	/**
	 * @use_64bit_seqno: compare sequence numbers as 64-bit values that never
	 * wrap. Without it only the low 32 bits count, and they may wrap.
	 */
	bool use_64bit_seqno;

	/**
	 * @get_driver_name: the driver's name. Mandatory, may be called from any
	 * context, for the last time an RCU grace period after the fence has
	 * signalled.
	 */
	const char * (*get_driver_name)(struct dma_fence *fence);

	/**
	 * @get_timeline_name: the name of the timeline, which may depend on the
	 * fence. Mandatory, same rules.
	 */
	const char * (*get_timeline_name)(struct dma_fence *fence);

	/**
	 * @enable_signaling: somebody waits, so see to it that the fence signals
	 * by itself (switch on the interrupt, say). Called at most once for a
	 * fence, under its lock with interrupts off. Takes a reference if the
	 * driver needs the fence from now on.
	 *
	 * Optional: without it the fence signals by itself anyway.
	 *
	 * Returns false when the work is already done; the fence is then
	 * signalled at once (set &dma_fence.error first if it failed).
	 */
	bool (*enable_signaling)(struct dma_fence *fence);

	/**
	 * @signaled: peek whether the work is done, without waiting and from any
	 * context. May err on the side of false, but has to answer true at some
	 * time after the work is done. Optional.
	 */
	bool (*signaled)(struct dma_fence *fence);

	/**
	 * @wait: an own way to wait, for hardware that
	 * dma_fence_default_wait() cannot serve. @timeout is in jiffies, the
	 * result as from dma_fence_wait_timeout(). Optional; not for new
	 * drivers, since such a wait cannot be joined with others.
	 */
	signed long (*wait)(struct dma_fence *fence,
			    bool intr, signed long timeout);

	/**
	 * @release: frees the fence when the last reference goes, in any context
	 * including hard interrupts. The memory has to stay readable for an RCU
	 * grace period. Optional; without it, dma_fence_free().
	 */
	void (*release)(struct dma_fence *fence);

	/**
	 * @fence_value_str: writes the fence's place on its timeline into @str of
	 * @size bytes, for debugging. Not called any more.
	 */
	void (*fence_value_str)(struct dma_fence *fence, char *str, int size);

	/**
	 * @timeline_value_str: writes how far the timeline has come into @str of
	 * @size bytes, for debugging. Not called any more.
	 */
	void (*timeline_value_str)(struct dma_fence *fence,
				   char *str, int size);

	/**
	 * @set_deadline: somebody would like the fence to signal at @deadline
	 * (CLOCK_MONOTONIC) or earlier; raise clocks if that helps. May be called
	 * several times and from any context. Optional.
	 */
	void (*set_deadline)(struct dma_fence *fence, ktime_t deadline);
};

void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno);
void dma_fence_init64(struct dma_fence *fence, const struct dma_fence_ops *ops,
		      spinlock_t *lock, u64 context, u64 seqno);
void dma_fence_release(struct kref *kref);
void dma_fence_free(struct dma_fence *fence);
void dma_fence_describe(struct dma_fence *fence, struct seq_file *seq);
const char __rcu *dma_fence_driver_name(struct dma_fence *fence);
const char __rcu *dma_fence_timeline_name(struct dma_fence *fence);

/**
 * dma_fence_spinlock - the lock that guards a fence
 * @fence: the fence
 *
 * Return: the driver's lock, or the one inside the fence when the driver gave
 * none to dma_fence_init().
 */
static __always_inline spinlock_t *dma_fence_spinlock(struct dma_fence *fence)
{
	if (test_bit(DMA_FENCE_FLAG_INLINE_LOCK_BIT, &fence->flags))
		return &fence->inline_lock;
	return fence->lock;
}

/**
 * dma_fence_lock_irqsave - take the lock that guards a fence
 * @fence: the fence
 * @flags: unsigned long that takes the state of the interrupts
 */
#define dma_fence_lock_irqsave(fence, flags)	\
	spin_lock_irqsave(dma_fence_spinlock(fence), flags)

/**
 * dma_fence_unlock_irqrestore - drop the lock that guards a fence
 * @fence: the fence
 * @flags: from dma_fence_lock_irqsave()
 */
#define dma_fence_unlock_irqrestore(fence, flags)	\
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags)

/**
 * dma_fence_assert_held - have lockdep check that a fence's lock is held
 * @fence: the fence
 */
#define dma_fence_assert_held(fence)	\
	lockdep_assert_held(dma_fence_spinlock(fence))

/**
 * dma_fence_was_initialized - has this memory become a fence?
 * @fence: zeroed memory or a fence, or NULL
 *
 * Context: any.
 * Return: true after dma_fence_init().
 */
static inline bool dma_fence_was_initialized(struct dma_fence *fence)
{
	return fence && fence->ops;
}

/**
 * dma_fence_put - give back a reference
 * @fence: the fence, or NULL
 *
 * Context: any; the last reference runs the driver's release callback.
 */
static inline void dma_fence_put(struct dma_fence *fence)
{
	if (fence)
		kref_put(&fence->refcount, dma_fence_release);
}

/**
 * dma_fence_get - take another reference
 * @fence: a fence that the caller holds a reference to, or NULL
 *
 * Context: any.
 * Return: @fence, to be given back with dma_fence_put().
 */
static inline struct dma_fence *dma_fence_get(struct dma_fence *fence)
{
	if (fence)
		kref_get(&fence->refcount);
	return fence;
}

/**
 * dma_fence_get_rcu - take a reference to a fence found under RCU
 * @fence: the fence, whose last reference may just be going
 *
 * Context: inside rcu_read_lock().
 * Return: @fence with a reference, or NULL when it was too late.
 */
static inline struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence)
{
	return kref_get_unless_zero(&fence->refcount) ? fence : NULL;
}

/**
 * dma_fence_get_rcu_safe - take a reference to the fence in an RCU pointer
 * @fencep: where the pointer stands; others may replace it at any time, but
 *	have to do so before they give up the pointer's reference
 *
 * Copes with memory that is recycled for another fence without a grace period
 * (SLAB_TYPESAFE_BY_RCU): a reference counts only if the pointer still names
 * the same fence after it was taken.
 *
 * Context: inside rcu_read_lock().
 * Return: the fence with a reference, or NULL when the pointer is NULL.
 */
static __always_inline struct dma_fence *
dma_fence_get_rcu_safe(struct dma_fence __rcu **fencep)
{
	struct dma_fence *fence;

	while ((fence = rcu_dereference(*fencep))) {
		if (!dma_fence_get_rcu(fence))
			continue;
		/* Full order: a recycled fence was put before it was taken. */
		smp_mb__after_atomic();
		if (rcu_access_pointer(*fencep) == fence)
			return rcu_pointer_handoff(fence);
		dma_fence_put(fence);
	}
	return NULL;
}

#ifdef CONFIG_LOCKDEP
bool dma_fence_begin_signalling(void);
void dma_fence_end_signalling(bool cookie);
void __dma_fence_might_wait(void);
#else
static inline bool dma_fence_begin_signalling(void)
{
	return true;
}

static inline void dma_fence_end_signalling(bool cookie)
{
}

static inline void __dma_fence_might_wait(void)
{
}
#endif

int dma_fence_signal(struct dma_fence *fence);
int dma_fence_signal_locked(struct dma_fence *fence);
int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp);
int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp);
signed long dma_fence_default_wait(struct dma_fence *fence,
				   bool intr, signed long timeout);
int dma_fence_add_callback(struct dma_fence *fence,
			   struct dma_fence_cb *cb,
			   dma_fence_func_t func);
bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb);
void dma_fence_enable_sw_signaling(struct dma_fence *fence);
void dma_fence_detach(struct dma_fence *fence);
void dma_fence_detach_sync(struct dma_fence *fence);
void dma_fence_detach_call(struct dma_fence *fence, struct rcu_head *head,
			   rcu_callback_t func);

/**
 * dma_fence_enable_signaling - make a fence signal by itself
 * @fence: the fence
 *
 * What later kernels call dma_fence_enable_sw_signaling().
 *
 * Context: any, without the fence's lock.
 */
static inline void dma_fence_enable_signaling(struct dma_fence *fence)
{
	dma_fence_enable_sw_signaling(fence);
}

/**
 * dma_fence_check_and_signal - signal a fence unless it has signalled
 * @fence: the fence
 *
 * Context: any, without the fence's lock.
 * Return: true when it had signalled before, or is NULL.
 */
static inline bool dma_fence_check_and_signal(struct dma_fence *fence)
{
	return dma_fence_signal(fence);
}

/**
 * dma_fence_check_and_signal_locked - signal a fence unless it has signalled
 * @fence: the fence
 *
 * Context: any, with the fence's lock held and interrupts off.
 * Return: true when it had signalled before.
 */
static inline bool dma_fence_check_and_signal_locked(struct dma_fence *fence)
{
	return dma_fence_signal_locked(fence);
}

/**
 * dma_fence_test_signaled_flag - has the fence signalled, as far as is known?
 * @fence: the fence
 *
 * Does not ask the driver, which dma_fence_is_signaled() does.
 *
 * Context: any.
 * Return: true when it has. What dma_fence_is_signaled() promises holds then.
 */
static __always_inline bool dma_fence_test_signaled_flag(struct dma_fence *fence)
{
	/* Pairs with the full barrier of signalling: error and work come first. */
	return test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/*
 * Does the driver say that the work is done? Under RCU or the fence's lock, either
 * of which keeps the driver there from a look at the flag on.
 */
static __always_inline bool __dma_fence_ask(struct dma_fence *fence)
{
	/* Once: dma_fence_detach() may change it. */
	const struct dma_fence_ops *ops = READ_ONCE(fence->ops);

	if (!ops->signaled)
		return false;
	return ops->signaled(fence);
}

/* The same for who does not hold the lock, under which alone the driver stays. */
static __always_inline bool __dma_fence_ask_rcu(struct dma_fence *fence)
{
	bool done;

	rcu_read_lock();
	/* Whoever was preempted in between may come too late for the driver. */
	done = (IS_ENABLED(CONFIG_PREEMPTION) && dma_fence_test_signaled_flag(fence)) ||
	       __dma_fence_ask(fence);
	rcu_read_unlock();
	return done;
}

/**
 * dma_fence_is_signaled_locked - has the fence signalled?
 * @fence: the fence
 *
 * Asks the driver, too, and signals the fence when the driver says so.
 *
 * Context: the fence's lock is held.
 * Return: true when it has.
 */
static inline bool dma_fence_is_signaled_locked(struct dma_fence *fence)
{
	if (dma_fence_test_signaled_flag(fence))
		return true;
	if (!__dma_fence_ask(fence))
		return false;
	dma_fence_signal_locked(fence);
	return true;
}

/**
 * dma_fence_is_signaled - has the fence signalled?
 * @fence: the fence
 *
 * Asks the driver, too, and signals the fence when the driver says so. A fence
 * that nobody waits for may need such a look or dma_fence_enable_sw_signaling()
 * to signal at all.
 *
 * True says that the work is done, that what it has written may be read, and
 * that the error is final. It does not say that whoever signals is through:
 * callbacks may be running or have yet to run, with the lock held, and so may a
 * callback of the driver that began earlier. The DOC section about the end of a
 * fence tells how to wait for these.
 *
 * Context: any; the fence's lock is not held.
 * Return: true when it has. Once true, always true.
 */
static inline bool dma_fence_is_signaled(struct dma_fence *fence)
{
	/* Pairs with the full barrier of signalling: error and work come first. */
	if (test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;

	if (!__dma_fence_ask_rcu(fence))
		return false;
	dma_fence_signal(fence);
	return true;
}

/* Sequence numbers of 32 bits wrap: the sign of the difference tells. */
static inline bool __dma_fence_seqno_after(u64 a, u64 b, bool seqno64)
{
	if (seqno64)
		return a > b;
	return (s32)(lower_32_bits(a) - lower_32_bits(b)) > 0;
}

/**
 * __dma_fence_is_later - does one sequence number come after another?
 * @f1: a sequence number
 * @f2: another one of the same timeline
 * @ops: callbacks of the timeline's fences, for &dma_fence_ops.use_64bit_seqno
 *
 * Return: true when @f1 comes after @f2.
 */
static inline bool __dma_fence_is_later(u64 f1, u64 f2,
					const struct dma_fence_ops *ops)
{
	return __dma_fence_seqno_after(f1, f2, ops->use_64bit_seqno);
}

/**
 * dma_fence_is_later - does one fence signal after another?
 * @f1: a fence
 * @f2: another one of the same context
 *
 * Return: true when @f1 comes after @f2; false, with a warning, when they are
 * of different contexts.
 */
static inline bool dma_fence_is_later(struct dma_fence *f1,
				      struct dma_fence *f2)
{
	if (WARN_ON(f1->context != f2->context))
		return false;
	return __dma_fence_seqno_after(f1->seqno, f2->seqno,
				       test_bit(DMA_FENCE_FLAG_SEQNO64_BIT,
						&f1->flags));
}

/**
 * dma_fence_is_later_or_same - does a fence stand for another one, too?
 * @f1: a fence
 * @f2: another one of the same context, or the same one
 *
 * Return: true when @f1 is @f2 or comes after it.
 */
static inline bool dma_fence_is_later_or_same(struct dma_fence *f1,
					      struct dma_fence *f2)
{
	return f1 == f2 || dma_fence_is_later(f1, f2);
}

/**
 * dma_fence_later - the later one of two fences
 * @f1: a fence
 * @f2: another one of the same context
 *
 * Return: the one that signals last, or NULL when it already has (or, with a
 * warning, when the contexts differ). No reference is taken.
 */
static inline struct dma_fence *dma_fence_later(struct dma_fence *f1,
						struct dma_fence *f2)
{
	struct dma_fence *last;

	if (WARN_ON(f1->context != f2->context))
		return NULL;
	last = dma_fence_is_later(f1, f2) ? f1 : f2;
	return dma_fence_is_signaled(last) ? NULL : last;
}

/**
 * dma_fence_get_status_locked - how is the work going?
 * @fence: the fence
 *
 * Context: the fence's lock is held.
 * Return: 0 while the fence is pending, 1 when it has signalled, a negative
 * errno when it has signalled with that error.
 */
static inline int dma_fence_get_status_locked(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled_locked(fence))
		return 0;
	return fence->error ?: 1;
}

int dma_fence_get_status(struct dma_fence *fence);

/**
 * dma_fence_set_error - say that the work has failed
 * @fence: a fence that has not signalled
 * @error: a negative errno
 *
 * Context: any, before the fence is signalled.
 */
static inline void dma_fence_set_error(struct dma_fence *fence, int error)
{
	WARN_ON(test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	WARN_ON(!IS_ERR_VALUE((long)error));

	fence->error = error;
}

/**
 * dma_fence_timestamp - when did the fence signal?
 * @fence: a fence that has signalled
 *
 * Context: any. Waits for the few instructions between the two flags, if the
 * fence is signalling right now.
 * Return: the time (CLOCK_MONOTONIC); now, with a warning, when the fence is
 * still pending.
 */
static inline ktime_t dma_fence_timestamp(struct dma_fence *fence)
{
	if (WARN_ON(!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)))
		return ktime_get();

	/* Pairs with the barrier before TIMESTAMP is set. */
	while (!test_bit_acquire(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags))
		cpu_relax();
	return fence->timestamp;
}

signed long dma_fence_wait_timeout(struct dma_fence *fence,
				   bool intr, signed long timeout);
signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       u32 count,
				       bool intr, signed long timeout,
				       u32 *idx);

/**
 * dma_fence_wait - wait for a fence
 * @fence: the fence
 * @intr: whether a signal to the task ends the wait
 *
 * A wait that succeeds says what dma_fence_is_signaled() says, no more; and that
 * dma_fence_timestamp() is there.
 *
 * Context: may sleep. The caller holds a reference.
 * Return: 0 when the fence has signalled, -ERESTARTSYS when a signal came
 * first, another negative errno from a driver's own wait.
 */
static inline signed long dma_fence_wait(struct dma_fence *fence, bool intr)
{
	signed long left = dma_fence_wait_timeout(fence, intr,
						  MAX_SCHEDULE_TIMEOUT);

	return min(left, 0L);
}

void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline);

struct dma_fence *dma_fence_get_stub(void);
struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp);
u64 dma_fence_context_alloc(unsigned int num);

extern const struct dma_fence_ops dma_fence_array_ops;
extern const struct dma_fence_ops dma_fence_chain_ops;

/**
 * dma_fence_is_array - is the fence a &struct dma_fence_array?
 * @fence: the fence
 *
 * Return: true when it is.
 */
static inline bool dma_fence_is_array(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_array_ops;
}

/**
 * dma_fence_is_chain - is the fence a &struct dma_fence_chain?
 * @fence: the fence
 *
 * Return: true when it is.
 */
static inline bool dma_fence_is_chain(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_chain_ops;
}

/**
 * dma_fence_is_container - does the fence stand for other fences?
 * @fence: the fence
 *
 * Return: true when it is an array or a chain.
 */
static inline bool dma_fence_is_container(struct dma_fence *fence)
{
	return dma_fence_is_array(fence) || dma_fence_is_chain(fence);
}

#endif /* __LINUX_DMA_FENCE_H */
