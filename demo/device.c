// SPDX-License-Identifier: GPL-2.0-only
/* DRM devices by driver name; the ioctls of vgem. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "device.h"

#define MINORS 16

/* libdrm ships no vgem_drm.h: the two ioctls of the driver, as include/uapi/drm has them. */
#define VGEM_FENCE_WRITE 1

struct vgem_attach {
	__u32 handle;
	__u32 flags;
	__u32 fence;	/* out */
	__u32 pad;
};

struct vgem_signal {
	__u32 fence;
	__u32 flags;
};

#define VGEM_IOCTL_ATTACH	DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_attach)
#define VGEM_IOCTL_SIGNAL	DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_signal)

static bool is_driven_by(int fd, const char *driver)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool found = version && !strcmp(version->name, driver);

	drmFreeVersion(version);
	return found;
}

int device_open(const char *driver)
{
	char path[32];
	int fd;

	for (unsigned int minor = 0; minor < MINORS; minor++) {
		snprintf(path, sizeof(path), "/dev/dri/card%u", minor);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && is_driven_by(fd, driver))
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno == EACCES)
			die_errno("%s", path);
	}
	die("no %s device among /dev/dri/card* (is the driver built in or loaded?)", driver);
}

__u32 device_create_dumb(int device, __u32 *pitch)
{
	struct drm_mode_create_dumb dumb = {
		.width = DEMO_WIDTH, .height = DEMO_HEIGHT, .bpp = DEMO_BITS_PER_PIXEL,
	};

	if (drmIoctl(device, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		die_errno("DRM_IOCTL_MODE_CREATE_DUMB");
	*pitch = dumb.pitch;
	return dumb.handle;
}

int vgem_create(int vgem, __u32 *pitch)
{
	__u32 handle = device_create_dumb(vgem, pitch);
	int dmabuf;

	if (drmPrimeHandleToFD(vgem, handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf))
		die_errno("vgem: DRM_IOCTL_PRIME_HANDLE_TO_FD");
	/* From here on the dma-buf alone keeps the memory. */
	vgem_forget(vgem, handle);
	return dmabuf;
}

__u32 vgem_handle(int vgem, int dmabuf)
{
	__u32 handle;

	if (drmPrimeFDToHandle(vgem, dmabuf, &handle))
		die_errno("vgem: DRM_IOCTL_PRIME_FD_TO_HANDLE");
	return handle;
}

void vgem_forget(int vgem, __u32 handle)
{
	if (drmCloseBufferHandle(vgem, handle))
		die_errno("vgem: DRM_IOCTL_GEM_CLOSE");
}

__u32 vgem_attach_fence(int vgem, __u32 handle)
{
	struct vgem_attach attach = { .handle = handle, .flags = VGEM_FENCE_WRITE };

	if (!drmIoctl(vgem, VGEM_IOCTL_ATTACH, &attach))
		return attach.fence;
	if (errno != EBUSY)
		die_errno("DRM_IOCTL_VGEM_FENCE_ATTACH");
	return 0;
}

void vgem_signal_fence(int vgem, __u32 fence)
{
	struct vgem_signal signal = { .fence = fence };

	if (!drmIoctl(vgem, VGEM_IOCTL_SIGNAL, &signal))
		return;
	if (errno == ETIMEDOUT)
		die("vgem signalled the fence itself: drawing took longer than its 10 s");
	die_errno("DRM_IOCTL_VGEM_FENCE_SIGNAL");
}
