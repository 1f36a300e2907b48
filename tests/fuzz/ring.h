/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last calls, where they outlive the machine: in memory that the host sees.
 */
#ifndef _DMABUF_FUZZ_RING_H
#define _DMABUF_FUZZ_RING_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <linux/types.h>

#define RING_MAGIC	0x3272676e69726264ULL	/* also in scripts/workshop/fuzz.py */
#define RING_ENTRIES	65536
#define RING_RUNNING	INT_MIN

/* A call that has been made, or is being made while @result is RING_RUNNING. */
struct ring_entry {
	__u64 seed;
	__u16 op;
	__u8 thread;
	bool may_break;
	__s32 result;
};

struct ring {
	unsigned long magic;
	atomic_ulong calls;		/* made in all */
	struct ring_entry entry[RING_ENTRIES];
};

/* In the machine's shared memory device, or in memory of its own when there is none. */
struct ring *ring_open(bool *seen_by_host);
struct ring_entry *ring_begin(struct ring *ring);

#endif
