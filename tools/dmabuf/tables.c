// SPDX-License-Identifier: GPL-2.0-only
/* The picture as tables for people. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

/* What is not known, and what is known to be nothing. */
#define UNKNOWN		"?"
#define NOTHING		"-"

#define MAX_COLUMNS	10

/* Cells, row by row, the first row being the heading. */
struct table {
	/* a letter for each column: 'l' to align it left, 'r' right */
	const char *columns;
	char **cells;
	size_t nr_cells;
};

/* Add a cell; takes over @text. */
static void cell(struct table *table, char *text)
{
	table->cells = grow(table->cells, table->nr_cells, sizeof(*table->cells));
	table->cells[table->nr_cells++] = text;
}

static void headings(struct table *table, ...)
{
	va_list args;
	const char *text;

	va_start(args, table);
	while ((text = va_arg(args, const char *)))
		cell(table, copy_text(text));
	va_end(args);
}

static void print_row(FILE *out, const struct table *table, char **row, const int *width)
{
	size_t i, columns = strlen(table->columns);

	for (i = 0; i < columns; i++) {
		/* Nothing but text goes to the end of a line. */
		if (i == columns - 1 && !row[i][0])
			break;
		fputs(i ? "  " : "", out);
		if (table->columns[i] == 'r')
			fprintf(out, "%*s", width[i], row[i]);
		else if (i < columns - 1)
			fprintf(out, "%-*s", width[i], row[i]);
		else
			fputs(row[i], out);
	}
	fputc('\n', out);
}

/* Print the table, below an empty line, and forget it. */
static void print_table(FILE *out, struct table *table)
{
	size_t i, columns = strlen(table->columns);
	int width[MAX_COLUMNS] = {};

	for (i = 0; i < table->nr_cells; i++) {
		int length = strlen(table->cells[i]);

		if (length > width[i % columns])
			width[i % columns] = length;
	}
	fputc('\n', out);
	for (i = 0; i < table->nr_cells; i += columns)
		print_row(out, table, table->cells + i, width);
	for (i = 0; i < table->nr_cells; i++)
		free(table->cells[i]);
	free(table->cells);
}

static char *count_text(size_t count)
{
	return format_text("%zu", count);
}

/* @text made printable, or what stands for its absence. */
static char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? printable(text) : copy_text(otherwise);
}

static void print_exporters(FILE *out, const struct snapshot *snap, bool bytes)
{
	struct table table = { .columns = "lrr" };
	size_t i;

	headings(&table, "EXPORTER", "BUFFERS", "SIZE", NULL);
	for (i = 0; i < snap->nr_exporters; i++) {
		const struct exporter *exporter = &snap->exporters[i];

		cell(&table, text_or(exporter->name, UNKNOWN));
		cell(&table, count_text(exporter->buffers));
		cell(&table, size_text(exporter->size, bytes));
	}
	print_table(out, &table);
}

static int by_share(const void *a, const void *b)
{
	const struct process *one = a, *two = b;

	if (one->share != two->share)
		return one->share < two->share ? 1 : -1;
	return one->pid - two->pid;
}

static void print_processes(FILE *out, const struct snapshot *snap, bool bytes)
{
	struct table table = { .columns = "rlrrr" };
	/* A copy to sort: the buffers refer to the original by place. */
	struct process *sorted = calloc(snap->nr_processes + 1, sizeof(*sorted));
	size_t i;

	if (!sorted)
		die("out of memory");
	if (snap->nr_processes)
		memcpy(sorted, snap->processes, snap->nr_processes * sizeof(*sorted));
	qsort(sorted, snap->nr_processes, sizeof(*sorted), by_share);

	headings(&table, "PID", "COMMAND", "BUFFERS", "SIZE", "SHARE", NULL);
	for (i = 0; i < snap->nr_processes; i++) {
		cell(&table, format_text("%d", sorted[i].pid));
		cell(&table, printable(sorted[i].command));
		cell(&table, count_text(sorted[i].buffers));
		cell(&table, size_text(sorted[i].size, bytes));
		cell(&table, size_text(sorted[i].share, bytes));
	}
	free(sorted);
	if (snap->nr_loose) {
		cell(&table, copy_text(NOTHING));
		cell(&table, copy_text("(kernel)"));
		cell(&table, count_text(snap->nr_loose));
		cell(&table, size_text(snap->loose_size, bytes));
		cell(&table, size_text(snap->loose_size, bytes));
	}
	print_table(out, &table);
}

/* The first few descriptors, and how many more. */
static char *fds_text(const struct holder *holder)
{
	char *text = copy_text(holder->nr_fds ? "" : NOTHING), *longer;
	size_t i;

	for (i = 0; i < holder->nr_fds && i < 4; i++) {
		longer = format_text("%s%s%d", text, i ? "," : "", holder->fds[i]);
		free(text);
		text = longer;
	}
	if (i < holder->nr_fds) {
		longer = format_text("%s,+%zu", text, holder->nr_fds - i);
		free(text);
		text = longer;
	}
	return text;
}

static char *devices_text(const struct buffer *buffer)
{
	char *text, *longer, *device;
	size_t i;

	if (!buffer->described)
		return copy_text(UNKNOWN);
	text = copy_text(buffer->nr_devices ? "" : NOTHING);
	for (i = 0; i < buffer->nr_devices; i++) {
		device = printable(buffer->devices[i]);
		longer = format_text("%s%s%s", text, i ? "," : "", device);
		free(device);
		free(text);
		text = longer;
	}
	return text;
}

/* The columns that are about the buffer itself but for its name, which comes last. */
static void buffer_cells(struct table *table, const struct buffer *buffer, bool bytes)
{
	cell(table, format_text("%llu", buffer->inode));
	cell(table, buffer->sized ? size_text(buffer->size, bytes) : copy_text(UNKNOWN));
	cell(table, text_or(buffer->exporter, UNKNOWN));
	cell(table, devices_text(buffer));
	cell(table, buffer->described ? format_text("%zu/%zu", buffer->pending, buffer->fences)
				      : copy_text(UNKNOWN));
}

static void holder_cells(struct table *table, const struct snapshot *snap,
			 const struct holder *holder, bool bytes)
{
	const struct process *process = &snap->processes[holder->process];

	cell(table, format_text("%d", process->pid));
	cell(table, printable(process->command));
	cell(table, fds_text(holder));
	cell(table, holder->nr_mappings ? size_text(holder->mapped, bytes) : copy_text(NOTHING));
}

static void no_holder_cells(struct table *table, const struct snapshot *snap)
{
	cell(table, copy_text(snap->all_processes ? NOTHING : UNKNOWN));
	cell(table, copy_text(snap->all_processes ? "(kernel)" : UNKNOWN));
	cell(table, copy_text(NOTHING));
	cell(table, copy_text(NOTHING));
}

/* A row for each pair of a buffer and a process; the buffer is described in the first. */
static void print_buffers(FILE *out, const struct snapshot *snap, bool bytes)
{
	struct table table = { .columns = "rrllrrllrl" };
	size_t i, j, k;

	headings(&table, "INODE", "SIZE", "EXPORTER", "DEVICES", "FENCES", "PID", "COMMAND",
		 "FDS", "MAPPED", "NAME", NULL);
	for (i = 0; i < snap->nr_buffers; i++) {
		const struct buffer *buffer = snap->buffers[i];

		buffer_cells(&table, buffer, bytes);
		if (buffer->nr_holders)
			holder_cells(&table, snap, &buffer->holders[0], bytes);
		else
			no_holder_cells(&table, snap);
		cell(&table, text_or(buffer->name, NOTHING));
		for (j = 1; j < buffer->nr_holders; j++) {
			for (k = 0; k < 5; k++)
				cell(&table, copy_text(""));
			holder_cells(&table, snap, &buffer->holders[j], bytes);
			cell(&table, copy_text(""));
		}
	}
	print_table(out, &table);
}

/* What all of it comes to, and how it is known. */
static void print_summary(FILE *out, const struct snapshot *snap, bool bytes)
{
	char *size = size_text(snap->size, bytes), *loose = size_text(snap->loose_size, bytes);
	enum source source;

	fprintf(out, "%zu buffers, %s", snap->nr_buffers, size);
	if (snap->nr_loose)
		fprintf(out, "; held by the kernel alone: %zu, %s", snap->nr_loose, loose);
	if (snap->nr_unsized)
		fprintf(out, "; %zu of unknown size not counted in", snap->nr_unsized);
	if (snap->lister == SOURCE_PROC)
		fputs("; there may be more that no readable process holds", out);
	fputc('\n', out);
	for (source = 0; source < SOURCES; source++) {
		const struct source_report *report = &snap->sources[source];

		if (report->state != UNASKED)
			fprintf(out, "%s: %s%s\n", source_names[source],
				report->state == FAILED ? "not read: " : "", report->detail);
	}
	free(size);
	free(loose);
}

void print_tables(FILE *out, const struct snapshot *snap, const struct format *format)
{
	print_summary(out, snap, format->bytes);
	if (format->sections & SHOW_EXPORTERS)
		print_exporters(out, snap, format->bytes);
	if (format->sections & SHOW_PROCESSES)
		print_processes(out, snap, format->bytes);
	if (format->sections & SHOW_BUFFERS)
		print_buffers(out, snap, format->bytes);
}
