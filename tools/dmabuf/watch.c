// SPDX-License-Identifier: GPL-2.0-only
/* The tables again and again, in the same place of the terminal. */

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "dmabuf.h"

#define OTHER_SCREEN	"\033[?1049h\033[?25l"
#define FIRST_SCREEN	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

/* Wherever a signal to end finds us: maybe in the middle of a read that has to wait. */
static void end(int signal)
{
	ssize_t written = 0;

	(void)signal;
	if (isatty(STDOUT_FILENO))
		written = write(STDOUT_FILENO, FIRST_SCREEN, sizeof(FIRST_SCREEN) - 1);
	_exit(written < 0 ? EXIT_UNREADABLE : 0);
}

static void set_up_signals(sigset_t *resized)
{
	static const int endings[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = end };
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		sigaction(endings[i], &action, NULL);

	/* Waited for, so that it interrupts nothing but the pause between two pictures. */
	sigemptyset(resized);
	sigaddset(resized, SIGWINCH);
	sigprocmask(SIG_BLOCK, resized, NULL);
}

/* The text in the terminal, cut to its size, over what was there. */
static void paint(const char *text)
{
	struct winsize window = {};
	size_t row, width, height;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	width = window.ws_col ? window.ws_col : 80;
	height = window.ws_row ? window.ws_row : 24;

	fputs(HOME, stdout);
	for (row = 0; *text && row < height; row++) {
		size_t length = strcspn(text, "\n");

		/* No line feed in the last row, or the terminal scrolls. */
		printf("%s%.*s" CLEAR_LINE, row ? "\r\n" : "",
		       (int)(length < width ? length : width), text);
		text += length + !!text[length];
	}
	fputs(CLEAR_BELOW, stdout);
}

static void one_picture(unsigned int allowed, const struct format *format, bool terminal)
{
	struct snapshot snap = {};
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	collect(&snap, allowed);
	out = open_memstream(&text, &size);
	if (!out)
		die("out of memory");
	print_tables(out, &snap, format);
	if (fclose(out))
		die("out of memory");
	if (terminal)
		paint(text);
	else
		printf("%s\n", text);
	free(text);
	snapshot_free(&snap);
	if (fflush(stdout))
		die("standard output: %s", strerror(errno));
}

/* Until a signal ends it. */
void __noreturn watch(unsigned int allowed, const struct format *format, double seconds)
{
	struct timespec pause = {
		.tv_sec = seconds,
		.tv_nsec = fmod(seconds, 1) * 1e9,
	};
	bool terminal = isatty(STDOUT_FILENO);
	sigset_t resized;

	set_up_signals(&resized);
	if (terminal)
		fputs(OTHER_SCREEN, stdout);
	for (;;) {
		one_picture(allowed, format, terminal);
		sigtimedwait(&resized, NULL, &pause);
	}
}
