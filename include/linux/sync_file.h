/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A DMA fence behind a file descriptor.
 */
#ifndef _LINUX_SYNC_FILE_H
#define _LINUX_SYNC_FILE_H

#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct file;

/**
 * struct sync_file - what one sync_file descriptor stands for
 * @file:
 *	The file that owns this object, to be given to fd_install(). The
 *	object lives until the last reference to the file is gone. Constant.
 * @user_name:
 *	Name that a merge asked for, empty when there is none and the name is
 *	made up from the fence. Written before the file is published.
 * @wq:
 *	Processes that poll the file. Protected by its own lock.
 * @flags:
 *	Atomic bits: %POLL_ENABLED.
 * @fence:
 *	The fence, a reference held from creation to release. Constant.
 * @cb:
 *	Wakes @wq when @fence signals. Whoever sets %POLL_ENABLED arms it;
 *	from then on it belongs to @fence until the release takes it back.
 */
struct sync_file {
	struct file *file;
	char user_name[32];
	wait_queue_head_t wq;
	unsigned long flags;
	struct dma_fence *fence;
	struct dma_fence_cb cb;
};

/* Bit of sync_file.flags: somebody has polled, the callback is in use. */
#define POLL_ENABLED 0

struct sync_file *sync_file_create(struct dma_fence *fence);
struct dma_fence *sync_file_get_fence(int fd);
char *sync_file_get_name(struct sync_file *sync_file, char *buf, int len);

#endif /* _LINUX_SYNC_FILE_H */
