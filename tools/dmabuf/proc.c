// SPDX-License-Identifier: GPL-2.0-only
/* Who holds what: the descriptors and the mappings of all processes that may be looked at. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dmabuf.h"

/* How the path of every buffer begins. A file in the root directory may be called so, too. */
#define PATH_PREFIX	"/dmabuf:"

/* The inode of the first of all PID namespaces, PROC_PID_INIT_INO of the kernel. */
#define FIRST_PID_NAMESPACE	0xEFFFFFFCu

/* A walk through /proc. */
struct walk {
	struct snapshot *snap;
	/* the process that it has come to */
	int dir;
	pid_t pid;
	char command[64];
	/* of the file system that buffers are in, 0 if not known */
	dev_t device;
	size_t readable, denied;
};

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* A short file as text; false, with errno, if it cannot be read. */
static bool read_file(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = -1;
	int error;

	if (fd < 0)
		return false;
	while (used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0)
		used += got;
	error = errno;
	close(fd);
	errno = error;
	text[used] = '\0';
	return got >= 0;
}

/*
 * The value of a line "key:\tvalue" of fdinfo, or NULL. The name of the buffer
 * comes last, and not every kernel keeps it from posing as more lines.
 */
static const char *fdinfo_value(const char *text, const char *key)
{
	const char *name = strstr(text, "\nname:\t");
	const char *found = text;
	size_t length = strlen(key);

	while (found && (!name || found <= name + 1)) {
		if (!strncmp(found, key, length) && found[length] == ':')
			return found + length + 1 + strspn(found + length + 1, " \t");
		found = strchr(found, '\n');
		if (found)
			found++;
	}
	return NULL;
}

static char *copy_line(const char *value)
{
	return copy_text_n(value, strcspn(value, "\n"));
}

/* What fdinfo says about a buffer, added to the picture; NULL if it is not of a buffer. */
static struct buffer *describe(struct snapshot *snap, const char *fdinfo)
{
	const char *inode = fdinfo_value(fdinfo, "ino"), *size = fdinfo_value(fdinfo, "size");
	const char *exporter = fdinfo_value(fdinfo, "exp_name"), *name;
	struct buffer *buffer;

	if (!inode || !size || !exporter)
		return NULL;

	buffer = snapshot_buffer(snap, strtoull(inode, NULL, 10));
	buffer_set_size(buffer, strtoull(size, NULL, 10));
	if (!buffer->exporter)
		buffer->exporter = copy_line(exporter);
	name = fdinfo_value(fdinfo, "name");
	if (name && !buffer->name) {
		buffer->name = copy_text(name);
		/* All that is left is the name, less the end of its line. */
		if (*name && name[strlen(name) - 1] == '\n')
			buffer->name[strlen(name) - 1] = '\0';
		unescape_octal(buffer->name);
	}
	return buffer;
}

static void add_fd(struct walk *walk, const char *fdinfo, int fd)
{
	struct buffer *buffer = describe(walk->snap, fdinfo);
	struct holder *holder;

	if (!buffer)
		return;
	holder = snapshot_holder(walk->snap, buffer, walk->pid, walk->command);
	holder->fds = grow(holder->fds, holder->nr_fds, sizeof(*holder->fds));
	holder->fds[holder->nr_fds++] = fd;
}

/*
 * Call @visit with the fdinfo of every descriptor of the process that may be of a
 * buffer, until it returns true. Returns false if the process does not let us.
 */
static bool walk_fds(struct walk *walk, bool (*visit)(struct walk *, const char *, int))
{
	int fd = openat(walk->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool done = false;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return errno != EACCES && errno != EPERM;
	}
	while (!done && (entry = readdir(dir))) {
		char path[64], text[4096];
		ssize_t length = readlinkat(fd, entry->d_name, text, sizeof(text) - 1);

		if (length < 0)
			continue;
		text[length] = '\0';
		if (!starts_with(text, PATH_PREFIX))
			continue;
		snprintf(path, sizeof(path), "fdinfo/%.20s", entry->d_name);
		if (read_file(walk->dir, path, text, sizeof(text)))
			done = visit(walk, text, atoi(entry->d_name));
	}
	closedir(dir);
	return true;
}

static bool visit_fd(struct walk *walk, const char *fdinfo, int fd)
{
	add_fd(walk, fdinfo, fd);
	return false;
}

/* Learn from one descriptor of a buffer which file system buffers are in. */
static bool learn_device(struct walk *walk, const char *fdinfo, int fd)
{
	struct stat state;
	char path[32];

	if (!fdinfo_value(fdinfo, "exp_name"))
		return false;
	snprintf(path, sizeof(path), "fd/%d", fd);
	if (!fstatat(walk->dir, path, &state, 0))
		walk->device = state.st_dev;
	return walk->device;
}

/* One line of maps, if it is of a buffer. */
static void add_mapping(struct walk *walk, const char *line)
{
	unsigned int major, minor;
	__u64 start, end, inode;
	struct holder *holder;
	struct buffer *buffer;
	int path = 0;

	if (sscanf(line, "%llx-%llx %*s %*x %x:%x %llu %n",
		   &start, &end, &major, &minor, &inode, &path) != 5 || !path)
		return;
	if (!starts_with(line + path, PATH_PREFIX))
		return;
	/* File systems without a disk have major number 0. */
	if (walk->device ? makedev(major, minor) != walk->device : major)
		return;

	buffer = snapshot_buffer(walk->snap, inode);
	if (!buffer->name && line[path + strlen(PATH_PREFIX)] != '\n') {
		buffer->name = copy_line(line + path + strlen(PATH_PREFIX));
		unescape_octal(buffer->name);
	}
	holder = snapshot_holder(walk->snap, buffer, walk->pid, walk->command);
	holder->nr_mappings++;
	holder->mapped += end - start;
}

/* Returns false if the process does not let us. */
static bool read_maps(struct walk *walk)
{
	int fd = openat(walk->dir, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return errno != EACCES && errno != EPERM;
	}
	while (getline(&line, &size, file) > 0) {
		if (strstr(line, PATH_PREFIX))
			add_mapping(walk, line);
	}
	free(line);
	fclose(file);
	return true;
}

/* A process that has ended meanwhile is none any more, and not an error. */
static bool visit_process(struct walk *walk)
{
	bool allowed;

	if (!read_file(walk->dir, "comm", walk->command, sizeof(walk->command)))
		return false;
	walk->command[strcspn(walk->command, "\n")] = '\0';

	allowed = walk_fds(walk, visit_fd);
	allowed &= read_maps(walk);
	walk->readable += allowed;
	walk->denied += !allowed;
	return false;
}

static bool find_device(struct walk *walk)
{
	walk_fds(walk, learn_device);
	return walk->device;
}

static int numbers_only(const struct dirent *entry)
{
	return entry->d_name[0] && !entry->d_name[strspn(entry->d_name, "0123456789")];
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

/* Call @visit for each process, until it returns true. Returns false if there is no /proc. */
static bool walk_processes(struct walk *walk, bool (*visit)(struct walk *walk))
{
	struct dirent **entries;
	bool done = false;
	int i, count;

	count = scandir(root_path("/proc"), &entries, numbers_only, by_number);
	for (i = 0; i < count; i++) {
		if (!done) {
			char *path = format_text("%s/%s", root_path("/proc"), entries[i]->d_name);

			walk->pid = atoi(entries[i]->d_name);
			walk->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			free(path);
			if (walk->dir >= 0) {
				done = visit(walk);
				close(walk->dir);
			}
		}
		free(entries[i]);
	}
	if (count < 0)
		return false;
	free(entries);
	return true;
}

/* Whether there are no processes but those in our /proc. */
static bool sees_everybody(void)
{
	struct stat state;

	if (stat(root_path("/proc/1"), &state))
		return false;
	return stat(root_path("/proc/self/ns/pid"), &state) || state.st_ino == FIRST_PID_NAMESPACE;
}

bool read_proc(struct snapshot *snap)
{
	/* Does not change before the next boot. */
	static dev_t device;
	struct walk walk = { .snap = snap, .device = device };

	if (!walk.device)
		walk_processes(&walk, find_device);
	device = walk.device;

	if (!walk_processes(&walk, visit_process)) {
		snapshot_report(snap, SOURCE_PROC, FAILED, "/proc: %s", strerror(errno));
		return false;
	}
	snap->all_processes = !walk.denied && sees_everybody();
	if (walk.denied)
		snapshot_report(snap, SOURCE_PROC, USED, "%zu processes, %zu more may not be read",
				walk.readable, walk.denied);
	else
		snapshot_report(snap, SOURCE_PROC, USED, "%zu processes", walk.readable);
	return walk.readable;
}
