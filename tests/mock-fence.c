// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fence whose producer is the test itself.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmstat.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static atomic_t alive = ATOMIC_INIT(0);

static const char *mock_driver_name(struct dma_fence *fence)
{
	return "mock";
}

static const char *mock_timeline_name(struct dma_fence *fence)
{
	return "mock-timeline";
}

static bool mock_enable_signaling(struct dma_fence *fence)
{
	struct mock_fence *mock = to_mock_fence(fence);

	atomic_inc(&mock->enable_count);
	return !READ_ONCE(mock->refuse);
}

static bool mock_signaled(struct dma_fence *fence)
{
	return READ_ONCE(to_mock_fence(fence)->done);
}

static void mock_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	to_mock_fence(fence)->deadline = deadline;
}

static void mock_release(struct dma_fence *fence)
{
	atomic_dec(&alive);
	dma_fence_free(fence);
}

const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_driver_name,
	.get_timeline_name = mock_timeline_name,
	.enable_signaling = mock_enable_signaling,
	.signaled = mock_signaled,
	.set_deadline = mock_set_deadline,
	.release = mock_release,
};

struct dma_fence *mock_fence_new(u64 context, u64 seqno)
{
	struct mock_fence *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	if (!mock)
		return NULL;
	spin_lock_init(&mock->lock);
	atomic_inc(&alive);
	dma_fence_init(&mock->base, &mock_fence_ops, &mock->lock, context, seqno);
	return &mock->base;
}

static void mock_fence_finish(void *data)
{
	struct dma_fence *fence = data;

	dma_fence_signal(fence);
	dma_fence_put(fence);
}

struct dma_fence *mock_fence_at(struct kunit *test, u64 context, u64 seqno)
{
	struct dma_fence *fence = mock_fence_new(context, seqno);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_fence_finish, fence));
	return fence;
}

struct dma_fence *mock_fence(struct kunit *test)
{
	return mock_fence_at(test, dma_fence_context_alloc(1), 1);
}

int mock_fence_alive(void)
{
	return atomic_read(&alive);
}

struct dma_fence **mock_fences(struct kunit *test, unsigned int count)
{
	struct dma_fence **fences = kunit_kcalloc(test, count, sizeof(*fences), GFP_KERNEL);
	u64 context = dma_fence_context_alloc(count);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < count; i++)
		fences[i] = mock_fence_at(test, context + i, 1);
	return fences;
}

bool mock_fence_wait_alive(int count)
{
	unsigned long end = jiffies + MOCK_TIMEOUT;

	while (mock_fence_alive() > count) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

static atomic_t turns = ATOMIC_INIT(0);
static int alive_at_start;

/* The last action of a test case: everything made in it must be gone. */
static void mock_fence_check_alive(void *data)
{
	struct kunit *test = data;

	if (!mock_fence_wait_alive(alive_at_start))
		KUNIT_FAIL(test, "%d fences leaked", mock_fence_alive() - alive_at_start);
	rcu_barrier();
}

int mock_fence_suite_init(struct kunit *test)
{
	atomic_set(&turns, 0);
	alive_at_start = mock_fence_alive();
	return kunit_add_action(test, mock_fence_check_alive, test);
}

void mock_run_irq_work(void)
{
	unsigned long flags;

	local_irq_save(flags);
	irq_work_run();
	local_irq_restore(flags);
}

long mock_slab_pages(void)
{
	rcu_barrier();
	kvfree_rcu_barrier();
	return global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B);
}

u32 mock_random(u32 *state)
{
	/* Numerical Recipes' generator: the high bits are the good ones. */
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

const char *mock_order_name(enum mock_order_kind kind)
{
	static const char * const names[] = {
		[MOCK_FORWARD] = "forward",
		[MOCK_BACKWARD] = "backward",
		[MOCK_RANDOM] = "random",
	};

	return names[kind];
}

static const struct mock_order_case order_cases[] = {
	{ 1, MOCK_FORWARD },
	{ 2, MOCK_FORWARD }, { 2, MOCK_BACKWARD },
	{ 9, MOCK_FORWARD }, { 9, MOCK_BACKWARD }, { 9, MOCK_RANDOM },
	{ 256, MOCK_FORWARD }, { 256, MOCK_BACKWARD }, { 256, MOCK_RANDOM },
};

static void order_case_name(const struct mock_order_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u_%s", c->count, mock_order_name(c->kind));
}

KUNIT_ARRAY_PARAM(order, order_cases, order_case_name);

const void *mock_order_gen_params(const void *prev, char *desc)
{
	return order_gen_params(prev, desc);
}

unsigned int *mock_order(struct kunit *test, enum mock_order_kind kind, unsigned int count)
{
	unsigned int *order = kunit_kmalloc_array(test, count, sizeof(*order), GFP_KERNEL);
	u32 random = 1234567;
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, order);
	for (i = 0; i < count; i++)
		order[i] = kind == MOCK_BACKWARD ? count - 1 - i : i;
	for (i = count; kind == MOCK_RANDOM && i > 1; i--) {
		j = mock_random(&random) % i;
		swap(order[i - 1], order[j]);
	}
	return order;
}

bool mock_fence_locked(struct dma_fence *fence)
{
#ifdef CONFIG_LOCKDEP
	return lockdep_is_held(dma_fence_spinlock(fence));
#else
	return true;
#endif
}

void mock_callback_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct mock_callback *callback = container_of(cb, struct mock_callback, cb);

	callback->calls++;
	callback->turn = atomic_inc_return(&turns);
	callback->irqs_off = irqs_disabled();
	callback->locked = mock_fence_locked(fence);
}

static void mock_callback_remove(void *data)
{
	struct mock_callback *callback = data;

	dma_fence_remove_callback(callback->fence, &callback->cb);
	dma_fence_put(callback->fence);
}

struct mock_callback *mock_callback(struct kunit *test, struct dma_fence *fence)
{
	struct mock_callback *callback = kunit_kzalloc(test, sizeof(*callback), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, callback);
	callback->fence = dma_fence_get(fence);
	INIT_LIST_HEAD(&callback->cb.node);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_callback_remove, callback));
	KUNIT_ASSERT_EQ(test, 0, dma_fence_add_callback(fence, &callback->cb, mock_callback_func));
	return callback;
}

bool mock_fence_has_callback(struct dma_fence *fence)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(dma_fence_spinlock(fence), flags);
	ret = !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) &&
	      !list_empty(&fence->cb_list);
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags);
	return ret;
}

/* Whether the number of entries on an unsignalled fence's list is not @count. */
static bool mock_fence_list_changed(struct dma_fence *fence, size_t count)
{
	unsigned long flags;
	bool ret = true;

	spin_lock_irqsave(dma_fence_spinlock(fence), flags);
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		ret = list_count_nodes(&fence->cb_list) != count;
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags);
	return ret;
}

static int mock_waiter_thread(void *data)
{
	struct mock_waiter *waiter = data;

	allow_signal(SIGUSR1);
	waiter->ret = dma_fence_wait_timeout(waiter->fence, waiter->intr, waiter->timeout);
	kthread_complete_and_exit(&waiter->done, 0);
}

static void mock_waiter_finish(void *data)
{
	struct mock_waiter *waiter = data;

	wait_for_completion(&waiter->done);
	put_task_struct(waiter->task);
	dma_fence_put(waiter->fence);
}

struct mock_waiter *mock_waiter(struct kunit *test, struct dma_fence *fence,
				bool intr, signed long timeout)
{
	struct mock_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	unsigned long end = jiffies + MOCK_TIMEOUT;
	size_t count = 0;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	waiter->fence = fence;
	waiter->intr = intr;
	waiter->timeout = timeout;
	init_completion(&waiter->done);
	waiter->task = kthread_create(mock_waiter_thread, waiter, "mock-waiter");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, waiter->task);
	get_task_struct(waiter->task);
	dma_fence_get(fence);

	spin_lock_irq(dma_fence_spinlock(fence));
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		count = list_count_nodes(&fence->cb_list);
	spin_unlock_irq(dma_fence_spinlock(fence));
	wake_up_process(waiter->task);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_waiter_finish, waiter));

	while (!mock_fence_list_changed(fence, count) && !completion_done(&waiter->done)) {
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		msleep(20);
	}
	return waiter;
}

signed long mock_waiter_result(struct mock_waiter *waiter)
{
	wait_for_completion(&waiter->done);
	/* mock_waiter_finish() waits again. */
	complete(&waiter->done);
	return waiter->ret;
}

static void mock_put(void *data)
{
	dma_fence_put(data);
}

struct dma_fence *mock_put_later(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mock_put, fence));
	return fence;
}

struct dma_fence_array *mock_array_new(struct kunit *test, struct dma_fence **fences,
				       unsigned int count, bool signal_on_any)
{
	struct dma_fence **members = kmalloc_array(count, sizeof(*members), GFP_KERNEL);
	struct dma_fence_array *array;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, members);
	for (i = 0; i < count; i++)
		members[i] = dma_fence_get(fences[i]);
	array = dma_fence_array_create(count, members, dma_fence_context_alloc(1), 1,
				       signal_on_any);
	KUNIT_ASSERT_NOT_NULL(test, array);
	return array;
}

struct dma_fence_array *mock_array(struct kunit *test, struct dma_fence **fences,
				   unsigned int count, bool signal_on_any)
{
	struct dma_fence_array *array = mock_array_new(test, fences, count, signal_on_any);

	mock_put_later(test, &array->base);
	return array;
}

struct dma_fence *mock_link(struct kunit *test, struct dma_fence *prev,
			    struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, link);
	dma_fence_chain_init(link, prev, dma_fence_get(fence), seqno);
	return &link->base;
}

struct dma_fence *mock_chain(struct kunit *test, struct dma_fence **fences, unsigned int count)
{
	struct dma_fence *head = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		head = mock_link(test, head, fences[i], i + 1);
	return head;
}

void mock_signal_all(struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_signal(fences[i]);
}

bool mock_fence_flagged(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

bool mock_fence_signals(struct dma_fence *fence)
{
	mock_run_irq_work();
	return dma_fence_wait_timeout(fence, false, MOCK_TIMEOUT) > 0;
}

struct dma_fence **mock_links(struct kunit *test, struct dma_fence **fences,
			      unsigned int count)
{
	struct dma_fence **links = kunit_kcalloc(test, count, sizeof(*links), GFP_KERNEL);
	struct dma_fence *prev = NULL;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, links);
	for (i = 0; i < count; i++) {
		links[i] = mock_put_later(test, mock_link(test, prev, fences[i], i + 1));
		prev = dma_fence_get(links[i]);
	}
	dma_fence_put(prev);
	return links;
}

MODULE_DESCRIPTION("KUnit tests for dma-buf, fences and reservations");
MODULE_LICENSE("GPL");
