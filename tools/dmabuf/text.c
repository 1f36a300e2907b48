// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is always there, and text that is safe to print. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dmabuf.h"

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("dmabuf: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_UNREADABLE);
}

static void *must(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

/* Room for one more behind the @count elements of @array. */
void *grow(void *array, size_t count, size_t size)
{
	/* Twice as much whenever the count is a power of two. */
	if (count & (count - 1))
		return array;
	return must(reallocarray(array, count ? 2 * count : 1, size));
}

char *copy_text(const char *text)
{
	return must(strdup(text));
}

char *copy_text_n(const char *text, size_t length)
{
	return must(strndup(text, length));
}

char *format_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return must(text);
}

static bool is_octal(const char *text)
{
	return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' &&
	       text[2] >= '0' && text[2] <= '7';
}

/* Undo the kernel's \ooo, in place. */
void unescape_octal(char *text)
{
	char *to = text;

	while (*text) {
		if (*text == '\\' && is_octal(text + 1)) {
			*to++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/*
 * The text with everything as \ooo that a terminal may not show as one
 * character of its own; to be freed.
 */
char *printable(const char *text)
{
	char *result = must(malloc(4 * strlen(text) + 1)), *to = result;

	for (; *text; text++) {
		unsigned char byte = *text;

		if (byte < ' ' || byte > '~' || byte == '\\')
			to += sprintf(to, "\\%03o", byte);
		else
			*to++ = byte;
	}
	*to = '\0';
	return result;
}

/* A size for people, in binary units with one decimal, or exactly; to be freed. */
char *size_text(__u64 size, bool bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = size / 1024.0;
	size_t unit = 0;

	if (bytes)
		return format_text("%llu", size);
	if (size < 1024)
		return format_text("%llu B", size);
	/* What would be printed as 1024.0 is 1.0 of the next unit. */
	while (value >= 1023.95 && unit < sizeof(units) / sizeof(*units) - 1) {
		value /= 1024;
		unit++;
	}
	return format_text("%.1f %s", value, units[unit]);
}
