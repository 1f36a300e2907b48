// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all exporters of plain pages have in common: mappings of processes.
 *
 * Nothing is mapped before it is touched. A fault then maps all that one page
 * table can hold (2 MiB with pages of 4 KiB), as one large page if the memory and
 * the addresses are aligned for that, else page by page but at once. All of it is
 * there and stays until the mapping ends, so a page table that was dropped (when
 * mprotect() or munmap() splits a large page) fills again by the next fault.
 */
#include <linux/dma-buf.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/pgtable.h>
#include <asm/pgalloc.h>
#include <kunit/visibility.h>

#include "paged-buffer.h"

/*
 * The entry for a page. Nobody asks whether these pages were accessed or are
 * dirty, so no processor need find out by faulting on each.
 */
static pte_t paged_pte(struct vm_area_struct *vma, unsigned long pfn)
{
	pte_t pte = pte_mkspecial(pte_mkyoung(pfn_pte(pfn, vma->vm_page_prot)));

	return pte_write(pte) ? pte_mkdirty(pte) : pte;
}

/*
 * Fill the part of a page table from @ptep, the entry of @addr, up to that of
 * @end. The lock of the table is held. What is there already is the same, from a
 * thread that was faster.
 */
static void paged_fill(struct vm_area_struct *vma, pte_t *ptep, unsigned long addr,
		       unsigned long end)
{
	const struct paged_buffer *buffer = vma->vm_private_data;
	unsigned long index = linear_page_index(vma, addr), left;
	pte_t pte;

	while (addr < end) {
		pte = paged_pte(vma, extents_pfn(&buffer->extents, index, &left));
		left = min(left, (end - addr) >> PAGE_SHIFT);
		index += left;
		for (; left; left--, ptep++, addr += PAGE_SIZE) {
			if (pte_none(ptep_get(ptep))) {
				set_pte_at(vma->vm_mm, addr, ptep, pte);
				/* Makes the kernel's writes visible where caches alias. */
				update_mmu_cache(vma, addr, ptep);
			}
			pte = pte_next_pfn(pte);
		}
	}
}

/*
 * Have a page table, or something else from another thread. The fault brings one
 * along, which pte_alloc() does not know of: to clear a second one would cost as
 * much as to fill it.
 */
static int paged_table(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *ptl;	/* of the table above */

	if (vmf->prealloc_pte) {
		ptl = pmd_lock(mm, vmf->pmd);
		if (pmd_none(*vmf->pmd)) {
			mm_inc_nr_ptes(mm);
			/* Who walks the table without a lock sees it clear; as in pmd_install(). */
			smp_wmb();
			pmd_populate(mm, vmf->pmd, vmf->prealloc_pte);
			vmf->prealloc_pte = NULL;
		}
		spin_unlock(ptl);
	}
	return pte_alloc(mm, vmf->pmd) ? -ENOMEM : 0;
}

static vm_fault_t paged_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = max(vmf->address & PMD_MASK, vma->vm_start);
	unsigned long end = pmd_addr_end(vmf->address, vma->vm_end);
	spinlock_t *ptl;	/* of the page table */
	pte_t *ptep;

	if (paged_table(vmf))
		return VM_FAULT_OOM;
	/* Another thread may have mapped a large page by now. */
	ptep = pte_offset_map_lock(vma->vm_mm, vmf->pmd, start, &ptl);
	if (!ptep)
		return VM_FAULT_NOPAGE;

	arch_enter_lazy_mmu_mode();
	paged_fill(vma, ptep, start, end);
	arch_leave_lazy_mmu_mode();
	pte_unmap_unlock(ptep, ptl);
	return VM_FAULT_NOPAGE;
}

#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
/* Can the large page at @addr be mapped as one? @pfn gets where it is. */
static bool paged_is_huge(struct vm_area_struct *vma, unsigned long addr, unsigned long *pfn)
{
	const struct paged_buffer *buffer = vma->vm_private_data;
	unsigned long left;

	if (addr < vma->vm_start || vma->vm_end - addr < PMD_SIZE)
		return false;
	*pfn = extents_pfn(&buffer->extents, linear_page_index(vma, addr), &left);
	return left >= HPAGE_PMD_NR && IS_ALIGNED(*pfn, HPAGE_PMD_NR);
}

static vm_fault_t paged_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long pfn;
	bool write;

	if (order != PMD_ORDER || !paged_is_huge(vmf->vma, vmf->address & PMD_MASK, &pfn))
		return VM_FAULT_FALLBACK;

	/*
	 * What is not mapped yet gets the permissions of the mapping, and a page
	 * table that a faster thread has put there is left alone.
	 */
	write = vmf->flags & FAULT_FLAG_WRITE && pmd_leaf(pmdp_get_lockless(vmf->pmd));
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), write);
}
#endif

static const struct vm_operations_struct paged_vm_ops = {
	.fault = paged_fault,
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	.huge_fault = paged_huge_fault,
#endif
};

/**
 * paged_buffer_mmap - &dma_buf_ops.mmap
 * @dmabuf: the buffer
 * @vma: the mapping; all of it is inside of the buffer
 *
 * Context: Process, mmap_lock held for writing.
 * Return: 0, or -EINVAL when the mapping is private.
 */
int paged_buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = to_paged_buffer(dmabuf);
	vma->vm_ops = &paged_vm_ops;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(paged_buffer_mmap);
