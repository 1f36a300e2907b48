// SPDX-License-Identifier: GPL-2.0-only
/* The picture as JSON (RFC 8259): one object, all sizes in bytes, null for what is not known. */

#include <stdlib.h>

#include "dmabuf.h"

/* How many bytes the UTF-8 character at @text has, 0 if it is not one. */
static size_t utf8_length(const unsigned char *text)
{
	/* The first bytes of 2, 3 and 4 that could also be written shorter, or not at all. */
	size_t length = text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 :
			text[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (text[0] < 0x80)
		return 1;
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

/* A string; bytes that are no text become U+FFFD. */
static void string(FILE *out, const char *text)
{
	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	while (*text) {
		size_t length = utf8_length((const unsigned char *)text);

		if (!length)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			fprintf(out, "\\u%04x", *text);
		else
			fwrite(text, 1, length, out);
		text += length ? length : 1;
	}
	fputc('"', out);
}

static const char *comma(size_t i)
{
	return i ? "," : "";
}

static void holder(FILE *out, const struct snapshot *snap, const struct holder *holder)
{
	const struct process *process = &snap->processes[holder->process];
	size_t i;

	fprintf(out, "{\"pid\":%d,\"command\":", process->pid);
	string(out, process->command);
	fputs(",\"fds\":[", out);
	for (i = 0; i < holder->nr_fds; i++)
		fprintf(out, "%s%d", comma(i), holder->fds[i]);
	fprintf(out, "],\"mappings\":%zu,\"mapped\":%llu}", holder->nr_mappings,
		holder->mapped);
}

static void details(FILE *out, const struct buffer *buffer)
{
	size_t i;

	if (!buffer->described) {
		fputs(",\"devices\":null,\"fences\":null", out);
		return;
	}
	fputs(",\"devices\":[", out);
	for (i = 0; i < buffer->nr_devices; i++) {
		fputs(comma(i), out);
		string(out, buffer->devices[i]);
	}
	fprintf(out, "],\"fences\":{\"total\":%zu,\"pending\":%zu}", buffer->fences,
		buffer->pending);
}

static void one_buffer(FILE *out, const struct snapshot *snap, const struct buffer *buffer)
{
	const char *loose = buffer_is_loose(snap, buffer) ? "true" :
			    buffer->nr_holders ? "false" : "null";
	size_t i;

	fprintf(out, "{\"inode\":%llu,\"size\":", buffer->inode);
	if (buffer->sized)
		fprintf(out, "%llu", buffer->size);
	else
		fputs("null", out);
	fputs(",\"exporter\":", out);
	string(out, buffer->exporter);
	fputs(",\"name\":", out);
	string(out, buffer->name);
	details(out, buffer);
	fprintf(out, ",\"kernel_only\":%s,\"holders\":[", loose);
	for (i = 0; i < buffer->nr_holders; i++) {
		fputs(comma(i), out);
		holder(out, snap, &buffer->holders[i]);
	}
	fputs("]}", out);
}

static void sources(FILE *out, const struct snapshot *snap)
{
	static const char *const states[] = {
		[UNASKED] = "unasked", [USED] = "used", [FAILED] = "failed",
	};
	enum source source;

	for (source = 0; source < SOURCES; source++) {
		const struct source_report *report = &snap->sources[source];

		fprintf(out, "%s\n  \"%s\":{\"state\":\"%s\",\"detail\":", comma(source),
			source_names[source], states[report->state]);
		string(out, report->detail);
		fputc('}', out);
	}
}

void print_json(FILE *out, const struct snapshot *snap)
{
	size_t i;

	fputs("{\"sources\":{", out);
	sources(out, snap);
	fprintf(out, "},\n\"all_buffers\":%s,\"all_processes\":%s,\n\"total\":{\"buffers\":%zu,",
		snap->lister == SOURCE_PROC ? "false" : "true",
		snap->all_processes ? "true" : "false", snap->nr_buffers);
	fprintf(out, "\"size\":%llu,\"unsized\":%zu,\"kernel_only\":{\"buffers\":%zu,",
		snap->size, snap->nr_unsized, snap->nr_loose);
	fprintf(out, "\"size\":%llu}},\n\"exporters\":[", snap->loose_size);
	for (i = 0; i < snap->nr_exporters; i++) {
		fprintf(out, "%s\n  {\"exporter\":", comma(i));
		string(out, snap->exporters[i].name);
		fprintf(out, ",\"buffers\":%zu,\"size\":%llu}", snap->exporters[i].buffers,
			snap->exporters[i].size);
	}
	fputs("],\n\"processes\":[", out);
	for (i = 0; i < snap->nr_processes; i++) {
		const struct process *process = &snap->processes[i];

		fprintf(out, "%s\n  {\"pid\":%d,\"command\":", comma(i), process->pid);
		string(out, process->command);
		fprintf(out, ",\"buffers\":%zu,\"size\":%llu,\"share\":%llu}",
			process->buffers, process->size, process->share);
	}
	fputs("],\n\"buffers\":[", out);
	for (i = 0; i < snap->nr_buffers; i++) {
		fprintf(out, "%s\n  ", comma(i));
		one_buffer(out, snap, snap->buffers[i]);
	}
	fputs("]}\n", out);
}
