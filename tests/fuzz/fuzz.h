/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of this subsystem as data: what there is to call, with which arguments,
 * and what may come of it. Shared by dmabuf-fuzz, which makes many of them, right
 * and wrong ones, and dmabuf-fail, which lets each allocation of each of them fail.
 */
#ifndef _DMABUF_FUZZ_H
#define _DMABUF_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* What a descriptor is of. */
enum kind {
	NOTHING,
	MEMFD,
	HEAP,
	UDMABUF,
	TIMELINE,
	SYNC,
	BUFFER,
	DRM,
	EPOLL,
	KINDS
};

/* What a field of an argument holds when it is right. */
enum content {
	ZERO = 1,
	CHOICE,		/* one of &field.values */
	DESCRIPTOR,	/* an open descriptor of &field.kind */
	PAGES,		/* a size or an offset: &field.values pages at most */
	NUMBER,		/* below &field.values */
	TEXT,
	COUNT,		/* of the elements of the list */
	POINTER,	/* to the list */
};

/* One field of an argument. A table of them ends with one of no size. */
struct field {
	unsigned short offset;
	unsigned short size;
	enum content content;
	enum kind kind;
	unsigned int nr;
	__u64 values[6];
};

#define sizeof_field(type, member)	sizeof(((type *)0)[0].member)
/* for the table of fields: the structure and the member */
#define PLACE(...)							\
	.offset = offsetof(__VA_ARGS__), .size = sizeof_field(__VA_ARGS__)

#define ONE_OF(...)						\
	.content = CHOICE,					\
	.nr = ARRAY_SIZE(((__u64[]){ __VA_ARGS__ })),	\
	.values = { __VA_ARGS__ }
#define FD_OF(of)		.content = DESCRIPTOR, .kind = of
#define UP_TO(kind, most)	.content = kind, .values = { most }

/* What an argument points to, or ends with: several of the same. */
struct list {
	size_t size;		/* of one; 0: the kernel fills it in */
	size_t room;		/* of one that the kernel fills in */
	unsigned int most;
	bool behind;		/* it is the argument's end, and nothing points to it */
	const struct field *fields;
};

struct call;

/* Something to call. */
struct op {
	const char *name;
	/* what it is called on, and what descriptor comes of it */
	enum kind on, makes;
	/* how often, beside others */
	unsigned int weight;
	/* may wait for a fence; a signal ends that */
	bool blocks;
	/* what it allocates is none of this subsystem's business */
	bool foreign;
	/* the file it is about; without that file there is no such operation */
	const char *path;

	/* an ioctl: its number, its argument, and where that holds the new descriptor */
	unsigned long cmd;
	size_t size;
	short result;
	const struct field *fields;
	const struct list *list;

	/* anything else: returns a descriptor, another number, or a negative errno */
	long (*run)(struct call *call);

	/* what it may answer without memory, beside ENOMEM */
	int errors[4];
};

#define RETURNED	-1	/* in &op.result: the descriptor is what the ioctl returns */

extern const struct op ops[];
extern const unsigned int nr_ops;

/* One call of an operation. All that is decided by chance comes out of @seed. */
struct call {
	const struct op *op;
	__u64 seed;
	struct caller *caller;
	/* fields to be broken */
	unsigned int broken;
};

/* Who calls: what each thread has for itself. */
struct caller {
	unsigned int number;
	bool child;		/* forked: without a timer, and not for long */
	char *args;		/* ARG_ROOM bytes, and nothing behind them */
	int pipe[2];
	long timer;		/* -1: none */
	bool timed;
};

#define ARG_ROOM	16384
#define PAGE		4096UL

/* chance.c: arguments */
__u64 chance(struct call *call);
__u64 below(struct call *call, __u64 limit);
bool one_in(struct call *call, unsigned int n);
long call_ioctl(struct call *call);
/* Makes one call; the descriptor that came of it is in a slot afterwards. */
long make_call(struct caller *caller, const struct op *op, __u64 seed, bool may_break);

/* slots.c: descriptors and mappings that all threads share */
#define SLOTS		12
#define FIRST_FD	3
#define LAST_FD		400	/* what is above belongs to the program itself */
#define MAPPINGS	16
#define MAPPING_SIZE	(4UL << 20)

void slots_init(void);
int slot_pick(struct call *call, enum kind kind);
void slot_put(struct call *call, enum kind kind, int fd);
void slot_close(struct call *call);
void slots_close_all(void);
/* Moves a descriptor of the program itself out of the way. */
int keep_fd(int fd);
char *mapping_of(struct call *call);
bool caller_init(struct caller *caller, unsigned int number);
bool op_available(const struct op *op);
const char *drm_path(void);
extern int sockets[2];

/* How many buffers and timelines the kernel has; -1 when it does not say. */
struct census {
	long buffers;
	long timelines;
};

struct census take_census(void);

#endif
