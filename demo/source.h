/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the memory of the buffers comes from: another source is another row of the table. */

#ifndef DEMO_SOURCE_H
#define DEMO_SOURCE_H

#include "demo.h"

struct buffer_source {
	const char *name;
	int (*open)(void);
	/* A dma-buf that holds a picture, in lines of @pitch bytes. */
	int (*create)(int source, __u32 *pitch);
};

/* The source of that name, or NULL. */
const struct buffer_source *source_find(const char *name);

#endif /* DEMO_SOURCE_H */
