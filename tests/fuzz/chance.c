// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments by chance: each structure is made as it should be, then some of its
 * fields are broken.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "fuzz.h"

#define SIGNAL_MS	3

__u64 chance(struct call *call)
{
	__u64 z = call->seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

__u64 below(struct call *call, __u64 limit)
{
	return limit ? chance(call) % limit : 0;
}

bool one_in(struct call *call, unsigned int n)
{
	return !below(call, n);
}

static void set(char *at, const struct field *field, __u64 value)
{
	memcpy(at + field->offset, &value, field->size);
}

/* Printable or not, short, just right or not terminated at all. */
static void set_text(struct call *call, char *at, const struct field *field)
{
	size_t i, len = below(call, field->size + 1);

	memset(at + field->offset, 0, field->size);
	for (i = 0; i < len; i++)
		at[field->offset + i] = one_in(call, 8) ? chance(call) : 'a' + i % 26;
}

static void fill(struct call *call, char *at, const struct field *fields, unsigned int count,
		 const char *list)
{
	const struct field *field;

	for (field = fields; field->size; field++) {
		switch (field->content) {
		case ZERO:
			set(at, field, 0);
			break;
		case CHOICE:
			set(at, field, field->values[below(call, field->nr)]);
			break;
		case DESCRIPTOR:
			set(at, field, slot_pick(call, field->kind));
			break;
		case PAGES:
			set(at, field, PAGE * below(call, field->values[0] + 1));
			break;
		case NUMBER:
			set(at, field, below(call, field->values[0]));
			break;
		case TEXT:
			set_text(call, at, field);
			break;
		case COUNT:
			set(at, field, count);
			break;
		case POINTER:
			set(at, field, (uintptr_t)list);
			break;
		}
	}
}

/*
 * What has broken something somewhere before. No value is a size that the machine
 * might have but nobody can spare.
 */
static __u64 odd_value(struct call *call)
{
	static const __u64 odd[] = {
		0, 1, 2, 3, 4, 7, 8, 31, 32, 63, 64, 255, 4095, 4097, 65536, INT_MAX, 1ULL << 31,
		UINT_MAX, 1ULL << 32, 1ULL << 45, LLONG_MAX, LLONG_MAX - 4095, 1ULL << 63,
		ULLONG_MAX, ULLONG_MAX - 4095, ULLONG_MAX - 4096,
	};

	return odd[below(call, ARRAY_SIZE(odd))];
}

/* An address where an argument cannot be, not wholly, or not be written. */
static char *break_address(struct call *call, char *at, size_t size)
{
	switch (below(call, 5)) {
	case 0:
		return NULL;
	case 1:
		return at + 1 + below(call, size ?: 1);
	case 2:
		return (char *)odd_value(call);
	case 3:
		return mapping_of(call);
	default:
		return (char *)ops;	/* read-only */
	}
}

static void break_field(struct call *call, char *at, const struct field *fields)
{
	const struct field *field;
	unsigned int nr = 0;
	__u64 value = 0;

	while (fields[nr].size)
		nr++;
	if (!nr)
		return;

	field = &fields[below(call, nr)];
	if (field->content == POINTER) {
		/* Not near a right one, where memory of our own may be. */
		value = (uintptr_t)break_address(call, NULL, 0);
		memcpy(at + field->offset, &value, field->size);
		return;
	}
	switch (below(call, 4)) {
	case 0:
		memcpy(&value, at + field->offset, field->size > 8 ? 8 : field->size);
		value ^= 1ULL << below(call, field->content == PAGES ? 16 : 64);
		break;
	case 1:
		value = field->content == PAGES ? odd_value(call) : chance(call);
		break;
	case 2:
		value = slot_pick(call, 1 + below(call, KINDS - 1));
		break;
	default:
		value = odd_value(call);
	}
	memcpy(at + field->offset, &value, field->size > 8 ? 8 : field->size);
}

/* Another size, direction or number; or the ioctl of somebody else. */
static unsigned long break_cmd(struct call *call, unsigned long cmd)
{
	switch (below(call, 4)) {
	case 0:
		return cmd ^ 1UL << below(call, 32);
	case 1:
		return (cmd & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
			below(call, 64) << _IOC_SIZESHIFT;
	case 2:
		return ops[below(call, nr_ops)].cmd;
	default:
		return (cmd & ~0xffUL) | below(call, 256);
	}
}

static void timer(struct caller *caller, long ms)
{
	struct itimerspec when = {
		.it_value.tv_nsec = ms * 1000000,
		.it_interval.tv_nsec = ms * 1000000,
	};

	/* Again and again, since the first one may come before the wait begins. */
	if (caller->timer >= 0)
		syscall(SYS_timer_settime, caller->timer, 0, &when, NULL);
}

/* Build the list in front of the argument, or behind it; returns how many elements. */
static unsigned int make_list(struct call *call, char *at, const struct list *list)
{
	unsigned int count = 1 + below(call, one_in(call, 4) ? list->most : 3), i;

	if (count > list->most)
		count = list->most;
	for (i = 0; i < count && list->size; i++)
		fill(call, at + i * list->size, list->fields, 0, NULL);
	return count;
}

long call_ioctl(struct call *call)
{
	const struct op *op = call->op;
	const struct list *list = op->list;
	int fd = slot_pick(call, op->on);
	unsigned long cmd = op->cmd;
	char *at, *end = call->caller->args + ARG_ROOM, *elements = NULL;
	size_t element = list ? list->size ?: list->room : 0;
	unsigned int count = 0, i;
	long ret;

	/* Nothing is behind the end, so that who reads too far is found out. */
	at = end - ((op->size + (list && list->behind ? list->most * element : 0)));
	if (list) {
		elements = list->behind ? at + op->size : at - list->most * element;
		count = make_list(call, elements, list);
		if (list->behind) {
			memmove(end - count * element, elements, count * element);
			elements = end - count * element;
			at = elements - op->size;
		}
	}
	fill(call, at, op->fields, count, elements);

	for (i = 0; i < call->broken; i++) {
		switch (below(call, 8)) {
		case 0:
			cmd = break_cmd(call, cmd);
			break;
		case 1:
			at = break_address(call, at, op->size);
			i = call->broken;
			break;
		case 2:
			fd = one_in(call, 4) ? -1 :
				slot_pick(call, 1 + below(call, KINDS - 1));
			break;
		default:
			if (list && list->size && one_in(call, 3))
				break_field(call, elements + below(call, count) * list->size,
					    list->fields);
			else
				break_field(call, at, op->fields);
		}
	}

	ret = ioctl(fd, cmd, at);
	if (ret < 0)
		return -errno;
	if (!op->makes || cmd != op->cmd || op->result == RETURNED)
		return ret;
	memcpy(&i, at + op->result, sizeof(i));
	return i;
}

long make_call(struct caller *caller, const struct op *op, __u64 seed, bool may_break)
{
	struct call call = { .op = op, .seed = seed, .caller = caller };
	long ret;

	if (may_break && one_in(&call, 3))
		call.broken = 1 + below(&call, 2);
	/* Broken it may become one that waits. */
	caller->timed = op->blocks || (call.broken && !op->run);
	if (caller->timed)
		timer(caller, SIGNAL_MS);
	ret = op->run ? op->run(&call) : call_ioctl(&call);
	if (caller->timed)
		timer(caller, 0);
	if (ret >= 0 && op->makes)
		slot_put(&call, op->makes, ret);
	return ret;
}
