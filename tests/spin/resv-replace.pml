/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers of a reservation without its lock, and a writer.
 *
 * Code: dma-resv.c dma_resv_list_replace, dma-resv.c dma_resv_list_append,
 *	dma-resv.c dma_resv_grow, dma-resv.c dma_resv_install,
 *	dma-resv-iter.c dma_resv_slot_get, dma-resv-iter.c dma_resv_is_idle,
 *	dma-resv-iter.c dma_resv_collect
 *
 * Fences live in cells. What has no reference left becomes somebody else's fence
 * at once, pending or signalled (SLAB_TYPESAFE_BY_RCU). One timeline has pending
 * work in the object all the time: the writer replaces its fence by later ones,
 * appends, and replaces the list. So no reader may answer "idle", nor end up with
 * references that do not include a fence of that timeline, or that include
 * somebody else's.
 *
 * The memory of a fence that was put may also come back as a later fence of ours, at
 * the address that the slot had before: the address alone tells nothing.
 */

#define CELLS	5
#define LISTS	3
#define SLOTS	3

/* whose fence is in a cell */
mtype = { FREE, OURS, DONE, FOREIGN };

mtype owner[CELLS] = FREE;
bool flag[CELLS];
byte ref[CELLS];

typedef list_t {
	byte num;
	byte exchanges;
	byte slot[SLOTS];
}

list_t list[LISTS];
byte cur;
byte installs;
bool writer_done;

inline put(c)
{
	d_step {
		assert(ref[c] > 0);
		ref[c]--;
		if :: ref[c] == 0 -> owner[c] = FREE :: else fi
	}
}

/* A cell that never had a fence of ours. */
byte fresh = 2;

inline new_fence(c)
{
	atomic {
		if
		:: owner[1] == FREE && ref[1] == 0 -> c = 1
		:: fresh < CELLS -> c = fresh; fresh++
		fi;
		assert(c < CELLS);
		owner[c] = OURS;
		flag[c] = false;
		ref[c] = 1
	}
}

/* Puts the fence of the timeline in slot @s out and a later one in. */
inline replace(s)
{
	new_fence(new);
	old = list[cur].slot[s];
#ifdef MUTANT_COUNT_BEFORE_SLOT
	list[cur].exchanges++;
#endif
#ifdef MUTANT_PUT_FIRST
	put(old);
#endif
	list[cur].slot[s] = new;
#ifndef MUTANT_COUNT_BEFORE_SLOT
	list[cur].exchanges++;
#endif
#ifndef MUTANT_PUT_FIRST
	put(old);
#endif
}

/* Another fence of the timeline behind those that are there. */
inline append()
{
	new_fence(new);
#ifdef MUTANT_COUNT_FIRST
	list[cur].num++;
	list[cur].slot[list[cur].num - 1] = new;
#else
	list[cur].slot[list[cur].num] = new;
	list[cur].num++;
#endif
}

/* A new list without what has signalled, which is slot 0 at most. */
inline grow()
{
	d_step {
		old = list[cur].slot[0];
		drop = flag[old];
		i = (drop -> 1 : 0);
		n = 0;
		do
		:: i < list[cur].num ->
			list[cur + 1].slot[n] = list[cur].slot[i];
			n++;
			i++
		:: else -> break
		od;
		list[cur + 1].num = n;
		i = 0; n = 0
	}
#ifdef MUTANT_DROP_FIRST
	if :: drop -> put(old) :: else fi;
	cur++;
#else
	cur++;
	if :: drop -> put(old) :: else fi;
#endif
	installs++
}

/* Slot 0 has a fence of another timeline, which has signalled; slot 1 ours. */
proctype writer()
{
	byte new, old, i, n;
	bool drop;

	if
	:: replace(1); replace(1)
	:: replace(1); append()
	:: replace(1); grow()
	:: grow(); replace(0)
	:: append(); replace(1)
	fi;
	writer_done = true
}

#define free_cell(n)	(owner[n] == FREE && ref[n] == 0)

inline moves_in(n)
{
	c = n;
	owner[n] = FOREIGN;
	flag[n] = false;
	ref[n] = 1;
	lives++
}

/* Signals or not, stays or not. */
inline lives_on()
{
	if
	:: flag[c] = true
	:: true
	fi;
	if
	:: put(c)
	:: true
	fi
}

/* Others, who make fences of the same cache. */
proctype strangers()
{
	byte c, lives = 0;

end:	do
	:: atomic { lives < 2 && free_cell(0) -> moves_in(0) }; lives_on()
	:: atomic { lives < 2 && free_cell(1) -> moves_in(1) }; lives_on()
	:: atomic { lives < 2 && fresh > 2 && free_cell(2) -> moves_in(2) }; lives_on()
	od
}

/* dma_resv_is_idle() */
proctype looker()
{
	byte e, l, n, i, t;
	bool f;

again:
	l = cur;
	e = list[l].exchanges;
	n = list[l].num;
	i = 0;
	do
	:: i == n -> break
	:: else ->
		t = list[l].slot[i];
		assert(t < CELLS);
		f = flag[t];
		if :: !f -> goto out :: else fi;
		i++
	od;
#ifndef MUTANT_NO_COUNT
	if :: list[l].exchanges != e -> goto again :: else fi;
#endif
#ifndef MUTANT_NO_LIST_CHECK
	if :: cur != l -> goto again :: else fi;
#endif
	/* The timeline's work is pending. */
	assert(false);
out:	skip
}

inline put_quietly(c)
{
	assert(ref[c] > 0);
	ref[c]--;
	if :: ref[c] == 0 -> owner[c] = FREE :: else fi
}

/* Gives back the reference of a look that a writer interfered with. */
inline unget(c)
{
	d_step {
		got[c]--;
		put_quietly(c)
	}
}

/* dma_resv_collect() */
proctype collector()
{
	byte e, l, n, i, t, ours, others, got[CELLS];
	bool f;

again:
	ours = 0;
	others = 0;
	l = cur;
	n = list[l].num;
	i = 0;
look:
	do
	:: i == n -> break
	:: else ->
		e = list[l].exchanges;
		t = list[l].slot[i];
		assert(t < CELLS);
		f = flag[t];
		if
		:: f -> skip
		:: !f ->
			atomic {
				if
				:: ref[t] > 0 -> ref[t]++; got[t]++
				:: else -> goto interfered
				fi
			}
		fi;
#ifndef MUTANT_NO_COUNT
		if
		:: list[l].exchanges != e ->
			if :: !f -> unget(t) :: else fi;
			goto interfered
		:: else
		fi;
#endif
		i++
	od;
#ifndef MUTANT_NO_LIST_CHECK
	if :: cur != l -> goto drop :: else fi;
#endif
	atomic {
		i = 0;
		do
		:: i < CELLS ->
			if
			:: got[i] && owner[i] == OURS -> ours++
			:: got[i] && owner[i] != OURS -> others++
			:: else
			fi;
			i++
		:: else -> break
		od
	}
	assert(ours > 0 && others == 0);
	goto out;
interfered:
	if
	:: cur != l -> goto drop
	:: else -> goto look
	fi;
drop:
	atomic {
		i = 0;
		do
		:: i < CELLS ->
			do
			:: got[i] -> got[i]--; put_quietly(i)
			:: else -> break
			od;
			i++
		:: else -> break
		od
	}
	goto again;
out:	skip
}

init
{
	byte i;

	d_step {
		do
		:: i < LISTS ->
			list[i].slot[0] = CELLS;
			list[i].slot[1] = CELLS;
			list[i].slot[2] = CELLS;
			i++
		:: else -> break
		od
	}
	atomic {
		owner[0] = DONE;
		flag[0] = true;
		ref[0] = 1;
		owner[1] = OURS;
		ref[1] = 1;
		list[0].slot[0] = 0;
		list[0].slot[1] = 1;
		list[0].num = 2;
		run writer();
		run strangers();
		if
		:: run looker()
		:: run collector()
		fi
	}
}
