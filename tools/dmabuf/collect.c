// SPDX-License-Identifier: GPL-2.0-only
/* Asks the sources one after the other, as far as they are there and let us. */

#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

const char *const source_names[SOURCES] = {
	[SOURCE_BPF] = "bpf",
	[SOURCE_DEBUGFS] = "debugfs",
	[SOURCE_SYSFS] = "sysfs",
	[SOURCE_PROC] = "proc",
};

/* Each reads something, adds it to the picture, and returns whether it could. */
static bool (*const readers[SOURCES])(struct snapshot *snap) = {
	[SOURCE_BPF] = read_bpf,
	[SOURCE_DEBUGFS] = read_bufinfo,
	[SOURCE_SYSFS] = read_sysfs,
	[SOURCE_PROC] = read_proc,
};

static bool is_gone(const struct buffer *buffer, void *now)
{
	return !buffer->nr_holders && !snapshot_find(now, buffer->inode);
}

static bool any_loose(const struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nr_buffers; i++) {
		if (buffer_is_loose(snap, snap->buffers[i]))
			return true;
	}
	return false;
}

/*
 * What was listed first and then found with no process may just have been
 * closed in between. Only what is still listed now really has no process.
 */
static void drop_gone(struct snapshot *snap)
{
	bool (*list)(struct snapshot *snap) = readers[snap->lister];
	struct snapshot now = {};

	if (any_loose(snap) && list(&now))
		snapshot_drop(snap, is_gone, &now);
	snapshot_free(&now);
}

/*
 * A picture out of the sources in @allowed, a mask. The lists come first, the one
 * that disturbs the least before the others; sysfs knows nothing that the other
 * two do not know. snap->sources tells what came of it.
 */
void collect(struct snapshot *snap, unsigned int allowed)
{
	enum source source;

	snap->lister = SOURCE_PROC;
	for (source = 0; source < SOURCES; source++) {
		if (!(allowed & 1u << source))
			continue;
		if (source == SOURCE_SYSFS && snap->lister != SOURCE_PROC)
			continue;
		if (readers[source](snap) && snap->lister == SOURCE_PROC)
			snap->lister = source;
	}
	if (snap->lister != SOURCE_PROC)
		drop_gone(snap);
	snapshot_sum(snap);
}
