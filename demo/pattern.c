// SPDX-License-Identifier: GPL-2.0-only
/*
 * A picture that tells which frame it belongs to: to the eye by the number in it, to the comparison
 * by each single pixel. The background is a fixed relief coloured from a wheel of distinct colours
 * that turns with the frame number, so that no pixel has the same colour in two frames less than
 * WHEEL apart. The number and its plate carry the low twelve bits of the frame number in the low
 * bits of their colours.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

/*
 * The wheel leads from hue to hue and back to the first. In each step the channel with the longest
 * way to go changes by one, and the paths do not cross: no colour appears twice.
 */
#define WHEEL		666
#define WHEEL_STEP	7	/* shares no divisor with WHEEL: every colour has its turn */

#define WAVE		1024
#define DIGITS		4
#define GLYPH_WIDTH	5
#define GLYPH_HEIGHT	7
#define SCALE		14
#define CELL		((GLYPH_WIDTH + 1) * SCALE)
#define MARGIN		(2 * SCALE)
#define PLATE_WIDTH	(DIGITS * CELL - SCALE + 2 * MARGIN)
#define PLATE_HEIGHT	(GLYPH_HEIGHT * SCALE + 2 * MARGIN)
#define PLATE_LEFT	((DEMO_WIDTH - PLATE_WIDTH) / 2)
#define PLATE_TOP	((DEMO_HEIGHT - PLATE_HEIGHT) / 2)

#define COLOUR_BITS	0x00ffffff	/* X of XRGB means nothing */

/* Within this many frames before and after, a colour at a place belongs to one frame alone. */
#define NEIGHBOURS	(WHEEL / 2 - 1)

static const __u8 glyphs[10][GLYPH_HEIGHT] = {
	{ 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e },
	{ 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e },
	{ 0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f },
	{ 0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e },
	{ 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 },
	{ 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e },
	{ 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e },
	{ 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 },
	{ 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e },
	{ 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c },
};

static __u32 wheel[2 * WHEEL];	/* twice, so that relief + turn needs no modulo */
static __u16 relief[DEMO_HEIGHT][DEMO_WIDTH];

static const __u8 hues[][3] = {
	{ 16, 32, 96 }, { 16, 140, 150 }, { 250, 190, 80 }, { 230, 80, 90 }, { 110, 30, 110 },
};

#define HUES (sizeof(hues) / sizeof(*hues))

/* The colour @step steps of @way on the way from hue @from to hue @to. */
static __u32 mix(const __u8 *from, const __u8 *to, int step, int way)
{
	__u32 colour = 0;

	for (int channel = 0; channel < 3; channel++)
		colour = colour << 8 |
			 (from[channel] + (to[channel] - from[channel]) * step / way);
	return colour;
}

static int longest_way(const __u8 *from, const __u8 *to)
{
	int longest = 0;

	for (int channel = 0; channel < 3; channel++) {
		int way = abs(to[channel] - from[channel]);

		if (way > longest)
			longest = way;
	}
	return longest;
}

static void build_wheel(void)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < HUES; i++) {
		const __u8 *from = hues[i], *to = hues[(i + 1) % HUES];
		int way = longest_way(from, to);

		for (int step = 0; step < way; step++, at++) {
			wheel[at] = mix(from, to, step, way);
			wheel[at + WHEEL] = wheel[at];
		}
	}
}

/* Few calls of sin(): an emulated machine is slow at floating point. */
void pattern_init(void)
{
	static int wave[WAVE];
	const int height = WHEEL / 10;

	for (int i = 0; i < WAVE; i++)
		wave[i] = (int)lround(height * sin(2 * M_PI * i / WAVE));
	build_wheel();

	for (int y = 0; y < DEMO_HEIGHT; y++) {
		for (int x = 0; x < DEMO_WIDTH; x++) {
			int dx = x - DEMO_WIDTH / 2, dy = y - DEMO_HEIGHT / 2;
			int sum = wave[(dx * dx + dy * dy) / 60 % WAVE] +
				  wave[x * 4 % WAVE] + wave[y * 5 % WAVE] +
				  wave[(x + y) * 3 % WAVE];

			relief[y][x] = WHEEL / 2 + sum;
		}
	}
}

/* Spreads twelve bits over the low four of each channel: invisible to the eye. */
static __u32 tagged(__u32 colour, unsigned int number)
{
	return colour | (number >> 8 & 15) << 16 | (number >> 4 & 15) << 8 | (number & 15);
}

static bool glyph_dot(unsigned int number, unsigned int x, unsigned int y)
{
	static const unsigned int tens[DIGITS] = { 1000, 100, 10, 1 };
	unsigned int cell = x / CELL, column = x % CELL / SCALE;

	if (column >= GLYPH_WIDTH)
		return false;
	return glyphs[number / tens[cell] % 10][y / SCALE] >> (GLYPH_WIDTH - 1 - column) & 1;
}

/* One line of the plate with the number, @y lines below its upper edge. */
static void plate_line(__u32 *line, unsigned int number, unsigned int y)
{
	__u32 paper = tagged(0x101010, number), ink = tagged(0xf0f0f0, number);

	for (unsigned int x = 0; x < PLATE_WIDTH; x++)
		line[x] = paper;
	if (y < MARGIN || y >= PLATE_HEIGHT - MARGIN)
		return;
	for (unsigned int x = 0; x < PLATE_WIDTH - 2 * MARGIN; x++)
		if (glyph_dot(number, x, y - MARGIN))
			line[MARGIN + x] = ink;
}

static void pattern_line(__u32 *line, unsigned int number, unsigned int y)
{
	const __u32 *turned = wheel + number * WHEEL_STEP % WHEEL;

	for (unsigned int x = 0; x < DEMO_WIDTH; x++)
		line[x] = turned[relief[y][x]];
	if (y >= PLATE_TOP && y < PLATE_TOP + PLATE_HEIGHT)
		plate_line(line + PLATE_LEFT, number, y - PLATE_TOP);
}

static const __u32 *line_at(const __u32 *pixels, size_t pitch, unsigned int y)
{
	return (const __u32 *)((const char *)pixels + pitch * y);
}

void pattern_draw(__u32 *pixels, size_t pitch, unsigned int number,
		  unsigned int from, unsigned int to)
{
	__u32 line[DEMO_WIDTH];

	for (unsigned int y = from; y < to; y++) {
		pattern_line(line, number, y);
		memcpy((void *)line_at(pixels, pitch, y), line, sizeof(line));
	}
}

static unsigned int count_wrong(const __u32 *got, const __u32 *expected, unsigned int *first)
{
	unsigned int wrong = 0;

	for (unsigned int x = 0; x < DEMO_WIDTH; x++) {
		if (!((got[x] ^ expected[x]) & COLOUR_BITS))
			continue;
		if (!wrong++)
			*first = x;
	}
	return wrong;
}

static bool is_pixel_of(__u32 pixel, int number, unsigned int x, unsigned int y)
{
	__u32 line[DEMO_WIDTH];

	if (number < 1 || number > DEMO_FRAMES_MAX)
		return false;
	pattern_line(line, number, y);
	return !((pixel ^ line[x]) & COLOUR_BITS);
}

/* The frame nearest to @number that the pixel belongs to; negative: none. */
static int pixel_owner(__u32 pixel, int number, unsigned int x, unsigned int y)
{
	for (int distance = 1; distance <= NEIGHBOURS; distance++) {
		if (is_pixel_of(pixel, number - distance, x, y))
			return number - distance;
		if (is_pixel_of(pixel, number + distance, x, y))
			return number + distance;
	}
	return -1;
}

static bool is_whole_picture(const __u32 *pixels, size_t pitch, unsigned int number)
{
	__u32 line[DEMO_WIDTH];
	unsigned int x;

	for (unsigned int y = 0; y < DEMO_HEIGHT; y++) {
		pattern_line(line, number, y);
		if (count_wrong(line_at(pixels, pitch, y), line, &x))
			return false;
	}
	return true;
}

struct verdict pattern_compare(const __u32 *pixels, size_t pitch, unsigned int number)
{
	struct verdict verdict = { .picture = PICTURE_RIGHT, .other = -1 };
	__u32 line[DEMO_WIDTH];

	for (unsigned int y = 0; y < DEMO_HEIGHT; y++) {
		unsigned int x = 0, wrong;

		pattern_line(line, number, y);
		wrong = count_wrong(line_at(pixels, pitch, y), line, &x);
		if (wrong && !verdict.wrong) {
			verdict.x = x;
			verdict.y = y;
		}
		verdict.wrong += wrong;
	}
	if (!verdict.wrong)
		return verdict;

	verdict.other = pixel_owner(line_at(pixels, pitch, verdict.y)[verdict.x],
				    number, verdict.x, verdict.y);
	if (verdict.other >= 0 && is_whole_picture(pixels, pitch, verdict.other))
		verdict.picture = PICTURE_OTHER;
	else
		verdict.picture = PICTURE_TORN;
	return verdict;
}
