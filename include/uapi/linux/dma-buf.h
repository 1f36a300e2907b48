/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process can ask of a dma-buf file descriptor.
 */
#ifndef _DMA_BUF_UAPI_H_
#define _DMA_BUF_UAPI_H_

#include <linux/types.h>

/**
 * struct dma_buf_sync - bracket access through a mapping of the CPU
 * @flags: what is about to happen or has just ended, see below
 *
 * A program that reads or writes a buffer through mmap() says so before with
 * %DMA_BUF_SYNC_START and afterwards with %DMA_BUF_SYNC_END, both times with
 * the same access bits. START first waits until the devices that stand in the
 * way have finished, then makes their results visible to the CPU; END makes
 * what the CPU wrote visible to devices. Nobody is kept out in between.
 *
 * @flags is one access out of
 *
 * ``DMA_BUF_SYNC_READ``
 *	the CPU reads; START waits for devices that write.
 *
 * ``DMA_BUF_SYNC_WRITE``
 *	the CPU writes; START waits for devices that read, too.
 *
 * ``DMA_BUF_SYNC_RW``
 *	both.
 *
 * joined with either ``DMA_BUF_SYNC_START`` or ``DMA_BUF_SYNC_END``.
 *
 * Errors: EFAULT for a bad pointer; EINVAL for an unknown bit or no access
 * bit; EACCES when DMA_BUF_IOCTL_NARROW has denied writing; EINTR when a signal
 * arrives while START waits; otherwise whatever the exporter reports.
 */
struct dma_buf_sync {
	__u64 flags;
};

#define DMA_BUF_SYNC_READ	(1 << 0)
#define DMA_BUF_SYNC_WRITE	(2 << 0)
#define DMA_BUF_SYNC_RW		(DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)
#define DMA_BUF_SYNC_START	(0 << 2)
#define DMA_BUF_SYNC_END	(1 << 2)
#define DMA_BUF_SYNC_VALID_FLAGS_MASK \
	(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

/* Room for a buffer's name, the terminating NUL included. */
#define DMA_BUF_NAME_LEN	32

/**
 * struct dma_buf_export_sync_file - get a buffer's fences as a sync_file
 * @flags: in, ``DMA_BUF_SYNC_READ``, ``DMA_BUF_SYNC_WRITE`` or both
 * @fd: out, the new file descriptor, always close-on-exec
 *
 * The sync_file signals when everything has finished that a device must wait
 * for before it does what @flags says: for READ the writers that the buffer
 * knows of now, for WRITE (alone or with READ) its readers as well. Work that
 * is queued later does not count. A buffer with nothing pending gives a
 * sync_file that has signalled already.
 *
 * Errors: EFAULT for a bad pointer, when no fd is left open; EINVAL for other
 * bits or none; EMFILE or ENFILE; ENOMEM; ENOTTY on a kernel without
 * sync_file.
 */
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};

/**
 * struct dma_buf_import_sync_file - add a sync_file's fences to a buffer
 * @flags: in, ``DMA_BUF_SYNC_READ``, ``DMA_BUF_SYNC_WRITE`` or both
 * @fd: in, the sync_file
 *
 * From now on those who synchronise implicitly treat the work behind @fd as a
 * reader of the buffer or, when @flags has WRITE, as a writer. The caller
 * keeps @fd.
 *
 * Errors: EFAULT for a bad pointer; EINVAL for other bits or none, and for an
 * @fd that is not a sync_file; EACCES when DMA_BUF_IOCTL_NARROW has denied it;
 * ENOMEM; ENOTTY on a kernel without sync_file.
 */
struct dma_buf_import_sync_file {
	__u32 flags;
	__s32 fd;
};

/*
 * The structures from here on may grow, by fields at the end for which zero
 * means what there was before. The size is part of an ioctl's number; any size
 * is taken that holds the first version. A program may use a structure of a
 * newer header on an older kernel as long as it leaves what that does not know
 * at zero, and gets E2BIG otherwise.
 *
 * These ioctls are not in every kernel. One that has none of them answers ENOTTY;
 * one that has it answers EFAULT to a null pointer, and nothing else happens.
 */

/**
 * struct dma_buf_sync_range - bracket access to a part of a buffer
 * @flags: as in struct dma_buf_sync
 * @pad: zero
 * @offset: in bytes, where the part begins
 * @length: in bytes, not zero
 *
 * Does what DMA_BUF_IOCTL_SYNC does, but only this part of the buffer needs to
 * be looked after, which is faster where much would have to be copied or caches
 * would have to be cleaned. START waits for the same devices as with the whole
 * buffer, as fences do not know of parts. END takes the range of START, or parts
 * of it one by one.
 *
 * Any range inside the buffer will do. Of heaps and udmabuf several parts may be
 * accessed at the same time if each begins and ends with a cache line. Exporters
 * that know nothing of parts look after the whole buffer: there START may undo
 * what somebody has written elsewhere and not yet ended, just as it may with
 * DMA_BUF_IOCTL_SYNC.
 *
 * ===========  =============================================================
 * Error        When
 * ===========  =============================================================
 * EFAULT       bad pointer
 * EINVAL       unknown bit in @flags, or no access bit; @pad not zero; @length
 *              zero; the range reaches past the end; structure too short
 * E2BIG        something set behind what this kernel knows of the structure
 * EACCES       WRITE on a descriptor narrowed by DMA_BUF_NARROW_NO_CPU_WRITE
 * EINTR        a signal came while START waited
 * ENOTTY       kernel without this
 * others       whatever the exporter reports
 * ===========  =============================================================
 */
struct dma_buf_sync_range {
	__u32 flags;
	__u32 pad;
	__aligned_u64 offset;
	__aligned_u64 length;
};

/**
 * struct dma_buf_set_deadline - say when a buffer is needed
 * @deadline_ns: time of CLOCK_MONOTONIC, in nanoseconds
 * @flags: ``DMA_BUF_SYNC_READ``, ``DMA_BUF_SYNC_WRITE`` or both: what for
 * @pad: zero
 *
 * Tells the devices whose work an access with @flags has to wait for now (the
 * same as DMA_BUF_IOCTL_EXPORT_SYNC_FILE) that somebody would like to have it
 * done by then, as SYNC_IOC_SET_DEADLINE does for a sync_file. It is a hint: a
 * driver that can may run faster, nothing fails that is late, and who has
 * finished or is not interested ignores it. A time that has passed means as soon
 * as possible. Work that is queued later is not told.
 *
 * ===========  =============================================================
 * Error        When
 * ===========  =============================================================
 * EFAULT       bad pointer
 * EINVAL       unknown bit in @flags, or none; @pad not zero; structure too
 *              short
 * E2BIG        something set behind what this kernel knows of the structure
 * ENOTTY       kernel without this
 * ===========  =============================================================
 */
struct dma_buf_set_deadline {
	__aligned_u64 deadline_ns;
	__u32 flags;
	__u32 pad;
};

/* What a descriptor may not do any more. */
#define DMA_BUF_NARROW_NO_CPU_WRITE	(1 << 0)
#define DMA_BUF_NARROW_NO_DEVICES	(1 << 1)
#define DMA_BUF_NARROW_NO_RENAME	(1 << 2)
#define DMA_BUF_NARROW_NO_FENCES	(1 << 3)
#define DMA_BUF_NARROW_READ_ONLY \
	(DMA_BUF_NARROW_NO_CPU_WRITE | DMA_BUF_NARROW_NO_DEVICES)
#define DMA_BUF_NARROW_VALID_FLAGS \
	(DMA_BUF_NARROW_READ_ONLY | DMA_BUF_NARROW_NO_RENAME | DMA_BUF_NARROW_NO_FENCES)

/**
 * struct dma_buf_narrow - make another descriptor of a buffer, with fewer rights
 * @flags: in, what is to be denied, at least one of the flags below
 * @fd_flags: in, O_CLOEXEC or 0
 * @fd: out, the new file descriptor
 * @pad: zero
 *
 * For passing on to somebody who need not be able to do everything. Whatever was
 * denied already stays so, and nobody can undo it; the caller's descriptor remains
 * as it is. The new one is of the same buffer: same inode number, same fences,
 * same name. Its line "denied:" in /proc/self/fdinfo says what it may not do.
 *
 * ``DMA_BUF_NARROW_NO_CPU_WRITE``
 *	mmap() for writing fails with EACCES, mprotect() later likewise, and so do
 *	DMA_BUF_IOCTL_SYNC and DMA_BUF_IOCTL_SYNC_RANGE with DMA_BUF_SYNC_WRITE.
 *
 * ``DMA_BUF_NARROW_NO_DEVICES``
 *	No driver gets the buffer: importing it, such as by
 *	DRM_IOCTL_PRIME_FD_TO_HANDLE, fails with EACCES, wherever the driver
 *	passes that on.
 *
 * ``DMA_BUF_NARROW_READ_ONLY``
 *	Both of them. What a device writes is up to its driver, and a driver may
 *	give out a descriptor of its own, without any of these limits. Only
 *	without devices it is certain that nobody writes through this descriptor.
 *	Then DMA_BUF_IOCTL_IMPORT_SYNC_FILE with DMA_BUF_SYNC_WRITE fails with
 *	EACCES, too, for there is no write to wait for. DMA_BUF_IOCTL_SYNC for
 *	reading is allowed, and brings forward what devices have written, as for
 *	everybody: where they work on copies, over what the CPU writes meanwhile.
 *
 * ``DMA_BUF_NARROW_NO_RENAME``
 *	DMA_BUF_SET_NAME fails with EACCES.
 *
 * ``DMA_BUF_NARROW_NO_FENCES``
 *	DMA_BUF_IOCTL_IMPORT_SYNC_FILE fails with EACCES: the holder cannot keep
 *	others waiting.
 *
 * ===========  =============================================================
 * Error        When
 * ===========  =============================================================
 * EFAULT       bad pointer, also when no descriptor is left open
 * EINVAL       unknown bit in @flags, or none; unknown bit in @fd_flags; @pad
 *              not zero; structure too short
 * E2BIG        something set behind what this kernel knows of the structure
 * EMFILE       too many descriptors open in the process
 * ENFILE       too many files open in the system
 * ENOMEM       no memory
 * ENOTTY       kernel without this
 * ===========  =============================================================
 */
struct dma_buf_narrow {
	__u32 flags;
	__u32 fd_flags;
	__s32 fd;
	__u32 pad;
};

#define DMA_BUF_BASE		'b'
#define DMA_BUF_IOCTL_SYNC	_IOW(DMA_BUF_BASE, 0, struct dma_buf_sync)

/*
 * The name is a NUL-terminated string that the argument points to. A pointer
 * has no fixed size, so one request has two numbers: _A where a pointer takes
 * 32 bits, _B where it takes 64. Either is good on any kernel. Errors: EFAULT
 * for a bad pointer, EINVAL for more than DMA_BUF_NAME_LEN - 1 bytes, EACCES when
 * DMA_BUF_IOCTL_NARROW has denied it, ENOMEM.
 */
#define DMA_BUF_SET_NAME	_IOW(DMA_BUF_BASE, 1, const char *)
#define DMA_BUF_SET_NAME_A	_IOW(DMA_BUF_BASE, 1, __u32)
#define DMA_BUF_SET_NAME_B	_IOW(DMA_BUF_BASE, 1, __u64)
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)

#define DMA_BUF_IOCTL_SYNC_RANGE	_IOW(DMA_BUF_BASE, 0x60, struct dma_buf_sync_range)
#define DMA_BUF_IOCTL_SET_DEADLINE	_IOW(DMA_BUF_BASE, 0x61, struct dma_buf_set_deadline)
#define DMA_BUF_IOCTL_NARROW		_IOWR(DMA_BUF_BASE, 0x62, struct dma_buf_narrow)

#endif
