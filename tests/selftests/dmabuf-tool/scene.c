// SPDX-License-Identifier: GPL-2.0-only
/*
 * Known buffers in the hands of known processes, for as long as a command runs:
 *
 *	scene FACTS COMMAND [ARGUMENT...]
 *
 * writes who has what to the file FACTS, "key value" in each line, runs the command
 * and ends with its status. "scene --as UID COMMAND..." runs one without privileges.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#define KIB			1024u
#define FRAME_SIZE		(1024 * KIB)
#define MAPPED_SIZE		(64 * KIB)
#define MAPPED_PART		(16 * KIB)
#define IMPORTED_SIZE		(256 * KIB)
#define SMALL_SIZE		(4 * KIB)
#define PLAIN_UID		1000
#define MAX_CHILDREN		8
#define CARDS			16

/* Not in any header: the private ioctls of sw_sync. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create)

static FILE *facts;
static pid_t children[MAX_CHILDREN];
static size_t nr_children;

static void __noreturn fail(const char *what)
{
	fprintf(stderr, "scene: %s: %s\n", what, strerror(errno));
	while (nr_children)
		kill(children[--nr_children], SIGKILL);
	exit(99);
}

static void *must(void *memory, const char *what)
{
	if (!memory || memory == MAP_FAILED)
		fail(what);
	return memory;
}

static int opened(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void must_ioctl(int fd, unsigned long request, void *argument, const char *what)
{
	if (ioctl(fd, request, argument))
		fail(what);
}

static void fact(const char *key, unsigned long long value)
{
	fprintf(facts, "%s %llu\n", key, value);
}

/* A buffer of the system heap, in the facts by its inode. */
static int heap_buffer(const char *key, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = opened("/dev/dma_heap/system");
	struct stat state;

	must_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data, "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	if (fstat(data.fd, &state))
		fail("fstat");
	fact(key, state.st_ino);
	return data.fd;
}

static int udmabuf_buffer(const char *key, size_t size)
{
	int device = opened("/dev/udmabuf");
	int memory = memfd_create("scene", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct udmabuf_create create = {
		.memfd = memory, .flags = UDMABUF_FLAGS_CLOEXEC, .size = size,
	};
	struct stat state;
	int fd;

	if (memory < 0 || ftruncate(memory, size) || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK))
		fail("memfd");
	fd = ioctl(device, UDMABUF_CREATE, &create);
	if (fd < 0 || fstat(fd, &state))
		fail("UDMABUF_CREATE");
	fact(key, state.st_ino);
	close(memory);
	close(device);
	return fd;
}

static void set_name(int fd, const char *name)
{
	must_ioctl(fd, DMA_BUF_SET_NAME, (void *)name, "DMA_BUF_SET_NAME");
}

static int open_vgem(void)
{
	char path[32], name[16];
	int card;

	for (card = 0; card < CARDS; card++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", card);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	fail("no vgem among /dev/dri/card*");
}

/* The buffer becomes an object of vgem, which is all that is left of it in this process. */
static void import(int fd)
{
	struct drm_prime_handle prime = { .fd = fd };

	must_ioctl(open_vgem(), DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime, "importing into vgem");
	close(fd);
}

/* A writer that is never done. */
static void add_fence(int fd)
{
	struct dma_buf_import_sync_file args = { .flags = DMA_BUF_SYNC_WRITE };
	struct sw_sync_create create = { .value = 1 };
	int timeline = opened("/sys/kernel/debug/sync/sw_sync");

	must_ioctl(timeline, SW_SYNC_CREATE_FENCE, &create, "SW_SYNC_IOC_CREATE_FENCE");
	args.fd = create.fence;
	must_ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args, "DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
	close(create.fence);
}

/* A process that does something with @fd and then sits there, with no descriptor but its own. */
static void child(const char *name, void (*act)(int fd), int fd)
{
	char key[40], byte;
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		fail("pipe");
	fflush(facts);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		nr_children = 0;
		prctl(PR_SET_NAME, name);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		act(fd);
		if (write(ready[1], "", 1) != 1)
			fail("pipe");
		for (;;)
			pause();
	}
	children[nr_children++] = pid;
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		fail(name);
	close(ready[0]);
	snprintf(key, sizeof(key), "pid.%s", name);
	fact(key, pid);
}

static void keep_twice(int fd)
{
	if (dup(fd) < 0)
		fail("dup");
}

static void keep(int fd)
{
	(void)fd;
}

static void keep_mapping(int fd)
{
	must(mmap(NULL, MAPPED_SIZE, PROT_READ, MAP_SHARED, fd, 0), "mmap");
	must(mmap(NULL, MAPPED_PART, PROT_READ, MAP_SHARED, fd, 0), "mmap");
	close(fd);
}

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setgid(uid) || setuid(uid))
		fail("setuid");
}

static void keep_as_somebody(int fd)
{
	(void)fd;
	become(PLAIN_UID);
	/* Or /proc/PID would stay root's. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void set_up(void)
{
	int frame, mapped, imported, plain, evil;

	frame = udmabuf_buffer("inode.frame", FRAME_SIZE);
	set_name(frame, "frame");
	child("painter", keep_twice, frame);
	child("viewer", keep, frame);
	close(frame);

	mapped = heap_buffer("inode.mapped", MAPPED_SIZE);
	child("mapper", keep_mapping, mapped);
	close(mapped);

	imported = heap_buffer("inode.imported", IMPORTED_SIZE);
	child("importer", import, imported);
	close(imported);

	plain = heap_buffer("inode.plain", SMALL_SIZE);
	child("some\033body", keep_as_somebody, plain);
	close(plain);

	/* This one, in our own hands, would like to be taken for another line. */
	evil = heap_buffer("inode.evil", SMALL_SIZE);
	set_name(evil, "\"a\\b\"\nsize:\t1\n\033[2J\xc3\xa9\xff");
	add_fence(evil);
	fact("pid.scene", getpid());
	fact("fd.evil", evil);
}

static int run(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork");
	if (!pid) {
		execvp(*argv, argv);
		fail(*argv);
	}
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int status;

	if (argc >= 4 && !strcmp(argv[1], "--as")) {
		become(atoi(argv[2]));
		execvp(argv[3], argv + 3);
		fail(argv[3]);
	}
	if (argc < 3) {
		fputs("usage: scene FACTS COMMAND...\n", stderr);
		return 2;
	}
	facts = must(fopen(argv[1], "we"), argv[1]);
	set_up();
	if (fclose(facts))
		fail(argv[1]);
	status = run(argv + 2);
	while (nr_children)
		kill(children[--nr_children], SIGKILL);
	return status;
}
