// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fd_slot.h guarantees to a system call that makes a file descriptor, and
 * dma_buf_fd_install() and dma_buf_fd_publish() with it.
 */
#include <linux/anon_inodes.h>
#include <linux/fd_slot.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/moduleparam.h>
#include <linux/panic.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "sync-user.h"

static bool fd_slot_misuse;
module_param(fd_slot_misuse, bool, 0444);
MODULE_PARM_DESC(fd_slot_misuse, "run the tests that make file descriptor slots warn");

/* The buffer's file, with a reference for a slot. */
static struct file *file_of(struct mock_buf *mock)
{
	return get_file(mock->dmabuf->file);
}

/* Can a thread that has guessed the number find anything there? */
static bool is_open(int fd)
{
	struct file *file __free(fput) = fget(fd);

	return file;
}

/* Close @fd, through which nothing but @mock must have been seen. */
static void expect_published(struct kunit *test, int fd, struct mock_buf *mock)
{
	struct file *file = fget(fd);

	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf->file, file);
	if (file)
		fput(file);
	KUNIT_EXPECT_EQ(test, 0, close_fd(fd));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
}

static void nobody_sees_a_descriptor_before_it_is_published(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd;

	CLASS(fd_slot, slot)(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, slot.fd, 0);
	fd = slot.fd;
	KUNIT_EXPECT_FALSE(test, is_open(fd));
	KUNIT_EXPECT_EQ(test, -EBADF, close_fd(fd));
	fd_slot_fill(&slot, file_of(mock));
	KUNIT_EXPECT_FALSE(test, is_open(fd));
	KUNIT_EXPECT_EQ(test, -EBADF, close_fd(fd));
	KUNIT_EXPECT_EQ(test, fd, fd_slot_publish(&slot));
	expect_published(test, fd, mock);
}

/* A system call that goes as far as @steps and then fails. */
static int fail_after(unsigned int steps, struct mock_buf *mock)
{
	CLASS(fd_slot, slot)(O_CLOEXEC);
	if (slot.fd < 0)
		return slot.fd;
	if (steps > 1)
		fd_slot_fill(&slot, file_of(mock));
	return -EFAULT;
}

static void failed_call_leaves_neither_descriptor_nor_file(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	unsigned int steps;
	int fd = lowest_free_fd();

	for (steps = 1; steps <= 2; steps++) {
		KUNIT_EXPECT_EQ(test, -EFAULT, fail_after(steps, mock));
		KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
		KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));
	}
}

/* A system call that has made its file before it asks for a descriptor. */
static int file_comes_first(struct mock_buf *mock)
{
	struct file *file = file_of(mock);

	CLASS(fd_slot, slot)(O_CLOEXEC);
	fd_slot_fill(&slot, file);
	return slot.fd < 0 ? slot.fd : fd_slot_publish(&slot);
}

static void file_is_put_when_there_is_no_descriptor_for_it(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	unsigned long limit = limit_fds(0);
	int ret;

	ret = file_comes_first(mock);
	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, ret);
	KUNIT_EXPECT_EQ(test, 1, file_count(mock->dmabuf->file));

	ret = file_comes_first(mock);
	KUNIT_ASSERT_GE(test, ret, 0);
	expect_published(test, ret, mock);
}

static void published_descriptor_is_out_of_the_slots_hands(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd = -1;

	scoped_class(fd_slot, slot, O_CLOEXEC) {
		fd_slot_fill(&slot, file_of(mock));
		fd = fd_slot_publish(&slot);
		KUNIT_EXPECT_LT(test, slot.fd, 0);
		KUNIT_EXPECT_NULL(test, slot.file);
	}
	expect_published(test, fd, mock);
}

static void descriptor_has_the_flags_that_were_asked_for(struct kunit *test)
{
	CLASS(fd_slot, closed)(O_CLOEXEC);
	CLASS(fd_slot, open)(0);

	KUNIT_ASSERT_GE(test, closed.fd, 0);
	KUNIT_ASSERT_GE(test, open.fd, 0);
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(closed.fd));
	KUNIT_EXPECT_FALSE(test, fd_is_cloexec(open.fd));
}

static void buffer_is_published_in_a_slot(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd;

	CLASS(fd_slot, slot)(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, slot.fd, 0);
	fd_slot_fill(&slot, file_of(mock));
	fd = dma_buf_fd_publish(&slot);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_LT(test, slot.fd, 0);
	KUNIT_EXPECT_NULL(test, slot.file);
	expect_published(test, fd, mock);
}

static void buffer_is_installed_at_a_reserved_descriptor(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd = get_unused_fd_flags(O_CLOEXEC);

	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_FALSE(test, is_open(fd));
	get_dma_buf(mock->dmabuf);
	dma_buf_fd_install(fd, mock->dmabuf);
	expect_published(test, fd, mock);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case fd_slot_cases[] = {
	KUNIT_CASE(nobody_sees_a_descriptor_before_it_is_published),
	KUNIT_CASE(failed_call_leaves_neither_descriptor_nor_file),
	KUNIT_CASE(file_is_put_when_there_is_no_descriptor_for_it),
	KUNIT_CASE(published_descriptor_is_out_of_the_slots_hands),
	KUNIT_CASE(descriptor_has_the_flags_that_were_asked_for),
	KUNIT_CASE(buffer_is_published_in_a_slot),
	KUNIT_CASE(buffer_is_installed_at_a_reserved_descriptor),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite fd_slot_suite = {
	.name = "fd-slot",
	.test_cases = fd_slot_cases,
};

/* ---- Misuse: warned about, and nothing else comes of it ---- */

static void slot_without_a_file_publishes_nothing(struct kunit *test)
{
	int fd = lowest_free_fd();

	scoped_class(fd_slot, slot, O_CLOEXEC) {
		KUNIT_EXPECT_EQ(test, -EBADF, fd_slot_publish(&slot));
		KUNIT_EXPECT_EQ(test, -EBADF, dma_buf_fd_publish(&slot));
		KUNIT_EXPECT_FALSE(test, is_open(fd));
	}
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
	KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
}

static void slot_is_published_once(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	int fd = -1;

	scoped_class(fd_slot, slot, O_CLOEXEC) {
		fd_slot_fill(&slot, file_of(mock));
		fd = fd_slot_publish(&slot);
		KUNIT_EXPECT_EQ(test, -EBADF, fd_slot_publish(&slot));
	}
	expect_published(test, fd, mock);
}

static void second_file_takes_the_place_of_the_first(struct kunit *test)
{
	struct mock_buf *first = mock_buf(test, PAGE_SIZE, 0);
	struct mock_buf *second = mock_buf(test, PAGE_SIZE, 0);

	CLASS(fd_slot, slot)(O_CLOEXEC);
	fd_slot_fill(&slot, file_of(first));
	fd_slot_fill(&slot, file_of(second));
	KUNIT_EXPECT_EQ(test, 1, file_count(first->dmabuf->file));
	expect_published(test, fd_slot_publish(&slot), second);
}

static const struct file_operations other_fops;

static void other_file_is_not_published_as_a_buffer(struct kunit *test)
{
	int fd = lowest_free_fd();

	scoped_class(fd_slot, slot, O_CLOEXEC) {
		struct file *file = anon_inode_getfile("[other]", &other_fops, NULL, O_RDWR);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
		fd_slot_fill(&slot, file);
		KUNIT_EXPECT_EQ(test, -EBADF, dma_buf_fd_publish(&slot));
		KUNIT_EXPECT_FALSE(test, is_open(fd));
	}
	KUNIT_EXPECT_EQ(test, fd, lowest_free_fd());
}

static int fd_slot_misuse_init(struct kunit *test)
{
	if (!fd_slot_misuse)
		kunit_skip(test, "needs dmabuf_kunit.fd_slot_misuse=1");
	return 0;
}

static struct kunit_case fd_slot_misuse_cases[] = {
	KUNIT_CASE(slot_without_a_file_publishes_nothing),
	KUNIT_CASE(slot_is_published_once),
	KUNIT_CASE(second_file_takes_the_place_of_the_first),
	KUNIT_CASE(other_file_is_not_published_as_a_buffer),
	{}
};

static struct kunit_suite fd_slot_misuse_suite = {
	.name = "fd-slot-misuse",
	.init = fd_slot_misuse_init,
	.test_cases = fd_slot_misuse_cases,
};

kunit_test_suites(&fd_slot_suite, &fd_slot_misuse_suite);
