/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers that no driver owns: from a heap, and from pages of our own. */

#ifndef DEMO_MEMORY_H
#define DEMO_MEMORY_H

#include "demo.h"

int heap_open(void);
int heap_create(int heap, __u32 *pitch);

int udmabuf_open(void);
int udmabuf_create(int udmabuf, __u32 *pitch);

#endif /* DEMO_MEMORY_H */
