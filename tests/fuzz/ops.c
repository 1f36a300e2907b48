// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a process can do with descriptors of this subsystem. A new ioctl is one
 * more row of the table at the end, and the fields of its argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#include "fuzz.h"

/* The ioctls of sw_sync are in no header. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE		_IOWR('W', 2, struct sw_sync_get_deadline)

#define MEMFD_PAGES	128
#define BUFFER_PAGES	64
#define CHUNK		700	/* how much of a text is read at a time */

static long or_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long zero_or_errno(long ret)
{
	return ret < 0 ? -errno : 0;
}

static long run_open(struct call *call)
{
	return or_errno(open(call->op->path, O_RDWR | O_CLOEXEC));
}

static long run_open_drm(struct call *call)
{
	return or_errno(open(drm_path(), O_RDWR | O_CLOEXEC));
}

/* A memfd as udmabuf wants it, or not quite; a part of it has contents. */
static long run_memfd(struct call *call)
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

static long run_memfd_change(struct call *call)
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

static long run_close(struct call *call)
{
	slot_close(call);
	return 0;
}

static long run_dup(struct call *call)
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
static long run_dup_over(struct call *call)
{
	enum kind kind = any_kind(call);
	int from = slot_pick(call, kind), to = slot_pick(call, kind);

	if (from < FIRST_FD || to < FIRST_FD || from == to)
		return -EBADF;
	return zero_or_errno(dup3(from, to, one_in(call, 2) ? O_CLOEXEC : 0));
}

static long run_fcntl(struct call *call)
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

static long run_seek(struct call *call)
{
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

	return or_errno(lseek(slot_pick(call, BUFFER), one_in(call, 3) ? chance(call) : 0,
			      whence[below(call, ARRAY_SIZE(whence))]));
}

/* Neither a buffer nor a fence is read or written so, whoever asks. */
static long run_read_write(struct call *call)
{
	enum kind kind = one_in(call, 2) ? SYNC : one_in(call, 2) ? BUFFER : TIMELINE;
	int fd = slot_pick(call, kind);

	return or_errno(one_in(call, 2) ? pread(fd, call->caller->args, 64, 0) :
					  pwrite(fd, call->caller->args, 64, 0));
}

static long run_stat(struct call *call)
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

static long run_map(struct call *call)
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
static long run_map_anywhere(struct call *call)
{
	size_t size = some_pages(call);
	char *at = mmap(NULL, size, PROT_READ, MAP_SHARED, slot_pick(call, BUFFER), 0);

	return at == MAP_FAILED ? -errno : or_errno(munmap(at, size));
}

/* The whole of a mapping or a part; nobody else's memory comes there afterwards. */
static long run_unmap(struct call *call)
{
	size_t offset = one_in(call, 2) ? PAGE * below(call, BUFFER_PAGES) : 0;
	char *at = mmap(mapping_of(call) + offset, MAPPING_SIZE - offset, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return at == MAP_FAILED ? -errno : 0;
}

static long run_protect(struct call *call)
{
	size_t offset = PAGE * below(call, BUFFER_PAGES);

	return or_errno(mprotect(mapping_of(call) + offset, PAGE * (1 + below(call, 16)),
				 protection(call)));
}

static long run_advise(struct call *call)
{
	static const int some[] = {
		MADV_DONTNEED, MADV_WILLNEED, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE,
	};

	return or_errno(madvise(mapping_of(call), some_pages(call),
				some[below(call, ARRAY_SIZE(some))]));
}

static long run_remap(struct call *call)
{
	char *from = mapping_of(call), *to = mapping_of(call);
	size_t size = PAGE * (1 + below(call, BUFFER_PAGES));
	char *at = mremap(from, size, PAGE * (1 + below(call, BUFFER_PAGES)),
			  MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return at == MAP_FAILED ? -errno : 0;
}

/* Read or write mapped memory where somebody else may unmap it: the kernel does it for us. */
static long run_touch(struct call *call)
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

/* As a debugger does, or somebody who pins the pages. */
static long run_peek(struct call *call)
{
	struct iovec here = { call->caller->args, 256 };
	struct iovec there = { mapping_of(call) + PAGE * below(call, BUFFER_PAGES), 256 };

	if (one_in(call, 2))
		return or_errno(syscall(SYS_process_vm_writev, getpid(), &here, 1, &there, 1, 0));
	return or_errno(syscall(SYS_process_vm_readv, getpid(), &here, 1, &there, 1, 0));
}

static long run_poll(struct call *call)
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

static long run_epoll_create(struct call *call)
{
	return or_errno(epoll_create1(EPOLL_CLOEXEC));
}

static long run_epoll_ctl(struct call *call)
{
	static const uint32_t events[] = {
		EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET,
		EPOLLOUT | EPOLLONESHOT, EPOLLMSG | EPOLLIN, 0,
	};
	static const int what[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	struct epoll_event event = { .events = events[below(call, ARRAY_SIZE(events))] };

	return or_errno(epoll_ctl(slot_pick(call, EPOLL), what[below(call, ARRAY_SIZE(what))],
				  slot_pick(call, one_in(call, 2) ? SYNC : BUFFER), &event));
}

static long run_epoll_wait(struct call *call)
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

static long run_read_text(struct call *call)
{
	return read_text(call, call->op->path);
}

/* What /proc says about a descriptor: its lines, and its path, which has the name. */
static long run_proc_fd(struct call *call)
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
static long run_sysfs(struct call *call)
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
static long run_parameter(struct call *call)
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

static long run_send(struct call *call)
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

static long run_receive(struct call *call)
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
static long run_fork(struct call *call)
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

static const struct field heap_alloc[] = {
	FIELD(struct dma_heap_allocation_data, len, UP_TO(PAGES, BUFFER_PAGES)),
	FIELD(struct dma_heap_allocation_data, fd, .content = ZERO),
	FIELD(struct dma_heap_allocation_data, fd_flags,
	      ONE_OF(O_RDWR | O_CLOEXEC, O_RDWR, O_RDONLY | O_CLOEXEC, O_WRONLY)),
	FIELD(struct dma_heap_allocation_data, heap_flags, .content = ZERO),
	{}
};

static const struct field heap_alloc_large[] = {
	FIELD(struct dma_heap_allocation_data, len, ONE_OF(2 << 20, 1 << 20, 4 << 20)),
	FIELD(struct dma_heap_allocation_data, fd, .content = ZERO),
	FIELD(struct dma_heap_allocation_data, fd_flags, ONE_OF(O_RDWR | O_CLOEXEC)),
	FIELD(struct dma_heap_allocation_data, heap_flags, .content = ZERO),
	{}
};

static const struct field create[] = {
	FIELD(struct udmabuf_create, memfd, FD_OF(MEMFD)),
	FIELD(struct udmabuf_create, flags, ONE_OF(UDMABUF_FLAGS_CLOEXEC, 0)),
	FIELD(struct udmabuf_create, offset, UP_TO(PAGES, MEMFD_PAGES / 2)),
	FIELD(struct udmabuf_create, size, UP_TO(PAGES, MEMFD_PAGES / 2)),
	{}
};

static const struct field create_list[] = {
	FIELD(struct udmabuf_create_list, flags, ONE_OF(UDMABUF_FLAGS_CLOEXEC, 0)),
	FIELD(struct udmabuf_create_list, count, .content = COUNT),
	{}
};

static const struct field create_item[] = {
	FIELD(struct udmabuf_create_item, memfd, FD_OF(MEMFD)),
	FIELD(struct udmabuf_create_item, __pad, .content = ZERO),
	FIELD(struct udmabuf_create_item, offset, UP_TO(PAGES, MEMFD_PAGES / 2)),
	FIELD(struct udmabuf_create_item, size, ONE_OF(PAGE, 2 * PAGE, 16 * PAGE)),
	{}
};

static const struct list create_items = {
	.size = sizeof(struct udmabuf_create_item),
	.most = 40,
	.behind = true,
	.fields = create_item,
};

static const struct field create_fence[] = {
	FIELD(struct sw_sync_create_fence_data, value, UP_TO(NUMBER, 64)),
	FIELD(struct sw_sync_create_fence_data, name, .content = TEXT),
	FIELD(struct sw_sync_create_fence_data, fence, .content = ZERO),
	{}
};

static const struct field inc[] = {
	{ .size = sizeof(__u32), .content = NUMBER, .values = { 8 } },
	{}
};

static const struct field get_deadline[] = {
	FIELD(struct sw_sync_get_deadline, deadline_ns, .content = ZERO),
	FIELD(struct sw_sync_get_deadline, pad, .content = ZERO),
	FIELD(struct sw_sync_get_deadline, fence_fd, FD_OF(SYNC)),
	{}
};

static const struct field merge[] = {
	FIELD(struct sync_merge_data, name, .content = TEXT),
	FIELD(struct sync_merge_data, fd2, FD_OF(SYNC)),
	FIELD(struct sync_merge_data, fence, .content = ZERO),
	FIELD(struct sync_merge_data, flags, .content = ZERO),
	FIELD(struct sync_merge_data, pad, .content = ZERO),
	{}
};

#ifdef SYNC_IOC_MERGE_MANY
static const struct field merge_many[] = {
	FIELD(struct sync_merge_many, name, .content = TEXT),
	FIELD(struct sync_merge_many, fds, .content = POINTER),
	FIELD(struct sync_merge_many, num_fds, .content = COUNT),
	FIELD(struct sync_merge_many, fence, .content = ZERO),
	FIELD(struct sync_merge_many, flags, .content = ZERO),
	FIELD(struct sync_merge_many, pad, .content = ZERO),
	{}
};

static const struct field merged_fd[] = {
	{ .size = sizeof(__s32), FD_OF(SYNC) },
	{}
};

static const struct list merged_fds = {
	.size = sizeof(__s32),
	.most = 64,
	.fields = merged_fd,
};
#endif

static const struct field info[] = {
	FIELD(struct sync_file_info, flags, .content = ZERO),
	FIELD(struct sync_file_info, pad, .content = ZERO),
	FIELD(struct sync_file_info, num_fences, ONE_OF(0, 1, 2, 16, 64)),
	FIELD(struct sync_file_info, sync_fence_info, .content = POINTER),
	{}
};

static const struct list infos = {
	.room = sizeof(struct sync_fence_info),
	.most = 64,
};

static const struct field set_deadline[] = {
	FIELD(struct sync_set_deadline, deadline_ns, UP_TO(NUMBER, 1ULL << 40)),
	FIELD(struct sync_set_deadline, pad, .content = ZERO),
	{}
};

static const struct field cpu_access[] = {
	FIELD(struct dma_buf_sync, flags,
	      ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
		     DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END,
		     DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)),
	{}
};

static const struct field name[] = {
	{ .size = DMA_BUF_NAME_LEN, .content = TEXT },
	{}
};

static const struct field fence_export[] = {
	FIELD(struct dma_buf_export_sync_file, flags,
	      ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW)),
	FIELD(struct dma_buf_export_sync_file, fd, .content = ZERO),
	{}
};

static const struct field fence_import[] = {
	FIELD(struct dma_buf_import_sync_file, flags,
	      ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW)),
	FIELD(struct dma_buf_import_sync_file, fd, FD_OF(SYNC)),
	{}
};

#ifdef DMA_BUF_IOCTL_SYNC_RANGE
static const struct field range_access[] = {
	FIELD(struct dma_buf_sync_range, flags,
	      ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
		     DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END, DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END,
		     DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)),
	FIELD(struct dma_buf_sync_range, pad, .content = ZERO),
	FIELD(struct dma_buf_sync_range, offset, UP_TO(NUMBER, PAGE * 4)),
	FIELD(struct dma_buf_sync_range, length, UP_TO(NUMBER, PAGE * 8)),
	{}
};
#endif

#ifdef DMA_BUF_IOCTL_SET_DEADLINE
static const struct field buffer_deadline[] = {
	FIELD(struct dma_buf_set_deadline, deadline_ns, UP_TO(NUMBER, 1ULL << 40)),
	FIELD(struct dma_buf_set_deadline, flags,
	      ONE_OF(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW)),
	FIELD(struct dma_buf_set_deadline, pad, .content = ZERO),
	{}
};
#endif

static const struct field dumb[] = {
	FIELD(struct drm_mode_create_dumb, height, ONE_OF(1, 16, 64)),
	FIELD(struct drm_mode_create_dumb, width, ONE_OF(64, 1024)),
	FIELD(struct drm_mode_create_dumb, bpp, ONE_OF(32)),
	FIELD(struct drm_mode_create_dumb, flags, .content = ZERO),
	{}
};

static const struct field gem_close[] = {
	FIELD(struct drm_gem_close, handle, UP_TO(NUMBER, 16)),
	FIELD(struct drm_gem_close, pad, .content = ZERO),
	{}
};

static const struct field prime_export[] = {
	FIELD(struct drm_prime_handle, handle, UP_TO(NUMBER, 16)),
	FIELD(struct drm_prime_handle, flags, ONE_OF(DRM_CLOEXEC | DRM_RDWR, DRM_RDWR, 0)),
	{}
};

static const struct field prime_import[] = {
	FIELD(struct drm_prime_handle, flags, .content = ZERO),
	FIELD(struct drm_prime_handle, fd, FD_OF(BUFFER)),
	{}
};

static const struct field vgem_attach[] = {
	FIELD(struct drm_vgem_fence_attach, handle, UP_TO(NUMBER, 16)),
	FIELD(struct drm_vgem_fence_attach, flags, ONE_OF(0, VGEM_FENCE_WRITE)),
	FIELD(struct drm_vgem_fence_attach, pad, .content = ZERO),
	{}
};

static const struct field vgem_signal[] = {
	FIELD(struct drm_vgem_fence_signal, fence, UP_TO(NUMBER, 16)),
	FIELD(struct drm_vgem_fence_signal, flags, .content = ZERO),
	{}
};

#define IOCTL(number, type, table)	\
	.cmd = number, .size = sizeof(type), .fields = table
#define GIVES(of, type, member)		\
	.makes = of, .result = offsetof(type, member)

const struct op ops[] = {
	/* The sources of descriptors. */
	{ "memfd", .foreign = true, .makes = MEMFD, .weight = 3, .run = run_memfd },
	{ "open-system-heap", .makes = HEAP, .weight = 2, .run = run_open,
	  .path = "/dev/dma_heap/system" },
	{ "open-cma-heap", .makes = HEAP, .weight = 2, .run = run_open,
	  .path = "/dev/dma_heap/reserved" },
	{ "open-udmabuf", .makes = UDMABUF, .weight = 2, .run = run_open,
	  .path = "/dev/udmabuf" },
	{ "open-sw_sync", .makes = TIMELINE, .weight = 3, .run = run_open,
	  .path = "/sys/kernel/debug/sync/sw_sync" },
	{ "open-vgem", .makes = DRM, .weight = 2, .run = run_open_drm },
	{ "epoll_create", .foreign = true, .makes = EPOLL, .weight = 2, .run = run_epoll_create },

	/* The ioctls. */
	{ "DMA_HEAP_IOCTL_ALLOC", .on = HEAP, .weight = 16,
	  IOCTL(DMA_HEAP_IOCTL_ALLOC, struct dma_heap_allocation_data, heap_alloc),
	  GIVES(BUFFER, struct dma_heap_allocation_data, fd) },
	{ "DMA_HEAP_IOCTL_ALLOC-large", .on = HEAP, .weight = 2,
	  IOCTL(DMA_HEAP_IOCTL_ALLOC, struct dma_heap_allocation_data, heap_alloc_large),
	  GIVES(BUFFER, struct dma_heap_allocation_data, fd) },
	{ "UDMABUF_CREATE", .on = UDMABUF, .makes = BUFFER, .weight = 12, .result = RETURNED,
	  IOCTL(UDMABUF_CREATE, struct udmabuf_create, create) },
	{ "UDMABUF_CREATE_LIST", .on = UDMABUF, .makes = BUFFER, .weight = 12,
	  .result = RETURNED, .list = &create_items,
	  IOCTL(UDMABUF_CREATE_LIST, struct udmabuf_create_list, create_list) },
	{ "SW_SYNC_IOC_CREATE_FENCE", .on = TIMELINE, .weight = 24,
	  IOCTL(SW_SYNC_IOC_CREATE_FENCE, struct sw_sync_create_fence_data, create_fence),
	  GIVES(SYNC, struct sw_sync_create_fence_data, fence) },
	{ "SW_SYNC_IOC_INC", .on = TIMELINE, .weight = 10,
	  IOCTL(SW_SYNC_IOC_INC, __u32, inc) },
	{ "SW_SYNC_GET_DEADLINE", .on = TIMELINE, .weight = 4,
	  IOCTL(SW_SYNC_GET_DEADLINE, struct sw_sync_get_deadline, get_deadline) },
	{ "SYNC_IOC_MERGE", .on = SYNC, .weight = 16,
	  IOCTL(SYNC_IOC_MERGE, struct sync_merge_data, merge),
	  GIVES(SYNC, struct sync_merge_data, fence) },
#ifdef SYNC_IOC_MERGE_MANY
	{ "SYNC_IOC_MERGE_MANY", .on = SYNC, .weight = 12, .list = &merged_fds,
	  IOCTL(SYNC_IOC_MERGE_MANY, struct sync_merge_many, merge_many),
	  GIVES(SYNC, struct sync_merge_many, fence) },
#endif
	{ "SYNC_IOC_FILE_INFO", .on = SYNC, .weight = 12, .list = &infos,
	  IOCTL(SYNC_IOC_FILE_INFO, struct sync_file_info, info) },
	{ "SYNC_IOC_SET_DEADLINE", .on = SYNC, .weight = 6,
	  IOCTL(SYNC_IOC_SET_DEADLINE, struct sync_set_deadline, set_deadline) },
	{ "DMA_BUF_IOCTL_SYNC", .on = BUFFER, .weight = 12, .blocks = true,
	  IOCTL(DMA_BUF_IOCTL_SYNC, struct dma_buf_sync, cpu_access) },
#ifdef DMA_BUF_IOCTL_SYNC_RANGE
	{ "DMA_BUF_IOCTL_SYNC_RANGE", .on = BUFFER, .weight = 12, .blocks = true,
	  IOCTL(DMA_BUF_IOCTL_SYNC_RANGE, struct dma_buf_sync_range, range_access) },
#endif
#ifdef DMA_BUF_IOCTL_SET_DEADLINE
	{ "DMA_BUF_IOCTL_SET_DEADLINE", .on = BUFFER, .weight = 8,
	  IOCTL(DMA_BUF_IOCTL_SET_DEADLINE, struct dma_buf_set_deadline, buffer_deadline) },
#endif
	/* The name is what the argument points to: as if it were a structure. */
	{ "DMA_BUF_SET_NAME_A", .on = BUFFER, .weight = 4, .cmd = DMA_BUF_SET_NAME_A,
	  .size = DMA_BUF_NAME_LEN, .fields = name },
	{ "DMA_BUF_SET_NAME_B", .on = BUFFER, .weight = 4, .cmd = DMA_BUF_SET_NAME_B,
	  .size = DMA_BUF_NAME_LEN, .fields = name },
	{ "DMA_BUF_IOCTL_EXPORT_SYNC_FILE", .on = BUFFER, .weight = 14,
	  IOCTL(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, struct dma_buf_export_sync_file, fence_export),
	  GIVES(SYNC, struct dma_buf_export_sync_file, fd) },
	{ "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", .on = BUFFER, .weight = 20,
	  IOCTL(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, struct dma_buf_import_sync_file, fence_import) },

	/* A driver that attaches to buffers, maps them and puts fences on them. */
	{ "MODE_CREATE_DUMB", .on = DRM, .weight = 6,
	  IOCTL(DRM_IOCTL_MODE_CREATE_DUMB, struct drm_mode_create_dumb, dumb) },
	{ "GEM_CLOSE", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_GEM_CLOSE, struct drm_gem_close, gem_close) },
	{ "PRIME_HANDLE_TO_FD", .on = DRM, .weight = 8,
	  IOCTL(DRM_IOCTL_PRIME_HANDLE_TO_FD, struct drm_prime_handle, prime_export),
	  GIVES(BUFFER, struct drm_prime_handle, fd) },
	{ "PRIME_FD_TO_HANDLE", .on = DRM, .weight = 10,
	  IOCTL(DRM_IOCTL_PRIME_FD_TO_HANDLE, struct drm_prime_handle, prime_import) },
	{ "VGEM_FENCE_ATTACH", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_VGEM_FENCE_ATTACH, struct drm_vgem_fence_attach, vgem_attach) },
	{ "VGEM_FENCE_SIGNAL", .on = DRM, .weight = 4,
	  IOCTL(DRM_IOCTL_VGEM_FENCE_SIGNAL, struct drm_vgem_fence_signal, vgem_signal) },

	/* What is done with any descriptor. */
	{ "close", .weight = 10, .run = run_close },
	{ "dup", .foreign = true, .weight = 6, .run = run_dup },
	{ "dup3", .foreign = true, .weight = 4, .run = run_dup_over },
	{ "fcntl", .foreign = true, .weight = 2, .run = run_fcntl },
	{ "lseek", .weight = 3, .run = run_seek },
	{ "read-write", .foreign = true, .weight = 1, .run = run_read_write },
	{ "fstat", .foreign = true, .weight = 1, .run = run_stat },
	{ "change-memfd", .foreign = true, .weight = 4, .run = run_memfd_change },
	{ "send", .foreign = true, .weight = 4, .run = run_send },
	{ "receive", .foreign = true, .weight = 6, .run = run_receive },
	{ "fork", .foreign = true, .weight = 1, .run = run_fork },

	{ "mmap", .weight = 14, .run = run_map },
	{ "mmap-anywhere", .weight = 2, .run = run_map_anywhere },
	{ "munmap", .weight = 6, .run = run_unmap },
	{ "mprotect", .weight = 3, .run = run_protect },
	{ "madvise", .weight = 3, .run = run_advise },
	{ "mremap", .foreign = true, .weight = 3, .run = run_remap },
	{ "touch", .weight = 12, .run = run_touch },
	{ "peek", .weight = 3, .run = run_peek },

	{ "poll", .weight = 16, .run = run_poll },
	{ "epoll_ctl", .weight = 12, .run = run_epoll_ctl },
	{ "epoll_wait", .weight = 8, .run = run_epoll_wait },

	/* Who looks on. */
	{ "bufinfo", .weight = 2, .run = run_read_text,
	  .path = "/sys/kernel/debug/dma_buf/bufinfo" },
	{ "sync-info", .weight = 2, .run = run_read_text,
	  .path = "/sys/kernel/debug/sync/info" },
	{ "proc-fd", .weight = 4, .run = run_proc_fd },
	{ "proc-maps", .foreign = true, .weight = 1, .run = run_read_text, .path = "/proc/self/maps" },
	{ "sysfs-buffer", .weight = 2, .run = run_sysfs, .path = "/sys/kernel/dmabuf/buffers" },
	{ "list_limit", .foreign = true, .weight = 1, .run = run_parameter,
	  .path = "/sys/module/udmabuf/parameters/list_limit" },
	{ "size_limit_mb", .foreign = true, .weight = 1, .run = run_parameter,
	  .path = "/sys/module/udmabuf/parameters/size_limit_mb" },
	{ "pool-limit_mb", .weight = 1, .run = run_parameter,
	  .path = "/sys/module/system_heap_pool/parameters/limit_mb" },
};

const unsigned int nr_ops = ARRAY_SIZE(ops);
