/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that owns the buffers and draws the frames. */

#ifndef DEMO_PRODUCER_H
#define DEMO_PRODUCER_H

#include "demo.h"

/* Returns when every frame was drawn and everything is closed again; dies otherwise. */
void producer_run(const struct demo_options *options, int socket);

#endif /* DEMO_PRODUCER_H */
