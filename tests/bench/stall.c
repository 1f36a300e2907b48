// SPDX-License-Identifier: GPL-2.0-only
/*
 * What needs a process beside the kernel's part: mapping a heap's buffer, and
 * exporting while somebody reads the list of all buffers and is stuck.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kmod.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/umh.h>

#include "bench.h"
#include "buf.h"

#define LIVE 10000
#define PATIENCE_MS 2000
#define MAX_THREADS 16

/* Maps a buffer of the calling process into the kernel, and unmaps it. */
int bench_vmap_fd(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct bench b = { .ops = 1 };
	struct iosys_map map;
	int ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	bench_begin(&b);
	ret = dma_buf_vmap_unlocked(dmabuf, &map);
	if (!ret) {
		bench_end(&b);
		dma_buf_vunmap_unlocked(dmabuf, &map);
		pr_info("bench: heap/vmap-M/%zu 1 %llu %llu %llu %llu\n", dmabuf->size >> 20,
			b.elapsed, b.elapsed, b.elapsed, b.elapsed);
	}
	dma_buf_put(dmabuf);
	return ret;
}

struct stall_thread {
	struct completion done;
	bool stop;
	unsigned long turns;
};

/* Exports and puts until told to stop. */
static int stall_exporter(void *data)
{
	struct stall_thread *thread = data;
	struct dma_buf *dmabuf;

	while (!READ_ONCE(thread->stop)) {
		dmabuf = bench_export();
		if (IS_ERR(dmabuf))
			break;
		dma_buf_put(dmabuf);
		flush_delayed_fput();
		WRITE_ONCE(thread->turns, thread->turns + 1);
		cond_resched();
	}
	kthread_complete_and_exit(&thread->done, 0);
}

/*
 * Lets threads export for a while and tells how often all did so, and how often
 * the slowest. @held is unlocked then, or nobody might ever come to an end.
 */
static int stall_run(unsigned int threads, struct dma_resv *held)
{
	struct stall_thread *all = kcalloc(threads, sizeof(*all), GFP_KERNEL);
	unsigned long turns, sum = 0, least = ULONG_MAX;
	struct task_struct *task;
	unsigned int i, started;
	int ret = all ? 0 : -ENOMEM;

	for (started = 0; started < threads && !ret; started++) {
		init_completion(&all[started].done);
		task = kthread_run(stall_exporter, &all[started], "bench-export/%u", started);
		ret = PTR_ERR_OR_ZERO(task);
		if (ret)
			break;
	}
	if (!ret)
		msleep(PATIENCE_MS);
	for (i = 0; i < started; i++) {
		WRITE_ONCE(all[i].stop, true);
		turns = READ_ONCE(all[i].turns);
		sum += turns;
		least = min(least, turns);
	}
	if (held)
		dma_resv_unlock(held);
	for (i = 0; i < started; i++)
		wait_for_completion(&all[i].done);
	if (!ret)
		pr_info("bench-stall: %u %s %lu %lu %u\n", threads, held ? "stuck" : "free", sum,
			least, PATIENCE_MS);
	kfree(all);
	return ret;
}

/* Starts a process that reads about every buffer, and waits until it waits for @resv. */
static int stall_reader(struct dma_resv *resv)
{
	static char * const argv[] = {
		"/bin/sh", "-c", "cat /sys/kernel/debug/dma_buf/bufinfo >/dev/null", NULL
	};
	static char * const envp[] = { "PATH=/bin", NULL };
	int ret = call_usermodehelper(argv[0], (char **)argv, (char **)envp, UMH_WAIT_EXEC);
	unsigned int i;

	for (i = 0; i < 200 && !ret; i++) {
		if (!list_empty(&resv->lock.base.wait_list))
			return 0;
		msleep(20);
	}
	pr_info("bench-stall: the reader waits for no reservation\n");
	return ret;
}

static int stall_measure(struct dma_buf **live, unsigned int threads)
{
	struct dma_resv *resv;
	unsigned int i;
	int ret;

	ret = stall_run(threads, NULL);
	for (i = 0; i < LIVE && !ret; i++) {
		live[i] = bench_export();
		if (IS_ERR(live[i])) {
			ret = PTR_ERR(live[i]);
			live[i] = NULL;
		}
	}
	if (ret)
		return ret;

	resv = live[LIVE / 2]->resv;
	dma_resv_lock(resv, NULL);
	ret = stall_reader(resv);
	if (ret)
		dma_resv_unlock(resv);
	return ret ?: stall_run(threads, resv);
}

/* How often threads can export and put: alone, and beside many buffers and a stuck reader. */
int bench_stall(unsigned int threads)
{
	struct dma_buf **live = kvcalloc(LIVE, sizeof(*live), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!live)
		return -ENOMEM;
	ret = threads <= MAX_THREADS ? stall_measure(live, threads) : -EINVAL;
	for (i = 0; i < LIVE && live[i]; i++)
		dma_buf_put(live[i]);
	kvfree(live);
	return ret;
}
