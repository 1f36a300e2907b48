// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA fences: order between users of shared memory, across drivers.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dma_fence.h>

#include "dma-fence-internal.h"

EXPORT_TRACEPOINT_SYMBOL(dma_fence_emit);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_enable_signal);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_signaled);

/**
 * DOC: DMA fences overview
 *
 * A &struct dma_fence stands for work that some device does on memory. It starts
 * out pending and signals once, for ever. Whoever depends on the work takes a
 * reference and then waits (dma_fence_wait()), asks (dma_fence_is_signaled()),
 * or leaves a callback (dma_fence_add_callback()).
 *
 * A driver embeds the fence in its request, gives it a place on a timeline with
 * dma_fence_init() and signals it with dma_fence_signal() from its interrupt
 * handler. Fences on one timeline, called a context, signal in order.
 *
 * There are three ways for a fence to reach those who need it:
 *
 * - in a &struct sync_file, as a file descriptor that userspace passes on
 *   (explicit fencing);
 * - as a point of a &struct drm_syncobj timeline, made of
 *   &struct dma_fence_chain links;
 * - in the &struct dma_resv of a shared buffer, where the kernel finds it by
 *   itself (implicit fencing).
 */

/**
 * DOC: fence cross-driver contract
 *
 * A driver that waits for a fence knows nothing of the one that has to signal
 * it. All of them have to keep these rules, or the machine hangs:
 *
 * - A fence signals within reasonable time. A driver whose hardware may hang
 *   watches it with a timeout and signals the fences of a lost job with an
 *   error. No fence waits for something that userspace has yet to do.
 * - A driver may wait for fences while it holds reservation locks. Code on the
 *   way to a signal therefore never takes dma_resv_lock().
 * - A driver may wait for fences inside shrinkers and MMU notifiers. Code on
 *   the way to a signal therefore never allocates memory in a way that may
 *   enter reclaim, nor takes a lock under which others do so.
 * - The callbacks of a fence run under its lock, with interrupts off. They hand
 *   longer work to somebody else, and never touch another fence's lock.
 */

/**
 * DOC: fence signalling annotation
 *
 * Most violations of the cross-driver contract need bad luck to turn into a
 * deadlock. lockdep finds them without it, if it is told which code has to make
 * progress for a fence to signal: everything between
 * dma_fence_begin_signalling() and dma_fence_end_signalling(). It then complains
 * about a lock taken there under which somebody waits for a fence, or an
 * allocation that could do so.
 *
 * A critical section starts where a fence becomes visible to others, and ends
 * where it has been signalled; in general it covers the tail of the submission
 * code, the scheduler thread, and the interrupt or work item that signals. Each
 * section is within one task. Sections nest, and cost nothing without lockdep.
 */

/**
 * DOC: deadline hints
 *
 * Hardware that has been idle clocks down, and may then miss a vertical blank
 * by a little, every time. One who knows when a fence is needed says so with
 * dma_fence_set_deadline(): a compositor through SYNC_IOC_SET_DEADLINE, a
 * display driver for the fences of a pending flip. The hint goes through
 * containers to the driver that can raise its clocks. It is a hint: nothing
 * fails when it is missed.
 */

static const char *stub_name(struct dma_fence *fence)
{
	return "stub";
}

static const struct dma_fence_ops dma_fence_stub_ops = {
	.get_driver_name = stub_name,
	.get_timeline_name = stub_name,
};

/* Behind all stubs: some drivers take the lock of any fence they have. */
static DEFINE_SPINLOCK(dma_fence_stub_lock);

#define STUB_FLAGS	(BIT(DMA_FENCE_FLAG_SIGNALED_BIT) |	\
			 BIT(DMA_FENCE_FLAG_TIMESTAMP_BIT) |	\
			 BIT(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT))

/* One fence that has always been signalled, for all who need just that. */
static struct dma_fence dma_fence_stub = {
	.lock = &dma_fence_stub_lock,
	.ops = &dma_fence_stub_ops,
	.flags = STUB_FLAGS,
	.refcount = KREF_INIT(1),
};

static int __init dma_fence_stub_init(void)
{
	dma_fence_stub.timestamp = ktime_get();
	return 0;
}
subsys_initcall(dma_fence_stub_init);

/**
 * dma_fence_get_stub - a fence that has signalled already
 *
 * It is on context 0 with seqno 0, and its timestamp is from boot.
 *
 * Context: any.
 * Return: the one stub fence, with a reference.
 */
struct dma_fence *dma_fence_get_stub(void)
{
	return dma_fence_get(&dma_fence_stub);
}
EXPORT_SYMBOL(dma_fence_get_stub);

/**
 * dma_fence_allocate_private_stub - a signalled fence with a timestamp of its own
 * @timestamp: when it is to have signalled (CLOCK_MONOTONIC)
 *
 * Context: may sleep.
 * Return: the fence, with the only reference, or NULL when there is no memory.
 */
struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;

	dma_fence_init(fence, &dma_fence_stub_ops, &dma_fence_stub_lock, 0, 0);
	fence->timestamp = timestamp;
	fence->flags = STUB_FLAGS;
	return fence;
}
EXPORT_SYMBOL(dma_fence_allocate_private_stub);

/**
 * dma_fence_context_alloc - make new timelines
 * @num: how many, at least 1
 *
 * Context numbers are never used again; 0 belongs to the stub fence. For a
 * timeline whose fences have 32-bit numbers, seqno may wrap.
 *
 * Context: any.
 * Return: the first of @num consecutive context numbers.
 */
u64 dma_fence_context_alloc(unsigned int num)
{
	static atomic64_t next_context = ATOMIC64_INIT(1);

	WARN_ON(!num);
	return atomic64_fetch_add(num, &next_context);
}
EXPORT_SYMBOL(dma_fence_context_alloc);

#ifdef CONFIG_LOCKDEP
/*
 * The wait for a fence, as lockdep sees it: a lock that critical sections of
 * signalling hold for reading, and that each wait takes and drops.
 */
static struct lockdep_map dma_fence_lockdep_map = {
	.name = "dma_fence_map",
};

/**
 * dma_fence_begin_signalling - fences depend on what follows
 *
 * Starts a section without which some fence would not signal. See the DOC
 * section about the signalling annotation.
 *
 * Context: any.
 * Return: a cookie for dma_fence_end_signalling().
 */
bool dma_fence_begin_signalling(void)
{
	/*
	 * Inside another section there is nothing to add. In atomic context
	 * nothing that sleeps is allowed anyway, and lockdep would take the
	 * hard interrupts that signal for users of a sleeping lock.
	 */
	if (lock_is_held_type(&dma_fence_lockdep_map, 1) || preempt_count())
		return true;

	/* A reader, since sections of different tasks do not exclude another. */
	lock_acquire(&dma_fence_lockdep_map, 0, 0, 1, 1, NULL, _RET_IP_);
	return false;
}
EXPORT_SYMBOL(dma_fence_begin_signalling);

/**
 * dma_fence_end_signalling - the fences have been signalled
 * @cookie: what dma_fence_begin_signalling() returned
 *
 * Context: the task that began the section.
 */
void dma_fence_end_signalling(bool cookie)
{
	if (!cookie)
		lock_release(&dma_fence_lockdep_map, _RET_IP_);
}
EXPORT_SYMBOL(dma_fence_end_signalling);

/**
 * __dma_fence_might_wait - tell lockdep that a wait for a fence may happen here
 *
 * Complains when that could deadlock. A wait inside a signalling section is one
 * of its own kind: it is allowed in as far as later fences wait for earlier
 * ones, so the section is left for the moment.
 *
 * Context: may sleep.
 */
void __dma_fence_might_wait(void)
{
	bool signalling = lock_is_held_type(&dma_fence_lockdep_map, 1);

	if (signalling)
		lock_release(&dma_fence_lockdep_map, _THIS_IP_);
	lock_map_acquire(&dma_fence_lockdep_map);
	lock_map_release(&dma_fence_lockdep_map);
	if (signalling)
		lock_acquire(&dma_fence_lockdep_map, 0, 0, 1, 1, NULL, _THIS_IP_);
}
#endif

/* Does not even look for the lock without lockdep. */
static __always_inline void fence_assert_locked(struct dma_fence *fence)
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_assert_held(dma_fence_spinlock(fence));
}

/*
 * Signals a fence under its lock; what all ways to signal have in common. Returns
 * 0, or -EINVAL when it had signalled before.
 */
static __always_inline int fence_signal(struct dma_fence *fence, ktime_t timestamp)
{
	struct dma_fence_cb *cb, *next;
	LIST_HEAD(callbacks);

	/*
	 * i915 sets this bit by hand and without the lock, so it alone decides
	 * who owns the callbacks. A full barrier: who sees the bit sees the
	 * error and the finished work, too.
	 */
	if (test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return -EINVAL;

	/* The timestamp takes the place of the list. */
	list_splice(&fence->cb_list, &callbacks);
	fence->timestamp = timestamp;
	trace_dma_fence_signaled(fence);

	/*
	 * Pairs with the acquire in dma_fence_timestamp() and fence_is_left():
	 * unless there are callbacks the fence is not touched any more.
	 */
	smp_mb__before_atomic();
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);

	list_for_each_entry_safe(cb, next, &callbacks, node) {
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}
	return 0;
}

/* The same from outside of the lock, which may outlive the fence. */
static __always_inline int fence_lock_and_signal(struct dma_fence *fence, ktime_t timestamp)
{
	spinlock_t *lock = dma_fence_spinlock(fence);
	unsigned long flags;
	int ret;

	spin_lock_irqsave(lock, flags);
	ret = fence_signal(fence, timestamp);
	spin_unlock_irqrestore(lock, flags);
	return ret;
}

/*
 * Has it signalled, without asking the driver? With acquire: who sees it may rely
 * on the error and on the finished work.
 */
static __always_inline bool fence_has_signaled(struct dma_fence *fence)
{
	return test_bit_acquire(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/**
 * dma_fence_signal_timestamp_locked - signal a fence, as of some time
 * @fence: the fence
 * @timestamp: when the work finished (CLOCK_MONOTONIC)
 *
 * Wakes all waiters and runs all callbacks, in the order in which they were
 * added, before it returns.
 *
 * Context: any, with the fence's lock held and interrupts off.
 * Return: 0, or -EINVAL when the fence had signalled before; it then keeps its
 * first timestamp.
 */
int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp)
{
	fence_assert_locked(fence);

	return fence_signal(fence, timestamp);
}
EXPORT_SYMBOL(dma_fence_signal_timestamp_locked);

/**
 * dma_fence_signal_timestamp - signal a fence, as of some time
 * @fence: the fence
 * @timestamp: when the work finished (CLOCK_MONOTONIC)
 *
 * As dma_fence_signal_timestamp_locked(), but takes the fence's lock itself.
 *
 * Context: any, without the fence's lock.
 * Return: 0, or -EINVAL when the fence had signalled before or is NULL.
 */
int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp)
{
	if (!fence || fence_has_signaled(fence))
		return -EINVAL;

	return fence_lock_and_signal(fence, timestamp);
}
EXPORT_SYMBOL(dma_fence_signal_timestamp);

/**
 * dma_fence_signal_locked - signal a fence whose lock is held
 * @fence: the fence
 *
 * As dma_fence_signal_timestamp_locked(), as of now.
 *
 * Context: any, with the fence's lock held and interrupts off.
 * Return: 0, or -EINVAL when the fence had signalled before.
 */
int dma_fence_signal_locked(struct dma_fence *fence)
{
	return dma_fence_signal_timestamp_locked(fence, ktime_get());
}
EXPORT_SYMBOL(dma_fence_signal_locked);

/**
 * dma_fence_signal - signal a fence
 * @fence: the fence
 *
 * The work is done: wakes all waiters and runs all callbacks before it returns 0.
 * Otherwise somebody else signals it, and may be about to run callbacks still.
 * A critical section of signalling by itself.
 *
 * Context: any, without the fence's lock.
 * Return: 0, or -EINVAL when the fence had signalled before or is NULL.
 */
int dma_fence_signal(struct dma_fence *fence)
{
	bool cookie;
	int ret;

	if (!fence || fence_has_signaled(fence))
		return -EINVAL;

	cookie = dma_fence_begin_signalling();
	ret = fence_lock_and_signal(fence, ktime_get());
	dma_fence_end_signalling(cookie);
	return ret;
}
EXPORT_SYMBOL(dma_fence_signal);

/**
 * dma_fence_free - free a fence's memory after an RCU grace period
 * @fence: a fence at the start of what kmalloc() or a relative returned
 *
 * What happens to fences whose driver has no release callback, and what such a
 * callback may end with.
 *
 * Context: any.
 */
void dma_fence_free(struct dma_fence *fence)
{
	kfree_rcu(fence, rcu);
}
EXPORT_SYMBOL(dma_fence_free);

/*
 * Somebody waits without a reference, on a fence that nobody can signal any more:
 * let go of them with an error rather than have them hang.
 */
static noinline void fence_abandon(struct dma_fence *fence)
{
	WARN(1, "fence %llu:%llu released while somebody waits for it\n",
	     fence->context, fence->seqno);

	fence->error = -EDEADLK;
	fence_lock_and_signal(fence, ktime_get());
}

static __always_inline void fence_retire(struct dma_fence *fence)
{
	trace_dma_fence_destroy(fence);

	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) &&
	    !list_empty(&fence->cb_list))
		fence_abandon(fence);
}

/* The last reference is gone. For chains, which drop those of their links themselves. */
void dma_fence_retire(struct dma_fence *fence)
{
	fence_retire(fence);
}

/**
 * dma_fence_release - what becomes of a fence without references
 * @kref: &dma_fence.refcount
 *
 * For dma_fence_put() alone.
 *
 * Context: any.
 */
void dma_fence_release(struct kref *kref)
{
	struct dma_fence *fence = container_of(kref, struct dma_fence, refcount);

	fence_retire(fence);
	/* In this order: there may be no driver any more. */
	if (test_bit(DMA_FENCE_FLAG_DETACHABLE_BIT, &fence->flags) || !fence->ops->release)
		dma_fence_free(fence);
	else
		fence->ops->release(fence);
}
EXPORT_SYMBOL(dma_fence_release);

/* First to wait: switch on signalling. The lock is held. True while pending. */
static __always_inline bool fence_enable_signaling(struct dma_fence *fence)
{
	fence_assert_locked(fence);

	/* First the flag: i915 signals without the lock, then looks who waits. */
	if (test_and_set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return false;
	if (!fence->ops->enable_signaling)
		return true;

	trace_dma_fence_enable_signal(fence);
	if (fence->ops->enable_signaling(fence))
		return true;

	dma_fence_signal_locked(fence);
	return false;
}

/**
 * dma_fence_enable_sw_signaling - make a fence signal by itself
 * @fence: the fence
 *
 * From now on the driver signals the fence without being asked.
 *
 * Context: any, without the fence's lock.
 */
void dma_fence_enable_sw_signaling(struct dma_fence *fence)
{
	spinlock_t *lock;	/* the fence's; it may outlive the fence */
	unsigned long flags;

	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return;

	lock = dma_fence_spinlock(fence);
	spin_lock_irqsave(lock, flags);
	fence_enable_signaling(fence);
	spin_unlock_irqrestore(lock, flags);
}
EXPORT_SYMBOL(dma_fence_enable_sw_signaling);

/**
 * dma_fence_add_callback - have a function called when a fence signals
 * @fence: the fence; the caller holds a reference
 * @cb: room for the callback, in the caller's hands again once it has run or
 *	been removed
 * @func: the function. Called once, under the fence's lock with interrupts off.
 *
 * Switches on signalling. Callbacks run in the order in which they were added.
 *
 * Context: any, without the fence's lock.
 * Return: 0; -ENOENT when the fence has signalled, and @func will not be called;
 * -EINVAL, with a warning, when @fence or @func is NULL.
 */
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func)
{
	spinlock_t *lock;	/* the fence's; it may outlive the fence */
	unsigned long flags;

	if (WARN_ON(!fence || !func))
		return -EINVAL;
	if (dma_fence_is_signaled(fence))
		goto signaled;

	lock = dma_fence_spinlock(fence);
	spin_lock_irqsave(lock, flags);
	if (fence_enable_signaling(fence)) {
		cb->func = func;
		list_add_tail(&cb->node, &fence->cb_list);
		spin_unlock_irqrestore(lock, flags);
		return 0;
	}
	spin_unlock_irqrestore(lock, flags);
signaled:
	INIT_LIST_HEAD(&cb->node);
	return -ENOENT;
}
EXPORT_SYMBOL(dma_fence_add_callback);

/**
 * dma_fence_remove_callback - take back a callback
 * @fence: the fence that it was added to
 * @cb: the callback
 *
 * When this returns the callback is not running and will not run.
 *
 * Context: any, without the fence's lock.
 * Return: true when it was taken back, false when it has run.
 */
bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb)
{
	spinlock_t *lock = dma_fence_spinlock(fence);
	unsigned long flags;

	/* The lock even when it has signalled: the callback may be running. */
	spin_lock_irqsave(lock, flags);
	if (list_empty(&cb->node)) {
		spin_unlock_irqrestore(lock, flags);
		return false;
	}
	list_del_init(&cb->node);
	spin_unlock_irqrestore(lock, flags);
	return true;
}
EXPORT_SYMBOL(dma_fence_remove_callback);

/**
 * dma_fence_get_status - how is the work going?
 * @fence: the fence
 *
 * Context: any, without the fence's lock.
 * Return: 0 while the fence is pending, 1 when it has signalled, a negative
 * errno when it has signalled with that error.
 */
int dma_fence_get_status(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled(fence))
		return 0;
	return fence->error ?: 1;
}
EXPORT_SYMBOL(dma_fence_get_status);

/**
 * dma_fence_set_deadline - say when a fence is needed
 * @fence: the fence
 * @deadline: the time (CLOCK_MONOTONIC)
 *
 * A hint; of several the driver looks at the earliest one.
 *
 * Context: any, without the fence's lock.
 */
void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	const struct dma_fence_ops *ops;

	/* The subsystem's own stay, and may have many fences to tell. */
	if (dma_fence_is_container(fence)) {
		if (!dma_fence_is_signaled(fence))
			fence->ops->set_deadline(fence, deadline);
		return;
	}

	guard(rcu)();
	/* In this order: the driver of a signalled fence may be gone. */
	if (dma_fence_is_signaled(fence))
		return;
	ops = READ_ONCE(fence->ops);
	if (ops->set_deadline)
		ops->set_deadline(fence, deadline);
}
EXPORT_SYMBOL(dma_fence_set_deadline);

/* A task in wait for one fence. */
struct fence_waiter {
	struct dma_fence_cb base;
	struct task_struct *task;
};

static void fence_wake(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct fence_waiter *waiter = container_of(cb, struct fence_waiter, base);

	wake_up_process(waiter->task);
}

/*
 * Sleeps until @done says so, which is looked at after each wakeup. The result
 * is as from dma_fence_wait_timeout().
 */
static signed long fence_sleep(bool (*done)(void *data), void *data,
			       bool intr, signed long timeout)
{
	unsigned int state = intr ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE;

	for (;;) {
		/* Pairs with the barrier in wake_up_process(). */
		set_current_state(state);
		if (done(data) || !timeout)
			break;
		if (intr && signal_pending(current)) {
			timeout = -ERESTARTSYS;
			break;
		}
		timeout = schedule_timeout(timeout);
	}
	__set_current_state(TASK_RUNNING);

	/* Just in time, with nothing left, is still in time. */
	return timeout ?: done(data);
}

static bool fence_done(void *data)
{
	return fence_has_signaled(data);
}

/*
 * May a waiter leave without taking the lock? Some fences live on their waiter's
 * stack (xe), so whoever signals must be through with this one. Nobody has a
 * callback on it in that case: what waits there holds a reference.
 */
static __always_inline bool fence_is_left(struct dma_fence *fence)
{
	return test_bit_acquire(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
}

/**
 * dma_fence_default_wait - sleep until a fence signals
 * @fence: the fence
 * @intr: whether a signal to the task ends the wait
 * @timeout: how long to wait, in jiffies, or MAX_SCHEDULE_TIMEOUT
 *
 * What dma_fence_wait_timeout() does for drivers without a wait callback.
 * Switches on signalling. A waiter goes before the callbacks that are there, so
 * that it does not sleep longer for them.
 *
 * Context: may sleep. The caller holds a reference.
 * Return: the jiffies left (at least 1) when the fence has signalled, 0 when
 * time ran out, -ERESTARTSYS when a signal came.
 */
signed long dma_fence_default_wait(struct dma_fence *fence,
				   bool intr, signed long timeout)
{
	struct fence_waiter waiter = { .base.func = fence_wake, .task = current };
	spinlock_t *lock = dma_fence_spinlock(fence);
	unsigned long flags;
	signed long left;
	bool pending;

	if (fence_is_left(fence))
		return timeout ?: 1;

	spin_lock_irqsave(lock, flags);
	pending = fence_enable_signaling(fence);
	if (pending && timeout)
		list_add(&waiter.base.node, &fence->cb_list);
	spin_unlock_irqrestore(lock, flags);
	if (!pending)
		return timeout ?: 1;
	if (!timeout)
		return 0;

	left = fence_sleep(fence_done, fence, intr, timeout);
	dma_fence_remove_callback(fence, &waiter.base);
	return left;
}
EXPORT_SYMBOL(dma_fence_default_wait);

/* Waits for a fence that has not signalled, as far as is known without asking. */
static noinline signed long fence_wait(struct dma_fence *fence, bool intr, signed long timeout)
{
	signed long left;

	/* The second flag comes after the first, which may not be known yet. */
	if (dma_fence_is_signaled(fence) && fence_is_left(fence))
		return timeout ?: 1;

	trace_dma_fence_wait_start(fence);
	/* A driver without a wait may have gone by now. */
	if (!test_bit(DMA_FENCE_FLAG_DETACHABLE_BIT, &fence->flags) && fence->ops->wait) {
		dma_fence_enable_sw_signaling(fence);
		left = fence->ops->wait(fence, intr, timeout);
	} else {
		left = dma_fence_default_wait(fence, intr, timeout);
	}
	trace_dma_fence_wait_end(fence);
	return left;
}

/**
 * dma_fence_wait_timeout - wait for a fence, for some time
 * @fence: the fence
 * @intr: whether a signal to the task ends the wait
 * @timeout: how long to wait, in jiffies; 0 just asks, MAX_SCHEDULE_TIMEOUT
 *	waits for ever
 *
 * Context: may sleep. The caller holds a reference. Not inside a section of
 * dma_fence_begin_signalling(), but for earlier fences of the same timeline.
 * Return: the jiffies left (at least 1) when the fence has signalled; 0 when
 * time ran out; -ERESTARTSYS when a signal came; -EINVAL, with a warning, for a
 * negative timeout; another errno from a driver's own wait.
 */
signed long dma_fence_wait_timeout(struct dma_fence *fence,
				   bool intr, signed long timeout)
{
	if (WARN_ON(timeout < 0))
		return -EINVAL;

	might_sleep();
	__dma_fence_might_wait();

	if (fence_is_left(fence))
		return timeout ?: 1;
	return fence_wait(fence, intr, timeout);
}
EXPORT_SYMBOL(dma_fence_wait_timeout);

/* A task in wait for the first of several fences. */
struct any_wait {
	struct dma_fence **fences;
	u32 count;
	u32 index;
};

static bool any_done(void *data)
{
	struct any_wait *any = data;

	for (u32 i = 0; i < any->count; i++) {
		if (fence_done(any->fences[i])) {
			any->index = i;
			return true;
		}
	}
	return false;
}

/**
 * dma_fence_wait_any_timeout - wait for the first of several fences
 * @fences: the fences; the caller holds references
 * @count: how many, at least 1
 * @intr: whether a signal to the task ends the wait
 * @timeout: how long to wait, in jiffies; 0 just asks
 * @idx: takes the index of a fence that has signalled, or NULL. Written only
 *	when the result is positive.
 *
 * Context: may sleep.
 * Return: the jiffies left (at least 1) when one of the fences has signalled; 0
 * when time ran out; -ERESTARTSYS when a signal came; -ENOMEM; -EINVAL, with a
 * warning, for no fences or a negative timeout.
 */
signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       u32 count, bool intr,
				       signed long timeout, u32 *idx)
{
	struct fence_waiter few[4], *waiters = few;
	struct any_wait any = { .fences = fences, .count = count };
	u32 added = 0;

	if (WARN_ON(!fences || !count || timeout < 0))
		return -EINVAL;

	might_sleep();
	__dma_fence_might_wait();

	if (timeout && count > ARRAY_SIZE(few)) {
		waiters = kvmalloc_array(count, sizeof(*waiters), GFP_KERNEL);
		if (!waiters)
			return -ENOMEM;
	}

	for (u32 i = 0; i < count; i++) {
		if (!timeout) {
			if (!dma_fence_is_signaled(fences[i]))
				continue;
		} else {
			waiters[i].task = current;
			if (!dma_fence_add_callback(fences[i], &waiters[i].base,
						    fence_wake)) {
				added++;
				continue;
			}
		}
		any.index = i;
		timeout = timeout ?: 1;
		goto out;
	}

	if (timeout)
		timeout = fence_sleep(any_done, &any, intr, timeout);
out:
	while (added--)
		dma_fence_remove_callback(fences[added], &waiters[added].base);
	if (waiters != few)
		kvfree(waiters);
	if (idx && timeout > 0)
		*idx = any.index;
	return timeout;
}
EXPORT_SYMBOL(dma_fence_wait_any_timeout);

/*
 * May the driver still be asked for names? Once its fences have signalled it may
 * be gone, but the subsystem itself stays.
 */
static bool fence_names_stay(struct dma_fence *fence)
{
	return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ||
	       fence->ops == &dma_fence_stub_ops ||
	       dma_fence_is_container(fence);
}

/**
 * dma_fence_driver_name - who made a fence?
 * @fence: the fence
 *
 * Context: any, inside rcu_read_lock(), which also bounds the use of the result.
 * Return: the driver's name, or "detached-driver" once the fence has signalled.
 */
const char __rcu *dma_fence_driver_name(struct dma_fence *fence)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "name read without RCU");

	if (!fence_names_stay(fence))
		return (const char __rcu *)DMA_FENCE_DETACHED_DRIVER;
	return (const char __rcu *)READ_ONCE(fence->ops)->get_driver_name(fence);
}
EXPORT_SYMBOL(dma_fence_driver_name);

/**
 * dma_fence_timeline_name - on which timeline is a fence?
 * @fence: the fence
 *
 * Context: any, inside rcu_read_lock(), which also bounds the use of the result.
 * Return: the timeline's name, or "signaled-timeline" once the fence has
 * signalled.
 */
const char __rcu *dma_fence_timeline_name(struct dma_fence *fence)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "name read without RCU");

	if (!fence_names_stay(fence))
		return (const char __rcu *)DMA_FENCE_DETACHED_TIMELINE;
	return (const char __rcu *)READ_ONCE(fence->ops)->get_timeline_name(fence);
}
EXPORT_SYMBOL(dma_fence_timeline_name);

/**
 * dma_fence_describe - print a fence for debugging
 * @fence: the fence
 * @seq: where to
 *
 * Context: any that may write to @seq.
 */
void dma_fence_describe(struct dma_fence *fence, struct seq_file *seq)
{
	bool signaled = dma_fence_is_signaled(fence);

	rcu_read_lock();
	seq_printf(seq, "%s %s seq %llu %ssignalled\n",
		   (__force const char *)dma_fence_driver_name(fence),
		   (__force const char *)dma_fence_timeline_name(fence),
		   fence->seqno, signaled ? "" : "un");
	rcu_read_unlock();
}
EXPORT_SYMBOL(dma_fence_describe);

/* What both ways to make a fence have in common. */
static __always_inline void fence_init(struct dma_fence *fence,
				       const struct dma_fence_ops *ops, spinlock_t *lock,
				       u64 context, u64 seqno, unsigned long flags)
{
	WARN_ON(!ops->get_driver_name || !ops->get_timeline_name);

	if (lock) {
		fence->lock = lock;
	} else {
		spin_lock_init(&fence->inline_lock);
		flags |= BIT(DMA_FENCE_FLAG_INLINE_LOCK_BIT);
	}
	/* As one test: is there neither? */
	if (likely(!((unsigned long)ops->release | (unsigned long)ops->wait)))
		flags |= BIT(DMA_FENCE_FLAG_DETACHABLE_BIT);

	fence->ops = ops;
	INIT_LIST_HEAD(&fence->cb_list);
	fence->context = context;
	fence->seqno = seqno;
	fence->flags = flags;
	kref_init(&fence->refcount);
	fence->error = 0;

	trace_dma_fence_init(fence);
}

/**
 * dma_fence_init - start the life of a fence
 * @fence: the fence's memory, in any state
 * @ops: the driver's callbacks
 * @lock: the driver's lock for it, taken with interrupts off, which has to
 *	outlive the fence; NULL for a lock inside the fence, which is touched until
 *	the signalling call returns: its caller needs a reference for that long
 * @context: the timeline, from dma_fence_context_alloc()
 * @seqno: the place on the timeline, after those of all earlier fences. 32 bits
 *	that may wrap, unless @ops say otherwise.
 *
 * The caller owns the one reference there is, and has to signal the fence
 * some time.
 *
 * Context: any.
 */
void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno)
{
	fence_init(fence, ops, lock, context, seqno,
		   ops->use_64bit_seqno ? BIT(DMA_FENCE_FLAG_SEQNO64_BIT) : 0);
}
EXPORT_SYMBOL(dma_fence_init);

/**
 * dma_fence_init64 - start the life of a fence on a timeline that never wraps
 * @fence: the fence's memory, in any state
 * @ops: the driver's callbacks
 * @lock: as for dma_fence_init()
 * @context: the timeline, from dma_fence_context_alloc()
 * @seqno: the place on the timeline, after those of all earlier fences; all 64
 *	bits count, whatever @ops say
 *
 * Otherwise as dma_fence_init().
 *
 * Context: any.
 */
void dma_fence_init64(struct dma_fence *fence, const struct dma_fence_ops *ops,
		      spinlock_t *lock, u64 context, u64 seqno)
{
	fence_init(fence, ops, lock, context, seqno, BIT(DMA_FENCE_FLAG_SEQNO64_BIT));
}
EXPORT_SYMBOL(dma_fence_init64);
