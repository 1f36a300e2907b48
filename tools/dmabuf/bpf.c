// SPDX-License-Identifier: GPL-2.0-only
/* The list of all buffers from the BPF iterator "dmabuf", which takes no lock of any buffer. */

#include "dmabuf.h"

#ifdef HAVE_LIBBPF

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "record.h"

/* dmabuf.bpf.o, inside of the command. */
extern const char _binary_dmabuf_bpf_o_start[], _binary_dmabuf_bpf_o_end[];

/* The program, loaded once. */
static struct bpf_object *object;
static struct bpf_link *list;

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Returns NULL, or what could not be done, with errno. */
static const char *load(void)
{
	if (list)
		return NULL;

	libbpf_set_print(quiet);
	object = bpf_object__open_mem(_binary_dmabuf_bpf_o_start,
				      _binary_dmabuf_bpf_o_end - _binary_dmabuf_bpf_o_start,
				      NULL);
	if (!object)
		return "opening the program";
	if (bpf_object__load(object))
		return "loading the program";
	list = bpf_program__attach_iter(bpf_object__next_program(object, NULL), NULL);
	return list ? NULL : "attaching the program";
}

static void add_record(struct snapshot *snap, const struct record *record)
{
	struct buffer *buffer = snapshot_buffer(snap, record->inode);

	buffer_set_size(buffer, record->size);
	set_once(&buffer->exporter, record->exporter);
	if (record->name[0])
		set_once(&buffer->name, record->name);
}

/* Returns how many records there were, or -1 with errno. A read() may end inside of a record. */
static ssize_t read_records(struct snapshot *snap, int fd)
{
	struct record records[64];
	size_t used = 0, i, count = 0;
	ssize_t got;

	while ((got = read(fd, (char *)records + used, sizeof(records) - used)) > 0) {
		used += got;
		for (i = 0; i < used / sizeof(*records); i++)
			add_record(snap, &records[i]);
		count += i;
		used -= i * sizeof(*records);
		memmove(records, records + i, used);
	}
	return got < 0 ? got : (ssize_t)count;
}

bool read_bpf(struct snapshot *snap)
{
	const char *problem = load();
	ssize_t count = -1;
	int fd, error;

	if (problem) {
		snapshot_report(snap, SOURCE_BPF, FAILED, "%s: %s", problem, strerror(errno));
		bpf_object__close(object);
		object = NULL;
		return false;
	}
	fd = bpf_iter_create(bpf_link__fd(list));
	if (fd >= 0) {
		count = read_records(snap, fd);
		error = errno;
		close(fd);
		errno = error;
	}
	if (count < 0)
		snapshot_report(snap, SOURCE_BPF, FAILED, "running the program: %s",
				strerror(errno));
	else
		snapshot_report(snap, SOURCE_BPF, USED, "%zd buffers", count);
	return count >= 0;
}

#else

bool read_bpf(struct snapshot *snap)
{
	snapshot_report(snap, SOURCE_BPF, FAILED, "the command was built without libbpf");
	return false;
}

#endif
