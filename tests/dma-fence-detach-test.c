// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a fence: what has finished when, and that nobody needs the driver then.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-fence.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

/**
 * struct leaver - a driver that can go: its callbacks and what they count
 * @ops: the callbacks, which a driver that has gone would take with it
 * @asked: how often one of the callbacks of @ops was called
 * @trapped: the same, since the driver has gone
 */
struct leaver {
	struct dma_fence_ops ops;
	atomic_t asked;
	atomic_t trapped;
};

/**
 * struct leaver_fence - its fences, which are freed without its help
 * @base: the fence; first, so that it frees all
 * @leaver: the driver
 */
struct leaver_fence {
	struct dma_fence base;
	struct leaver *leaver;
};

static struct leaver *leaver_of(struct dma_fence *fence)
{
	return container_of(fence, struct leaver_fence, base)->leaver;
}

static const char *leaver_name(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->asked);
	return "leaver";
}

static bool leaver_enable_signaling(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->asked);
	return true;
}

static bool leaver_signaled(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->asked);
	return false;
}

static void leaver_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	atomic_inc(&leaver_of(fence)->asked);
}

static const char *trap_name(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->trapped);
	return "trap";
}

static bool trap_answer(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->trapped);
	return true;
}

static signed long trap_wait(struct dma_fence *fence, bool intr, signed long timeout)
{
	atomic_inc(&leaver_of(fence)->trapped);
	return 1;
}

static void trap_release(struct dma_fence *fence)
{
	atomic_inc(&leaver_of(fence)->trapped);
	dma_fence_free(fence);
}

static void trap_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	atomic_inc(&leaver_of(fence)->trapped);
}

/* In place of memory that is unmapped: where a callback was, and where none was. */
static const struct dma_fence_ops trap_ops = {
	.get_driver_name = trap_name,
	.get_timeline_name = trap_name,
	.enable_signaling = trap_answer,
	.signaled = trap_answer,
	.wait = trap_wait,
	.release = trap_release,
	.set_deadline = trap_set_deadline,
};

static struct leaver *leaver_new(struct kunit *test)
{
	struct leaver *leaver = kunit_kzalloc(test, sizeof(*leaver), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, leaver);
	leaver->ops = (struct dma_fence_ops) {
		.get_driver_name = leaver_name,
		.get_timeline_name = leaver_name,
		.enable_signaling = leaver_enable_signaling,
		.signaled = leaver_signaled,
		.set_deadline = leaver_set_deadline,
	};
	return leaver;
}

/* A fence of the driver with a lock of its own; the caller owns the reference. */
static struct dma_fence *leaver_fence(struct kunit *test, struct leaver *leaver)
{
	struct leaver_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	fence->leaver = leaver;
	dma_fence_init(&fence->base, &leaver->ops, NULL, dma_fence_context_alloc(1), 1);
	return &fence->base;
}

/* The driver unloads. */
static void leaver_leave(struct leaver *leaver)
{
	leaver->ops = trap_ops;
}

static void idle_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

/* Everything that can be done with a fence that has signalled. */
static void use_signalled(struct kunit *test, struct dma_fence *fence)
{
	struct seq_file seq = { .size = 256 };
	struct dma_fence_cb cb;
	unsigned long flags;
	u32 index;

	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
	dma_fence_lock_irqsave(fence, flags);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled_locked(fence));
	dma_fence_unlock_irqrestore(fence, flags);
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, true, 0), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_default_wait(fence, true, 0), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_any_timeout(&fence, 1, false, 1, &index), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_add_callback(fence, &cb, idle_func), -ENOENT);
	KUNIT_EXPECT_FALSE(test, dma_fence_remove_callback(fence, &cb));
	dma_fence_enable_sw_signaling(fence);
	dma_fence_set_deadline(fence, ktime_get());
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
	KUNIT_EXPECT_NULL(test, dma_fence_later(fence, fence));

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	dma_fence_describe(fence, &seq);
	KUNIT_EXPECT_NULL(test, strstr(seq.buf, "leaver"));
}

static void nobody_needs_the_driver_of_a_signalled_fence(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = leaver_fence(test, leaver);

	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_GT(test, atomic_read(&leaver->asked), 0);
	dma_fence_signal(fence);
	leaver_leave(leaver);
	use_signalled(test, fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

static void nobody_needs_the_driver_of_a_signalled_fence_in_containers(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fences[] = { leaver_fence(test, leaver), leaver_fence(test, leaver) };
	struct dma_fence *array = &mock_array_new(test, fences, 2, false)->base;
	struct dma_fence *chain = mock_chain(test, fences, 2);
	struct dma_fence *merged = dma_fence_unwrap_merge(array, chain);

	KUNIT_ASSERT_NOT_NULL(test, merged);
	dma_fence_enable_sw_signaling(array);
	dma_fence_enable_sw_signaling(chain);
	mock_signal_all(fences, 2);
	leaver_leave(leaver);
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);

	KUNIT_EXPECT_TRUE(test, mock_fence_signals(array));
	KUNIT_EXPECT_TRUE(test, mock_fence_signals(chain));
	use_signalled(test, array);
	use_signalled(test, chain);
	/* Nobody has asked this one before. */
	use_signalled(test, merged);
	dma_fence_put(array);
	dma_fence_put(chain);
	dma_fence_put(merged);
	mock_run_irq_work();
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

/* The driver goes as soon as it can: between the flag and the end of the wait. */
static void nobody_needs_the_driver_at_the_end_of_a_wait(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = mock_put_later(test, leaver_fence(test, leaver));
	struct mock_waiter *waiter = mock_waiter(test, fence, false, MOCK_TIMEOUT);

	dma_fence_signal(fence);
	leaver_leave(leaver);
	KUNIT_EXPECT_GT(test, mock_waiter_result(waiter), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

/* i915's way: the flag alone, and the rest some time later. */
static void nobody_needs_the_driver_of_a_fence_that_is_being_signalled(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = leaver_fence(test, leaver);

	set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
	leaver_leave(leaver);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	dma_fence_set_deadline(fence, ktime_get());
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

static void a_driver_with_a_release_is_asked_for_it(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence;

	leaver->ops.release = trap_release;
	fence = leaver_fence(test, leaver);
	dma_fence_signal(fence);
	dma_fence_detach(fence);
	KUNIT_EXPECT_PTR_EQ(test, fence->ops, &leaver->ops);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 1);
}

/* i915 makes a request's flags anew each time that it uses one again. */
static void a_release_is_called_even_if_all_flags_were_cleared(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	static DEFINE_SPINLOCK(lock);
	struct dma_fence *fence;

	leaver->ops.release = trap_release;
	fence = leaver_fence(test, leaver);
	fence->lock = &lock;
	fence->flags = 0;
	dma_fence_signal(fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 1);
}

static void a_driver_with_a_wait_keeps_its_callbacks(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence;

	leaver->ops.wait = trap_wait;
	fence = mock_put_later(test, leaver_fence(test, leaver));
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 5), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 1);
	dma_fence_signal(fence);
	dma_fence_detach(fence);
	KUNIT_EXPECT_PTR_EQ(test, fence->ops, &leaver->ops);
	KUNIT_EXPECT_EQ(test, dma_fence_wait_timeout(fence, false, 5), 5);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 1);
}

/* ---- dma_fence_detach() and its relatives ---- */

static void a_detached_fence_is_nobodys(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = mock_put_later(test, leaver_fence(test, leaver));
	const struct dma_fence_ops *ops;

	dma_fence_signal(fence);
	dma_fence_detach(fence);
	leaver_leave(leaver);
	ops = fence->ops;
	KUNIT_ASSERT_NOT_NULL(test, ops);
	KUNIT_EXPECT_PTR_NE(test, ops, &leaver->ops);
	/* Drivers call these, and look for others. */
	KUNIT_EXPECT_STREQ(test, ops->get_driver_name(fence), "detached-driver");
	KUNIT_EXPECT_STREQ(test, ops->get_timeline_name(fence), "signaled-timeline");
	KUNIT_EXPECT_NULL(test, ops->signaled);
	use_signalled(test, fence);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_container(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_was_initialized(fence));
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

static void a_detached_fence_keeps_its_place_on_the_timeline(struct kunit *test)
{
	static const u64 wrap = 1ULL << 32;
	u64 context = dma_fence_context_alloc(1);
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence, *later;
	bool wide;

	for (wide = false;; wide = true) {
		leaver->ops.use_64bit_seqno = wide;
		fence = mock_put_later(test, leaver_fence(test, leaver));
		later = mock_put_later(test, leaver_fence(test, leaver));
		fence->context = context;
		later->context = context;
		fence->seqno = wrap - 1;
		later->seqno = wrap;
		dma_fence_signal(fence);
		dma_fence_detach(fence);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_later(later, fence));
		KUNIT_EXPECT_EQ(test, fence->ops->use_64bit_seqno, wide);
		KUNIT_EXPECT_EQ(test, __dma_fence_is_later(2 * wrap, wrap, fence->ops), wide);
		if (wide)
			break;
	}
}

/**
 * struct visitor - a driver that is left by its data from inside a callback
 * @fence: the driver's fence
 * @head: for the call
 * @inside: a callback is on its way
 * @called: the data may go
 * @too_early: they might have while somebody was inside
 */
struct visitor {
	struct dma_fence *fence;
	struct rcu_head head;
	bool inside;
	bool called;
	bool too_early;
};

static struct visitor *visited;		/* by the test that runs */

static void visitor_data_may_go(struct rcu_head *head)
{
	struct visitor *visitor = container_of(head, struct visitor, head);

	visitor->too_early |= READ_ONCE(visitor->inside);
	WRITE_ONCE(visitor->called, true);
}

/* The work ends, and the driver gives its data up, just when somebody looks. */
static void visit(void)
{
	WRITE_ONCE(visited->inside, true);
	dma_fence_signal(visited->fence);
	dma_fence_detach_call(visited->fence, &visited->head, visitor_data_may_go);
	visited->too_early |= READ_ONCE(visited->called);
	WRITE_ONCE(visited->inside, false);
}

static bool visited_signaled(struct dma_fence *fence)
{
	visit();
	return false;
}

static const char *visited_name(struct dma_fence *fence)
{
	visit();
	return "visited";
}

static void visited_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	visit();
}

static void look_at_signaled(struct leaver *leaver, struct dma_fence *fence)
{
	leaver->ops.signaled = visited_signaled;
	dma_fence_is_signaled(fence);
}

static void look_at_deadline(struct leaver *leaver, struct dma_fence *fence)
{
	leaver->ops.set_deadline = visited_set_deadline;
	dma_fence_set_deadline(fence, 0);
}

static void look_at_driver_name(struct leaver *leaver, struct dma_fence *fence)
{
	leaver->ops.get_driver_name = visited_name;
	rcu_read_lock();
	dma_fence_driver_name(fence);
	rcu_read_unlock();
}

static void look_at_timeline_name(struct leaver *leaver, struct dma_fence *fence)
{
	leaver->ops.get_timeline_name = visited_name;
	rcu_read_lock();
	dma_fence_timeline_name(fence);
	rcu_read_unlock();
}

static const struct look {
	const char *name;
	void (*look)(struct leaver *leaver, struct dma_fence *fence);
} looks[] = {
	{ "signaled", look_at_signaled },
	{ "set_deadline", look_at_deadline },
	{ "driver_name", look_at_driver_name },
	{ "timeline_name", look_at_timeline_name },
};

KUNIT_ARRAY_PARAM_DESC(look, looks, name);

static void data_may_go_when_nobody_is_inside(struct kunit *test)
{
	const struct look *look = test->param_value;
	struct visitor *visitor = kunit_kzalloc(test, sizeof(*visitor), GFP_KERNEL);
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = mock_put_later(test, leaver_fence(test, leaver));

	KUNIT_ASSERT_NOT_NULL(test, visitor);
	visitor->fence = fence;
	visited = visitor;
	look->look(leaver, fence);
	rcu_barrier();
	KUNIT_EXPECT_TRUE(test, visitor->called);
	KUNIT_EXPECT_FALSE(test, visitor->too_early);
}

static void detach_sync_covers_all_that_were_detached_before(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fences[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_put_later(test, leaver_fence(test, leaver));
		dma_fence_signal(fences[i]);
		dma_fence_detach(fences[i]);
	}
	dma_fence_detach_sync(fences[0]);
	leaver_leave(leaver);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		use_signalled(test, fences[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&leaver->trapped), 0);
}

/* ---- what has finished when ---- */

/**
 * struct slow_callback - a callback that runs on one CPU and is watched from another
 * @cb: what the fence knows
 * @fence: the fence, which the thread with the callback signals
 * @entered: it has begun
 * @go_on: and may end
 * @left: as it has
 * @done: the thread has ended
 */
struct slow_callback {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	bool entered;
	bool go_on;
	bool left;
	struct completion done;
};

static void slow_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct slow_callback *slow = container_of(cb, struct slow_callback, cb);

	WRITE_ONCE(slow->entered, true);
	while (!READ_ONCE(slow->go_on))
		cpu_relax();
	WRITE_ONCE(slow->left, true);
}

static int signal_thread(void *data)
{
	struct slow_callback *slow = data;

	dma_fence_signal(slow->fence);
	kthread_complete_and_exit(&slow->done, 0);
}

/*
 * Returns while another CPU signals @fence and is inside its callback. Each thread
 * has a CPU of its own, as neither gives it up until the other one goes on.
 */
static void begin_to_signal(struct kunit *test, struct dma_fence *fence,
			    struct slow_callback *slow)
{
	struct task_struct *task;

	unsigned int here = cpumask_first(cpu_online_mask);

	*slow = (struct slow_callback) { .fence = fence };
	init_completion(&slow->done);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(here)), 0);
	task = kthread_create(signal_thread, slow, "signal");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	kthread_bind(task, cpumask_next(here, cpu_online_mask));
	KUNIT_ASSERT_EQ(test, dma_fence_add_callback(fence, &slow->cb, slow_func), 0);
	wake_up_process(task);
	while (!READ_ONCE(slow->entered))
		cond_resched();
}

#define END_ROUNDS 50

static void a_signalled_fence_may_have_callbacks_to_run(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct slow_callback slow;
	struct dma_fence *fence;

	if (num_online_cpus() < 2)
		kunit_skip(test, "takes two CPUs");
	fence = mock_put_later(test, leaver_fence(test, leaver));
	begin_to_signal(test, fence, &slow);
	/* All that is promised. Nobody waits for the callback here, or this would hang. */
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), -EINVAL);
	dma_fence_timestamp(fence);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(slow.left));
	WRITE_ONCE(slow.go_on, true);
	dma_fence_remove_callback(fence, &slow.cb);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(slow.left));
	wait_for_completion(&slow.done);
}

static void detaching_waits_for_the_callbacks_to_end(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct slow_callback slow;
	struct dma_fence *fence;
	int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "takes two CPUs");
	for (i = 0; i < END_ROUNDS; i++) {
		fence = leaver_fence(test, leaver);
		begin_to_signal(test, fence, &slow);
		WRITE_ONCE(slow.go_on, true);
		dma_fence_detach(fence);
		KUNIT_EXPECT_TRUE(test, READ_ONCE(slow.left));
		wait_for_completion(&slow.done);
		dma_fence_put(fence);
	}
}

/* Writes down what the fence looks like from its first callback. */
struct first_look {
	struct dma_fence_cb cb;
	struct mock_callback *second;
	bool signaled;
	bool stamped;
	bool alone;
	int status;
};

static void first_look_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct first_look *first = container_of(cb, struct first_look, cb);

	first->signaled = dma_fence_is_signaled(fence);
	first->stamped = test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);
	first->status = dma_fence_get_status(fence);
	first->alone = !first->second->calls;
}

static void a_callback_finds_the_result_and_the_time(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = mock_put_later(test, leaver_fence(test, leaver));
	struct first_look first = {};

	KUNIT_ASSERT_EQ(test, dma_fence_add_callback(fence, &first.cb, first_look_func), 0);
	first.second = mock_callback(test, fence);
	dma_fence_set_error(fence, -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	KUNIT_EXPECT_TRUE(test, first.signaled);
	KUNIT_EXPECT_TRUE(test, first.stamped);
	KUNIT_EXPECT_TRUE(test, first.alone);
	KUNIT_EXPECT_EQ(test, first.status, -EIO);
}

static void after_the_signal_all_callbacks_have_run_and_the_lock_is_free(struct kunit *test)
{
	struct leaver *leaver = leaver_new(test);
	struct dma_fence *fence = mock_put_later(test, leaver_fence(test, leaver));
	struct mock_callback *callbacks[3];
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		callbacks[i] = mock_callback(test, fence);
	KUNIT_EXPECT_EQ(test, dma_fence_signal(fence), 0);
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		KUNIT_EXPECT_EQ(test, callbacks[i]->calls, 1);
	if (spin_trylock_irqsave(&fence->inline_lock, flags))
		spin_unlock_irqrestore(&fence->inline_lock, flags);
	else
		KUNIT_FAIL(test, "the lock is held");
}

static struct kunit_case detach_cases[] = {
	KUNIT_CASE(nobody_needs_the_driver_of_a_signalled_fence),
	KUNIT_CASE(nobody_needs_the_driver_of_a_signalled_fence_in_containers),
	KUNIT_CASE(nobody_needs_the_driver_at_the_end_of_a_wait),
	KUNIT_CASE(nobody_needs_the_driver_of_a_fence_that_is_being_signalled),
	KUNIT_CASE(a_driver_with_a_release_is_asked_for_it),
	KUNIT_CASE(a_release_is_called_even_if_all_flags_were_cleared),
	KUNIT_CASE(a_driver_with_a_wait_keeps_its_callbacks),
	KUNIT_CASE(a_detached_fence_is_nobodys),
	KUNIT_CASE(a_detached_fence_keeps_its_place_on_the_timeline),
	KUNIT_CASE_PARAM(data_may_go_when_nobody_is_inside, look_gen_params),
	KUNIT_CASE(detach_sync_covers_all_that_were_detached_before),
	KUNIT_CASE(a_signalled_fence_may_have_callbacks_to_run),
	KUNIT_CASE(detaching_waits_for_the_callbacks_to_end),
	KUNIT_CASE(a_callback_finds_the_result_and_the_time),
	KUNIT_CASE(after_the_signal_all_callbacks_have_run_and_the_lock_is_free),
	{}
};

static struct kunit_suite detach_suite = {
	.name = "dma-fence-detach",
	.init = mock_fence_suite_init,
	.test_cases = detach_cases,
};

kunit_test_suite(detach_suite);
