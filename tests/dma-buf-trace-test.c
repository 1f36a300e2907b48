// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tracepoints of buffers tell, and that what they look at is there.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <kunit/test.h>
#include <uapi/linux/dma-buf.h>

#include "mock-buf.h"

/**
 * struct probe - what one tracepoint said about one buffer
 * @name: of the tracepoint
 * @hit: the function that fits its arguments
 * @tp: the tracepoint, NULL until found
 * @dmabuf: the buffer; NULL for any
 * @calls: how often it was hit
 * @called: the name that the buffer had the last time
 * @fd: the descriptor that it was about, and whether others saw it at that time
 * @public: see @fd
 * @references: how many the buffer had
 */
struct probe {
	const char *name;
	void *hit;
	struct tracepoint *tp;
	struct dma_buf *dmabuf;
	unsigned int calls;
	char called[200];
	int fd;
	bool public;
	long references;
};

/* The test's thread is the only one that emits anything. */
static void hit(void *data, struct dma_buf *dmabuf)
{
	struct probe *probe = data;

	if (probe->dmabuf && probe->dmabuf != dmabuf)
		return;
	probe->calls++;
	probe->dmabuf = dmabuf;
	probe->references = file_count(dmabuf->file);
}

static void hit_named(void *data, struct dma_buf *dmabuf, const char *name)
{
	struct probe *probe = data;

	strscpy(probe->called, name);
	hit(data, dmabuf);
}

static void hit_fd(void *data, struct dma_buf *dmabuf, const char *name, int fd)
{
	struct probe *probe = data;

	hit_named(data, dmabuf, name);
	probe->fd = fd;
	guard(rcu)();
	probe->public = files_lookup_fd_raw(current->files, fd);
}

static void hit_attach(void *data, struct dma_buf_attachment *attach, const char *name)
{
	hit_named(data, attach->dmabuf, name);
}

static void probe_match(struct tracepoint *tp, void *data)
{
	struct probe *probe = data;

	if (!strcmp(tp->name, probe->name))
		probe->tp = tp;
}

static void probe_remove(void *data)
{
	struct probe *probe = data;

	tracepoint_probe_unregister(probe->tp, probe->hit, probe);
	tracepoint_synchronize_unregister();
}

static struct probe *probe_on(struct kunit *test, const char *name, void *fn,
			      struct dma_buf *dmabuf)
{
	struct probe *probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, probe);
	probe->name = name;
	probe->hit = fn;
	probe->dmabuf = dmabuf;
	for_each_kernel_tracepoint(probe_match, probe);
	KUNIT_ASSERT_NOT_NULL_MSG(test, probe->tp, "no tracepoint %s", name);
	KUNIT_ASSERT_EQ(test, 0, tracepoint_probe_register(probe->tp, fn, probe));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, probe_remove, probe));
	return probe;
}

/* Call the buffer what would forge a line of the trace. */
#define NAME	"a\nb"
#define ESCAPED	"a\\012b"

static struct mock_buf *named_buf(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	void __user *name = mock_user_page(test);
	struct file *file = mock->dmabuf->file;
	long ret;

	mock_to_user(test, name, NAME, sizeof(NAME));
	ret = file->f_op->unlocked_ioctl(file, DMA_BUF_SET_NAME_B, (unsigned long)name);
	KUNIT_ASSERT_EQ(test, 0, ret);
	return mock;
}

static void export_is_traced_with_the_first_reference(struct kunit *test)
{
	struct probe *export = probe_on(test, "dma_buf_export", hit, NULL);
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, 1, export->calls);
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf, export->dmabuf);
	KUNIT_EXPECT_EQ(test, 1, export->references);
}

static void export_that_fails_is_not_traced(struct kunit *test)
{
	struct probe *export = probe_on(test, "dma_buf_export", hit, NULL);
	struct mock_buf *mock = mock_buf_prepare(test, PAGE_SIZE);
	struct dma_buf_export_info info;

	mock_buf_describe(mock, &info, 0);
	info.priv = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, mock_buf_export(mock, &info));
	KUNIT_EXPECT_EQ(test, 0, export->calls);
}

/* Found upstream: the last reference went first, and the trace looked at what was left. */
static void put_is_traced_while_the_reference_lasts(struct kunit *test)
{
	struct mock_buf *mock = mock_buf(test, PAGE_SIZE, 0);
	struct probe *put = probe_on(test, "dma_buf_put", hit, mock->dmabuf);

	get_dma_buf(mock->dmabuf);
	dma_buf_put(mock->dmabuf);
	KUNIT_EXPECT_EQ(test, 1, put->calls);
	KUNIT_EXPECT_EQ(test, 2, put->references);
	KUNIT_EXPECT_TRUE(test, mock_buf_put(mock));
	KUNIT_EXPECT_EQ(test, 2, put->calls);
	KUNIT_EXPECT_EQ(test, 1, put->references);
}

/* Found upstream: another thread could close it before the trace had looked. */
static void fd_is_traced_before_anybody_can_close_it(struct kunit *test)
{
	struct mock_buf *mock = named_buf(test);
	struct probe *probe = probe_on(test, "dma_buf_fd", hit_fd, mock->dmabuf);
	int fd;

	get_dma_buf(mock->dmabuf);
	fd = dma_buf_fd(mock->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_EQ(test, fd, probe->fd);
	KUNIT_EXPECT_FALSE(test, probe->public);
	KUNIT_EXPECT_STREQ(test, ESCAPED, probe->called);
	close_fd(fd);
}

static void get_is_traced_when_it_finds_a_buffer(struct kunit *test)
{
	struct mock_buf *mock = named_buf(test);
	struct probe *probe = probe_on(test, "dma_buf_get", hit_fd, NULL);
	int fd;

	KUNIT_EXPECT_TRUE(test, IS_ERR(dma_buf_get(-1)));
	KUNIT_EXPECT_EQ(test, 0, probe->calls);

	get_dma_buf(mock->dmabuf);
	fd = dma_buf_fd(mock->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_PTR_EQ(test, mock->dmabuf, dma_buf_get(fd));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_EQ(test, fd, probe->fd);
	KUNIT_EXPECT_STREQ(test, ESCAPED, probe->called);
	dma_buf_put(mock->dmabuf);
	close_fd(fd);
}

static void attach_and_detach_are_traced_in_pairs(struct kunit *test)
{
	struct mock_buf *mock = named_buf(test);
	struct probe *on = probe_on(test, "dma_buf_dynamic_attach", hit_attach, mock->dmabuf);
	struct probe *off = probe_on(test, "dma_buf_detach", hit_attach, mock->dmabuf);
	struct mock_importer *importer = mock_importer(test);
	struct dma_buf_attachment *attach = dma_buf_attach(mock->dmabuf, importer->dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attach);
	KUNIT_EXPECT_EQ(test, 1, on->calls);
	KUNIT_EXPECT_EQ(test, 0, off->calls);
	dma_buf_detach(mock->dmabuf, attach);
	KUNIT_EXPECT_EQ(test, 1, off->calls);
	KUNIT_EXPECT_STREQ(test, ESCAPED, on->called);
	KUNIT_EXPECT_STREQ(test, ESCAPED, off->called);

	/* The importer is dynamic and the exporter is not, so this one maps. */
	mock->map_err = -EIO;
	attach = dma_buf_dynamic_attach(mock->dmabuf, importer->dev, &mock_importer_ops, importer);
	KUNIT_EXPECT_EQ(test, -EIO, PTR_ERR(attach));
	KUNIT_EXPECT_EQ(test, on->calls, off->calls);
}

static int forward_mmap(struct file *file, struct vm_area_struct *vma)
{
	return dma_buf_mmap(file->private_data, vma, 0);
}

static const struct file_operations forward_fops = {
	.mmap = forward_mmap,
};

static long try_mmap(struct kunit *test, struct file *file)
{
	return kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
}

static void both_ways_to_mmap_are_traced_when_they_succeed(struct kunit *test)
{
	struct mock_buf *mock = named_buf(test);
	struct probe *own = probe_on(test, "dma_buf_mmap_internal", hit_named, mock->dmabuf);
	struct probe *other = probe_on(test, "dma_buf_mmap", hit_named, mock->dmabuf);
	struct file *file = anon_inode_getfile("[forwarder]", &forward_fops, mock->dmabuf, O_RDWR);
	long one, two;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	mock->mmap_err = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, try_mmap(test, mock->dmabuf->file));
	KUNIT_EXPECT_EQ(test, -EIO, try_mmap(test, file));
	KUNIT_EXPECT_EQ(test, 0, own->calls + other->calls);

	mock->mmap_err = 0;
	one = try_mmap(test, mock->dmabuf->file);
	KUNIT_EXPECT_EQ(test, 1, own->calls);
	KUNIT_EXPECT_STREQ(test, ESCAPED, own->called);
	two = try_mmap(test, file);
	KUNIT_EXPECT_EQ(test, 1, own->calls);
	KUNIT_EXPECT_EQ(test, 1, other->calls);
	KUNIT_EXPECT_STREQ(test, ESCAPED, other->called);

	vm_munmap(one, PAGE_SIZE);
	vm_munmap(two, PAGE_SIZE);
	__fput_sync(file);
}

static void no_buffer_is_left_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
}

static struct kunit_case dma_buf_trace_cases[] = {
	KUNIT_CASE(export_is_traced_with_the_first_reference),
	KUNIT_CASE(export_that_fails_is_not_traced),
	KUNIT_CASE(put_is_traced_while_the_reference_lasts),
	KUNIT_CASE(fd_is_traced_before_anybody_can_close_it),
	KUNIT_CASE(get_is_traced_when_it_finds_a_buffer),
	KUNIT_CASE(attach_and_detach_are_traced_in_pairs),
	KUNIT_CASE(both_ways_to_mmap_are_traced_when_they_succeed),
	KUNIT_CASE(no_buffer_is_left_behind),
	{}
};

static struct kunit_suite dma_buf_trace_suite = {
	.name = "dma-buf-trace",
	.test_cases = dma_buf_trace_cases,
};

kunit_test_suite(dma_buf_trace_suite);
