// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dma-buf-stats.c guarantees: bufinfo is complete and holds nobody up, and
 * the directories in sysfs.
 */
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"
#include "mock-fence.h"

#ifdef CONFIG_DEBUG_FS
static unsigned long ino_of(struct mock_buf *mock)
{
	return file_inode(mock->dmabuf->file)->i_ino;
}

/* The line of the buffer that has inode number @ino, or NULL. */
static char *find_line(const char *text, unsigned long ino)
{
	char pattern[40];
	char *found;

	snprintf(pattern, sizeof(pattern), "\tmock\t%08lu\t", ino);
	found = strstr(text, pattern);
	while (found && found > text && found[-1] != '\n')
		found--;
	return found;
}

/* How often @ino has a line. */
static int count_lines(const char *text, unsigned long ino)
{
	char *found;
	int count = 0;

	while ((found = find_line(text, ino))) {
		count++;
		text = strchrnul(found, '\n');
	}
	return count;
}

/* The total that @text ends with. */
static void read_total(struct kunit *test, const char *text, int *count, size_t *size)
{
	const char *found = strstr(text, "\nTotal "), *last = NULL;
	int fields;

	while (found) {
		if (strnstr(found, " objects, ", 40))
			last = found;
		found = strstr(found + 1, "\nTotal ");
	}
	KUNIT_ASSERT_NOT_NULL(test, last);
	fields = sscanf(last, "\nTotal %d objects, %zu bytes\n", count, size);
	KUNIT_ASSERT_EQ(test, 2, fields);
}

static struct file *open_bufinfo(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "debugfs", "dma_buf/bufinfo", O_RDONLY);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	return file;
}

static void line_has_the_columns_that_programs_parse(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 8192, 0);
	char *text = mock_bufinfo(test), *line;
	char expected[100];

	KUNIT_EXPECT_EQ(test, 0, strncmp(text, "\nDma-buf Objects:\nsize    \tflags   \tmode    \t"
					 "count   \texp_name\tino     \tname\n", 66));
	line = find_line(text, ino_of(mock));
	KUNIT_ASSERT_NOT_NULL(test, line);
	snprintf(expected, sizeof(expected),
		 "00008192\t%08x\t%08x\t00000001\tmock\t%08lu\t<none>\n",
		 mock->dmabuf->file->f_flags, (__force unsigned int)mock->dmabuf->file->f_mode,
		 ino_of(mock));
	line[strlen(expected)] = '\0';
	KUNIT_EXPECT_STREQ(test, expected, line);
}

static void total_counts_buffers_and_bytes(struct kunit *test)
{
	int before, after;
	size_t bytes_before, bytes_after;

	read_total(test, mock_bufinfo(test), &before, &bytes_before);
	mock_buf(test, 3 * PAGE_SIZE, 0);
	mock_buf(test, 5, 0);
	read_total(test, mock_bufinfo(test), &after, &bytes_after);
	KUNIT_EXPECT_EQ(test, before + 2, after);
	KUNIT_EXPECT_EQ(test, bytes_before + 3 * PAGE_SIZE + 5, bytes_after);
}

static void set_name(struct kunit *test, struct mock_buf *mock, const char *name)
{
	char buf[DMA_BUF_NAME_LEN] = "";

	strscpy(buf, name);
	KUNIT_ASSERT_EQ(test, 0, mock_ioctl(test, mock->dmabuf->file, DMA_BUF_SET_NAME,
					    buf, sizeof(buf)));
}

static void name_is_shown_and_cannot_forge_a_line(struct kunit *test)
{
	struct mock_buf *plain = mock_buf(test, PAGE_SIZE, 0), *evil = mock_buf(test, PAGE_SIZE, 0);
	char *text, *line;

	set_name(test, plain, "a screen");
	set_name(test, evil, "\nTotal 0 objects, 0 bytes\n");
	text = mock_bufinfo(test);
	line = find_line(text, ino_of(plain));
	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_EXPECT_NOT_NULL(test, strnstr(line, "\ta screen\n", 80));
	line = find_line(text, ino_of(evil));
	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_EXPECT_NOT_NULL(test, strnstr(line, "\\012Total 0 objects, 0 bytes\\012\n", 120));
}

static void devices_and_fences_are_listed_below_their_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct device *dev = mock_device(test, "bufinfo-device");
	struct dma_buf_attachment *attach = dma_buf_attach(mock->dmabuf, dev);
	char *text, *line, *end;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	mock_buf_add_fence(test, mock->dmabuf, mock_fence(test), DMA_RESV_USAGE_WRITE);
	text = mock_bufinfo(test);
	dma_buf_detach(mock->dmabuf, attach);

	line = find_line(text, ino_of(mock));
	KUNIT_ASSERT_NOT_NULL(test, line);
	end = strstr(line, "\n\n");
	KUNIT_ASSERT_NOT_NULL(test, end);
	*end = '\0';
	KUNIT_EXPECT_NOT_NULL(test, strstr(line, "mock-timeline"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(line, "\tAttached Devices:\n\t"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(line, "bufinfo-device"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(line, "\nTotal 1 devices attached"));
}

static void released_buffer_is_gone(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	unsigned long ino = ino_of(mock);

	KUNIT_EXPECT_EQ(test, 1, count_lines(mock_bufinfo(test), ino));
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, 0, count_lines(mock_bufinfo(test), ino));
}

#define MANY 300

static void list_is_complete_beyond_one_page(struct kunit *test)
{
	static const size_t chunks[] = { 100, 1000, PAGE_SIZE };
	struct mock_buf **mocks = kunit_kcalloc(test, MANY, sizeof(*mocks), GFP_KERNEL);
	struct file *file = open_bufinfo(test);
	int i, j, count, wrong;
	size_t size;
	loff_t pos;
	char *text;

	KUNIT_ASSERT_NOT_NULL(test, mocks);
	for (i = 0; i < MANY; i++)
		mocks[i] = mock_buf(test, PAGE_SIZE, 0);
	for (j = 0; j < ARRAY_SIZE(chunks); j++) {
		pos = 0;
		text = mock_fs_read(test, file, &pos, chunks[j]);
		wrong = 0;
		for (i = 0; i < MANY; i++)
			wrong += count_lines(text, ino_of(mocks[i])) != 1;
		KUNIT_EXPECT_EQ(test, 0, wrong);
		KUNIT_EXPECT_GT(test, strlen(text), 4 * PAGE_SIZE);
		read_total(test, text, &count, &size);
		KUNIT_EXPECT_GE(test, count, MANY);
		kunit_kfree(test, text);
	}
}

static void device_list_longer_than_a_page_is_shown_whole(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct device *dev = mock_device(test, "a-device-with-quite-a-long-name");
	struct dma_buf_attachment *attach[100];
	int i, count;
	size_t size;
	char *text;

	for (i = 0; i < ARRAY_SIZE(attach); i++) {
		attach[i] = dma_buf_attach(mock->dmabuf, dev);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach[i]);
	}
	text = mock_bufinfo(test);
	for (i = 0; i < ARRAY_SIZE(attach); i++)
		dma_buf_detach(mock->dmabuf, attach[i]);

	KUNIT_EXPECT_EQ(test, 1, count_lines(text, ino_of(mock)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "\nTotal 100 devices attached\n"));
	/* What had to be formatted twice is counted once. */
	read_total(test, text, &count, &size);
	KUNIT_EXPECT_EQ(test, mock_buf_alive(), count);
}

/* The first @chunk bytes of bufinfo. */
static char *read_first(struct kunit *test, struct file *file, loff_t *pos, size_t chunk)
{
	void __user *page = mock_user_page(test);
	char *text = kunit_kzalloc(test, chunk + 1, GFP_KERNEL);
	ssize_t got;

	KUNIT_ASSERT_NOT_NULL(test, text);
	got = file->f_op->read(file, page, chunk, pos);
	KUNIT_ASSERT_GT(test, got, 0);
	mock_from_user(test, text, page, got);
	return text;
}

static void reader_in_the_middle_holds_no_buffer(struct kunit *test)
{
	struct mock_buf *mocks[20];
	struct file *file;
	loff_t pos = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(mocks); i++)
		mocks[i] = mock_buf(test, PAGE_SIZE, 0);
	file = open_bufinfo(test);
	read_first(test, file, &pos, 300);
	for (i = 0; i < ARRAY_SIZE(mocks); i++)
		KUNIT_EXPECT_TRUE(test, mock_buf_put(mocks[i]));
}

static void reader_sees_what_stays_once_while_others_come_and_go(struct kunit *test)
{
	struct mock_buf *mocks[40];
	char *head, *tail, *all;
	struct file *file;
	loff_t pos = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(mocks); i++)
		mocks[i] = mock_buf(test, PAGE_SIZE, 0);
	file = open_bufinfo(test);
	head = read_first(test, file, &pos, 500);

	/* Every other one goes, wherever the reader stands, and new ones come. */
	for (i = 0; i < ARRAY_SIZE(mocks); i += 2) {
		KUNIT_EXPECT_TRUE(test, mock_buf_put(mocks[i]));
		mock_buf(test, PAGE_SIZE, 0);
	}
	tail = mock_fs_read(test, file, &pos, 500);
	all = kasprintf(GFP_KERNEL, "%s%s", head, tail);
	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 1; i < ARRAY_SIZE(mocks); i += 2)
		KUNIT_EXPECT_EQ(test, 1, count_lines(all, ino_of(mocks[i])));
	kfree(all);
}

static void two_readers_do_not_see_each_other(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct file *one = open_bufinfo(test), *two = open_bufinfo(test);
	loff_t pos = 0, start = 0;

	mock_buf(test, PAGE_SIZE, 0);
	read_first(test, one, &pos, 100);
	KUNIT_EXPECT_EQ(test, 1, count_lines(mock_fs_read(test, two, &start, 100), ino_of(mock)));
}

/* Somebody else who reads bufinfo, with the memory of the test. */
struct reader {
	struct file *file;
	void __user *page;
	struct mm_struct *mm;
	struct completion started, done;
	ssize_t got;
};

static int reader_thread(void *data)
{
	struct reader *reader = data;
	loff_t pos = 0;

	kthread_use_mm(reader->mm);
	allow_signal(SIGUSR1);
	complete(&reader->started);
	reader->got = reader->file->f_op->read(reader->file, reader->page, PAGE_SIZE, &pos);
	kthread_unuse_mm(reader->mm);
	complete(&reader->done);
	return 0;
}

/* A reader on its way to a buffer whose reservation the caller holds. */
static struct task_struct *reader_start(struct kunit *test, struct reader *reader)
{
	struct task_struct *task;

	reader->file = open_bufinfo(test);
	reader->page = mock_user_page(test);
	reader->mm = current->mm;
	init_completion(&reader->started);
	init_completion(&reader->done);
	task = kthread_create(reader_thread, reader, "bufinfo");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	return task;
}

static void stuck_reader_holds_up_neither_export_nor_release(struct kunit *test)
{
	struct mock_buf *busy = mock_buf(test, PAGE_SIZE, 0);
	struct mock_buf *gone = mock_buf(test, PAGE_SIZE, 0);
	struct task_struct *task;
	struct reader reader;
	bool released, stuck;

	task = reader_start(test, &reader);
	dma_resv_lock(busy->dmabuf->resv, NULL);
	wake_up_process(task);
	wait_for_completion(&reader.started);
	stuck = !wait_for_completion_timeout(&reader.done, 3);

	/* A mutex around all of it would keep these from ever returning. */
	released = mock_buf_put(gone) && mock_buf_put(mock_buf(test, PAGE_SIZE, 0));
	dma_resv_unlock(busy->dmabuf->resv);

	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&reader.done, HZ));
	put_task_struct(task);
	KUNIT_EXPECT_TRUE(test, stuck);
	KUNIT_EXPECT_TRUE(test, released);
	KUNIT_EXPECT_GT(test, reader.got, 0);
}

static void stuck_reader_can_be_interrupted_and_goes_on(struct kunit *test)
{
	struct mock_buf *busy = mock_buf(test, PAGE_SIZE, 0);
	struct task_struct *task;
	struct reader reader;
	loff_t pos = 0;
	bool done;

	task = reader_start(test, &reader);
	dma_resv_lock(busy->dmabuf->resv, NULL);
	wake_up_process(task);
	wait_for_completion(&reader.started);
	send_sig(SIGUSR1, task, 1);
	done = wait_for_completion_timeout(&reader.done, HZ);
	dma_resv_unlock(busy->dmabuf->resv);
	if (!done)
		wait_for_completion(&reader.done);
	put_task_struct(task);
	KUNIT_EXPECT_TRUE(test, done);
	KUNIT_EXPECT_EQ(test, 1, count_lines(mock_fs_read(test, reader.file, &pos, PAGE_SIZE),
					     ino_of(busy)));
}
#endif

#ifdef CONFIG_DMABUF_SYSFS_STATS
/* An attribute of the buffer with inode number @ino. */
static struct file *open_attr(struct kunit *test, unsigned long ino, const char *attr)
{
	char path[80];

	snprintf(path, sizeof(path), "kernel/dmabuf/buffers/%lu/%s", ino, attr);
	return mock_fs_open(test, "sysfs", path, O_RDONLY);
}

static char *read_attr(struct kunit *test, unsigned long ino, const char *attr)
{
	struct file *file = open_attr(test, ino, attr);
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	return mock_fs_read(test, file, &pos, 64);
}

static void sysfs_shows_exporter_and_size(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, 12345, 0);
	unsigned long ino = file_inode(mock->dmabuf->file)->i_ino;

	KUNIT_EXPECT_STREQ(test, "mock\n", read_attr(test, ino, "exporter_name"));
	KUNIT_EXPECT_STREQ(test, "12345\n", read_attr(test, ino, "size"));
}

static void sysfs_forgets_a_released_buffer(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	unsigned long ino = file_inode(mock->dmabuf->file)->i_ino;
	struct file *open = open_attr(test, ino, "size");
	char byte;
	loff_t pos = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, open);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(open_attr(test, ino, "size")));
	KUNIT_EXPECT_EQ(test, -ENODEV, kernel_read(open, &byte, 1, &pos));
}
#endif

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_stats_cases[] = {
#ifdef CONFIG_DEBUG_FS
	KUNIT_CASE(line_has_the_columns_that_programs_parse),
	KUNIT_CASE(total_counts_buffers_and_bytes),
	KUNIT_CASE(name_is_shown_and_cannot_forge_a_line),
	KUNIT_CASE(devices_and_fences_are_listed_below_their_buffer),
	KUNIT_CASE(released_buffer_is_gone),
	KUNIT_CASE(list_is_complete_beyond_one_page),
	KUNIT_CASE(device_list_longer_than_a_page_is_shown_whole),
	KUNIT_CASE(reader_in_the_middle_holds_no_buffer),
	KUNIT_CASE(reader_sees_what_stays_once_while_others_come_and_go),
	KUNIT_CASE(two_readers_do_not_see_each_other),
	KUNIT_CASE(stuck_reader_holds_up_neither_export_nor_release),
	KUNIT_CASE(stuck_reader_can_be_interrupted_and_goes_on),
#endif
#ifdef CONFIG_DMABUF_SYSFS_STATS
	KUNIT_CASE(sysfs_shows_exporter_and_size),
	KUNIT_CASE(sysfs_forgets_a_released_buffer),
#endif
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_stats_suite = {
	.name = "dma-buf-stats",
	.test_cases = dma_buf_stats_cases,
};

kunit_test_suite(dma_buf_stats_suite);
