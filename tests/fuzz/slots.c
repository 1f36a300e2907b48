// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the threads share: descriptors, by what they are of, and room for mappings.
 * A thread may use or close what another one is just using: that is the point. Who
 * finds a slot empty, or its descriptor closed and another file open under the same
 * number, gets what the kernel says to that.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <drm/drm.h>

#include "fuzz.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define SYNC_INFO	"/sys/kernel/debug/sync/info"

static atomic_int slots[KINDS][SLOTS];
static char *mappings;
int sockets[2];

static void no_action(int signal)
{
}

/* Descriptors of the program's own stand above what anybody can get, or close. */
int keep_fd(int fd)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, LAST_FD);

	if (fd >= 0)
		close(fd);
	return kept;
}

void slots_init(void)
{
	struct sigaction action = { .sa_handler = no_action };
	struct rlimit limit = { 1024, 1024 };
	size_t size = (MAPPINGS + 1) * MAPPING_SIZE;
	unsigned int i, j;

	for (i = 0; i < KINDS; i++)
		for (j = 0; j < SLOTS; j++)
			slots[i][j] = -1;

	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &limit);
	if (!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sockets)) {
		sockets[0] = keep_fd(sockets[0]);
		sockets[1] = keep_fd(sockets[1]);
	}
	mappings = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mappings == MAP_FAILED) {
		perror("fuzz: no room for mappings");
		exit(1);
	}
	/* Where large pages are possible. */
	mappings += -(uintptr_t)mappings & (MAPPING_SIZE - 1);
}

bool caller_init(struct caller *caller, unsigned int number)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	int timer;

	caller->number = number;
	caller->args = mmap(NULL, ARG_ROOM + PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (caller->args == MAP_FAILED || mprotect(caller->args + ARG_ROOM, PAGE, PROT_NONE))
		return false;
	memset(caller->args, 0, ARG_ROOM);
	if (pipe2(caller->pipe, O_NONBLOCK))
		return false;
	caller->pipe[0] = keep_fd(caller->pipe[0]);
	caller->pipe[1] = keep_fd(caller->pipe[1]);
	event._sigev_un._tid = syscall(SYS_gettid);
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer))
		return false;
	caller->timer = timer;
	return true;
}

int slot_pick(struct call *call, enum kind kind)
{
	unsigned int i, first = below(call, SLOTS);
	int fd;

	for (i = 0; i < SLOTS; i++) {
		fd = slots[kind][(first + i) % SLOTS];
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static void close_ours(int fd)
{
	if (fd >= FIRST_FD && fd < LAST_FD)
		close(fd);
}

void slot_put(struct call *call, enum kind kind, int fd)
{
	if (fd < FIRST_FD || fd >= LAST_FD) {
		/* Not one that may be closed by anybody, so nobody gets it. */
		if (fd >= LAST_FD)
			close(fd);
		return;
	}
	close_ours(atomic_exchange(&slots[kind][below(call, SLOTS)], fd));
}

void slot_close(struct call *call)
{
	enum kind kind = 1 + below(call, KINDS - 1);

	/* Broken calls may give descriptors that are in no slot. */
	if (one_in(call, 4)) {
		close_ours(FIRST_FD + below(call, LAST_FD - FIRST_FD));
		return;
	}
	close_ours(atomic_exchange(&slots[kind][below(call, SLOTS)], -1));
}

void slots_close_all(void)
{
	unsigned int i, j;
	char byte[64];

	for (i = 0; i < KINDS; i++)
		for (j = 0; j < SLOTS; j++)
			slots[i][j] = -1;
	close_range(FIRST_FD, LAST_FD - 1, 0);
	/* What is not received is closed with the message. */
	while (recv(sockets[0], byte, sizeof(byte), MSG_DONTWAIT) > 0 ||
	       recv(sockets[1], byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
	mmap(mappings, MAPPINGS * MAPPING_SIZE, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

char *mapping_of(struct call *call)
{
	return mappings + below(call, MAPPINGS) * MAPPING_SIZE;
}

/* The node of vgem, whose driver imports and exports buffers and has fences. */
const char *drm_path(void)
{
	static char path[32];
	char name[32];
	struct drm_version version;
	int i, fd;

	for (i = 0; i < 4 && !*path; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR);
		version = (struct drm_version) { .name = name, .name_len = sizeof(name) };
		if (fd < 0 || ioctl(fd, DRM_IOCTL_VERSION, &version) ||
		    strncmp(name, "vgem", 4))
			*path = '\0';
		if (fd >= 0)
			close(fd);
	}
	return *path ? path : NULL;
}

bool op_available(const struct op *op)
{
	if (op->on == DRM || op->makes == DRM)
		return drm_path();
	return !op->path || !access(op->path, F_OK);
}

/* How often a file has a line that begins so, but for those that are known; -1: no file. */
static long count_lines(const char *path, const char *prefix, bool (*counts)(const char *line))
{
	FILE *file = fopen(path, "r");
	char line[512];
	long count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, prefix, strlen(prefix)) && counts(line))
			count++;
	}
	fclose(file);
	return count;
}

static bool always(const char *line)
{
	return true;
}

/* "name: value", where headings have nothing behind the colon and points are indented. */
static bool is_timeline(const char *line)
{
	const char *colon = strrchr(line, ':');

	return *line != ' ' && *line != '\t' && colon && colon[1] == ' ';
}

struct census take_census(void)
{
	/* Each buffer ends with one such line, however it is called. */
	return (struct census) {
		.buffers = count_lines(BUFINFO, "\tAttached Devices:", always),
		.timelines = count_lines(SYNC_INFO, "", is_timeline),
	};
}
