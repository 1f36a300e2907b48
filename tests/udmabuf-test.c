// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /dev/udmabuf makes and what it refuses, with every errno, and that a
 * refusal leaves neither a descriptor nor a pin; see udmabuf.c. What becomes of
 * the buffers is in udmabuf-access-test.c.
 */
#include <linux/cred.h>
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <kunit/test.h>

#include "../udmabuf.h"
#include "mock-buf.h"
#include "paged-fixture.h"
#include "shortage.h"
#include "sync-user.h"
#include "udmabuf-fixture.h"

/* Nothing came of it: no page is pinned, and this is still the next descriptor. */
static void expect_nothing_left(struct kunit *test, struct file *memfd, int next_fd)
{
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(memfd));
	KUNIT_EXPECT_EQ(test, next_fd, lowest_free_fd());
}

/* ---- What is made ---- */

static void buffer_has_the_pages_of_the_memfd(struct kunit *test)
{
	struct file *file = memfd(test, 8, F_SEAL_SHRINK);
	int mem = memfd_fd(test, file);
	struct dma_buf *dmabuf;
	unsigned long i;
	long fd;

	fd = create(test, udmabuf_fd(test), mem, 2 * PAGE_SIZE, 5 * PAGE_SIZE);
	close_later(test, fd);
	dmabuf = hold(test, fd);
	KUNIT_EXPECT_EQ(test, 5 * PAGE_SIZE, dmabuf->size);
	KUNIT_EXPECT_STREQ(test, "udmabuf", dmabuf->exp_name);
	KUNIT_EXPECT_EQ(test, 5, memfd_pins(file));
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, memfd_number(test, file, i + 2),
				*(u32 *)page_address(buffer_page(dmabuf, i)));
}

static void list_is_one_range_after_the_other(struct kunit *test)
{
	struct file *one = memfd(test, 4, F_SEAL_SHRINK);
	struct file *two = memfd(test, 4, F_SEAL_SHRINK | F_SEAL_GROW);
	int one_fd = memfd_fd(test, one), two_fd = memfd_fd(test, two);
	const struct udmabuf_create_item items[] = {
		{ .memfd = two_fd, .offset = 2 * PAGE_SIZE, .size = 2 * PAGE_SIZE },
		{ .memfd = one_fd, .offset = 0, .size = PAGE_SIZE },
		{ .memfd = two_fd, .offset = 0, .size = PAGE_SIZE },
		/* a range once more, and what is not asked for in the padding */
		{ .memfd = one_fd, .__pad = U32_MAX, .offset = 0, .size = 4 * PAGE_SIZE },
	};
	struct { struct file *file; unsigned long index; } order[] = {
		{ two, 2 }, { two, 3 }, { one, 0 }, { two, 0 },
		{ one, 0 }, { one, 1 }, { one, 2 }, { one, 3 },
	};
	struct dma_buf *dmabuf;
	unsigned long i;
	long fd;

	fd = create_list(test, udmabuf_fd(test), items, ARRAY_SIZE(items));
	close_later(test, fd);
	dmabuf = hold(test, fd);
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(order) * PAGE_SIZE, dmabuf->size);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, memfd_number(test, order[i].file, order[i].index),
				*(u32 *)page_address(buffer_page(dmabuf, i)));
}

static void memory_that_is_not_there_yet_is_made(struct kunit *test)
{
	struct file *file = memfd_hole(test, 3, F_SEAL_SHRINK);
	int fd;

	KUNIT_EXPECT_EQ(test, 0, bytes_not_zero(whole(test, file, &fd)));
	KUNIT_EXPECT_EQ(test, 3, memfd_pins(file));
}

static void more_folios_than_are_pinned_at_a_time(struct kunit *test)
{
	unsigned long pages = 3 * (PAGE_SIZE / sizeof(void *)) + 7, i;
	struct file *file = memfd(test, pages, F_SEAL_SHRINK);
	struct dma_buf *dmabuf;
	int fd;

	dmabuf = whole(test, file, &fd);
	KUNIT_ASSERT_EQ(test, pages * PAGE_SIZE, dmabuf->size);
	KUNIT_EXPECT_EQ(test, pages, memfd_pins(file));
	for (i = 0; i < pages; i++)
		KUNIT_ASSERT_EQ(test, memfd_number(test, file, i),
				*(u32 *)page_address(buffer_page(dmabuf, i)));
	close_now(test, fd);
	KUNIT_EXPECT_EQ(test, 0, memfd_pins(file));
}

static void descriptor_is_close_on_exec_when_asked(struct kunit *test)
{
	struct udmabuf_create args = {
		.memfd = memfd_fd(test, memfd(test, 1, F_SEAL_SHRINK)),
		.size = PAGE_SIZE,
	};
	int dev = udmabuf_fd(test);
	long fd;

	fd = fd_ioctl_data(test, dev, UDMABUF_CREATE, &args, sizeof(args));
	close_later(test, fd);
	KUNIT_EXPECT_FALSE(test, fd_is_cloexec(fd));
	/* Other flags mean nothing. */
	args.flags = U32_MAX;
	fd = fd_ioctl_data(test, dev, UDMABUF_CREATE, &args, sizeof(args));
	close_later(test, fd);
	KUNIT_EXPECT_TRUE(test, fd_is_cloexec(fd));
}

static void buffer_of_a_memfd_for_reading_is_for_reading(struct kunit *test)
{
	struct file *file = memfd(test, 2, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file);
	struct file *reader = dentry_open(&file->f_path, O_RDONLY, current_cred());
	struct udmabuf_create_item items[] = {
		{ .memfd = mem, .size = PAGE_SIZE },
		{ .offset = PAGE_SIZE, .size = PAGE_SIZE },
		{ .memfd = mem, .size = PAGE_SIZE },
	};
	long fd;

	KUNIT_ASSERT_FALSE(test, IS_ERR(reader));
	items[1].memfd = file_fd(test, reader);
	fd = create_list(test, dev, items, ARRAY_SIZE(items));
	close_later(test, fd);
	KUNIT_EXPECT_FALSE(test, hold(test, fd)->file->f_mode & FMODE_WRITE);
	KUNIT_EXPECT_TRUE(test, hold(test, fd)->file->f_mode & FMODE_READ);
	fd = create_list(test, dev, items, 1);
	close_later(test, fd);
	KUNIT_EXPECT_TRUE(test, hold(test, fd)->file->f_mode & FMODE_WRITE);
}

/* ---- What is refused ---- */

struct range_case {
	const char *name;
	u64 offset, size;
};

/* Of a memfd with 4 pages. */
static const struct range_case range_cases[] = {
	{ "nothing", 0, 0 },
	{ "offset inside of a page", 512, PAGE_SIZE },
	{ "size inside of a page", 0, PAGE_SIZE + 1 },
	{ "a page too much", 0, 5 * PAGE_SIZE },
	{ "end behind the end", PAGE_SIZE, 4 * PAGE_SIZE },
	{ "all behind the end", 4 * PAGE_SIZE, PAGE_SIZE },
	{ "far behind the end", S64_MAX & PAGE_MASK, PAGE_SIZE },
	{ "offset below 0", -(u64)PAGE_SIZE, PAGE_SIZE },
	{ "offset far below 0", BIT_ULL(63), PAGE_SIZE },
	{ "end that wraps", -(u64)PAGE_SIZE, 2 * PAGE_SIZE },
	{ "size below 0", 0, -(u64)PAGE_SIZE },
	{ "more than the limit", 0, SZ_64M + PAGE_SIZE },
	{ "more than 32 bits hold", 0, BIT_ULL(32) + PAGE_SIZE },
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, name);

static void range_is_refused(struct kunit *test)
{
	const struct range_case *param = test->param_value;
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	const struct udmabuf_create_item items[] = {
		{ .memfd = mem, .size = PAGE_SIZE },
		{ .memfd = mem, .offset = param->offset, .size = param->size },
	};

	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, param->offset, param->size));
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 2));
	expect_nothing_left(test, file, next_fd);
}

static void sizes_whose_sum_wraps_are_refused(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	const struct udmabuf_create_item items[] = {
		{ .memfd = mem, .size = BIT_ULL(63) },
		{ .memfd = mem, .size = BIT_ULL(63) },
		{ .memfd = mem, .size = PAGE_SIZE },
	};

	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, ARRAY_SIZE(items)));
	expect_nothing_left(test, file, next_fd);
}

struct seals_case {
	const char *name;
	int seals;
};

static const struct seals_case seals_cases[] = {
	{ "none", 0 },
	{ "no seal against shrinking", F_SEAL_GROW },
	{ "as a file on tmpfs", F_SEAL_SEAL },
	{ "against writing", F_SEAL_SHRINK | F_SEAL_WRITE },
	{ "against future writing", F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE },
};

KUNIT_ARRAY_PARAM_DESC(seals, seals_cases, name);

static void seals_are_refused(struct kunit *test)
{
	const struct seals_case *param = test->param_value;
	struct file *file = memfd(test, 2, param->seals);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();

	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, PAGE_SIZE));
	expect_nothing_left(test, file, next_fd);
}

static void what_is_no_memfd_is_ebadfd(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	struct udmabuf_create_item items[] = {
		{ .memfd = mem, .size = PAGE_SIZE },
		{ .memfd = dev, .size = PAGE_SIZE },
	};

	KUNIT_EXPECT_EQ(test, -EBADFD, create(test, dev, dev, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EBADFD, create(test, dev, next_fd, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EBADFD, create(test, dev, -1, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EBADFD, create_list(test, dev, items, 2));
	/* Not before the numbers make sense. */
	items[1].offset = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 2));
	expect_nothing_left(test, file, next_fd);
}

static void bad_pointer_is_efault(struct kunit *test)
{
	struct udmabuf_create_list head = { .count = 1 };
	void __user *hole = user_hole(test), *edge = user_page_before_hole(test);
	int dev = udmabuf_fd(test);

	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(dev, UDMABUF_CREATE, hole));
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(dev, UDMABUF_CREATE_LIST, hole));
	/* Here the head can be read, the list cannot. */
	edge += PAGE_SIZE - sizeof(head);
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(edge, &head, sizeof(head)));
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_ioctl(dev, UDMABUF_CREATE_LIST, edge));
	/* Whoever asks for too much or for nothing gets no farther than the head. */
	head.count = 1025;
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(edge, &head, sizeof(head)));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl(dev, UDMABUF_CREATE_LIST, edge));
	head.count = 0;
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(edge, &head, sizeof(head)));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl(dev, UDMABUF_CREATE_LIST, edge));
}

static void other_commands_are_enotty(struct kunit *test)
{
	int dev = udmabuf_fd(test);
	void __user *page = user_memory(test, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(dev, _IOW('u', 0x41, struct udmabuf_create), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(dev, _IOW('v', 0x42, struct udmabuf_create), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(dev, _IOW('u', 0x42, u32), page));
	KUNIT_EXPECT_EQ(test, -ENOTTY, fd_ioctl(dev, _IOR('u', 0x43, struct udmabuf_create_list),
						page));
}

static void programs_of_32_bits_are_served(struct kunit *test)
{
#ifdef CONFIG_COMPAT
	struct file *file = mock_fs_open(test, "devtmpfs", "udmabuf", O_RDONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_TRUE(test, file->f_op->compat_ioctl == compat_ptr_ioctl);
#else
	kunit_skip(test, "no such programs here");
#endif
}

static void without_a_free_descriptor_it_is_emfile_and_nothing_stays(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	unsigned long limit = limit_fds(0);
	long none = create(test, dev, mem, 0, 4 * PAGE_SIZE);
	long both = create(test, dev, mem, 0, 5 * PAGE_SIZE);

	limit_fds(limit);
	KUNIT_EXPECT_EQ(test, -EMFILE, none);
	/* The descriptor comes last. */
	KUNIT_EXPECT_EQ(test, -EINVAL, both);
	expect_nothing_left(test, file, next_fd);
}

static void process_that_is_killed_gets_nothing(struct kunit *test)
{
	struct file *file = memfd(test, 4, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	struct udmabuf_create args = { .memfd = mem, .size = 4 * PAGE_SIZE };
	void __user *arg = user_memory(test, sizeof(args));
	long ret;

	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &args, sizeof(args)));
	sigaddset(&current->pending.signal, SIGKILL);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	ret = fd_ioctl(dev, UDMABUF_CREATE, arg);
	flush_signals(current);
	KUNIT_EXPECT_EQ(test, -EINTR, ret);
	expect_nothing_left(test, file, next_fd);
}

/* Pages that are not next to each other, so that the array of runs has to grow. */
static void out_of_memory_is_enomem_and_nothing_stays(struct kunit *test)
{
	struct file *file = memfd(test, 64, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file), next_fd = lowest_free_fd();
	struct udmabuf_create_item items[32] = {};
	struct udmabuf_create_list head = { .count = ARRAY_SIZE(items) };
	void __user *arg = user_memory(test, sizeof(head) + sizeof(items));
	unsigned int i;
	int nth = 0;
	long ret = -ENOMEM;

	needs_failslab(test);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		items[i].memfd = mem;
		items[i].offset = (63 - 2 * i) * PAGE_SIZE;
		items[i].size = PAGE_SIZE;
	}
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &head, sizeof(head)));
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg + sizeof(head), items, sizeof(items)));

	while (fail_allocation(test, ++nth)) {
		ret = fd_ioctl(dev, UDMABUF_CREATE_LIST, arg);
		if (!fail_allocation_hit())
			break;
		/* It can do without a smaller array in the end. */
		if (ret >= 0)
			close_fd(ret);
		else
			KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, ret, "allocation %d", nth);
		expect_nothing_left(test, file, next_fd);
	}

	KUNIT_EXPECT_GT(test, nth, 6);
	close_later(test, ret);
	KUNIT_EXPECT_EQ(test, 32, memfd_pins(file));
}

static void free_folio(void *folio)
{
	folio_put(folio);
}

/*
 * Holes punched while pages are being pinned, and a large folio in their place:
 * what comes behind it is beyond the range, and would be in no run.
 */
static void folios_that_the_range_does_not_reach_are_refused(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 2, 0 };
	struct folio *folios[ARRAY_SIZE(orders)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		folios[i] = folio_alloc(GFP_KERNEL, orders[i]);
		KUNIT_ASSERT_NOT_NULL(test, folios[i]);
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_folio, folios[i]));
	}
	KUNIT_EXPECT_TRUE(test, udmabuf_batch_fits(folios, 3, 100));
	KUNIT_EXPECT_TRUE(test, udmabuf_batch_fits(folios, 3, 6));
	KUNIT_EXPECT_FALSE(test, udmabuf_batch_fits(folios, 3, 5));
	KUNIT_EXPECT_FALSE(test, udmabuf_batch_fits(folios, 3, 4));
	/* The last one may reach beyond the end. */
	KUNIT_EXPECT_TRUE(test, udmabuf_batch_fits(folios, 2, 2));
	KUNIT_EXPECT_FALSE(test, udmabuf_batch_fits(folios, 2, 1));
}

static struct kunit_case create_cases[] = {
	KUNIT_CASE(buffer_has_the_pages_of_the_memfd),
	KUNIT_CASE(list_is_one_range_after_the_other),
	KUNIT_CASE(memory_that_is_not_there_yet_is_made),
	KUNIT_CASE(more_folios_than_are_pinned_at_a_time),
	KUNIT_CASE(descriptor_is_close_on_exec_when_asked),
	KUNIT_CASE(buffer_of_a_memfd_for_reading_is_for_reading),
	KUNIT_CASE_PARAM(range_is_refused, range_gen_params),
	KUNIT_CASE(sizes_whose_sum_wraps_are_refused),
	KUNIT_CASE_PARAM(seals_are_refused, seals_gen_params),
	KUNIT_CASE(what_is_no_memfd_is_ebadfd),
	KUNIT_CASE(bad_pointer_is_efault),
	KUNIT_CASE(other_commands_are_enotty),
	KUNIT_CASE(programs_of_32_bits_are_served),
	KUNIT_CASE(without_a_free_descriptor_it_is_emfile_and_nothing_stays),
	KUNIT_CASE(process_that_is_killed_gets_nothing),
	KUNIT_CASE(folios_that_the_range_does_not_reach_are_refused),
	KUNIT_CASE(out_of_memory_is_enomem_and_nothing_stays),
	{}
};

static struct kunit_suite create_suite = {
	.name = "udmabuf-create",
	.test_cases = create_cases,
};

/* ---- The limits ---- */

static void put_mount(void *mnt)
{
	kern_unmount(mnt);
}

static struct vfsmount *sysfs(struct kunit *test)
{
	struct vfsmount *mnt = kern_mount(get_fs_type("sysfs"));

	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_mount, mnt));
	return mnt;
}

/* Writes to a parameter of udmabuf, the way root does; 0 or a negative errno. */
static int set_param(struct kunit *test, const char *name, const char *value)
{
	char path[64];
	struct file *file;
	loff_t pos = 0;
	ssize_t ret;

	snprintf(path, sizeof(path), "module/udmabuf/parameters/%s", name);
	file = file_open_root_mnt(sysfs(test), path, O_WRONLY, 0);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%s: %pe", path, file);
	ret = kernel_write(file, value, strlen(value), &pos);
	__fput_sync(file);
	return ret < 0 ? ret : 0;
}

static void limits_exit(struct kunit *test)
{
	set_param(test, "list_limit", "1024");
	set_param(test, "size_limit_mb", "64");
}

static void count_up_to_the_limit_is_fine(struct kunit *test)
{
	struct udmabuf_create_item *items = kunit_kcalloc(test, 1025, sizeof(*items), GFP_KERNEL);
	struct file *file = memfd(test, 1, F_SEAL_SHRINK);
	int dev = udmabuf_fd(test), mem = memfd_fd(test, file);
	unsigned int i;
	long fd;

	KUNIT_ASSERT_NOT_NULL(test, items);
	for (i = 0; i < 1025; i++)
		items[i] = (struct udmabuf_create_item) { .memfd = mem, .size = PAGE_SIZE };
	fd = create_list(test, dev, items, 1024);
	close_later(test, fd);
	KUNIT_EXPECT_EQ(test, 1024 * PAGE_SIZE, hold(test, fd)->size);
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 1025));

	KUNIT_ASSERT_EQ(test, 0, set_param(test, "list_limit", "1"));
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 2));
	fd = create_list(test, dev, items, 1);
	close_later(test, fd);
}

static void size_up_to_the_limit_is_fine(struct kunit *test)
{
	int dev = udmabuf_fd(test);
	struct file *file = memfd_hole(test, SZ_1M / PAGE_SIZE + 1, F_SEAL_SHRINK);
	int mem = memfd_fd(test, file);
	struct udmabuf_create_item items[] = {
		{ .memfd = mem, .size = SZ_1M },
		{ .memfd = mem, .size = PAGE_SIZE },
	};

	KUNIT_ASSERT_EQ(test, 0, set_param(test, "size_limit_mb", "1"));
	close_later(test, create(test, dev, mem, 0, SZ_1M));
	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, SZ_1M + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, create_list(test, dev, items, 2));
	KUNIT_ASSERT_EQ(test, 0, set_param(test, "size_limit_mb", "0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, PAGE_SIZE));
}

static void limits_below_0_are_refused(struct kunit *test)
{
	int mem = memfd_fd(test, memfd(test, 1, F_SEAL_SHRINK)), dev = udmabuf_fd(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, set_param(test, "list_limit", "-1"));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_param(test, "size_limit_mb", "-1"));
	close_later(test, create(test, dev, mem, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, SZ_64M + PAGE_SIZE));
}

/* With 24 bytes an item, these wrap 32 bits or come near. */
static void limits_without_end_are_harmless(struct kunit *test)
{
	static const u32 counts[] = { U32_MAX, BIT(31), U32_MAX / 24 + 1, U32_MAX / 24 };
	int mem = memfd_fd(test, memfd(test, 1, F_SEAL_SHRINK)), dev = udmabuf_fd(test);
	struct udmabuf_create_list head = {};
	void __user *arg = user_page_before_hole(test);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, set_param(test, "list_limit", "4294967295"));
	KUNIT_ASSERT_EQ(test, 0, set_param(test, "size_limit_mb", "4294967295"));
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		head.count = counts[i];
		KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(arg, &head, sizeof(head)));
		KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl(dev, UDMABUF_CREATE_LIST, arg));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, BIT_ULL(51)));
	KUNIT_EXPECT_EQ(test, -EINVAL, create(test, dev, mem, 0, BIT_ULL(63)));
	close_later(test, create(test, dev, mem, 0, PAGE_SIZE));
}

static struct kunit_case limits_cases[] = {
	KUNIT_CASE(count_up_to_the_limit_is_fine),
	KUNIT_CASE(size_up_to_the_limit_is_fine),
	KUNIT_CASE(limits_below_0_are_refused),
	KUNIT_CASE(limits_without_end_are_harmless),
	{}
};

static struct kunit_suite limits_suite = {
	.name = "udmabuf-limits",
	.exit = limits_exit,
	.test_cases = limits_cases,
};

kunit_test_suites(&create_suite, &limits_suite);
