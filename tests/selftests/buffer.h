/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where programs get buffers, fences and devices from, and arguments that cannot
 * be read or written.
 */
#ifndef _SELFTESTS_BUFFER_H
#define _SELFTESTS_BUFFER_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm/drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>

/* An ioctl's number for a structure of another size. */
static inline unsigned long sized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/* ioctl(), or -errno. */
static inline int call(int fd, unsigned long cmd, const void *args)
{
	int ret = ioctl(fd, cmd, args);

	return ret < 0 ? -errno : ret;
}

/* The number that the next descriptor will get: tells whether one leaked. */
static inline int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* A buffer of the heap, or -errno. */
static inline int heap_buffer(const char *heap, size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = call(fd, DMA_HEAP_IOCTL_ALLOC, &data);
	close(fd);
	return ret ?: (int)data.fd;
}

/* A buffer of a memfd, or -errno. */
static inline int memfd_buffer(size_t size)
{
	struct udmabuf_create args = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), ret = -1;
	int memfd = memfd_create("buffer", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (dev >= 0 && memfd >= 0 && !ftruncate(memfd, size) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		args.memfd = memfd;
		ret = ioctl(dev, UDMABUF_CREATE, &args);
	}
	if (ret < 0)
		ret = -errno;
	close(memfd);
	close(dev);
	return ret;
}

/* The device of the driver vgem, or -errno. */
static inline int vgem_open(void)
{
	struct drm_version version = {};
	char path[32], name[8];
	int i, fd;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		version.name = name;
		version.name_len = sizeof(name) - 1;
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* Have vgem import a buffer, and so map it for its device; 0 or -errno. */
static inline int vgem_import(int vgem, int buffer)
{
	struct drm_prime_handle args = { .fd = buffer };

	return call(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);
}

/* A buffer of vgem, or -errno. */
static inline int vgem_buffer(int vgem, size_t size)
{
	struct drm_mode_create_dumb dumb = { .width = size / 4, .height = 1, .bpp = 32 };
	struct drm_prime_handle args = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = call(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	if (ret)
		return ret;
	args.handle = dumb.handle;
	ret = call(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);
	return ret ?: args.fd;
}

static inline unsigned char *map_buffer(int fd, size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* A copy of an argument that the kernel can read and not write. */
static inline void *unwritable(const void *args, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *copy = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(copy, args, size);
	mprotect(copy, page, PROT_READ);
	return copy;
}

/* The ioctls of sw_sync, which are in no header. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence;
};

#define SW_SYNC_CREATE		_IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC		_IOW('W', 1, __u32)
#define SW_SYNC_DEADLINE	_IOWR('W', 2, struct sw_sync_deadline)

/* A timeline, or -errno. */
static inline int timeline_open(void)
{
	int fd = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A sync_file with the fence at @value, or -errno. */
static inline int timeline_fence(int timeline, __u32 value)
{
	struct sw_sync_create args = { .value = value };
	int ret = call(timeline, SW_SYNC_CREATE, &args);

	return ret ?: args.fence;
}

static inline int timeline_advance(int timeline, __u32 step)
{
	return call(timeline, SW_SYNC_INC, &step);
}

static inline int import_fence(int buffer, int fence, __u32 flags)
{
	struct dma_buf_import_sync_file args = { .flags = flags, .fd = fence };

	return call(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args);
}

#endif
