/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program has to know and the installed headers need not tell: sw_sync
 * has no header, SET_DEADLINE came with Linux 6.6.
 */
#ifndef DMABUF_BENCH_KERNEL_H
#define DMABUF_BENCH_KERNEL_H

#include <linux/ioctl.h>
#include <linux/sync_file.h>
#include <linux/types.h>

struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE _IOWR('W', 2, struct sw_sync_get_deadline)

#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns;
	__u64 pad;
};

#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

#endif
