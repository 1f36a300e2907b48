/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What udmabuf.c shows to its tests and to nobody else.
 */
#ifndef _UDMABUF_H
#define _UDMABUF_H

#include <linux/types.h>

struct folio;

#if IS_ENABLED(CONFIG_KUNIT)
bool udmabuf_batch_fits(struct folio **folios, long nr, u64 pages);
#endif

#endif
