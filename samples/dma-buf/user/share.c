// SPDX-License-Identifier: GPL-2.0-only
/* Giving a buffer to another process, as a client does to its compositor. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"

/* doc: send-fd begin */
/* One descriptor, and one byte, since a message of nothing might get lost. */
static int send_fd(int socket, int fd)
{
	/* The union aligns the bytes for what is put into them. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} space = {};
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = space.bytes, .msg_controllen = sizeof(space.bytes),
	};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &fd, sizeof(fd));

	/* MSG_NOSIGNAL: a peer that died is an error here, not the end of us as well. */
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* doc: send-fd end */

/* doc: receive-fd begin */
/* Returns the descriptor, or -1 with errno. */
static int receive_fd(int socket)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} space;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = space.bytes, .msg_controllen = sizeof(space.bytes),
	};
	struct cmsghdr *control;
	ssize_t size;
	int fd;

	/* Or a child that is started at the wrong moment would inherit the buffer. */
	size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (size < 0)
		return -1;
	control = CMSG_FIRSTHDR(&message);
	if (!size || !control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS || control->cmsg_len != CMSG_LEN(sizeof(int))) {
		errno = EPROTO;
		return -1;
	}
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

/* doc: receive-fd end */

static char *map(int dmabuf)
{
	char *pixels = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (pixels == MAP_FAILED)
		die("mmap");
	return pixels;
}

static void be_compositor(int socket)
{
	int dmabuf = receive_fd(socket);

	if (dmabuf < 0)
		die("receive_fd");
	/* No device has touched it, so this page needs no DMA_BUF_IOCTL_SYNC. */
	expect(*map(dmabuf) == 0x5a, "the client's picture is in the compositor's buffer");
}

static void be_client(int socket)
{
	int dmabuf = make_buffer();

	*map(dmabuf) = 0x5a;
	if (send_fd(socket, dmabuf))
		die("send_fd");
	/* What is on its way holds the buffer; nobody else has to. */
	close(dmabuf);
}

int main(void)
{
	int sockets[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		die("socketpair");
	/* Before there is a buffer, so that only a message can bring it over. */
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		close(sockets[0]);
		be_compositor(sockets[1]);
		return 0;
	}
	close(sockets[1]);
	be_client(sockets[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	expect(!status, "the compositor got the buffer");
	printf("share: the buffer went from one process to another\n");
	return 0;
}
