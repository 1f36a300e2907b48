// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done with descriptors, and is no ioctl of theirs: each by chance in the same
 * way as arguments are made.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "runs.h"

#define CHUNK		700	/* how much of a text is read at a time */

static long or_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long zero_or_errno(long ret)
{
	return ret < 0 ? -errno : 0;
}

long run_open(struct call *call)
{
	return or_errno(open(call->op->path, O_RDWR | O_CLOEXEC));
}

long run_open_drm(struct call *call)
{
	return or_errno(open(drm_path(), O_RDWR | O_CLOEXEC));
}

/* A memfd as udmabuf wants it, or not quite; a part of it has contents. */
long run_memfd(struct call *call)
{
	unsigned int flags = MFD_ALLOW_SEALING | MFD_CLOEXEC;
	int seals = F_SEAL_SHRINK;
	size_t size = PAGE * MEMFD_PAGES;
	int fd, ret;

	if (one_in(call, 8)) {
		flags |= MFD_HUGETLB;
		size = 2UL << 20;
	}
	if (one_in(call, 8))
		seals = 0;
	if (one_in(call, 16))
		seals |= F_SEAL_FUTURE_WRITE;
	fd = memfd_create("fuzz", flags);
	if (fd < 0)
		return -errno;
	ret = or_errno(ftruncate(fd, size));
	if (!ret && seals)
		ret = or_errno(fcntl(fd, F_ADD_SEALS, seals));
	if (!ret && one_in(call, 2))
		ret = or_errno(fallocate(fd, 0, 0, size / 2));
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

long run_memfd_change(struct call *call)
{
	int fd = slot_pick(call, MEMFD);
	off_t at = PAGE * below(call, MEMFD_PAGES);
	off_t len = PAGE * (1 + below(call, 16));

	switch (below(call, 6)) {
	case 0:
		return or_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, at, len));
	case 1:
		return or_errno(fallocate(fd, 0, at, len));
	case 2:
		return or_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	case 3:
		return or_errno(ftruncate(fd, PAGE * MEMFD_PAGES + len));
	default:
		return or_errno(pwrite(fd, call->caller->args, PAGE, at));
	}
}

static enum kind any_kind(struct call *call)
{
	/* Mostly what is shared most. */
	return one_in(call, 2) ? (one_in(call, 2) ? SYNC : BUFFER) :
		(enum kind)(1 + below(call, KINDS - 1));
}

long run_close(struct call *call)
{
	slot_close(call);
	return 0;
}

long run_dup(struct call *call)
{
	enum kind kind = any_kind(call);
	int fd = slot_pick(call, kind), copy;

	if (one_in(call, 3))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
	else
		copy = dup(fd);
	if (copy < 0)
		return -errno;
	slot_put(call, kind, copy);
	return 0;
}

/* Puts one file in the place of another while that may be in use. */
long run_dup_over(struct call *call)
{
	enum kind kind = any_kind(call);
	int from = slot_pick(call, kind), to = slot_pick(call, kind);

	if (from < FIRST_FD || to < FIRST_FD || from == to)
		return -EBADF;
	return zero_or_errno(dup3(from, to, one_in(call, 2) ? O_CLOEXEC : 0));
}

long run_fcntl(struct call *call)
{
	int fd = slot_pick(call, any_kind(call));

	switch (below(call, 5)) {
	case 0:
		return or_errno(fcntl(fd, F_GETFL));
	case 1:
		return or_errno(fcntl(fd, F_SETFL, one_in(call, 2) ? O_NONBLOCK : 0));
	case 2:
		return or_errno(fcntl(fd, F_SETFD, one_in(call, 2) ? FD_CLOEXEC : 0));
	case 3:
		return or_errno(fcntl(fd, F_SETFL, O_ASYNC));
	default:
		return or_errno(fcntl(fd, F_GETFD));
	}
}

long run_seek(struct call *call)
{
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

	return or_errno(lseek(slot_pick(call, BUFFER), one_in(call, 3) ? chance(call) : 0,
			      whence[below(call, ARRAY_SIZE(whence))]));
}

/* Neither a buffer nor a fence is read or written so, whoever asks. */
long run_read_write(struct call *call)
{
	enum kind kind = one_in(call, 2) ? SYNC : one_in(call, 2) ? BUFFER : TIMELINE;
	int fd = slot_pick(call, kind);
	long ret;

	if (one_in(call, 2))
		ret = or_errno(pread(fd, call->caller->args, 64, 0));
	else
		ret = or_errno(pwrite(fd, call->caller->args, 64, 0));
	return ret == -EINVAL ? 0 : ret;
}

long run_stat(struct call *call)
{
	struct stat st;

	return or_errno(fstat(slot_pick(call, any_kind(call)), &st));
}

static int protection(struct call *call)
{
	static const int some[] = {
		PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ | PROT_EXEC,
	};

	return some[one_in(call, 3) ? below(call, ARRAY_SIZE(some)) : 2];
}

static size_t some_pages(struct call *call)
{
	return PAGE * (1 + below(call, one_in(call, 4) ? MAPPING_SIZE / PAGE : BUFFER_PAGES));
}

long run_map(struct call *call)
{
	int flags = one_in(call, 6) ? MAP_PRIVATE : MAP_SHARED;
	off_t offset = one_in(call, 3) ? PAGE * below(call, BUFFER_PAGES) : 0;
	char *at;

	if (one_in(call, 16))
		flags |= MAP_POPULATE;
	if (one_in(call, 32))
		offset = chance(call) & ~(PAGE - 1);
	at = mmap(mapping_of(call), some_pages(call), protection(call), flags | MAP_FIXED,
		  slot_pick(call, BUFFER), offset);
	return at == MAP_FAILED ? -errno : 0;
}

/* Where the kernel likes: it may look for a place fit for large pages. */
long run_map_anywhere(struct call *call)
{
	size_t size = some_pages(call);
	char *at = mmap(NULL, size, PROT_READ, MAP_SHARED, slot_pick(call, BUFFER), 0);

	return at == MAP_FAILED ? -errno : or_errno(munmap(at, size));
}

/* The whole of a mapping or a part; nobody else's memory comes there afterwards. */
long run_unmap(struct call *call)
{
	size_t offset = one_in(call, 2) ? PAGE * below(call, BUFFER_PAGES) : 0;
	char *at = mmap(mapping_of(call) + offset, MAPPING_SIZE - offset, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return at == MAP_FAILED ? -errno : 0;
}

long run_protect(struct call *call)
{
	size_t offset = PAGE * below(call, BUFFER_PAGES);

	return or_errno(mprotect(mapping_of(call) + offset, PAGE * (1 + below(call, 16)),
				 protection(call)));
}

long run_advise(struct call *call)
{
	static const int some[] = {
		MADV_DONTNEED, MADV_WILLNEED, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE,
	};

	return or_errno(madvise(mapping_of(call), some_pages(call),
				some[below(call, ARRAY_SIZE(some))]));
}

long run_remap(struct call *call)
{
	char *from = mapping_of(call), *to = mapping_of(call);
	size_t size = PAGE * (1 + below(call, BUFFER_PAGES));
	char *at = mremap(from, size, PAGE * (1 + below(call, BUFFER_PAGES)),
			  MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return at == MAP_FAILED ? -errno : 0;
}

/* Read or write mapped memory where somebody else may unmap it: the kernel does it for us. */
long run_touch(struct call *call)
{
	char *at = mapping_of(call) + PAGE * below(call, BUFFER_PAGES);
	const int *pipe = call->caller->pipe;
	long ret;

	if (one_in(call, 2)) {
		ret = or_errno(write(pipe[1], at, 256));
		if (ret > 0 && read(pipe[0], call->caller->args, 256) < 0)
			return -errno;
		return ret;
	}
	if (write(pipe[1], call->caller->args, 256) < 0)
		return -errno;
	ret = or_errno(read(pipe[0], at, 256));
	/* What could not be put there is still in the pipe. */
	if (ret < 256 && read(pipe[0], call->caller->args, 256) < 0)
		return ret < 0 ? ret : -errno;
	return ret;
}

/* As a debugger does. The pages of some buffers nobody gets at so; that is fine. */
long run_peek(struct call *call)
{
	char *at = mapping_of(call) + PAGE * below(call, BUFFER_PAGES);
	int fd = open(call->op->path, O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	if (one_in(call, 2))
		ret = or_errno(pread(fd, call->caller->args, 256, (uintptr_t)at));
	else
		ret = or_errno(pwrite(fd, call->caller->args, 256, (uintptr_t)at));
	close(fd);
	return ret == -EIO || ret >= 0 ? 0 : ret;
}

long run_poll(struct call *call)
{
	static const short events[] = { POLLIN, POLLOUT, POLLIN | POLLOUT, 0, POLLPRI, 0x7fff };
	struct pollfd fds[4];
	unsigned int i, nr = 1 + below(call, ARRAY_SIZE(fds));

	for (i = 0; i < nr; i++) {
		fds[i].fd = slot_pick(call, one_in(call, 2) ? SYNC : BUFFER);
		fds[i].events = events[below(call, ARRAY_SIZE(events))];
	}
	return or_errno(poll(fds, nr, one_in(call, 4) ? 1 : 0));
}

long run_epoll_create(struct call *call)
{
	return or_errno(epoll_create1(EPOLL_CLOEXEC));
}

long run_epoll_ctl(struct call *call)
{
	static const __u32 events[] = {
		EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET,
		EPOLLOUT | EPOLLONESHOT, EPOLLMSG | EPOLLIN, 0,
	};
	static const int what[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	struct epoll_event event = { .events = events[below(call, ARRAY_SIZE(events))] };

	return or_errno(epoll_ctl(slot_pick(call, EPOLL), what[below(call, ARRAY_SIZE(what))],
				  slot_pick(call, one_in(call, 2) ? SYNC : BUFFER), &event));
}

long run_epoll_wait(struct call *call)
{
	struct epoll_event events[4];

	return or_errno(epoll_wait(slot_pick(call, EPOLL), events, ARRAY_SIZE(events),
				   one_in(call, 4) ? 1 : 0));
}

static long read_text(struct call *call, const char *path)
{
	char *room = call->caller->args;
	int fd = open(path, O_RDONLY | O_CLOEXEC), i;
	long ret = 1;

	if (fd < 0)
		return -errno;
	for (i = 0; i < 64 && ret > 0; i++) {
		ret = or_errno(read(fd, room, one_in(call, 8) ? 1 : CHUNK));
		if (one_in(call, 16))
			lseek(fd, below(call, 2 * CHUNK), SEEK_SET);
	}
	close(fd);
	return ret < 0 ? ret : 0;
}

long run_read_text(struct call *call)
{
	return read_text(call, call->op->path);
}

/* What /proc says about a descriptor: its lines, and its path, which has the name. */
long run_proc_fd(struct call *call)
{
	int fd = slot_pick(call, one_in(call, 4) ? SYNC : BUFFER);
	char path[64];

	if (one_in(call, 2)) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		return read_text(call, path);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return zero_or_errno(readlink(path, call->caller->args, CHUNK));
}

/* A buffer in sysfs, found by its inode number. */
long run_sysfs(struct call *call)
{
	struct stat st;
	char path[96];

	if (fstat(slot_pick(call, BUFFER), &st))
		return -errno;
	snprintf(path, sizeof(path), "%s/%lu/%s", call->op->path, st.st_ino,
		 one_in(call, 2) ? "size" : "exporter_name");
	return read_text(call, path);
}

/* A parameter of a module: small values and the ones that are usual. */
long run_parameter(struct call *call)
{
	static const char * const values[] = { "1024", "64", "1024", "64", "2", "0", "-1", "x" };
	const char *value = values[below(call, ARRAY_SIZE(values))];
	int fd = open(call->op->path, O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(write(fd, value, strlen(value)));
	close(fd);
	return ret < 0 ? ret : 0;
}

long run_send(struct call *call)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control = {};
	unsigned char kind = any_kind(call);
	unsigned int i, nr = 1 + below(call, 3);
	struct iovec data = { &kind, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	int *fds = (int *)CMSG_DATA(&control.header);

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(nr * sizeof(int));
	for (i = 0; i < nr; i++)
		fds[i] = slot_pick(call, kind);
	return or_errno(sendmsg(sockets[0], &message, MSG_DONTWAIT));
}

long run_receive(struct call *call)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control = {};
	unsigned char kind = 0;
	struct iovec data = { &kind, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		/* Sometimes without room for all of them. */
		.msg_controllen = one_in(call, 8) ? CMSG_LEN(sizeof(int)) : sizeof(control),
	};
	struct cmsghdr *header;
	unsigned int i, nr;
	long ret = or_errno(recvmsg(sockets[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

	header = CMSG_FIRSTHDR(&message);
	if (ret < 0 || !header || !kind || kind >= KINDS)
		return ret < 0 ? ret : -ENOMSG;
	nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (i = 0; i < nr; i++)
		slot_put(call, kind, ((int *)CMSG_DATA(header))[i]);
	return 0;
}

/* A child with a copy of everything that goes on for a moment, or is killed at it. */
long run_fork(struct call *call)
{
	struct caller caller = *call->caller;
	unsigned int i, which;
	int status;
	pid_t child;

	if (caller.child)
		return -EAGAIN;
	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		caller.child = true;
		caller.timer = -1;
		alarm(20);
		for (i = 0; i < 8; i++) {
			which = below(call, nr_ops);
			if (ops[which].weight && !ops[which].blocks && op_available(&ops[which]))
				make_call(&caller, &ops[which], chance(call), false);
		}
		_exit(0);
	}
	if (one_in(call, 2)) {
		sched_yield();
		kill(child, SIGKILL);
	}
	return zero_or_errno(waitpid(child, &status, 0));
}
