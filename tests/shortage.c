// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel does rarely: run out of memory, or of files.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <kunit/test.h>

#include "mock-buf.h"
#include "shortage.h"

void needs_failslab(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
}

#ifdef CONFIG_FAILSLAB
int fail_allocation(struct kunit *test, int nth)
{
	static bool ready;

	/* Unless told so, failslab spares whoever could wait for memory. */
	if (!ready)
		mock_fs_write(test, mock_fs_open(test, "debugfs", "failslab/ignore-gfp-wait",
						 O_WRONLY), "0");
	ready = true;
	WRITE_ONCE(current->fail_nth, nth);
	return nth;
}

bool fail_allocation_hit(void)
{
	if (xchg(&current->fail_nth, 0))
		return false;

	/* A kernel thread's last fput() leaves the release to a worker. */
	flush_delayed_fput();
	return true;
}
#else
int fail_allocation(struct kunit *test, int nth)
{
	needs_failslab(test);
	return nth;
}

bool fail_allocation_hit(void)
{
	return false;
}
#endif

bool allocation_failed(struct kunit *test, int nth, long ret)
{
	if (!fail_allocation_hit())
		return false;

	KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, ret, "allocation %d", nth);
	return true;
}

struct file_limit {
	struct kunit *test;
	/* where the limit is set, and what it was */
	struct file *file;
	char max[24];
	/* what the thread may do otherwise */
	const struct cred *cred;
};

static void restore_limit(void *data)
{
	struct file_limit *limit = data;

	mock_fs_write(limit->test, limit->file, limit->max);
}

struct file_limit *files_run_out(struct kunit *test)
{
	struct file_limit *limit = kunit_kzalloc(test, sizeof(*limit), GFP_KERNEL);
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, limit);
	KUNIT_ASSERT_NOT_NULL(test, cred);
	limit->test = test;
	limit->file = mock_fs_open(test, "proc", "sys/fs/file-max", O_WRONLY);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(limit->file), "%pe", limit->file);
	snprintf(limit->max, sizeof(limit->max), "%lu", get_max_files());

	mock_fs_write(test, limit->file, "0");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, restore_limit, limit));
	/* Who has this may exceed the limit. */
	cap_lower(cred->cap_effective, CAP_SYS_ADMIN);
	limit->cred = override_creds(cred);
	put_cred(cred);
	return limit;
}

void files_return(struct file_limit *limit)
{
	revert_creds(limit->cred);
	kunit_release_action(limit->test, restore_limit, limit);
}
