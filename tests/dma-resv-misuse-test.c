// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to drivers that use a reservation object wrongly: they are warned,
 * and the machine stays alive. Skipped unless asked for, for the sake of the log.
 */
#include <kunit/test.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/moduleparam.h>
#include <linux/panic.h>
#include <linux/slab.h>

#include "resv-fixture.h"

static bool resv_misuse;
module_param(resv_misuse, bool, 0444);
MODULE_PARM_DESC(resv_misuse, "run the tests that make reservation objects warn");

static void reserving_no_slot_is_einval(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);

	dma_resv_lock(obj, NULL);
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_resv_reserve_fences(obj, 0));
	dma_resv_unlock(obj);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
}

static void fence_added_without_any_slot_is_not_lost(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[40];
	unsigned int i;

	/* More than any reservation of one slot makes room for. */
	dma_resv_lock(obj, NULL);
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_fence(test);
		dma_resv_add_fence(obj, fences[i], DMA_RESV_USAGE_WRITE);
	}
	dma_resv_unlock(obj);

	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE,
				resv_usage_of(test, obj, fences[i]));
}

static void fence_added_after_an_unlock_is_not_lost(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = mock_fence(test);

	dma_resv_lock(obj, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(obj, 1));
	dma_resv_unlock(obj);
	dma_resv_lock(obj, NULL);
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, fence));
}

static void added_containers_are_not_lost(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *part = mock_fence(test);
	struct dma_fence_chain *chain = dma_fence_chain_alloc();
	struct dma_fence_array *array;
	struct dma_fence **parts;

	KUNIT_ASSERT_NOT_NULL(test, chain);
	dma_fence_chain_init(chain, NULL, dma_fence_get(part), 1);
	parts = kmalloc_array(1, sizeof(*parts), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, parts);
	parts[0] = dma_fence_get(part);
	array = dma_fence_array_create(1, parts, dma_fence_context_alloc(1), 1, false);
	KUNIT_ASSERT_NOT_NULL(test, array);

	resv_add(test, &chain->base, DMA_RESV_USAGE_READ);
	resv_add(test, &array->base, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_READ, resv_usage_of(test, obj, &chain->base));
	KUNIT_EXPECT_EQ(test, DMA_RESV_USAGE_WRITE, resv_usage_of(test, obj, &array->base));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
	dma_fence_put(&chain->base);
	dma_fence_put(&array->base);
}

static int resv_misuse_init(struct kunit *test)
{
	if (!resv_misuse)
		kunit_skip(test, "needs dmabuf_kunit.resv_misuse=1");
	return resv_test_init(test);
}

static struct kunit_case resv_misuse_cases[] = {
	KUNIT_CASE(reserving_no_slot_is_einval),
	KUNIT_CASE(fence_added_without_any_slot_is_not_lost),
	KUNIT_CASE(fence_added_after_an_unlock_is_not_lost),
	KUNIT_CASE(added_containers_are_not_lost),
	{}
};

static struct kunit_suite resv_misuse_suite = {
	.name = "dma-resv-misuse",
	.init = resv_misuse_init,
	.exit = resv_test_exit,
	.test_cases = resv_misuse_cases,
};

kunit_test_suite(resv_misuse_suite);
