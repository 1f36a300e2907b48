/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An array waits for all of its members with one callback at a time.
 *
 * Code: dma-fence-array.c array_arm_all, dma-fence-array.c array_all_deferred,
 *	dma-fence-array.c array_all_are_done, dma-fence-array.c array_enable_signaling,
 *	dma-fence-array.c array_decide, dma-fence-array.c array_complete
 *
 * Three members, of which member 1 fails, signal in any order while somebody
 * enables signalling and one other polls, or two poll. The array signals when all members have,
 * never before, and with the error; it is not touched once its last reference is
 * gone, and somebody has signalled it when everybody is through.
 */

#define N	3
#define NOBODY	255
#define PENDING	1
#define FAILED	2

bool sig[N];
/* which member has the callback; the work that follows it */
byte armed_on = NOBODY;
bool deferred;
byte first, last = N;
bool backward;
byte error = PENDING;
bool signaled, flag_lock;
/* creator, a poller, the enabler or another poller */
byte refs = 3;
byte armers;

#define alive	assert(refs > 0)

inline put()
{
	d_step { assert(refs > 0); refs-- }
}

inline member_signals(m)
{
	atomic {
		sig[m] = true;
		if :: armed_on == m -> armed_on = NOBODY; deferred = true :: else fi
	}
}

/* The outcome, once and for all; some member has failed. */
inline set_outcome()
{
	if
	:: error == PENDING ->
		alive;
		atomic { if :: error == PENDING -> error = (sig[1] -> FAILED : 0) :: else fi }
	:: else
	fi
}

/* SIGNALED; what others rely on from here on has to be true. */
inline set_flag()
{
	d_step {
		assert(refs > 0);
		if
		:: !signaled ->
			signaled = true;
			assert(sig[0] && sig[1] && sig[2]);
			assert(error == FAILED)
		:: else
		fi
	}
}

inline arm(armed)
{
	armers++;
	assert(armers == 1);
	armed = false;
	do
	::	alive;
		f = first;
		l = last;
		if :: f >= l -> break :: else fi;
		m = (backward -> f : l - 1);
		atomic {
			if
			:: sig[m] -> skip
			:: else ->
				assert(armed_on == NOBODY);
				armed_on = m;
				armed = true;
				/* From here on the next one to arm may come. */
				armers--
			fi
		};
		if :: armed -> goto armed_out :: else fi;
#ifdef MUTANT_LATE_IS_ARMED
		armed = true;
		break;
#endif
		if
		:: backward -> first = m + 1
		:: else -> last = m
		fi
	od;
	armers--;
armed_out:
	skip
}

proctype members()
{
	byte left = N;

	do
	:: !sig[0] -> member_signals(0)
	:: !sig[1] -> member_signals(1)
	:: !sig[2] -> member_signals(2)
	:: sig[0] && sig[1] && sig[2] -> break
	od
}

proctype enabler()
{
	bool armed;
	byte f, l, m;

	/* Under the array's lock. */
	atomic { !flag_lock -> flag_lock = true };
	if :: signaled -> goto out :: else fi;
#ifndef MUTANT_NO_REFERENCE
	refs++;
#endif
	arm(armed);
	if
	:: armed
	:: else ->
#ifdef MUTANT_OUTCOME_LATE
		set_flag();
		set_outcome();
#else
		set_outcome();
		set_flag();
#endif
#ifndef MUTANT_NO_REFERENCE
		put()
#else
		skip
#endif
	fi;
out:
	flag_lock = false;
	put()
}

/* What the callback has put off. */
proctype work()
{
	bool armed;
	byte f, l, m;

end:	do
	:: atomic { deferred -> deferred = false };
		alive;
		backward = !backward;
		arm(armed);
		if
		:: armed
		:: else ->
#ifdef MUTANT_OUTCOME_LATE
			skip;
#else
			set_outcome();
#endif
			atomic { !flag_lock -> flag_lock = true };
			set_flag();
			flag_lock = false;
			put()
		fi
	od
}

proctype poller()
{
	byte f, l, i;

	l = last;
	f = first;
	i = f;
	do
	:: i >= l -> break
	:: else ->
#ifdef MUTANT_LIMIT_EARLY
		first = i + 1;
#endif
		if :: !sig[i] -> goto out :: else fi;
		alive;
		first = i + 1;
		i++
	od;
	set_outcome();
	atomic { !flag_lock -> flag_lock = true };
	set_flag();
	flag_lock = false;
out:
	put()
}

init
{
	atomic {
		run members();
		run poller();
		if
		:: run enabler(); run work()
		:: run poller(); goto unasked
		fi
	}
	/* Enabled, so it signals without anybody asking. */
	signaled;
	put();
unasked:
	skip
}
