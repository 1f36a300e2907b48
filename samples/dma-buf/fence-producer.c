// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that signals fences: /dev/dma-buf-fence-producer.
 *
 * Its engine does one job after the other. Here that is time passing and a work
 * item instead of an interrupt; all that concerns fences is as with hardware.
 */
#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "dma-buf-sample.h"
#include "fence-producer.h"

/* doc: fence-init begin */
/* A job and its fence are one, since the one ends with the other. */
struct sample_job {
	/* the first member, for that is where dma_fence_free() frees the job */
	struct dma_fence fence;
	/* in engine.queue, under engine.lock */
	struct list_head node;
	unsigned int ms;
};

/* One timeline: jobs run, and fences signal, in the order of the queue. */
static struct {
	spinlock_t lock;	/* protects @queue and @seqno; all else is constant */
	/* of &struct sample_job, with a reference each; the first one is running */
	struct list_head queue;
	u64 seqno;
	u64 context;
	struct workqueue_struct *wq;
	/* runs when the running job has finished */
	struct delayed_work done;
} engine;

static const char *job_driver_name(struct dma_fence *fence)
{
	return KBUILD_MODNAME;
}

static const char *job_timeline_name(struct dma_fence *fence)
{
	return "engine";
}

/*
 * Names are all that must be there. No enable_signaling: this engine tells when a
 * job is done, whether anybody waits or not. No release: the default frees the job.
 */
static const struct dma_fence_ops job_ops = {
	.get_driver_name = job_driver_name,
	.get_timeline_name = job_timeline_name,
};

/* Hand a job to the "hardware". A job that hangs is given up after a while. */
static void engine_start(struct sample_job *job)
{
	unsigned int ms = min(job->ms, SAMPLE_JOB_LIMIT_MS);

	queue_delayed_work(engine.wq, &engine.done, msecs_to_jiffies(ms));
}

/**
 * sample_job_submit - have the engine do a job
 * @job: the job, which is the engine's from now on
 *
 * Context: Process. Allocates nothing and takes no lock that others hold while
 * they wait for fences, so it may be called from within
 * dma_fence_begin_signalling().
 *
 * Return: the job's fence, with a reference for the caller.
 */
struct dma_fence *sample_job_submit(struct sample_job *job)
{
	struct dma_fence *fence = &job->fence;

	/* The number on the timeline and the place in the queue go together. */
	spin_lock_irq(&engine.lock);
	/* NULL: the fence brings its own lock, and needs none that could go before it. */
	dma_fence_init(fence, &job_ops, NULL, engine.context, ++engine.seqno);
	/* dma_fence_init() made the queue's reference; this one is the caller's. */
	dma_fence_get(fence);
	list_add_tail(&job->node, &engine.queue);
	if (list_is_first(&job->node, &engine.queue))
		engine_start(job);
	spin_unlock_irq(&engine.lock);
	return fence;
}
EXPORT_SYMBOL_GPL(sample_job_submit);

/* doc: fence-init end */

/**
 * sample_job_alloc - prepare a job
 * @ms: how long it takes
 *
 * Separate from sample_job_submit(), so that everything that can fail happens
 * while there is no fence yet on which others may wait.
 *
 * Context: Process, may sleep.
 * Return: the job, for sample_job_submit() or sample_job_free(), or NULL.
 */
struct sample_job *sample_job_alloc(unsigned int ms)
{
	struct sample_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (job)
		job->ms = ms;
	return job;
}
EXPORT_SYMBOL_GPL(sample_job_alloc);

/**
 * sample_job_free - forget a job that was not submitted
 * @job: the job
 *
 * Context: Any.
 */
void sample_job_free(struct sample_job *job)
{
	kfree(job);
}
EXPORT_SYMBOL_GPL(sample_job_free);

/* doc: fence-signal begin */
static void job_end(struct sample_job *job)
{
	/*
	 * Others rely on every fence to signal in reasonable time, whatever the
	 * hardware does. An error says so; it comes before the signal.
	 */
	if (job->ms > SAMPLE_JOB_LIMIT_MS)
		dma_fence_set_error(&job->fence, -ETIMEDOUT);
	dma_fence_signal(&job->fence);
	/* Not before: signalling goes on for a moment after waiters have woken up. */
	dma_fence_put(&job->fence);
}

/* doc: fence-signal end */

/* doc: annotate begin */
/*
 * The running job is done; what an interrupt thread would do. Fences do not signal
 * unless this makes progress, and with the annotation lockdep knows. It complains,
 * the first time and without a deadlock, if anything in between takes a lock under
 * which somebody may wait for a fence (a reservation, say), or allocates memory in
 * a way that may wait for one (GFP_KERNEL).
 */
static void engine_done(struct work_struct *work)
{
	bool cookie = dma_fence_begin_signalling();
	struct sample_job *job, *next;

	spin_lock_irq(&engine.lock);
	job = list_first_entry(&engine.queue, struct sample_job, node);
	list_del(&job->node);
	next = list_first_entry_or_null(&engine.queue, struct sample_job, node);
	if (next)
		engine_start(next);
	spin_unlock_irq(&engine.lock);

	job_end(job);
	dma_fence_end_signalling(cookie);
}

static int engine_init(void)
{
	spin_lock_init(&engine.lock);
	INIT_LIST_HEAD(&engine.queue);
	INIT_DELAYED_WORK(&engine.done, engine_done);
	engine.context = dma_fence_context_alloc(1);
	/*
	 * WQ_MEM_RECLAIM, because reclaim waits for fences: a work item that needed
	 * a new thread, hence memory, for a fence to signal would be a deadlock.
	 */
	engine.wq = alloc_ordered_workqueue("dma-buf-fence-producer", WQ_MEM_RECLAIM);
	return engine.wq ? 0 : -ENOMEM;
}

/* doc: annotate end */

/* All jobs end at once; nobody can submit any more. */
static void engine_fini(void)
{
	while (flush_delayed_work(&engine.done))
		;
	destroy_workqueue(engine.wq);
	/* Who read a name of ours before the last fence signalled may use it under RCU. */
	synchronize_rcu();
}

/* doc: fence-publish begin */
/* Start a job, and give its fence to the current process; returns a sync_file. */
static int producer_submit(unsigned int ms)
{
	struct sync_file *sync_file;
	struct sample_job *job;
	struct dma_fence *fence;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	job = sample_job_alloc(ms);
	if (!job)
		goto err_fd;

	fence = sample_job_submit(job);
	sync_file = sync_file_create(fence);
	if (!sync_file) {
		/* The job cannot be taken back, but it can be over when we say that it failed. */
		dma_fence_wait(fence, false);
		dma_fence_put(fence);
		goto err_fd;
	}
	dma_fence_put(fence);
	/* The last step, since a process can use whatever is installed. */
	fd_install(fd, sync_file->file);
	return fd;

err_fd:
	put_unused_fd(fd);
	return -ENOMEM;
}

/* doc: fence-publish end */

static long producer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	u32 ms;

	if (cmd != SAMPLE_IOCTL_SUBMIT)
		return -ENOTTY;
	if (get_user(ms, (u32 __user *)arg))
		return -EFAULT;
	return producer_submit(ms);
}

static const struct file_operations producer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = producer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice producer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma-buf-fence-producer",
	.fops = &producer_fops,
};

static int __init producer_init(void)
{
	int ret = engine_init();

	if (ret)
		return ret;
	ret = misc_register(&producer_misc);
	if (ret)
		engine_fini();
	return ret;
}
module_init(producer_init);

static void __exit producer_exit(void)
{
	misc_deregister(&producer_misc);
	engine_fini();
}
module_exit(producer_exit);

MODULE_DESCRIPTION("Sample of a driver that signals DMA fences");
MODULE_LICENSE("GPL");
