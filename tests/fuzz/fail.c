// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmabuf-fail: makes each call of the table again and again, the first time with its
 * first allocation failing, then the second one, until it passes untouched. After
 * each failure: is the answer one that is documented, is a descriptor, a buffer or a
 * timeline left behind, does the same call work afterwards?
 *
 * With a list of places in the kernel where allocations return to, it then looks for
 * a call that gets to each of them, and lets that very one fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_NTH		400
#define SEEDS		60	/* to be tried until some of them make a call that works */
#define SITE_SEEDS	8	/* to look for places with */
#define MAX_SITES	512
#define PATIENCE_MS	5000

struct site {
	unsigned long address;
	char name[128];
	bool reached;
};

static struct caller caller;
static struct site sites[MAX_SITES];
static unsigned int nr_sites;
static unsigned int tests, failures;
static unsigned int good_seeds = 2;
static int nth_file;

static void write_setting(const char *name, const char *value)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	char path[128];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i], name);
		fd = open(path, O_WRONLY);
		/* Not each has every setting. */
		if (fd >= 0 && write(fd, value, strlen(value)) < 0)
			perror(path);
		if (fd >= 0)
			close(fd);
	}
}

/* Only allocations that return to an address below @end and not below @start fail. */
static void require_range(unsigned long start, unsigned long end)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", start);
	write_setting("require-start", text);
	snprintf(text, sizeof(text), "%#lx", end);
	write_setting("require-end", text);
}

static bool failing_init(void)
{
	write_setting("ignore-gfp-wait", "N");
	write_setting("ignore-gfp-highmem", "N");
	write_setting("min-order", "0");
	write_setting("verbose", "0");
	write_setting("stacktrace-depth", "32");
	require_range(0, ULONG_MAX);
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth_file >= 0)
		nth_file = keep_fd(nth_file);
	return nth_file >= 0;
}

/* From the next call on the @nth allocation fails; 0: none does. */
static void fail_nth(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (write(nth_file, text, len) < 0)
		perror("fail-nth");
}

/* Whether it came to that; ends it. */
static bool fail_nth_hit(void)
{
	char text[16] = "";
	bool hit;

	if (pread(nth_file, text, sizeof(text) - 1, 0) < 0)
		perror("fail-nth");
	hit = !atoi(text);
	fail_nth(0);
	return hit;
}

static const struct op *op_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++) {
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	}
	fprintf(stderr, "fail: no operation %s\n", name);
	exit(2);
}

/*
 * Something of each kind, so that there is a right argument for every call. In every
 * other variant no buffer has fences yet.
 */
static void make_world(unsigned int variant)
{
	static const struct {
		const char *name;
		unsigned int times;
	} steps[] = {
		{ "size_limit_mb", 1 }, { "list_limit", 1 },
		{ "memfd", 2 }, { "open-system-heap", 1 }, { "open-cma-heap", 1 },
		{ "open-udmabuf", 1 }, { "open-sw_sync", 3 }, { "open-vgem", 1 },
		{ "epoll_create", 1 }, { "DMA_HEAP_IOCTL_ALLOC", 3 }, { "UDMABUF_CREATE", 1 },
		{ "UDMABUF_CREATE_LIST", 1 }, { "SW_SYNC_IOC_CREATE_FENCE", 6 },
		{ "SYNC_IOC_MERGE", 2 }, { "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", 6 },
		{ "MODE_CREATE_DUMB", 2 }, { "PRIME_HANDLE_TO_FD", 1 }, { "mmap", 3 },
		{ "epoll_ctl", 1 }, { "send", 1 }, { "SYNC_IOC_SET_DEADLINE", 1 },
	};
	const struct op *import = op_named("DMA_BUF_IOCTL_IMPORT_SYNC_FILE"), *op;
	unsigned int i, done, seed;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		op = op_named(steps[i].name);
		if (!op_available(op) || (op == import && variant % 2))
			continue;
		for (seed = 0, done = 0; seed < SEEDS && done < steps[i].times; seed++) {
			if (make_call(&caller, op, variant * SEEDS + seed, false) >= 0)
				done++;
		}
	}
}

static unsigned int count_fds(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = FIRST_FD; fd < LAST_FD; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static bool same(struct census a, struct census b)
{
	return a.buffers == b.buffers && a.timelines == b.timelines;
}

/* Whether all is as it was @before; what is closed may take a moment. */
static bool end_world(struct census before)
{
	struct census now;
	unsigned int ms;

	slots_close_all();
	for (ms = 0; ms < PATIENCE_MS; ms += 10) {
		now = take_census();
		if (same(now, before))
			return true;
		usleep(10000);
	}
	printf("# left behind: %ld buffers, %ld timelines instead of %ld and %ld\n", now.buffers,
	       now.timelines, before.buffers, before.timelines);
	return false;
}

static bool is_documented(const struct op *op, long ret)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(op->errors); i++) {
		if (op->errors[i] && ret == -op->errors[i])
			return true;
	}
	return ret >= 0 || ret == -ENOMEM;
}

/* One call with an allocation failing; what is wrong with the answer, or NULL. */
static const char *call_failing(const struct op *op, unsigned int seed, unsigned int nth,
				bool *hit, long *ret)
{
	static char why[96];
	unsigned int fds = count_fds();

	fail_nth(nth);
	*ret = make_call(&caller, op, seed, false);
	*hit = fail_nth_hit();
	if (!*hit)
		return NULL;
	if (!is_documented(op, *ret)) {
		snprintf(why, sizeof(why), "an answer that is not documented, %ld (%s)", *ret,
			 strerror(-*ret));
		return why;
	}
	if (*ret < 0 && count_fds() > fds)
		return "a descriptor is left";
	return NULL;
}

static void verdict(const char *wrong, const char *format, const char *name, unsigned int count)
{
	tests++;
	failures += !!wrong;
	printf("%s %u - ", wrong ? "not ok" : "ok", tests);
	printf(format, name, count);
	printf("%s%s\n", wrong ? ": " : "", wrong ?: "");
	fflush(stdout);
}

/*
 * All failures of one call. The world is made anew for each, for a call that has half
 * failed may have changed it.
 */
static unsigned int fail_each(const struct op *op, unsigned int seed, const char **wrong)
{
	struct census before = take_census();
	static char why[160];
	unsigned int nth;
	const char *what;
	bool hit = true, works;
	long ret;

	for (nth = 1; hit && nth < MAX_NTH && !*wrong; nth++) {
		make_world(seed);
		what = call_failing(op, seed, nth, &hit, &ret);
		/* Nothing is locked: who waits for a lock of the dead would be stuck here. */
		works = !hit || ret >= 0 ||
			make_call(&caller, op, seed, false) >= 0;
		if (!what && !works)
			what = "the same call does not work afterwards";
		if (!end_world(before))
			what = "something is left behind";
		if (what) {
			snprintf(why, sizeof(why), "seed %u, allocation %u: %s", seed, nth, what);
			*wrong = why;
		}
	}
	if (!*wrong && hit)
		*wrong = "there is no end to it";
	return nth - 2;
}

/* Whether the call works at all with this seed. */
static bool works(const struct op *op, unsigned int seed)
{
	struct census before = take_census();
	long ret;

	make_world(seed);
	ret = make_call(&caller, op, seed, false);
	end_world(before);
	return ret >= 0;
}

static void test_op(const struct op *op)
{
	unsigned int seed, good = 0, count = 0;
	const char *wrong = NULL;

	for (seed = 0; seed < SEEDS && good < good_seeds && !wrong; seed++) {
		if (!works(op, seed))
			continue;
		good++;
		count += fail_each(op, seed, &wrong);
	}
	if (!good)
		wrong = "it never works";
	verdict(wrong, "%s: %u allocations fail", op->name, count);
}

/* Lets the call fail where it returns to @site, if it gets there; true when it did. */
static bool try_site(const struct op *op, unsigned int seed, struct site *site,
		     const char **wrong)
{
	bool hit;
	long ret;

	require_range(site->address, site->address + 1);
	*wrong = call_failing(op, seed, 1, &hit, &ret);
	require_range(0, ULONG_MAX);
	if (hit) {
		site->reached = true;
		printf("site %s %s %ld\n", site->name, op->name, ret < 0 ? ret : 0);
	}
	return hit;
}

/*
 * A call that does not get to a place has just worked, and the world is still good for
 * the next one.
 */
static void test_sites(const struct op *op, unsigned int seed)
{
	struct census before = take_census();
	const char *wrong;
	unsigned int i;

	make_world(seed);
	for (i = 0; i < nr_sites; i++) {
		if (sites[i].reached || !try_site(op, seed, &sites[i], &wrong))
			continue;
		if (!end_world(before) && !wrong)
			wrong = "something is left behind";
		if (wrong)
			verdict(wrong, "%s", sites[i].name, 0);
		make_world(seed);
	}
	if (!end_world(before))
		verdict("something is left behind", "%s, seed %u", op->name, seed);
}

/* Lines of an address and a name. */
static void read_sites(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		exit(1);
	}
	while (nr_sites < MAX_SITES &&
	       fscanf(file, "%lx %127s", &sites[nr_sites].address, sites[nr_sites].name) == 2)
		nr_sites++;
	fclose(file);
}

static void wrong_use(void)
{
	printf("usage: dmabuf-fail [--seeds N] [--sites FILE] [--only OPERATION]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "sites", required_argument, NULL, 'f' },
		{ "only", required_argument, NULL, 'o' },
		{}
	};
	const char *only = NULL;
	unsigned int i, seed;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			good_seeds = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			read_sites(optarg);
			break;
		case 'o':
			only = optarg;
			break;
		default:
			wrong_use();
		}
	}
	if (optind < argc || !good_seeds)
		wrong_use();

	slots_init();
	if (!caller_init(&caller, 0) || !failing_init()) {
		perror("fail: this kernel lets nothing fail");
		return 1;
	}
	/* What is set up once, at the first use of anything, is none of the calls'. */
	make_world(0);
	slots_close_all();
	for (i = 0; i < nr_ops; i++) {
		if (ops[i].foreign || !op_available(&ops[i]) ||
		    (only && strcmp(only, ops[i].name)))
			continue;
		test_op(&ops[i]);
		for (seed = 0; seed < SITE_SEEDS && nr_sites; seed++)
			test_sites(&ops[i], seed);
	}
	printf("1..%u\n", tests);
	return !!failures;
}
