/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that shows the frames and looks at what is shown. */

#ifndef DEMO_DISPLAY_H
#define DEMO_DISPLAY_H

#include <sys/types.h>

#include "report.h"

/*
 * Shows every frame that process @producer sends over @socket, fills in @report and waits for the
 * producer's end. Everything is closed when it returns; it dies when the producer ends early.
 */
void display_run(struct report *report, int socket, pid_t producer);

#endif /* DEMO_DISPLAY_H */
