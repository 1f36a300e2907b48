// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guarantees of SYNC_IOC_FILE_INFO.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/sync_file.h>
#include <kunit/test.h>

#include "mock-fence.h"
#include "sync-user.h"

static void signal_with(struct dma_fence *fence, int error)
{
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal(fence);
}

/* A descriptor of an array of @n fences, which are stored in @fences. */
static int array_fd(struct kunit *test, struct dma_fence **fences, int n)
{
	struct dma_fence **members = kmalloc_array(n, sizeof(*members), GFP_KERNEL);
	struct dma_fence_array *array;
	int i, fd;

	KUNIT_ASSERT_NOT_NULL(test, members);
	for (i = 0; i < n; i++) {
		fences[i] = mock_fence(test);
		members[i] = dma_fence_get(fences[i]);
	}
	array = dma_fence_array_create(n, members, dma_fence_context_alloc(1), 1,
				       false);
	KUNIT_ASSERT_NOT_NULL(test, array);
	fd = sync_fd(test, &array->base);
	dma_fence_put(&array->base);
	return fd;
}

static void info_of_a_bad_address_is_efault(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_file_info info = {};

	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(fd, SYNC_IOC_FILE_INFO, user_hole(test)));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_ioctl(fd, SYNC_IOC_FILE_INFO,
				 user_constant(test, &info, sizeof(info))));
}

static void info_list_at_a_bad_address_is_efault_and_keeps_no_fence(struct kunit *test)
{
	struct dma_fence *fences[3], *array;
	int fd = array_fd(test, fences, 3);
	struct sync_fence_info __user *hole = user_hole(test);
	void __user *end = user_page_before_hole(test) + PAGE_SIZE;
	struct sync_file_info info;

	array = sync_file_get_fence(fd);
	KUNIT_ASSERT_NOT_NULL(test, array);
	dma_fence_put(array);
	KUNIT_EXPECT_EQ(test, -EFAULT, fd_file_info(test, fd, &info, hole, 3));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_file_info(test, fd, &info, (void __user *)-PAGE_SIZE, 3));
	/* Two fit, half of the third does. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_file_info(test, fd, &info, end - sizeof(*hole) * 5 / 2, 3));
	KUNIT_EXPECT_EQ(test, 0,
			fd_file_info(test, fd, &info, end - sizeof(*hole) * 3, 3));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&array->refcount));
}

static void info_of_a_chain_lists_every_link(struct kunit *test)
{
	struct dma_fence *first = mock_fence(test), *second = mock_fence(test);
	struct dma_fence_chain *chain[2] = {
		dma_fence_chain_alloc(), dma_fence_chain_alloc(),
	};
	struct sync_fence_info list[2];
	struct sync_fence_info __user *ulist = user_memory(test, sizeof(list));
	struct sync_file_info info;
	int fd;

	KUNIT_ASSERT_NOT_NULL(test, chain[0]);
	KUNIT_ASSERT_NOT_NULL(test, chain[1]);
	dma_fence_chain_init(chain[0], NULL, dma_fence_get(first), 1);
	dma_fence_chain_init(chain[1], &chain[0]->base, dma_fence_get(second), 2);
	fd = sync_fd(test, &chain[1]->base);
	dma_fence_put(&chain[1]->base);

	KUNIT_EXPECT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 2));
	KUNIT_EXPECT_EQ(test, 2, info.num_fences);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fd_file_info(test, fd, &info, user_hole(test), 2));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&chain[0]->base.refcount));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&chain[1]->base.refcount));

	/* The newest link comes first. */
	signal_with(second, -EIO);
	KUNIT_EXPECT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 2));
	user_read(test, list, ulist, sizeof(list));
	KUNIT_EXPECT_EQ(test, -EIO, list[0].status);
	KUNIT_EXPECT_EQ(test, 0, list[1].status);
	KUNIT_EXPECT_EQ(test, -EIO, info.status);
}

static void info_with_flags_or_pad_is_einval(struct kunit *test)
{
	int fd = sync_fd(test, mock_fence(test));
	struct sync_file_info flags = { .flags = 1 }, pad = { .pad = 1 };

	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, fd, SYNC_IOC_FILE_INFO,
						     &flags, sizeof(flags)));
	KUNIT_EXPECT_EQ(test, -EINVAL, fd_ioctl_data(test, fd, SYNC_IOC_FILE_INFO,
						     &pad, sizeof(pad)));
}

static void info_with_too_little_room_is_einval_before_efault(struct kunit *test)
{
	struct dma_fence *fences[3];
	int fd = array_fd(test, fences, 3);
	struct sync_file_info info;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			fd_file_info(test, fd, &info, user_hole(test), 2));
}

static void info_without_room_tells_the_number_and_the_name(struct kunit *test)
{
	struct dma_fence *fences[3];
	int fd = array_fd(test, fences, 3);
	struct sync_file_info info;

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, user_hole(test), 0));
	KUNIT_EXPECT_EQ(test, 3, info.num_fences);
	KUNIT_EXPECT_EQ(test, 0, info.status);
	KUNIT_EXPECT_EQ(test, 0, strncmp(info.name, "dma_fence_array-", 16));
}

static void info_without_room_has_the_status_of_the_whole(struct kunit *test)
{
	struct dma_fence *good = mock_fence(test), *bad = mock_fence(test);
	int good_fd = sync_fd(test, good), bad_fd = sync_fd(test, bad);
	struct sync_file_info info;

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, good_fd, &info, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, info.status);
	signal_with(good, 0);
	signal_with(bad, -EIO);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, good_fd, &info, NULL, 0));
	KUNIT_EXPECT_EQ(test, 1, info.status);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, bad_fd, &info, NULL, 0));
	KUNIT_EXPECT_EQ(test, -EIO, info.status);
}

static void info_with_more_room_than_needed_tells_the_number(struct kunit *test)
{
	struct dma_fence *fences[3];
	int fd = array_fd(test, fences, 3);
	struct sync_fence_info list[4], last;
	struct sync_fence_info __user *ulist = user_memory(test, sizeof(list));
	struct sync_file_info info;

	memset(list, 0xaa, sizeof(list));
	last = list[3];
	KUNIT_ASSERT_EQ(test, 0UL, copy_to_user(ulist, list, sizeof(list)));
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 4));
	KUNIT_EXPECT_EQ(test, 3, info.num_fences);
	KUNIT_EXPECT_EQ(test, (u64)(uintptr_t)ulist, info.sync_fence_info);
	user_read(test, list, ulist, sizeof(list));
	KUNIT_EXPECT_MEMEQ(test, &list[3], &last, sizeof(last));
}

static void info_lists_each_fence_in_order(struct kunit *test)
{
	struct dma_fence *fences[3];
	int fd = array_fd(test, fences, 3);
	struct sync_fence_info list[3];
	struct sync_fence_info __user *ulist = user_memory(test, sizeof(list));
	struct sync_file_info info;

	signal_with(fences[0], 0);
	signal_with(fences[1], -EIO);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 3));
	KUNIT_ASSERT_EQ(test, 3, info.num_fences);
	user_read(test, list, ulist, sizeof(list));

	KUNIT_EXPECT_EQ(test, 1, list[0].status);
	KUNIT_EXPECT_EQ(test, -EIO, list[1].status);
	KUNIT_EXPECT_EQ(test, 0, list[2].status);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(fences[0]->timestamp), list[0].timestamp_ns);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(fences[1]->timestamp), list[1].timestamp_ns);
	KUNIT_EXPECT_EQ(test, 0, list[2].timestamp_ns);
	KUNIT_EXPECT_STREQ(test, list[2].driver_name, "mock");
	KUNIT_EXPECT_STREQ(test, list[2].obj_name, "mock-timeline");
	KUNIT_EXPECT_EQ(test, 0, list[0].flags | list[1].flags | list[2].flags);
}

/* Nothing of the kernel's stack may leave it in the tails of the names. */
static void info_pads_names_with_zeroes(struct kunit *test)
{
	struct sync_fence_info list[2], expected = {
		.obj_name = "mock-timeline", .driver_name = "mock",
	};
	struct sync_fence_info __user *ulist = user_memory(test, sizeof(list));
	struct dma_fence *fences[2];
	int fd = array_fd(test, fences, 2);
	struct sync_file_info info;

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 2));
	user_read(test, list, ulist, sizeof(list));
	KUNIT_EXPECT_MEMEQ(test, &list[0], &expected, sizeof(expected));
	KUNIT_EXPECT_MEMEQ(test, &list[1], &expected, sizeof(expected));
}

/* A driver whose fences have signalled may be gone, and its strings with it. */
static void info_asks_no_driver_for_names_after_the_signal(struct kunit *test)
{
	struct sync_fence_info entry;
	struct sync_fence_info __user *list = user_memory(test, sizeof(entry));
	struct dma_fence *fence = mock_fence_at(test, 5, 6);
	int fd = sync_fd(test, fence);
	struct sync_file_info info;

	dma_fence_signal(fence);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, list, 1));
	KUNIT_EXPECT_STREQ(test, info.name, "detached-driver-signaled-timeli");
	user_read(test, &entry, list, sizeof(entry));
	KUNIT_EXPECT_STREQ(test, entry.driver_name, "detached-driver");
	KUNIT_EXPECT_STREQ(test, entry.obj_name, "signaled-timeline");
}

static void info_status_is_the_first_that_is_not_good(struct kunit *test)
{
	struct dma_fence *fences[4];
	int fd = array_fd(test, fences, 4);
	struct sync_fence_info __user *ulist = user_memory(test, 4 * sizeof(*ulist));
	struct sync_file_info info;

	signal_with(fences[3], -EIO);
	signal_with(fences[0], 0);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 4));
	KUNIT_EXPECT_EQ(test, 0, info.status);
	signal_with(fences[1], -ENODEV);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 4));
	KUNIT_EXPECT_EQ(test, -ENODEV, info.status);
}

static void info_status_is_1_when_all_are_good(struct kunit *test)
{
	struct dma_fence *fences[2];
	int fd = array_fd(test, fences, 2);
	struct sync_fence_info __user *ulist = user_memory(test, 2 * sizeof(*ulist));
	struct sync_file_info info;

	signal_with(fences[0], 0);
	signal_with(fences[1], 0);
	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, 2));
	KUNIT_EXPECT_EQ(test, 1, info.status);
}

static void info_lists_hundreds_of_fences(struct kunit *test)
{
	const int n = 257;
	struct dma_fence **fences = kunit_kcalloc(test, n, sizeof(*fences), GFP_KERNEL);
	struct sync_fence_info *list = kunit_kcalloc(test, n, sizeof(*list), GFP_KERNEL);
	struct sync_fence_info __user *ulist = user_memory(test, n * sizeof(*list));
	struct sync_file_info info;
	int fd, i;

	KUNIT_ASSERT_NOT_NULL(test, fences);
	KUNIT_ASSERT_NOT_NULL(test, list);
	fd = array_fd(test, fences, n);
	for (i = 0; i < n; i++)
		if (i % 3)
			signal_with(fences[i], -i);

	KUNIT_ASSERT_EQ(test, 0, fd_file_info(test, fd, &info, ulist, n));
	KUNIT_ASSERT_EQ(test, n, info.num_fences);
	user_read(test, list, ulist, n * sizeof(*list));
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, i % 3 ? -i : 0, list[i].status);
		KUNIT_EXPECT_STREQ(test, list[i].driver_name,
				   i % 3 ? "detached-driver" : "mock");
	}
}

static struct kunit_case sync_file_info_cases[] = {
	KUNIT_CASE(info_of_a_bad_address_is_efault),
	KUNIT_CASE(info_list_at_a_bad_address_is_efault_and_keeps_no_fence),
	KUNIT_CASE(info_of_a_chain_lists_every_link),
	KUNIT_CASE(info_with_flags_or_pad_is_einval),
	KUNIT_CASE(info_with_too_little_room_is_einval_before_efault),
	KUNIT_CASE(info_without_room_tells_the_number_and_the_name),
	KUNIT_CASE(info_without_room_has_the_status_of_the_whole),
	KUNIT_CASE(info_with_more_room_than_needed_tells_the_number),
	KUNIT_CASE(info_lists_each_fence_in_order),
	KUNIT_CASE(info_pads_names_with_zeroes),
	KUNIT_CASE(info_asks_no_driver_for_names_after_the_signal),
	KUNIT_CASE(info_status_is_the_first_that_is_not_good),
	KUNIT_CASE(info_status_is_1_when_all_are_good),
	KUNIT_CASE(info_lists_hundreds_of_fences),
	{}
};

static struct kunit_suite sync_file_info_suite = {
	.name = "sync_file_info",
	.test_cases = sync_file_info_cases,
};

kunit_test_suite(sync_file_info_suite);
