// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers whose exporter is the test itself, importers that count what they
 * are told, and user memory to make system calls from.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <kunit/device.h>
#include <kunit/test.h>

#include "mock-buf.h"

static atomic_t alive = ATOMIC_INIT(0);

/* Note a callback that did not find the reservation as it must be. */
static struct mock_buf *enter(struct dma_buf *dmabuf, bool locked)
{
	struct mock_buf *mock = dmabuf->priv;

	if (dma_resv_is_locked(dmabuf->resv) != locked)
		mock->calls.wrong_lock++;
	return mock;
}

static int mock_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct mock_buf *mock = enter(dmabuf, false);

	mock->calls.attach++;
	return mock->attach_err;
}

static void mock_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	enter(dmabuf, false)->calls.detach++;
}

static int mock_pin(struct dma_buf_attachment *attach)
{
	struct mock_buf *mock = enter(attach->dmabuf, true);

	if (mock->pin_err)
		return mock->pin_err;
	mock->calls.pin++;
	return 0;
}

static void mock_unpin(struct dma_buf_attachment *attach)
{
	enter(attach->dmabuf, true)->calls.unpin++;
}

/* One entry per page, each with a DMA address of its own. */
static struct sg_table *mock_table(struct mock_buf *mock)
{
	unsigned int i, pages = PAGE_ALIGN(mock->size) >> PAGE_SHIFT;
	struct scatterlist *sg;
	struct sg_table *sgt;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt || sg_alloc_table(sgt, pages, GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}
	for_each_sgtable_sg(sgt, sg, i) {
		sg_set_page(sg, virt_to_page(mock->vaddr + i * PAGE_SIZE), PAGE_SIZE, 0);
		sg_dma_address(sg) = MOCK_BUF_DMA_BASE + i * PAGE_SIZE;
		sg_dma_len(sg) = PAGE_SIZE;
	}
	return sgt;
}

static struct sg_table *mock_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct mock_buf *mock = enter(attach->dmabuf, true);
	struct sg_table *sgt;

	if (mock->map_err)
		return mock->map_err == -ENODATA ? NULL : ERR_PTR(mock->map_err);
	sgt = mock_table(mock);
	if (IS_ERR(sgt))
		return sgt;
	mock->calls.map++;
	mock->mapped++;
	mock->dir = dir;
	mock->last_sgt = sgt;
	if (mock->no_cpu_list)
		sgt->orig_nents = 0;
	return sgt;
}

static void mock_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		       enum dma_data_direction dir)
{
	struct mock_buf *mock = enter(attach->dmabuf, true);

	mock->unmap_ok = sgt == mock->last_sgt && sg_virt(sgt->sgl) == mock->vaddr &&
			     dir == mock->dir;
	mock->calls.unmap++;
	mock->mapped--;
	sgt->orig_nents = sgt->nents;
	sg_free_table(sgt);
	kfree(sgt);
}

static int mock_begin(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct mock_buf *mock = enter(dmabuf, false);

	mock->calls.begin++;
	mock->dir = dir;
	if (mock->on_begin)
		mock->on_begin(mock);
	return mock->begin_err;
}

static int mock_end(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct mock_buf *mock = enter(dmabuf, false);

	mock->calls.end++;
	mock->dir = dir;
	return mock->end_err;
}

static int mock_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct mock_buf *mock = enter(dmabuf, false);

	mock->calls.mmap++;
	if (mock->mmap_err)
		return mock->mmap_err;
	return remap_pfn_range(vma, vma->vm_start,
			       page_to_pfn(virt_to_page(mock->vaddr)) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static int mock_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct mock_buf *mock = enter(dmabuf, true);

	if (mock->vmap_err)
		return mock->vmap_err;
	mock->calls.vmap++;
	iosys_map_set_vaddr(map, mock->vaddr);
	return 0;
}

static void mock_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct mock_buf *mock = enter(dmabuf, true);

	if (map->vaddr == mock->vaddr)
		mock->calls.vunmap++;
}

static void mock_release(struct dma_buf *dmabuf)
{
	struct mock_buf *mock = enter(dmabuf, false);

	if (mock->on_release)
		mock->on_release(mock);
	atomic_dec(&alive);
	complete(&mock->released);
}

static const struct dma_buf_ops bare_ops = {
	.map_dma_buf = mock_map,
	.unmap_dma_buf = mock_unmap,
	.release = mock_release,
};

static const struct dma_buf_ops full_ops = {
	.attach = mock_attach,
	.detach = mock_detach,
	.map_dma_buf = mock_map,
	.unmap_dma_buf = mock_unmap,
	.release = mock_release,
	.begin_cpu_access = mock_begin,
	.end_cpu_access = mock_end,
	.mmap = mock_mmap,
	.vmap = mock_vmap,
	.vunmap = mock_vunmap,
};

void mock_buf_describe(struct mock_buf *mock, struct dma_buf_export_info *info, unsigned int kind)
{
	mock->ops = kind & MOCK_BUF_BARE ? bare_ops : full_ops;
	if (kind & MOCK_BUF_DYNAMIC) {
		mock->ops.pin = mock_pin;
		mock->ops.unpin = mock_unpin;
	}
	mock->ops.cache_sgt_mapping = kind & MOCK_BUF_CACHED;

	*info = (struct dma_buf_export_info) {
		.exp_name = "mock",
		.owner = THIS_MODULE,
		.ops = &mock->ops,
		.size = mock->size,
		.flags = O_RDWR,
		.resv = kind & MOCK_BUF_SHARED_RESV ? &mock->own_resv : NULL,
		.priv = mock,
	};
}

int mock_buf_export(struct mock_buf *mock, const struct dma_buf_export_info *info)
{
	struct dma_buf *dmabuf = dma_buf_export(info);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	mock->dmabuf = dmabuf;
	atomic_inc(&alive);
	return 0;
}

bool mock_buf_wait_released(struct mock_buf *mock)
{
	/* Kernel threads close files in a work item. */
	flush_delayed_fput();
	return wait_for_completion_timeout(&mock->released, HZ);
}

bool mock_buf_put(struct mock_buf *mock)
{
	struct dma_buf *dmabuf = mock->dmabuf;

	mock->dmabuf = NULL;
	dma_buf_put(dmabuf);
	return mock_buf_wait_released(mock);
}

static void mock_buf_free(void *data)
{
	struct mock_buf *mock = data;

	/* The memory of a buffer that somebody still holds is left alone. */
	if (mock->dmabuf && !mock_buf_put(mock))
		return;
	dma_resv_fini(&mock->own_resv);
	free_pages_exact(mock->vaddr, PAGE_ALIGN(mock->size));
	kfree(mock);
}

struct mock_buf *mock_buf_prepare(struct kunit *test, size_t size)
{
	struct mock_buf *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mock);
	mock->vaddr = alloc_pages_exact(PAGE_ALIGN(size), GFP_KERNEL | __GFP_ZERO);
	if (!mock->vaddr)
		kfree(mock);
	KUNIT_ASSERT_NOT_NULL(test, mock->vaddr);
	mock->size = size;
	dma_resv_init(&mock->own_resv);
	init_completion(&mock->released);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_buf_free, mock));
	return mock;
}

struct mock_buf *mock_buf(struct kunit *test, size_t size, unsigned int kind)
{
	struct mock_buf *mock = mock_buf_prepare(test, size);
	struct dma_buf_export_info info;

	mock_buf_describe(mock, &info, kind);
	KUNIT_ASSERT_EQ(test, 0, mock_buf_export(mock, &info));
	return mock;
}

void mock_signal_self(void)
{
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
}

void mock_signal_clear(void)
{
	flush_signals(current);
	disallow_signal(SIGUSR1);
}

void mock_buf_add_fence(struct kunit *test, struct dma_buf *dmabuf, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	int ret;

	dma_resv_lock(dmabuf->resv, NULL);
	ret = dma_resv_reserve_fences(dmabuf->resv, 1);
	if (!ret)
		dma_resv_add_fence(dmabuf->resv, fence, usage);
	dma_resv_unlock(dmabuf->resv);
	KUNIT_ASSERT_EQ(test, 0, ret);
}

int mock_buf_alive(void)
{
	return atomic_read(&alive);
}

static void mock_move_notify(struct dma_buf_attachment *attach)
{
	struct mock_importer *importer = attach->importer_priv;

	importer->moves++;
	if (!dma_resv_is_locked(attach->dmabuf->resv))
		importer->unlocked_moves++;
}

static void mock_invalidate_mappings(struct dma_buf_attachment *attach)
{
	struct mock_importer *importer = attach->importer_priv;

	importer->invalidations++;
	if (!dma_resv_is_locked(attach->dmabuf->resv))
		importer->unlocked_moves++;
}

const struct dma_buf_attach_ops mock_importer_ops = {
	.allow_peer2peer = true,
	.move_notify = mock_move_notify,
};

const struct dma_buf_attach_ops mock_revocable_ops = {
	.invalidate_mappings = mock_invalidate_mappings,
};

const struct dma_buf_attach_ops mock_bilingual_ops = {
	.move_notify = mock_move_notify,
	.invalidate_mappings = mock_invalidate_mappings,
};

struct device *mock_device(struct kunit *test, const char *name)
{
	struct device *dev = kunit_device_register(test, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	return dev;
}

struct mock_importer *mock_importer(struct kunit *test)
{
	struct mock_importer *importer = kunit_kzalloc(test, sizeof(*importer), GFP_KERNEL);
	static unsigned int last;

	KUNIT_ASSERT_NOT_NULL(test, importer);
	/* Each of these devices comes with a driver, and no two may share a name. */
	snprintf(importer->name, sizeof(importer->name), "mock-importer-%u", ++last);
	importer->dev = mock_device(test, importer->name);
	return importer;
}

void __user *mock_user_page(struct kunit *test)
{
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
					   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, 0, addr);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return (void __user *)addr;
}

void __user *mock_bad_user(struct kunit *test)
{
	void __user *page = mock_user_page(test);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap((unsigned long)page, PAGE_SIZE));
	return page;
}

void mock_to_user(struct kunit *test, void __user *to, const void *from, size_t len)
{
	KUNIT_ASSERT_EQ(test, 0, copy_to_user(to, from, len));
}

void mock_from_user(struct kunit *test, void *to, const void __user *from, size_t len)
{
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(to, from, len));
}

long mock_ioctl(struct kunit *test, struct file *file, unsigned int cmd, void *arg, size_t len)
{
	void __user *uarg = mock_user_page(test);
	long ret;

	mock_to_user(test, uarg, arg, len);
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)uarg);
	mock_from_user(test, arg, uarg, len);
	return ret;
}

void expect_size_checked(struct kunit *test, struct file *file, unsigned int cmd,
			 const void *args)
{
	void __user *page = mock_user_page(test), *bad = mock_bad_user(test);
	long (*ioctl)(struct file *, unsigned int, unsigned long) = file->f_op->unlocked_ioctl;
	size_t size = _IOC_SIZE(cmd);
	char one = 1;

	mock_to_user(test, page, args, size);
	mock_to_user(test, page + size + 8, &one, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, ioctl(file, mock_sized(cmd, 0), (unsigned long)page));
	KUNIT_EXPECT_EQ(test, -EINVAL, ioctl(file, mock_sized(cmd, size - 1), (unsigned long)page));
	KUNIT_EXPECT_EQ(test, -E2BIG, ioctl(file, mock_sized(cmd, size + 9), (unsigned long)page));
	KUNIT_EXPECT_EQ(test, -E2BIG, ioctl(file, mock_sized(cmd, 1000), (unsigned long)page));
	KUNIT_EXPECT_EQ(test, -EFAULT, ioctl(file, cmd, (unsigned long)bad));
	KUNIT_EXPECT_EQ(test, -EFAULT, ioctl(file, mock_sized(cmd, 1000), (unsigned long)bad));
	KUNIT_EXPECT_EQ(test, -EFAULT, ioctl(file, cmd, 0));
}

char *mock_fdinfo(struct kunit *test, struct file *file)
{
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	file->f_op->show_fdinfo(&m, file);
	KUNIT_ASSERT_LT(test, m.count, m.size);
	m.buf[m.count] = '\0';
	return m.buf;
}

bool fd_is_cloexec(int fd)
{
	guard(rcu)();
	return close_on_exec(fd, current->files);
}

struct mock_mount {
	struct vfsmount *mnt;
	struct file *file;
};

static void mock_fs_close(void *data)
{
	struct mock_mount *mount = data;

	if (!IS_ERR_OR_NULL(mount->file))
		__fput_sync(mount->file);
	kern_unmount(mount->mnt);
}

struct file *mock_fs_open(struct kunit *test, const char *type, const char *path, int flags)
{
	struct mock_mount *mount = kunit_kzalloc(test, sizeof(*mount), GFP_KERNEL);
	/* Built in, so it does not matter that nobody can put it from a module. */
	struct file_system_type *fs = get_fs_type(type);

	KUNIT_ASSERT_NOT_NULL(test, mount);
	KUNIT_ASSERT_NOT_NULL(test, fs);
	mount->mnt = kern_mount(fs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mount->mnt);
	mount->file = file_open_root_mnt(mount->mnt, path, flags, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_fs_close, mount));
	return mount->file;
}

/* Old files read to user memory only, new ones to any. */
static ssize_t mock_read_some(struct kunit *test, struct file *file, char *to, size_t len,
			      loff_t *pos)
{
	void __user *page;
	ssize_t got;

	if (!file->f_op->read)
		return kernel_read(file, to, len, pos);

	page = mock_user_page(test);
	got = file->f_op->read(file, page, min(len, PAGE_SIZE), pos);
	if (got > 0)
		mock_from_user(test, to, page, got);
	return got;
}

char *mock_fs_read(struct kunit *test, struct file *file, loff_t *pos, size_t chunk)
{
	const size_t room = SZ_256K;
	char *text = kunit_kzalloc(test, room, GFP_KERNEL);
	size_t len = 0;
	ssize_t got;

	KUNIT_ASSERT_NOT_NULL(test, text);
	while ((got = mock_read_some(test, file, text + len, chunk, pos)) > 0) {
		len += got;
		KUNIT_ASSERT_LT(test, len + chunk, room);
	}
	KUNIT_EXPECT_EQ(test, 0, got);
	return text;
}

void mock_fs_write(struct kunit *test, struct file *file, const char *text)
{
	ssize_t len = strlen(text);
	void __user *page;
	loff_t pos = 0;

	if (!file->f_op->write) {
		KUNIT_ASSERT_EQ(test, len, kernel_write(file, text, len, &pos));
		return;
	}
	page = mock_user_page(test);
	mock_to_user(test, page, text, len);
	KUNIT_ASSERT_EQ(test, len, file->f_op->write(file, page, len, &pos));
}

char *mock_bufinfo(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "debugfs", "dma_buf/bufinfo", O_RDONLY);
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	return mock_fs_read(test, file, &pos, PAGE_SIZE);
}

MODULE_IMPORT_NS(DMA_BUF);
