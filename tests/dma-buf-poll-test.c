// SPDX-License-Identifier: GPL-2.0-only
/*
 * What poll on a buffer guarantees; see dma-buf-poll.c.
 */
#include <linux/completion.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/poll.h>
#include <linux/sync_file.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

/* Somebody who polls like poll() and epoll do, and counts how often it is woken. */
struct poller {
	poll_table pt;
	wait_queue_entry_t entry;
	wait_queue_head_t *queue;
	atomic_t wakes;
	__poll_t key;
	struct completion woken;
};

/* Events have a type of their own, which KUnit's comparisons do not know. */
#define EXPECT_EVENTS(test, events, got)				\
	KUNIT_EXPECT_EQ(test, (__force unsigned int)(events), (__force unsigned int)(got))

static int poller_wake(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct poller *poller = container_of(entry, struct poller, entry);

	if (!(key_to_poll(key) & (poller->pt._key | EPOLLERR | EPOLLHUP)))
		return 0;
	atomic_inc(&poller->wakes);
	poller->key = key_to_poll(key);
	complete(&poller->woken);
	return 1;
}

static void poller_enqueue(struct file *file, wait_queue_head_t *queue, poll_table *pt)
{
	struct poller *poller = container_of(pt, struct poller, pt);

	poller->queue = queue;
	add_wait_queue(queue, &poller->entry);
}

static void poller_leave(void *data)
{
	struct poller *poller = data;

	if (poller->queue)
		remove_wait_queue(poller->queue, &poller->entry);
	poller->queue = NULL;
}

/* A poller for @events that is not waiting yet; leaves at the end of the case. */
static struct poller *poller_new(struct kunit *test, __poll_t events)
{
	struct poller *poller = kunit_kzalloc(test, sizeof(*poller), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, poller);
	init_poll_funcptr(&poller->pt, poller_enqueue);
	poller->pt._key = events;
	init_waitqueue_func_entry(&poller->entry, poller_wake);
	init_completion(&poller->woken);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, poller_leave, poller));
	return poller;
}

/* The first poll puts the poller into the queue, later ones only ask. */
static __poll_t poller_poll(struct poller *poller, struct mock_buf *mock)
{
	__poll_t ready = vfs_poll(mock->dmabuf->file, &poller->pt);

	poller->pt._qproc = NULL;
	return ready;
}

/* Was the poller woken, now or within a second? Arrays signal a tick later. */
static bool poller_woken(struct poller *poller)
{
	return wait_for_completion_timeout(&poller->woken, HZ);
}

/* poll() with no time to wait. */
static __poll_t poll_now(struct mock_buf *mock, __poll_t events)
{
	poll_table pt = { ._key = events };

	return vfs_poll(mock->dmabuf->file, &pt);
}

static struct dma_fence *add_fence(struct kunit *test, struct mock_buf *mock,
				   enum dma_resv_usage usage)
{
	struct dma_fence *fence = mock_fence(test);

	mock_buf_add_fence(test, mock->dmabuf, fence, usage);
	return fence;
}

static void idle_buffer_is_ready_for_both(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT, poll_now(mock, EPOLLIN | EPOLLOUT));
	EXPECT_EVENTS(test, EPOLLIN, poll_now(mock, EPOLLIN));
	EXPECT_EVENTS(test, EPOLLOUT, poll_now(mock, EPOLLOUT));
	EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT, vfs_poll(mock->dmabuf->file, NULL));
}

static void other_events_never_happen(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	EXPECT_EVENTS(test, 0, poll_now(mock, 0));
	EXPECT_EVENTS(test, 0, poll_now(mock, EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDNORM));
}

struct usage_case {
	const char *name;
	enum dma_resv_usage usage;
	__poll_t ready;
};

static const struct usage_case usage_cases[] = {
	{ "kernel", DMA_RESV_USAGE_KERNEL, 0 },
	{ "write", DMA_RESV_USAGE_WRITE, 0 },
	{ "read", DMA_RESV_USAGE_READ, EPOLLIN },
	{ "bookkeep", DMA_RESV_USAGE_BOOKKEEP, EPOLLIN | EPOLLOUT },
};

KUNIT_ARRAY_PARAM_DESC(usage, usage_cases, name);

static void each_direction_waits_for_its_usages(struct kunit *test)
{
	const struct usage_case *param = test->param_value;
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, param->usage);
	struct poller *poller = poller_new(test, EPOLLIN | EPOLLOUT);

	EXPECT_EVENTS(test, param->ready & EPOLLIN, poll_now(mock, EPOLLIN));
	EXPECT_EVENTS(test, param->ready & EPOLLOUT, poll_now(mock, EPOLLOUT));
	EXPECT_EVENTS(test, param->ready, poller_poll(poller, mock));
	dma_fence_signal(fence);
	EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT, poller_poll(poller, mock));
}

static void error_of_a_fence_is_not_reported(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);

	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	EXPECT_EVENTS(test, EPOLLIN, poll_now(mock, EPOLLIN | EPOLLERR));
}

static void reader_is_woken_when_writers_are_done(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *reader = poller_new(test, EPOLLIN);
	struct dma_fence *write = add_fence(test, mock, DMA_RESV_USAGE_WRITE);

	EXPECT_EVENTS(test, 0, poller_poll(reader, mock));
	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test, poller_woken(reader));
	EXPECT_EVENTS(test, EPOLLIN, reader->key);
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(reader, mock));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&reader->wakes));
}

static void writer_is_woken_when_readers_are_done(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *writer = poller_new(test, EPOLLOUT);
	struct dma_fence *read = add_fence(test, mock, DMA_RESV_USAGE_READ);

	EXPECT_EVENTS(test, 0, poller_poll(writer, mock));
	dma_fence_signal(read);
	KUNIT_EXPECT_TRUE(test, poller_woken(writer));
	EXPECT_EVENTS(test, EPOLLOUT, writer->key);
	EXPECT_EVENTS(test, EPOLLOUT, poller_poll(writer, mock));
}

static void many_fences_wake_once(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *poller = poller_new(test, EPOLLIN);
	struct dma_fence *fences[8];
	int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));

	for (i = 0; i < ARRAY_SIZE(fences) - 1; i++)
		dma_fence_signal(fences[i]);
	/* Longer than any hop from one fence to the next takes. */
	KUNIT_EXPECT_EQ(test, 0, wait_for_completion_timeout(&poller->woken, 3));
	dma_fence_signal(fences[i]);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&poller->wakes));
}

static void many_pollers_wake_once_each(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *pollers[5];
	int i;

	for (i = 0; i < ARRAY_SIZE(pollers); i++) {
		pollers[i] = poller_new(test, EPOLLIN);
		EXPECT_EVENTS(test, 0, poller_poll(pollers[i], mock));
	}
	dma_fence_signal(fence);
	for (i = 0; i < ARRAY_SIZE(pollers); i++) {
		KUNIT_EXPECT_TRUE(test, poller_woken(pollers[i]));
		EXPECT_EVENTS(test, EPOLLIN, poller_poll(pollers[i], mock));
	}
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		KUNIT_EXPECT_EQ(test, 1, atomic_read(&pollers[i]->wakes));
}

static void poller_goes_on_waiting_for_fences_that_came_later(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *poller = poller_new(test, EPOLLIN);
	struct dma_fence *first = add_fence(test, mock, DMA_RESV_USAGE_WRITE), *second;

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	second = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(first);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_fence_signal(second);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&poller->wakes));
}

static void later_poller_sees_all_fences_through(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *early = poller_new(test, EPOLLIN), *late = poller_new(test, EPOLLIN);
	struct dma_fence *first = add_fence(test, mock, DMA_RESV_USAGE_WRITE), *second;

	EXPECT_EVENTS(test, 0, poller_poll(early, mock));
	second = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	EXPECT_EVENTS(test, 0, poller_poll(late, mock));

	dma_fence_signal(first);
	dma_fence_signal(second);
	KUNIT_EXPECT_TRUE(test, poller_woken(early));
	KUNIT_EXPECT_TRUE(test, poller_woken(late));
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(late, mock));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&late->wakes));
}

/* Found in review: each call left an array behind until the fences signalled. */
static void polling_in_a_loop_piles_up_nothing(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *first = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *second = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *poller = poller_new(test, EPOLLIN);
	unsigned int i, references;

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	references = kref_read(&first->refcount);
	for (i = 0; i < 100; i++)
		EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, references, kref_read(&first->refcount));

	dma_fence_signal(second);
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, references, kref_read(&first->refcount));
	dma_fence_signal(first);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
}

/* The eviction fences of some drivers get replaced before they ever signal. */
static void poll_that_finds_the_buffer_idle_wakes_those_on_a_replaced_fence(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *stub = dma_fence_get_stub();
	struct poller *poller = poller_new(test, EPOLLIN);
	struct dma_resv *resv = mock->dmabuf->resv;

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_resv_lock(resv, NULL);
	dma_resv_replace_fences(resv, fence->context, stub, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv);
	dma_fence_put(stub);

	EXPECT_EVENTS(test, EPOLLIN, poll_now(mock, EPOLLIN));
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&poller->wakes));
}

static void event_that_is_modified_later_still_wakes(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *poller = poller_new(test, 0);

	/* As EPOLL_CTL_ADD without events does, and EPOLL_CTL_MOD. */
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	poller->pt._key = EPOLLIN;
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
}

static void last_close_releases_a_busy_buffer_at_once(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_SHARED_RESV);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *poller = poller_new(test, EPOLLIN | EPOLLOUT);

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	KUNIT_EXPECT_GT(test, kref_read(&fence->refcount), 2);
	poller_leave(poller);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));

	/* Nothing is hooked into the fence that could touch the buffer now. */
	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&poller->wakes));
}

static void last_close_after_the_wakeup_is_clean(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, MOCK_BUF_SHARED_RESV);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *poller = poller_new(test, EPOLLIN);

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_fence_signal(fence);
	poller_leave(poller);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fence->refcount));
}

static void poll_keeps_no_reference_to_the_file(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *poller = poller_new(test, EPOLLIN | EPOLLOUT);

	add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
}

static void poll_without_waiting_hooks_nothing_but_enables_signalling(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	unsigned int refs = kref_read(&fence->refcount);

	EXPECT_EVENTS(test, 0, poll_now(mock, EPOLLIN | EPOLLOUT));
	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
	KUNIT_EXPECT_EQ(test, refs, kref_read(&fence->refcount));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&to_mock_fence(fence)->enable_count));
}

static void fence_that_signals_while_it_is_enabled_is_done(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *one = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *two = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *poller = poller_new(test, EPOLLIN);

	to_mock_fence(one)->refuse = true;
	to_mock_fence(two)->refuse = true;
	EXPECT_EVENTS(test, EPOLLIN, poll_now(mock, EPOLLIN));

	to_mock_fence(add_fence(test, mock, DMA_RESV_USAGE_WRITE))->refuse = true;
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
}

static void signalled_fence_is_let_go_by_the_next_poll(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	unsigned int refs = kref_read(&fence->refcount);
	struct poller *poller = poller_new(test, EPOLLIN);

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, refs + 1, kref_read(&fence->refcount));
	dma_fence_signal(fence);
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, refs, kref_read(&fence->refcount));
}

struct poll_thread {
	struct mock_buf *mock;
	struct poller *poller;
	__poll_t idle, busy;
	struct completion done;
};

static int poll_in_thread(void *data)
{
	struct poll_thread *thread = data;

	thread->idle = poll_now(thread->mock, EPOLLOUT);
	thread->busy = poller_poll(thread->poller, thread->mock);
	complete(&thread->done);
	return 0;
}

static void poll_does_not_wait_for_the_reservation(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poll_thread thread = { .mock = mock, .poller = poller_new(test, EPOLLOUT) };
	struct task_struct *task;
	bool done;

	add_fence(test, mock, DMA_RESV_USAGE_READ);
	add_fence(test, mock, DMA_RESV_USAGE_READ);
	init_completion(&thread.done);
	dma_resv_lock(mock->dmabuf->resv, NULL);
	task = kthread_run(poll_in_thread, &thread, "poll");
	done = !IS_ERR(task) && wait_for_completion_timeout(&thread.done, HZ);
	dma_resv_unlock(mock->dmabuf->resv);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	if (!done)
		wait_for_completion(&thread.done);
	KUNIT_EXPECT_TRUE(test, done);
	EXPECT_EVENTS(test, 0, thread.idle | thread.busy);
}

#define CROWD	16

/* As many pollers as fences, all waiting for the last of them. */
static void crowd_is_woken_once_for_many_fences(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *pollers[CROWD];
	struct dma_fence *fences[CROWD];
	int i;

	for (i = 0; i < CROWD; i++)
		fences[i] = add_fence(test, mock, i & 1 ? DMA_RESV_USAGE_WRITE :
							  DMA_RESV_USAGE_READ);
	for (i = 0; i < CROWD; i++) {
		pollers[i] = poller_new(test, EPOLLOUT);
		EXPECT_EVENTS(test, 0, poller_poll(pollers[i], mock));
	}
	for (i = CROWD - 1; i >= 0; i--)
		dma_fence_signal(fences[i]);
	for (i = 0; i < CROWD; i++) {
		KUNIT_EXPECT_TRUE(test, poller_woken(pollers[i]));
		EXPECT_EVENTS(test, EPOLLOUT, poller_poll(pollers[i], mock));
		KUNIT_EXPECT_EQ(test, 1, atomic_read(&pollers[i]->wakes));
	}
}

static void what_gets_ready_at_once_wakes_once(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *poller = poller_new(test, EPOLLIN | EPOLLOUT);
	struct dma_fence *one = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *two = add_fence(test, mock, DMA_RESV_USAGE_WRITE);

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_fence_signal(one);
	dma_fence_signal(two);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT, poller_poll(poller, mock));
	/* Longer than any other wakeup would take. */
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&poller->wakes));
}

static void what_gets_ready_one_by_one_wakes_for_each(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *poller = poller_new(test, EPOLLIN | EPOLLOUT);
	struct dma_fence *write = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = add_fence(test, mock, DMA_RESV_USAGE_READ);

	EXPECT_EVENTS(test, 0, poller_poll(poller, mock));
	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLIN, poller->key);
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(poller, mock));
	dma_fence_signal(read);
	KUNIT_EXPECT_TRUE(test, poller_woken(poller));
	EXPECT_EVENTS(test, EPOLLOUT, poller->key);
	EXPECT_EVENTS(test, EPOLLIN | EPOLLOUT, poller_poll(poller, mock));
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&poller->wakes));
}

#if IS_ENABLED(CONFIG_SYNC_FILE)
/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE of a new fence. */
static struct dma_fence *import_fence(struct kunit *test, struct mock_buf *mock, u32 flags)
{
	struct dma_buf_import_sync_file args = { .flags = flags };
	struct dma_fence *fence = mock_fence(test);
	struct sync_file *sync_file = sync_file_create(fence);
	struct file *file = mock->dmabuf->file;

	KUNIT_ASSERT_NOT_NULL(test, sync_file);
	args.fd = get_unused_fd_flags(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, args.fd, 0);
	fd_install(args.fd, sync_file->file);
	KUNIT_EXPECT_EQ(test, 0, mock_ioctl(test, file, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
					    &args, sizeof(args)));
	close_fd(args.fd);
	return fence;
}

/* Edge-triggered epoll asks once, and then again only when it is woken. */
static void imported_fence_wakes_those_who_saw_the_buffer_idle(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct poller *reader = poller_new(test, EPOLLIN), *writer = poller_new(test, EPOLLOUT);
	struct dma_fence *fence;

	EXPECT_EVENTS(test, EPOLLIN, poller_poll(reader, mock));
	EXPECT_EVENTS(test, EPOLLOUT, poller_poll(writer, mock));
	fence = import_fence(test, mock, DMA_BUF_SYNC_WRITE);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&reader->wakes) + atomic_read(&writer->wakes));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poller_woken(reader));
	KUNIT_EXPECT_TRUE(test, poller_woken(writer));
	EXPECT_EVENTS(test, EPOLLIN, poller_poll(reader, mock));
	EXPECT_EVENTS(test, EPOLLOUT, poller_poll(writer, mock));

	fence = import_fence(test, mock, DMA_BUF_SYNC_READ);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poller_woken(writer));
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&writer->wakes));
}

static void import_hooks_nothing_when_nobody_polls(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = import_fence(test, mock, DMA_BUF_SYNC_WRITE);

	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
	dma_fence_signal(fence);
}
#endif

/* Also those who asked for no event at all, and while there is work pending. */
static void revocation_wakes_every_poller(struct kunit *test)
{
	static const __poll_t asked[] = { EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, 0 };
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct dma_fence *fence = add_fence(test, mock, DMA_RESV_USAGE_WRITE);
	struct poller *pollers[ARRAY_SIZE(asked)];
	int i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		pollers[i] = poller_new(test, asked[i]);
		EXPECT_EVENTS(test, 0, poller_poll(pollers[i], mock));
	}
	dma_buf_revoke(mock->dmabuf);
	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		KUNIT_EXPECT_EQ(test, 1, atomic_read(&pollers[i]->wakes));
		EXPECT_EVENTS(test, EPOLLERR | EPOLLHUP, pollers[i]->key);
		EXPECT_EVENTS(test, EPOLLERR | EPOLLHUP, poller_poll(pollers[i], mock));
	}

	dma_fence_signal(fence);
	for (i = 0; i < ARRAY_SIZE(asked); i++)
		EXPECT_EVENTS(test, asked[i] | EPOLLERR | EPOLLHUP, poller_poll(pollers[i], mock));
	EXPECT_EVENTS(test, EPOLLERR | EPOLLHUP, poll_now(mock, 0));
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_poll_cases[] = {
	KUNIT_CASE(idle_buffer_is_ready_for_both),
	KUNIT_CASE(other_events_never_happen),
	KUNIT_CASE_PARAM(each_direction_waits_for_its_usages, usage_gen_params),
	KUNIT_CASE(error_of_a_fence_is_not_reported),
	KUNIT_CASE(reader_is_woken_when_writers_are_done),
	KUNIT_CASE(writer_is_woken_when_readers_are_done),
	KUNIT_CASE(many_fences_wake_once),
	KUNIT_CASE(many_pollers_wake_once_each),
	KUNIT_CASE(poller_goes_on_waiting_for_fences_that_came_later),
	KUNIT_CASE(later_poller_sees_all_fences_through),
	KUNIT_CASE(polling_in_a_loop_piles_up_nothing),
	KUNIT_CASE(poll_that_finds_the_buffer_idle_wakes_those_on_a_replaced_fence),
	KUNIT_CASE(event_that_is_modified_later_still_wakes),
	KUNIT_CASE(last_close_releases_a_busy_buffer_at_once),
	KUNIT_CASE(last_close_after_the_wakeup_is_clean),
	KUNIT_CASE(poll_keeps_no_reference_to_the_file),
	KUNIT_CASE(poll_without_waiting_hooks_nothing_but_enables_signalling),
	KUNIT_CASE(fence_that_signals_while_it_is_enabled_is_done),
	KUNIT_CASE(signalled_fence_is_let_go_by_the_next_poll),
	KUNIT_CASE(poll_does_not_wait_for_the_reservation),
	KUNIT_CASE(crowd_is_woken_once_for_many_fences),
	KUNIT_CASE(what_gets_ready_at_once_wakes_once),
	KUNIT_CASE(what_gets_ready_one_by_one_wakes_for_each),
#if IS_ENABLED(CONFIG_SYNC_FILE)
	KUNIT_CASE(imported_fence_wakes_those_who_saw_the_buffer_idle),
	KUNIT_CASE(import_hooks_nothing_when_nobody_polls),
#endif
	KUNIT_CASE(revocation_wakes_every_poller),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_poll_suite = {
	.name = "dma-buf-poll",
	.test_cases = dma_buf_poll_cases,
};

kunit_test_suite(dma_buf_poll_suite);
