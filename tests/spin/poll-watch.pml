/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poll() on a buffer: one watch for all who sleep.
 *
 * Code: dma-buf-poll.c dma_buf_poll, dma-buf-poll.c dma_buf_rewatch,
 *	dma-buf-poll.c dma_buf_watch, dma-buf-poll.c dma_buf_watch_does,
 *	dma-buf-poll.c dma_buf_hook, dma-buf-poll.c dma_buf_needs_rewatch,
 *	dma-buf-file.c dma_buf_file_release
 *
 * Fences are bits, A and B; a fence made of both signals some time after them.
 * The driver puts B beside A or in place of A and signals them in any order, but A
 * perhaps never once it was replaced. Two tasks poll, the second may be one that
 * only looks. Who sleeps is woken when the buffer is idle, or else the watch is
 * hooked into something that this sleeper has seen and that is still pending. After
 * the last close no callback runs.
 */

#define A	1
#define B	2
#define NONE	0

/* what is in the reservation, and what has signalled, by the flag */
byte resv = A;
byte signaled;
bool both_flagged;

/* the fence of the watch; it is hooked until the callback has run or was removed */
byte watch;
bool hooked;
/* the callback runs, under the fence's lock */
bool running;
byte seq;
bool poll_lock;

/* woken: what wakes finds the sleeper in the queue, asleep or not yet */
bool queued[2], woken[2], done[2];
byte saw[2];
bool driver_done, buffer_alive = true;

#define flagged(f)	((f) == (A | B) -> both_flagged : (((f) & ~signaled) == 0))
#define pending		(resv & ~signaled)

inline wake_all()
{
	d_step {
		if :: queued[0] -> woken[0] = true :: else fi;
		if :: queued[1] -> woken[1] = true :: else fi;
	}
}

/* The old fence's lock: a callback that runs is waited for. */
inline unhook(unhooked)
{
#ifdef MUTANT_REMOVE_UNLOCKED
	atomic { if :: hooked -> hooked = false; unhooked = true :: else fi }
#else
	atomic { !running -> if :: hooked -> hooked = false; unhooked = true :: else fi }
#endif
}

/* Signalled fences run the callback that is hooked into them. */
proctype callbacks()
{
end:	do
	:: atomic { hooked && flagged(watch) -> hooked = false; running = true };
		assert(buffer_alive);
		wake_all();
		assert(buffer_alive);
		running = false
	:: atomic { signaled == (A | B) && !both_flagged -> both_flagged = true }
	od
}

proctype driver()
{
	if
	:: resv = B
	:: resv = A | B
	:: true
	fi;
	if
	:: signaled = signaled | A; signaled = signaled | B
	:: signaled = signaled | B; signaled = signaled | A
	:: atomic { resv == B -> signaled = signaled | B }
	fi;
	driver_done = true
}

proctype poller(byte me; bool looks_only)
{
	byte fence, myseq, old;
	bool unhooked, busy, stale;

again:
#ifndef MUTANT_QUEUE_LATE
	queued[me] = !looks_only;
#endif
	/* dma_buf_ready() */
	atomic { saw[me] = pending; busy = saw[me] != 0 };
	/* dma_buf_needs_rewatch() */
	if
	:: busy && !(queued[0] || queued[1]) -> goto out
	:: !busy && watch == NONE -> goto out
	:: else
	fi;

	unhooked = false;
	do
	::	myseq = seq;
		fence = pending;
		atomic { !poll_lock -> poll_lock = true };
		stale = false;
		busy = false;
		if
#ifdef MUTANT_NO_COUNT
		:: false -> skip
#else
		:: seq != myseq -> stale = true
#endif
		:: else ->
			old = watch;
			if
#ifdef MUTANT_KEEP_FLAGGED
			:: old != NONE && fence != NONE && ((old & ~signaled) & ~fence) == 0 ->
#else
			:: old != NONE && fence != NONE && ((old & ~signaled) & ~fence) == 0 &&
			   !flagged(old) ->
#endif
				busy = true
			:: else ->
				if :: old != NONE -> unhook(unhooked) :: else fi;
				atomic {
					if
					:: fence != NONE && !flagged(fence) ->
						watch = fence; hooked = true; busy = true
					:: else -> watch = NONE
					fi
				}
			fi;
			seq++
		fi;
		poll_lock = false;
		if
		:: busy -> saw[me] = fence; break
#ifdef MUTANT_NO_SECOND_LOOK
		:: !busy && fence != NONE -> busy = true; break
		:: !busy && fence == NONE && !stale -> break
		:: !busy && fence == NONE && stale -> skip
#else
		:: !busy && fence == NONE && !stale -> break
		:: !busy && (fence != NONE || stale) -> skip
#endif
		fi
	od;
#ifndef MUTANT_NO_WAKE
	if :: !busy && unhooked -> wake_all() :: else fi;
#endif
out:
	if
	:: busy && !looks_only ->
#ifdef MUTANT_QUEUE_LATE
		queued[me] = true;
#endif
		if
		:: atomic { woken[me] -> woken[me] = false }; goto again
		/* Sleeps on, and rightly so. */
		:: driver_done && hooked && !flagged(watch) && (saw[me] & ~signaled) != 0
		fi
	:: else
	fi;
	queued[me] = false;
	done[me] = true
}

init
{
	bool unused;

	atomic {
		run callbacks();
		run driver();
		run poller(0, false);
		if
		:: run poller(1, false)
		:: run poller(1, true)
		fi
	}
	/* The last close. */
	done[0] && done[1] && driver_done;
	unhook(unused);
	buffer_alive = false
}
