// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every CPU at work on objects of its own. A lock that two of them meet at is one
 * that objects share; the kernel's lock statistics tell which those are.
 */
#include <linux/completion.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"
#include "buf.h"

#define MEMBERS 4

struct storm_cpu {
	struct completion done;
	unsigned int turns;
	int ret;
};

static void storm_called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

static int storm_export(void)
{
	struct dma_buf *dmabuf = bench_export();

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	/* The last reference goes here and now, as it does for a process. */
	__fput_sync(dmabuf->file);
	return 0;
}

static int storm_signal(u64 context)
{
	struct dma_fence *fence = bench_fence(context, 1);
	struct dma_fence_cb cb;

	if (!fence)
		return -ENOMEM;
	dma_fence_add_callback(fence, &cb, storm_called);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return 0;
}

static int storm_add(struct dma_resv *resv, u64 context)
{
	struct dma_fence *fence = bench_fence(context, 1);
	int ret;

	if (!fence)
		return -ENOMEM;
	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return ret;
}

/* An array of fences that nobody else has. */
static struct dma_fence *storm_array(u64 context)
{
	struct dma_fence_array *array = NULL;
	struct dma_fence **fences = kcalloc(MEMBERS, sizeof(*fences), GFP_KERNEL);
	unsigned int i;

	for (i = 0; fences && i < MEMBERS; i++) {
		fences[i] = bench_fence(context + i, 1);
		if (!fences[i])
			break;
	}
	if (fences && i == MEMBERS)
		array = dma_fence_array_create(MEMBERS, fences, dma_fence_context_alloc(1), 1,
					       false);
	if (array)
		return &array->base;
	while (fences && i--)
		dma_fence_put(fences[i]);
	kfree(fences);
	return NULL;
}

static int storm_merge(u64 context)
{
	struct dma_fence *a = storm_array(context), *b = storm_array(context + MEMBERS);
	struct dma_fence *merged = a && b ? dma_fence_unwrap_merge(a, b) : NULL;
	int ret = merged ? 0 : -ENOMEM;

	dma_fence_put(merged);
	dma_fence_put(a);
	dma_fence_put(b);
	return ret;
}

static int storm_thread(void *data)
{
	struct storm_cpu *cpu = data;
	struct dma_resv resv;
	unsigned int i;
	u64 context;

	dma_resv_init(&resv);
	for (i = 0; i < cpu->turns && !cpu->ret; i++) {
		context = dma_fence_context_alloc(2 * MEMBERS);
		cpu->ret = storm_export() ?: storm_signal(context) ?:
			   storm_add(&resv, context) ?: storm_merge(context);
		cond_resched();
	}
	dma_resv_fini(&resv);
	kthread_complete_and_exit(&cpu->done, 0);
}

/* Has every CPU do everything so many times, all at once. */
int bench_storm(unsigned int turns)
{
	struct storm_cpu *all = kcalloc(nr_cpu_ids, sizeof(*all), GFP_KERNEL);
	struct task_struct *task;
	unsigned int cpu;
	int ret = 0;

	if (!all)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		init_completion(&all[cpu].done);
		all[cpu].turns = turns;
		task = kthread_create_on_cpu(storm_thread, &all[cpu], cpu, "bench-storm/%u");
		if (IS_ERR(task)) {
			all[cpu].ret = PTR_ERR(task);
			complete(&all[cpu].done);
		} else {
			wake_up_process(task);
		}
	}
	for_each_online_cpu(cpu) {
		wait_for_completion(&all[cpu].done);
		ret = ret ?: all[cpu].ret;
	}
	if (!ret)
		pr_info("bench-storm: %u CPUs, %u turns each\n", num_online_cpus(), turns);
	kfree(all);
	return ret;
}
