// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding a point of a timeline, compared with a model that looks at every link.
 */
#include <linux/dma-fence-chain.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include "mock-fence.h"

/* Finds @seqno from @head, whose reference stays the caller's. The caller owns what is found. */
static struct dma_fence *find(struct kunit *test, struct dma_fence *head, u64 seqno)
{
	struct dma_fence *fence = dma_fence_get(head);

	KUNIT_EXPECT_EQ(test, 0, dma_fence_chain_find_seqno(&fence, seqno));
	return fence;
}

static void expect_found(struct kunit *test, struct dma_fence *head, u64 seqno,
			 struct dma_fence *link)
{
	unsigned int refs = kref_read(&head->refcount);
	struct dma_fence *fence = find(test, head, seqno);

	KUNIT_EXPECT_PTR_EQ_MSG(test, fence, link, "point %llu", seqno);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), refs);
}

static void expect_not_submitted(struct kunit *test, struct dma_fence *head, u64 seqno)
{
	unsigned int refs = kref_read(&head->refcount);
	struct dma_fence *fence = head;

	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_chain_find_seqno(&fence, seqno));
	KUNIT_EXPECT_PTR_EQ(test, fence, head);
	KUNIT_EXPECT_EQ(test, kref_read(&head->refcount), refs);
}

/*
 * A chain whose points are 10, 20, ... over @count fences. The test case holds every link,
 * in case a test wants to compare with it; that must not hinder garbage collection.
 */
static struct dma_fence **tens(struct kunit *test, struct dma_fence **fences, unsigned int count)
{
	struct dma_fence **links = kunit_kcalloc(test, count, sizeof(*links), GFP_KERNEL);
	struct dma_fence *prev = NULL;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, links);
	for (i = 0; i < count; i++) {
		links[i] = mock_put_later(test, mock_link(test, prev, fences[i], 10 * (i + 1)));
		prev = dma_fence_get(links[i]);
	}
	dma_fence_put(prev);
	return links;
}

static void point_0_is_the_head_itself(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence **links = tens(test, fences, 3);

	expect_found(test, links[2], 0, links[2]);
	expect_found(test, links[0], 0, links[0]);
	expect_found(test, fences[0], 0, fences[0]);
	dma_fence_signal(fences[0]);
	expect_found(test, fences[0], 0, fences[0]);
}

static void a_point_beyond_the_head_is_einval(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence **links = tens(test, fences, 3);

	expect_not_submitted(test, links[2], 31);
	expect_not_submitted(test, links[2], U64_MAX);
	expect_not_submitted(test, links[1], 30);
	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[1]);
	dma_fence_signal(fences[2]);
	expect_not_submitted(test, links[2], 31);
}

static void a_plain_fence_has_no_points(struct kunit *test)
{
	struct dma_fence *fence = mock_fence(test);

	expect_not_submitted(test, fence, 1);
	expect_not_submitted(test, fence, U64_MAX);
}

static void an_exact_point_is_its_link(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence **links = tens(test, fences, 5);
	int i;

	for (i = 0; i < 5; i++)
		expect_found(test, links[4], 10 * (i + 1), links[i]);
}

static void a_point_between_two_is_the_later_one(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence **links = tens(test, fences, 5);
	int i;

	for (i = 0; i < 5; i++) {
		expect_found(test, links[4], 10 * i + 1, links[i]);
		expect_found(test, links[4], 10 * i + 9, links[i]);
	}
}

static void points_are_found_from_any_link(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 9);
	struct dma_fence **links = tens(test, fences, 9);
	int i, j;

	for (i = 0; i < 9; i++) {
		for (j = 0; j <= i; j++)
			expect_found(test, links[i], 10 * (j + 1), links[j]);
		expect_not_submitted(test, links[i], 10 * (i + 1) + 1);
	}
}

static void a_retired_point_is_null(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 5);
	struct dma_fence **links = tens(test, fences, 5);
	int i;

	for (i = 0; i < 3; i++)
		dma_fence_signal(fences[i]);
	for (i = 1; i <= 30; i++)
		expect_found(test, links[4], i, NULL);
	for (; i <= 40; i++)
		expect_found(test, links[4], i, links[3]);
	for (; i <= 50; i++)
		expect_found(test, links[4], i, links[4]);
}

static void points_are_retired_one_by_one(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 6);
	struct dma_fence **links = tens(test, fences, 6);
	int done, i;

	for (done = 0; done < 6; done++) {
		for (i = 0; i < 5; i++)
			expect_found(test, links[5], 10 * (i + 1), i < done ? NULL : links[i]);
		dma_fence_signal(fences[done]);
	}
}

/* As the linear search of a walk does. */
static void finding_lets_go_of_the_retired_past(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 64);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, 64));
	int i;

	for (i = 0; i < 60; i++)
		dma_fence_signal(fences[i]);
	expect_found(test, head, 1, NULL);
	for (i = 0; i < 60; i++)
		KUNIT_ASSERT_EQ(test, kref_read(&fences[i]->refcount), 1);
	for (; i < 64; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2);
}

static void size_name(const unsigned int *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *size);
}

static const unsigned int sizes[] = { 1, 2, 3, 16, 256, 4096 };

KUNIT_ARRAY_PARAM(size, sizes, size_name);

/* Whatever makes finding fast must not keep the past in memory. */
static void a_walk_lets_go_of_the_whole_retired_past(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct dma_fence **fences = mock_fences(test, size);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, size));
	unsigned int done = size - size / 8 - 1, i;
	struct dma_fence *iter;

	for (i = 0; i < done; i++)
		dma_fence_signal(fences[i]);
	if (done)
		expect_found(test, head, 1, NULL);
	dma_fence_chain_for_each(iter, head)
		;
	for (i = 0; i < size; i++)
		KUNIT_ASSERT_EQ(test, kref_read(&fences[i]->refcount), i < done ? 1 : 2);
}

static void points_are_found_after_the_past_was_walked(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 32);
	struct dma_fence **links = tens(test, fences, 32);
	struct dma_fence *iter;
	int i;

	for (i = 0; i < 20; i++)
		dma_fence_signal(fences[i]);
	dma_fence_chain_for_each(iter, links[31])
		;
	for (i = 0; i < 32; i++)
		expect_found(test, links[31], 10 * (i + 1), i < 20 ? NULL : links[i]);
}

/* Behind an out-of-order point lies another timeline; all of it is before any point. */
static void points_do_not_reach_behind_an_out_of_order_point(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 4);
	struct dma_fence *first = mock_put_later(test, mock_link(test, NULL, fences[0], 5));
	struct dma_fence *second, *third, *head;

	second = mock_put_later(test, mock_link(test, dma_fence_get(first), fences[1], 9));
	third = mock_put_later(test, mock_link(test, dma_fence_get(second), fences[2], 3));
	head = mock_put_later(test, mock_link(test, dma_fence_get(third), fences[3], 12));

	KUNIT_EXPECT_EQ(test, third->seqno, 9);
	expect_found(test, head, 12, head);
	expect_found(test, head, 10, head);
	expect_found(test, head, 9, third);
	expect_found(test, head, 5, third);
	expect_found(test, head, 1, third);
	expect_found(test, third, 1, third);
	expect_not_submitted(test, third, 10);
	expect_found(test, second, 5, first);
}

static void a_plain_past_is_part_of_the_first_point(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 3);
	struct dma_fence *first, *head;

	first = mock_put_later(test, mock_link(test, dma_fence_get(fences[0]), fences[1], 4));
	head = mock_put_later(test, mock_link(test, dma_fence_get(first), fences[2], 8));
	expect_found(test, head, 1, first);
	expect_found(test, head, 4, first);
	expect_found(test, head, 5, head);
}

static void forked_timelines_are_searched_apart(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 12);
	struct dma_fence **past = tens(test, fences, 10);
	struct dma_fence *left, *right;
	int i;

	left = mock_put_later(test, mock_link(test, dma_fence_get(past[9]), fences[10], 200));
	right = mock_put_later(test, mock_link(test, dma_fence_get(past[9]), fences[11], 300));
	expect_found(test, left, 101, left);
	expect_found(test, right, 101, right);
	expect_not_submitted(test, left, 201);
	expect_found(test, right, 201, right);
	for (i = 0; i < 10; i++) {
		expect_found(test, left, 10 * (i + 1), past[i]);
		expect_found(test, right, 10 * (i + 1), past[i]);
	}
}

/* What is found is a reference: the chain may go meanwhile. */
static void a_found_point_outlives_the_chain(struct kunit *test)
{
	struct dma_fence **fences = mock_fences(test, 10);
	struct dma_fence *found = mock_chain(test, fences, 10);

	KUNIT_ASSERT_EQ(test, 0, dma_fence_chain_find_seqno(&found, 4));
	KUNIT_ASSERT_NOT_NULL(test, found);
	KUNIT_EXPECT_EQ(test, found->seqno, 4);
	KUNIT_EXPECT_EQ(test, kref_read(&found->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[4]->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[3]->refcount), 2);
	dma_fence_put(found);
	KUNIT_EXPECT_EQ(test, kref_read(&fences[3]->refcount), 1);
}

/**
 * struct model - a chain and what must be found in it
 * @count: number of links so far
 * @max: number of links at the end
 * @fences: one for each link
 * @seqnos: the points, with gaps
 * @heads: a reference to some of the links, NULL for the others; the last link is always held
 * @random: state of the driver
 */
struct model {
	unsigned int count;
	unsigned int max;
	struct dma_fence **fences;
	u64 *seqnos;
	struct dma_fence **heads;
	u32 random;
};

static void model_drop_heads(void *data)
{
	struct model *model = data;
	unsigned int i;

	for (i = 0; i < model->count; i++)
		dma_fence_put(model->heads[i]);
}

static struct model *model_new(struct kunit *test, unsigned int max, u32 seed)
{
	struct model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->max = max;
	model->random = seed;
	model->fences = mock_fences(test, max);
	model->seqnos = kunit_kcalloc(test, max, sizeof(*model->seqnos), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model->seqnos);
	model->heads = kunit_kcalloc(test, max, sizeof(*model->heads), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model->heads);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, model_drop_heads, model));
	return model;
}

/* Adds a link, 1 to 4 points after the last one, and mostly lets go of the head before it. */
static void model_add(struct kunit *test, struct model *model)
{
	unsigned int i = model->count;
	struct dma_fence *prev = i ? dma_fence_get(model->heads[i - 1]) : NULL;

	model->seqnos[i] = (i ? model->seqnos[i - 1] : 0) + 1 + mock_random(&model->random) % 4;
	model->heads[i] = mock_link(test, prev, model->fences[i], model->seqnos[i]);
	model->count++;
	if (i && mock_random(&model->random) % 8) {
		dma_fence_put(model->heads[i - 1]);
		model->heads[i - 1] = NULL;
	}
}

static void model_fill(struct kunit *test, struct model *model)
{
	while (model->count < model->max)
		model_add(test, model);
}

static bool model_done(struct model *model, unsigned int i)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &model->fences[i]->flags);
}

/* The first of the links up to @head whose point is @seqno or later. */
static unsigned int model_covering(struct model *model, unsigned int head, u64 seqno)
{
	unsigned int i = head;

	while (i && model->seqnos[i - 1] >= seqno)
		i--;
	return i;
}

/*
 * What is found for @seqno must signal exactly when the link that covers it does: it is that link, or an
 * earlier one with only signalled fences between them, or nothing when the whole past has signalled.
 */
static void model_check(struct kunit *test, struct model *model, unsigned int head, u64 seqno)
{
	unsigned int covering = model_covering(model, head, seqno);
	int needed = covering;
	struct dma_fence *found;
	unsigned int i;

	while (needed >= 0 && model_done(model, needed))
		needed--;

	found = find(test, model->heads[head], seqno);
	if (needed < 0 && covering < head)
		KUNIT_ASSERT_NULL_MSG(test, found, "retired point %llu", seqno);
	if (!found) {
		KUNIT_ASSERT_LT_MSG(test, needed, 0, "pending point %llu", seqno);
		return;
	}

	KUNIT_ASSERT_TRUE(test, dma_fence_is_chain(found));
	for (i = max(needed, 0); i < covering; i++) {
		if (model->seqnos[i] == found->seqno)
			break;
	}
	KUNIT_ASSERT_EQ_MSG(test, model->seqnos[i], found->seqno,
			    "point %llu from link %u", seqno, head);
	KUNIT_ASSERT_PTR_EQ(test, dma_fence_chain_contained(found), model->fences[i]);
	dma_fence_put(found);
}

/* Looks for a random point from a random one of the links that are held, mostly from the last. */
static void model_check_random(struct kunit *test, struct model *model)
{
	unsigned int head = model->count - 1;

	if (!(mock_random(&model->random) % 4)) {
		head = mock_random(&model->random) % model->count;
		while (!model->heads[head])
			head++;
	}
	model_check(test, model, head, 1 + mock_random(&model->random) % model->seqnos[head]);
}

static void every_pending_point_is_found(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct model *model = model_new(test, size, 1);
	unsigned int i;

	model_fill(test, model);
	if (size <= 256) {
		u64 seqno;

		for (seqno = 1; seqno <= model->seqnos[size - 1]; seqno++)
			model_check(test, model, size - 1, seqno);
	}
	for (i = 0; i < 500; i++)
		model_check_random(test, model);
	expect_not_submitted(test, model->heads[size - 1], model->seqnos[size - 1] + 1);
}

static void points_are_found_while_the_chain_retires_in_order(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct model *model = model_new(test, size, 2);
	unsigned int i, done = 0;

	model_fill(test, model);
	while (done < size) {
		unsigned int step = 1 + mock_random(&model->random) % (size / 16 + 1);

		for (; step && done < size; step--)
			dma_fence_signal(model->fences[done++]);
		for (i = 0; i < 10; i++)
			model_check_random(test, model);
	}
}

static void points_are_found_while_the_chain_retires_in_any_order(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	unsigned int *order = mock_order(test, MOCK_RANDOM, size);
	struct model *model = model_new(test, size, 3);
	unsigned int i, done = 0;

	model_fill(test, model);
	while (done < size) {
		unsigned int step = 1 + mock_random(&model->random) % (size / 16 + 1);

		for (; step && done < size; step--)
			dma_fence_signal(model->fences[order[done++]]);
		for (i = 0; i < 10; i++)
			model_check_random(test, model);
	}
}

/* As a busy timeline does: new points at one end, old ones retiring at the other. */
static void points_are_found_while_the_chain_grows_and_retires(struct kunit *test)
{
	unsigned int size = *(const unsigned int *)test->param_value;
	struct model *model = model_new(test, size, 4);

	model_add(test, model);
	while (model->count < size) {
		u32 what = mock_random(&model->random) % 8;

		if (what < 3)
			model_add(test, model);
		else if (what < 5)
			dma_fence_signal(model->fences[mock_random(&model->random) % model->count]);
		else
			model_check_random(test, model);
	}
	while (size--)
		dma_fence_signal(model->fences[size]);
	model_check(test, model, model->count - 1, 1);
}

/* Links that are waited upon signal by themselves; the flags must not mislead the search. */
static void points_are_found_while_every_link_is_waited_upon(struct kunit *test)
{
	unsigned int size = min(*(const unsigned int *)test->param_value, 256U);
	unsigned int *order = mock_order(test, MOCK_RANDOM, size);
	struct model *model = model_new(test, size, 5);
	unsigned int i, j;

	for (i = 0; i < size; i++) {
		model_add(test, model);
		dma_fence_enable_sw_signaling(model->heads[i]);
	}
	for (i = 0; i < size; i++) {
		dma_fence_signal(model->fences[order[i]]);
		if (i & 1)
			mock_run_irq_work();
		for (j = 0; j < 4; j++)
			model_check_random(test, model);
	}
	mock_run_irq_work();
}

struct retirer {
	struct dma_fence **fences;
	unsigned int count;
	unsigned int signalled;
	struct completion done;
};

static int retirer_thread(void *data)
{
	struct retirer *retirer = data;
	unsigned int i;

	for (i = 0; i < retirer->count; i++) {
		dma_fence_signal(retirer->fences[i]);
		smp_store_release(&retirer->signalled, i + 1);
		if (!(i % 64))
			schedule_timeout_uninterruptible(1);
	}
	kthread_complete_and_exit(&retirer->done, 0);
}

/* The answer is right for some moment between asking and getting it. */
static void points_are_found_while_another_thread_retires_them(struct kunit *test)
{
	const unsigned int count = 2048;
	struct dma_fence **fences = mock_fences(test, count);
	struct dma_fence *head = mock_put_later(test, mock_chain(test, fences, count));
	struct retirer *retirer = kunit_kzalloc(test, sizeof(*retirer), GFP_KERNEL);
	struct task_struct *task;
	u32 random = 6;

	KUNIT_ASSERT_NOT_NULL(test, retirer);
	retirer->fences = fences;
	retirer->count = count;
	init_completion(&retirer->done);
	task = kthread_run(retirer_thread, retirer, "mock-retirer");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);

	while (!completion_done(&retirer->done)) {
		unsigned int before = smp_load_acquire(&retirer->signalled);
		u64 seqno = 1 + mock_random(&random) % (count - 1);
		struct dma_fence *found = find(test, head, seqno);

		if (found) {
			KUNIT_EXPECT_GT(test, seqno, before);
			KUNIT_EXPECT_EQ(test, found->seqno, seqno);
			dma_fence_put(found);
		} else {
			KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fences[seqno - 1]));
		}
		if (!(mock_random(&random) % 16))
			schedule_timeout_uninterruptible(1);
	}
	expect_found(test, head, count - 1, NULL);
}

static struct kunit_case find_cases[] = {
	KUNIT_CASE(point_0_is_the_head_itself),
	KUNIT_CASE(a_point_beyond_the_head_is_einval),
	KUNIT_CASE(a_plain_fence_has_no_points),
	KUNIT_CASE(an_exact_point_is_its_link),
	KUNIT_CASE(a_point_between_two_is_the_later_one),
	KUNIT_CASE(points_are_found_from_any_link),
	KUNIT_CASE(a_retired_point_is_null),
	KUNIT_CASE(points_are_retired_one_by_one),
	KUNIT_CASE(finding_lets_go_of_the_retired_past),
	KUNIT_CASE(points_are_found_after_the_past_was_walked),
	KUNIT_CASE(points_do_not_reach_behind_an_out_of_order_point),
	KUNIT_CASE(a_plain_past_is_part_of_the_first_point),
	KUNIT_CASE(forked_timelines_are_searched_apart),
	KUNIT_CASE(a_found_point_outlives_the_chain),
	KUNIT_CASE_PARAM(a_walk_lets_go_of_the_whole_retired_past, size_gen_params),
	KUNIT_CASE_PARAM(every_pending_point_is_found, size_gen_params),
	KUNIT_CASE_PARAM(points_are_found_while_the_chain_retires_in_order, size_gen_params),
	KUNIT_CASE_PARAM(points_are_found_while_the_chain_retires_in_any_order, size_gen_params),
	KUNIT_CASE_PARAM(points_are_found_while_the_chain_grows_and_retires, size_gen_params),
	KUNIT_CASE_PARAM(points_are_found_while_every_link_is_waited_upon, size_gen_params),
	KUNIT_CASE(points_are_found_while_another_thread_retires_them),
	{}
};

static struct kunit_suite find_suite = {
	.name = "dma-fence-chain-find",
	.init = mock_fence_suite_init,
	.test_cases = find_cases,
};

kunit_test_suite(find_suite);
