// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a narrowed file guarantees: what is denied cannot be done through it, all
 * the rest can, and it is the same buffer. See dma-buf-narrow.c.
 */
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"
#include "shortage.h"
#include "sync-user.h"

/* DMA_BUF_IOCTL_NARROW; the descriptor, or a negative errno. */
static long narrow_as(struct kunit *test, struct file *file, u32 flags, u32 fd_flags)
{
	struct dma_buf_narrow args = { .flags = flags, .fd_flags = fd_flags, .fd = -1 };
	long ret;

	ret = mock_ioctl(test, file, DMA_BUF_IOCTL_NARROW, &args, sizeof(args));
	return ret ?: args.fd;
}

static long narrow(struct kunit *test, struct file *file, u32 flags)
{
	return narrow_as(test, file, flags, O_CLOEXEC);
}

/* The last reference to a narrowed file, and then maybe to the buffer's own. */
static void put_narrowed(void *file)
{
	fput(file);
	flush_delayed_fput();
	flush_delayed_fput();
}

/* A narrowed file without a descriptor, put at the end of the case. */
static struct file *narrowed(struct kunit *test, struct file *from, u32 flags)
{
	long fd = narrow(test, from, flags);
	struct file *file;

	KUNIT_ASSERT_GE(test, fd, 0);
	file = fget(fd);
	KUNIT_ASSERT_EQ(test, 0, close_fd(fd));
	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_narrowed, file));
	return file;
}

/* The same of a new buffer. */
static struct file *narrowed_buf(struct kunit *test, struct mock_buf **mock, u32 flags)
{
	*mock = mock_buf(test, PAGE_SIZE, 0);
	return narrowed(test, (*mock)->dmabuf->file, flags);
}

/* ---- It is the same buffer ---- */

static void drivers_get_the_same_buffer(struct kunit *test)
{
	const u32 flags = DMA_BUF_NARROW_VALID_FLAGS & ~DMA_BUF_NARROW_NO_DEVICES;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	long fd = narrow(test, mock->dmabuf->file, flags);
	struct dma_buf *dmabuf;

	close_later(test, fd);
	KUNIT_EXPECT_EQ(test, 2, file_count(mock->dmabuf->file));
	dmabuf = dma_buf_get(fd);
	KUNIT_ASSERT_PTR_EQ(test, mock->dmabuf, dmabuf);
	KUNIT_EXPECT_EQ(test, 3, file_count(mock->dmabuf->file));
	dma_buf_put(dmabuf);
	KUNIT_EXPECT_EQ(test, 2, file_count(mock->dmabuf->file));
}

static void inode_path_and_size_are_those_of_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE + 5, 0);
	struct file *file = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_READ_ONLY);
	char name[] = "screen", buf[64];

	KUNIT_EXPECT_PTR_EQ(test, file_inode(mock->dmabuf->file), file_inode(file));
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf->file->f_mapping, file->f_mapping);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE + 5, vfs_llseek(file, 0, SEEK_END));
	KUNIT_EXPECT_EQ(test, 0, vfs_llseek(file, 0, SEEK_SET));
	KUNIT_EXPECT_EQ(test, -EINVAL, vfs_llseek(file, 1, SEEK_SET));
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_SET_NAME, name,
					    sizeof(name)));
	KUNIT_EXPECT_STREQ(test, "/dmabuf:screen", d_path(&file->f_path, buf, sizeof(buf)));
}

static void fdinfo_tells_what_is_denied(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_VALID_FLAGS);
	struct file *other = narrowed(test, file, DMA_BUF_NARROW_NO_RENAME);
	struct file *least = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_RENAME);
	char name[] = "screen";
	const char *text;

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_SET_NAME, name,
					    sizeof(name)));
	/* The name comes last, as everywhere; the test and each file hold the buffer. */
	text = strchr(mock_fdinfo(test, other), '\n');
	KUNIT_EXPECT_STREQ(test, "\ncount:\t4\nexp_name:\tmock\n"
			   "denied:\tcpu-write devices rename fences\nname:\tscreen\n", text);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, least), "\ndenied:\trename\n"));
	KUNIT_EXPECT_NULL(test, strstr(mock_fdinfo(test, mock->dmabuf->file), "denied"));
}

/* Can the buffer be read (POLLIN), and be written (POLLOUT)? */
static u32 ready(struct file *file)
{
	poll_table pt = { ._key = EPOLLIN | EPOLLOUT };

	return (__force u32)vfs_poll(file, &pt);
}

static void poll_waits_for_the_buffers_fences(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_READ_ONLY);
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, POLLIN | POLLOUT, ready(file));
	mock_buf_add_fence(test, mock->dmabuf, fence, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, POLLIN, ready(file));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, POLLIN | POLLOUT, ready(file));
}

static void mapping_belongs_to_the_buffers_file(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_READ_ONLY);
	struct vm_area_struct *vma;
	unsigned long addr;
	u32 value = 0;

	*(u32 *)mock->vaddr = 4711;
	addr = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(value, (u32 __user *)addr));
	KUNIT_EXPECT_EQ(test, 4711, value);

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf->file, vma->vm_file);
	/* So mprotect() cannot make it writable. */
	KUNIT_EXPECT_EQ(test, 0, vma->vm_flags & (VM_WRITE | VM_MAYWRITE | VM_SHARED));
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
}

static void mapping_that_the_exporter_refuses_leaves_nothing(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_READ_ONLY);
	long refs = file_count(mock->dmabuf->file);

	mock->mmap_err = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, (long)kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ,
							MAP_SHARED, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, (long)kunit_vm_mmap(test, file, 0, 2 * PAGE_SIZE, PROT_READ,
							   MAP_SHARED, 0));
	KUNIT_EXPECT_EQ(test, 1, file_count(file));
	KUNIT_EXPECT_EQ(test, refs, file_count(mock->dmabuf->file));
}

/* In which order they go: the caller's reference, the first, the second, a mapping. */
static const struct order {
	const char *name;
	unsigned int last;
} orders[] = {
	{ "the buffer's own file last", 0 },
	{ "the first one last", 1 },
	{ "one made of the first last", 2 },
	{ "a mapping last", 3 },
};

KUNIT_ARRAY_PARAM_DESC(order, orders, name);

static void buffer_lives_as_long_as_any_of_its_files(struct kunit *test)
{
	unsigned int last = ((const struct order *)test->param_value)->last, i;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_buf *dmabuf = mock->dmabuf;
	unsigned long addr;
	long fds[2];

	fds[0] = narrow(test, dmabuf->file, DMA_BUF_NARROW_NO_RENAME);
	KUNIT_ASSERT_GE(test, fds[0], 0);
	scoped_class(fd, first, fds[0])
		fds[1] = narrow(test, fd_file(first), DMA_BUF_NARROW_READ_ONLY);
	KUNIT_ASSERT_GE(test, fds[1], 0);
	scoped_class(fd, second, fds[1])
		addr = kunit_vm_mmap(test, fd_file(second), 0, PAGE_SIZE, PROT_READ,
				     MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	mock->dmabuf = NULL;
	for (i = 1; i <= 4; i++) {
		unsigned int which = (last + i) % 4;

		KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
		if (which == 0)
			dma_buf_put(dmabuf);
		else if (which == 3)
			KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
		else
			KUNIT_EXPECT_EQ(test, 0, close_fd(fds[which - 1]));
		/* What hangs on that one goes as well, if nothing else holds it. */
		flush_delayed_fput();
		flush_delayed_fput();
	}
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
}

/* ---- What is denied ---- */

static void cpu_cannot_write(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_NO_CPU_WRITE);
	struct file *other = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_RENAME);
	unsigned long addr;

	KUNIT_EXPECT_EQ(test, -EACCES, (long)kunit_vm_mmap(test, file, 0, PAGE_SIZE,
							   PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	KUNIT_EXPECT_EQ(test, -EACCES, (long)kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_WRITE,
							   MAP_SHARED, 0));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.mmap);

	addr = kunit_vm_mmap(test, other, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 0, put_user(4711, (u32 __user *)addr));
	KUNIT_EXPECT_EQ(test, 4711, *(u32 *)mock->vaddr);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
}

static long sync(struct kunit *test, struct file *file, u32 flags)
{
	struct dma_buf_sync_range range = { .flags = flags, .length = 1 };
	struct dma_buf_sync whole = { .flags = flags };
	long ret;

	ret = mock_ioctl(test, file, DMA_BUF_IOCTL_SYNC, &whole, sizeof(whole));
	KUNIT_EXPECT_EQ(test, ret, mock_ioctl(test, file, DMA_BUF_IOCTL_SYNC_RANGE, &range,
					      sizeof(range)));
	return ret;
}

static void cpu_cannot_claim_to_write(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_NO_CPU_WRITE);
	struct file *other = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_RENAME);

	KUNIT_EXPECT_EQ(test, -EACCES, sync(test, file, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, -EACCES, sync(test, file, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, -EACCES, sync(test, file, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.begin + mock->calls.end);
	KUNIT_EXPECT_EQ(test, 0, sync(test, file, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, sync(test, file, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END));
	/* What makes no sense is that, rather than denied. */
	KUNIT_EXPECT_EQ(test, -EINVAL, sync(test, file, 8 | DMA_BUF_SYNC_WRITE));

	KUNIT_EXPECT_EQ(test, 0, sync(test, other, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START));
	KUNIT_EXPECT_EQ(test, 0, sync(test, other, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
}

static void no_driver_gets_the_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	long fd = narrow(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_DEVICES);
	long refs;

	close_later(test, fd);
	refs = file_count(mock->dmabuf->file);
	KUNIT_EXPECT_EQ(test, -EACCES, PTR_ERR_OR_ZERO(dma_buf_get(fd)));
	KUNIT_EXPECT_EQ(test, refs, file_count(mock->dmabuf->file));
}

static void buffer_keeps_its_name(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_NO_RENAME);
	struct file *other = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_READ_ONLY);
	char name[] = "first";

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, other, DMA_BUF_SET_NAME, name, sizeof(name)));
	memcpy(name, "again", sizeof(name));
	KUNIT_EXPECT_EQ(test, -EACCES,
			mock_ioctl(test, file, DMA_BUF_SET_NAME_A, name, sizeof(name)));
	KUNIT_EXPECT_EQ(test, -EACCES,
			mock_ioctl(test, file, DMA_BUF_SET_NAME_B, name, sizeof(name)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, mock->dmabuf->file), "\tfirst\n"));
}

static long import(struct kunit *test, struct file *file, u32 flags)
{
	struct dma_buf_import_sync_file args = {
		.flags = flags,
		.fd = sync_fd(test, mock_fence(test)),
	};

	return mock_ioctl(test, file, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args, sizeof(args));
}

static const struct fences {
	const char *name;
	u32 denied;
	long read, write;
} fences[] = {
	{ "no fences", DMA_BUF_NARROW_NO_FENCES, -EACCES, -EACCES },
	{ "read only", DMA_BUF_NARROW_READ_ONLY, 0, -EACCES },
	/* A device may write for it, and a process without one may do so itself. */
	{ "no writing by the CPU", DMA_BUF_NARROW_NO_CPU_WRITE, 0, 0 },
	{ "no devices", DMA_BUF_NARROW_NO_DEVICES, 0, 0 },
	{ "no renaming", DMA_BUF_NARROW_NO_RENAME, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(fences, fences, name);

static void nobody_is_kept_waiting_without_the_right(struct kunit *test)
{
	const struct fences *param = test->param_value;
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, param->denied);
	struct dma_resv *resv = mock->dmabuf->resv;

	KUNIT_EXPECT_EQ(test, param->write, import(test, file, DMA_BUF_SYNC_WRITE));
	KUNIT_EXPECT_EQ(test, param->write, import(test, file, DMA_BUF_SYNC_RW));
	KUNIT_EXPECT_EQ(test, !!param->write,
			dma_resv_test_signaled(resv, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, param->read, import(test, file, DMA_BUF_SYNC_READ));
	KUNIT_EXPECT_EQ(test, param->read && param->write,
			dma_resv_test_signaled(resv, DMA_RESV_USAGE_READ));
	/* What makes no sense is that, rather than denied. */
	KUNIT_EXPECT_EQ(test, -EINVAL, import(test, file, 0));
}

static void fences_can_be_looked_at_with_everything_denied(struct kunit *test)
{
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_set_deadline deadline = { .flags = DMA_BUF_SYNC_RW };
	struct mock_buf *mock;
	struct file *file = narrowed_buf(test, &mock, DMA_BUF_NARROW_VALID_FLAGS);

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args,
					    sizeof(args)));
	close_later(test, args.fd);
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_IOCTL_SET_DEADLINE, &deadline,
					    sizeof(deadline)));
	KUNIT_EXPECT_EQ(test, -ENOTTY, mock_ioctl(test, file, _IO(DMA_BUF_BASE, 0x7f), &args,
						  sizeof(args)));
}

static void what_is_denied_stays_denied(struct kunit *test)
{
	struct mock_buf *mock;
	struct file *first = narrowed_buf(test, &mock, DMA_BUF_NARROW_NO_RENAME);
	struct file *second = narrowed(test, first, DMA_BUF_NARROW_NO_CPU_WRITE);
	struct file *third = narrowed(test, second, DMA_BUF_NARROW_NO_FENCES);
	char name[] = "name";

	KUNIT_EXPECT_NOT_NULL(test, strstr(mock_fdinfo(test, third),
					   "denied:\tcpu-write rename fences\n"));
	KUNIT_EXPECT_EQ(test, -EACCES,
			mock_ioctl(test, third, DMA_BUF_SET_NAME, name, sizeof(name)));
	KUNIT_EXPECT_EQ(test, -EACCES, sync(test, third, DMA_BUF_SYNC_WRITE));
	/* And it is not denied to those it was made of. */
	KUNIT_EXPECT_EQ(test, 0, sync(test, first, DMA_BUF_SYNC_WRITE));
	KUNIT_EXPECT_EQ(test, 0, import(test, second, DMA_BUF_SYNC_WRITE));
}

/* How a buffer was exported, and what that leaves with and without CPU writes. */
static const struct mode {
	const char *name;
	int exported;
	fmode_t narrowed, no_write;
} modes[] = {
	{ "read-write", O_RDWR, FMODE_READ | FMODE_WRITE, FMODE_READ },
	{ "read-only", O_RDONLY, FMODE_READ, FMODE_READ },
	{ "write-only", O_WRONLY, FMODE_WRITE, 0 },
};

KUNIT_ARRAY_PARAM_DESC(mode, modes, name);

static void no_more_is_possible_than_with_the_buffers_file(struct kunit *test)
{
	const struct mode *param = test->param_value;
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;
	struct file *file;

	mock_buf_describe(mock, &info, 0);
	info.flags = param->exported;
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	file = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_RENAME);
	KUNIT_EXPECT_EQ(test, (__force u32)param->narrowed,
			(__force u32)(file->f_mode & (FMODE_READ | FMODE_WRITE)));
	file = narrowed(test, mock->dmabuf->file, DMA_BUF_NARROW_NO_CPU_WRITE);
	KUNIT_EXPECT_EQ(test, (__force u32)param->no_write,
			(__force u32)(file->f_mode & (FMODE_READ | FMODE_WRITE)));
}

/* ---- The ioctl ---- */

static void ioctl_refuses_what_it_does_not_know(struct kunit *test)
{
	struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY, .pad = 1 };
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	int fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -EINVAL, narrow(test, file, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, narrow(test, file, DMA_BUF_NARROW_READ_ONLY | 16));
	KUNIT_EXPECT_EQ(test, -EINVAL, narrow(test, file, DMA_BUF_NARROW_READ_ONLY | BIT(31)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			narrow_as(test, file, DMA_BUF_NARROW_READ_ONLY, O_NONBLOCK));
	KUNIT_EXPECT_EQ(test, -EINVAL, narrow_as(test, file, DMA_BUF_NARROW_READ_ONLY, O_RDWR));
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_ioctl(test, file, DMA_BUF_IOCTL_NARROW, &args,
						  sizeof(args)));
	args.pad = 0;
	expect_size_checked(test, file, DMA_BUF_IOCTL_NARROW, &args);
	KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 1, file_count(file));
}

static void structure_may_be_of_a_newer_header(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	struct {
		struct dma_buf_narrow known;
		u8 newer[9];
	} args = { .known = { .flags = DMA_BUF_NARROW_READ_ONLY, .fd = -1 } };

	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file,
					    mock_sized(DMA_BUF_IOCTL_NARROW, sizeof(args)),
					    &args, sizeof(args)));
	close_later(test, args.known.fd);
}

static void descriptor_is_closed_on_exec_if_asked_for(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	long open = narrow_as(test, file, DMA_BUF_NARROW_READ_ONLY, 0);
	long closed = narrow_as(test, file, DMA_BUF_NARROW_READ_ONLY, O_CLOEXEC);

	close_later(test, open);
	close_later(test, closed);
	KUNIT_EXPECT_FALSE(test, fd_is_cloexec(open));
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(closed));
}

static void descriptor_that_cannot_be_told_of_is_not_left(struct kunit *test)
{
	struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY };
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	void __user *arg = user_constant(test, &args, sizeof(args));
	int of = file_fd(test, get_file(file)), fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(of, DMA_BUF_IOCTL_NARROW, arg));
	KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 2, file_count(file));
}

static void full_table_is_emfile(struct kunit *test)
{
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	unsigned long limit = limit_fds(0);
	long ret = narrow(test, file, DMA_BUF_NARROW_READ_ONLY);

	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, ret);
	KUNIT_EXPECT_EQ(test, 1, file_count(file));
}

/* The ioctl on an argument that lies in user memory already. */
static long narrow_at(struct file *file, void __user *arg)
{
	return file->f_op->unlocked_ioctl(file, DMA_BUF_IOCTL_NARROW, (unsigned long)arg);
}

static void shortage_leaves_nothing(struct kunit *test)
{
	struct dma_buf_narrow args = { .flags = DMA_BUF_NARROW_READ_ONLY };
	struct file *file = mock_buf(test, PAGE_SIZE, 0)->dmabuf->file;
	void __user *arg = user_memory(test, sizeof(args));
	int fd = lowest_free_fd(), nth;
	struct file_limit *limit;
	long ret;

	needs_failslab(test);
	mock_to_user(test, arg, &args, sizeof(args));
	limit = files_run_out(test);
	ret = narrow_at(file, arg);
	files_return(limit);
	KUNIT_EXPECT_EQ(test, -ENFILE, ret);
	KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
	KUNIT_EXPECT_EQ(test, 1, file_count(file));

	for_each_failing_allocation(test, nth, ret = narrow_at(file, arg)) {
		KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
		KUNIT_EXPECT_EQ(test, 1, file_count(file));
	}
	/* What is behind the file, and the file: that much can fail at least. */
	KUNIT_EXPECT_GT(test, nth, 2);
	KUNIT_ASSERT_EQ(test, 0, ret);
	close_later(test, fd);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_narrow_cases[] = {
	KUNIT_CASE(drivers_get_the_same_buffer),
	KUNIT_CASE(inode_path_and_size_are_those_of_the_buffer),
	KUNIT_CASE(fdinfo_tells_what_is_denied),
	KUNIT_CASE(poll_waits_for_the_buffers_fences),
	KUNIT_CASE(mapping_belongs_to_the_buffers_file),
	KUNIT_CASE(mapping_that_the_exporter_refuses_leaves_nothing),
	KUNIT_CASE_PARAM(buffer_lives_as_long_as_any_of_its_files, order_gen_params),
	KUNIT_CASE(cpu_cannot_write),
	KUNIT_CASE(cpu_cannot_claim_to_write),
	KUNIT_CASE(no_driver_gets_the_buffer),
	KUNIT_CASE(buffer_keeps_its_name),
	KUNIT_CASE_PARAM(nobody_is_kept_waiting_without_the_right, fences_gen_params),
	KUNIT_CASE(fences_can_be_looked_at_with_everything_denied),
	KUNIT_CASE(what_is_denied_stays_denied),
	KUNIT_CASE_PARAM(no_more_is_possible_than_with_the_buffers_file, mode_gen_params),
	KUNIT_CASE(ioctl_refuses_what_it_does_not_know),
	KUNIT_CASE(structure_may_be_of_a_newer_header),
	KUNIT_CASE(descriptor_is_closed_on_exec_if_asked_for),
	KUNIT_CASE(descriptor_that_cannot_be_told_of_is_not_left),
	KUNIT_CASE(full_table_is_emfile),
	KUNIT_CASE(shortage_leaves_nothing),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_narrow_suite = {
	.name = "dma-buf-narrow",
	.test_cases = dma_buf_narrow_cases,
};

kunit_test_suite(dma_buf_narrow_suite);
