// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarantees of sync_debug: what debugfs tells about timelines.
 */
#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <kunit/test.h>

#include "sync-user.h"

#define INFO_MAX (256 * 1024)

/* All of sync/info, as cat(1) would read it. */
static char *read_info(struct kunit *test)
{
	struct file *file = debugfs_open(test, "sync/info", O_RDONLY);
	char __user *ubuf = user_memory(test, INFO_MAX);
	char *buf = kunit_kzalloc(test, INFO_MAX, GFP_KERNEL);
	size_t len = 0;
	loff_t pos = 0;
	ssize_t n;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	while ((n = file->f_op->read(file, ubuf + len, INFO_MAX - 1 - len, &pos)) > 0)
		len += n;
	fput(file);
	KUNIT_ASSERT_EQ(test, 0, n);
	user_read(test, buf, ubuf, len);
	return buf;
}

/* The part of sync/info that is about this thread's timelines. */
static char *read_own_info(struct kunit *test)
{
	char *info = read_info(test), *own, *end;
	char name[TASK_COMM_LEN + 4];

	snprintf(name, sizeof(name), "\n%s: ", current->comm);
	own = strstr(info, name);
	if (!own)
		return "";
	end = strstr(own, "\nfences:\n");
	KUNIT_ASSERT_NOT_NULL(test, end);
	*end = '\0';
	return own + 1;
}

/* @format may name the thread twice. */
static void expect_own_info(struct kunit *test, const char *format)
{
	char text[256];

	snprintf(text, sizeof(text), format, current->comm, current->comm);
	KUNIT_EXPECT_STREQ(test, read_own_info(test), text);
}

static void info_has_a_section_of_timelines_and_an_empty_one(struct kunit *test)
{
	static const char head[] = "objs:\n--------------\n";
	static const char tail[] = "fences:\n--------------\n";
	char *info = read_info(test);

	KUNIT_EXPECT_TRUE(test, strstarts(info, head));
	KUNIT_ASSERT_GE(test, strlen(info), strlen(head) + strlen(tail));
	KUNIT_EXPECT_STREQ(test, info + strlen(info) - strlen(tail), tail);
}

static void info_shows_each_timeline_with_its_value(struct kunit *test)
{
	int t1 = sw_sync_open(test), t2 = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, t1, 7));
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, t2, U32_MAX));
	expect_own_info(test, "%s: 7\n\n%s: -1\n");
}

static void info_shows_pending_points_in_order(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	sw_sync_fence(test, timeline, 9);
	sw_sync_fence(test, timeline, 2);
	sw_sync_fence(test, timeline, 5);
	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, 2));
	expect_own_info(test, "%s: 2\n"
			"  fence active: 5 / 2\n"
			"  fence active: 9 / 2\n");
}

static void info_shows_points_beyond_the_end_of_32_bits_last(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	KUNIT_EXPECT_EQ(test, 0, sw_sync_inc(test, timeline, U32_MAX - 1));
	sw_sync_fence(test, timeline, 0);
	sw_sync_fence(test, timeline, U32_MAX);
	expect_own_info(test, "%s: -2\n"
			"  fence active: 4294967295 / -2\n"
			"  fence active: 0 / -2\n");
}

static void info_forgets_a_point_that_is_released(struct kunit *test)
{
	int timeline = sw_sync_open(test);

	close_now(test, sw_sync_fence(test, timeline, 1));
	expect_own_info(test, "%s: 0\n");
}

static void info_shows_a_closed_timeline_until_its_last_fence_is_gone(struct kunit *test)
{
	int timeline = sw_sync_open(test), fd = sw_sync_fence(test, timeline, 3);
	struct dma_fence *fence = sync_file_get_fence(fd);
	struct timespec64 ts;
	char text[64];

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_put(fence);
	close_now(test, timeline);
	ts = ktime_to_timespec64(fence->timestamp);
	snprintf(text, sizeof(text), "%s: 0\n  fence error@%lld.%09ld: 3 / 0\n",
		 current->comm, ts.tv_sec, ts.tv_nsec);
	expect_own_info(test, text);
	close_now(test, fd);
	KUNIT_EXPECT_STREQ(test, read_own_info(test), "");
}

static void info_shows_thousands_of_points(struct kunit *test)
{
	int timeline = sw_sync_open(test), i, n = 4096;
	struct dma_fence **fences = kunit_kcalloc(test, n, sizeof(*fences), GFP_KERNEL);
	char *line;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < n; i++)
		fences[i] = sw_sync_point(test, timeline, n - i);

	line = read_own_info(test);
	for (i = 1; i <= n; i++) {
		char expected[40];

		line = strchrnul(line, '\n');
		snprintf(expected, sizeof(expected), "\n  fence active: %d / 0\n", i);
		KUNIT_ASSERT_TRUE_MSG(test, strstarts(line, expected), "line %d", i);
		line++;
	}
	for (i = 0; i < n; i++)
		dma_fence_put(fences[i]);
}

/* An interrupt that drops the last fence of a timeline, and so the timeline. */
struct dropping_irq {
	struct irq_work work;
	struct dma_fence *fence;
};

static void drop_in_irq(struct irq_work *work)
{
	dma_fence_put(container_of(work, struct dropping_irq, work)->fence);
}

/*
 * The reader once switched interrupts on under a lock that had to keep them
 * off. Interrupts take these locks when they release fences; lockdep, where
 * configured, sees a reader that lets them in.
 */
static void cve_2024_38780_info_keeps_the_interrupt_state(struct kunit *test)
{
	int timeline = sw_sync_open(test);
	struct dropping_irq irq = {
		.work = IRQ_WORK_INIT_HARD(drop_in_irq),
		.fence = sw_sync_point(test, timeline, 1),
	};

	sw_sync_fence(test, timeline, 2);
	read_info(test);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	irq_work_queue(&irq.work);
	irq_work_sync(&irq.work);
	expect_own_info(test, "%s: 0\n  fence active: 2 / 0\n");

	irq.fence = sw_sync_point(test, timeline, 3);
	close_now(test, timeline);
	irq_work_queue(&irq.work);
	irq_work_sync(&irq.work);
	KUNIT_EXPECT_NULL(test, strstr(read_own_info(test), ": 3 /"));
}

static struct kunit_case sync_debug_cases[] = {
	KUNIT_CASE(info_has_a_section_of_timelines_and_an_empty_one),
	KUNIT_CASE(info_shows_each_timeline_with_its_value),
	KUNIT_CASE(info_shows_pending_points_in_order),
	KUNIT_CASE(info_shows_points_beyond_the_end_of_32_bits_last),
	KUNIT_CASE(info_forgets_a_point_that_is_released),
	KUNIT_CASE(info_shows_a_closed_timeline_until_its_last_fence_is_gone),
	KUNIT_CASE(info_shows_thousands_of_points),
	KUNIT_CASE(cve_2024_38780_info_keeps_the_interrupt_state),
	{}
};

static struct kunit_suite sync_debug_suite = {
	.name = "sync_debug",
	.test_cases = sync_debug_cases,
};

kunit_test_suite(sync_debug_suite);
