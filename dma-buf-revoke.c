// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an exporter takes a buffer back from all who use it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/xarray.h>

#include "dma-buf-internal.h"

/**
 * DOC: revocation
 *
 * Memory can go away while others still hold a buffer in it: the device is
 * unplugged or reset, or what was lent is claimed back. Then the exporter calls
 * dma_buf_revoke(), and the buffer is withdrawn for good:
 *
 * - Nothing new begins: attaching, mapping, pinning, vmap, mmap() and access by
 *   the CPU fail with -ENODEV, DMA_BUF_IOCTL_SYNC and DMA_BUF_IOCTL_SYNC_RANGE
 *   included, both when they start and when they end an access.
 *   fdinfo and bufinfo say that the buffer is revoked.
 *
 * - What has begun can end as ever: unmapping, unpinning, vunmap, detaching and
 *   dropping references call the exporter, which may count on that.
 *
 * - Dynamic importers have their mappings invalidated, as before a move, and
 *   find -ENODEV when they map again. A mapping that is kept for them until they
 *   detach (&dma_buf_ops.cache_sgt_mapping, and that of a dynamic importer of a
 *   static buffer) is kept, and not used.
 *
 * - Static importers cannot be told, and their devices go on using what they
 *   have mapped; so may one with &dma_buf_attach_ops.move_notify that has pinned
 *   the buffer. What then is up to the exporter, which sees each map, unmap, pin
 *   and unpin: it waits for the last one, or cuts off the device, or has turned
 *   such importers down in the first place, see dma_buf_attach_revocable().
 *
 * - Mappings of processes stay as addresses, but to touch one is SIGBUS, also
 *   after a fork() or mremap(). To the exporter they have ended:
 *   &vm_operations_struct.close is called for each, and nothing else any more.
 *   For a mapping that its process is removing at that very time, as when it
 *   exits, close may come after dma_buf_revoke() has returned.
 *
 * - Mappings in the kernel stay until dma_buf_vunmap(). The exporter finds the
 *   number of their users in &dma_buf.vmapping_counter, under the reservation,
 *   and is told of the last one by &dma_buf_ops.vunmap.
 *
 * - Fences stay in the reservation, and signal when their work is done. Before
 *   others get the memory, the exporter waits for those of
 *   %DMA_RESV_USAGE_BOOKKEEP, which are all, as after a move. poll() answers
 *   EPOLLERR and EPOLLHUP at once; EPOLLIN and EPOLLOUT go on telling of fences,
 *   and so do the ioctls that export and import them.
 *
 * Three things are out of the subsystem's sight, and the exporter's own to deal
 * with: callbacks that run without the reservation, which are attach,
 * begin_cpu_access and end_cpu_access, may have been called before and return
 * later than dma_buf_revoke(); a mapping that its mmap callback has put under
 * another file (vma_set_file()) is not one of this buffer any more; and
 * pages that it has mapped into processes as such, not as bare page frames, may have been
 * pinned there by get_user_pages().
 */

#ifdef CONFIG_MMU
static vm_fault_t dma_buf_gone_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

/* What is left of a mapping of a process. */
static const struct vm_operations_struct dma_buf_gone_vm_ops = {
	.fault = dma_buf_gone_fault,
};

/*
 * Does @vma still show @dmabuf? All files of one buffer have the same inode, while
 * &file.f_mapping may be one that an exporter shares between buffers.
 */
static bool dma_buf_shown_by(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return vma->vm_file && file_inode(vma->vm_file) == file_inode(dmabuf->file) &&
	       READ_ONCE(vma->vm_ops) != &dma_buf_gone_vm_ops;
}

/*
 * A process that @dmabuf is still mapped in, with a reference, or NULL. One whose
 * memory is being torn down does not count: nobody runs in it any more.
 */
static struct mm_struct *dma_buf_next_mm(struct dma_buf *dmabuf)
{
	struct address_space *mapping = dmabuf->file->f_mapping;
	struct mm_struct *found = NULL;
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	/* All of it: exporters choose the page offsets. */
	vma_interval_tree_foreach(vma, &mapping->i_mmap, 0, ULONG_MAX) {
		if (dma_buf_shown_by(dmabuf, vma) && mmget_not_zero(vma->vm_mm)) {
			found = vma->vm_mm;
			break;
		}
	}
	i_mmap_unlock_read(mapping);
	return found;
}

/*
 * End one mapping: what munmap() would do, except that the addresses stay taken.
 * Faults are kept out by the locks, so none that has begun puts pages back.
 */
static void dma_buf_end_vma(struct vm_area_struct *vma)
{
	vma_start_write(vma);
	zap_page_range_single(vma, vma->vm_start, vma->vm_end - vma->vm_start, NULL);
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	vma->vm_private_data = NULL;
	/* Pairs with the look without the lock in dma_buf_shown_by(). */
	WRITE_ONCE(vma->vm_ops, &dma_buf_gone_vm_ops);
}

static void dma_buf_end_vmas_of(struct dma_buf *dmabuf, struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	for_each_vma(vmi, vma) {
		/* A fork() has failed here, and what follows is the parent's. */
		if (xa_is_zero(vma))
			break;
		if (dma_buf_shown_by(dmabuf, vma))
			dma_buf_end_vma(vma);
	}
	mmap_write_unlock(mm);
}

/* The next task from number *@nr on, with a reference, or NULL. */
static struct task_struct *dma_buf_next_task(int *nr)
{
	struct task_struct *task = NULL;
	struct pid *pid;

	guard(rcu)();
	while (!task) {
		pid = find_ge_pid(*nr, &init_pid_ns);
		if (!pid)
			return NULL;
		*nr = pid_nr(pid) + 1;
		task = get_pid_task(pid, PIDTYPE_PID);
	}
	return task;
}

/* What @task runs in, be it borrowed, with a reference, or NULL. */
static struct mm_struct *dma_buf_task_mm(struct task_struct *task)
{
	struct mm_struct *mm;

	task_lock(task);
	mm = task->mm;
	if (mm && !mmget_not_zero(mm))
		mm = NULL;
	task_unlock(task);
	return mm;
}

/*
 * Wait for all calls of mmap() that have been let in before the buffer was
 * revoked. What they map is not to be found before they are done, but they hold
 * the lock of their process until then.
 */
static void dma_buf_wait_for_mmaps(void)
{
	struct task_struct *task;
	struct mm_struct *mm;
	int nr = 1;

	while ((task = dma_buf_next_task(&nr))) {
		mm = dma_buf_task_mm(task);
		put_task_struct(task);
		if (!mm)
			continue;
		mmap_read_lock(mm);
		mmap_read_unlock(mm);
		mmput_async(mm);
	}
}

/*
 * End all mappings of processes. New ones can only be copies, made by fork() of
 * those that have not been found yet: as many as the processes that hold the buffer
 * are allowed to be.
 */
static void dma_buf_end_mmaps(struct dma_buf *dmabuf)
{
	struct mm_struct *mm;

	/* Pairs with dma_buf_may_mmap(): either that sees the mark, or this its note. */
	smp_mb();
	if (!READ_ONCE(dmabuf->mmapped))
		return;

	dma_buf_wait_for_mmaps();
	while ((mm = dma_buf_next_mm(dmabuf))) {
		dma_buf_end_vmas_of(dmabuf, mm);
		mmput_async(mm);
		cond_resched();
	}
}
#else
/* Without an MMU nothing can be taken away from a process. */
static void dma_buf_end_mmaps(struct dma_buf *dmabuf)
{
}
#endif

/**
 * dma_buf_revoke - withdraw a buffer from all who use it
 * @dmabuf: the buffer; the caller has a reference
 *
 * For exporters. When this returns, every dynamic importer has been told, no
 * process can reach the memory, and whoever asks for the buffer gets -ENODEV.
 * Devices may still be at work: on what static importers have mapped, and until
 * the fences in &dma_buf.resv have signalled. The overview "revocation" tells what
 * remains to the exporter in each case.
 *
 * There is no way back. Calling this again is fine: it returns when the mappings
 * of processes are gone, whoever does it.
 *
 * Takes as long as it takes the processes of the system, if the buffer has ever been
 * mapped into one, to finish the change of their mappings they are at. For a process
 * whose mmap() waits for a file system in userspace that can be for ever: not to be
 * called where something else has to go on, but from a work item of its own.
 *
 * Context: Process, may sleep. Takes &dma_buf.resv and, outside of it, the
 * mmap_lock of one process after the other. The caller holds neither, nor a lock
 * that is taken inside of one of them, such as in a fault handler or in
 * &dma_buf_attach_ops.invalidate_mappings.
 */
void dma_buf_revoke(struct dma_buf *dmabuf)
{
	might_sleep();
	if (WARN_ON(!dmabuf))
		return;

	scoped_guard(dma_buf_resv, dmabuf) {
		if (!dmabuf->revoked) {
			WRITE_ONCE(dmabuf->revoked, true);
			dma_buf_invalidate_mappings(dmabuf);
		}
	}

	/* Everybody: this is no event that one of them could handle for all. */
	__wake_up(&dmabuf->poll, TASK_NORMAL, 0, poll_to_key(EPOLLERR | EPOLLHUP));
	dma_buf_end_mmaps(dmabuf);
}
EXPORT_SYMBOL_NS_GPL(dma_buf_revoke, DMA_BUF);
