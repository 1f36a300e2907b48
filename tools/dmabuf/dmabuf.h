/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the command know of each other: the picture that they paint together. */
#ifndef DMABUF_H
#define DMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/types.h>

/* Exit status. */
#define EXIT_UNREADABLE	1
#define EXIT_USAGE	2

/* A process that has a buffer, once for each buffer. */
struct holder {
	/* index in snapshot.processes */
	size_t process;
	int *fds;
	size_t nr_fds;
	size_t nr_mappings;
	/* bytes of address space */
	__u64 mapped;
};

struct buffer {
	__u64 inode;
	/* valid if sized */
	__u64 size;
	bool sized;
	/* NULL when nobody said */
	char *exporter;
	/* as userspace gave it, any bytes; NULL for none */
	char *name;
	/* the following four are valid if described */
	bool described;
	char **devices;
	size_t nr_devices;
	size_t fences, pending;
	/* in the order of snapshot.processes */
	struct holder *holders;
	size_t nr_holders;
};

struct process {
	pid_t pid;
	char *command;
	/* sums over its buffers; see snapshot_sum() */
	size_t buffers;
	__u64 size;
	__u64 share;
};

struct exporter {
	/* not owned; NULL for those of buffers whose exporter nobody said */
	const char *name;
	size_t buffers;
	__u64 size;
};

/* Where the knowledge comes from. */
enum source { SOURCE_BPF, SOURCE_DEBUGFS, SOURCE_SYSFS, SOURCE_PROC, SOURCES };

struct source_report {
	enum { UNASKED, USED, FAILED } state;
	/* for people, about what was read or why not; NULL if not asked */
	char *detail;
};

struct snapshot {
	/* pointers, for buffers do not move */
	struct buffer **buffers;
	size_t nr_buffers;
	/* of struct buffer, by inode; see tsearch() */
	void *index;
	struct process *processes;
	size_t nr_processes;
	struct exporter *exporters;
	size_t nr_exporters;

	struct source_report sources[SOURCES];
	/* which source says what buffers there are; SOURCE_PROC for none that knows all */
	enum source lister;
	/* no process may have been missed, so what no process has, the kernel has */
	bool all_processes;

	/* sums; "loose" is what is known to be held by no process */
	__u64 size, loose_size;
	size_t nr_loose;
	/* buffers whose size nobody said */
	size_t nr_unsized;
};

/* snapshot.c */
struct buffer *snapshot_buffer(struct snapshot *snap, __u64 inode);
struct buffer *snapshot_find(const struct snapshot *snap, __u64 inode);
void snapshot_drop(struct snapshot *snap, bool (*unwanted)(const struct buffer *buffer, void *data),
		   void *data);
struct holder *snapshot_holder(struct snapshot *snap, struct buffer *buffer, pid_t pid,
			       const char *command);
void snapshot_sum(struct snapshot *snap);
void snapshot_free(struct snapshot *snap);
bool buffer_is_loose(const struct snapshot *snap, const struct buffer *buffer);
void buffer_set_size(struct buffer *buffer, __u64 size);
void set_once(char **text, const char *value);
void __printf(4, 5)
snapshot_report(struct snapshot *snap, enum source source, int state, const char *format, ...);

/* collect.c */
extern const char *const source_names[SOURCES];
void collect(struct snapshot *snap, unsigned int allowed);

/* The sources: each returns whether it could be read, and reports. */
bool read_bpf(struct snapshot *snap);
bool read_bufinfo(struct snapshot *snap);
bool read_sysfs(struct snapshot *snap);
bool read_proc(struct snapshot *snap);

/* How a source is read from elsewhere, for tests. */
const char *root_path(const char *path);

/* tables.c, json.c, watch.c */
#define SHOW_EXPORTERS	1u
#define SHOW_PROCESSES	2u
#define SHOW_BUFFERS	4u

struct format {
	unsigned int sections;
	bool bytes;
};

void print_tables(FILE *out, const struct snapshot *snap, const struct format *format);
void print_json(FILE *out, const struct snapshot *snap);
void __noreturn watch(unsigned int allowed, const struct format *format, double seconds);

/* text.c */
void *grow(void *array, size_t count, size_t size);
char *copy_text(const char *text);
char *copy_text_n(const char *text, size_t length);
char *__printf(1, 2) format_text(const char *format, ...);
void unescape_octal(char *text);
char *printable(const char *text);
char *size_text(__u64 size, bool bytes);
void __printf(1, 2) __noreturn die(const char *format, ...);

#endif
