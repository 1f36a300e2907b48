/* SPDX-License-Identifier: GPL-2.0-only */
/* The picture of a frame, and the comparison of a captured picture with it. */

#ifndef DEMO_PATTERN_H
#define DEMO_PATTERN_H

#include <stddef.h>

#include "demo.h"

enum picture {
	PICTURE_MISSING,	/* nothing was captured */
	PICTURE_RIGHT,
	PICTURE_TORN,		/* pixels of more than one frame, or of none */
	PICTURE_OTHER,		/* all of it is another frame */
};

struct verdict {
	enum picture picture;
	unsigned int wrong;	/* pixels */
	unsigned int x, y;	/* the first wrong pixel */
	int other;		/* the frame it belongs to, -1: to none in question */
};

void pattern_init(void);

/* Lines @from to @to - 1 of the picture of frame @number. */
void pattern_draw(__u32 *pixels, size_t pitch, unsigned int number,
		  unsigned int from, unsigned int to);

struct verdict pattern_compare(const __u32 *pixels, size_t pitch, unsigned int number);

#endif /* DEMO_PATTERN_H */
