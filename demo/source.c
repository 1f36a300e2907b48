// SPDX-License-Identifier: GPL-2.0-only
/* The table of buffer sources. */

#include "device.h"
#include "source.h"

static int vgem_open(void)
{
	return device_open("vgem");
}

const struct buffer_source buffer_sources[] = {
	{ .name = "vgem", .open = vgem_open, .create = vgem_create },
};
