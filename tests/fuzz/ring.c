// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last calls. QEMU's ivshmem device is a file of the host as memory of the guest.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "ring.h"

#define DEVICES	"/sys/bus/pci/devices"

static bool read_word(const char *device, const char *name, char *word, size_t size)
{
	char path[320];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, name);
	file = fopen(path, "r");
	if (!file)
		return false;
	read = fgets(word, size, file);
	fclose(file);
	return read;
}

/* The memory of the first such device; MAP_FAILED when there is none. */
static void *map_device(void)
{
	char vendor[16] = "", device[16] = "", path[320];
	DIR *dir = opendir(DEVICES);
	struct dirent *entry;
	void *memory = MAP_FAILED;
	int fd;

	while (dir && memory == MAP_FAILED && (entry = readdir(dir))) {
		if (!read_word(entry->d_name, "vendor", vendor, sizeof(vendor)) ||
		    !read_word(entry->d_name, "device", device, sizeof(device)) ||
		    strcmp(vendor, "0x1af4\n") || strcmp(device, "0x1110\n"))
			continue;
		snprintf(path, sizeof(path), DEVICES "/%s/enable", entry->d_name);
		fd = open(path, O_WRONLY);
		if (fd >= 0 && write(fd, "1", 1) < 0)
			perror(path);
		close(fd);
		snprintf(path, sizeof(path), DEVICES "/%s/resource2", entry->d_name);
		fd = open(path, O_RDWR);
		memory = mmap(NULL, sizeof(struct ring), PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return memory;
}

struct ring *ring_open(bool *seen_by_host)
{
	struct ring *ring = map_device();

	*seen_by_host = ring != MAP_FAILED;
	if (!*seen_by_host)
		ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		return NULL;
	atomic_store(&ring->calls, 0);
	ring->magic = RING_MAGIC;
	return ring;
}

struct ring_entry *ring_begin(struct ring *ring)
{
	return &ring->entry[atomic_fetch_add(&ring->calls, 1) % RING_ENTRIES];
}
