// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of the benchmark that is a program: takes the samples and prints
 * the result of each row as
 *   bench: NAME OPERATIONS LEAST LOWER MEDIAN UPPER
 * where the last four are the least and the quartiles of the samples, each the
 * cost of so many operations: instructions under QEMU's -icount, else
 * nanoseconds.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "kernel.h"

#define MAX_SAMPLES 1001
#define CALIBRATION 4096

static bool counting;		/* the time stamp counter counts instructions */
static __u64 clock_cost;
static __u64 loop_cost;	/* of CALIBRATION times round */

__u64 ticks(void)
{
	struct timespec now;

	if (counting)
		return __builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void end(struct sample *s)
{
	__u64 passed = ticks() - s->start;
	__u64 cost = clock_cost + loop_cost * s->loops / CALIBRATION;

	s->elapsed = passed > cost ? passed - cost : 0;
}

void rest(void)
{
	usleep(counting ? 500000 : 20000);
}

int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

int timeline(void)
{
	return must(open("/sys/kernel/debug/sync/sw_sync", O_RDWR), "sw_sync");
}

int timeline_fence(int timeline, unsigned int value)
{
	struct sw_sync_create_fence_data data = { .value = value };

	must(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &data), "CREATE_FENCE");
	return data.fence;
}

int merge(int one, int two)
{
	struct sync_merge_data data = { .name = "bench", .fd2 = two };

	must(ioctl(one, SYNC_IOC_MERGE, &data), "MERGE");
	return data.fence;
}

static void calibrate(void)
{
	struct sample s = { 0 };
	__u64 least_clock = ~0ULL, least_loop = ~0ULL;
	unsigned int i, turn;

	for (turn = 0; turn < 64; turn++) {
		s.loops = 0;
		for_each_turn(&s, i)
			__asm__ volatile("" ::: "memory");
		end(&s);
		if (s.elapsed < least_clock)
			least_clock = s.elapsed;
		s.loops = CALIBRATION;
		for_each_turn(&s, i)
			__asm__ volatile("" ::: "memory");
		end(&s);
		if (s.elapsed < least_loop)
			least_loop = s.elapsed;
	}
	clock_cost = least_clock;
	loop_cost = least_loop > least_clock ? least_loop - least_clock : 0;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static bool huge_pages(void)
{
	return !access("/sys/kernel/mm/hugepages", F_OK);
}

static void measure(const struct row *row, const char *only, unsigned int samples)
{
	__u64 values[MAX_SAMPLES];
	time_t begin = time(NULL);
	struct sample s;
	char name[64];
	unsigned int i;

	snprintf(name, sizeof(name), row->size ? "%s/%u" : "%s", row->name, row->size);
	if (strncmp(name, only, strlen(only)) || (row->huge && !huge_pages()))
		return;
	/* The first sample warms up. */
	for (i = 0; i <= samples; i++) {
		/* Where the time is real, a row gets fewer samples rather than seconds. */
		if (!counting && i > 5 && time(NULL) - begin > 1) {
			samples = i - 1;
			break;
		}
		s = (struct sample){ .size = row->size, .loops = row->loops, .ops = row->loops };
		if (counting)
			rest();
		row->run(&s);
		values[i ? i - 1 : 0] = s.elapsed;
	}
	qsort(values, samples, sizeof(*values), compare);
	printf("bench: %s %u %llu %llu %llu %llu\n", name, s.ops, values[0], values[samples / 4],
	       values[samples / 2], values[samples * 3 / 4]);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

/* Runs the kernel's part on a buffer of ours. */
static void map_for_kernel(unsigned int mebibytes)
{
	char fd[32];

	snprintf(fd, sizeof(fd), "vmap_fd=%d", heap_buffer((size_t)mebibytes << 20));
	execlp("insmod", "insmod", "/bin/dmabuf_bench.ko", fd, NULL);
	err(1, "insmod");
}

int main(int argc, char **argv)
{
	static const struct row * const tables[] = { sync_rows, buffer_rows, memory_rows };
	struct rlimit files = { 4096, 4096 };
	unsigned int samples, i;
	const struct row *row;

	if (argc == 3 && !strcmp(argv[1], "vmap"))
		map_for_kernel(atoi(argv[2]));
	if (argc < 3 || argc > 4 || (strcmp(argv[1], "instructions") && strcmp(argv[1], "time")))
		errx(2, "usage: dmabuf-bench instructions|time SAMPLES [NAME] | vmap MEBIBYTES");
	counting = !strcmp(argv[1], "instructions");
	samples = atoi(argv[2]);
	if (!samples || samples > MAX_SAMPLES)
		errx(2, "%s: not a number of samples", argv[2]);
	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	calibrate();
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (row = tables[i]; row->name; row++)
			measure(row, argc > 3 ? argv[3] : "", samples);
	}
	return 0;
}
