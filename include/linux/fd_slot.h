/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * File descriptors that nobody sees before everything else has worked.
 */
#ifndef _LINUX_FD_SLOT_H
#define _LINUX_FD_SLOT_H

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/file.h>

/**
 * DOC: publishing file descriptors
 *
 * The moment a file descriptor is installed it belongs to userspace. Another
 * thread may guess its number and close it, so from then on the kernel must
 * neither touch what is behind it nor fail: a call that has failed and left a
 * descriptor has leaked it, and closing it again may close somebody else's.
 *
 * A &struct fd_slot makes the right order the only one. It is reserved, filled
 * with a file, and published; each step is one call, the last one cannot fail,
 * and whatever a slot holds when it goes out of scope is given back::
 *
 *	CLASS(fd_slot, slot)(O_CLOEXEC);
 *	if (slot.fd < 0)
 *		return slot.fd;
 *
 *	file = anon_inode_getfile("[thing]", &thing_fops, thing, O_RDWR);
 *	if (IS_ERR(file))
 *		return PTR_ERR(file);
 *	fd_slot_fill(&slot, file);
 *
 *	args.fd = slot.fd;
 *	if (copy_to_user(arg, &args, sizeof(args)))
 *		return -EFAULT;
 *	fd_slot_publish(&slot);
 *	return 0;
 *
 * The file may also come first: a slot can be filled although there was no
 * descriptor to be had, and puts the file just the same. What is needed of the
 * object after publication needs a reference of its own.
 *
 * A dma-buf goes in as &dma_buf.file and comes out by dma_buf_fd_publish().
 */

/**
 * struct fd_slot - a file descriptor that is not open yet, and its file
 * @fd: the descriptor; a negative errno when there was none, -EBADF once it
 *	has been published
 * @file: what it will be of, with a reference, or NULL
 *
 * A variable on the stack of one thread, declared by CLASS(fd_slot, ...), which
 * takes the flags of get_unused_fd_flags(). For others to read only.
 */
struct fd_slot {
	int fd;
	struct file *file;
};

static inline struct fd_slot fd_slot_reserve(unsigned int flags)
{
	return (struct fd_slot){ .fd = get_unused_fd_flags(flags) };
}

static inline void fd_slot_release(struct fd_slot *slot)
{
	if (slot->file)
		fput(slot->file);
	if (slot->fd >= 0)
		put_unused_fd(slot->fd);
}

DEFINE_CLASS(fd_slot, struct fd_slot, fd_slot_release(&_T), fd_slot_reserve(flags),
	     unsigned int flags)

/**
 * fd_slot_fill - give a slot its file
 * @slot: the slot, with no file in it yet
 * @file: the file; its reference becomes the slot's
 *
 * Context: Process.
 */
static inline void fd_slot_fill(struct fd_slot *slot, struct file *file)
{
	/* Two files for one descriptor is a bug; it need not be a leak as well. */
	if (WARN_ON_ONCE(slot->file))
		fput(slot->file);
	slot->file = file;
}

/**
 * fd_slot_publish - make the descriptor visible
 * @slot: the slot, with a descriptor and a file; empty afterwards
 *
 * The last thing that a system call does which can be noticed. The file is
 * userspace's from here on.
 *
 * Context: Process.
 *
 * Return: the descriptor. -EBADF, with a warning, is a bug of the caller, who
 * had not looked whether there is a descriptor or had forgotten the file; then
 * nothing is published.
 */
static inline int fd_slot_publish(struct fd_slot *slot)
{
	int fd = slot->fd;

	if (WARN_ON_ONCE(fd < 0 || !slot->file))
		return -EBADF;

	fd_install(take_fd(slot->fd), no_free_ptr(slot->file));
	return fd;
}

#endif
