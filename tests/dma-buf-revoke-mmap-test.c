// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-revoke.c guarantees to exporters about mappings of processes.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/syscalls.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "paged-fixture.h"

#define PAGES	3

/* How many pages of the mapping at @addr the process can read or write. */
static unsigned int pages_alive(unsigned long addr, unsigned int pages)
{
	unsigned int alive = 0;
	u32 word = 0;

	for (; pages; pages--, addr += PAGE_SIZE)
		alive += user_get(addr, &word) | user_put(addr, word);
	return alive;
}

static void populated_mapping_is_gone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGES * PAGE_SIZE, 0);
	unsigned long addr = map_shared(test, mock->dmabuf, 0, PAGES);

	KUNIT_EXPECT_EQ(test, PAGES, pages_alive(addr, PAGES));
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr, PAGES));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES * PAGE_SIZE));
}

/* The exporter of the heaps and of udmabuf has a fault handler. */
static void fault_handler_is_not_asked_any_more(struct kunit *test)
{
	struct dma_buf *dmabuf = scattered_buffer(test);
	unsigned long touched = map_shared(test, dmabuf, 0, SCATTERED_PAGES);
	unsigned long untouched = map_shared(test, dmabuf, 2, 4);

	expect_marks_in_user(test, dmabuf, touched, 0, SCATTERED_PAGES);
	dma_buf_revoke(dmabuf);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(touched, SCATTERED_PAGES));
	KUNIT_EXPECT_EQ(test, 0, pages_alive(untouched, 4));
}

static void new_mapping_is_refused(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGES * PAGE_SIZE, 0);

	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)map_buffer(test, mock->dmabuf, 0, 1, PROT_READ, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, 0, mock->calls.mmap);
}

/* An exporter that counts its mappings. */
static unsigned int opens, closes, faults;

static void counting_open(struct vm_area_struct *vma)
{
	opens++;
}

static void counting_close(struct vm_area_struct *vma)
{
	closes++;
}

static vm_fault_t counting_fault(struct vm_fault *vmf)
{
	struct mock_buf *mock = vmf->vma->vm_private_data;
	struct page *page = virt_to_page(mock->vaddr + (vmf->pgoff << PAGE_SHIFT));

	faults++;
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
}

static const struct vm_operations_struct counting_vm_ops = {
	.open = counting_open,
	.close = counting_close,
	.fault = counting_fault,
};

static int counting_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &counting_vm_ops;
	vma->vm_private_data = dmabuf->priv;
	opens++;
	return 0;
}

static struct mock_buf *counting_buf(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGES * PAGE_SIZE, 0);

	mock->ops.mmap = counting_mmap;
	opens = 0;
	closes = 0;
	faults = 0;
	return mock;
}

static void exporter_sees_every_mapping_end_once(struct kunit *test)
{
	struct mock_buf *mock = counting_buf(test);
	unsigned long one = map_shared(test, mock->dmabuf, 0, PAGES);
	unsigned long two = map_shared(test, mock->dmabuf, 1, 1);
	unsigned int before;

	KUNIT_EXPECT_EQ(test, PAGES, pages_alive(one, PAGES));
	/* One that is split in two by a hole. */
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(one + PAGE_SIZE, PAGE_SIZE));
	before = faults;
	KUNIT_EXPECT_EQ(test, 3, opens - closes);

	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, opens, closes);
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(one, 1));
	KUNIT_EXPECT_EQ(test, 0, pages_alive(one + 2 * PAGE_SIZE, 1));
	KUNIT_EXPECT_EQ(test, 0, pages_alive(two, 1));
	KUNIT_EXPECT_EQ(test, before, faults);

	KUNIT_EXPECT_EQ(test, 0, vm_munmap(one, PAGES * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(two, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, opens, closes);
}

static void split_of_a_gone_mapping_is_gone(struct kunit *test)
{
	struct mock_buf *mock = counting_buf(test);
	unsigned long addr = map_shared(test, mock->dmabuf, 0, PAGES);

	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr, 1));
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr + 2 * PAGE_SIZE, 1));
	KUNIT_EXPECT_EQ(test, opens, closes);
	KUNIT_EXPECT_EQ(test, 0, faults);
}

static void mapping_keeps_a_revoked_buffer(struct kunit *test)
{
	struct mock_buf *mock = counting_buf(test);
	unsigned long addr = map_shared(test, mock->dmabuf, 0, PAGES);

	dma_buf_revoke(mock->dmabuf);
	dma_buf_put(mock->dmabuf);
	flush_delayed_fput();
	KUNIT_EXPECT_FALSE(test, completion_done(&mock->released));
	mock->dmabuf = NULL;
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, mock_buf_wait_released(mock));
}

/* As drm_prime does: the mappings of all buffers of a device are in one place. */
static void buffer_beside_it_stays_mapped(struct kunit *test)
{
	struct mock_buf *gone = mock_buf(test, PAGES * PAGE_SIZE, 0);
	struct mock_buf *stays = mock_buf(test, PAGES * PAGE_SIZE, 0);
	unsigned long one, two;

	gone->dmabuf->file->f_mapping = stays->dmabuf->file->f_mapping;
	one = map_shared(test, gone->dmabuf, 0, PAGES);
	two = map_shared(test, stays->dmabuf, 0, PAGES);
	dma_buf_revoke(gone->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(one, PAGES));
	KUNIT_EXPECT_EQ(test, PAGES, pages_alive(two, PAGES));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(one, PAGES * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(two, PAGES * PAGE_SIZE));
}

/* A driver that shows a buffer of somebody else. */
static int forward_mmap(struct file *file, struct vm_area_struct *vma)
{
	return dma_buf_mmap(file->private_data, vma, 0);
}

static const struct file_operations forward_fops = {
	.mmap = forward_mmap,
};

static void mapping_through_another_driver_is_gone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGES * PAGE_SIZE, 0);
	struct file *file = anon_inode_getfile("[forwarder]", &forward_fops, mock->dmabuf, O_RDWR);
	unsigned long addr;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	addr = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, 0);
	KUNIT_EXPECT_EQ(test, PAGES, pages_alive(addr, PAGES));
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr, PAGES));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			(long)kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES * PAGE_SIZE));
	__fput_sync(file);
}

/* Somebody who revokes a buffer while a process is in mmap(). */
struct revoker {
	struct dma_buf *dmabuf;
	struct task_struct *task;
	int (*mmap)(struct dma_buf *dmabuf, struct vm_area_struct *vma);
	struct completion done;
};

static int revoker_thread(void *data)
{
	struct revoker *revoker = data;

	dma_buf_revoke(revoker->dmabuf);
	complete(&revoker->done);
	return 0;
}

/* Comes back with the buffer revoked and the mapping set up all the same. */
static int mmap_meanwhile(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct mock_buf *mock = dmabuf->priv;
	struct revoker *revoker = mock->data;

	revoker->task = kthread_run(revoker_thread, revoker, "revoker");
	if (IS_ERR(revoker->task))
		return PTR_ERR(revoker->task);
	while (!dma_buf_is_revoked(dmabuf))
		schedule_timeout_uninterruptible(1);
	return revoker->mmap(dmabuf, vma);
}

static void mapping_that_is_made_meanwhile_is_gone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGES * PAGE_SIZE, 0);
	struct revoker revoker = { .dmabuf = mock->dmabuf, .mmap = mock->ops.mmap };
	unsigned long addr;

	init_completion(&revoker.done);
	mock->data = &revoker;
	mock->ops.mmap = mmap_meanwhile;
	addr = map_buffer(test, mock->dmabuf, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR(revoker.task));
	wait_for_completion(&revoker.done);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 1, mock->calls.mmap);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr, PAGES));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES * PAGE_SIZE));
}

/* Somebody who maps a buffer into a process of their own and looks again when told. */
struct other_process {
	struct dma_buf *dmabuf;
	struct mm_struct *mm;
	unsigned int before, after;
	struct completion mapped, go, done;
};

static int other_thread(void *data)
{
	struct other_process *other = data;
	unsigned long addr;

	kthread_use_mm(other->mm);
	addr = vm_mmap(other->dmabuf->file, 0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED, 0);
	if (!IS_ERR_VALUE(addr))
		other->before = pages_alive(addr, PAGES);
	complete(&other->mapped);
	wait_for_completion(&other->go);
	other->after = pages_alive(addr, PAGES);
	vm_munmap(addr, PAGES * PAGE_SIZE);
	kthread_unuse_mm(other->mm);
	complete(&other->done);
	return 0;
}

static void put_mm(void *mm)
{
	mmput(mm);
}

static struct mm_struct *new_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_mm, mm));
	mm->task_size = TASK_SIZE;
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	return mm;
}

static void it_is_gone_from_every_process(struct kunit *test)
{
	struct mock_buf *mock = counting_buf(test);
	struct other_process others[3];
	unsigned long addr;
	int i;

	addr = map_shared(test, mock->dmabuf, 0, PAGES);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = (struct other_process){ .dmabuf = mock->dmabuf, .mm = new_mm(test) };
		init_completion(&others[i].mapped);
		init_completion(&others[i].go);
		init_completion(&others[i].done);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(other_thread, &others[i], "other")));
		wait_for_completion(&others[i].mapped);
		KUNIT_EXPECT_EQ(test, PAGES, others[i].before);
	}
	dma_buf_revoke(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 1 + ARRAY_SIZE(others), closes);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		complete(&others[i].go);
		wait_for_completion(&others[i].done);
		KUNIT_EXPECT_EQ(test, 0, others[i].after);
	}
	KUNIT_EXPECT_EQ(test, 0, pages_alive(addr, PAGES));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, PAGES * PAGE_SIZE));
}

/* Elsewhere a system call cannot be called from inside of the kernel. */
#if defined(CONFIG_UML) && IS_BUILTIN(CONFIG_DMABUF_KUNIT_TEST)
static void mremap_brings_nothing_back(struct kunit *test)
{
	struct mock_buf *mock = counting_buf(test);
	unsigned long old = map_shared(test, mock->dmabuf, 0, PAGES), new;
	unsigned long to = map_shared(test, mock->dmabuf, 0, PAGES);

	KUNIT_EXPECT_EQ(test, PAGES, pages_alive(old, PAGES));
	dma_buf_revoke(mock->dmabuf);
	new = sys_mremap(old, PAGES * PAGE_SIZE, PAGES * PAGE_SIZE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, to);
	KUNIT_EXPECT_EQ(test, to, new);
	KUNIT_EXPECT_EQ(test, 0, pages_alive(new, PAGES));
	KUNIT_EXPECT_EQ(test, opens, closes);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(new, PAGES * PAGE_SIZE));
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
	KUNIT_EXPECT_EQ(test, 0, picked_buffers_alive());
}

static struct kunit_case dma_buf_revoke_mmap_cases[] = {
	KUNIT_CASE(populated_mapping_is_gone),
	KUNIT_CASE(fault_handler_is_not_asked_any_more),
	KUNIT_CASE(new_mapping_is_refused),
	KUNIT_CASE(exporter_sees_every_mapping_end_once),
	KUNIT_CASE(split_of_a_gone_mapping_is_gone),
	KUNIT_CASE(mapping_keeps_a_revoked_buffer),
	KUNIT_CASE(buffer_beside_it_stays_mapped),
	KUNIT_CASE(mapping_through_another_driver_is_gone),
	KUNIT_CASE(mapping_that_is_made_meanwhile_is_gone),
	KUNIT_CASE(it_is_gone_from_every_process),
#if defined(CONFIG_UML) && IS_BUILTIN(CONFIG_DMABUF_KUNIT_TEST)
	KUNIT_CASE(mremap_brings_nothing_back),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_revoke_mmap_suite = {
	.name = "dma-buf-revoke-mmap",
	.test_cases = dma_buf_revoke_mmap_cases,
};

kunit_test_suite(dma_buf_revoke_mmap_suite);
