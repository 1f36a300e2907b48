// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers whose exporter is the test itself, importers that count what they
 * are told, and user memory to make system calls from.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/scatterlist.h>
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
	struct dma_buf *dmabuf;

	mock_buf_describe(mock, &info, kind);
	dmabuf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	mock->dmabuf = dmabuf;
	atomic_inc(&alive);
	return mock;
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

const struct dma_buf_attach_ops mock_importer_ops = {
	.allow_peer2peer = true,
	.move_notify = mock_move_notify,
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

	KUNIT_ASSERT_NOT_NULL(test, importer);
	importer->dev = mock_device(test, "mock-importer");
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

/* Open @path of debugfs, which need not be mounted anywhere. */
static struct file *debugfs_open(struct kunit *test, const char *path)
{
	struct file_system_type *type = get_fs_type("debugfs");
	struct vfsmount *mnt;
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = kern_mount(type);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mnt);
	file = file_open_root_mnt(mnt, path, O_RDONLY, 0);
	mntput(mnt);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	return file;
}

char *mock_debugfs_read(struct kunit *test, const char *path, size_t chunk)
{
	const size_t room = SZ_256K;
	void __user *page = mock_user_page(test);
	char *text = kunit_kzalloc(test, room, GFP_KERNEL);
	struct file *file = debugfs_open(test, path);
	size_t len = 0;
	ssize_t got;
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_NULL(test, text);
	while ((got = file->f_op->read(file, page, min_t(size_t, chunk, PAGE_SIZE), &pos)) > 0) {
		KUNIT_ASSERT_LT(test, len + got, room);
		mock_from_user(test, text + len, page, got);
		len += got;
	}
	fput(file);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, got);
	return text;
}
