// SPDX-License-Identifier: GPL-2.0-only
/* Messages over a SOCK_SEQPACKET pair; file descriptors travel as SCM_RIGHTS. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ipc.h"

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * DEMO_BUFFERS)];
};

void ipc_pair(int sockets[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		die_errno("socketpair");
}

void ipc_send_fds(int socket, const struct message *message, const int *fds, unsigned int count)
{
	struct iovec data = { .iov_base = (void *)message, .iov_len = sizeof(*message) };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
	union fd_space space = {};
	struct cmsghdr *control;

	if (count) {
		header.msg_control = space.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(control), fds, sizeof(int) * count);
	}

	/* A peer that is gone shows as an end of file at the next receive, with a clear message. */
	if (sendmsg(socket, &header, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		die_errno("sendmsg");
}

void ipc_send(int socket, const struct message *message)
{
	ipc_send_fds(socket, message, NULL, 0);
}

bool ipc_receive_fds(int socket, struct message *message, int *fds, unsigned int count)
{
	struct iovec data = { .iov_base = message, .iov_len = sizeof(*message) };
	union fd_space space = {};
	struct msghdr header = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = space.bytes, .msg_controllen = sizeof(space.bytes),
	};
	struct pollfd ready = { .fd = socket, .events = POLLIN };
	struct cmsghdr *control;
	ssize_t size;

	if (!poll(&ready, 1, DEMO_WAIT_MS))
		die("the other process said nothing for %d s", DEMO_WAIT_MS / 1000);

	size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (size == 0 || (size < 0 && errno == ECONNRESET))
		return false;
	if (size != sizeof(*message))
		die_errno("recvmsg");

	control = CMSG_FIRSTHDR(&header);
	if (!count)
		return true;
	if (!control || control->cmsg_len != CMSG_LEN(sizeof(int) * count))
		die("expected a message with %u file descriptors", count);
	memcpy(fds, CMSG_DATA(control), sizeof(int) * count);
	return true;
}

bool ipc_receive(int socket, struct message *message)
{
	return ipc_receive_fds(socket, message, NULL, 0);
}
