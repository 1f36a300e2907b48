// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark of dma-buf: takes the samples and tells the result of each row.
 *
 * Loading the module runs it. A row's line in the kernel's log is
 *   bench: NAME OPERATIONS LEAST LOWER MEDIAN UPPER
 * where the last four are the least and the quartiles of the samples, each the
 * cost of so many operations: instructions under QEMU's -icount, else
 * nanoseconds. The module stays loaded and does nothing more.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "bench.h"
#include "buf.h"

#define MAX_SAMPLES 1001
#define CALIBRATION 4096
/* Where the time is real, a row gets fewer samples rather than more than that. */
#define PATIENCE_NS NSEC_PER_SEC

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "Only rows whose name begins so");

static unsigned int samples = 5;
module_param(samples, uint, 0444);
MODULE_PARM_DESC(samples, "Samples of each row");

static bool linear;
module_param(linear, bool, 0444);
MODULE_PARM_DESC(linear, "Also rows that take hours where the cost is quadratic");

static unsigned int stall;
module_param(stall, uint, 0444);
MODULE_PARM_DESC(stall, "Instead: export and put from so many threads beside a stuck reader");

static unsigned int storm;
module_param(storm, uint, 0444);
MODULE_PARM_DESC(storm, "Instead: have every CPU do so much with objects of its own");

static int vmap_fd = -1;
module_param(vmap_fd, int, 0444);
MODULE_PARM_DESC(vmap_fd, "Instead: map this buffer of the caller for the kernel");

static u64 clock_cost;
static u64 loop_cost;		/* of CALIBRATION times round */

static struct kmem_cache *bench_cache;

struct bench_mock {
	struct dma_fence base;
	spinlock_t lock;	/* the fence's */
};

static const char *bench_name(struct dma_fence *fence)
{
	return "bench";
}

/* A driver that cannot hurry. */
static void bench_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
}

static const struct dma_fence_ops bench_fence_ops = {
	.get_driver_name = bench_name,
	.get_timeline_name = bench_name,
	.set_deadline = bench_set_deadline,
};

/* Makes a fence as drivers of 6.12 do: a lock outside, a cache, freed after a grace period. */
struct dma_fence *bench_fence(u64 context, u64 seqno)
{
	struct bench_mock *mock = kmem_cache_zalloc(bench_cache, GFP_KERNEL);

	if (!mock)
		return NULL;
	spin_lock_init(&mock->lock);
	dma_fence_init(&mock->base, &bench_fence_ops, &mock->lock, context, seqno);
	return &mock->base;
}

/* Makes fences of as many contexts for the sample; they go when it is over. */
int bench_fences(struct bench *b, unsigned int count)
{
	u64 context = dma_fence_context_alloc(count);

	b->fences = kvcalloc(count, sizeof(*b->fences), GFP_KERNEL);
	if (!b->fences)
		return -ENOMEM;
	for (; b->count < count; b->count++) {
		b->fences[b->count] = bench_fence(context + b->count, 1);
		if (!b->fences[b->count])
			return -ENOMEM;
	}
	return 0;
}

void bench_signal(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		dma_fence_signal(b->fences[i]);
}

static void bench_drop(struct bench *b)
{
	bench_signal(b);
	while (b->count)
		dma_fence_put(b->fences[--b->count]);
	kvfree(b->fences);
	b->fences = NULL;
}

void bench_end(struct bench *b)
{
	u64 cost = clock_cost + div_u64(loop_cost * b->loops, CALIBRATION);
	u64 passed = bench_clock() - b->begin;

	b->elapsed = passed > cost ? passed - cost : 0;
}

/* What the clock and the loop cost by themselves. */
static void calibrate(void)
{
	struct bench b = {};
	u64 clock = U64_MAX, loop = U64_MAX;
	unsigned int i, turn;

	for (turn = 0; turn < 64; turn++) {
		b.loops = 0;
		bench_for_each_turn(&b, i)
			barrier();
		bench_end(&b);
		clock = min(clock, b.elapsed);
		b.loops = CALIBRATION;
		bench_for_each_turn(&b, i)
			barrier();
		bench_end(&b);
		loop = min(loop, b.elapsed);
	}
	clock_cost = clock;
	loop_cost = loop - min(loop, clock);
}

/* Lets everything that was put off happen now, and not in the next sample. */
static void settle(void)
{
	msleep(20);
	rcu_barrier();
	kvfree_rcu_barrier();
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int take(const struct bench_row *row, unsigned int *ops, u64 *elapsed)
{
	struct bench b = { .size = row->size, .loops = row->loops, .ops = row->loops };
	int ret = row->run(&b);

	bench_drop(&b);
	*ops = b.ops;
	*elapsed = b.elapsed;
	return ret;
}

static int measure(const struct bench_row *row, u64 *values)
{
	unsigned int count = row->once ? 1 : samples;
	u64 begin = ktime_get_ns();
	unsigned int ops, i;
	char name[64];
	int ret;

	if (row->size)
		snprintf(name, sizeof(name), "%s/%u", row->name, row->size);
	else
		strscpy(name, row->name);
	if (strncmp(name, only, strlen(only)) || (row->linear && !linear))
		return 0;

	/* The first sample warms up. */
	for (i = row->once ? 1 : 0; i <= count; i++) {
		if (IS_ENABLED(CONFIG_UML) && i > 5 && ktime_get_ns() - begin > PATIENCE_NS) {
			count = i - 1;
			break;
		}
		if (i < 2 || !IS_ENABLED(CONFIG_UML) || !(i % 16))
			settle();
		ret = take(row, &ops, &values[i ? i - 1 : 0]);
		if (ret) {
			pr_err("bench: %s failed with %d\n", name, ret);
			return ret;
		}
	}
	sort(values, count, sizeof(*values), compare, NULL);
	pr_info("bench: %s %u %llu %llu %llu %llu\n", name, ops, values[0], values[count / 4],
		values[count / 2], values[count * 3 / 4]);
	return 0;
}

static int measure_table(const struct bench_row *row, u64 *values)
{
	int ret = 0;

	for (; row->name && !ret; row++)
		ret = measure(row, values);
	return ret;
}

static int measure_all(u64 *values)
{
	static const struct bench_row * const tables[] = {
		bench_fence_rows, bench_container_rows, bench_resv_rows, bench_buf_rows,
	};
	unsigned int i;
	int ret = 0;

	/* These are no operations of dma-buf: only who names them gets them. */
	if (!strncmp(only, "parts", 5))
		return measure_table(bench_part_rows, values);
	for (i = 0; i < ARRAY_SIZE(tables) && !ret; i++)
		ret = measure_table(tables[i], values);
	return ret;
}

struct bench_job {
	u64 *values;
	int ret;
	struct completion done;
};

static int bench_thread(void *data)
{
	struct bench_job *job = data;

	job->ret = measure_all(job->values);
	kthread_complete_and_exit(&job->done, 0);
}

/* All rows, by a kernel thread: it lets go of files when it says so. */
static int bench_rows(void)
{
	struct bench_job job = {};
	struct task_struct *task;
	int ret;

	if (!samples || samples > MAX_SAMPLES)
		return -EINVAL;
	job.values = kvcalloc(samples, sizeof(*job.values), GFP_KERNEL);
	if (!job.values)
		return -ENOMEM;
	ret = bench_buf_init();
	if (ret)
		goto out;
	init_completion(&job.done);
	task = kthread_run(bench_thread, &job, "dmabuf-bench");
	ret = PTR_ERR_OR_ZERO(task);
	if (!ret) {
		wait_for_completion(&job.done);
		ret = job.ret;
	}
	bench_buf_exit();
out:
	kvfree(job.values);
	return ret;
}

static int __init bench_init(void)
{
	int ret;

	calibrate();
	if (vmap_fd >= 0)
		return bench_vmap_fd(vmap_fd);
	if (stall)
		return bench_stall(stall);
	bench_cache = KMEM_CACHE(bench_mock, 0);
	if (!bench_cache)
		return -ENOMEM;
	ret = storm ? bench_storm(storm) : bench_rows();
	/* Fences may still wait for a grace period. */
	settle();
	kmem_cache_destroy(bench_cache);
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of dma-buf, fences and reservations");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
