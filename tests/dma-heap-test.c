// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a heap's node guarantees, and what dma_heap_add() does; see
 * heaps/dma-heap.c. Heaps are never removed, so these suites leave theirs behind.
 */
#include <linux/completion.h>
#include <linux/dma-heap.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/uaccess.h>
#include <kunit/test.h>
#include <uapi/linux/dma-heap.h>

#include "mock-buf.h"
#include "shortage.h"
#include "sync-user.h"

#define HEAP_NAME "kunit"
#define EXP_NAME "kunit heap"

/* What the suites' heap was last asked for, and what it is to answer. */
static struct {
	struct kunit *test;
	unsigned int calls;
	struct dma_heap *heap;
	unsigned long len;
	u32 fd_flags;
	u64 heap_flags;
	int err;
} asked;

static struct dma_buf *allocate(struct dma_heap *heap, unsigned long len, u32 fd_flags,
				u64 heap_flags)
{
	struct dma_buf_export_info info;
	struct mock_buf *mock;
	struct dma_buf *dmabuf;

	asked.calls++;
	asked.heap = heap;
	asked.len = len;
	asked.fd_flags = fd_flags;
	asked.heap_flags = heap_flags;
	if (asked.err)
		return ERR_PTR(asked.err);

	mock = mock_buf_prepare(asked.test, len);
	mock_buf_describe(mock, &info, 0);
	info.exp_name = EXP_NAME;
	info.flags = fd_flags & O_ACCMODE;
	KUNIT_ASSERT_EQ(asked.test, 0, mock_buf_export(mock, &info));
	dmabuf = mock->dmabuf;
	/* It is the heap's caller who has the reference. */
	mock->dmabuf = NULL;
	return dmabuf;
}

static const struct dma_heap_ops heap_ops = {
	.allocate = allocate,
};

static struct dma_heap *add(const char *name)
{
	struct dma_heap_export_info info = {
		.name = name,
		.ops = &heap_ops,
		.priv = &asked,
	};

	return dma_heap_add(&info);
}

static struct dma_heap *the_heap(void)
{
	static struct dma_heap *heap;

	if (!heap)
		heap = add(HEAP_NAME);
	return heap;
}

static int init(struct kunit *test)
{
	memset(&asked, 0, sizeof(asked));
	asked.test = test;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, the_heap());
	return 0;
}

/* A descriptor of the suites' heap. */
static int heap_fd(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/" HEAP_NAME, O_RDONLY);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%pe", file);
	return file_fd(test, get_file(file));
}

/* DMA_HEAP_IOCTL_ALLOC of one page, all else as it was before. */
static long alloc(struct kunit *test, int heap, struct dma_heap_allocation_data *data)
{
	return fd_ioctl_data(test, heap, DMA_HEAP_IOCTL_ALLOC, data, sizeof(*data));
}

/* The number of the command with a structure of @size bytes. */
static unsigned int alloc_cmd(size_t size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, size);
}

/* Nothing came of it: no buffer lives, and this is still the next descriptor. */
static void expect_nothing_left(struct kunit *test, int next_fd)
{
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, mock_buf_alive());
	KUNIT_EXPECT_EQ(test, next_fd, lowest_free_fd());
}

/* ---- The node ---- */

static void node_belongs_to_root_alone(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/" HEAP_NAME, O_RDONLY);
	umode_t mode;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	mode = file_inode(file)->i_mode;
	KUNIT_EXPECT_TRUE(test, S_ISCHR(mode));
	KUNIT_EXPECT_EQ(test, 0600, mode & S_IALLUGO);
}

static void node_cannot_be_sought(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/" HEAP_NAME, O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, -ESPIPE, vfs_llseek(file, 0, SEEK_END));
}

static void node_without_a_heap_is_no_device(struct kunit *test)
{
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/" HEAP_NAME, O_RDONLY);
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	struct file *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_NOT_NULL(test, inode);
	KUNIT_ASSERT_NOT_NULL(test, other);
	inode->i_rdev = MKDEV(imajor(file_inode(file)), MINORMASK);
	KUNIT_EXPECT_EQ(test, -ENODEV, file->f_op->open(inode, other));
}

static void programs_of_32_bits_are_served(struct kunit *test)
{
#ifdef CONFIG_COMPAT
	struct file *file = mock_fs_open(test, "devtmpfs", "dma_heap/" HEAP_NAME, O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_TRUE(test, file->f_op->compat_ioctl == compat_ptr_ioctl);
#else
	kunit_skip(test, "no such programs here");
#endif
}

/* ---- DMA_HEAP_IOCTL_ALLOC ---- */

static void alloc_gives_a_buffer_of_whole_pages(struct kunit *test)
{
	struct dma_heap_allocation_data data = { .len = PAGE_SIZE + 1, .fd_flags = O_RDWR };
	struct dma_buf *dmabuf;

	KUNIT_ASSERT_EQ(test, 0, alloc(test, heap_fd(test), &data));
	close_later(test, data.fd);
	KUNIT_EXPECT_PTR_EQ(test, the_heap(), asked.heap);
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, asked.len);
	KUNIT_EXPECT_EQ(test, O_RDWR, asked.fd_flags);
	KUNIT_EXPECT_EQ(test, 0, asked.heap_flags);
	/* What the caller has asked for is still there. */
	KUNIT_EXPECT_EQ(test, PAGE_SIZE + 1, data.len);
	KUNIT_EXPECT_EQ(test, O_RDWR, data.fd_flags);

	dmabuf = dma_buf_get(data.fd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, dmabuf->size);
	KUNIT_EXPECT_STREQ(test, EXP_NAME, dmabuf->exp_name);
	dma_buf_put(dmabuf);
}

static void alloc_gives_the_only_reference_away(struct kunit *test)
{
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	int heap = heap_fd(test), next_fd = lowest_free_fd();

	KUNIT_ASSERT_EQ(test, 0, alloc(test, heap, &data));
	KUNIT_EXPECT_EQ(test, 1, mock_buf_alive());
	KUNIT_EXPECT_EQ(test, 0, close_fd(data.fd));
	expect_nothing_left(test, next_fd);
}

struct flags_case {
	const char *name;
	u32 fd_flags;
	bool cloexec;
	fmode_t mode;
};

static const struct flags_case flags_cases[] = {
	{ "reading", O_RDONLY, false, FMODE_READ },
	{ "writing", O_WRONLY, false, FMODE_WRITE },
	{ "both", O_RDWR, false, FMODE_READ | FMODE_WRITE },
	{ "both, close-on-exec", O_RDWR | O_CLOEXEC, true, FMODE_READ | FMODE_WRITE },
	{ "reading, close-on-exec", O_RDONLY | O_CLOEXEC, true, FMODE_READ },
};

KUNIT_ARRAY_PARAM_DESC(flags, flags_cases, name);

static void alloc_makes_the_descriptor_as_asked(struct kunit *test)
{
	const struct flags_case *param = test->param_value;
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = param->fd_flags };
	struct dma_buf *dmabuf;

	KUNIT_ASSERT_EQ(test, 0, alloc(test, heap_fd(test), &data));
	close_later(test, data.fd);
	dmabuf = dma_buf_get(data.fd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	KUNIT_EXPECT_TRUE(test, (dmabuf->file->f_mode & (FMODE_READ | FMODE_WRITE)) == param->mode);
	KUNIT_EXPECT_EQ(test, param->cloexec, fd_is_cloexec(data.fd));
	dma_buf_put(dmabuf);
}

struct refusal_case {
	const char *name;
	struct dma_heap_allocation_data data;
};

static const struct refusal_case refusal_cases[] = {
	{ "descriptor not 0", { .len = 1, .fd = 1, .fd_flags = O_RDWR } },
	{ "unknown flag of the descriptor", { .len = 1, .fd_flags = O_RDWR | O_NONBLOCK } },
	{ "unknown high flag", { .len = 1, .fd_flags = BIT(31) } },
	{ "no access mode at all", { .len = 1, .fd_flags = O_ACCMODE } },
	{ "flag of the heap", { .len = 1, .fd_flags = O_RDWR, .heap_flags = 1 } },
	{ "high flag of the heap", { .len = 1, .heap_flags = BIT_ULL(63) } },
	{ "length 0", { .fd_flags = O_RDWR } },
	{ "length that wraps to 0", { .len = U64_MAX, .fd_flags = O_RDWR } },
	{ "length in the last page", { .len = U64_MAX - PAGE_SIZE + 2, .fd_flags = O_RDWR } },
#ifndef CONFIG_64BIT
	{ "length that only 64 bits hold", { .len = BIT_ULL(32) + 1, .fd_flags = O_RDWR } },
	{ "length up to 4 GiB", { .len = BIT_ULL(32), .fd_flags = O_RDWR } },
#endif
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusal_cases, name);

static void alloc_refuses_before_the_heap_is_asked(struct kunit *test)
{
	const struct refusal_case *param = test->param_value;
	int heap = heap_fd(test), next_fd = lowest_free_fd();
	struct dma_heap_allocation_data data = param->data;

	KUNIT_EXPECT_EQ(test, -EINVAL, alloc(test, heap, &data));
	KUNIT_EXPECT_EQ(test, 0, asked.calls);
	expect_nothing_left(test, next_fd);
}

static void alloc_leaves_it_to_the_heap_what_is_too_much(struct kunit *test)
{
	struct dma_heap_allocation_data data = {
		.len = ULONG_MAX - PAGE_SIZE + 1,
		.fd_flags = O_RDWR,
	};

	asked.err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM, alloc(test, heap_fd(test), &data));
	KUNIT_EXPECT_EQ(test, ULONG_MAX - PAGE_SIZE + 1, asked.len);
}

static void alloc_passes_errors_of_the_heap_on(struct kunit *test)
{
	int heap = heap_fd(test), next_fd = lowest_free_fd();
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };

	asked.err = -EINTR;
	KUNIT_EXPECT_EQ(test, -EINTR, alloc(test, heap, &data));
	asked.err = -ENFILE;
	KUNIT_EXPECT_EQ(test, -ENFILE, alloc(test, heap, &data));
	KUNIT_EXPECT_EQ(test, 0, data.fd);
	expect_nothing_left(test, next_fd);
}

static void alloc_from_a_bad_pointer_is_efault_before_all_else(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(heap_fd(test), DMA_HEAP_IOCTL_ALLOC, user_hole(test)));
	KUNIT_EXPECT_EQ(test, 0, asked.calls);
}

static void alloc_that_cannot_be_told_of_leaves_nothing(struct kunit *test)
{
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	void __user *arg = user_constant(test, &data, sizeof(data));
	int heap = heap_fd(test), next_fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, arg));
	KUNIT_EXPECT_EQ(test, 1, asked.calls);
	expect_nothing_left(test, next_fd);
}

static void alloc_without_a_free_descriptor_is_emfile_and_leaves_nothing(struct kunit *test)
{
	int heap = heap_fd(test), next_fd = lowest_free_fd();
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	struct dma_heap_allocation_data wrong = { .fd_flags = O_RDWR };
	unsigned long limit = limit_fds(0);
	long none = alloc(test, heap, &data);
	long both = alloc(test, heap, &wrong);

	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, none);
	/* The descriptor comes last. */
	KUNIT_EXPECT_EQ(test, -EINVAL, both);
	expect_nothing_left(test, next_fd);
}

/* ---- Other structures than ours ---- */

static const size_t short_sizes[] = { 12, 16, 20, 23, 24 };

static void size_desc(const size_t *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *size);
}

KUNIT_ARRAY_PARAM(short_size, short_sizes, size_desc);

static void short_structure_counts_as_filled_up_with_0(struct kunit *test)
{
	size_t size = *(const size_t *)test->param_value;
	void __user *page = user_page_before_hole(test);
	void __user *arg = page + PAGE_SIZE - size;
	struct dma_heap_allocation_data data = { .len = 1 };

	/* One byte more, read or written, and it would fault. */
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &data, size));
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl(heap_fd(test), alloc_cmd(size), arg));
	user_read(test, &data, arg, size);
	close_later(test, data.fd);
	KUNIT_EXPECT_EQ(test, O_RDONLY, asked.fd_flags);
	KUNIT_EXPECT_EQ(test, 1, mock_buf_alive());
}

static const size_t long_sizes[] = { 25, 32, 128, 129, 4096, _IOC_SIZEMASK };

KUNIT_ARRAY_PARAM(long_size, long_sizes, size_desc);

static void end_of_a_long_structure_is_left_alone(struct kunit *test)
{
	size_t size = *(const size_t *)test->param_value;
	u8 *bytes = kunit_kmalloc(test, size, GFP_KERNEL);
	struct dma_heap_allocation_data *data = (struct dma_heap_allocation_data *)bytes;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 0xa5, size);
	*data = (struct dma_heap_allocation_data) { .len = 1, .fd_flags = O_RDWR };
	KUNIT_ASSERT_EQ(test, 0, fd_ioctl_data(test, heap_fd(test), alloc_cmd(size), bytes, size));
	close_later(test, data->fd);
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + sizeof(*data), 0xa5, size - sizeof(*data)));
}

/* A descriptor that the caller is not told of would be lost to it for good. */
static void structure_without_room_for_the_descriptor_gets_none(struct kunit *test)
{
	int heap = heap_fd(test), next_fd = lowest_free_fd();
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	size_t size;

	for (size = 0; size < 12; size++)
		KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, heap, alloc_cmd(size), &data,
							     sizeof(data)));
	KUNIT_EXPECT_EQ(test, 0, asked.calls);
	expect_nothing_left(test, next_fd);
}

static void command_that_brings_nothing_back_is_refused(struct kunit *test)
{
	int heap = heap_fd(test), next_fd = lowest_free_fd();
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	unsigned int dir, cmd;

	for (dir = 0; dir < (_IOC_READ | _IOC_WRITE); dir++) {
		cmd = _IOC(dir, DMA_HEAP_IOC_MAGIC, 0, sizeof(data));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				fd_ioctl_data(test, heap, cmd, &data, sizeof(data)));
	}
	KUNIT_EXPECT_EQ(test, 0, asked.calls);
	expect_nothing_left(test, next_fd);
}

static void other_commands_are_refused(struct kunit *test)
{
	int heap = heap_fd(test);
	struct dma_heap_allocation_data data = { .len = 1, .fd_flags = O_RDWR };
	unsigned int nr, cmd;

	for (nr = 1; nr <= _IOC_NRMASK; nr++) {
		cmd = _IOWR(DMA_HEAP_IOC_MAGIC, nr, struct dma_heap_allocation_data);
		KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl(heap, cmd, NULL));
	}
	cmd = _IOWR('I', 0, struct dma_heap_allocation_data);
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, heap, cmd, &data, sizeof(data)));
	KUNIT_EXPECT_EQ(test, 0, asked.calls);
}

static struct kunit_case heap_cases[] = {
	KUNIT_CASE(node_belongs_to_root_alone),
	KUNIT_CASE(node_cannot_be_sought),
	KUNIT_CASE(node_without_a_heap_is_no_device),
	KUNIT_CASE(programs_of_32_bits_are_served),
	KUNIT_CASE(alloc_gives_a_buffer_of_whole_pages),
	KUNIT_CASE(alloc_gives_the_only_reference_away),
	KUNIT_CASE_PARAM(alloc_makes_the_descriptor_as_asked, flags_gen_params),
	KUNIT_CASE_PARAM(alloc_refuses_before_the_heap_is_asked, refusal_gen_params),
	KUNIT_CASE(alloc_leaves_it_to_the_heap_what_is_too_much),
	KUNIT_CASE(alloc_passes_errors_of_the_heap_on),
	KUNIT_CASE(alloc_from_a_bad_pointer_is_efault_before_all_else),
	KUNIT_CASE(alloc_that_cannot_be_told_of_leaves_nothing),
	KUNIT_CASE(alloc_without_a_free_descriptor_is_emfile_and_leaves_nothing),
	KUNIT_CASE_PARAM(short_structure_counts_as_filled_up_with_0, short_size_gen_params),
	KUNIT_CASE_PARAM(end_of_a_long_structure_is_left_alone, long_size_gen_params),
	KUNIT_CASE(structure_without_room_for_the_descriptor_gets_none),
	KUNIT_CASE(command_that_brings_nothing_back_is_refused),
	KUNIT_CASE(other_commands_are_refused),
	{}
};

static struct kunit_suite heap_suite = {
	.name = "dma-heap",
	.init = init,
	.test_cases = heap_cases,
};

/* ---- dma_heap_add() ---- */

/* A name that no heap has yet, however often the suite has run. */
static char *new_name(struct kunit *test)
{
	static unsigned int last;

	char *name = kunit_kzalloc(test, 32, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	snprintf(name, 32, "kunit-%u", ++last);
	return name;
}

static void heap_remembers_its_name_and_data(struct kunit *test)
{
	char *name = new_name(test), *copy = kunit_kstrdup(test, name, GFP_KERNEL);
	struct dma_heap *heap = add(name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	memset(name, 'x', strlen(name));
	KUNIT_EXPECT_STREQ(test, copy, dma_heap_get_name(heap));
	KUNIT_EXPECT_PTR_EQ(test, (void *)&asked, dma_heap_get_drvdata(heap));
}

static void heap_that_makes_no_sense_is_refused(struct kunit *test)
{
	static const struct dma_heap_ops no_ops;
	struct dma_heap_export_info info = { .ops = &heap_ops };

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), dma_heap_add(&info));
	info.name = "";
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), dma_heap_add(&info));
	info.name = "kunit/sub";
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), dma_heap_add(&info));
	info.name = "kunit-nothing";
	info.ops = NULL;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), dma_heap_add(&info));
	info.ops = &no_ops;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), dma_heap_add(&info));
}

static void name_belongs_to_one_heap(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST), add(HEAP_NAME));
}

/* A thread that adds a heap once told to. */
struct adder {
	const char *name;
	struct completion go, done;
	struct dma_heap *heap;
};

static int adder_thread(void *data)
{
	struct adder *adder = data;

	wait_for_completion(&adder->go);
	adder->heap = add(adder->name);
	kthread_complete_and_exit(&adder->done, 0);
}

/* Both go at once: adding sleeps until devtmpfs has made the node. */
static void name_belongs_to_one_of_two_that_come_at_once(struct kunit *test)
{
	struct adder adders[2];
	unsigned int i, added = 0;

	for (i = 0; i < ARRAY_SIZE(adders); i++) {
		adders[i].name = i ? adders[0].name : new_name(test);
		init_completion(&adders[i].go);
		init_completion(&adders[i].done);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(adder_thread, &adders[i], "adder")));
	}
	for (i = 0; i < ARRAY_SIZE(adders); i++)
		complete(&adders[i].go);
	for (i = 0; i < ARRAY_SIZE(adders); i++) {
		wait_for_completion(&adders[i].done);
		if (!IS_ERR(adders[i].heap))
			added++;
		else
			KUNIT_EXPECT_EQ(test, -EEXIST, PTR_ERR(adders[i].heap));
	}
	KUNIT_EXPECT_EQ(test, 1, added);
}

static void there_can_be_more_than_128_heaps(struct kunit *test)
{
	struct dma_heap *heap = NULL;
	struct file *file;
	char path[64];
	unsigned int i;

	for (i = 0; i < 130; i++) {
		heap = add(new_name(test));
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(heap), "heap %u: %pe", i, heap);
	}
	snprintf(path, sizeof(path), "dma_heap/%s", dma_heap_get_name(heap));
	file = mock_fs_open(test, "devtmpfs", path, O_RDONLY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_GE(test, iminor(file_inode(file)), 128);
	KUNIT_EXPECT_PTR_EQ(test, heap, file->private_data);
}

static void heap_out_of_memory_is_enomem_and_frees_the_name(struct kunit *test)
{
	struct dma_heap *heap = NULL;
	char *name = new_name(test);
	int nth = 0;

	needs_failslab(test);
	while (fail_allocation(test, ++nth)) {
		heap = add(name);
		if (!fail_allocation_hit())
			break;
		/* Some allocations can be done without. */
		if (!IS_ERR(heap))
			name = new_name(test);
		else
			KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, PTR_ERR(heap), "allocation %d", nth);
	}

	KUNIT_EXPECT_GT(test, nth, 3);
	KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(heap), "%pe", heap);
}

static struct kunit_case add_cases[] = {
	KUNIT_CASE(heap_remembers_its_name_and_data),
	KUNIT_CASE(heap_that_makes_no_sense_is_refused),
	KUNIT_CASE(name_belongs_to_one_heap),
	KUNIT_CASE(name_belongs_to_one_of_two_that_come_at_once),
	KUNIT_CASE(there_can_be_more_than_128_heaps),
	KUNIT_CASE(heap_out_of_memory_is_enomem_and_frees_the_name),
	{}
};

static struct kunit_suite add_suite = {
	.name = "dma-heap-add",
	.init = init,
	.test_cases = add_cases,
};

kunit_test_suites(&heap_suite, &add_suite);

MODULE_IMPORT_NS(DMA_BUF);
MODULE_IMPORT_NS(DMA_BUF_HEAP);
