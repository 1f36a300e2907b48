// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmabuf-demo: frames travel from one process to another through the dma-buf subsystem.
 *
 *	     producer (vgem)                              display (vkms)
 *
 *	three buffers, PRIME_HANDLE_TO_FD  --- fds --->  PRIME_FD_TO_HANDLE, ADDFB2
 *
 *	poll(POLLOUT): the buffer is free
 *	DMA_BUF_IOCTL_SYNC start
 *	VGEM_FENCE_ATTACH (writer)         --- frame ->  DMA_BUF_IOCTL_EXPORT_SYNC_FILE
 *	draws the number of the frame                    atomic commit: IN_FENCE_FD, OUT_FENCE_PTR,
 *	DMA_BUF_IOCTL_SYNC end                           WRITEBACK_FB_ID, WRITEBACK_OUT_FENCE_PTR
 *	VGEM_FENCE_SIGNAL                  <- released - DMA_BUF_IOCTL_IMPORT_SYNC_FILE (reader)
 *	                                                 compares the capture, pixel by pixel
 *
 * An out-fence is signalled when its frame is on the screen, that is when the frame before it is no
 * longer: it goes into both buffers. "released" says only that this has been done; when the buffer
 * is free is for poll(POLLOUT) to say.
 *
 * main.c     options, the two processes, the checks at the end
 * producer.c draws, display.c shows and compares; ipc.c is the socket between them
 * source.c   where buffers come from: device.c finds devices and speaks with vgem, memory.c with
 *	      the system heap and udmabuf; kms.c speaks with vkms
 * dmabuf.c   the ioctls of dma-buf and sync_file
 * pattern.c  the picture of a frame
 * checks.c   leaks and kernel warnings; report.c the table, the summary, the files
 */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "display.h"
#include "ipc.h"
#include "pattern.h"
#include "producer.h"
#include "report.h"
#include "source.h"

static const char usage[] =
	"usage: dmabuf-demo [--out DIR] [--frames N] [--source NAME] [--break WHAT]\n"
	"\n"
	"A producer process draws numbered frames in three buffers; a display process shows them\n"
	"on vkms and compares a capture of each with what was drawn. dma-buf carries the buffers,\n"
	"fences of vgem say when a picture is finished and when its buffer is free.\n"
	"\n"
	"  --out DIR     existing directory for frame.raw (a captured frame) and timeline.json\n"
	"                (default: the current directory)\n"
	"  --frames N    frames to show, 1 to 9999 (default: 120)\n"
	"  --source NAME where the buffers come from: vgem (default), heap, udmabuf\n"
	"  --break WHAT  leave one link of the chain out, to see that its check notices:\n"
	"                  fence  the display does not wait for the producer's fence (torn)\n"
	"                  poll   the producer does not wait for its buffers (torn, lost)\n"
	"                  frame  the producer does not draw frame 10 (lost)\n"
	"                  leak   the display keeps a buffer (leaked)\n"
	"                  log    a warning is written to the kernel log\n"
	"  --help        this text\n"
	"\n"
	"Needs root, vgem, vkms with writeback, the source asked for, and /proc, /dev and debugfs\n"
	"mounted.\n"
	"Exit status: 0 if all frames were right, bufinfo was empty at the end and the kernel\n"
	"log held no warning; 1 if not; 2 if it could not run.\n";

static const char *const break_names[] = {
	[BREAK_FENCE] = "fence", [BREAK_POLL] = "poll", [BREAK_FRAME] = "frame",
	[BREAK_LEAK] = "leak", [BREAK_LOG] = "log",
};

static void __noreturn wrong_use(void)
{
	fprintf(stderr, "Try: dmabuf-demo --help\n");
	exit(EXIT_UNABLE);
}

static unsigned int parse_frames(const char *text)
{
	char *end;
	unsigned long frames = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !frames || frames > DEMO_FRAMES_MAX) {
		warn("--frames needs a number from 1 to %u, not \"%s\"", DEMO_FRAMES_MAX, text);
		wrong_use();
	}
	return frames;
}

static enum demo_break parse_break(const char *text)
{
	for (unsigned int i = 1; i < sizeof(break_names) / sizeof(*break_names); i++)
		if (!strcmp(text, break_names[i]))
			return i;
	warn("--break does not know \"%s\"", text);
	wrong_use();
}

static const struct buffer_source *parse_source(const char *text)
{
	const struct buffer_source *source = source_find(text);

	if (!source) {
		warn("--source does not know \"%s\"", text);
		wrong_use();
	}
	return source;
}

static void parse(int argc, char **argv, struct demo_options *options)
{
	static const struct option names[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "frames", required_argument, NULL, 'f' },
		{ "source", required_argument, NULL, 's' },
		{ "break", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'o':
			options->out = optarg;
			break;
		case 'f':
			options->frames = parse_frames(optarg);
			break;
		case 's':
			options->source = parse_source(optarg);
			break;
		case 'b':
			options->leave_out = parse_break(optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_RIGHT);
		default:
			wrong_use();
		}
	}
	if (optind < argc) {
		warn("unexpected argument \"%s\"", argv[optind]);
		wrong_use();
	}
}

static void check_out(const char *out)
{
	struct stat status;

	if (stat(out, &status))
		die_errno("--out %s", out);
	if (!S_ISDIR(status.st_mode))
		die("--out %s: not a directory", out);
	if (access(out, W_OK))
		die_errno("--out %s", out);
}

/* The child is the producer; its death shows at the other end of the socket, and vice versa. */
static pid_t start_producer(const struct demo_options *options, int sockets[2])
{
	pid_t pid;

	ipc_pair(sockets);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die_errno("fork");
	if (pid) {
		close(sockets[1]);
		return pid;
	}
	close(sockets[0]);
	demo_set_role("producer");
	demo_set_watchdog();
	producer_run(options, sockets[1]);
	exit(EXIT_RIGHT);
}

int main(int argc, char **argv)
{
	struct demo_options options = {
		.out = ".", .frames = DEMO_FRAMES, .source = source_find("vgem"),
	};
	struct report report;
	__u64 log_start;
	int sockets[2];
	pid_t producer;

	parse(argc, argv, &options);
	check_out(options.out);
	checks_count_buffers();	/* dies early where the check at the end could not be made */
	log_start = checks_last_log_record();

	pattern_init();
	report_start(&report, &options);
	producer = start_producer(&options, sockets);
	demo_set_role("display");
	demo_set_watchdog();
	display_run(&report, sockets[0], producer);
	close(sockets[0]);
	demo_set_role(NULL);

	report.end = demo_now();
	if (options.leave_out == BREAK_LOG)
		checks_write_log("<4>WARNING: written by dmabuf-demo --break log\n");
	report.leaked_buffers = checks_count_leaked_buffers();
	report.log = checks_read_log(log_start);
	report.lockdep = checks_lockdep();

	report_write_files(&report);
	return report_print(&report) ? EXIT_RIGHT : EXIT_WRONG;
}
