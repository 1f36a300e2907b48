/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process may ask of a heap in /dev/dma_heap.
 */
#ifndef _UAPI_LINUX_DMABUF_POOL_H
#define _UAPI_LINUX_DMABUF_POOL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * What fd_flags may hold: O_CLOEXEC and one of O_RDONLY, O_WRONLY and O_RDWR.
 * O_ACCMODE itself, the last two at once, is no access mode.
 */
#define DMA_HEAP_VALID_FD_FLAGS (O_CLOEXEC | O_ACCMODE)

/* What heap_flags may hold: nothing yet. */
#define DMA_HEAP_VALID_HEAP_FLAGS (0ULL)

/**
 * struct dma_heap_allocation_data - argument of %DMA_HEAP_IOCTL_ALLOC
 * @len: in: bytes, rounded up to whole pages
 * @fd: in: must be 0; out: the buffer, a dma-buf
 * @fd_flags: in: how @fd may be used, see %DMA_HEAP_VALID_FD_FLAGS
 * @heap_flags: in: must be 0
 *
 * The memory is zeroed. A program may use a shorter structure than this, but
 * @fd must be in it, or a longer one: what is not there counts as 0, what the
 * kernel does not know is neither read nor written.
 *
 * Errors, after which no file descriptor is left: EFAULT for a bad pointer;
 * EINVAL for a structure or a direction that could not bring back @fd, for
 * values other than those above, and for a @len of 0 or beyond what a process
 * can address; ENOMEM; EINTR when the process is being killed; EMFILE, ENFILE.
 */
struct dma_heap_allocation_data {
	__u64 len;
	__u32 fd;
	__u32 fd_flags;
	__u64 heap_flags;
};

#define DMA_HEAP_IOC_MAGIC	'H'
#define DMA_HEAP_IOCTL_ALLOC	_IOWR(DMA_HEAP_IOC_MAGIC, 0x0, struct dma_heap_allocation_data)

#endif
