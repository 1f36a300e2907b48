// SPDX-License-Identifier: GPL-2.0-only
/*
 * What code of the kernel has been run, in all threads: places, and steps from one
 * place to the next.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "fuzz.h"
#include "kcov.h"

#define AREA	(64 << 10)
#define PLACES	(64 << 10)
#define STEPS	0x100000

static atomic_ulong places[PLACES];
static atomic_uchar steps[STEPS];
static atomic_uint nr_places, nr_steps;

bool kcov_start(struct kcov *kcov)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *area;

	kcov->area = NULL;
	if (fd < 0)
		return false;
	fd = keep_fd(fd);
	if (ioctl(fd, KCOV_INIT_TRACE, (unsigned long)AREA))
		return false;
	area = mmap(NULL, AREA * sizeof(__u64), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return false;
	kcov->area = area;
	return true;
}

void kcov_reset(struct kcov *kcov)
{
	if (kcov->area)
		__atomic_store_n(kcov->area, 0, __ATOMIC_RELAXED);
}

static __u64 mix(__u64 value)
{
	value *= 0x9e3779b97f4a7c15;
	return value ^ (value >> 29);
}

static void add_place(__u64 place)
{
	unsigned int i = mix(place) % PLACES, turns;
	__u64 known;

	for (turns = 0; turns < PLACES; turns++, i = (i + 1) % PLACES) {
		known = places[i];
		if (!known && atomic_compare_exchange_strong(&places[i], &known, place)) {
			atomic_fetch_add(&nr_places, 1);
			return;
		}
		if (known == place)
			return;
	}
}

unsigned int kcov_collect(struct kcov *kcov)
{
	__u64 i, nr, place, last = 0;
	unsigned int new = 0;

	if (!kcov->area)
		return 0;

	nr = __atomic_load_n(kcov->area, __ATOMIC_RELAXED);
	for (i = 1; i <= nr; i++, last = place) {
		unsigned int step;

		place = kcov->area[i];
		step = mix(place ^ mix(last)) % STEPS;
		if (steps[step] || atomic_exchange(&steps[step], 1))
			continue;
		new++;
		add_place(place);
	}
	atomic_fetch_add(&nr_steps, new);
	return new;
}

unsigned int kcov_places(void)
{
	return nr_places;
}

unsigned int kcov_steps(void)
{
	return nr_steps;
}

bool kcov_save(const char *path)
{
	FILE *file = fopen(path, "w");
	unsigned int i;

	if (!file)
		return false;
	for (i = 0; i < PLACES; i++) {
		if (places[i])
			fprintf(file, "%lx\n", (unsigned long)places[i]);
	}
	return !fclose(file);
}
