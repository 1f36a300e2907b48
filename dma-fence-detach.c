// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that outlive their drivers.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "dma-fence-internal.h"

/**
 * DOC: the end of a fence
 *
 * A fence signals in this order: the error is set and the work is done; the flag
 * is set; the timestamp is stored; the callbacks run, in the order in which they
 * were added; the lock is dropped. All but the first under the fence's lock with
 * interrupts off. Somebody who looks from outside thus learns:
 *
 * ====================================  ======================================
 * seen                                  finished
 * ====================================  ======================================
 * dma_fence_is_signaled() is true       the work and the error
 * dma_fence_wait() has succeeded        these, and the timestamp
 * a callback runs                       these, and the callbacks added earlier
 * dma_fence_remove_callback() returns   these, and that callback; if that was
 *                                       too late, all callbacks
 * dma_fence_signal() returns 0          these, and all callbacks, and the lock
 *                                       has been dropped
 * dma_fence_detach_sync() returns       all of it, whoever signalled, and all
 *                                       callbacks of the driver for this fence
 * ====================================  ======================================
 *
 * dma_fence_signal() that returns an error says as much as
 * dma_fence_is_signaled(), since somebody else signals.
 *
 * From the moment the flag is set no callback of the driver begins, but for
 * &dma_fence_ops.release and an &dma_fence_ops.wait that is on its way; and, when
 * the signal is traced, the names, still under the lock. One that
 * began earlier may still run on another CPU: &dma_fence_ops.signaled,
 * &dma_fence_ops.set_deadline or a name, under RCU, or
 * &dma_fence_ops.enable_signaling, under the lock. A driver that is about to free
 * what these look at calls dma_fence_detach_sync(), or dma_fence_detach_call()
 * where it cannot sleep. One that has many fences detaches each and waits once::
 *
 *	list_for_each_entry(job, &jobs, node) {
 *		dma_fence_signal(&job->fence);
 *		dma_fence_detach(&job->fence);
 *	}
 *	synchronize_rcu();
 *	... free the rings, the registers, the names ...
 *
 * Unloading a module needs none of this for the module's code and constants:
 * the kernel waits that long in any case. It needs fences without
 * &dma_fence_ops.release and &dma_fence_ops.wait, with a lock of their own (see
 * dma_fence_init()), and that all of them have signalled. Callbacks that the
 * module has added to fences of others it has to remove.
 */

static const char *detached_driver_name(struct dma_fence *fence)
{
	return DMA_FENCE_DETACHED_DRIVER;
}

static const char *detached_timeline_name(struct dma_fence *fence)
{
	return DMA_FENCE_DETACHED_TIMELINE;
}

/* Instead of those of a driver that has detached itself, for numbers of 32 and 64 bits. */
static const struct dma_fence_ops detached_ops[] = {
	{
		.get_driver_name = detached_driver_name,
		.get_timeline_name = detached_timeline_name,
	}, {
		.use_64bit_seqno = true,
		.get_driver_name = detached_driver_name,
		.get_timeline_name = detached_timeline_name,
	},
};

/**
 * dma_fence_detach - part a signalled fence from its driver
 * @fence: a fence that has signalled
 *
 * Whoever signals the fence is through with it when this returns, the callbacks
 * have run and the lock has been dropped. And nobody can find the driver's
 * callbacks or its name in the fence any more; &dma_fence.ops are others, so the
 * driver does not know the fence for its own either. Some CPU may still be inside
 * a callback: they all are out after an RCU grace period, which
 * dma_fence_detach_sync() waits for.
 *
 * Does nothing, with a warning, to a fence that is pending; and leaves the
 * callbacks where they are, if &dma_fence_ops.release or &dma_fence_ops.wait is
 * one of them.
 *
 * A lock that the driver gave to dma_fence_init() stays in use until the last
 * reference to the fence is gone.
 *
 * Context: any, without the fence's lock.
 */
void dma_fence_detach(struct dma_fence *fence)
{
	bool seqno64 = test_bit(DMA_FENCE_FLAG_SEQNO64_BIT, &fence->flags);
	unsigned long flags;

	if (WARN_ON(!dma_fence_test_signaled_flag(fence)))
		return;

	/* The lock to get behind whoever signals. */
	dma_fence_lock_irqsave(fence, flags);
	if (test_bit(DMA_FENCE_FLAG_DETACHABLE_BIT, &fence->flags))
		WRITE_ONCE(fence->ops, &detached_ops[seqno64]);
	dma_fence_unlock_irqrestore(fence, flags);
}
EXPORT_SYMBOL_GPL(dma_fence_detach);

/**
 * dma_fence_detach_sync - wait until nobody is inside a fence's driver
 * @fence: a fence that has signalled
 *
 * dma_fence_detach(), and then waits for those inside a callback. When this returns,
 * what the callbacks look at may go; likewise for all other fences that were
 * detached before the call.
 *
 * Not for what &dma_fence_ops.release and &dma_fence_ops.wait look at: these are
 * called by whoever holds a reference.
 *
 * Context: may sleep, for a grace period of RCU; not inside any callback of a
 * fence, nor with a lock held that one of them takes.
 */
void dma_fence_detach_sync(struct dma_fence *fence)
{
	dma_fence_detach(fence);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(dma_fence_detach_sync);

/**
 * dma_fence_detach_call - have a function called when nobody is inside a driver
 * @fence: a fence that has signalled
 * @head: room for the call; not the fence's own, which is for the last reference
 * @func: called when what the callbacks look at may go
 *
 * As dma_fence_detach_sync(), for those who cannot sleep. A driver in a module has
 * to wait with rcu_barrier() before it unloads, as after any call_rcu().
 *
 * Context: any, without the fence's lock.
 */
void dma_fence_detach_call(struct dma_fence *fence, struct rcu_head *head,
			   rcu_callback_t func)
{
	dma_fence_detach(fence);
	call_rcu(head, func);
}
EXPORT_SYMBOL_GPL(dma_fence_detach_call);
