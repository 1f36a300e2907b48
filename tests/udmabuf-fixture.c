// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memfds, and buffers made of them the way a process makes them.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "sync-user.h"
#include "udmabuf-fixture.h"

static void put_file(void *file)
{
	fput(file);
	flush_delayed_fput();
}

static struct file *empty_memfd(struct kunit *test, struct vfsmount *mnt, unsigned long pages)
{
	loff_t size = (loff_t)pages << PAGE_SHIFT;
	struct file *file;

	file = mnt ? shmem_file_setup_with_mnt(mnt, "memfd", size, 0) :
		     shmem_file_setup("memfd", size, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_file, file));
	/* What memfd_create() does for MFD_ALLOW_SEALING. */
	SHMEM_I(file_inode(file))->seals &= ~F_SEAL_SEAL;
	return file;
}

/* F_ADD_SEALS, which no module can call, where nothing stands in the way. */
static void seal(struct file *memfd, int seals)
{
	SHMEM_I(file_inode(memfd))->seals |= seals;
}

struct file *memfd_hole(struct kunit *test, unsigned long pages, int seals)
{
	struct file *file = empty_memfd(test, NULL, pages);

	seal(file, seals);
	return file;
}

struct file *memfd_on(struct kunit *test, struct vfsmount *mnt, unsigned long pages, int seals)
{
	struct file *file = empty_memfd(test, mnt, pages);
	static u32 number;
	unsigned long i;
	loff_t pos;

	for (i = 0; i < pages; i++) {
		number++;
		pos = (loff_t)i << PAGE_SHIFT;
		KUNIT_ASSERT_EQ(test, (ssize_t)sizeof(number),
				kernel_write(file, &number, sizeof(number), &pos));
	}
	seal(file, seals);
	return file;
}

struct file *memfd(struct kunit *test, unsigned long pages, int seals)
{
	return memfd_on(test, NULL, pages, seals);
}

u32 memfd_number(struct kunit *test, struct file *memfd, unsigned long index)
{
	loff_t pos = (loff_t)index << PAGE_SHIFT;
	u32 number;

	KUNIT_ASSERT_EQ(test, (ssize_t)sizeof(number),
			kernel_read(memfd, &number, sizeof(number), &pos));
	return number;
}

int memfd_fd(struct kunit *test, struct file *memfd)
{
	return file_fd(test, get_file(memfd));
}

unsigned long memfd_pins(struct file *memfd)
{
	unsigned long i, pages = i_size_read(file_inode(memfd)) >> PAGE_SHIFT, count = 0;
	struct folio *folio;

	for (i = 0; i < pages; i++) {
		folio = filemap_get_folio(memfd->f_mapping, i);
		if (IS_ERR(folio))
			continue;
		count += folio_maybe_dma_pinned(folio);
		folio_put(folio);
	}
	return count;
}

int udmabuf_fd(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "udmabuf", O_RDONLY);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%pe", file);
	return file_fd(test, get_file(file));
}

long create(struct kunit *test, int dev, int memfd, u64 offset, u64 size)
{
	struct udmabuf_create args = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};

	return fd_ioctl_data(test, dev, UDMABUF_CREATE, &args, sizeof(args));
}

long create_list(struct kunit *test, int dev, const struct udmabuf_create_item *items, u32 count)
{
	size_t size = struct_size_t(struct udmabuf_create_list, list, count);
	struct udmabuf_create_list *args = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, args);
	args->flags = UDMABUF_FLAGS_CLOEXEC;
	args->count = count;
	memcpy(args->list, items, count * sizeof(*items));
	return fd_ioctl_data(test, dev, UDMABUF_CREATE_LIST, args, size);
}

static void put_action(void *dmabuf)
{
	dma_buf_put(dmabuf);
	flush_delayed_fput();
}

struct dma_buf *hold(struct kunit *test, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(dmabuf), "%pe", dmabuf);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_action, dmabuf));
	return dmabuf;
}

struct dma_buf *whole(struct kunit *test, struct file *memfd, int *fd)
{
	struct dma_buf *dmabuf;

	*fd = create(test, udmabuf_fd(test), memfd_fd(test, memfd), 0,
		     i_size_read(file_inode(memfd)));
	close_later(test, *fd);
	dmabuf = dma_buf_get(*fd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	/* The descriptor holds it, and tests want to see what its close does. */
	dma_buf_put(dmabuf);
	return dmabuf;
}
