// SPDX-License-Identifier: GPL-2.0-only
/* Leaks and kernel warnings, read off /proc, debugfs and the kernel log. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define KMSG		"/dev/kmsg"
#define TAINTED		"/proc/sys/kernel/tainted"
#define LOCKDEP		"/proc/lockdep_stats"

#define RELEASE_MS	5000
#define RETRY_MS	20

#define LEVEL_ERROR	3
#define LATE_VBLANK	"vblank timer overrun"

/* Bits 5, 7, 9 and 14 of "tainted": bad page, died, warned, soft lockup. */
#define TAINT_BAD	0x42a0

/* How the reports of the kernel's own checks begin, whatever their level. */
static const char *const alarms[] = {
	"WARNING:", "BUG:", "kernel BUG at", "Oops", "Kernel panic", "general protection fault",
	"Unable to handle kernel", "KASAN:", "UBSAN:", "KCSAN:", "KFENCE:", "ODEBUG:",
	"refcount_t:", "list_add corruption", "list_del corruption", "DEBUG_LOCKS_WARN_ON",
	"possible circular locking", "possible recursive locking", "possible deadlock",
	"inconsistent lock state", "lock inversion", "bad unlock balance", "held lock freed",
	"lockdep is turned off", "suspicious RCU usage", "Invalid wait context",
	"blocked for more than", "self-detected stall", "detected stalls", "timed out",
};

/* Remarks about the processor that use the same words. */
static const char *const remarks[] = { "Spectre", "RETBleed" };

int checks_count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (!directory)
		die_errno("/proc/self/fd (is /proc mounted?)");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

unsigned int checks_count_buffers(void)
{
	FILE *file = fopen(BUFINFO, "re");
	unsigned int count = 0;
	bool found = false;
	char line[512];

	if (!file)
		die_errno("%s (is debugfs mounted?)", BUFINFO);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Total %u objects", &count) == 1)
			found = true;
	fclose(file);
	if (!found)
		die("%s has no line \"Total N objects\"", BUFINFO);
	return count;
}

unsigned int checks_count_leaked_buffers(void)
{
	unsigned int count = checks_count_buffers();

	for (int waited = 0; count && waited < RELEASE_MS; waited += RETRY_MS) {
		poll(NULL, 0, RETRY_MS);
		count = checks_count_buffers();
	}
	return count;
}

struct record {
	unsigned int level;
	__u64 sequence;
	char *text;
	char data[8192];
};

static int open_log(void)
{
	int log = open(KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log < 0)
		die_errno(KMSG);
	return log;
}

static bool next_record(int log, struct record *record)
{
	unsigned int priority;
	ssize_t size;

	do {	/* EPIPE: the kernel has overwritten what would have been next */
		size = read(log, record->data, sizeof(record->data) - 1);
	} while (size < 0 && (errno == EPIPE || errno == EINTR));
	if (size < 0 && errno == EAGAIN)
		return false;
	if (size < 0)
		die_errno(KMSG);

	record->data[size] = 0;
	record->text = strchr(record->data, ';');
	if (!record->text ||
	    sscanf(record->data, "%u,%llu", &priority, &record->sequence) != 2)
		die("%s: a record that is none: %s", KMSG, record->data);
	record->text++;
	record->text[strcspn(record->text, "\n")] = 0;
	record->level = priority & 7;
	return true;
}

__u64 checks_last_log_record(void)
{
	struct record record = {};
	int log = open_log();

	while (next_record(log, &record))
		;
	close(log);
	return record.sequence;
}

static bool contains_any(const char *text, const char *const *words, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static bool is_warning(const struct record *record, __u64 start)
{
	if (record->sequence > start && record->level <= LEVEL_ERROR)
		return true;
	return contains_any(record->text, alarms, sizeof(alarms) / sizeof(*alarms)) &&
	       !contains_any(record->text, remarks, sizeof(remarks) / sizeof(*remarks));
}

/* False when the kernel does not have @path; else the first number in a line that has @key. */
static bool read_number(const char *path, const char *key, unsigned long *number)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[256], *at;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		at = strstr(line, key);
		if (!at)
			continue;
		*number = strtoul(at + strlen(key), NULL, 10);
		found = true;
	}
	fclose(file);
	return found;
}

struct log_findings checks_read_log(__u64 start)
{
	struct log_findings found = {};
	struct record record;
	unsigned long taint;
	int log = open_log();

	while (next_record(log, &record)) {
		if (record.sequence > start && strstr(record.text, LATE_VBLANK))
			found.late_vblanks++;
		if (!is_warning(&record, start))
			continue;
		printf("kernel log: %s\n", record.text);
		found.warnings++;
	}
	close(log);

	/* These outlast a log that has wrapped around. */
	if (read_number(TAINTED, "", &taint) && taint & TAINT_BAD && !found.warnings) {
		printf("kernel: tainted by a warning (%#lx)\n", taint);
		found.warnings++;
	}
	if (checks_lockdep() == LOCKDEP_OFF && !found.warnings) {
		printf("kernel: lockdep switched itself off\n");
		found.warnings++;
	}
	return found;
}

void checks_write_log(const char *text)
{
	int log = open(KMSG, O_WRONLY | O_CLOEXEC);

	if (log < 0 || write(log, text, strlen(text)) < 0)
		die_errno(KMSG);
	close(log);
}

enum lockdep checks_lockdep(void)
{
	unsigned long on;

	if (!read_number(LOCKDEP, "debug_locks:", &on))
		return LOCKDEP_ABSENT;
	return on ? LOCKDEP_ON : LOCKDEP_OFF;
}
