/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket between the producer and the display. */

#ifndef DEMO_IPC_H
#define DEMO_IPC_H

#include <stdint.h>

#include "demo.h"

enum message_type {
	MESSAGE_BUFFERS,	/* producer: here are the buffers (with their fds) */
	MESSAGE_FRAME,		/* producer: it is being drawn, the fence is on the buffer */
	MESSAGE_RELEASED,	/* display: the fences now on the buffer say when it is free */
	MESSAGE_QUEUED,		/* display: the flip to this frame is queued */
	MESSAGE_TIMES,		/* producer: its times of one frame */
	MESSAGE_DONE,		/* producer: everything is closed */
};

struct message {
	__u32 type;
	__u32 number;	/* of the frame */
	__u32 pitch;		/* BUFFERS: bytes per line */
	__s32 leaked_fds;	/* DONE */
	__u32 poll_refused;	/* DONE: poll said "in use" of a buffer in use */
	__u32 poll_early;	/* DONE: poll said "free" of a buffer in use */
	__s64 begun;		/* TIMES, nanoseconds of CLOCK_MONOTONIC */
	__s64 drawn;
	__s64 signalled;
	__s64 released;
};

void ipc_pair(int sockets[2]);
void ipc_send(int socket, const struct message *message);
void ipc_send_fds(int socket, const struct message *message, const int *fds, unsigned int count);

/* Both return false when the other side is gone and die when it says nothing for too long. */
bool ipc_receive(int socket, struct message *message);
bool ipc_receive_fds(int socket, struct message *message, int *fds, unsigned int count);

#endif /* DEMO_IPC_H */
