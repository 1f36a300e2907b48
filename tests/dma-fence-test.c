// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fence is: its fields, order, references, status, stubs and deadlines.
 */
#include <linux/dma-fence.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

static const char *plain_name(struct dma_fence *fence)
{
	return "plain";
}

/* Only what every driver has: names. */
static const struct dma_fence_ops plain_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
};

static const struct dma_fence_ops wide_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
};

static DEFINE_SPINLOCK(plain_lock);

/* An unsignalled fence of a driver that does nothing; the test case owns the reference. */
static struct dma_fence *plain_fence(struct kunit *test, const struct dma_fence_ops *ops,
				     u64 context, u64 seqno)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, ops, &plain_lock, context, seqno);
	return mock_put_later(test, fence);
}

static void init_sets_what_the_caller_gave(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, &plain_ops, 0x123456789abcULL,
					      0xfedcba987654ULL);

	KUNIT_EXPECT_PTR_EQ(test, fence->ops, &plain_ops);
	KUNIT_EXPECT_PTR_EQ(test, fence->lock, &plain_lock);
	KUNIT_EXPECT_EQ(test, fence->context, 0x123456789abcULL);
	KUNIT_EXPECT_EQ(test, fence->seqno, 0xfedcba987654ULL);
}

static void init_makes_an_unsignalled_fence_with_one_reference(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 1);

	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags));
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags));
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_USER_BITS, &fence->flags));
	KUNIT_EXPECT_EQ(test, fence->error, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&fence->cb_list));
}

/* Drivers reuse the memory of fences and never clear it. */
static void init_does_not_look_at_old_contents(struct kunit *test)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	memset(fence, 0xa5, sizeof(*fence));
	dma_fence_init(fence, &plain_ops, &plain_lock, 7, 8);
	mock_put_later(test, fence);

	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_USER_BITS, &fence->flags));
	KUNIT_EXPECT_EQ(test, fence->error, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_signal(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

/* i915 has the most bits of its own. */
#define DRIVER_BITS 16

static void user_flags_survive_signalling(struct kunit *test)
{
	const unsigned long bits = GENMASK(DRIVER_BITS - 1, 0) << DMA_FENCE_FLAG_USER_BITS;
	struct dma_fence *fence = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 1);
	struct dma_fence *clear = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 1);
	int i;

	for (i = 0; i < DRIVER_BITS; i++)
		set_bit(DMA_FENCE_FLAG_USER_BITS + i, &fence->flags);
	dma_fence_enable_sw_signaling(fence);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, fence->flags & bits, bits);

	dma_fence_enable_sw_signaling(clear);
	dma_fence_signal(clear);
	KUNIT_EXPECT_EQ(test, clear->flags & bits, 0);
}

static void flag_bits_have_the_values_drivers_were_built_with(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (int)DMA_FENCE_FLAG_SIGNALED_BIT, 0);
	KUNIT_EXPECT_EQ(test, (int)DMA_FENCE_FLAG_TIMESTAMP_BIT, 1);
	KUNIT_EXPECT_EQ(test, (int)DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, 2);
	KUNIT_EXPECT_EQ(test, (int)DMA_FENCE_FLAG_USER_BITS, 3);
}

static void structures_are_not_larger_than_stock(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_64BIT) || IS_ENABLED(CONFIG_DEBUG_SPINLOCK) ||
	    IS_ENABLED(CONFIG_DEBUG_LOCK_ALLOC) || IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "debug options grow locks");

	KUNIT_EXPECT_LE(test, sizeof(struct dma_fence), 64);
	KUNIT_EXPECT_LE(test, sizeof(struct dma_fence_chain), 128);
	KUNIT_EXPECT_LE(test, sizeof(struct dma_fence_array), 120);
	KUNIT_EXPECT_LE(test, struct_size_t(struct dma_fence_array, callbacks, 8) -
			      struct_size_t(struct dma_fence_array, callbacks, 7), 32);
}

struct seqno_case {
	const char *name;
	u64 a;
	u64 b;
	bool narrow;	/* a is later than b as 32-bit numbers that wrap */
	bool wide;	/* ... as 64-bit numbers */
};

static const struct seqno_case seqno_cases[] = {
	{ "next", 2, 1, true, true },
	{ "previous", 1, 2, false, false },
	{ "same", 5, 5, false, false },
	{ "wrapped", 0, U32_MAX, true, false },
	{ "wrapped_back", U32_MAX, 0, false, true },
	{ "wrapped_far", 100, U32_MAX - 100, true, false },
	{ "half", 0x7fffffff, 0, true, true },
	{ "half_of_the_ring_later", 0x90000000, 0x20000000, true, true },
	{ "over_half", 0x90000001, 0x10000000, false, true },
	{ "over_half_back", 0x10000000, 0x90000001, true, false },
	{ "upper_half_differs_only", 0x100000005ULL, 5, false, true },
	{ "upper_half_is_ignored", 0x100000004ULL, 5, false, true },
	{ "upper_half_is_ignored_too", 6, 0x700000005ULL, true, false },
	{ "large", U64_MAX, U64_MAX - 1, true, true },
	{ "top_bit", 1ULL << 63, 1, false, true },
	{ "last_after_first", U64_MAX, 0, false, true },
};

static void seqno_case_name(const struct seqno_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(seqno, seqno_cases, seqno_case_name);

static void seqnos_wrap_at_32_bits_unless_the_ops_say_64(struct kunit *test)
{
	const struct seqno_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->narrow, __dma_fence_is_later(c->a, c->b, &plain_ops));
	KUNIT_EXPECT_EQ(test, c->wide, __dma_fence_is_later(c->a, c->b, &wide_ops));
}

static void fences_of_a_context_are_ordered_by_seqno(struct kunit *test)
{
	const struct seqno_case *c = test->param_value;
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *a = plain_fence(test, &plain_ops, context, c->a);
	struct dma_fence *b = plain_fence(test, &plain_ops, context, c->b);
	struct dma_fence *wide_a = plain_fence(test, &wide_ops, context, c->a);
	struct dma_fence *wide_b = plain_fence(test, &wide_ops, context, c->b);

	KUNIT_EXPECT_EQ(test, c->narrow, dma_fence_is_later(a, b));
	KUNIT_EXPECT_EQ(test, c->wide, dma_fence_is_later(wide_a, wide_b));
	if (c->a == c->b)
		return;
	KUNIT_EXPECT_EQ(test, c->narrow, dma_fence_is_later_or_same(a, b));
	KUNIT_EXPECT_EQ(test, c->wide, dma_fence_is_later_or_same(wide_a, wide_b));
}

static void a_fence_is_as_late_as_itself(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 3);

	KUNIT_EXPECT_FALSE(test, dma_fence_is_later(fence, fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_later_or_same(fence, fence));
}

static void later_picks_the_later_unsignalled_fence(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = plain_fence(test, &plain_ops, context, U32_MAX);
	struct dma_fence *second = plain_fence(test, &plain_ops, context, 0);

	KUNIT_EXPECT_PTR_EQ(test, second, dma_fence_later(first, second));
	KUNIT_EXPECT_PTR_EQ(test, second, dma_fence_later(second, first));

	dma_fence_signal(first);
	KUNIT_EXPECT_PTR_EQ(test, second, dma_fence_later(first, second));
	KUNIT_EXPECT_PTR_EQ(test, second, dma_fence_later(second, first));

	dma_fence_signal(second);
	KUNIT_EXPECT_NULL(test, dma_fence_later(first, second));
	KUNIT_EXPECT_NULL(test, dma_fence_later(second, first));
}

static void contexts_start_above_the_stub(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, dma_fence_context_alloc(1), 1);
}

static void context_ranges_do_not_overlap(struct kunit *test)
{
	u64 first = dma_fence_context_alloc(1);
	u64 many = dma_fence_context_alloc(1000);
	u64 last = dma_fence_context_alloc(1);

	KUNIT_EXPECT_GT(test, many, first);
	KUNIT_EXPECT_GE(test, last, many + 1000);
}

/* Contexts are 64 bits wide; one request may take more than fit into an int. */
static void a_huge_context_range_is_honoured(struct kunit *test)
{
	u64 many = dma_fence_context_alloc(U32_MAX);

	KUNIT_EXPECT_GE(test, dma_fence_context_alloc(1), many + U32_MAX);
}

static void get_and_put_count_references(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_PTR_EQ(test, fence, dma_fence_get(fence));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
}

static void references_to_nothing_are_harmless(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, dma_fence_get(NULL));
	dma_fence_put(NULL);
}

static void get_rcu_takes_a_reference(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, fence, dma_fence_get_rcu(fence));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	dma_fence_put(fence);
}

static void get_rcu_refuses_a_dying_fence(struct kunit *test)
{
	struct dma_fence *fence = kunit_kzalloc(test, sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &plain_ops, &plain_lock, 1, 1);
	dma_fence_signal(fence);
	refcount_set(&fence->refcount.refcount, 0);

	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, dma_fence_get_rcu(fence));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 0);
}

static void get_rcu_safe_takes_a_reference_to_what_the_pointer_names(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence __rcu *slot = RCU_INITIALIZER(fence);

	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, fence, dma_fence_get_rcu_safe(&slot));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2);
	dma_fence_put(fence);
}

static void get_rcu_safe_answers_null_for_an_empty_pointer(struct kunit *test)
{
	struct dma_fence __rcu *slot = NULL;

	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, dma_fence_get_rcu_safe(&slot));
	rcu_read_unlock();
}

static int released;

static void counting_release(struct dma_fence *fence)
{
	released++;
	dma_fence_free(fence);
}

static const struct dma_fence_ops counting_ops = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
	.release = counting_release,
};

static struct dma_fence *counting_fence(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &counting_ops, &plain_lock, dma_fence_context_alloc(1), 1);
	released = 0;
	return fence;
}

static void last_put_releases_once(struct kunit *test)
{
	struct dma_fence *fence = counting_fence(test);

	dma_fence_get(fence);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, released, 0);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, released, 1);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, released, 1);
}

static void a_fence_that_nobody_waits_for_may_die_unsignalled(struct kunit *test)
{
	struct dma_fence *fence = counting_fence(test);

	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, released, 1);
}

#define BIG_FENCE_SIZE SZ_64K
#define BIG_FENCES 128

static void a_fence_without_release_is_freed(struct kunit *test)
{
	long before = mock_slab_pages();
	int i;

	for (i = 0; i < BIG_FENCES; i++) {
		struct dma_fence *fence = kmalloc(BIG_FENCE_SIZE, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, fence);
		dma_fence_init(fence, &plain_ops, &plain_lock, 1, i);
		dma_fence_put(fence);
	}
	KUNIT_EXPECT_LT(test, mock_slab_pages() - before,
			(long)(BIG_FENCES * BIG_FENCE_SIZE / PAGE_SIZE / 2));
}

/* The structure after a grace period, so that readers under RCU never see it go. */
static void a_released_fence_stays_readable_under_rcu(struct kunit *test)
{
	struct dma_fence *fence = mock_fence_new(dma_fence_context_alloc(1), 99);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_signal(fence);
	rcu_read_lock();
	dma_fence_put(fence);
	KUNIT_EXPECT_NULL(test, dma_fence_get_rcu(fence));
	KUNIT_EXPECT_EQ(test, fence->seqno, 99);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	rcu_read_unlock();
}

static void status_is_0_until_signalled_then_1(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 0);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 1);
}

static void status_of_a_failed_fence_is_its_error(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_set_error(fence, -EIO);
	KUNIT_EXPECT_EQ(test, fence->error, -EIO);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), 0);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), -EIO);
	KUNIT_EXPECT_EQ(test, fence->error, -EIO);
}

static void an_error_may_change_until_signalled(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_set_error(fence, -EIO);
	dma_fence_set_error(fence, -ETIMEDOUT);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), -ETIMEDOUT);
}

/* iio, f_fs, xe and i915 write the field themselves, i915 even back to zero. */
static void an_error_written_by_hand_counts(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *reset = mock_fence(test);

	fence->error = -ENODEV;
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), -ENODEV);

	dma_fence_set_error(reset, -EIO);
	reset->error = 0;
	dma_fence_signal(reset);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(reset), 1);
}

static void status_can_be_asked_under_the_lock(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	int pending, failed;

	spin_lock_irq(fence->lock);
	pending = dma_fence_get_status_locked(fence);
	dma_fence_set_error(fence, -EPERM);
	dma_fence_signal_locked(fence);
	failed = dma_fence_get_status_locked(fence);
	spin_unlock_irq(fence->lock);

	KUNIT_EXPECT_EQ(test, pending, 0);
	KUNIT_EXPECT_EQ(test, failed, -EPERM);
}

static void the_stub_is_one_signalled_fence(struct kunit *test)
{
	struct dma_fence *stub = dma_fence_get_stub();
	struct dma_fence *again = dma_fence_get_stub();

	KUNIT_ASSERT_NOT_NULL(test, stub);
	KUNIT_EXPECT_PTR_EQ(test, stub, again);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(stub));
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &stub->flags));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(stub), 1);
	KUNIT_EXPECT_EQ(test, stub->context, 0);
	KUNIT_EXPECT_EQ(test, stub->seqno, 0);
	KUNIT_EXPECT_STREQ(test, "stub", stub->ops->get_driver_name(stub));
	KUNIT_EXPECT_STREQ(test, "stub", stub->ops->get_timeline_name(stub));
	dma_fence_put(again);
	dma_fence_put(stub);
}

static void the_stub_outlives_its_users(struct kunit *test)
{
	struct dma_fence *stub = dma_fence_get_stub();
	unsigned int refs = kref_read(&stub->refcount);

	dma_fence_put(stub);
	KUNIT_EXPECT_GE(test, refs, 2);
	stub = dma_fence_get_stub();
	KUNIT_EXPECT_EQ(test, kref_read(&stub->refcount), refs);
	dma_fence_put(stub);
}

static void a_private_stub_carries_the_timestamp_it_was_given(struct kunit *test)
{
	struct dma_fence *global = dma_fence_get_stub();
	struct dma_fence *stub = dma_fence_allocate_private_stub(ns_to_ktime(123456789));
	struct dma_fence *other = dma_fence_allocate_private_stub(ns_to_ktime(1));

	mock_put_later(test, global);
	KUNIT_ASSERT_NOT_NULL(test, stub);
	mock_put_later(test, stub);
	KUNIT_ASSERT_NOT_NULL(test, other);
	mock_put_later(test, other);

	KUNIT_EXPECT_PTR_NE(test, stub, global);
	KUNIT_EXPECT_PTR_NE(test, stub, other);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(stub));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(stub), 1);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(stub)), 123456789);
	KUNIT_EXPECT_EQ(test, ktime_to_ns(dma_fence_timestamp(other)), 1);
	KUNIT_EXPECT_EQ(test, stub->context, 0);
	KUNIT_EXPECT_EQ(test, stub->seqno, 0);
	KUNIT_EXPECT_STREQ(test, "stub", stub->ops->get_driver_name(stub));
	KUNIT_EXPECT_EQ(test, kref_read(&stub->refcount), 1);
}

static void a_deadline_reaches_the_driver(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_set_deadline(fence, ns_to_ktime(4711));
	KUNIT_EXPECT_EQ(test, ktime_to_ns(to_mock_fence(fence)->deadline), 4711);
	dma_fence_set_deadline(fence, ns_to_ktime(42));
	KUNIT_EXPECT_EQ(test, ktime_to_ns(to_mock_fence(fence)->deadline), 42);
}

static void a_deadline_on_a_signalled_fence_reaches_nobody(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	dma_fence_signal(fence);
	dma_fence_set_deadline(fence, ns_to_ktime(4711));
	KUNIT_EXPECT_EQ(test, ktime_to_ns(to_mock_fence(fence)->deadline), 0);
}

static void a_deadline_needs_no_callback(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 1);

	dma_fence_set_deadline(fence, ktime_get());
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
}

/* What dma_fence_describe() prints about @fence. */
static const char *described(struct kunit *test, struct dma_fence *fence)
{
	struct seq_file seq = { .size = SZ_1K };

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	dma_fence_describe(fence, &seq);
	KUNIT_ASSERT_FALSE(test, seq_has_overflowed(&seq));
	return seq.buf;
}

static void describe_tells_who_what_and_whether_in_one_line(struct kunit *test)
{
	struct dma_fence *fence = mock_fence_at(test, 4242, 1717);
	const char *pending = described(test, fence);
	const char *signalled;

	KUNIT_EXPECT_NOT_NULL(test, strstr(pending, "mock"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(pending, "mock-timeline"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(pending, "1717"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(pending, "unsignalled"));
	KUNIT_EXPECT_PTR_EQ(test, strchr(pending, '\n'), pending + strlen(pending) - 1);

	dma_fence_signal(fence);
	signalled = described(test, fence);
	KUNIT_EXPECT_NOT_NULL(test, strstr(signalled, "1717"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(signalled, "signalled"));
	KUNIT_EXPECT_NULL(test, strstr(signalled, "unsignalled"));
	KUNIT_EXPECT_PTR_EQ(test, strchr(signalled, '\n'), signalled + strlen(signalled) - 1);
}

static void containers_are_told_by_their_ops(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *array = &mock_array(test, &fence, 1, false)->base;
	struct dma_fence *chain = mock_put_later(test, mock_link(test, NULL, fence, 1));

	KUNIT_EXPECT_FALSE(test, dma_fence_is_array(fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_chain(fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_container(fence));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(array));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_chain(array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_container(array));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_array(chain));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_chain(chain));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_container(chain));

	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(chain));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(array));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_chain(chain));
}

static void expect_lock_behind_the_pointer(struct kunit *test, const char *what,
					   struct dma_fence *fence)
{
	KUNIT_EXPECT_PTR_EQ_MSG(test, fence->lock, dma_fence_spinlock(fence), "%s", what);
}

/*
 * amdgpu takes the lock of the stub (amdgpu_vm_tlb_seq()), xe that of a chain
 * (xe_sched_job_set_error()), both as @fence->lock.
 */
static void drivers_may_take_the_lock_of_any_fence_of_the_subsystem(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);
	struct dma_fence *stub = mock_put_later(test, dma_fence_get_stub());
	struct dma_fence *private = dma_fence_allocate_private_stub(0);

	KUNIT_ASSERT_NOT_NULL(test, private);
	mock_put_later(test, private);
	expect_lock_behind_the_pointer(test, "stub", stub);
	expect_lock_behind_the_pointer(test, "private stub", private);
	expect_lock_behind_the_pointer(test, "chain",
				       mock_put_later(test, mock_link(test, NULL, fence, 1)));
	expect_lock_behind_the_pointer(test, "array", &mock_array(test, &fence, 1, false)->base);
}

/* Drivers read "ops == NULL" as "never initialised". */
static void ops_stay_after_signalling(struct kunit *test)
{
	struct dma_fence *fence = plain_fence(test, &plain_ops, dma_fence_context_alloc(1), 1);

	dma_fence_signal(fence);
	KUNIT_EXPECT_PTR_EQ(test, fence->ops, &plain_ops);
}

static struct kunit_case dma_fence_cases[] = {
	KUNIT_CASE(init_sets_what_the_caller_gave),
	KUNIT_CASE(init_makes_an_unsignalled_fence_with_one_reference),
	KUNIT_CASE(init_does_not_look_at_old_contents),
	KUNIT_CASE(ops_stay_after_signalling),
	KUNIT_CASE(user_flags_survive_signalling),
	KUNIT_CASE(flag_bits_have_the_values_drivers_were_built_with),
	KUNIT_CASE(structures_are_not_larger_than_stock),
	KUNIT_CASE_PARAM(seqnos_wrap_at_32_bits_unless_the_ops_say_64, seqno_gen_params),
	KUNIT_CASE_PARAM(fences_of_a_context_are_ordered_by_seqno, seqno_gen_params),
	KUNIT_CASE(a_fence_is_as_late_as_itself),
	KUNIT_CASE(later_picks_the_later_unsignalled_fence),
	KUNIT_CASE(contexts_start_above_the_stub),
	KUNIT_CASE(context_ranges_do_not_overlap),
	KUNIT_CASE(a_huge_context_range_is_honoured),
	KUNIT_CASE(get_and_put_count_references),
	KUNIT_CASE(references_to_nothing_are_harmless),
	KUNIT_CASE(get_rcu_takes_a_reference),
	KUNIT_CASE(get_rcu_refuses_a_dying_fence),
	KUNIT_CASE(get_rcu_safe_takes_a_reference_to_what_the_pointer_names),
	KUNIT_CASE(get_rcu_safe_answers_null_for_an_empty_pointer),
	KUNIT_CASE(last_put_releases_once),
	KUNIT_CASE(a_fence_that_nobody_waits_for_may_die_unsignalled),
	KUNIT_CASE(a_fence_without_release_is_freed),
	KUNIT_CASE(a_released_fence_stays_readable_under_rcu),
	KUNIT_CASE(status_is_0_until_signalled_then_1),
	KUNIT_CASE(status_of_a_failed_fence_is_its_error),
	KUNIT_CASE(an_error_may_change_until_signalled),
	KUNIT_CASE(an_error_written_by_hand_counts),
	KUNIT_CASE(status_can_be_asked_under_the_lock),
	KUNIT_CASE(the_stub_is_one_signalled_fence),
	KUNIT_CASE(the_stub_outlives_its_users),
	KUNIT_CASE(a_private_stub_carries_the_timestamp_it_was_given),
	KUNIT_CASE(a_deadline_reaches_the_driver),
	KUNIT_CASE(a_deadline_on_a_signalled_fence_reaches_nobody),
	KUNIT_CASE(a_deadline_needs_no_callback),
	KUNIT_CASE(describe_tells_who_what_and_whether_in_one_line),
	KUNIT_CASE(containers_are_told_by_their_ops),
	KUNIT_CASE(drivers_may_take_the_lock_of_any_fence_of_the_subsystem),
	{}
};

static struct kunit_suite dma_fence_suite = {
	.name = "dma-fence",
	.init = mock_fence_suite_init,
	.test_cases = dma_fence_cases,
};

kunit_test_suite(dma_fence_suite);
