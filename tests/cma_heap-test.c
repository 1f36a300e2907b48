// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the heaps of heaps/cma_heap.c guarantee. They need an area, which
 * CONFIG_CMA_SIZE_MBYTES or cma= on the command line reserves.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <kunit/test.h>
#include <uapi/linux/dma-heap.h>

#include "mock-buf.h"
#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"

#define DEFAULT_HEAP "default_cma_region"

/* A descriptor of a heap; the case is skipped without an area. */
static int heap_fd(struct kunit *test, const char *name)
{
	struct file *file;
	char path[64];

	snprintf(path, sizeof(path), "dma_heap/%s", name);
	file = mock_fs_open(test, "devtmpfs", path, O_RDONLY);
	if (PTR_ERR_OR_ZERO(file) == -ENOENT)
		kunit_skip(test, "no CMA area");
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%pe", file);
	return file_fd(test, get_file(file));
}

/* Allocates, and returns the descriptor or a negative errno. */
static long allocate(struct kunit *test, int heap, u64 len)
{
	struct dma_heap_allocation_data data = { .len = len, .fd_flags = O_RDWR | O_CLOEXEC };
	long ret = fd_ioctl_data(test, heap, DMA_HEAP_IOCTL_ALLOC, &data, sizeof(data));

	return ret ?: data.fd;
}

/* A buffer of the default area, which lives until its descriptor is closed. */
static struct dma_buf *buffer(struct kunit *test, u64 len, int *fd)
{
	struct dma_buf *dmabuf;

	*fd = allocate(test, heap_fd(test, DEFAULT_HEAP), len);
	close_later(test, *fd);
	dmabuf = dma_buf_get(*fd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	dma_buf_put(dmabuf);
	return dmabuf;
}

static void area_has_a_name_for_all_machines_and_its_own(struct kunit *test)
{
	int all = heap_fd(test, DEFAULT_HEAP), own;
	long fd = allocate(test, all, PAGE_SIZE);
	struct dma_buf *dmabuf;

	close_later(test, fd);
	if (!IS_ENABLED(CONFIG_X86))
		kunit_skip(test, "its own name depends on the machine");

	own = heap_fd(test, "reserved");
	fd = allocate(test, own, PAGE_SIZE);
	close_later(test, fd);
	dmabuf = dma_buf_get(fd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	KUNIT_EXPECT_STREQ(test, "reserved", dmabuf->exp_name);
	dma_buf_put(dmabuf);
}

static void buffer_is_one_piece(struct kunit *test)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *table;
	int fd;

	dmabuf = buffer(test, SZ_4M + 1, &fd);
	KUNIT_EXPECT_EQ(test, SZ_4M + PAGE_SIZE, dmabuf->size);
	KUNIT_EXPECT_EQ(test, 1, to_paged_buffer(dmabuf)->extents.nr);
	attach = attach_device(test, dmabuf);
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_EQ(test, 1, table->nents);
	KUNIT_EXPECT_EQ(test, SZ_4M + PAGE_SIZE, sg_dma_len(table->sgl));
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
}

static void buffer_is_zeroed_whatever_was_there(struct kunit *test)
{
	struct page *before, *after;
	struct dma_buf *dmabuf;
	int fd;

	dmabuf = buffer(test, SZ_1M, &fd);
	before = buffer_page(dmabuf, 0);
	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(dmabuf));
	mark_pages(dmabuf);
	KUNIT_EXPECT_EQ(test, SZ_1M, bytes_not_zero(dmabuf));
	close_now(test, fd);

	dmabuf = buffer(test, SZ_1M, &fd);
	after = buffer_page(dmabuf, 0);
	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(dmabuf));
	if (before != after)
		kunit_skip(test, "somebody else got the old memory");
}

/* CVE-2024-46852 was a fault one page behind the end. */
static void process_sees_all_pages_and_none_behind_the_end(struct kunit *test)
{
	const unsigned long flags = PROT_READ | PROT_WRITE;
	struct dma_buf *dmabuf;
	unsigned long addr;
	int fd;

	dmabuf = buffer(test, 8 * PAGE_SIZE, &fd);
	mark_pages(dmabuf);
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, 9, flags, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 8, 1, flags, MAP_SHARED));
	addr = map_shared(test, dmabuf, 0, 8);
	expect_marks_in_user(test, dmabuf, addr, 0, 8);
	addr = map_shared(test, dmabuf, 7, 1);
	expect_marks_in_user(test, dmabuf, addr, 7, 1);
}

static void private_mapping_is_refused(struct kunit *test)
{
	struct dma_buf *dmabuf;
	int fd;

	dmabuf = buffer(test, 2 * PAGE_SIZE, &fd);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)map_buffer(test, dmabuf, 0, 2, PROT_READ, MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)map_buffer(test, dmabuf, 0, 1, PROT_READ, MAP_PRIVATE));
}

static void kernel_sees_all_pages(struct kunit *test)
{
	struct dma_buf *dmabuf;
	struct iosys_map map;
	int fd;

	dmabuf = buffer(test, SZ_4M, &fd);
	mark_pages(dmabuf);
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	expect_marks_at(test, dmabuf, map.vaddr);
	dma_buf_vunmap_unlocked(dmabuf, &map);
}

static void more_than_there_is_is_enomem(struct kunit *test)
{
	int heap = heap_fd(test, DEFAULT_HEAP), next_fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -ENOMEM,
			allocate(test, heap, (u64)totalram_pages() << PAGE_SHIFT));
	KUNIT_EXPECT_EQ(test, -ENOMEM, allocate(test, heap, ULONG_MAX & PAGE_MASK));
	KUNIT_EXPECT_EQ(test, next_fd, lowest_free_fd());
}

/* So large that what leaks but a few times is sorely missed. */
static void process_that_is_killed_gets_nothing(struct kunit *test)
{
	struct dma_heap_allocation_data data = { .len = SZ_16M, .fd_flags = O_RDWR };
	int heap = heap_fd(test, DEFAULT_HEAP), next_fd = lowest_free_fd(), i;
	void __user *arg = user_memory(test, sizeof(data));
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	for (i = 0; i < 8; i++) {
		sigaddset(&current->pending.signal, SIGKILL);
		set_tsk_thread_flag(current, TIF_SIGPENDING);
		ret = fd_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, arg);
		flush_signals(current);
		KUNIT_EXPECT_EQ(test, -EINTR, ret);
	}
	KUNIT_EXPECT_EQ(test, next_fd, lowest_free_fd());
	close_later(test, allocate(test, heap, SZ_16M));
}

static void out_of_memory_is_enomem_and_nothing_stays(struct kunit *test)
{
	int heap = heap_fd(test, DEFAULT_HEAP), next_fd = lowest_free_fd(), nth = 0;
	struct dma_heap_allocation_data data = { .len = SZ_1M, .fd_flags = O_RDWR };
	void __user *arg = user_memory(test, sizeof(data));
	long ret = -ENOMEM;

	needs_failslab(test);
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, sizeof(data)));
	while (fail_allocation(test, ++nth)) {
		ret = fd_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, arg);
		if (!fail_allocation_hit())
			break;
		KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, ret, "allocation %d", nth);
		flush_delayed_fput();
		KUNIT_EXPECT_EQ(test, next_fd, lowest_free_fd());
	}

	KUNIT_EXPECT_GT(test, nth, 2);
	KUNIT_ASSERT_EQ(test, 0, ret);
	user_read(test, &data, arg, sizeof(data));
	close_later(test, data.fd);
}

static struct kunit_case cma_cases[] = {
	KUNIT_CASE(area_has_a_name_for_all_machines_and_its_own),
	KUNIT_CASE(buffer_is_one_piece),
	KUNIT_CASE(buffer_is_zeroed_whatever_was_there),
	KUNIT_CASE(process_sees_all_pages_and_none_behind_the_end),
	KUNIT_CASE(private_mapping_is_refused),
	KUNIT_CASE(kernel_sees_all_pages),
	KUNIT_CASE(more_than_there_is_is_enomem),
	KUNIT_CASE(process_that_is_killed_gets_nothing),
	KUNIT_CASE(out_of_memory_is_enomem_and_nothing_stays),
	{}
};

static struct kunit_suite cma_suite = {
	.name = "dma-buf-cma-heap",
	.test_cases = cma_cases,
};

kunit_test_suite(cma_suite);
