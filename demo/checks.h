/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold when everything is over: no buffer, no fd, no warning left behind. */

#ifndef DEMO_CHECKS_H
#define DEMO_CHECKS_H

#include "demo.h"

enum lockdep {
	LOCKDEP_ABSENT,
	LOCKDEP_ON,
	LOCKDEP_OFF,	/* it switched itself off, as it does after a report */
};

/* The open file descriptors of this process. */
int checks_count_fds(void);

/* The buffers that exist in the whole system, by debugfs. */
unsigned int checks_count_buffers(void);

/* The same, given some time for releases that the kernel defers. */
unsigned int checks_count_leaked_buffers(void);

/* The sequence number of the last record in the kernel log. */
__u64 checks_last_log_record(void);

struct log_findings {
	unsigned int warnings;
	unsigned int late_vblanks;	/* vkms remarks on them; the machine is slow, no more */
};

/*
 * Prints and counts the warnings in the kernel log: of any time those of the kernel's own checks,
 * and whatever else is an error if it came after record @start.
 */
struct log_findings checks_read_log(__u64 start);

/* Adds a record, a line, to the kernel log. */
void checks_write_log(const char *text);

enum lockdep checks_lockdep(void);

#endif /* DEMO_CHECKS_H */
