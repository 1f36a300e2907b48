/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test module fence_issuer can be asked for at /dev/fence-issuer.
 */
#ifndef _DMABUF_TESTS_FENCE_ISSUER_H
#define _DMABUF_TESTS_FENCE_ISSUER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct fence_issue - pending fences, handed out in all ways there are
 * @buffer: in: a dma-buf, which gets one of them as a writer's
 * @plain: out: a sync_file of one of them
 * @failing: out: the same; this one is going to fail
 * @chain: out: a sync_file of a timeline with two points
 */
struct fence_issue {
	__s32 buffer;
	__s32 plain;
	__s32 failing;
	__s32 chain;
};

#define FENCE_ISSUER_ISSUE	_IOWR('I', 0x70, struct fence_issue)

/* Signals all of them, the failing one with ISSUER_ERROR. */
#define FENCE_ISSUER_SIGNAL	_IO('I', 0x71)

/* The same, and parts the fences from the module (dma_fence_detach_sync()). */
#define FENCE_ISSUER_DETACH	_IO('I', 0x72)

#define ISSUER_ERROR	(-EIO)
#define ISSUER_DRIVER	"issuer"
#define ISSUER_TIMELINE	"issued"

#endif
