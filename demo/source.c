// SPDX-License-Identifier: GPL-2.0-only
/* The table of buffer sources. */

#include <stddef.h>
#include <string.h>

#include "device.h"
#include "memory.h"
#include "source.h"

static int vgem_open(void)
{
	return device_open("vgem");
}

static const struct buffer_source sources[] = {
	{ .name = "vgem", .open = vgem_open, .create = vgem_create },
	{ .name = "heap", .open = heap_open, .create = heap_create },
	{ .name = "udmabuf", .open = udmabuf_open, .create = udmabuf_create },
};

const struct buffer_source *source_find(const char *name)
{
	for (unsigned int i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (!strcmp(name, sources[i].name))
			return &sources[i];
	return NULL;
}
