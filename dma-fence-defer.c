// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving a fence's lock: callbacks of containers run under the lock of the fence
 * that signals, and what they have to do there takes other locks.
 *
 * Each CPU has one irq_work for all containers, so that what signals in one go is
 * dealt with in one interrupt, and a container needs room for a list node only.
 */
#include <linux/irq_work.h>
#include <linux/percpu.h>

#include "dma-fence-internal.h"

/* What this CPU has deferred. Anybody here adds, the work takes all at once. */
struct deferred_queue {
	struct llist_head list;
	struct irq_work work;
};

static void deferred_run(struct irq_work *work)
{
	struct deferred_queue *queue = container_of(work, typeof(*queue), work);
	struct dma_fence_deferred *deferred, *next;
	struct llist_node *list;

	list = llist_reverse_order(llist_del_all(&queue->list));
	llist_for_each_entry_safe(deferred, next, list, node)
		deferred->func(deferred);
}

static DEFINE_PER_CPU(struct deferred_queue, deferred_queues) = {
	.work = IRQ_WORK_INIT(deferred_run),
};

/*
 * Has @func called soon, in the order of such calls and without any
 * lock held: in an interrupt where the architecture can interrupt itself, else at
 * the next tick. @deferred is free again when @func begins.
 *
 * Called under a spinlock.
 */
void dma_fence_defer(struct dma_fence_deferred *deferred,
		     void (*func)(struct dma_fence_deferred *deferred))
{
	struct deferred_queue *queue = raw_cpu_ptr(&deferred_queues);

	deferred->func = func;
	/*
	 * Only who finds the list empty has to see to it that it is looked at;
	 * but where that task can be preempted in between, nobody waits for it.
	 */
	if (llist_add(&deferred->node, &queue->list) || IS_ENABLED(CONFIG_PREEMPT_RT))
		irq_work_queue(&queue->work);
}
