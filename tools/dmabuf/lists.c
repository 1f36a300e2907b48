// SPDX-License-Identifier: GPL-2.0-only
/* Two lists of all buffers: bufinfo in debugfs, and the directories in sysfs. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define SYSFS		"/sys/kernel/dmabuf/buffers"
/* What bufinfo calls a buffer without a name. */
#define NO_NAME		"<none>"

/* How far the reader of bufinfo has come. */
struct bufinfo {
	struct snapshot *snap;
	/* the buffer whose lines these are */
	struct buffer *buffer;
	bool in_devices;
	size_t buffers;
	__u64 size;
};

/* size flags mode count exp_name ino name; all but the last hold no tab. */
static bool buffer_row(struct bufinfo *info, char *line)
{
	enum { SIZE, FLAGS, MODE, COUNT, EXPORTER, INODE, NAME, COLUMNS };
	char *column[COLUMNS], *end;
	struct buffer *buffer;
	size_t i;

	if (*line < '0' || *line > '9')
		return false;
	for (i = 0; i < NAME; i++) {
		column[i] = line;
		line = strchr(line, '\t');
		if (!line)
			return false;
		*line++ = '\0';
	}

	buffer = snapshot_buffer(info->snap, strtoull(column[INODE], &end, 10));
	buffer->described = true;
	buffer_set_size(buffer, strtoull(column[SIZE], NULL, 10));
	set_once(&buffer->exporter, column[EXPORTER]);
	if (strcmp(line, NO_NAME) && !buffer->name) {
		buffer->name = copy_text(line);
		unescape_octal(buffer->name);
	}
	info->buffer = buffer;
	info->in_devices = false;
	info->buffers++;
	info->size += buffer->size;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && !strcmp(text + length - wanted, end);
}

/* A line below a buffer's row: a fence, a device, or the heading of the devices. */
static void detail_row(struct bufinfo *info, const char *line)
{
	struct buffer *buffer = info->buffer;

	if (info->in_devices) {
		buffer->devices = grow(buffer->devices, buffer->nr_devices,
				       sizeof(*buffer->devices));
		buffer->devices[buffer->nr_devices++] = copy_text(line + strspn(line, "\t"));
	} else if (ends_with(line, "Attached Devices:")) {
		info->in_devices = true;
	} else if (strstr(line, " fence:")) {
		buffer->fences++;
		buffer->pending += ends_with(line, " unsignalled");
	}
}

bool read_bufinfo(struct snapshot *snap)
{
	FILE *file = fopen(root_path(BUFINFO), "r");
	struct bufinfo info = { .snap = snap };
	size_t buffers = 0, size = 0;
	__u64 total = 0;
	char *line = NULL;
	ssize_t length;
	bool failed;

	if (!file) {
		snapshot_report(snap, SOURCE_DEBUGFS, FAILED, "%s: %s", BUFINFO, strerror(errno));
		return false;
	}
	errno = 0;
	while ((length = getline(&line, &size, file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (*line == '\t' && info.buffer)
			detail_row(&info, line);
		else if (!buffer_row(&info, line))
			/* The last one counts: a name may look like a total. */
			sscanf(line, "Total %zu objects, %llu bytes", &buffers, &total);
	}
	failed = ferror(file);
	if (failed)
		snapshot_report(snap, SOURCE_DEBUGFS, FAILED, "%s: %s", BUFINFO, strerror(errno));
	else if (buffers != info.buffers || total != info.size)
		snapshot_report(snap, SOURCE_DEBUGFS, USED,
				"%zu buffers, though its total says %zu", info.buffers, buffers);
	else
		snapshot_report(snap, SOURCE_DEBUGFS, USED, "%zu buffers", info.buffers);
	free(line);
	fclose(file);
	return !failed;
}

/* The only line of an attribute of a buffer, or NULL when the buffer has gone. */
static char *attribute(const char *inode, const char *name)
{
	char *path = format_text("%s/%s/%s", root_path(SYSFS), inode, name);
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	free(path);
	if (!file)
		return NULL;
	if (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
	} else {
		free(line);
		line = NULL;
	}
	fclose(file);
	return line;
}

bool read_sysfs(struct snapshot *snap)
{
	DIR *dir = opendir(root_path(SYSFS));
	struct dirent *entry;
	size_t count = 0;

	if (!dir) {
		snapshot_report(snap, SOURCE_SYSFS, FAILED, "%s: %s", SYSFS, strerror(errno));
		return false;
	}
	while ((entry = readdir(dir))) {
		char *size, *exporter;

		if (entry->d_name[0] == '.')
			continue;
		size = attribute(entry->d_name, "size");
		exporter = attribute(entry->d_name, "exporter_name");
		if (size && exporter) {
			__u64 inode = strtoull(entry->d_name, NULL, 10);
			struct buffer *buffer = snapshot_buffer(snap, inode);

			buffer_set_size(buffer, strtoull(size, NULL, 10));
			set_once(&buffer->exporter, exporter);
			count++;
		}
		free(size);
		free(exporter);
	}
	closedir(dir);
	snapshot_report(snap, SOURCE_SYSFS, USED, "%zu buffers", count);
	return true;
}
