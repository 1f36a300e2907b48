// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a test needs to behave like a process: memory, descriptors, ioctls.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "sync-user.h"

static void __user *map(struct kunit *test, struct file *file, unsigned long at,
			size_t size, unsigned long prot, unsigned long flags)
{
	unsigned long addr = kunit_vm_mmap(test, file, at, PAGE_ALIGN(size), prot,
					   flags, 0);

	KUNIT_ASSERT_NE_MSG(test, addr, 0, "no user memory");
	KUNIT_ASSERT_LT_MSG(test, addr, (unsigned long)TASK_SIZE, "mmap failed: %ld",
			    (long)addr);
	return (void __user *)addr;
}

void __user *user_memory(struct kunit *test, size_t size)
{
	return map(test, NULL, 0, size, PROT_READ | PROT_WRITE,
		   MAP_ANONYMOUS | MAP_PRIVATE);
}

void __user *user_constant(struct kunit *test, const void *data, size_t size)
{
	struct file *file = shmem_file_setup("constant", PAGE_ALIGN(size), 0);
	void __user *addr;
	loff_t pos = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, (ssize_t)size, kernel_write(file, data, size, &pos));
	addr = map(test, file, 0, size, PROT_READ, MAP_SHARED);
	fput(file);
	return addr;
}

void __user *user_hole(struct kunit *test)
{
	return map(test, NULL, 0, PAGE_SIZE, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE);
}

void __user *user_page_before_hole(struct kunit *test)
{
	void __user *both = map(test, NULL, 0, 2 * PAGE_SIZE, PROT_NONE,
				MAP_ANONYMOUS | MAP_PRIVATE);

	return map(test, NULL, (unsigned long)both, PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED);
}

void user_read(struct kunit *test, void *to, const void __user *from, size_t size)
{
	KUNIT_ASSERT_EQ(test, 0UL, copy_from_user(to, from, size));
}

static void close_action(void *data)
{
	close_fd((long)data);
	/* A kernel thread's last fput() leaves the release to a worker. */
	flush_delayed_fput();
}

void close_now(struct kunit *test, int fd)
{
	kunit_release_action(test, close_action, (void *)(long)fd);
}

void close_later(struct kunit *test, int fd)
{
	void *data = (void *)(long)fd;

	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, close_action, data));
}

int file_fd(struct kunit *test, struct file *file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	close_later(test, fd);
	return fd;
}

int sync_fd(struct kunit *test, struct dma_fence *fence)
{
	struct sync_file *sync_file = sync_file_create(fence);

	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	return file_fd(test, sync_file->file);
}

long fd_ioctl(int fd, unsigned int cmd, void __user *arg)
{
	struct file *file = fget(fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)arg);
	/* User-Mode Linux comes back from a fault in the kernel with them off. */
	if (IS_ENABLED(CONFIG_UML) && irqs_disabled())
		local_irq_enable();
	fput(file);
	return ret;
}

long fd_ioctl_data(struct kunit *test, int fd, unsigned int cmd, void *data,
		   size_t size)
{
	void __user *arg = user_memory(test, size);
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, data, size));
	ret = fd_ioctl(fd, cmd, arg);
	user_read(test, data, arg, size);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap((unsigned long)arg, PAGE_ALIGN(size)));
	return ret;
}

long fd_file_info(struct kunit *test, int fd, struct sync_file_info *info,
		  struct sync_fence_info __user *list, u32 room)
{
	*info = (struct sync_file_info) {
		.num_fences = room,
		.sync_fence_info = (uintptr_t)list,
	};
	return fd_ioctl_data(test, fd, SYNC_IOC_FILE_INFO, info, sizeof(*info));
}

int lowest_free_fd(void)
{
	int fd = get_unused_fd_flags(0);

	if (fd >= 0)
		put_unused_fd(fd);
	return fd;
}

unsigned long limit_fds(unsigned long max)
{
	return xchg(&current->signal->rlim[RLIMIT_NOFILE].rlim_cur, max);
}

static void unmount(void *mnt)
{
	kern_unmount(mnt);
}

struct file *debugfs_open(struct kunit *test, const char *name, int flags)
{
	struct file_system_type *type = get_fs_type("debugfs");
	struct vfsmount *mnt;
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = kern_mount(type);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unmount, mnt));

	file = file_open_root_mnt(mnt, name, flags, 0);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%s: %pe", name, file);
	return file;
}

int sw_sync_open(struct kunit *test)
{
	return file_fd(test, debugfs_open(test, "sync/sw_sync", O_RDWR));
}

int sw_sync_fence(struct kunit *test, int timeline, u32 value)
{
	struct sw_sync_create data = { .value = value };

	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, timeline, SW_SYNC_CREATE, &data,
					       sizeof(data)));
	close_later(test, data.fence);
	return data.fence;
}

struct dma_fence *sw_sync_point(struct kunit *test, int timeline, u32 value)
{
	int fd = sw_sync_fence(test, timeline, value);
	struct dma_fence *fence = sync_file_get_fence(fd);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	close_now(test, fd);
	return fence;
}

long sw_sync_inc(struct kunit *test, int timeline, u32 step)
{
	return fd_ioctl_data(test, timeline, SW_SYNC_INC, &step, sizeof(step));
}
