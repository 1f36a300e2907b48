/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fence signals while callbacks are added and taken back, and a task waits.
 *
 * Code: dma-fence.c fence_signal, dma-fence.c dma_fence_add_callback,
 *	dma-fence.c dma_fence_remove_callback, dma-fence.c dma_fence_default_wait,
 *	dma-fence.c fence_sleep, dma-fence.c fence_is_left
 *
 * One or two signal: by dma_fence_signal(), or as i915 does by hand, which claims
 * the fence without the lock. In one half of the runs the fence is on the stack of
 * the waiter (xe) and gone as soon as the wait is over.
 *
 * Nobody sleeps for ever, no callback is lost, runs twice or after it was taken
 * back, and nobody touches what is gone.
 */

#define WAITER	0
#define OTHER	1

mtype = { IDLE, LISTED, TAKEN, RAN, REMOVED, LATE };

bool signaled, stamped;
bool lock;
/* what the list and the timestamp share is still the list */
bool listed = true;
bool fence_alive = true;
bool asleep;
mtype cb[2] = IDLE;
/* the memory that the callback is in */
bool cb_alive[2] = true;

inline take_lock()
{
	atomic { !lock -> lock = true }
}

inline drop_lock()
{
	lock = false
}

proctype signaller(bool by_hand)
{
	bool won, mine[2];
	byte i;

	if
	:: by_hand -> skip
	:: !by_hand && signaled -> goto out
	:: !by_hand && !signaled -> take_lock()
	fi;
#ifdef MUTANT_TEST_THEN_SET
	won = !signaled;
	signaled = true;
#else
	atomic { won = !signaled; signaled = true };
#endif
	if
	:: won -> skip
	:: !won && by_hand -> goto out
	:: !won && !by_hand -> drop_lock(); goto out
	fi;
	if
	:: by_hand -> take_lock()
	:: else -> skip
	fi;

	assert(fence_alive && listed);
	d_step {
		mine[WAITER] = cb[WAITER] == LISTED;
		mine[OTHER] = cb[OTHER] == LISTED;
		if :: mine[WAITER] -> cb[WAITER] = TAKEN :: else fi;
		if :: mine[OTHER] -> cb[OTHER] = TAKEN :: else fi;
	}
#ifdef MUTANT_STAMP_EARLY
	stamped = true;
#endif
	assert(fence_alive);
	listed = false;
	assert(fence_alive);
	stamped = true;

	if
	:: mine[WAITER] ->
		assert(cb_alive[WAITER]);
		cb[WAITER] = RAN;
		asleep = false
	:: else
	fi;
	if
	:: mine[OTHER] ->
		assert(cb_alive[OTHER]);
		assert(cb[OTHER] == TAKEN);
		cb[OTHER] = RAN
	:: else
	fi;
	drop_lock();
out:	skip
}

proctype waiter(bool on_stack)
{
	bool interrupted;

#ifdef MUTANT_LEAVE_BY_FLAG
	if :: signaled -> goto leave :: else fi;
#else
	if :: stamped -> goto leave :: else fi;
#endif
	take_lock();
	if
	:: signaled -> drop_lock(); goto leave
	:: else -> cb[WAITER] = LISTED
	fi;
	drop_lock();

	/* Who has a fence on the stack waits until it is done with. */
	if
	:: !on_stack -> interrupted = true
	:: true -> skip
	fi;
	do
	::
#ifdef MUTANT_LOOK_THEN_SLEEP
		if :: signaled -> break :: else fi;
		asleep = true;
#else
		asleep = true;
		if :: signaled -> break :: else fi;
#endif
		if
		:: !asleep
		:: interrupted -> break
		fi
	od;

#ifdef MUTANT_REMOVE_UNLOCKED
	if :: signaled -> goto gone :: else fi;
#endif
	take_lock();
	if :: cb[WAITER] == LISTED -> cb[WAITER] = REMOVED :: else fi;
	drop_lock();
gone:
	cb_alive[WAITER] = false;
leave:
	if :: on_stack -> fence_alive = false :: else fi
}

proctype other()
{
	bool waiting;

	if :: signaled -> cb[OTHER] = LATE; goto out :: else fi;
#ifndef MUTANT_ADD_UNLOCKED
	take_lock();
#endif
	if
	:: signaled -> cb[OTHER] = LATE
	:: else -> cb[OTHER] = LISTED
	fi;
#ifndef MUTANT_ADD_UNLOCKED
	drop_lock();
#endif
	if
	:: true ->
		/* Keeps it: then it runs. */
		cb[OTHER] == LATE || cb[OTHER] == RAN
	:: true ->
		take_lock();
		waiting = cb[OTHER] == LISTED;
		if :: waiting -> cb[OTHER] = REMOVED :: else fi;
		drop_lock();
		assert(waiting || cb[OTHER] == RAN || cb[OTHER] == LATE);
		cb_alive[OTHER] = false
	fi;
out:	skip
}

init
{
	atomic {
		if
		:: run signaller(false); run waiter(true)
		:: run signaller(false); run signaller(true); run waiter(false); run other()
		fi
	}
}
