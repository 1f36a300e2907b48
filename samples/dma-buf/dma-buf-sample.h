/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs say to the sample drivers. Those that make a file descriptor
 * return it, O_CLOEXEC set.
 */
#ifndef _SAMPLES_DMA_BUF_SAMPLE_H
#define _SAMPLES_DMA_BUF_SAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* How long a job may take before the producer's watchdog ends it, with an error. */
#define SAMPLE_JOB_LIMIT_MS	1000

/* The device writes to the buffer; without this it reads. */
#define SAMPLE_RUN_WRITE	0x1

/**
 * struct sample_run - a job for the device of an importer
 * @ms: how long it is to take
 * @flags: SAMPLE_RUN_WRITE or 0
 * @entries: returns how many pieces the device sees
 * @maps: returns how often the importer has mapped the buffer so far
 * @bytes: returns the size of all pieces
 */
struct sample_run {
	__u32 ms;
	__u32 flags;
	__u32 entries;
	__u32 maps;
	__u64 bytes;
};

#define SAMPLE_IOC		0xdb

/* /dev/dma-buf-exporter: make a buffer of so many bytes; move the buffer behind a descriptor */
#define SAMPLE_IOCTL_EXPORT	_IOW(SAMPLE_IOC, 0, __u64)
#define SAMPLE_IOCTL_MOVE	_IOW(SAMPLE_IOC, 1, __s32)

/* /dev/dma-buf-fence-producer: start a job of so many ms; returns a sync_file */
#define SAMPLE_IOCTL_SUBMIT	_IOW(SAMPLE_IOC, 2, __u32)

/* /dev/dma-buf-import-*: take a buffer, once for each open file; have the device use it */
#define SAMPLE_IOCTL_IMPORT	_IOW(SAMPLE_IOC, 3, __s32)
#define SAMPLE_IOCTL_RUN	_IOWR(SAMPLE_IOC, 4, struct sample_run)

#endif
