// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF iterator "dmabuf" in both of its forms, with more buffers than fit into
 * a page of output, while others come and go. Prints TAP; needs a system heap.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "iter_test.h"

#define MANY		12000
#define READERS		4
/* How many others there are at any time. */
#define CHURN		8
#define HEAP		"/dev/dma_heap/system"

static struct bpf_object *object;
static int heap;
static unsigned int tests, failures;

/* The buffers that stay throughout a test. */
static struct {
	int fds[MANY];
	__u64 inodes[MANY];
	size_t count;
} stay;

static void __noreturn bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void __printf(2, 3) verdict(bool good, const char *format, ...)
{
	va_list args;

	failures += !good;
	printf("%sok %u ", good ? "" : "not ", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static int allocate(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		bail_out("allocating a buffer");
	return data.fd;
}

static __u64 inode_of(int fd)
{
	struct stat state;

	if (fstat(fd, &state))
		bail_out("fstat");
	return state.st_ino;
}

static void fill(size_t count)
{
	for (stay.count = 0; stay.count < count; stay.count++) {
		stay.fds[stay.count] = allocate(4096);
		stay.inodes[stay.count] = inode_of(stay.fds[stay.count]);
	}
}

static void empty(void)
{
	while (stay.count)
		close(stay.fds[--stay.count]);
}

/* Opens the list that a program of that name makes. */
static int open_list(const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	struct bpf_link *link;
	int fd;

	if (!program)
		bail_out(name);
	link = bpf_program__attach_iter(program, NULL);
	if (!link)
		bail_out("attaching an iterator");
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		bail_out("opening an iterator");
	bpf_link__destroy(link);
	return fd;
}

/* All that is left of a list, @chunk bytes at a time. */
static char *read_list(int fd, size_t chunk)
{
	size_t used = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t got;

	while (text) {
		if (room - used <= chunk) {
			room *= 2;
			text = realloc(text, room);
			continue;
		}
		got = read(fd, text + used, chunk);
		if (got < 0)
			bail_out("reading an iterator");
		if (!got) {
			text[used] = '\0';
			return text;
		}
		used += got;
	}
	bail_out("memory");
}

static int compare(const void *a, const void *b)
{
	const __u64 *one = a, *two = b;

	return (*one > *two) - (*one < *two);
}

/* The numbers that the lines of @text begin with, sorted; to be freed. */
static __u64 *inodes_in(const char *text, size_t *count)
{
	__u64 *inodes = calloc(SEEN_MAX, sizeof(*inodes));

	if (!inodes)
		bail_out("memory");
	for (*count = 0; *text; text = strchrnul(text, '\n'), text += !!*text) {
		if (*text >= '0' && *text <= '9' && *count < SEEN_MAX)
			inodes[(*count)++] = strtoull(text, NULL, 10);
	}
	qsort(inodes, *count, sizeof(*inodes), compare);
	return inodes;
}

/* What is wrong with a sorted list of inodes: NULL if nothing. */
static const char *complaint(const __u64 *inodes, size_t count)
{
	size_t i;

	for (i = 1; i < count; i++) {
		if (inodes[i] == inodes[i - 1])
			return "a buffer is listed twice";
	}
	for (i = 0; i < stay.count; i++) {
		if (!bsearch(&stay.inodes[i], inodes, count, sizeof(*inodes), compare))
			return "a buffer is missing";
	}
	return NULL;
}

/* How many of the first @count buffers that once were in @stay are still listed. */
static size_t still_listed(size_t count)
{
	int fd = open_list("show");
	char *text = read_list(fd, 1 << 16);
	size_t listed, i, found = 0;
	__u64 *inodes = inodes_in(text, &listed);

	for (i = 0; i < count; i++)
		found += !!bsearch(&stay.inodes[i], inodes, listed, sizeof(*inodes), compare);
	free(inodes);
	free(text);
	close(fd);
	return found;
}

/* Others that come and go, and how many have gone. */
static bool churning;
static unsigned long churned;

static void *churn(void *unused)
{
	int fds[CHURN] = {};
	size_t i;

	while (__atomic_load_n(&churning, __ATOMIC_RELAXED)) {
		i = churned % CHURN;
		if (fds[i])
			close(fds[i]);
		fds[i] = allocate(4096);
		__atomic_add_fetch(&churned, 1, __ATOMIC_RELEASE);
	}
	for (i = 0; i < CHURN; i++) {
		if (fds[i])
			close(fds[i]);
	}
	return unused;
}

static unsigned long churned_by_now(void)
{
	return __atomic_load_n(&churned, __ATOMIC_ACQUIRE);
}

/* Returns when all of them have come and one has gone. */
static pthread_t start_churn(void)
{
	pthread_t thread;

	churning = true;
	churned = 0;
	if (pthread_create(&thread, NULL, churn, NULL))
		bail_out("pthread_create");
	while (churned_by_now() <= CHURN)
		usleep(1000);
	return thread;
}

static void stop_churn(pthread_t thread)
{
	__atomic_store_n(&churning, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static void program_reads_what_it_wants(void)
{
	int fd = allocate(12288), list;
	char line[100], *text;

	if (ioctl(fd, DMA_BUF_SET_NAME, "a known buffer"))
		bail_out("DMA_BUF_SET_NAME");
	list = open_list("show");
	text = read_list(list, 4096);
	snprintf(line, sizeof(line), "%llu 12288 system <a known buffer>\n", inode_of(fd));
	verdict(strstr(text, line), "inode, size, exporter and name are read");
	verdict(strlen(text) >= 4 && !strcmp(text + strlen(text) - 4, "end\n") &&
		strstr(text, "end\n") == text + strlen(text) - 4,
		"one call without a buffer ends the list");
	free(text);
	close(list);
	close(fd);
}

/* One list while others come and go; @chunk: bytes of each read(). */
static const char *list_once(const char *program, size_t chunk)
{
	int fd = open_list(program);
	char *text = read_list(fd, chunk);
	size_t count;
	__u64 *inodes = inodes_in(text, &count);
	const char *wrong = complaint(inodes, count);

	free(inodes);
	free(text);
	close(fd);
	return wrong;
}

static void list_is_complete(const char *program, size_t chunk)
{
	pthread_t thread = start_churn();
	unsigned long before = churned_by_now();
	const char *wrong;

	/* Once is enough if anything went meanwhile. */
	do {
		wrong = list_once(program, chunk);
	} while (!wrong && churned_by_now() == before);
	stop_churn(thread);
	verdict(!wrong, "%s lists each of %zu buffers once, %zu bytes a read%s%s", program,
		stay.count, chunk, wrong ? ": " : "", wrong ? wrong : "");
}

static void *reader(void *unused)
{
	(void)unused;
	return (void *)list_once("show", 5000);
}

static void readers_do_not_disturb_each_other(void)
{
	pthread_t threads[READERS], churner = start_churn();
	void *wrong;
	int i, bad = 0;

	for (i = 0; i < READERS; i++) {
		if (pthread_create(&threads[i], NULL, reader, NULL))
			bail_out("pthread_create");
	}
	for (i = 0; i < READERS; i++) {
		pthread_join(threads[i], &wrong);
		bad += !!wrong;
	}
	stop_churn(churner);
	verdict(!bad, "%d readers at once see each buffer once", READERS);
}

/* Runs the loop; returns how many buffers it says that it has seen. */
static unsigned int run_loop(unsigned int limit)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, "loop");
	struct loop_args args = { .limit = limit };
	struct bpf_test_run_opts options = {
		.sz = sizeof(options), .ctx_in = &args, .ctx_size_in = sizeof(args),
	};

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		bail_out("running the loop");
	return args.visited;
}

static void loop_is_complete(void)
{
	int map = bpf_object__find_map_fd_by_name(object, "seen");
	pthread_t thread = start_churn();
	unsigned long before = churned_by_now();
	size_t i, missed = 0, twice = 0;
	__u64 key, count, runs = 0;
	void *last = NULL;

	do {
		run_loop(0);
		runs++;
	} while (churned_by_now() == before);
	stop_churn(thread);
	for (i = 0; i < stay.count; i++)
		missed += bpf_map_lookup_elem(map, &stay.inodes[i], &count) || count < runs;
	while (!bpf_map_get_next_key(map, last, &key)) {
		twice += bpf_map_lookup_elem(map, &key, &count) || count > runs;
		last = &key;
	}
	verdict(!missed && !twice, "the loop sees each of %zu buffers once (%zu missed, %zu twice)",
		stay.count, missed, twice);
}

static void loop_that_ends_early_leaves_nothing(void)
{
	unsigned int visited;
	size_t left;

	fill(50);
	visited = run_loop(20);
	empty();
	left = still_listed(50);
	verdict(visited == 20 && !left, "a loop that ends early holds no buffer (%zu of 50)", left);
}

static void reader_in_the_middle_holds_no_buffer(void)
{
	int list = open_list("show");
	size_t left, count;
	char text[100], *rest;
	__u64 *inodes;

	fill(50);
	if (read(list, text, sizeof(text)) <= 0)
		bail_out("reading an iterator");
	empty();
	left = still_listed(50);
	rest = read_list(list, 4096);
	inodes = inodes_in(rest, &count);
	verdict(!left, "a reader between two reads holds no buffer (%zu of 50)", left);
	verdict(strstr(rest, "end\n"), "and comes to its end after they have gone");
	free(inodes);
	free(rest);
	close(list);
}

static void reader_that_gives_up_leaves_nothing(void)
{
	int list = open_list("show");
	char text[100];
	size_t left;

	fill(50);
	if (read(list, text, sizeof(text)) <= 0)
		bail_out("reading an iterator");
	close(list);
	empty();
	left = still_listed(50);
	verdict(!left, "a reader that gives up holds no buffer (%zu of 50)", left);
}

static void load_programs(void)
{
	const struct rlimit files = { MANY + 1000, MANY + 1000 };
	size_t size = _binary_iter_test_bpf_o_end - _binary_iter_test_bpf_o_start;

	object = bpf_object__open_mem(_binary_iter_test_bpf_o_start, size, NULL);
	if (!object)
		bail_out("opening the programs");
	if (bpf_object__load(object))
		bail_out("loading the programs");
	verdict(true, "programs for Linux 6.16 load");

	heap = open(HEAP, O_RDWR | O_CLOEXEC);
	if (heap < 0)
		bail_out(HEAP);
	if (setrlimit(RLIMIT_NOFILE, &files))
		bail_out("setrlimit");
}

int main(void)
{
	load_programs();
	program_reads_what_it_wants();
	loop_that_ends_early_leaves_nothing();
	reader_in_the_middle_holds_no_buffer();
	reader_that_gives_up_leaves_nothing();

	fill(MANY);
	list_is_complete("show", 4096);
	list_is_complete("show", 777);
	list_is_complete("show", 1 << 20);
	list_is_complete("show_sleepable", 4096);
	loop_is_complete();
	readers_do_not_disturb_each_other();
	empty();
	verdict(!still_listed(MANY), "nothing is left of them");

	printf("1..%u\n", tests);
	return !!failures;
}
