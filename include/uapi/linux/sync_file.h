/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process may ask of a sync_file descriptor.
 */
#ifndef _UAPI_LINUX_SYNC_H
#define _UAPI_LINUX_SYNC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct sync_merge_data - argument of %SYNC_IOC_MERGE
 * @name: in: name of the new file, cut off after 31 characters; when empty,
 *	the file is named after its fence
 * @fd2: in: the other sync_file
 * @fence: out: the new sync_file, close-on-exec
 * @flags: in: must be 0
 * @pad: in: must be 0
 */
struct sync_merge_data {
	char	name[32];
	__s32	fd2;
	__s32	fence;
	__u32	flags;
	__u32	pad;
};

/**
 * struct sync_fence_info - one fence of a sync_file
 * @obj_name: out: name of the timeline that the fence is a point of
 * @driver_name: out: name of the driver that signals the fence
 * @status: out: 1 signalled, 0 not yet, negative errno when the work failed
 * @flags: out: always 0
 * @timestamp_ns: out: when the fence signalled, in nanoseconds of
 *	CLOCK_MONOTONIC; 0 before that
 */
struct sync_fence_info {
	char	obj_name[32];
	char	driver_name[32];
	__s32	status;
	__u32	flags;
	__u64	timestamp_ns;
};

/**
 * struct sync_file_info - argument of %SYNC_IOC_FILE_INFO
 * @name: out: name of the file
 * @status: out: 1 signalled, 0 not yet, negative errno when the work failed;
 *	with a list, the first status in it that is not 1
 * @flags: in: must be 0
 * @num_fences: in: room in the list, 0 when no list is wanted;
 *	out: number of fences
 * @pad: in: must be 0
 * @sync_fence_info: in: address of an array of &struct sync_fence_info
 */
struct sync_file_info {
	char	name[32];
	__s32	status;
	__u32	flags;
	__u32	num_fences;
	__u32	pad;

	__u64	sync_fence_info;
};

/**
 * struct sync_set_deadline - argument of %SYNC_IOC_SET_DEADLINE
 * @deadline_ns: in: when the fence had better be signalled, in nanoseconds of
 *	CLOCK_MONOTONIC
 * @pad: in: must be 0
 */
struct sync_set_deadline {
	__u64	deadline_ns;
	__u64	pad;
};

/**
 * struct sync_merge_many - argument of %SYNC_IOC_MERGE_MANY
 * @name: in: name of the new file, cut off after 31 characters; when empty,
 *	the file is named after its fence
 * @fds: in: address of an array of __s32, the other sync_files
 * @num_fds: in: how many there are; 0 makes another file of this one's fence
 * @fence: out: the new sync_file, close-on-exec
 * @flags: in: must be 0
 * @pad: in: must be 0
 *
 * Later versions may be longer. A kernel takes what is missing for zeroes, and
 * refuses what it does not know unless that is zero.
 */
struct sync_merge_many {
	char	name[32];
	__u64	fds;
	__u32	num_fds;
	__s32	fence;
	__u32	flags;
	__u32	pad;
};

#define SYNC_IOC_MAGIC	'>'

/* Numbers 0 to 2 meant something else once and must not be used again. */

/*
 * Makes a sync_file that signals when both this one and fd2 have signalled.
 *
 * The new file ends with an error if one of the two does, also if that one had
 * failed before; with the error of whichever failed first.
 *
 * EMFILE, ENFILE: no free descriptor (found before the argument is read);
 * EFAULT: bad address; EINVAL: flags or pad not 0;
 * ENOENT: fd2 is no sync_file; ENOMEM: out of memory.
 */
#define SYNC_IOC_MERGE		_IOWR(SYNC_IOC_MAGIC, 3, struct sync_merge_data)

/*
 * Describes the file and, when there is room for them, all its fences.
 *
 * EFAULT: bad address; EINVAL: flags or pad not 0, or room for some fences
 * but not for all of them.
 */
#define SYNC_IOC_FILE_INFO	_IOWR(SYNC_IOC_MAGIC, 4, struct sync_file_info)

/*
 * Tells the driver by when the result is needed. It is a hint: that a driver
 * ignores it, or that the fence has signalled already, is no error.
 *
 * EFAULT: bad address; EINVAL: pad not 0.
 */
#define SYNC_IOC_SET_DEADLINE	_IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)

/*
 * Makes a sync_file that signals when this one and all of the list have signalled.
 * What SYNC_IOC_MERGE would make one after the other, in one go.
 *
 * Any number of files will do, and any file may be listed more than once. Memory
 * is needed for as many fences as are pending on different timelines, and counts
 * as the caller's (memory cgroup). On an error there is no new descriptor.
 *
 * EFAULT: bad address of the argument or of the list;
 * EINVAL: an argument shorter than the structure above, flags or pad not 0;
 * E2BIG: an argument with something behind that structure that is not 0;
 * ENOENT: a descriptor of the list is no sync_file;
 * EMFILE, ENFILE: no free descriptor; ENOMEM: out of memory;
 * EINTR: the process is being killed.
 *
 * A kernel without this ioctl answers ENOTTY, whatever the argument. To find out,
 * call it with a null pointer: EFAULT says that it is there.
 */
#define SYNC_IOC_MERGE_MANY	_IOWR(SYNC_IOC_MAGIC, 0x60, struct sync_merge_many)

/*
 * poll(2): POLLIN when the file has signalled, with or without an error.
 *
 * Who asks for POLLMSG in addition (EPOLLMSG with epoll) gets POLLERR beside POLLIN
 * when it has signalled with an error. POLLMSG itself is never reported. Without
 * being asked the kernel does not report POLLERR, as programs know a sync_file as
 * something that cannot fail; and nobody asks for POLLMSG by accident, which no file
 * reports, where POLLPRI is in the sets of select(2) and in many a default.
 * Whether a kernel knows of this is whether it knows SYNC_IOC_MERGE_MANY.
 */

#endif /* _UAPI_LINUX_SYNC_H */
