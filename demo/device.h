/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening a DRM device, and vgem: memory to export and fences that a program signals. */

#ifndef DEMO_DEVICE_H
#define DEMO_DEVICE_H

#include "demo.h"

/* The primary node of the first device that @driver drives; dies when there is none. */
int device_open(const char *driver);

/* A new dumb buffer of the demonstration's size; returns its handle. */
__u32 device_create_dumb(int device, __u32 *pitch);

/* The same in vgem, as a dma-buf. */
int vgem_create(int vgem, __u32 *pitch);

/* The handle by which vgem knows @dmabuf, for the fences below. */
__u32 vgem_handle(int vgem, int dmabuf);
void vgem_forget(int vgem, __u32 handle);

/* Puts a writer's fence on the buffer; returns its number, 0 if the buffer is busy. */
__u32 vgem_attach_fence(int vgem, __u32 handle);
void vgem_signal_fence(int vgem, __u32 fence);

#endif /* DEMO_DEVICE_H */
