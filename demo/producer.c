// SPDX-License-Identifier: GPL-2.0-only
/*
 * The producer. For each frame, in a buffer that poll(POLLOUT) calls free:
 *
 *	begin CPU access, put a vgem fence on the buffer, tell the display,
 *	draw, end CPU access, signal the fence.
 *
 * The display hears of a frame before a pixel of it is drawn; the fence makes it wait.
 */

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checks.h"
#include "device.h"
#include "dmabuf.h"
#include "ipc.h"
#include "pattern.h"
#include "producer.h"
#include "source.h"

#define LOST_FRAME	10		/* the one that --break frame does not draw */
/* More than two refreshes: room for a flip that is early; and for its capture, if that is made. */
#define HOLD_MS		40
#define LONG_HOLD_MS	500

struct buffer {
	int dmabuf;
	__u32 handle;	/* vgem's, for the fences */
	__u32 *pixels;
	unsigned int number;	/* of the frame in it, 0: none */
	bool released;		/* by the display; its fences may still be pending */
};

struct producer {
	const struct demo_options *options;
	int socket;
	int source;
	int vgem;
	__u32 pitch;
	struct buffer buffers[DEMO_BUFFERS];
	struct message *times;	/* by frame number */
	unsigned int queued;	/* the last frame whose flip the display has queued */
	__u32 poll_refused;
	__u32 poll_early;
};

static size_t buffer_size(const struct producer *producer)
{
	return (size_t)producer->pitch * DEMO_HEIGHT;
}

static void create_buffers(struct producer *producer)
{
	const struct buffer_source *source = producer->options->source;

	producer->source = source->open();
	producer->vgem = device_open("vgem");
	for (unsigned int i = 0; i < DEMO_BUFFERS; i++) {
		struct buffer *buffer = &producer->buffers[i];

		buffer->dmabuf = source->create(producer->source, &producer->pitch);
		buffer->handle = vgem_handle(producer->vgem, buffer->dmabuf);
		buffer->pixels = mmap(NULL, buffer_size(producer), PROT_READ | PROT_WRITE,
				      MAP_SHARED, buffer->dmabuf, 0);
		if (buffer->pixels == MAP_FAILED)
			die_errno("mmap of a dma-buf");
	}
}

static void destroy_buffers(struct producer *producer)
{
	for (unsigned int i = 0; i < DEMO_BUFFERS; i++) {
		struct buffer *buffer = &producer->buffers[i];

		munmap(buffer->pixels, buffer_size(producer));
		vgem_forget(producer->vgem, buffer->handle);
		close(buffer->dmabuf);
	}
	close(producer->vgem);
	close(producer->source);
}

static void pass_buffers(struct producer *producer)
{
	struct message message = { .type = MESSAGE_BUFFERS, .pitch = producer->pitch };
	int fds[DEMO_BUFFERS];

	for (unsigned int i = 0; i < DEMO_BUFFERS; i++)
		fds[i] = producer->buffers[i].dmabuf;
	ipc_send_fds(producer->socket, &message, fds, DEMO_BUFFERS);
}

static void take_message(struct producer *producer)
{
	struct message message;
	struct buffer *buffer;

	if (!ipc_receive(producer->socket, &message))
		die("the display process ended");

	switch (message.type) {
	case MESSAGE_RELEASED:
		buffer = &producer->buffers[demo_frame_buffer(message.number)];
		buffer->released = buffer->number == message.number;
		break;
	case MESSAGE_QUEUED:
		producer->queued = message.number;
		break;
	default:
		die("unexpected message %u from the display", message.type);
	}
}

/* Waits until the picture in @buffer may be overwritten. */
static void wait_until_free(struct producer *producer, struct buffer *buffer)
{
	if (!buffer->number)
		return;
	while (!buffer->released)
		take_message(producer);
	if (!dmabuf_poll(buffer->dmabuf, POLLOUT, DEMO_WAIT_MS))
		die("frame %u: poll(POLLOUT) did not release its buffer within %d s",
		    buffer->number, DEMO_WAIT_MS / 1000);
	producer->times[buffer->number].released = demo_now();
	buffer->number = 0;
}

/* Asks poll about a buffer that is certainly in use: any answer but "no" is wrong. */
static void expect_busy(struct producer *producer, const struct buffer *buffer, short events)
{
	if (dmabuf_poll(buffer->dmabuf, events, 0))
		producer->poll_early++;
	else
		producer->poll_refused++;
}

/*
 * Half of the picture is drawn: wait until the display has queued its flip, then some more. Two
 * fences are certainly pending now: the one on this buffer, and on the buffer of the frame before
 * it the out-fence of the flip that waits for this one.
 */
static void hold(struct producer *producer, const struct buffer *buffer)
{
	bool early = producer->options->leave_out == BREAK_FENCE;
	const struct buffer *before = NULL;

	while (producer->queued < buffer->number)
		take_message(producer);

	expect_busy(producer, buffer, POLLIN);
	expect_busy(producer, buffer, POLLOUT);
	if (buffer->number > 1)
		before = &producer->buffers[demo_frame_buffer(buffer->number - 1)];
	if (before && before->released)
		expect_busy(producer, before, POLLOUT);
	poll(NULL, 0, early ? LONG_HOLD_MS : HOLD_MS);
}

static void draw(struct producer *producer, struct buffer *buffer)
{
	if (producer->options->leave_out == BREAK_FRAME && buffer->number == LOST_FRAME)
		return;
	pattern_draw(buffer->pixels, producer->pitch, buffer->number, 0, DEMO_HEIGHT / 2);
	/* Without poll the display may be waiting for this frame's fence to show an older one. */
	if (demo_frame_is_held(buffer->number) && producer->options->leave_out != BREAK_POLL)
		hold(producer, buffer);
	pattern_draw(buffer->pixels, producer->pitch, buffer->number, DEMO_HEIGHT / 2,
		     DEMO_HEIGHT);
}

static void produce(struct producer *producer, unsigned int number)
{
	struct buffer *buffer = &producer->buffers[demo_frame_buffer(number)];
	struct message message = { .type = MESSAGE_FRAME, .number = number };
	struct message *times = &producer->times[number];
	bool careless = producer->options->leave_out == BREAK_POLL;
	__u32 fence;
	int sync_file;

	if (!careless) {
		wait_until_free(producer, buffer);
		dmabuf_begin_write(buffer->dmabuf);
	}
	fence = vgem_attach_fence(producer->vgem, buffer->handle);
	if (!fence && !careless)
		die("frame %u: poll(POLLOUT) called the buffer free, vgem finds a fence on it",
		    number);
	/* Held until the signal, to read the kernel's time of it. */
	sync_file = dmabuf_export_write_fence(buffer->dmabuf);

	buffer->number = number;
	buffer->released = false;
	ipc_send(producer->socket, &message);

	times->begun = demo_now();
	draw(producer, buffer);
	if (!careless)
		dmabuf_end_write(buffer->dmabuf);
	times->drawn = demo_now();

	if (fence) {
		vgem_signal_fence(producer->vgem, fence);
		if (!fence_is_signalled(sync_file))
			die("frame %u: the sync_file of the signalled fence is still pending",
			    number);
		times->signalled = fence_time(sync_file);
	}
	close(sync_file);
}

static void report(struct producer *producer, int leaked_fds)
{
	struct message done = {
		.type = MESSAGE_DONE,
		.leaked_fds = leaked_fds,
		.poll_refused = producer->poll_refused,
		.poll_early = producer->poll_early,
	};

	for (unsigned int number = 1; number <= producer->options->frames; number++) {
		producer->times[number].type = MESSAGE_TIMES;
		producer->times[number].number = number;
		ipc_send(producer->socket, &producer->times[number]);
	}
	ipc_send(producer->socket, &done);
}

void producer_run(const struct demo_options *options, int socket)
{
	struct producer producer = { .options = options, .socket = socket };
	int fds = checks_count_fds();

	producer.times = calloc(options->frames + 1, sizeof(*producer.times));
	if (!producer.times)
		die_errno("calloc");
	create_buffers(&producer);
	pass_buffers(&producer);

	for (unsigned int number = 1; number <= options->frames; number++) {
		demo_feed_watchdog();
		produce(&producer, number);
	}
	for (unsigned int i = 0; i < DEMO_BUFFERS; i++)
		wait_until_free(&producer, &producer.buffers[i]);

	destroy_buffers(&producer);
	report(&producer, checks_count_fds() - fds);
	free(producer.times);
}
