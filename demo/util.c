// SPDX-License-Identifier: GPL-2.0-only
/* Messages, time and the watchdog of one process. */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

/* More than the longest chain of timed waits between two frames. */
#define WATCHDOG_SECONDS 60

static const char *role;

void demo_set_role(const char *name)
{
	role = name;
}

/* One write per message, so that the two processes' lines do not mix. */
static void say(const char *format, va_list args, int error)
{
	char text[512];
	int used;

	used = snprintf(text, sizeof(text), "dmabuf-demo: %s%s", role ? role : "",
			role ? ": " : "");
	used += vsnprintf(text + used, sizeof(text) - used, format, args);
	if (error && used < (int)sizeof(text))
		snprintf(text + used, sizeof(text) - used, ": %s", strerror(error));
	fflush(stdout);
	fprintf(stderr, "%s\n", text);
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args, 0);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args, 0);
	va_end(args);
	exit(EXIT_UNABLE);
}

void die_errno(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	say(format, args, error);
	va_end(args);
	exit(EXIT_UNABLE);
}

__s64 demo_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void watchdog_bites(int signal)
{
	static const char text[] = "dmabuf-demo: no progress for too long in an ioctl\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	(void)written;
	_exit(EXIT_UNABLE);
}

/* poll() brings its own time limit; this one is for ioctls that wait inside the kernel. */
void demo_set_watchdog(void)
{
	struct sigaction action = { .sa_handler = watchdog_bites };

	sigaction(SIGALRM, &action, NULL);
	demo_feed_watchdog();
}

void demo_feed_watchdog(void)
{
	alarm(WATCHDOG_SECONDS);
}
