/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What code of the kernel a thread has run, from KCOV.
 */
#ifndef _DMABUF_FUZZ_KCOV_H
#define _DMABUF_FUZZ_KCOV_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* One thread's record; @area is NULL when the kernel keeps none. */
struct kcov {
	__u64 *area;
};

/* To be called by the thread itself; false without KCOV. */
bool kcov_start(struct kcov *kcov);
/* From here on what is run counts. */
void kcov_reset(struct kcov *kcov);
/* Adds what was run to what is known; returns how many steps were new. */
unsigned int kcov_collect(struct kcov *kcov);
/* How many places, and steps from one to the next, are known. */
unsigned int kcov_places(void);
unsigned int kcov_steps(void);
/* Writes the addresses of all places, a line each. */
bool kcov_save(const char *path);

#endif
