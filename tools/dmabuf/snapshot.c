// SPDX-License-Identifier: GPL-2.0-only
/* The picture of one moment: buffers, who holds them, sums. */

#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

static int by_inode(const void *a, const void *b)
{
	const struct buffer *one = a, *two = b;

	return (one->inode > two->inode) - (one->inode < two->inode);
}

struct buffer *snapshot_find(const struct snapshot *snap, __u64 inode)
{
	struct buffer key = { .inode = inode };
	struct buffer **found = tfind(&key, &snap->index, by_inode);

	return found ? *found : NULL;
}

/* The buffer with that number, known already or new. */
struct buffer *snapshot_buffer(struct snapshot *snap, __u64 inode)
{
	struct buffer *buffer = snapshot_find(snap, inode);

	if (buffer)
		return buffer;

	buffer = calloc(1, sizeof(*buffer));
	if (buffer)
		buffer->inode = inode;
	if (!buffer || !tsearch(buffer, &snap->index, by_inode))
		die("out of memory");
	snap->buffers = grow(snap->buffers, snap->nr_buffers, sizeof(*snap->buffers));
	snap->buffers[snap->nr_buffers++] = buffer;
	return buffer;
}

/* What one source has said, the next one does not change. */
void set_once(char **text, const char *value)
{
	if (!*text)
		*text = copy_text(value);
}

void buffer_set_size(struct buffer *buffer, __u64 size)
{
	if (!buffer->sized)
		buffer->size = size;
	buffer->sized = true;
}

/*
 * The entry of a process among the holders of a buffer. Processes come one
 * after the other, so that it can only be the last one.
 */
struct holder *snapshot_holder(struct snapshot *snap, struct buffer *buffer, pid_t pid,
			       const char *command)
{
	struct process *process = snap->nr_processes ? &snap->processes[snap->nr_processes - 1]
						     : NULL;
	struct holder *holder;

	if (!process || process->pid != pid) {
		snap->processes = grow(snap->processes, snap->nr_processes, sizeof(*process));
		process = &snap->processes[snap->nr_processes++];
		*process = (struct process){ .pid = pid, .command = copy_text(command) };
	}

	holder = buffer->nr_holders ? &buffer->holders[buffer->nr_holders - 1] : NULL;
	if (!holder || holder->process != snap->nr_processes - 1) {
		buffer->holders = grow(buffer->holders, buffer->nr_holders, sizeof(*holder));
		holder = &buffer->holders[buffer->nr_holders++];
		*holder = (struct holder){ .process = snap->nr_processes - 1 };
	}
	return holder;
}

/* Whether a buffer is known to be held by no process. */
bool buffer_is_loose(const struct snapshot *snap, const struct buffer *buffer)
{
	return snap->all_processes && !buffer->nr_holders;
}

static void buffer_free(struct buffer *buffer)
{
	size_t i;

	for (i = 0; i < buffer->nr_holders; i++)
		free(buffer->holders[i].fds);
	for (i = 0; i < buffer->nr_devices; i++)
		free(buffer->devices[i]);
	free(buffer->holders);
	free(buffer->devices);
	free(buffer->exporter);
	free(buffer->name);
	free(buffer);
}

void snapshot_drop(struct snapshot *snap, bool (*unwanted)(const struct buffer *buffer, void *data),
		   void *data)
{
	size_t i, kept = 0;

	for (i = 0; i < snap->nr_buffers; i++) {
		struct buffer *buffer = snap->buffers[i];

		if (unwanted(buffer, data)) {
			tdelete(buffer, &snap->index, by_inode);
			buffer_free(buffer);
		} else {
			snap->buffers[kept++] = buffer;
		}
	}
	snap->nr_buffers = kept;
}

static bool any(const struct buffer *buffer, void *data)
{
	(void)buffer;
	(void)data;
	return true;
}

void snapshot_free(struct snapshot *snap)
{
	size_t i;

	snapshot_drop(snap, any, NULL);
	for (i = 0; i < snap->nr_processes; i++)
		free(snap->processes[i].command);
	for (i = 0; i < SOURCES; i++)
		free(snap->sources[i].detail);
	free(snap->buffers);
	free(snap->processes);
	free(snap->exporters);
	*snap = (struct snapshot){};
}

void snapshot_report(struct snapshot *snap, enum source source, int state, const char *format, ...)
{
	struct source_report *report = &snap->sources[source];
	va_list args;

	free(report->detail);
	va_start(args, format);
	if (vasprintf(&report->detail, format, args) < 0)
		die("out of memory");
	va_end(args);
	report->state = state;
}

/*
 * Every process gets its part of a buffer that several hold, and the first ones
 * a byte more until all are given away: the parts add up to the whole.
 */
static void share_out(struct snapshot *snap, const struct buffer *buffer)
{
	size_t i;

	for (i = 0; i < buffer->nr_holders; i++) {
		struct process *process = &snap->processes[buffer->holders[i].process];

		process->buffers++;
		process->size += buffer->size;
		process->share += buffer->size / buffer->nr_holders +
				  (i < buffer->size % buffer->nr_holders);
	}
}

static int by_exporter(const void *a, const void *b)
{
	const struct exporter *one = a, *two = b;

	if (!one->name || !two->name)
		return !one->name - !two->name;
	return strcmp(one->name, two->name);
}

/* One row per buffer, then those of the same name put together. */
static void sum_exporters(struct snapshot *snap)
{
	struct exporter *rows = calloc(snap->nr_buffers + 1, sizeof(*rows));
	size_t i, last = 0;

	if (!rows)
		die("out of memory");
	for (i = 0; i < snap->nr_buffers; i++)
		rows[i] = (struct exporter){ snap->buffers[i]->exporter, 1,
					     snap->buffers[i]->size };
	qsort(rows, snap->nr_buffers, sizeof(*rows), by_exporter);
	for (i = 1; i < snap->nr_buffers; i++) {
		if (by_exporter(&rows[last], &rows[i])) {
			rows[++last] = rows[i];
		} else {
			rows[last].buffers++;
			rows[last].size += rows[i].size;
		}
	}
	snap->exporters = rows;
	snap->nr_exporters = snap->nr_buffers ? last + 1 : 0;
}

static int by_size(const void *a, const void *b)
{
	const struct buffer *one = *(struct buffer *const *)a, *two = *(struct buffer *const *)b;

	if (one->size != two->size)
		return one->size < two->size ? 1 : -1;
	return by_inode(one, two);
}

static int exporters_by_size(const void *a, const void *b)
{
	const struct exporter *one = a, *two = b;

	if (one->size != two->size)
		return one->size < two->size ? 1 : -1;
	return by_exporter(one, two);
}

/* Everything is known: add up, and put the large ones first. */
void snapshot_sum(struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nr_buffers; i++) {
		struct buffer *buffer = snap->buffers[i];

		snap->size += buffer->size;
		snap->nr_unsized += !buffer->sized;
		if (buffer_is_loose(snap, buffer)) {
			snap->nr_loose++;
			snap->loose_size += buffer->size;
		}
		share_out(snap, buffer);
	}
	sum_exporters(snap);
	qsort(snap->exporters, snap->nr_exporters, sizeof(*snap->exporters), exporters_by_size);
	qsort(snap->buffers, snap->nr_buffers, sizeof(*snap->buffers), by_size);
}
