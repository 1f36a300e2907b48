// SPDX-License-Identifier: GPL-2.0-only
/* The command dmabuf: which buffers there are, and who holds them; see dmabuf.1. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

#define MAX_SECONDS	86400.0

struct options {
	/* mask of enum source */
	unsigned int allowed;
	struct format format;
	bool json;
	/* 0: once */
	double watch;
};

static const char *root = "";

const char *root_path(const char *path)
{
	static char place[PATH_MAX];

	snprintf(place, sizeof(place), "%s%s", root, path);
	return place;
}

static const char help[] =
	"usage: dmabuf [-b] [-p] [-e] [-B] [-w [SECONDS]] [-s SOURCE,...] [--root DIR]\n"
	"       dmabuf -j [-s SOURCE,...] [--root DIR]\n"
	"\n"
	"Lists the dma-bufs of the system, who holds them, and what they come to.\n"
	"\n"
	"  -b, --buffers          only the table of buffers and their holders\n"
	"  -p, --processes        only the totals per process\n"
	"  -e, --exporters        only the totals per exporter\n"
	"                         (any of the three; all of them without one)\n"
	"  -B, --bytes            sizes in bytes, instead of KiB, MiB, ...\n"
	"  -j, --json             everything as one JSON object\n"
	"  -w, --watch [SECONDS]  refresh in place, every 2 seconds or as often as told\n"
	"  -s, --source LIST      use only these: bpf, debugfs, sysfs, proc\n"
	"      --root DIR         read DIR/proc and DIR/sys: a copy of another system's\n"
	"  -h, --help             print this\n"
	"\n"
	"Exit status: 0 done, also if not all could be read, which the output says;\n"
	"1 nothing could be read; 2 wrong use.\n";

static void __printf(1, 2) __noreturn wrong(const char *format, ...)
{
	va_list args;

	fputs("dmabuf: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; try dmabuf --help\n", stderr);
	exit(EXIT_USAGE);
}

static unsigned int parse_sources(char *list)
{
	unsigned int allowed = 0;
	enum source source;
	char *name;

	while ((name = strsep(&list, ","))) {
		for (source = 0; source < SOURCES; source++) {
			if (!strcmp(name, source_names[source]))
				break;
		}
		if (source == SOURCES)
			wrong("--source: there is no '%s'", name);
		allowed |= 1u << source;
	}
	return allowed;
}

static double parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || end == text || !(seconds >= 0.1 && seconds <= MAX_SECONDS))
		wrong("--watch: '%s' is not a number of seconds from 0.1 to %.0f", text,
		      MAX_SECONDS);
	return seconds;
}

/* SECONDS need not be glued to --watch. */
static const char *optional_word(char **argv)
{
	if (optarg)
		return optarg;
	if (argv[optind] && strchr("0123456789.", argv[optind][0]) && argv[optind][0])
		return argv[optind++];
	return "2";
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "buffers", no_argument, NULL, 'b' },
		{ "processes", no_argument, NULL, 'p' },
		{ "exporters", no_argument, NULL, 'e' },
		{ "bytes", no_argument, NULL, 'B' },
		{ "json", no_argument, NULL, 'j' },
		{ "watch", optional_argument, NULL, 'w' },
		{ "source", required_argument, NULL, 's' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "bpeBjw::s:h", known, NULL)) >= 0) {
		switch (option) {
		case 'b':
			options->format.sections |= SHOW_BUFFERS;
			break;
		case 'p':
			options->format.sections |= SHOW_PROCESSES;
			break;
		case 'e':
			options->format.sections |= SHOW_EXPORTERS;
			break;
		case 'B':
			options->format.bytes = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'w':
			options->watch = parse_seconds(optional_word(argv));
			break;
		case 's':
			options->allowed = parse_sources(optarg);
			break;
		case 'r':
			root = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs("try dmabuf --help\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	if (argv[optind])
		wrong("what is '%s'?", argv[optind]);
}

static void check(struct options *options)
{
	if (options->json && (options->watch || options->format.sections || options->format.bytes))
		wrong("--json prints everything, once, in bytes: no -b, -p, -e, -B or -w with it");
	if (!options->format.sections)
		options->format.sections = SHOW_BUFFERS | SHOW_PROCESSES | SHOW_EXPORTERS;
	if (!options->allowed)
		options->allowed = (1u << SOURCES) - 1;
	/* The running kernel's iterator knows nothing of a copy. */
	if (*root)
		options->allowed &= ~(1u << SOURCE_BPF);
}

/* Says why nothing could be read; returns whether anything could. */
static bool anything(const struct snapshot *snap)
{
	enum source source;

	for (source = 0; source < SOURCES; source++) {
		if (snap->sources[source].state == USED)
			return true;
	}
	for (source = 0; source < SOURCES; source++) {
		if (snap->sources[source].state == FAILED)
			fprintf(stderr, "dmabuf: %s: %s\n", source_names[source],
				snap->sources[source].detail);
	}
	return false;
}

int main(int argc, char **argv)
{
	struct options options = {};
	struct snapshot snap = {};

	parse(argc, argv, &options);
	check(&options);
	if (options.watch)
		watch(options.allowed, &options.format, options.watch);

	collect(&snap, options.allowed);
	if (!anything(&snap))
		return EXIT_UNREADABLE;
	if (options.json)
		print_json(stdout, &snap);
	else
		print_tables(stdout, &snap, &options.format);
	snapshot_free(&snap);
	if (fflush(stdout) || ferror(stdout))
		die("standard output: %s", strerror(errno));
	return 0;
}
