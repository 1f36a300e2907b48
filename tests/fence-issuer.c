// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that hands out fences and leaves: what outlives it must not need it.
 * tests/selftests/fence-issuer.c is the program that loads and unloads it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "selftests/fence-issuer.h"

/* Which fence is for what. */
enum {
	ISSUED_PLAIN,
	ISSUED_FAILING,
	ISSUED_EARLY,
	ISSUED_LATE,
	ISSUED_WRITE,
	ISSUED_COUNT,
};

/**
 * struct issued - a fence, and what its callbacks need of the driver
 * @base: the fence; first, so that it frees all
 * @state: the driver's, freed when the driver leaves
 */
struct issued {
	struct dma_fence base;
	struct issuer *state;
};

/**
 * struct issuer - the driver's data, which goes with it
 * @timeline: name of all timelines
 * @asked: how often a callback was called
 * @fences: what is pending, a reference to each
 */
struct issuer {
	char timeline[16];
	atomic_t asked;
	struct issued *fences[ISSUED_COUNT];
};

static DEFINE_MUTEX(issuer_lock);	/* protects the pointer and what it points to */
static struct issuer *issuer;		/* NULL when it was given up */

static struct issuer *issuer_of(struct dma_fence *fence)
{
	struct issuer *state = container_of(fence, struct issued, base)->state;

	atomic_inc(&state->asked);
	return state;
}

static const char *issuer_driver_name(struct dma_fence *fence)
{
	issuer_of(fence);
	return ISSUER_DRIVER;
}

static const char *issuer_timeline_name(struct dma_fence *fence)
{
	return issuer_of(fence)->timeline;
}

static bool issuer_enable_signaling(struct dma_fence *fence)
{
	return !!issuer_of(fence);
}

static bool issuer_signaled(struct dma_fence *fence)
{
	return !issuer_of(fence);
}

static void issuer_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	issuer_of(fence);
}

static const struct dma_fence_ops issuer_ops = {
	.get_driver_name = issuer_driver_name,
	.get_timeline_name = issuer_timeline_name,
	.enable_signaling = issuer_enable_signaling,
	.signaled = issuer_signaled,
	.set_deadline = issuer_set_deadline,
};

static struct dma_fence *issuer_new_fence(struct issuer *state)
{
	struct issued *issued = kzalloc(sizeof(*issued), GFP_KERNEL);

	if (!issued)
		return NULL;
	issued->state = state;
	dma_fence_init(&issued->base, &issuer_ops, NULL, dma_fence_context_alloc(1), 1);
	return &issued->base;
}

/* Signals what is pending and lets go of it. */
static void issuer_signal(bool detach)
{
	struct issued **fences = issuer->fences;
	unsigned int i;

	for (i = 0; i < ISSUED_COUNT && fences[i]; i++) {
		if (i == ISSUED_FAILING)
			dma_fence_set_error(&fences[i]->base, ISSUER_ERROR);
		dma_fence_signal(&fences[i]->base);
		if (detach)
			dma_fence_detach(&fences[i]->base);
	}
	/* One wait for all of them. */
	if (detach && i)
		dma_fence_detach_sync(&fences[0]->base);
	while (i--) {
		dma_fence_put(&fences[i]->base);
		fences[i] = NULL;
	}
}

static int issuer_fill(void)
{
	struct dma_fence *fence;
	unsigned int i;

	if (issuer->fences[0])
		return -EBUSY;
	for (i = 0; i < ISSUED_COUNT; i++) {
		fence = issuer_new_fence(issuer);
		if (!fence) {
			issuer_signal(false);
			return -ENOMEM;
		}
		issuer->fences[i] = container_of(fence, struct issued, base);
	}
	return 0;
}

static int issuer_add_to_buffer(int fd, struct dma_fence *fence)
{
	struct dma_buf *buffer = dma_buf_get(fd);
	int ret;

	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	dma_resv_lock(buffer->resv, NULL);
	ret = dma_resv_reserve_fences(buffer->resv, 1);
	if (!ret)
		dma_resv_add_fence(buffer->resv, fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(buffer->resv);
	dma_buf_put(buffer);
	return ret;
}

/* A descriptor of a file of that fence, or an error. */
static int issuer_fd(struct dma_fence *fence)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct sync_file *file;

	if (fd < 0)
		return fd;
	file = sync_file_create(fence);
	if (!file) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, file->file);
	return fd;
}

static int issuer_chain_fd(struct dma_fence *early, struct dma_fence *late)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc();
	struct dma_fence_chain *second = dma_fence_chain_alloc();
	int fd;

	if (!first || !second) {
		dma_fence_chain_free(first);
		dma_fence_chain_free(second);
		return -ENOMEM;
	}
	dma_fence_chain_init(first, NULL, dma_fence_get(early), 1);
	dma_fence_chain_init(second, &first->base, dma_fence_get(late), 2);
	fd = issuer_fd(&second->base);
	dma_fence_put(&second->base);
	return fd;
}

/* Descriptors that are installed when something fails are closed with the program. */
static long issuer_issue(struct fence_issue __user *arg)
{
	struct issued **fences = issuer->fences;
	struct fence_issue issue;
	int ret;

	if (copy_from_user(&issue, arg, sizeof(issue)))
		return -EFAULT;
	ret = issuer_fill() ?:
	      issuer_add_to_buffer(issue.buffer, &fences[ISSUED_WRITE]->base);
	if (ret)
		return ret;

	issue.plain = issuer_fd(&fences[ISSUED_PLAIN]->base);
	issue.failing = issuer_fd(&fences[ISSUED_FAILING]->base);
	issue.chain = issuer_chain_fd(&fences[ISSUED_EARLY]->base, &fences[ISSUED_LATE]->base);
	if (issue.plain < 0 || issue.failing < 0 || issue.chain < 0)
		return -EMFILE;
	return copy_to_user(arg, &issue, sizeof(issue)) ? -EFAULT : 0;
}

static long issuer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret = 0;

	mutex_lock(&issuer_lock);
	if (!issuer)
		cmd = 0;
	switch (cmd) {
	case FENCE_ISSUER_ISSUE:
		ret = issuer_issue((void __user *)arg);
		break;
	case FENCE_ISSUER_SIGNAL:
		issuer_signal(false);
		break;
	case FENCE_ISSUER_DETACH:
		issuer_signal(true);
		/* Nobody looks at it any more, or KASAN sees that. */
		kfree(issuer);
		issuer = NULL;
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&issuer_lock);
	return ret;
}

static const struct file_operations issuer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = issuer_ioctl,
};

static struct miscdevice issuer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fence-issuer",
	.fops = &issuer_fops,
};

static int __init issuer_init(void)
{
	int ret;

	issuer = kzalloc(sizeof(*issuer), GFP_KERNEL);
	if (!issuer)
		return -ENOMEM;
	strscpy(issuer->timeline, ISSUER_TIMELINE);
	ret = misc_register(&issuer_device);
	if (ret)
		kfree(issuer);
	return ret;
}

static void __exit issuer_exit(void)
{
	misc_deregister(&issuer_device);
	if (issuer)
		issuer_signal(false);
	/* For the callbacks that began before the fences had signalled. */
	synchronize_rcu();
	kfree(issuer);
}

module_init(issuer_init);
module_exit(issuer_exit);
MODULE_DESCRIPTION("Fences whose issuer goes away");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
