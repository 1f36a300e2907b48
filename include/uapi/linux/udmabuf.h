/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process may ask of /dev/udmabuf: buffers out of the pages of memfds.
 */
#ifndef _UAPI_LINUX_UDMABUF_H
#define _UAPI_LINUX_UDMABUF_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The new file descriptor is close-on-exec. Other flags are ignored. */
#define UDMABUF_FLAGS_CLOEXEC	0x01

/**
 * struct udmabuf_create - argument of %UDMABUF_CREATE
 * @memfd: where the memory is
 * @flags: %UDMABUF_FLAGS_CLOEXEC or 0
 * @offset: where it begins, in bytes, a multiple of the page size
 * @size: how much, likewise
 */
struct udmabuf_create {
	__u32 memfd;
	__u32 flags;
	__u64 offset;
	__u64 size;
};

/**
 * struct udmabuf_create_item - one range of a &struct udmabuf_create_list
 * @memfd: where the memory is
 * @__pad: ignored
 * @offset: where it begins, in bytes, a multiple of the page size
 * @size: how much, likewise
 */
struct udmabuf_create_item {
	__u32 memfd;
	__u32 __pad;
	__u64 offset;
	__u64 size;
};

/**
 * struct udmabuf_create_list - argument of %UDMABUF_CREATE_LIST
 * @flags: %UDMABUF_FLAGS_CLOEXEC or 0
 * @count: how many ranges
 * @list: the ranges; the buffer is all of them, one after the other
 */
struct udmabuf_create_list {
	__u32 flags;
	__u32 count;

	__extension__ struct udmabuf_create_item list[];
};

/*
 * Both return the file descriptor of the new dma-buf. Its memory is that of
 * the memfds, which have to be on shmem or hugetlbfs, and must have the seal
 * F_SEAL_SHRINK and neither F_SEAL_WRITE nor F_SEAL_FUTURE_WRITE. As long as
 * the buffer lives F_SEAL_WRITE cannot be added.
 *
 * Errors: EFAULT for a bad pointer; EINVAL for no range or an empty one, for
 * offsets and sizes that are not in whole pages or reach past the end, for the
 * wrong seals, and for more ranges or more memory than the parameters
 * list_limit and size_limit_mb of the module udmabuf allow; EBADFD for what is
 * no memfd; ENOMEM; EMFILE, ENFILE.
 */
#define UDMABUF_CREATE		_IOW('u', 0x42, struct udmabuf_create)
#define UDMABUF_CREATE_LIST	_IOW('u', 0x43, struct udmabuf_create_list)

#endif
