// SPDX-License-Identifier: GPL-2.0-only
/*
 * The display. For each frame:
 *
 *	export the buffer's write fence, commit the flip with it as in-fence and with a capture,
 *	import the out-fences into the buffer and into the one that leaves the screen,
 *	tell the producer that the fences of the latter now say when it is free,
 *	wait for the flip and, while the capture is being made, look at the one before.
 */

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmabuf.h"
#include "display.h"
#include "ipc.h"
#include "kms.h"
#include "pattern.h"

#define CAPTURES 2	/* one is compared while the other is written */

struct shared {
	int dmabuf;
	struct kms_fb fb;
	int idle_fence;		/* --break fence: the write fence of before the first frame */
};

struct capture {
	struct kms_fb fb;
	const __u32 *pixels;
};

struct display {
	struct report *report;
	int socket;
	pid_t producer;
	struct kms kms;
	struct shared buffers[DEMO_BUFFERS];
	struct capture captures[CAPTURES];
	struct kms_flip flip;	/* the one under way */
	unsigned int shown;	/* the frame before it, 0: none */
};

static bool leave_out(const struct display *display, enum demo_break what)
{
	return display->report->options->leave_out == what;
}

static struct shared *buffer_of(struct display *display, unsigned int number)
{
	return &display->buffers[demo_frame_buffer(number)];
}

static struct capture *capture_of(struct display *display, unsigned int number)
{
	return &display->captures[number % CAPTURES];
}

/* Collects the producer, which has nothing left to do but to end. */
static int producer_status(struct display *display)
{
	int status;

	/* Its end closes the socket, so this wait is bounded; the watchdog guards it anyway. */
	if (waitpid(display->producer, &status, 0) < 0)
		die_errno("waitpid");
	return status;
}

static void __noreturn producer_is_gone(struct display *display)
{
	int status = producer_status(display);

	if (WIFSIGNALED(status))
		die("the producer process was killed by signal %d", WTERMSIG(status));
	die("the producer process ended early with exit status %d", WEXITSTATUS(status));
}

static struct message receive(struct display *display, enum message_type type)
{
	struct message message;

	if (!ipc_receive(display->socket, &message))
		producer_is_gone(display);
	if (message.type != type)
		die("unexpected message %u from the producer", message.type);
	return message;
}

static void open_buffers(struct display *display)
{
	struct message message;
	int fds[DEMO_BUFFERS];

	if (!ipc_receive_fds(display->socket, &message, fds, DEMO_BUFFERS))
		producer_is_gone(display);
	for (unsigned int i = 0; i < DEMO_BUFFERS; i++) {
		struct shared *buffer = &display->buffers[i];

		buffer->dmabuf = fds[i];
		buffer->idle_fence = -1;
		kms_import(&display->kms, buffer->dmabuf, message.pitch, &buffer->fb);
		if (leave_out(display, BREAK_FENCE))
			buffer->idle_fence = dmabuf_export_write_fence(buffer->dmabuf);
	}
	for (unsigned int i = 0; i < CAPTURES; i++)
		kms_create(&display->kms, &display->captures[i].fb,
			   &display->captures[i].pixels);
}

static void close_buffers(struct display *display)
{
	for (unsigned int i = 0; i < CAPTURES; i++)
		kms_destroy(&display->kms, &display->captures[i].fb,
			    display->captures[i].pixels);
	for (unsigned int i = 0; i < DEMO_BUFFERS; i++) {
		struct shared *buffer = &display->buffers[i];

		kms_forget(&display->kms, &buffer->fb);
		if (buffer->idle_fence >= 0)
			close(buffer->idle_fence);
		if (i || !leave_out(display, BREAK_LEAK))
			close(buffer->dmabuf);
	}
}

/* The frame that leaves the screen with @out_fence is the producer's again after it. */
static void release_shown(struct display *display, int out_fence)
{
	struct message message = { .type = MESSAGE_RELEASED, .number = display->shown };

	if (!display->shown)
		return;
	dmabuf_import_read_fence(buffer_of(display, display->shown)->dmabuf, out_fence);
	ipc_send(display->socket, &message);
}

static void queue_flip(struct display *display, unsigned int number)
{
	struct message message = { .type = MESSAGE_QUEUED, .number = number };
	struct frame *frame = &display->report->frames[number];
	struct shared *buffer = buffer_of(display, number);
	struct kms_flip *flip = &display->flip;

	flip->fb = buffer->fb.id;
	flip->capture = capture_of(display, number)->fb.id;
	flip->in_fence = leave_out(display, BREAK_FENCE) ? dup(buffer->idle_fence) :
			 dmabuf_export_write_fence(buffer->dmabuf);
	frame->waited = !fence_is_signalled(flip->in_fence);
	if (demo_frame_is_held(number) && !frame->waited)
		display->report->fences_missing++;

	frame->queued = demo_now();
	kms_flip(&display->kms, flip);

	/* The display reads this buffer: until the capture is made, and while it is on screen. */
	dmabuf_import_read_fence(buffer->dmabuf, flip->out_fence);
	dmabuf_import_read_fence(buffer->dmabuf, flip->capture_fence);
	release_shown(display, flip->out_fence);
	ipc_send(display->socket, &message);
}

static void look_at(struct display *display, unsigned int number)
{
	const struct capture *capture = capture_of(display, number);

	display->report->frames[number].verdict =
		pattern_compare(capture->pixels, capture->fb.pitch, number);
	if (number == display->report->options->frames)
		report_keep_picture(display->report, capture->pixels, capture->fb.pitch);
}

/*
 * The times are when this process sees the fences signalled: the time that an out-fence itself
 * reports is the vblank's nominal one, on a slow machine up to a refresh before it came.
 */
static void finish_flip(struct display *display, unsigned int number)
{
	struct frame *frame = &display->report->frames[number];
	struct kms_flip *flip = &display->flip;

	fence_wait(flip->out_fence, "the out-fence of a flip");
	frame->flipped = demo_now();
	if (!fence_is_signalled(flip->in_fence))
		display->report->flips_early++;
	if (display->shown)
		look_at(display, display->shown);

	fence_wait(flip->capture_fence, "the out-fence of a capture");
	frame->captured = demo_now();
	kms_wait_capture_idle(&display->kms, &capture_of(display, number)->fb);

	close(flip->in_fence);
	close(flip->out_fence);
	close(flip->capture_fence);
	display->shown = number;
}

static void show_frames(struct display *display)
{
	unsigned int frames = display->report->options->frames;

	for (unsigned int number = 1; number <= frames; number++) {
		struct message message;

		demo_feed_watchdog();
		message = receive(display, MESSAGE_FRAME);
		if (message.number != number)
			die("the producer sent frame %u instead of %u", message.number, number);
		queue_flip(display, number);
		finish_flip(display, number);
	}
}

/* Takes the last frame off the screen, which gives the producer its buffer back. */
static void show_nothing(struct display *display)
{
	int out_fence = kms_blank(&display->kms);

	release_shown(display, out_fence);
	look_at(display, display->shown);
	fence_wait(out_fence, "the out-fence of the last flip");
	close(out_fence);
}

static void collect_times(struct display *display)
{
	struct report *report = display->report;
	struct message message;

	for (unsigned int number = 1; number <= report->options->frames; number++) {
		struct frame *frame = &report->frames[number];

		message = receive(display, MESSAGE_TIMES);
		frame->begun = message.begun;
		frame->drawn = message.drawn;
		frame->signalled = message.signalled;
		frame->released = message.released;
	}
	message = receive(display, MESSAGE_DONE);
	report->leaked_fds += message.leaked_fds;
	report->poll_refused = message.poll_refused;
	report->poll_early = message.poll_early;
	if (producer_status(display))
		die("the producer process failed at its end");
}

void display_run(struct report *report, int socket, pid_t producer)
{
	struct display display = { .report = report, .socket = socket, .producer = producer };
	int fds = checks_count_fds();

	kms_open(&display.kms);
	open_buffers(&display);
	kms_enable(&display.kms);
	show_frames(&display);
	show_nothing(&display);
	kms_disable(&display.kms);
	close_buffers(&display);
	kms_close(&display.kms);
	collect_times(&display);
	report->leaked_fds += checks_count_fds() - fds;
}
