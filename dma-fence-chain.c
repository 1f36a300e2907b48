// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: the points of a timeline.
 */

/**
 * DOC: fence chains
 *
 * A chain is the timeline of a &struct drm_syncobj: numbered points, each with a
 * fence behind it, that programs wait for by number. New points are added at one
 * end with dma_fence_chain_init(). Each link points to the one before it, and a
 * link signals when its own fence and all links before it have. Links whose work
 * is done are taken out by whoever walks past them, so a chain is about as long as
 * there are points pending.
 *
 * *Finding a point.* Following links one at a time is linear, so some have another
 * pointer that jumps. Where two neighbouring jumps cover the same distance, the
 * next link added jumps over both: the tree of Myers, "An applicative
 * random-access stack" (1983), with which any point is a logarithmic number of
 * steps away. The tree is only a short cut. Links taken out by garbage collection
 * or jumps let go make a search longer, never wrong, as every step is checked
 * against &dma_fence_chain.prev_seqno.
 *
 * *Signalling.* A link that somebody waits for has one callback at a time: on its
 * own fence first; when that has signalled, on the nearest link further back that
 * is not yet through. A link that signals thus finds, among its callbacks, those
 * that waited for nothing else, and they signal in the same go, one after another
 * rather than one inside another. So each link costs a constant number of
 * callbacks in whichever order the fences signal.
 *
 * Errors. A link ends with the error of its own fence. That of an earlier point is
 * the earlier link's: otherwise one failure would stay with a timeline for as long
 * as there is always something pending on it.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include <linux/dma-fence-chain.h>

#include "dma-fence-internal.h"

/*
 * Links that may signal in one go, with interrupts off. What is left is deferred
 * once more, so that other interrupts have a chance in between.
 */
#define CHAIN_SETTLE_BATCH	1024

static __always_inline unsigned int chain_rank(struct dma_fence_chain *chain)
{
	return (chain->base.flags >> DMA_FENCE_CHAIN_RANK_SHIFT) & DMA_FENCE_CHAIN_RANK_MAX;
}

/* Has what this link or first fence of a chain itself waits for signalled? */
static __always_inline bool link_is_done(struct dma_fence *fence)
{
	return dma_fence_is_signaled(dma_fence_chain_contained(fence));
}

static __always_inline bool fence_is_flagged(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

static __always_inline struct dma_fence *chain_get_prev(struct dma_fence_chain *chain)
{
	struct dma_fence *prev;

	rcu_read_lock();
	prev = dma_fence_get_rcu_safe(&chain->prev);
	rcu_read_unlock();
	return prev;
}

/* Lets go of a jump to a link that is through, which would keep it in memory. */
static void chain_trim_jump(struct dma_fence_chain *chain)
{
	struct dma_fence *jump;
	bool done;

	rcu_read_lock();
	jump = rcu_dereference(chain->jump);
	done = jump && fence_is_flagged(to_dma_fence_chain(jump)->fence);
	rcu_read_unlock();

	/* Whoever clears the pointer owns its reference. */
	if (done && unrcu_pointer(cmpxchg(&chain->jump, RCU_INITIALIZER(jump), NULL)) == jump)
		dma_fence_put(jump);
}

/*
 * A link whose own fence has signalled ends with its error, unless somebody has set
 * another one. Whoever else notes it notes the same.
 */
static __always_inline void chain_note_error(struct dma_fence_chain *chain)
{
	if (unlikely(chain->fence->error))
		cmpxchg(&chain->base.error, 0, chain->fence->error);
}

/* A link that has signalled needs neither its past nor its short cut. */
static __always_inline void chain_forget(struct dma_fence_chain *chain)
{
	dma_fence_put(unrcu_pointer(xchg(&chain->prev, NULL)));
	dma_fence_put(unrcu_pointer(xchg(&chain->jump, NULL)));
}

/**
 * dma_fence_chain_walk - go one link back
 * @fence: a link, or the fence that the chain began with; its reference goes to
 *	the result
 *
 * Takes out the links on the way whose own fence has signalled, as later links
 * need not wait for them any more.
 *
 * Context: any.
 * Return: the nearest link further back that is not through, or the fence that
 * the chain began with, with a reference; NULL when there is none.
 */
struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev = NULL;

	if (!chain)
		goto out;

	if (rcu_access_pointer(chain->jump))
		chain_trim_jump(chain);

	while ((prev = chain_get_prev(chain))) {
		struct dma_fence *older = NULL, *old;

		if (!link_is_done(prev))
			break;

		/* Once a link has signalled so has all that came before it. */
		if (dma_fence_is_chain(prev) && !fence_is_flagged(prev))
			older = chain_get_prev(to_dma_fence_chain(prev));

		old = unrcu_pointer(cmpxchg(&chain->prev, RCU_INITIALIZER(prev),
					    RCU_INITIALIZER(older)));
		/* The link's reference to one of the two is ours now. */
		dma_fence_put(old == prev ? prev : older);
		dma_fence_put(prev);
	}
	/*
	 * Links may have been taken out by somebody else, who saw them signal.
	 * Pairs with the full barriers of the cmpxchg() here and the xchg() in
	 * chain_forget(): when nothing is left, that work is seen here as well.
	 */
	smp_acquire__after_ctrl_dep();
out:
	dma_fence_put(fence);
	return prev;
}
EXPORT_SYMBOL(dma_fence_chain_walk);

/* The link behind @fence, if the point @seqno of @context lies further back. */
static __always_inline struct dma_fence_chain *chain_after(struct dma_fence *fence,
							   u64 context, u64 seqno)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	if (!chain || fence->context != context || chain->prev_seqno < seqno)
		return NULL;
	return chain;
}

/*
 * Goes from a link, whose reference goes to the result, back towards the point
 * @seqno as far as links are pending. Nothing on the way is referenced: under RCU
 * links stay readable even when they are released meanwhile.
 *
 * Stops at links and jumps that are through, for the caller to take out.
 */
static struct dma_fence *chain_search(struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence), *next;
	u64 context = fence->context;
	struct dma_fence *jump;

	rcu_read_lock();
	for (;;) {
		jump = rcu_dereference(chain->jump);
		if (jump && fence_is_flagged(to_dma_fence_chain(jump)->fence))
			break;
		next = chain_after(jump, context, seqno) ?:
		       chain_after(rcu_dereference(chain->prev), context, seqno);
		if (!next || fence_is_flagged(next->fence))
			break;
		chain = next;
	}

	/* When it is too late for this one go on from where we were. */
	if (&chain->base != fence && dma_fence_get_rcu(&chain->base)) {
		rcu_read_unlock();
		dma_fence_put(fence);
		return &chain->base;
	}
	rcu_read_unlock();
	return fence;
}

/**
 * dma_fence_chain_find_seqno - find the link that a point waits for
 * @pfence: the newest link of a chain, whose reference goes to the result
 * @seqno: the point; 0 for the newest one
 *
 * The result is the oldest link left that signals no earlier than the point. For
 * a point that is through it is NULL, or some link further back.
 *
 * Context: any.
 * Return: 0 with the result in @pfence; -EINVAL when there is no such point yet,
 * or @pfence is not a chain. @pfence is left alone then.
 */
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno)
{
	struct dma_fence_chain *head;
	struct dma_fence *fence;

	if (!seqno)
		return 0;

	head = to_dma_fence_chain(*pfence);
	if (!head || head->base.seqno < seqno)
		return -EINVAL;
	if (head->prev_seqno < seqno)
		return 0;

	fence = dma_fence_get(*pfence);
	do {
		fence = dma_fence_chain_walk(chain_search(fence, seqno));
	} while (chain_after(fence, head->base.context, seqno));

	*pfence = fence;
	dma_fence_put(&head->base);
	return 0;
}
EXPORT_SYMBOL(dma_fence_chain_find_seqno);

static const char *chain_driver_name(struct dma_fence *fence)
{
	return "dma_fence_chain";
}

static const char *chain_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

static void chain_deferred(struct dma_fence_deferred *deferred);

/* Goes on outside the lock of the fence whose callback this is. */
static void chain_defer(struct dma_fence_chain *chain)
{
	dma_fence_defer(&chain->deferred, chain_deferred);
}

/* A fence inside the chain has signalled, most often the link's own one. */
static void chain_fence_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	chain_defer(container_of(cb, struct dma_fence_chain, cb));
}

/* A link further back has signalled, and this one waited for nothing else. */
static void chain_prev_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_chain *chain = container_of(cb, typeof(*chain), cb);

	if (test_bit(DMA_FENCE_CHAIN_SETTLING_BIT, &fence->flags))
		list_add_tail(&cb->node, to_dma_fence_chain(fence)->ready);
	else
		chain_defer(chain);
}

/* Signals a link as of @now; @ready takes the links that waited for nothing else. */
static __always_inline void chain_signal(struct dma_fence_chain *chain, ktime_t now,
					 struct list_head *ready)
{
	struct dma_fence *fence = &chain->base;
	unsigned long flags;

	chain_note_error(chain);
	spin_lock_irqsave(&chain->lock, flags);
	chain->ready = ready;
	set_bit(DMA_FENCE_CHAIN_SETTLING_BIT, &fence->flags);
	dma_fence_signal_timestamp_locked(fence, now);
	clear_bit(DMA_FENCE_CHAIN_SETTLING_BIT, &fence->flags);
	spin_unlock_irqrestore(&chain->lock, flags);
}

/*
 * Signals a link and all that waited for nothing else, and gives back the
 * references that their callbacks held.
 */
static void chain_settle(struct dma_fence_chain *chain)
{
	unsigned int batch = CHAIN_SETTLE_BATCH;
	ktime_t now = ktime_get();
	LIST_HEAD(ready);

	list_add(&chain->cb.node, &ready);
	while ((chain = list_first_entry_or_null(&ready, typeof(*chain), cb.node))) {
		list_del_init(&chain->cb.node);
		if (!batch) {
			chain_defer(chain);
			continue;
		}
		batch--;
		chain_signal(chain, now, &ready);
		chain_forget(chain);
		dma_fence_put(&chain->base);
	}
}

/*
 * Waits for the nearest link further back that is not through; false when there
 * is none. The caller's reference goes to the callback.
 */
static bool chain_wait_for_prev(struct dma_fence_chain *chain)
{
	struct dma_fence *prev = dma_fence_chain_walk(dma_fence_get(&chain->base));

	while (prev) {
		bool link = dma_fence_is_chain(prev);
		bool armed = !dma_fence_add_callback(prev, &chain->cb,
						     link ? chain_prev_func :
							    chain_fence_func);

		/* A link that has signalled leaves nothing behind it. */
		if (armed || link) {
			dma_fence_put(prev);
			return armed;
		}
		prev = dma_fence_chain_walk(prev);
	}
	return false;
}

static void chain_deferred(struct dma_fence_deferred *deferred)
{
	struct dma_fence_chain *chain = container_of(deferred, typeof(*chain), deferred);

	if (!chain_wait_for_prev(chain))
		chain_settle(chain);
}

/*
 * Starts with a plain fence, not with a link further back: this runs under the
 * link's lock, which must not enclose another one of the same kind.
 */
static bool chain_enable_signaling(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *link;

	/* For the callback. */
	dma_fence_get(fence);

	dma_fence_chain_for_each(link, fence) {
		if (!dma_fence_add_callback(dma_fence_chain_contained(link),
					    &chain->cb, chain_fence_func)) {
			dma_fence_put(link);
			return true;
		}
	}

	chain_note_error(chain);
	dma_fence_put(fence);
	return false;
}

static bool chain_signaled(struct dma_fence *fence)
{
	struct dma_fence *link;

	dma_fence_chain_for_each(link, fence) {
		if (!link_is_done(link)) {
			dma_fence_put(link);
			return false;
		}
	}
	chain_note_error(to_dma_fence_chain(fence));
	chain_forget(to_dma_fence_chain(fence));
	return true;
}

/* Drops the reference in @link; a link that nobody else needs joins @unused. */
static __always_inline void chain_drop(struct dma_fence __rcu *link,
				       struct llist_node **unused)
{
	struct dma_fence *fence = rcu_dereference_protected(link, true);
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	if (!chain) {
		dma_fence_put(fence);
	} else if (refcount_dec_and_test(&fence->refcount.refcount)) {
		dma_fence_retire(fence);
		chain->deferred.node.next = *unused;
		*unused = &chain->deferred.node;
	}
}

/* A million links may go at once, so one must not release the next. */
static void chain_release(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = container_of(fence, typeof(*chain), base);
	struct llist_node *unused = NULL;

	for (;;) {
		chain_drop(chain->prev, &unused);
		chain_drop(chain->jump, &unused);
		dma_fence_put(chain->fence);
		kfree_rcu(chain, base.rcu);
		if (!unused)
			return;
		chain = llist_entry(unused, typeof(*chain), deferred.node);
		unused = unused->next;
	}
}

static void chain_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	struct dma_fence *link;

	dma_fence_chain_for_each(link, fence)
		dma_fence_set_deadline(dma_fence_chain_contained(link), deadline);
}

/* Callbacks of the fences that are links of a chain. */
const struct dma_fence_ops dma_fence_chain_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = chain_driver_name,
	.get_timeline_name = chain_timeline_name,
	.enable_signaling = chain_enable_signaling,
	.signaled = chain_signaled,
	.release = chain_release,
	.set_deadline = chain_set_deadline,
};
EXPORT_SYMBOL(dma_fence_chain_ops);

/* Where a link jumps to; one without a jump pointer to the link before it. */
static __always_inline struct dma_fence_chain *chain_jump(struct dma_fence_chain *chain)
{
	return to_dma_fence_chain(chain_rank(chain) ?
				  rcu_dereference(chain->jump) :
				  rcu_dereference(chain->prev));
}

/* Has a new link jump over two neighbouring jumps of the same length. */
static __always_inline void chain_set_jump(struct dma_fence_chain *chain,
					   struct dma_fence_chain *prev)
{
	struct dma_fence_chain *near, *far = NULL;
	unsigned int rank = chain_rank(prev);

	rcu_read_lock();
	near = chain_jump(prev);
	if (near && chain_rank(near) == rank && rank < DMA_FENCE_CHAIN_RANK_MAX)
		far = chain_jump(near);
	if (far && far->base.context == chain->base.context &&
	    !fence_is_flagged(far->fence) && dma_fence_get_rcu(&far->base)) {
		RCU_INIT_POINTER(chain->jump, &far->base);
		chain->base.flags |= (rank + 1UL) << DMA_FENCE_CHAIN_RANK_SHIFT;
	}
	rcu_read_unlock();
}

/**
 * dma_fence_chain_init - add a point to a timeline
 * @chain: from dma_fence_chain_alloc()
 * @prev: the newest link so far, or any fence to begin with, or NULL. Its
 *	reference goes to the link.
 * @fence: what the point waits for, anything but a link. Its reference goes to
 *	the link.
 * @seqno: the point's number
 *
 * A number that is not above the newest one so far cannot be waited for by
 * itself: the link starts a new context then, with the higher one of the two
 * numbers.
 *
 * The caller owns the reference to the new link.
 *
 * Context: any.
 */
void dma_fence_chain_init(struct dma_fence_chain *chain,
			  struct dma_fence *prev,
			  struct dma_fence *fence,
			  uint64_t seqno)
{
	struct dma_fence_chain *before = to_dma_fence_chain(prev);
	bool in_order = before && seqno > prev->seqno;
	u64 context;

	if (in_order) {
		context = prev->context;
	} else {
		context = dma_fence_context_alloc(1);
		if (before)
			seqno = prev->seqno;
	}

	spin_lock_init(&chain->lock);
	dma_fence_init(&chain->base, &dma_fence_chain_ops, &chain->lock, context, seqno);
	RCU_INIT_POINTER(chain->prev, prev);
	RCU_INIT_POINTER(chain->jump, NULL);
	chain->prev_seqno = in_order ? prev->seqno : 0;
	chain->fence = fence;
	if (in_order)
		chain_set_jump(chain, before);

	/* Only @prev may be a link, or releasing one could recurse. */
	WARN_ON(dma_fence_is_chain(fence));
}
EXPORT_SYMBOL(dma_fence_chain_init);
