/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memfds, and buffers made of them the way a process makes them.
 */
#ifndef _DMABUF_TESTS_UDMABUF_FIXTURE_H
#define _DMABUF_TESTS_UDMABUF_FIXTURE_H

#include <linux/fcntl.h>
#include <uapi/linux/udmabuf.h>

struct dma_buf;
struct file;
struct kunit;
struct vfsmount;

/*
 * A memfd of @pages pages with these seals, on @mnt or the kernel's own; each
 * page begins with a number that no other page has.
 */
struct file *memfd(struct kunit *test, unsigned long pages, int seals);
struct file *memfd_on(struct kunit *test, struct vfsmount *mnt, unsigned long pages, int seals);

/* The same, but without memory yet. */
struct file *memfd_hole(struct kunit *test, unsigned long pages, int seals);

/* The number at the start of page @index, read through the memfd. */
u32 memfd_number(struct kunit *test, struct file *memfd, unsigned long index);

/* A descriptor of a memfd; it takes a reference of its own. */
int memfd_fd(struct kunit *test, struct file *memfd);

/* How many pages of the memfd are in a folio that is pinned. */
unsigned long memfd_pins(struct file *memfd);

/* A descriptor of /dev/udmabuf. */
int udmabuf_fd(struct kunit *test);

/* UDMABUF_CREATE and UDMABUF_CREATE_LIST: the descriptor, or what is wrong. */
long create(struct kunit *test, int dev, int memfd, u64 offset, u64 size);
long create_list(struct kunit *test, int dev, const struct udmabuf_create_item *items,
		 u32 count);

/* A buffer of all of a memfd, and its descriptor, closed with the case. */
struct dma_buf *whole(struct kunit *test, struct file *memfd, int *fd);

/* The buffer behind a descriptor, held until the case ends. */
struct dma_buf *hold(struct kunit *test, int fd);

#endif
