// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of the buffers of udmabuf.c: what the CPU and devices see of them,
 * what they keep from happening to the memfd, and what is left afterwards.
 */
#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/falloc.h>

#include "mock-buf.h"
#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"
#include "udmabuf-fixture.h"

/* ---- Contents ---- */

/* Every other page of a memfd backwards, so that no two are next to each other. */
static struct dma_buf *scattered(struct kunit *test, struct file *file, unsigned int pages)
{
	struct udmabuf_create_item items[16] = {};
	int mem = memfd_fd(test, file);
	unsigned int i;
	long fd;

	KUNIT_ASSERT_LE(test, pages, ARRAY_SIZE(items));
	for (i = 0; i < pages; i++) {
		items[i].memfd = mem;
		items[i].offset = (2 * (pages - i) - 1) * PAGE_SIZE;
		items[i].size = PAGE_SIZE;
	}
	fd = create_list(test, udmabuf_fd(test), items, pages);
	close_later(test, fd);
	return hold(test, fd);
}

static void kernel_sees_each_page_where_it_belongs(struct kunit *test)
{
	struct file *file = memfd(test, 32, F_SEAL_SHRINK);
	struct dma_buf *dmabuf = scattered(test, file, 16);
	struct iosys_map map;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	for (i = 0; i < 16; i++) {
		u32 *word = map.vaddr + i * PAGE_SIZE;

		KUNIT_EXPECT_EQ(test, memfd_number(test, file, 31 - 2 * i), *word);
		*word = 1000 + i;
	}
	dma_buf_vunmap_unlocked(dmabuf, &map);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, 1000 + i, memfd_number(test, file, 31 - 2 * i));
}

static void process_sees_each_page_where_it_belongs(struct kunit *test)
{
	struct file *file = memfd(test, 32, F_SEAL_SHRINK);
	struct dma_buf *dmabuf = scattered(test, file, 16);
	unsigned long addr = map_shared(test, dmabuf, 4, 12);
	unsigned int i;
	u32 word;

	for (i = 0; i < 12; i++, addr += PAGE_SIZE) {
		KUNIT_ASSERT_TRUE(test, user_get(addr, &word));
		KUNIT_EXPECT_EQ(test, memfd_number(test, file, 31 - 2 * (i + 4)), word);
		KUNIT_ASSERT_TRUE(test, user_put(addr, 2000 + i));
		KUNIT_EXPECT_EQ(test, 2000 + i, memfd_number(test, file, 31 - 2 * (i + 4)));
	}
}

/* CVE-2023-2008 was a fault behind the end. */
static void process_sees_no_page_behind_the_end(struct kunit *test)
{
	int fd;
	struct dma_buf *dmabuf = whole(test, memfd(test, 4, F_SEAL_SHRINK), &fd);
	const unsigned long flags = PROT_READ | PROT_WRITE;

	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 0, 5, flags, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)map_buffer(test, dmabuf, 4, 1, flags, MAP_SHARED));
	map_shared(test, dmabuf, 3, 1);
}

static void private_mapping_is_refused(struct kunit *test)
{
	int fd;
	struct dma_buf *dmabuf = whole(test, memfd(test, 4, F_SEAL_SHRINK), &fd);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)map_buffer(test, dmabuf, 0, 4, PROT_READ, MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)map_buffer(test, dmabuf, 0, 1, PROT_READ, MAP_PRIVATE));
}

/* How many runs of pages that are next to each other there are in the memfd. */
static unsigned int runs_of(struct file *file, unsigned long pages)
{
	unsigned long i, pfn, last = 0;
	unsigned int runs = 0;
	struct folio *folio;

	for (i = 0; i < pages; i++) {
		folio = filemap_get_folio(file->f_mapping, i);
		pfn = page_to_pfn(folio_file_page(folio, i));
		runs += !i || pfn != last + 1;
		last = pfn;
		folio_put(folio);
	}
	return runs;
}

static void device_gets_an_entry_per_run(struct kunit *test)
{
	struct file *file = memfd(test, 256, F_SEAL_SHRINK);
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *table;
	int fd;

	dmabuf = whole(test, file, &fd);
	attach = attach_device(test, dmabuf);
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_EQ(test, runs_of(file, 256), table->orig_nents);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
}

/* Otherwise whoever sees it first through the buffer reads what others have left there. */
static void memory_set_aside_by_fallocate_is_cleared(struct kunit *test)
{
	struct file *file = memfd_hole(test, 8, F_SEAL_SHRINK);
	struct dma_buf *dmabuf;
	struct folio *folio;
	unsigned long i;
	int fd;

	KUNIT_ASSERT_EQ(test, 0, vfs_fallocate(file, 0, 0, 8 * PAGE_SIZE));
	for (i = 0; i < 8; i++) {
		folio = filemap_get_folio(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		KUNIT_ASSERT_FALSE(test, folio_test_uptodate(folio));
		/* What was in the page before. */
		*(u32 *)folio_address(folio) = 0xdeadbeef;
		folio_put(folio);
	}

	dmabuf = whole(test, file, &fd);
	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(dmabuf));
	/* What is written now is not cleared by a first look at the memfd. */
	*(u32 *)page_address(buffer_page(dmabuf, 3)) = 7;
	KUNIT_EXPECT_EQ(test, 7, memfd_number(test, file, 3));
}

/* Clean pages can be dropped, without being written to swap. */
static void pages_are_dirty_as_devices_may_write_to_them(struct kunit *test)
{
	struct file *file = memfd_hole(test, 4, F_SEAL_SHRINK);
	struct folio *folio;
	unsigned long i;
	int fd;

	whole(test, file, &fd);
	for (i = 0; i < 4; i++) {
		folio = filemap_get_folio(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
		folio_put(folio);
	}
}

static void buffer_outlives_the_memfd(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	u32 number = memfd_number(test, file, 2), word;
	int mem = memfd_fd(test, file);
	struct dma_buf *dmabuf;
	unsigned long addr;
	long fd;

	fd = create(test, udmabuf_fd(test), mem, 0, 4 * PAGE_SIZE);
	close_later(test, fd);
	dmabuf = hold(test, fd);
	/* As if the last one had closed it: the memfd lets go of its pages. */
	shmem_truncate_range(file_inode(file), 0, -1);
	close_now(test, mem);
	addr = map_shared(test, dmabuf, 0, 4);
	KUNIT_ASSERT_TRUE(test, user_get(addr + 2 * PAGE_SIZE, &word));
	KUNIT_EXPECT_EQ(test, number, word);
}

static struct kunit_case contents_cases[] = {
	KUNIT_CASE(kernel_sees_each_page_where_it_belongs),
	KUNIT_CASE(process_sees_each_page_where_it_belongs),
	KUNIT_CASE(process_sees_no_page_behind_the_end),
	KUNIT_CASE(private_mapping_is_refused),
	KUNIT_CASE(device_gets_an_entry_per_run),
	KUNIT_CASE(memory_set_aside_by_fallocate_is_cleared),
	KUNIT_CASE(pages_are_dirty_as_devices_may_write_to_them),
	KUNIT_CASE(buffer_outlives_the_memfd),
	{}
};

static struct kunit_suite contents_suite = {
	.name = "udmabuf-contents",
	.test_cases = contents_cases,
};

/* ---- Large folios ---- */

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static void put_mount(void *mnt)
{
	kern_unmount(mnt);
}

/* A memfd of two large folios; the case is skipped when there is no memory for them. */
static struct file *large_memfd(struct kunit *test)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	char options[] = "huge=always";
	struct vfsmount *mnt;
	struct folio *folio;
	struct file *file;
	bool large = true;
	unsigned int i;

	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "tmpfs", options);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(mnt), "%pe", mnt);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_mount, mnt));
	file = memfd_on(test, mnt, 2 * HPAGE_PMD_NR, F_SEAL_SHRINK);
	for (i = 0; i < 2; i++) {
		folio = filemap_get_folio(file->f_mapping, i * HPAGE_PMD_NR);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		large &= folio_test_large(folio);
		folio_put(folio);
	}
	if (!large)
		kunit_skip(test, "no large folios here");
	return file;
}

/* Stock's vmap had the first page of the folio everywhere. */
static void kernel_sees_each_page_of_a_large_folio(struct kunit *test)
{
	struct file *file = large_memfd(test);
	struct dma_buf *dmabuf;
	struct iosys_map map;
	unsigned long i;
	int fd;

	dmabuf = whole(test, file, &fd);
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	for (i = 0; i < 2 * HPAGE_PMD_NR; i++)
		KUNIT_ASSERT_EQ(test, memfd_number(test, file, i),
				*(u32 *)(map.vaddr + i * PAGE_SIZE));
	dma_buf_vunmap_unlocked(dmabuf, &map);
}

static void process_sees_each_page_of_a_large_folio(struct kunit *test)
{
	struct file *file = large_memfd(test);
	struct dma_buf *dmabuf;
	unsigned long i, addr;
	u32 word;
	int fd;

	dmabuf = whole(test, file, &fd);
	addr = map_shared(test, dmabuf, 0, 2 * HPAGE_PMD_NR);
	for (i = 0; i < 2 * HPAGE_PMD_NR; i++, addr += PAGE_SIZE) {
		KUNIT_ASSERT_TRUE(test, user_get(addr, &word));
		KUNIT_ASSERT_EQ(test, memfd_number(test, file, i), word);
	}
}

/*
 * One pin for each folio of each run: ranges that meet inside of a folio make one
 * run, others do not.
 */
static void pins_of_parts_of_a_large_folio_are_all_given_back(struct kunit *test)
{
	struct file *file = large_memfd(test);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file);
	const u64 half = HPAGE_PMD_SIZE / 2;
	const struct udmabuf_create_item items[] = {
		{ .memfd = mem, .offset = 0, .size = half },
		{ .memfd = mem, .offset = half, .size = half },
		{ .memfd = mem, .offset = half, .size = 2 * half },
		{ .memfd = mem, .offset = 3 * half, .size = half - PAGE_SIZE },
		{ .memfd = mem, .offset = 4 * half - PAGE_SIZE, .size = PAGE_SIZE },
		{ .memfd = mem, .offset = 0, .size = PAGE_SIZE },
		{ .memfd = mem, .offset = 2 * PAGE_SIZE, .size = PAGE_SIZE },
	};
	struct folio *folio = filemap_get_folio(file->f_mapping, 0);
	int refs = folio_ref_count(folio);
	unsigned int i;
	long fd;

	for (i = 1; i <= ARRAY_SIZE(items); i++) {
		fd = create_list(test, dev, items, i);
		close_later(test, fd);
		KUNIT_EXPECT_TRUE(test, folio_maybe_dma_pinned(folio));
		close_now(test, fd);
		KUNIT_EXPECT_EQ_MSG(test, 0, memfd_pins(file), "%u ranges", i);
		KUNIT_EXPECT_EQ_MSG(test, refs, folio_ref_count(folio), "%u ranges", i);
	}
	folio_put(folio);
}

static struct kunit_case large_cases[] = {
	KUNIT_CASE(kernel_sees_each_page_of_a_large_folio),
	KUNIT_CASE(process_sees_each_page_of_a_large_folio),
	KUNIT_CASE(pins_of_parts_of_a_large_folio_are_all_given_back),
	{}
};

static struct kunit_suite large_suite = {
	.name = "udmabuf-large",
	.test_cases = large_cases,
};

kunit_test_suite(large_suite);
#endif

/* ---- Seals and pins ---- */

static void pins_last_as_long_as_the_buffer(struct kunit *test)
{
	struct file *file = memfd(test, 2, F_SEAL_SHRINK);
	struct dma_buf *dmabuf;
	int fd;

	dmabuf = whole(test, file, &fd);
	get_dma_buf(dmabuf);
	close_now(test, fd);
	KUNIT_EXPECT_EQ(test, 2, memfd_pins(file));
	put_buffer(dmabuf);
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(file));
}

/* A thread that makes a buffer of one memfd. */
struct creator {
	struct file *dev;
	unsigned long arg;
	struct mm_struct *mm;
	struct completion done;
	long ret;
};

static int creator_thread(void *data)
{
	struct creator *creator = data;

	kthread_use_mm(creator->mm);
	creator->ret = creator->dev->f_op->unlocked_ioctl(creator->dev, UDMABUF_CREATE,
							  creator->arg);
	kthread_unuse_mm(creator->mm);
	kthread_complete_and_exit(&creator->done, 0);
}

/*
 * Who adds a seal looks for pins and then adds it, all under the inode's lock.
 * Here it has found none yet when the buffer pins, and adds the seal after that.
 */
static void seal_that_comes_while_pages_are_pinned_is_seen(struct kunit *test)
{
	struct file *file = memfd(test, 2, F_SEAL_SHRINK);
	struct inode *inode = file_inode(file);
	/* Threads of the kernel share their descriptors. */
	struct udmabuf_create args = { .memfd = memfd_fd(test, file), .size = 2 * PAGE_SIZE };
	struct creator creator = {
		.dev = mock_fs_open(test, "devtmpfs", "udmabuf", O_RDONLY),
		.arg = (unsigned long)user_memory(test, sizeof(args)),
	};
	struct task_struct *task;

	creator.mm = current->mm;
	init_completion(&creator.done);
	KUNIT_ASSERT_FALSE(test, IS_ERR(creator.dev));
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user((void __user *)creator.arg, &args, sizeof(args)));

	inode_lock(inode);
	task = kthread_run(creator_thread, &creator, "creator");
	if (!IS_ERR(task)) {
		while (!memfd_pins(file) && !completion_done(&creator.done))
			schedule_timeout_uninterruptible(1);
		SHMEM_I(inode)->seals |= F_SEAL_WRITE;
	}
	inode_unlock(inode);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&creator.done);
	KUNIT_EXPECT_EQ(test, -EINVAL, creator.ret);
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(file));
}

static struct kunit_case seal_cases[] = {
	KUNIT_CASE(pins_last_as_long_as_the_buffer),
	KUNIT_CASE(seal_that_comes_while_pages_are_pinned_is_seen),
	{}
};

static struct kunit_suite seal_suite = {
	.name = "udmabuf-seals",
	.test_cases = seal_cases,
};

/* ---- Access by the CPU ---- */

static long sync_ioctl(struct kunit *test, int fd, u64 flags)
{
	struct dma_buf_sync args = { .flags = flags };

	return fd_ioctl_data(test, fd, DMA_BUF_IOCTL_SYNC, &args, sizeof(args));
}

static void end_before_any_start_is_einval(struct kunit *test)
{
	int fd;

	whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	KUNIT_EXPECT_EQ(test, -EINVAL, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
	/* Nobody checks that they come in pairs. */
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
}

static long range_ioctl(struct kunit *test, int fd, u32 flags)
{
	struct dma_buf_sync_range args = { .flags = flags, .offset = 1, .length = PAGE_SIZE };

	return fd_ioctl_data(test, fd, DMA_BUF_IOCTL_SYNC_RANGE, &args, sizeof(args));
}

static void end_of_a_part_before_any_start_is_einval(struct kunit *test)
{
	int fd;

	whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	KUNIT_EXPECT_EQ(test, -EINVAL, range_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 0, range_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, range_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	/* The start of a part does for the whole, and the other way round. */
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
}

/* What is synchronised instead of real devices. */
struct synced {
	unsigned int cpu, device;
	size_t bytes;
	enum dma_data_direction dir;
};

static void note_cpu(struct device *dev, struct sg_table *table, enum dma_data_direction dir)
{
	struct synced *synced = kunit_get_current_test()->priv;

	synced->cpu++;
	synced->dir = dir;
}

static void note_device(struct device *dev, struct sg_table *table, enum dma_data_direction dir)
{
	struct synced *synced = kunit_get_current_test()->priv;

	synced->device++;
	synced->dir = dir;
}

static struct synced *watch(struct kunit *test)
{
	struct synced *synced = kunit_kzalloc(test, sizeof(*synced), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, synced);
	test->priv = synced;
	kunit_activate_static_stub(test, paged_sync_for_cpu, note_cpu);
	kunit_activate_static_stub(test, paged_sync_for_device, note_device);
	return synced;
}

static void attached_devices_are_served_like_its_own(struct kunit *test)
{
	struct synced *synced = watch(test);
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *table;
	int fd;

	dmabuf = whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	attach = attach_device(test, dmabuf);
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 2, synced->cpu);
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 2, synced->device);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 3, synced->cpu);
}

/* How many bytes of parts were synchronised. */
static void note_part(struct device *dev, dma_addr_t addr, size_t size,
		      enum dma_data_direction dir)
{
	struct synced *synced = kunit_get_current_test()->priv;

	synced->bytes += size;
}

static void part_is_all_that_is_synchronised(struct kunit *test)
{
	struct synced *synced = watch(test);
	int fd;

	kunit_activate_static_stub(test, paged_sync_part_for_cpu, note_part);
	kunit_activate_static_stub(test, paged_sync_part_for_device, note_part);
	whole(test, memfd(test, 4, F_SEAL_SHRINK), &fd);
	KUNIT_EXPECT_EQ(test, 0, range_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, synced->bytes);
	KUNIT_EXPECT_EQ(test, 0, range_ioctl(test, fd, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, synced->bytes);
	KUNIT_EXPECT_EQ(test, 0, synced->cpu + synced->device);
}

/* Stock kept the direction of whoever came first. */
static void first_access_does_not_decide_about_later_ones(struct kunit *test)
{
	struct synced *synced = watch(test);
	int fd;

	whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, sync_ioctl(test, fd, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 2, synced->cpu);
	KUNIT_EXPECT_EQ(test, 2, synced->device);
	KUNIT_EXPECT_EQ(test, DMA_TO_DEVICE, synced->dir);
}

/* One of several threads that begin to access a buffer. */
struct starter {
	struct dma_buf *dmabuf;
	struct completion started, done;
	int ret;
};

static int starter_thread(void *data)
{
	struct starter *starter = data;

	complete(&starter->started);
	starter->ret = dma_buf_begin_cpu_access(starter->dmabuf, DMA_BIDIRECTIONAL);
	kthread_complete_and_exit(&starter->done, 0);
}

/* The first one is held up inside, where the others find nothing made yet. */
static void four_threads_that_start_at_once_leave_one_mapping(struct kunit *test)
{
	struct starter starters[4];
	struct paged_buffer *buffer;
	struct dma_buf *dmabuf;
	unsigned int i, running;
	int fd;

	dmabuf = whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	buffer = to_paged_buffer(dmabuf);
	mutex_lock(&buffer->lock);
	for (i = 0; i < ARRAY_SIZE(starters); i++) {
		starters[i].dmabuf = dmabuf;
		init_completion(&starters[i].started);
		init_completion(&starters[i].done);
		if (IS_ERR(kthread_run(starter_thread, &starters[i], "starter")))
			break;
		wait_for_completion(&starters[i].started);
	}
	running = i;
	mutex_unlock(&buffer->lock);
	for (i = 0; i < running; i++) {
		wait_for_completion(&starters[i].done);
		KUNIT_EXPECT_EQ(test, 0, starters[i].ret);
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(starters), running);
	KUNIT_EXPECT_EQ(test, 1, list_count_nodes(&buffer->attachments));
}

static void start_out_of_memory_is_enomem_and_can_be_tried_again(struct kunit *test)
{
	struct paged_buffer *buffer;
	struct dma_buf *dmabuf;
	int fd, nth = 0, ret = -ENOMEM;

	needs_failslab(test);
	dmabuf = whole(test, memfd(test, 2, F_SEAL_SHRINK), &fd);
	buffer = to_paged_buffer(dmabuf);
	while (fail_allocation(test, ++nth)) {
		ret = dma_buf_begin_cpu_access(dmabuf, DMA_BIDIRECTIONAL);
		if (!fail_allocation_hit())
			break;
		KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, ret, "allocation %d", nth);
		KUNIT_EXPECT_TRUE(test, list_empty(&buffer->attachments));
		KUNIT_EXPECT_EQ(test, -EINVAL, dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
	}

	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(dmabuf, DMA_BIDIRECTIONAL));
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(end_before_any_start_is_einval),
	KUNIT_CASE(end_of_a_part_before_any_start_is_einval),
	KUNIT_CASE(attached_devices_are_served_like_its_own),
	KUNIT_CASE(part_is_all_that_is_synchronised),
	KUNIT_CASE(first_access_does_not_decide_about_later_ones),
	KUNIT_CASE(four_threads_that_start_at_once_leave_one_mapping),
	KUNIT_CASE(start_out_of_memory_is_enomem_and_can_be_tried_again),
	{}
};

static struct kunit_suite access_suite = {
	.name = "udmabuf-access",
	.test_cases = access_cases,
};

kunit_test_suites(&contents_suite, &seal_suite, &access_suite);
