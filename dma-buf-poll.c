// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() on a buffer: who is ready, and who is woken when.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-resv.h>
#include <linux/poll.h>

#include "dma-buf-internal.h"

/**
 * DOC: implicit fence polling
 *
 * poll(), select() and epoll tell when a buffer's devices have finished:
 *
 * - EPOLLIN when nobody is writing, so that reading it gives a whole picture:
 *   all fences of %DMA_RESV_USAGE_KERNEL and %DMA_RESV_USAGE_WRITE have
 *   signalled;
 *
 * - EPOLLOUT when nobody is reading either, so that it may be overwritten: those
 *   of %DMA_RESV_USAGE_READ have signalled as well.
 *
 * A buffer that its exporter has revoked answers EPOLLERR and EPOLLHUP besides.
 *
 * Fences of %DMA_RESV_USAGE_BOOKKEEP never count, and errors of fences are not
 * reported. What has been seen ready may be busy again at once, when new work
 * is queued. Ready only means that fences have signalled: caches are the
 * business of DMA_BUF_IOCTL_SYNC.
 *
 * Edge-triggered epoll (EPOLLET) tells of each time that the buffer gets ready
 * again after fences were added with DMA_BUF_IOCTL_IMPORT_SYNC_FILE. Fences that a
 * driver adds behind the back of the dma-buf are noticed by the next call that
 * looks: epoll_ctl() with EPOLL_CTL_MOD after work was queued does that.
 */

/*
 * How poll works. The answer always comes from the reservation, read without
 * its lock. The rest is about waking those who got "busy" for an answer:
 *
 * - One watch per direction (struct dma_buf_poll_cb_t) is hooked into one
 *   fence. A poll that finds the buffer busy hooks it into a fence made of
 *   everything that is pending right then, in place of what an earlier poll
 *   has hooked it into. So it signals when the fences that the latest poll saw
 *   are done; until then the buffer was busy for the pollers before it as
 *   well. A count (dma_buf.poll_seq) keeps a slower poll from putting back an
 *   older fence, which could wait for work that has been replaced meanwhile.
 *
 * - A fence made of several was enabled by hooking into it, and lives from then
 *   on until its members have signalled. So the watch stays where it is when all
 *   that it still waits for is among what is pending: else every call would leave
 *   such a fence behind. If there is more now, those who sleep look once more.
 *
 * - Should that poll find the buffer idle instead while it takes the watch
 *   off a fence that has not signalled (one that was replaced, or that is just
 *   signalling), it wakes the others itself.
 *
 * - The fence's callback only wakes. It runs under the fence's lock and so
 *   takes neither poll_lock, inside of which fence locks are taken, nor drops
 *   references. A signalled fence stays with the watch until the next poll or
 *   the last close.
 *
 * - The watch holds no reference to the file. Whoever sleeps on the wait queue
 *   does; once the last close comes, dma_buf_poll_stop() unhooks the watch,
 *   and since callbacks run under the fence's lock, which unhooking takes, none
 *   is still running afterwards.
 *
 * - A buffer that is not ready for reading is not ready for writing either. Who
 *   asks for both then is woken for the first alone, and asks again for the second
 *   if that is not done by then: one wakeup when both come at once.
 *
 * - Fences that come later make a buffer busy again that somebody has seen ready.
 *   Those who ask before they sleep see that, while edge-triggered epoll does not
 *   ask. So whatever adds fences in this directory calls dma_buf_poll_rearm().
 *
 * - Nobody sleeping means nobody to wake, hence no watch. Signalling is enabled
 *   all the same, or a program that calls poll() in a loop might do so for ever.
 */

static void dma_buf_wake_in(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_buf *dmabuf = container_of(cb, struct dma_buf, cb_in.cb);

	wake_up_poll(&dmabuf->poll, EPOLLIN);
}

static void dma_buf_wake_out(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_buf *dmabuf = container_of(cb, struct dma_buf, cb_out.cb);

	wake_up_poll(&dmabuf->poll, EPOLLOUT);
}

/* The two directions: what to watch with, what to wait for, how to wake whom. */
static const struct dma_buf_poll_dir {
	/* offset of the struct dma_buf_poll_cb_t */
	size_t watch;
	enum dma_resv_usage usage;
	dma_fence_func_t wake;
	__poll_t event;
} dma_buf_poll_dirs[] = {
	{ offsetof(struct dma_buf, cb_in), DMA_RESV_USAGE_WRITE, dma_buf_wake_in, EPOLLIN },
	{ offsetof(struct dma_buf, cb_out), DMA_RESV_USAGE_READ, dma_buf_wake_out, EPOLLOUT },
};

static struct dma_buf_poll_cb_t *dma_buf_poll_watch(struct dma_buf *dmabuf,
						    const struct dma_buf_poll_dir *dir)
{
	return (void *)dmabuf + dir->watch;
}

/* Does a watch on @old do for those who wait for @fence? */
static bool dma_buf_watch_does(struct dma_fence *old, struct dma_fence *fence)
{
	struct dma_fence *want, *have = dma_fence_array_first(fence);
	unsigned int i, j = 0;

	/* Both are in the order of the reservation; if not, hooking anew is fine. */
	dma_fence_array_for_each(want, i, old) {
		if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &want->flags))
			continue;
		while (have && have != want)
			have = dma_fence_array_next(fence, ++j);
		if (!have)
			return false;
	}
	/* Last, for from here on the callback is sure to come. */
	return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &old->flags);
}

/* Hook the watch into @fence instead of what it is hooked into; under poll_lock. */
static int dma_buf_hook(struct dma_buf_poll_cb_t *watch, struct dma_fence *fence,
			dma_fence_func_t wake, bool *unhooked)
{
	int ret = -ENOENT;

	if (watch->fence && dma_fence_remove_callback(watch->fence, &watch->cb))
		*unhooked = true;
	if (fence)
		ret = dma_fence_add_callback(fence, &watch->cb, wake);
	/* Pairs with the look without the lock in dma_buf_needs_rewatch(). */
	WRITE_ONCE(watch->fence, ret ? NULL : fence);
	return ret;
}

/*
 * Take the watch off its fence and hook it into @fence, whose reference goes
 * with it; @fence may be NULL. @seq is what dma_buf.poll_seq was before @fence was
 * made. *@unhooked is set when the old fence will not wake anybody any more.
 *
 * Returns 0; -ENOENT when there is no @fence or it has signalled already; -EAGAIN
 * when another poll has been here since, so that @fence may be older than what
 * the watch is hooked into.
 */
static int dma_buf_watch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir,
			 struct dma_fence *fence, unsigned int seq, bool *unhooked)
{
	struct dma_buf_poll_cb_t *watch = dma_buf_poll_watch(dmabuf, dir);
	struct dma_fence *old = NULL;
	int ret = -EAGAIN;

	spin_lock(&dmabuf->poll_lock);
	if (dmabuf->poll_seq == seq) {
		old = watch->fence;
		if (old && fence && dma_buf_watch_does(old, fence)) {
			/* The new one is given back instead. */
			swap(old, fence);
			ret = 0;
		} else {
			ret = dma_buf_hook(watch, fence, dir->wake, unhooked);
		}
		/* Pairs with dma_buf_rewatch(): who sees this looks at fences later. */
		smp_store_release(&dmabuf->poll_seq, seq + 1);
	}
	spin_unlock(&dmabuf->poll_lock);

	/* Releasing a fence is the driver's code: not under a lock. */
	dma_fence_put(old);
	if (ret)
		dma_fence_put(fence);
	return ret;
}

/*
 * Is @fence pending even after signalling was enabled on it? Without that some
 * fences never signal, and others only notice then that they have.
 */
static bool dma_buf_pending(struct dma_fence *fence)
{
	if (!test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		dma_fence_enable_sw_signaling(fence);
	return !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/* The first fence that is pending, with a reference, or NULL. */
static struct dma_fence *dma_buf_first_pending(struct dma_resv *resv, enum dma_resv_usage usage)
{
	struct dma_fence *fence, *found = NULL;
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_buf_pending(fence)) {
			found = dma_fence_get(fence);
			break;
		}
	}
	dma_resv_iter_end(&cursor);
	return found;
}

/*
 * One fence for all that is pending, with a reference, or NULL. Without the
 * memory for that the first one has to do: its pollers wake too early, find the
 * buffer busy and get here again.
 */
static struct dma_fence *dma_buf_all_pending(struct dma_resv *resv, enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	if (dma_resv_get_singleton(resv, usage, &fence))
		return dma_buf_first_pending(resv, usage);
	return fence;
}

/*
 * Hook the watch into what is pending right now. Returns false when that is
 * nothing; nobody who sleeps waits for the watch then.
 */
static bool dma_buf_rewatch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir)
{
	bool unhooked = false, pending;
	struct dma_fence *fence;
	unsigned int seq;
	int ret;

	do {
		/* Pairs with dma_buf_watch(): before the fences are looked at. */
		seq = smp_load_acquire(&dmabuf->poll_seq);
		fence = dma_buf_all_pending(dmabuf->resv, dir->usage);
		pending = fence;
		ret = dma_buf_watch(dmabuf, dir, fence, seq, &unhooked);
		if (!ret)
			return true;
	} while (pending || ret == -EAGAIN);

	if (unhooked)
		wake_up_poll(&dmabuf->poll, dir->event);
	return false;
}

/* Is there something to do for the watch, with the buffer @busy or not? */
static bool dma_buf_needs_rewatch(struct dma_buf *dmabuf, const struct dma_buf_poll_dir *dir,
				  bool busy)
{
	/* A watch that is being set up right now is for fences of its own. */
	if (!busy)
		return READ_ONCE(dma_buf_poll_watch(dmabuf, dir)->fence);
	/*
	 * The sleeper that matters is the one this call is made for. It has put
	 * itself into the queue in an earlier call, or just now in poll_wait(),
	 * which has the barrier.
	 */
	return waitqueue_active(&dmabuf->poll);
}

/*
 * Which of the events that are @asked for are ready, in one walk over the fences.
 * Signalling is enabled on those that stand in the way.
 */
static __poll_t dma_buf_ready(struct dma_resv *resv, __poll_t asked)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(asked & EPOLLOUT);
	__poll_t ready = asked;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (!dma_buf_pending(fence))
			continue;
		ready &= ~EPOLLOUT;
		if (dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_WRITE)
			ready &= ~EPOLLIN;
		if (!ready)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ready;
}

__poll_t dma_buf_poll(struct file *file, poll_table *pt)
{
	struct dma_buf *dmabuf = file->private_data;
	__poll_t asked = poll_requested_events(pt) & (EPOLLIN | EPOLLOUT), ready, gone = 0;
	const struct dma_buf_poll_dir *dir;
	unsigned int i;

	/* Also for no events: epoll may ask for some later, in this queue. */
	poll_wait(file, &dmabuf->poll, pt);
	if (dma_buf_is_revoked(dmabuf))
		gone = EPOLLERR | EPOLLHUP;
	if (!asked)
		return gone;

	ready = dma_buf_ready(dmabuf->resv, asked);
	for (i = 0; i < ARRAY_SIZE(dma_buf_poll_dirs); i++) {
		dir = &dma_buf_poll_dirs[i];
		if (!(asked & dir->event) ||
		    !dma_buf_needs_rewatch(dmabuf, dir, !(ready & dir->event)))
			continue;
		if (!dma_buf_rewatch(dmabuf, dir)) {
			ready |= dir->event;
			continue;
		}
		/* Not ready for reading is not ready for writing; one wakeup will do. */
		if (dir->event == EPOLLIN)
			return gone;
		ready &= ~dir->event;
	}
	return ready | gone;
}

/*
 * Fences have been added to the reservation, which is not held any more: those who
 * sleep are to be woken when these have signalled, whether they ask again or not.
 */
void dma_buf_poll_rearm(struct dma_buf *dmabuf)
{
	unsigned int i;

	/* Pairs with poll_wait(): a sleeper that this misses sees the fences. */
	if (!wq_has_sleeper(&dmabuf->poll))
		return;
	for (i = 0; i < ARRAY_SIZE(dma_buf_poll_dirs); i++)
		dma_buf_rewatch(dmabuf, &dma_buf_poll_dirs[i]);
}

/* The last close: unhook both watches. Nobody sleeps on the wait queue any more. */
void dma_buf_poll_stop(struct dma_buf *dmabuf)
{
	const struct dma_buf_poll_dir *dir;
	bool unhooked;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dma_buf_poll_dirs); i++) {
		dir = &dma_buf_poll_dirs[i];
		if (dma_buf_poll_watch(dmabuf, dir)->fence)
			dma_buf_watch(dmabuf, dir, NULL, dmabuf->poll_seq, &unhooked);
	}
}
