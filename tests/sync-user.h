/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test needs to behave like a process: memory, descriptors, ioctls.
 */
#ifndef _DMABUF_TESTS_SYNC_USER_H
#define _DMABUF_TESTS_SYNC_USER_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct dma_fence;
struct file;
struct kunit;
struct sync_fence_info;
struct sync_file_info;

/* Writable user memory that is there for the rest of the case. */
void __user *user_memory(struct kunit *test, size_t size);

/* User memory with @size bytes of @data in it that can be read, not written. */
void __user *user_constant(struct kunit *test, const void *data, size_t size);

/* A user address where nothing can be read or written. */
void __user *user_hole(struct kunit *test);

/* A page of user memory with a hole right behind it. */
void __user *user_page_before_hole(struct kunit *test);

/* Copies @size bytes out of user memory, asserting that they are there. */
void user_read(struct kunit *test, void *to, const void __user *from, size_t size);

/* Puts @fence (a reference of its own) behind a descriptor. */
int sync_fd(struct kunit *test, struct dma_fence *fence);

/* Puts @file behind a descriptor and gives its reference away. */
int file_fd(struct kunit *test, struct file *file);

/* Has the case close a descriptor that an ioctl returned. */
void close_later(struct kunit *test, int fd);

/* Closes a descriptor of this case now and waits for the file's release. */
void close_now(struct kunit *test, int fd);

/* What ioctl(2) would answer; @arg goes through as it is. */
long fd_ioctl(int fd, unsigned int cmd, void __user *arg);

/* The same with a copy of @data in user memory, which is copied back. */
long fd_ioctl_data(struct kunit *test, int fd, unsigned int cmd, void *data,
		   size_t size);

/*
 * SYNC_IOC_FILE_INFO with room for @room fences at @list, whose address may be
 * bad; the answer is in @info.
 */
long fd_file_info(struct kunit *test, int fd, struct sync_file_info *info,
		  struct sync_fence_info __user *list, u32 room);

/* The lowest descriptor that is free: the same before and after, nothing leaked. */
int lowest_free_fd(void);

/* Allows @max descriptors until restored with what this returns. */
unsigned long limit_fds(unsigned long max);

/* Opens a file of debugfs, which need not be mounted. */
struct file *debugfs_open(struct kunit *test, const char *name, int flags);

/* The ioctls of sw_sync, which are in no header. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_CREATE	 _IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC	 _IOW('W', 1, __u32)
#define SW_SYNC_DEADLINE _IOWR('W', 2, struct sw_sync_deadline)

/* Opens a new timeline. */
int sw_sync_open(struct kunit *test);

/* A descriptor of the fence at @value. */
int sw_sync_fence(struct kunit *test, int timeline, u32 value);

/* The fence at @value, with a reference for the caller, no descriptor left. */
struct dma_fence *sw_sync_point(struct kunit *test, int timeline, u32 value);

long sw_sync_inc(struct kunit *test, int timeline, u32 step);

#endif
