// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where buffers come from: heaps and memfds. Sizes are in mebibytes, or in
 * kibibytes where the row says so.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define PAGE 4096

/* Maps a buffer, writes to each of its pages, unmaps it: all of it is measured. */
static void map_touch_unmap(struct sample *s, int buffer, size_t size)
{
	char *where;
	size_t at;

	begin(s);
	where = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
	must(where == MAP_FAILED ? -1 : 0, "mmap");
	for (at = 0; at < size; at += PAGE)
		__atomic_store_n(where + at, 1, __ATOMIC_RELAXED);
	munmap(where, size);
	end(s);
	s->ops = 1;
}

static void heap_map(struct sample *s)
{
	size_t size = (size_t)s->size << 20;
	int buffer = heap_buffer(size);

	map_touch_unmap(s, buffer, size);
	close(buffer);
}

static void heap_life(struct sample *s)
{
	unsigned int i;

	for_each_turn(s, i)
		close(heap_buffer((size_t)s->size << 10));
	end(s);
}

/* Lets the system heap keep that much of what is freed, where it can do so. */
static void set_pool(const char *mebibytes)
{
	int file = open("/sys/module/system_heap_pool/parameters/limit_mb", O_WRONLY);

	if (file < 0)
		return;
	must(write(file, mebibytes, strlen(mebibytes)), "limit_mb");
	close(file);
}

/* A buffer's memory is that of the one before it, which was cleared meanwhile. */
static void heap_life_pooled(struct sample *s)
{
	set_pool("64");
	close(heap_buffer((size_t)s->size << 10));
	rest();
	heap_life(s);
	set_pool("0");
}

/* A memfd whose pages are all there. */
static int full_memfd(size_t size, unsigned int flags)
{
	int memfd = must(memfd_create("bench", MFD_ALLOW_SEALING | flags), "memfd_create");
	char *where;

	must(ftruncate(memfd, size), "ftruncate");
	must(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), "F_ADD_SEALS");
	where = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	must(where == MAP_FAILED ? -1 : 0, "mmap");
	memset(where, 1, size);
	munmap(where, size);
	return memfd;
}

static int udmabuf_of(int memfd, size_t size)
{
	static int device;
	struct udmabuf_create data = { .memfd = memfd, .size = size };

	if (!device)
		device = must(open("/dev/udmabuf", O_RDWR | O_CLOEXEC), "udmabuf");
	return must(ioctl(device, UDMABUF_CREATE, &data), "UDMABUF_CREATE");
}

enum udmabuf_part { CREATE, CLOSE, MAP };

static void udmabuf(struct sample *s, unsigned int flags, enum udmabuf_part part)
{
	size_t size = (size_t)s->size << 20;
	int memfd = full_memfd(size, flags);
	int buffer;

	s->ops = 1;
	begin(s);
	buffer = udmabuf_of(memfd, size);
	if (part == CREATE)
		end(s);
	if (part == MAP)
		map_touch_unmap(s, buffer, size);
	begin(s);
	close(buffer);
	if (part == CLOSE)
		end(s);
	close(memfd);
}

static void udmabuf_create(struct sample *s)
{
	udmabuf(s, 0, CREATE);
}

static void udmabuf_close(struct sample *s)
{
	udmabuf(s, 0, CLOSE);
}

static void udmabuf_map(struct sample *s)
{
	udmabuf(s, 0, MAP);
}

static void udmabuf_create_huge(struct sample *s)
{
	udmabuf(s, MFD_HUGETLB, CREATE);
}

static void udmabuf_close_huge(struct sample *s)
{
	udmabuf(s, MFD_HUGETLB, CLOSE);
}

static void udmabuf_map_huge(struct sample *s)
{
	udmabuf(s, MFD_HUGETLB, MAP);
}

const struct row memory_rows[] = {
	{ "heap/alloc+close-K", heap_life, .size = 4, .loops = 16 },
	{ "heap/alloc+close-K", heap_life, .size = 1024, .loops = 1 },
	{ "heap/alloc+close-K", heap_life, .size = 8192, .loops = 1 },
	{ "heap/alloc+close-K", heap_life, .size = 32768, .loops = 1 },
	{ "heap/alloc+close-pool-K", heap_life_pooled, .size = 4, .loops = 1 },
	{ "heap/alloc+close-pool-K", heap_life_pooled, .size = 1024, .loops = 1 },
	{ "heap/alloc+close-pool-K", heap_life_pooled, .size = 8192, .loops = 1 },
	{ "heap/alloc+close-pool-K", heap_life_pooled, .size = 32768, .loops = 1 },
	{ "heap/map+touch+unmap-M", heap_map, .size = 256 },
	{ "udmabuf/create-M", udmabuf_create, .size = 32 },
	{ "udmabuf/close-M", udmabuf_close, .size = 32 },
	{ "udmabuf/map+touch+unmap-M", udmabuf_map, .size = 32 },
	{ "udmabuf/create-huge-M", udmabuf_create_huge, .size = 32, .huge = true },
	{ "udmabuf/close-huge-M", udmabuf_close_huge, .size = 32, .huge = true },
	{ "udmabuf/map+touch+unmap-huge-M", udmabuf_map_huge, .size = 32, .huge = true },
	{ 0 }
};
