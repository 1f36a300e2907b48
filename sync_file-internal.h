/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sync_file.c offers to the ioctls of this directory and to nobody else.
 */
#ifndef _SYNC_FILE_INTERNAL_H
#define _SYNC_FILE_INTERNAL_H

struct dma_fence;
struct sync_file;

struct sync_file *sync_file_open(struct dma_fence *fence);

#endif
