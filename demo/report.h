/* SPDX-License-Identifier: GPL-2.0-only */
/* What was seen, as a table, a summary and timeline.json. */

#ifndef DEMO_REPORT_H
#define DEMO_REPORT_H

#include <stddef.h>

#include "checks.h"
#include "demo.h"
#include "pattern.h"

/* Times in nanoseconds of CLOCK_MONOTONIC; 0: never happened. */
struct frame {
	__s64 begun;		/* producer: drawing begins, the fence is on the buffer */
	__s64 drawn;		/* producer: drawing ends */
	__s64 signalled;	/* kernel: the producer's fence */
	__s64 queued;		/* display: the flip */
	__s64 flipped;	/* kernel: the out-fence, at the vblank of the flip */
	__s64 captured;	/* kernel: the writeback's out-fence */
	__s64 released;	/* producer: poll(POLLOUT) says that the buffer is free */
	bool waited;		/* the producer's fence was pending when the flip was queued */
	struct verdict verdict;
};

struct report {
	const struct demo_options *options;
	struct frame *frames;	/* from 1 to options->frames */
	__s64 start, end;
	unsigned int fences_missing;	/* no pending fence on a buffer that was being drawn */
	unsigned int flips_early;	/* flipped while the producer's fence was pending */
	unsigned int poll_refused;	/* poll answered "in use" of a buffer in use */
	unsigned int poll_early;	/* poll answered "free" of a buffer in use */
	unsigned int leaked_buffers;
	int leaked_fds;
	struct log_findings log;
	enum lockdep lockdep;
	__u32 *picture;		/* a captured one, without padding between its lines */
};

void report_start(struct report *report, const struct demo_options *options);

/* Prints everything; returns whether everything was right. */
bool report_print(const struct report *report);

/* For report_write_files(), when there is time. */
void report_keep_picture(struct report *report, const __u32 *pixels, size_t pitch);

/* frame.raw, the picture kept, and timeline.json, in the output directory. */
void report_write_files(const struct report *report);

#endif /* DEMO_REPORT_H */
