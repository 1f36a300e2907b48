// SPDX-License-Identifier: GPL-2.0-only
/* The table, the summary and the files of a run. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "source.h"

struct counts {
	unsigned int shown, torn, lost, waited;
};

void report_start(struct report *report, const struct demo_options *options)
{
	*report = (struct report){ .options = options, .start = demo_now() };
	report->frames = calloc(options->frames + 1, sizeof(*report->frames));
	report->picture = calloc(DEMO_WIDTH * DEMO_HEIGHT, sizeof(*report->picture));
	if (!report->frames || !report->picture)
		die_errno("calloc");
}

static struct counts count(const struct report *report)
{
	struct counts counts = {};

	for (unsigned int number = 1; number <= report->options->frames; number++) {
		const struct frame *frame = &report->frames[number];

		if (frame->verdict.picture == PICTURE_RIGHT)
			counts.shown++;
		else if (frame->verdict.picture == PICTURE_TORN)
			counts.torn++;
		else
			counts.lost++;
		counts.waited += frame->waited;
	}
	return counts;
}

static int leaked(const struct report *report)
{
	return report->leaked_buffers + report->leaked_fds;
}

static bool is_right(const struct report *report, const struct counts *counts)
{
	return counts->shown == report->options->frames &&
	       !report->fences_missing && !report->flips_early && !report->poll_early &&
	       !leaked(report) && !report->log.warnings;
}

static __s64 relative_us(const struct report *report, __s64 time)
{
	return (time - report->start) / 1000;
}

static void print_time(const struct report *report, __s64 time)
{
	if (time)
		printf("%11lld", relative_us(report, time));
	else
		printf("%11s", "-");
}

static void print_verdict(const struct verdict *verdict)
{
	switch (verdict->picture) {
	case PICTURE_RIGHT:
		printf("  right\n");
		break;
	case PICTURE_MISSING:
		printf("  LOST: never captured\n");
		break;
	case PICTURE_OTHER:
		printf("  LOST: frame %d was there instead\n", verdict->other);
		break;
	case PICTURE_TORN:
		printf("  TORN: %u wrong pixels, the first at %u,%u", verdict->wrong, verdict->x,
		       verdict->y);
		if (verdict->other >= 0)
			printf(" from frame %d", verdict->other);
		printf("\n");
		break;
	}
}

static void print_table(const struct report *report)
{
	printf("Times in microseconds since the start.\n");
	printf("\"*\": the flip was queued while the producer's fence was pending.\n\n");
	printf("frame  buffer      drawn  signalled    flipped   captured   released  picture\n");
	for (unsigned int number = 1; number <= report->options->frames; number++) {
		const struct frame *frame = &report->frames[number];

		printf("%5u%c %6u", number, frame->waited ? '*' : ' ', demo_frame_buffer(number));
		print_time(report, frame->drawn);
		print_time(report, frame->signalled);
		print_time(report, frame->flipped);
		print_time(report, frame->captured);
		print_time(report, frame->released);
		print_verdict(&frame->verdict);
	}
}

static void print_checks(const struct report *report, const struct counts *counts)
{
	static const char *const lockdep[] = {
		[LOCKDEP_ABSENT] = "no lockdep in this kernel",
		[LOCKDEP_ON] = "lockdep on",
		[LOCKDEP_OFF] = "lockdep switched itself off",
	};

	printf("fences:     %u flips waited for the producer, %u came early, %u fences missing\n",
	       counts->waited, report->flips_early, report->fences_missing);
	printf("poll:       %u times \"in use\" of a buffer in use, %u times \"free\"\n",
	       report->poll_refused, report->poll_early);
	printf("bufinfo:    %u buffers left; %d file descriptors left\n",
	       report->leaked_buffers, report->leaked_fds);
	printf("kernel log: %u warnings; %s; %u late vblanks (a slow machine)\n",
	       report->log.warnings, lockdep[report->lockdep], report->log.late_vblanks);
}

bool report_print(const struct report *report)
{
	struct counts counts = count(report);
	bool right = is_right(report, &counts);
	__s64 ms = (report->end - report->start) / 1000000;

	print_table(report);
	printf("\n");
	print_checks(report, &counts);
	printf("%s: %u frames in %lld.%lld s: ", right ? "PASS" : "FAIL",
	       report->options->frames, ms / 1000, ms % 1000 / 100);
	printf("%u shown, %u torn, %u lost, %d leaked\n", counts.shown, counts.torn, counts.lost,
	       leaked(report));
	fflush(stdout);
	return right;
}

static FILE *create(const struct report *report, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", report->options->out, name);
	file = fopen(path, "we");
	if (!file)
		die_errno("%s", path);
	return file;
}

static void finish(FILE *file, const char *name)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		die_errno("writing %s", name);
}

void report_keep_picture(struct report *report, const __u32 *pixels, size_t pitch)
{
	for (unsigned int y = 0; y < DEMO_HEIGHT; y++)
		memcpy(report->picture + y * DEMO_WIDTH, (const char *)pixels + y * pitch,
		       DEMO_WIDTH * sizeof(*pixels));
}

static void write_picture(const struct report *report)
{
	FILE *file = create(report, "frame.raw");

	fwrite(report->picture, sizeof(*report->picture), DEMO_WIDTH * DEMO_HEIGHT, file);
	finish(file, "frame.raw");
}

static void write_time(const struct report *report, FILE *file, const char *name, __s64 time)
{
	if (time)
		fprintf(file, ", \"%s\": %lld", name, relative_us(report, time));
	else
		fprintf(file, ", \"%s\": null", name);
}

static void write_frame(const struct report *report, FILE *file, unsigned int number)
{
	static const char *const pictures[] = {
		[PICTURE_MISSING] = "lost", [PICTURE_RIGHT] = "right",
		[PICTURE_TORN] = "torn", [PICTURE_OTHER] = "lost",
	};
	const struct frame *frame = &report->frames[number];

	fprintf(file, "  {\"number\": %u, \"buffer\": %u", number, demo_frame_buffer(number));
	write_time(report, file, "begun", frame->begun);
	write_time(report, file, "drawn", frame->drawn);
	write_time(report, file, "signalled", frame->signalled);
	write_time(report, file, "queued", frame->queued);
	write_time(report, file, "flipped", frame->flipped);
	write_time(report, file, "captured", frame->captured);
	write_time(report, file, "released", frame->released);
	fprintf(file, ", \"waited\": %s, \"picture\": \"%s\"}%s\n",
		frame->waited ? "true" : "false", pictures[frame->verdict.picture],
		number < report->options->frames ? "," : "");
}

static void write_timeline(const struct report *report)
{
	FILE *file = create(report, "timeline.json");
	struct counts counts = count(report);

	fprintf(file, "{\"buffers\": %u, \"source\": \"%s\", \"unit\": \"microseconds\",\n",
		DEMO_BUFFERS, report->options->source->name);
	fprintf(file, " \"picture\": {\"file\": \"frame.raw\", \"number\": %u, ",
		report->options->frames);
	fprintf(file, "\"width\": %u, \"height\": %u},\n", DEMO_WIDTH, DEMO_HEIGHT);
	fprintf(file, " \"summary\": {\"right\": %s, \"shown\": %u, \"torn\": %u, ",
		is_right(report, &counts) ? "true" : "false", counts.shown, counts.torn);
	fprintf(file, "\"lost\": %u, \"leaked\": %d, \"waited\": %u, \"warnings\": %u},\n",
		counts.lost, leaked(report), counts.waited, report->log.warnings);
	fprintf(file, " \"frames\": [\n");
	for (unsigned int number = 1; number <= report->options->frames; number++)
		write_frame(report, file, number);
	fprintf(file, " ]}\n");
	finish(file, "timeline.json");
}

void report_write_files(const struct report *report)
{
	write_picture(report);
	write_timeline(report);
}
