/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain of three links signals while it is walked, polled and let go of.
 *
 * Code: dma-fence-chain.c dma_fence_chain_walk, dma-fence-chain.c chain_trim_jump,
 *	dma-fence-chain.c chain_forget, dma-fence-chain.c chain_settle,
 *	dma-fence-chain.c chain_wait_for_prev, dma-fence-chain.c chain_enable_signaling,
 *	dma-fence-chain.c chain_signaled, dma-fence-chain.c chain_release
 *
 * Link i has fence i; link 3 jumps to link 1. The fences signal in any order, two
 * CPUs do what callbacks have put off, somebody waits for link 3, and somebody else
 * walks from there or polls link 2.
 *
 * A link signals when its own fence and all before have, never earlier; link 3
 * does signal; a reference is put once, and nothing is touched without one. (That
 * a search may look at links without references is RCU's business:
 * ../litmus/chain-search.litmus.)
 */

#define N	3
#define NOWHERE	0
/* where a link's callback is, beside NOWHERE: on fence k, or on link k */
#define ON_FENCE(k)	(k)
#define ON_LINK(k)	(10 + (k))

/* Index 0 is NULL. */
bool fence[N + 1];
bool signaled[N + 1];
bool asked[N + 1];
byte prev[N + 1];
byte jump[N + 1];
byte ref[N + 1];
byte cb[N + 1];
bool deferred[N + 1];
bool released[N + 1];

/* Puts a reference; a link that nobody needs puts its own, and so on. */
inline put(x)
{
	d_step {
		if
		:: x != 0 ->
			assert(ref[x] > 0);
			ref[x]--;
			gone = N;
			do
			:: gone == 0 -> break
			:: gone > 0 && ref[gone] == 0 && !released[gone] ->
				assert(cb[gone] == NOWHERE && !deferred[gone]);
				released[gone] = true;
				if
				:: prev[gone] != 0 ->
					assert(ref[prev[gone]] > 0);
					ref[prev[gone]]--
				:: else
				fi;
				if
				:: jump[gone] != 0 ->
					assert(ref[jump[gone]] > 0);
					ref[jump[gone]]--
				:: else
				fi;
				gone--
			:: else -> gone--
			od
		:: else
		fi
	}
}

/* dma_fence_get_rcu_safe() on a pointer of a link that we hold. */
inline get_prev(found, link)
{
	d_step {
		assert(ref[link] > 0);
		found = prev[link];
		if
		:: found != 0 -> assert(ref[found] > 0); ref[found]++
		:: else
		fi
	}
}

inline trim(link)
{
	j = jump[link];
	if
	:: j != 0 && fence[j] ->
#ifdef MUTANT_TRIM_UNOWNED
		jump[link] = 0;
		put(j)
#else
		d_step {
			if
			:: jump[link] == j -> jump[link] = 0
			:: else -> j = 0
			fi
		};
		put(j)
#endif
	:: else
	fi
}

/* From link @at, whose reference goes to @to; 0 at the end. */
inline walk(to, at)
{
	trim(at);
	do
	::	get_prev(to, at);
		if :: to == 0 || !fence[to] -> break :: else fi;
		older = 0;
		if :: !signaled[to] -> get_prev(older, to) :: else fi;
		d_step {
			assert(ref[at] > 0);
			lost = prev[at] != to;
			if :: !lost -> prev[at] = older :: else fi
		};
#ifdef MUTANT_LOST_RACE
		put(to);
#else
		if
		:: lost -> put(older)
		:: else -> put(to)
		fi;
#endif
		put(to)
	od;
	put(at)
}

inline forget(x)
{
	d_step { assert(ref[x] > 0); p = prev[x]; prev[x] = 0 };
	put(p);
	d_step { p = jump[x]; jump[x] = 0 };
	put(p)
}

/* The flag, under the link's lock. Its callbacks are due. */
inline set_flag(x)
{
	assert(ref[x] > 0);
	assert(fence[1] && (x < 2 || fence[2]) && (x < 3 || fence[3]));
	signaled[x] = true
}

inline defer(x)
{
	assert(ref[x] > 0 && !deferred[x]);
	deferred[x] = true
}

/* The first to wait: a callback on the nearest fence that is pending, or none. */
inline enable(x)
{
	asked[x] = true;
	k = x;
	do
	:: k != 0 && fence[k] -> k = prev[k]
	:: else -> break
	od;
	if
	:: k != 0 ->
		cb[x] = ON_FENCE(k);
#ifndef MUTANT_NO_REFERENCE
		ref[x]++
#else
		skip
#endif
	:: else -> set_flag(x)
	fi
}

proctype fences()
{
	do
	:: d_step { !fence[1] -> fence[1] = true }
	:: d_step { !fence[2] -> fence[2] = true }
	:: d_step { !fence[3] -> fence[3] = true }
	:: fence[1] && fence[2] && fence[3] -> break
	od
}

/* What a fence's callbacks do when it signals: a step of its own fence's lock. */
proctype callbacks()
{
end:	do
	:: d_step { cb[1] == ON_FENCE(1) && fence[1] -> cb[1] = NOWHERE; defer(1) }
	:: d_step { cb[2] != NOWHERE && cb[2] <= N && fence[cb[2]] -> cb[2] = NOWHERE; defer(2) }
	:: d_step { cb[3] != NOWHERE && cb[3] <= N && fence[cb[3]] -> cb[3] = NOWHERE; defer(3) }
	od
}

inline settle(x)
{
	ready[x] = true;
	do
	:: ready[1] || ready[2] || ready[3] ->
		d_step {
			c = (ready[1] -> 1 : (ready[2] -> 2 : 3));
			ready[c] = false;
			/* Signals; links that waited for this one alone are next. */
			if
			:: !signaled[c] ->
				set_flag(c);
				k = 1;
				do
				:: k <= N ->
					if
					:: cb[k] == ON_LINK(c) -> cb[k] = NOWHERE; ready[k] = true
					:: else
					fi;
					k++
				:: else -> break
				od
			:: else
			fi
		};
		forget(c);
		put(c)
	:: else -> break
	od
}

/* The interrupt that does what was put off, on one of the CPUs. */
proctype work()
{
	byte i, at, to, older, j, k, c, p, gone;
	bool lost, armed, ready[N + 1];

end:	do
	:: d_step {
		deferred[1] || deferred[2] || deferred[3] ->
		i = (deferred[1] -> 1 : (deferred[2] -> 2 : 3));
		deferred[i] = false
	   };
#ifdef MUTANT_PAST_IGNORED
		to = 0;
#else
		d_step { assert(ref[i] > 0); ref[i]++; at = i };
		walk(to, at);
#endif
		armed = false;
		if
		:: to != 0 ->
			d_step {
				assert(ref[to] > 0);
				if :: !asked[to] && !signaled[to] -> enable(to) :: else fi;
				if
				:: !signaled[to] -> cb[i] = ON_LINK(to); armed = true
#ifdef MUTANT_LATE_IS_ARMED
				:: else -> armed = true
#else
				:: else
#endif
				fi
			};
			put(to)
		:: else
		fi;
		if
		:: !armed -> settle(i)
		:: else
		fi
	od
}

/* chain_signaled() and dma_fence_signal() on link @x, of which there is a reference. */
proctype asker(byte x)
{
	byte at, to, older, j, k, p, gone;
	bool lost, pending;

	d_step { ref[x]++; at = x };
	pending = !fence[x];
	do
	:: pending -> break
	:: else ->
		walk(to, at);
		if :: to == 0 -> at = 0; break :: else fi;
		at = to;
		pending = !fence[at]
	od;
	put(at);
	if
	:: !pending ->
		forget(x);
		d_step {
			if
			:: !signaled[x] ->
				set_flag(x);
				k = 1;
				do
				:: k <= N ->
					if
					:: cb[k] == ON_LINK(x) -> cb[k] = NOWHERE; defer(k)
					:: else
					fi;
					k++
				:: else -> break
				od
			:: else
			fi
		}
	:: else
	fi;
	put(x)
}

/* dma_fence_chain_for_each() from link 3, of which there is a reference. */
proctype walker()
{
	byte at, to, older, j, gone;
	bool lost;

	at = 3;
	do
	:: at == 0 -> break
	:: else -> walk(to, at); at = to
	od
}

proctype waiter()
{
	byte k, gone;

	d_step { if :: !signaled[3] && !asked[3] -> enable(3) :: else fi };
	signaled[3];
	put(3)
}

init
{
	byte gone;

	atomic {
		prev[3] = 2;
		prev[2] = 1;
		jump[3] = 1;
		/* from the pointers above, the waiter, and who put the chain together */
		ref[1] = 2;
		ref[2] = 1;
		ref[3] = 1;
		run fences();
		run callbacks();
		run work();
		run work();
		run waiter();
		if
		:: ref[3]++; run walker()
		:: ref[2]++; run asker(2)
		:: ref[3]++; run asker(3)
		fi
	}
}
