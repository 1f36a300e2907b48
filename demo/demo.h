/* SPDX-License-Identifier: GPL-2.0-only */
/* What every part of the demonstration agrees on. */

#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>

#define DEMO_BUFFERS	3
#define DEMO_WIDTH	640
#define DEMO_HEIGHT	480
#define DEMO_BITS_PER_PIXEL 32	/* XRGB8888 */
#define DEMO_FRAMES	120
#define DEMO_FRAMES_MAX	9999	/* as many as the four digits in the picture can tell apart */

/* No single wait takes longer, whatever goes wrong in the kernel or in the other process. */
#define DEMO_WAIT_MS	15000

enum {
	EXIT_RIGHT = 0,		/* everything was right */
	EXIT_WRONG = 1,		/* the demonstration ran and found something wrong */
	EXIT_UNABLE = 2,	/* it could not run: wrong use, no such device, a process ended */
};

/* One link of the chain left out on purpose, to see that its check notices. */
enum demo_break {
	BREAK_NOTHING,
	BREAK_FENCE,
	BREAK_POLL,
	BREAK_FRAME,
	BREAK_LEAK,
	BREAK_LOG,
};

struct buffer_source;

struct demo_options {
	const char *out;
	const struct buffer_source *source;
	unsigned int frames;
	enum demo_break leave_out;
};

/*
 * The frames whose drawing stops half way until the display has queued the flip: only the fence
 * keeps their unfinished picture off the screen, however fast or slow the machine is.
 */
static inline bool demo_frame_is_held(unsigned int number)
{
	return number % 4 == 0;
}

static inline unsigned int demo_frame_buffer(unsigned int number)
{
	return (number - 1) % DEMO_BUFFERS;
}

/* Process-wide: who speaks in messages, and when the demonstration began (CLOCK_MONOTONIC). */
void demo_set_role(const char *role);
void demo_set_watchdog(void);
void demo_feed_watchdog(void);
__s64 demo_now(void);

void __printf(1, 2) warn(const char *format, ...);
void __printf(1, 2) __noreturn die(const char *format, ...);
void __printf(1, 2) __noreturn die_errno(const char *format, ...);

#endif /* DEMO_H */
