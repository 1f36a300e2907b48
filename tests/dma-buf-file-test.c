// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-file.c guarantees to a process: size, mappings, /proc. Poll and
 * the ioctls have suites of their own.
 */
#include <linux/anon_inodes.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"

static void seek_tells_the_size_and_moves_nothing(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE + 5, 0)->dmabuf->file;

	KUNIT_EXPECT_EQ(test, PAGE_SIZE + 5, vfs_llseek(file, 0, SEEK_END));
	KUNIT_EXPECT_EQ(test, 0, file->f_pos);
	KUNIT_EXPECT_EQ(test, 0, vfs_llseek(file, 0, SEEK_SET));
	KUNIT_EXPECT_EQ(test, 0, file->f_pos);
}

static void seek_refuses_everything_else(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;

	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, 1, SEEK_SET));
	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, -1, SEEK_END));
	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, 0, SEEK_CUR));
	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, 0, SEEK_DATA));
	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, 0, SEEK_HOLE));
}

static void there_is_nothing_to_read_or_write(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	loff_t pos = 0;
	char byte = 0;

	KUNIT_EXPECT_FALSE(test, file->f_mode & (FMODE_CAN_READ | FMODE_CAN_WRITE));
	KUNIT_EXPECT_EQ(test, -EINVAL, kernel_read(file, &byte, 1, &pos));
	KUNIT_EXPECT_EQ(test, -EINVAL, kernel_write(file, &byte, 1, &pos));
}

/* mmap() of @len bytes of @file, shared; the address, or a negative errno. */
static long map_file(struct kunit *test, struct file *file, size_t len, unsigned long prot,
		     unsigned long offset)
{
	return kunit_vm_mmap(test, file, 0, len, prot, MAP_SHARED, offset);
}

static u32 read_user(struct kunit *test, long addr)
{
	u32 value = 0;

	KUNIT_EXPECT_EQ(test, 0, get_user(value, (u32 __user *)addr));
	return value;
}

/* A buffer of @pages pages, each of which starts with its number. */
static struct mock_buf *numbered_buf(struct kunit *test, unsigned int pages)
{
	struct mock_buf *mock = mock_buf(test, pages * PAGE_SIZE, 0);
	unsigned int i;

	for (i = 0; i < pages; i++)
		*(u32 *)(mock->vaddr + i * PAGE_SIZE) = i;
	return mock;
}

static void mapping_shows_the_memory_from_the_offset_on(struct kunit *test)
{
	struct mock_buf *mock = numbered_buf(test, 3);
	long whole = map_file(test, mock->dmabuf->file, 3 * PAGE_SIZE, PROT_READ, 0);
	long tail = map_file(test, mock->dmabuf->file, PAGE_SIZE, PROT_READ, 2 * PAGE_SIZE);

	KUNIT_ASSERT_GT(test, whole, 0);
	KUNIT_ASSERT_GT(test, tail, 0);
	KUNIT_EXPECT_EQ(test, 1, read_user(test, whole + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 2, read_user(test, tail));
	KUNIT_EXPECT_EQ(test, 2, mock->calls.mmap);
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
	vm_munmap(whole, 3 * PAGE_SIZE);
	vm_munmap(tail, PAGE_SIZE);
}

static void writes_through_a_mapping_arrive(struct kunit *test)
{
	struct mock_buf *mock = numbered_buf(test, 1);
	long addr = map_file(test, mock->dmabuf->file, PAGE_SIZE, PROT_READ | PROT_WRITE, 0);

	KUNIT_ASSERT_GT(test, addr, 0);
	KUNIT_EXPECT_EQ(test, 0, put_user(4711, (u32 __user *)addr));
	KUNIT_EXPECT_EQ(test, 4711, *(u32 *)mock->vaddr);
	vm_munmap(addr, PAGE_SIZE);
}

static void mapping_past_the_end_is_refused(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, 0);
	struct file *file = mock->dmabuf->file;

	KUNIT_EXPECT_EQ(test, -EINVAL, map_file(test, file, 3 * PAGE_SIZE, PROT_READ, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_file(test, file, 2 * PAGE_SIZE, PROT_READ, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_file(test, file, PAGE_SIZE, PROT_READ, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, map_file(test, file, PAGE_SIZE, PROT_READ, 1UL << 30));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.mmap);
}

static void tail_that_is_no_whole_page_cannot_be_mapped(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE + 1, 0);
	struct file *file = mock->dmabuf->file;
	long addr;

	KUNIT_EXPECT_EQ(test, -EINVAL, map_file(test, file, PAGE_SIZE + 1, PROT_READ, 0));
	addr = map_file(test, file, PAGE_SIZE, PROT_READ, 0);
	KUNIT_EXPECT_GT(test, addr, 0);
	vm_munmap(addr, PAGE_SIZE);
}

static void mapping_needs_an_exporter_that_can(struct kunit *test)
{
	struct mock_buf *bare = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);
	struct mock_buf *full = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			map_file(test, bare->dmabuf->file, PAGE_SIZE, PROT_READ, 0));
	full->mmap_err = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, map_file(test, full->dmabuf->file, PAGE_SIZE, PROT_READ, 0));
}

static void read_only_file_gives_no_writable_mapping(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	struct file *file;

	mock_buf_describe(mock, &info, 0);
	info.flags = O_RDONLY;
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	file = mock->dmabuf->file;
	KUNIT_EXPECT_EQ(test, -EACCES, map_file(test, file, PAGE_SIZE, PROT_WRITE, 0));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.mmap);
}

static void write_only_file_gives_no_readable_mapping(struct kunit *test)
{
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	struct file *file;

	mock_buf_describe(mock, &info, 0);
	info.flags = O_WRONLY;
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	file = mock->dmabuf->file;
	KUNIT_EXPECT_EQ(test, -EACCES, map_file(test, file, PAGE_SIZE, PROT_READ, 0));
}

static void mapping_keeps_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = numbered_buf(test, 1);
	long addr = map_file(test, mock->dmabuf->file, PAGE_SIZE, PROT_READ, 0);

	KUNIT_ASSERT_GT(test, addr, 0);
	dma_buf_put(mock->dmabuf);
	flush_delayed_fput();
	KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
	vm_munmap(addr, PAGE_SIZE);
	mock->dmabuf = NULL;
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
}

/* A driver that shows a buffer of somebody else, from page @pgoff on. */
struct forwarder {
	struct dma_buf *dmabuf;
	unsigned long pgoff;
	struct file *file;
};

static int forward_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct forwarder *forwarder = file->private_data;

	return dma_buf_mmap(forwarder->dmabuf, vma, forwarder->pgoff);
}

static const struct file_operations forward_fops = {
	.mmap = forward_mmap,
};

static void forwarder_close(void *data)
{
	__fput_sync(data);
}

static struct forwarder *forwarder_new(struct kunit *test, struct mock_buf *mock,
				       unsigned long pgoff)
{
	struct forwarder *forwarder = kunit_kzalloc(test, sizeof(*forwarder), GFP_KERNEL);
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, forwarder);
	forwarder->dmabuf = mock->dmabuf;
	forwarder->pgoff = pgoff;
	file = anon_inode_getfile("[forwarder]", &forward_fops, forwarder, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, forwarder_close, file));
	forwarder->file = file;
	return forwarder;
}

static void other_driver_can_show_a_buffer(struct kunit *test)
{
	struct mock_buf *mock = numbered_buf(test, 3);
	struct forwarder *forwarder = forwarder_new(test, mock, 1);
	long addr = map_file(test, forwarder->file, 2 * PAGE_SIZE, PROT_READ, 0);

	KUNIT_ASSERT_GT(test, addr, 0);
	KUNIT_EXPECT_EQ(test, 1, read_user(test, addr));
	KUNIT_EXPECT_EQ(test, 2, read_user(test, addr + PAGE_SIZE));
	/* The mapping holds the buffer's file, not the driver's. */
	KUNIT_EXPECT_EQ(test, 2, file_count(mock->dmabuf->file));
	KUNIT_EXPECT_EQ(test, 1, file_count(forwarder->file));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.wrong_lock);
	vm_munmap(addr, 2 * PAGE_SIZE);
}

static long forward(struct kunit *test, struct mock_buf *mock, unsigned long pgoff)
{
	return map_file(test, forwarder_new(test, mock, pgoff)->file, PAGE_SIZE, PROT_READ, 0);
}

static void other_driver_cannot_reach_past_the_end(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 2 * PAGE_SIZE, 0);
	struct mock_buf *bare = mock_buf(test, PAGE_SIZE, MOCK_BUF_BARE);

	KUNIT_EXPECT_EQ(test, -EINVAL, forward(test, mock, 2));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, forward(test, mock, ULONG_MAX));
	KUNIT_EXPECT_EQ(test, -EINVAL, forward(test, mock, ULONG_MAX - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, forward(test, bare, 0));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.mmap);
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
}

static void set_name(struct kunit *test, struct mock_buf *mock, const char *name)
{
	char buf[DMA_BUF_NAME_LEN] = "";

	strscpy(buf, name);
	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_SET_NAME,
					    buf, sizeof(buf)));
}

static void fdinfo_describes_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 8192, 0);
	struct file *file = mock->dmabuf->file;

	/* As the reader in procfs does. */
	get_file(file);
	KUNIT_EXPECT_STREQ(test, "size:\t8192\ncount:\t1\nexp_name:\tmock\n",
			   mock_fdinfo(test, file));
	set_name(test, mock, "a name");
	KUNIT_EXPECT_STREQ(test, "size:\t8192\ncount:\t1\nexp_name:\tmock\nname:\ta name\n",
			   mock_fdinfo(test, file));
	set_name(test, mock, "");
	KUNIT_EXPECT_STREQ(test, "size:\t8192\ncount:\t1\nexp_name:\tmock\nname:\t\n",
			   mock_fdinfo(test, file));
	fput(file);
}

static void name_cannot_forge_a_line_of_fdinfo(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	const char *text;

	set_name(test, mock, "x\nsize:\t1\r\x1b\\");
	text = mock_fdinfo(test, mock->dmabuf->file);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "name:\tx\\012size:\\0111\\015\\033\\134\n"));
	KUNIT_EXPECT_NULL(test, strstr(text, "\nsize:\t1\n"));
}

static void name_of_letters_beyond_ascii_stays_readable(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	set_name(test, mock, "\347\224\273\351\235\242 \303\274");
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, mock->dmabuf->file),
					   "name:\t\347\224\273\351\235\242 \303\274\n"));
}

static void path_carries_the_name(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct path *path = &mock->dmabuf->file->f_path;
	char buf[256];

	KUNIT_EXPECT_STREQ(test, "/dmabuf:", d_path(path, buf, sizeof(buf)));
	set_name(test, mock, "screen 1");
	KUNIT_EXPECT_STREQ(test, "/dmabuf:screen 1", d_path(path, buf, sizeof(buf)));
	set_name(test, mock, "a\nb");
	KUNIT_EXPECT_STREQ(test, "/dmabuf:a\\012b", d_path(path, buf, sizeof(buf)));
}

static void path_has_room_for_the_longest_name_escaped(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct path *path = &mock->dmabuf->file->f_path;
	char name[DMA_BUF_NAME_LEN] = "", buf[256];
	const size_t len = strlen("/dmabuf:") + 4 * (DMA_BUF_NAME_LEN - 1);

	memset(name, '\n', sizeof(name) - 1);
	set_name(test, mock, name);
	KUNIT_EXPECT_EQ(test, len, strlen(d_path(path, buf, sizeof(buf))));
	KUNIT_EXPECT_EQ(test, len, strlen(d_path(path, buf, len + 1)));
	KUNIT_EXPECT_EQ(test, -ENAMETOOLONG, PTR_ERR(d_path(path, buf, len)));
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_file_cases[] = {
	KUNIT_CASE(seek_tells_the_size_and_moves_nothing),
	KUNIT_CASE(seek_refuses_everything_else),
	KUNIT_CASE(there_is_nothing_to_read_or_write),
	KUNIT_CASE(mapping_shows_the_memory_from_the_offset_on),
	KUNIT_CASE(writes_through_a_mapping_arrive),
	KUNIT_CASE(mapping_past_the_end_is_refused),
	KUNIT_CASE(tail_that_is_no_whole_page_cannot_be_mapped),
	KUNIT_CASE(mapping_needs_an_exporter_that_can),
	KUNIT_CASE(read_only_file_gives_no_writable_mapping),
	KUNIT_CASE(write_only_file_gives_no_readable_mapping),
	KUNIT_CASE(mapping_keeps_the_buffer),
	KUNIT_CASE(other_driver_can_show_a_buffer),
	KUNIT_CASE(other_driver_cannot_reach_past_the_end),
	KUNIT_CASE(fdinfo_describes_the_buffer),
	KUNIT_CASE(name_cannot_forge_a_line_of_fdinfo),
	KUNIT_CASE(name_of_letters_beyond_ascii_stays_readable),
	KUNIT_CASE(path_carries_the_name),
	KUNIT_CASE(path_has_room_for_the_longest_name_escaped),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_file_suite = {
	.name = "dma-buf-file",
	.test_cases = dma_buf_file_cases,
};

kunit_test_suite(dma_buf_file_suite);
