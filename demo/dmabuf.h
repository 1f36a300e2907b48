/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process can ask of a dma-buf and of a sync_file. */

#ifndef DEMO_DMABUF_H
#define DEMO_DMABUF_H

#include <linux/dma-buf.h>

#include "demo.h"

void dmabuf_begin_write(int dmabuf);
void dmabuf_end_write(int dmabuf);

/* True when poll() reports one of @events within @ms; %0 asks without waiting. */
bool dmabuf_poll(int dmabuf, short events, int ms);

/* A sync_file of what a reader of the buffer has to wait for. */
int dmabuf_export_write_fence(int dmabuf);

/* Whoever wants to write to the buffer has to wait for @sync_file from now on. */
void dmabuf_import_read_fence(int dmabuf, int sync_file);

bool fence_is_signalled(int sync_file);
void fence_wait(int sync_file, const char *what);

/* The kernel's own time of the signal, CLOCK_MONOTONIC; the fence must be signalled. */
__s64 fence_time(int sync_file);

#endif /* DEMO_DMABUF_H */
