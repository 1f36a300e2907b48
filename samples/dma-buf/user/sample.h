/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sample programs share: buffers, jobs and fences to show something with.
 * How to get those elsewhere is in heap.c, udmabuf.c and the manuals of drivers.
 */
#ifndef SAMPLES_DMA_BUF_USER_SAMPLE_H
#define SAMPLES_DMA_BUF_USER_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#include "../dma-buf-sample.h"

#define EXPORTER	"/dev/dma-buf-exporter"
#define FENCE_PRODUCER	"/dev/dma-buf-fence-producer"
#define IMPORT_STATIC	"/dev/dma-buf-import-static"
#define IMPORT_DYNAMIC	"/dev/dma-buf-import-dynamic"

#define BUFFER_SIZE	(64u << 10)
#define JOB_MS		50

/* Say what went wrong, with errno's text, and end. */
noreturn void die(const char *what);
/* The same when something is not as it should be. */
void expect(bool ok, const char *what);

/* ioctl() that is called again when a signal has interrupted it. */
int do_ioctl(int fd, unsigned long request, void *argument);

int open_device(const char *path);
/* A new buffer of BUFFER_SIZE bytes; returns its descriptor. */
int make_buffer(void);
void move_buffer(int dmabuf);
/* A job that belongs to no buffer; returns a sync_file with its fence. */
int start_job(unsigned int ms);
/* A buffer in the hands of a device; returns the device's descriptor. */
int import_buffer(const char *device, int dmabuf);
/* Have that device use the buffer for @ms. */
struct sample_run run_device(int device, unsigned int ms, unsigned int flags);

/* Wait, for @events, until poll() says that they are there. */
void wait_for(int fd, short events);

#endif
