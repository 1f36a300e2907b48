// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmabuf-fuzz: makes calls by chance, in several threads at once, and keeps the
 * sequences that have led to code which no other one has reached. That something went
 * wrong is for the kernel to say; this only looks at whether all comes to an end and
 * nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "kcov.h"
#include "ring.h"

#define MAX_THREADS	16
#define MAX_LENGTH	24	/* of a sequence */
#define MAX_KEPT	4096
#define STUCK_SECONDS	120
#define TELL_SECONDS	5
#define PATIENCE	20	/* seconds until everything that was closed is gone */

/* Calls to be made one after the other by one thread. */
struct sequence {
	unsigned int length;
	struct {
		unsigned int op;
		__u64 seed;
	} step[MAX_LENGTH];
};

/* What each operation has come to. */
struct tally {
	atomic_ulong calls, successes;
};

struct thread {
	pthread_t id;
	struct caller caller;
	struct kcov kcov;
	/* a call without an operation: a source of chance */
	struct call chance;
	atomic_ulong calls;
};

static struct {
	__u64 seed;
	unsigned int threads;
	unsigned long seconds, calls;
	const char *places, *replay;
} options = { .seed = 1, .threads = 4 };

static struct thread threads[MAX_THREADS];
static struct tally tallies[256];
static struct ring *ring;
static atomic_bool over, broken;

static struct {
	pthread_mutex_t lock;
	struct sequence *sequence;
	unsigned int nr;
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Operations that there are on this machine, each as often as its weight. */
static unsigned short lots[1024];
static unsigned int nr_lots;

static void make_lots(void)
{
	unsigned int i, j;

	for (i = 0; i < nr_ops; i++) {
		if (!op_available(&ops[i])) {
			printf("fuzz: not here: %s\n", ops[i].name);
			continue;
		}
		for (j = 0; j < ops[i].weight && nr_lots < ARRAY_SIZE(lots); j++)
			lots[nr_lots++] = i;
	}
}

static void call_one(struct thread *thread, unsigned int op, __u64 seed, bool may_break)
{
	struct ring_entry *entry = ring_begin(ring);
	long ret;

	*entry = (struct ring_entry) {
		.op = op,
		.seed = seed,
		.thread = thread->caller.number,
		.may_break = may_break,
		.result = RING_RUNNING,
	};
	ret = make_call(&thread->caller, &ops[op], seed, may_break);
	entry->result = ret > INT_MAX ? INT_MAX : ret;
	atomic_fetch_add(&tallies[op].calls, 1);
	if (ret >= 0)
		atomic_fetch_add(&tallies[op].successes, 1);
	atomic_fetch_add(&thread->calls, 1);
}

static void add_step(struct call *call, struct sequence *sequence, unsigned int at)
{
	if (sequence->length == MAX_LENGTH)
		return;
	memmove(&sequence->step[at + 1], &sequence->step[at],
		(sequence->length - at) * sizeof(sequence->step[0]));
	sequence->step[at].op = lots[below(call, nr_lots)];
	sequence->step[at].seed = chance(call);
	sequence->length++;
}

/* Change a sequence here and there. */
static void mutate(struct call *call, struct sequence *sequence)
{
	unsigned int turns = 1 + below(call, 4), at;

	while (turns-- && sequence->length) {
		at = below(call, sequence->length);
		switch (below(call, 4)) {
		case 0:
			sequence->step[at].seed = chance(call);
			break;
		case 1:
			sequence->step[at] = sequence->step[below(call, sequence->length)];
			break;
		case 2:
			sequence->length--;
			memmove(&sequence->step[at], &sequence->step[at + 1],
				(sequence->length - at) * sizeof(sequence->step[0]));
			break;
		default:
			add_step(call, sequence, at);
		}
	}
}

static void next_sequence(struct call *call, struct sequence *sequence)
{
	unsigned int length = 4 + below(call, MAX_LENGTH - 4);

	sequence->length = 0;
	if (!one_in(call, 3)) {
		pthread_mutex_lock(&kept.lock);
		if (kept.nr)
			*sequence = kept.sequence[below(call, kept.nr)];
		pthread_mutex_unlock(&kept.lock);
		mutate(call, sequence);
	}
	if (!sequence->length) {
		while (sequence->length < length)
			add_step(call, sequence, sequence->length);
	}
}

static void keep(struct call *call, const struct sequence *sequence)
{
	pthread_mutex_lock(&kept.lock);
	if (kept.nr < MAX_KEPT)
		kept.sequence[kept.nr++] = *sequence;
	else
		kept.sequence[below(call, kept.nr)] = *sequence;
	pthread_mutex_unlock(&kept.lock);
}

static bool thread_begin(struct thread *thread)
{
	unsigned int number = thread - threads;

	thread->chance.seed = options.seed * MAX_THREADS + number;
	if (!caller_init(&thread->caller, number)) {
		perror("fuzz: a thread cannot begin");
		broken = true;
		return false;
	}
	if (!kcov_start(&thread->kcov) && !number)
		printf("fuzz: no KCOV here: nothing steers\n");
	return true;
}

static void *run_thread(void *data)
{
	struct thread *thread = data;
	struct sequence sequence;
	unsigned int i;

	if (!thread_begin(thread))
		return NULL;
	while (!over) {
		next_sequence(&thread->chance, &sequence);
		kcov_reset(&thread->kcov);
		for (i = 0; i < sequence.length && !over; i++)
			call_one(thread, sequence.step[i].op, sequence.step[i].seed, true);
		if (kcov_collect(&thread->kcov))
			keep(&thread->chance, &sequence);
	}
	return NULL;
}

static unsigned int op_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++) {
		if (!strcmp(ops[i].name, name))
			break;
	}
	return i;
}

/* The calls of a log, in its order, in this one thread. */
static bool replay(void)
{
	/* Where none of the calls can close it, and where it takes no number of theirs. */
	int fd = keep_fd(open(options.replay, O_RDONLY));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct thread *thread = &threads[0];
	unsigned long seed;
	unsigned int op, may_break;
	char name[64];

	if (!file || !thread_begin(thread)) {
		perror(options.replay);
		return false;
	}
	while (fscanf(file, "%63s %lx %u", name, &seed, &may_break) == 3) {
		op = op_named(name);
		if (op < nr_ops)
			call_one(thread, op, seed, may_break);
	}
	kcov_collect(&thread->kcov);
	fclose(file);
	printf("fuzz: replayed %lu calls\n", thread->calls);
	return true;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static unsigned long all_calls(void)
{
	unsigned long calls = 0;
	unsigned int i;

	for (i = 0; i < options.threads; i++)
		calls += threads[i].calls;
	return calls;
}

/* Whether each thread has made a call since it was last looked at. */
static bool all_move(unsigned long *seen, double *since, double time)
{
	unsigned int i;

	for (i = 0; i < options.threads; i++) {
		if (threads[i].calls != seen[i]) {
			seen[i] = threads[i].calls;
			since[i] = time;
		} else if (time - since[i] > STUCK_SECONDS) {
			printf("fuzz: stuck: thread %u has made no call for %d s\n", i,
			       STUCK_SECONDS);
			return false;
		}
	}
	return true;
}

static void tell(double begin)
{
	printf("fuzz: %lu calls in %.0f s, %u places, %u steps, %u sequences kept\n", all_calls(),
	       now() - begin, kcov_places(), kcov_steps(), kept.nr);
	fflush(stdout);
}

/* Until the calls are made or the time is over; false when a thread is stuck. */
static bool watch(double begin)
{
	unsigned long seen[MAX_THREADS] = {};
	double since[MAX_THREADS], told = begin, time;
	unsigned int i;

	for (i = 0; i < MAX_THREADS; i++)
		since[i] = begin;
	for (;;) {
		usleep(100000);
		time = now();
		if (time - told >= TELL_SECONDS) {
			told = time;
			tell(begin);
		}
		if (broken || !all_move(seen, since, time))
			return false;
		if ((options.seconds && time - begin >= options.seconds) ||
		    (options.calls && all_calls() >= options.calls))
			return true;
	}
}

static bool run_threads(double begin)
{
	unsigned int i;
	bool well;

	for (i = 0; i < options.threads; i++) {
		if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i])) {
			perror("fuzz: pthread_create");
			exit(1);
		}
	}
	well = watch(begin);
	over = true;
	for (i = 0; i < options.threads && well; i++)
		pthread_join(threads[i].id, NULL);
	return well && !broken;
}

/* Whether what was closed is gone as well, at the latest after a while. */
static bool nothing_left(struct census before)
{
	struct census left;
	unsigned int turns;

	slots_close_all();
	for (turns = 0; turns < PATIENCE * 10; turns++) {
		left = take_census();
		if (left.buffers <= before.buffers && left.timelines <= before.timelines)
			return true;
		usleep(100000);
	}
	printf("fuzz: left behind: %ld buffers, %ld timelines; before there were %ld and %ld\n",
	       left.buffers, left.timelines, before.buffers, before.timelines);
	return false;
}

static void tell_ops(void)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++)
		printf("op %s %lu %lu\n", ops[i].name, tallies[i].calls, tallies[i].successes);
}

static void wrong_use(void)
{
	printf("usage: dmabuf-fuzz [--seed N] [--threads N] [--seconds N] [--calls N]\n"
	       "                   [--places FILE] [--replay FILE] [--list]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 'l' },
		{ "calls", required_argument, NULL, 'c' },
		{ "places", required_argument, NULL, 'p' },
		{ "replay", required_argument, NULL, 'r' },
		{ "list", no_argument, NULL, 'L' },
		{}
	};
	unsigned int i;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			options.threads = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			options.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			options.calls = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			options.places = optarg;
			break;
		case 'r':
			options.replay = optarg;
			break;
		case 'L':
			for (i = 0; i < nr_ops; i++)
				printf("%s\n", ops[i].name);
			exit(0);
		default:
			wrong_use();
		}
	}
	if (optind < argc || !options.threads || options.threads > MAX_THREADS ||
	    (!options.seconds && !options.calls && !options.replay)) {
		wrong_use();
	}
}

int main(int argc, char **argv)
{
	struct census before;
	bool seen_by_host, well;
	double begin;

	parse(argc, argv);
	ring = ring_open(&seen_by_host);
	kept.sequence = calloc(MAX_KEPT, sizeof(*kept.sequence));
	if (!ring || !kept.sequence) {
		perror("fuzz: no memory");
		return 1;
	}
	if (!seen_by_host)
		printf("fuzz: the host does not see the log of calls\n");
	slots_init();
	before = take_census();
	make_lots();
	printf("fuzz: %u operations, %u threads, seed %llu\n", nr_ops, options.threads,
	       options.seed);
	begin = now();
	well = options.replay ? replay() : run_threads(begin);
	tell(begin);
	/* Threads that are stuck keep what they have. */
	if (well)
		well = nothing_left(before);
	tell_ops();
	if (options.places && !kcov_save(options.places))
		perror(options.places);
	printf("fuzz: %s\n", well ? "ok" : "failed");
	return !well;
}
