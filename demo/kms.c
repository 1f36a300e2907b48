// SPDX-License-Identifier: GPL-2.0-only
/* Finding the parts of a vkms device, and the atomic commits of the demonstration. */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "device.h"
#include "kms.h"

#define FORMAT	DRM_FORMAT_XRGB8888

struct property {
	const char *name;
	size_t id;		/* where struct kms keeps it */
};

#define PROPERTY(property, member) { .name = (property), .id = offsetof(struct kms, member) }

static const struct property crtc_properties[] = {
	PROPERTY("ACTIVE", crtc_active),
	PROPERTY("MODE_ID", crtc_mode),
	PROPERTY("OUT_FENCE_PTR", crtc_out_fence),
	{}
};

static const struct property plane_properties[] = {
	PROPERTY("type", plane_type),
	PROPERTY("FB_ID", plane_fb),
	PROPERTY("CRTC_ID", plane_crtc),
	PROPERTY("IN_FENCE_FD", plane_in_fence),
	PROPERTY("SRC_X", plane_src_x),
	PROPERTY("SRC_Y", plane_src_y),
	PROPERTY("SRC_W", plane_src_w),
	PROPERTY("SRC_H", plane_src_h),
	PROPERTY("CRTC_X", plane_crtc_x),
	PROPERTY("CRTC_Y", plane_crtc_y),
	PROPERTY("CRTC_W", plane_crtc_w),
	PROPERTY("CRTC_H", plane_crtc_h),
	{}
};

static const struct property writeback_properties[] = {
	PROPERTY("CRTC_ID", writeback_crtc),
	PROPERTY("WRITEBACK_FB_ID", writeback_fb),
	PROPERTY("WRITEBACK_OUT_FENCE_PTR", writeback_out_fence),
	{}
};

/* Fills in the ids of @table; returns the value of @name (0: no such property). */
static __u64 find_properties(struct kms *kms, __u32 object, __u32 type,
			     const struct property *table, const char *name)
{
	drmModeObjectPropertiesPtr list = drmModeObjectGetProperties(kms->fd, object, type);
	__u64 value = 0;

	if (!list)
		die_errno("properties of KMS object %u", object);
	for (unsigned int i = 0; i < list->count_props; i++) {
		drmModePropertyPtr property = drmModeGetProperty(kms->fd, list->props[i]);

		if (!property)
			die_errno("property %u", list->props[i]);
		for (const struct property *row = table; row->name; row++)
			if (!strcmp(row->name, property->name))
				*(__u32 *)((char *)kms + row->id) = property->prop_id;
		if (name && !strcmp(name, property->name))
			value = list->prop_values[i];
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(list);

	for (const struct property *row = table; row->name; row++)
		if (!*(__u32 *)((char *)kms + row->id))
			die("KMS object %u has no property %s", object, row->name);
	return value;
}

static void find_plane(struct kms *kms)
{
	drmModePlaneResPtr planes = drmModeGetPlaneResources(kms->fd);

	if (!planes)
		die_errno("vkms: DRM_IOCTL_MODE_GETPLANERESOURCES");
	for (unsigned int i = 0; i < planes->count_planes && !kms->plane; i++) {
		__u64 type = find_properties(kms, planes->planes[i], DRM_MODE_OBJECT_PLANE,
						plane_properties, "type");

		if (type == DRM_PLANE_TYPE_PRIMARY)
			kms->plane = planes->planes[i];
	}
	drmModeFreePlaneResources(planes);
	if (!kms->plane)
		die("vkms has no primary plane");
}

/* The connector's own mode of the demonstration's size; 0 if it has none. */
static __u32 find_mode(struct kms *kms, const drmModeConnector *connector)
{
	__u32 blob = 0;

	for (int i = 0; i < connector->count_modes && !blob; i++) {
		const drmModeModeInfo *mode = &connector->modes[i];

		if (mode->hdisplay != DEMO_WIDTH || mode->vdisplay != DEMO_HEIGHT)
			continue;
		if (drmModeCreatePropertyBlob(kms->fd, mode, sizeof(*mode), &blob))
			die_errno("vkms: DRM_IOCTL_MODE_CREATEPROPBLOB");
	}
	return blob;
}

/*
 * The screen is the writeback connector alone: the DRM core refuses to drive two connectors with
 * one CRTC unless the driver calls their encoders clones of each other, which vkms does not.
 */
static void find_writeback(struct kms *kms)
{
	drmModeResPtr resources = drmModeGetResources(kms->fd);

	if (!resources || !resources->count_crtcs)
		die_errno("vkms: DRM_IOCTL_MODE_GETRESOURCES");
	kms->crtc = resources->crtcs[0];
	for (int i = 0; i < resources->count_connectors && !kms->writeback; i++) {
		__u32 id = resources->connectors[i];
		drmModeConnectorPtr connector = drmModeGetConnector(kms->fd, id);

		if (!connector)
			die_errno("vkms: connector %u", id);
		if (connector->connector_type == DRM_MODE_CONNECTOR_WRITEBACK) {
			kms->writeback = id;
			kms->mode = find_mode(kms, connector);
		}
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);

	if (!kms->writeback)
		die("vkms has no writeback connector (parameter enable_writeback=1 makes one)");
	if (!kms->mode)
		die("vkms has no mode of %dx%d", DEMO_WIDTH, DEMO_HEIGHT);
}

void kms_open(struct kms *kms)
{
	struct stat status;

	memset(kms, 0, sizeof(*kms));
	kms->fd = device_open("vkms");
	if (fstat(kms->fd, &status))
		die_errno("fstat");
	kms->minor = minor(status.st_rdev);

	if (drmSetClientCap(kms->fd, DRM_CLIENT_CAP_ATOMIC, 1) ||
	    drmSetClientCap(kms->fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1))
		die_errno("vkms: atomic commits and writeback connectors");
	if (!drmIsMaster(kms->fd))
		die("vkms is in use: another process is its DRM master");

	find_writeback(kms);
	find_plane(kms);
	find_properties(kms, kms->crtc, DRM_MODE_OBJECT_CRTC, crtc_properties, NULL);
	find_properties(kms, kms->writeback, DRM_MODE_OBJECT_CONNECTOR, writeback_properties,
			NULL);
}

void kms_close(struct kms *kms)
{
	drmModeDestroyPropertyBlob(kms->fd, kms->mode);
	close(kms->fd);
}

static void add_fb(struct kms *kms, struct kms_fb *fb)
{
	__u32 handles[4] = { fb->handle }, pitches[4] = { fb->pitch }, offsets[4] = {};

	if (drmModeAddFB2(kms->fd, DEMO_WIDTH, DEMO_HEIGHT, FORMAT, handles, pitches, offsets,
			  &fb->id, 0))
		die_errno("vkms: DRM_IOCTL_MODE_ADDFB2");
}

void kms_import(struct kms *kms, int dmabuf, __u32 pitch, struct kms_fb *fb)
{
	fb->pitch = pitch;
	if (drmPrimeFDToHandle(kms->fd, dmabuf, &fb->handle))
		die_errno("vkms: DRM_IOCTL_PRIME_FD_TO_HANDLE");
	add_fb(kms, fb);
}

void kms_forget(struct kms *kms, struct kms_fb *fb)
{
	if (drmModeRmFB(kms->fd, fb->id))
		die_errno("vkms: DRM_IOCTL_MODE_RMFB");
	if (drmCloseBufferHandle(kms->fd, fb->handle))
		die_errno("vkms: DRM_IOCTL_GEM_CLOSE");
}

static size_t fb_size(const struct kms_fb *fb)
{
	return (size_t)fb->pitch * DEMO_HEIGHT;
}

void kms_create(struct kms *kms, struct kms_fb *fb, const __u32 **pixels)
{
	struct drm_mode_map_dumb place = {};
	void *map;

	fb->handle = device_create_dumb(kms->fd, &fb->pitch);
	place.handle = fb->handle;
	if (drmIoctl(kms->fd, DRM_IOCTL_MODE_MAP_DUMB, &place))
		die_errno("vkms: DRM_IOCTL_MODE_MAP_DUMB");
	map = mmap(NULL, fb_size(fb), PROT_READ, MAP_SHARED, kms->fd, place.offset);
	if (map == MAP_FAILED)
		die_errno("mmap of a capture buffer");
	*pixels = map;
	add_fb(kms, fb);
}

void kms_destroy(struct kms *kms, struct kms_fb *fb, const __u32 *pixels)
{
	munmap((void *)pixels, fb_size(fb));
	kms_forget(kms, fb);
}

static drmModeAtomicReqPtr new_request(void)
{
	drmModeAtomicReqPtr request = drmModeAtomicAlloc();

	if (!request)
		die("no memory for an atomic request");
	return request;
}

static void set(drmModeAtomicReqPtr request, __u32 object, __u32 property, __u64 value)
{
	if (drmModeAtomicAddProperty(request, object, property, value) < 0)
		die("no memory for an atomic request");
}

static void submit(struct kms *kms, drmModeAtomicReqPtr request, __u32 flags, const char *what)
{
	if (drmModeAtomicCommit(kms->fd, request, flags, NULL))
		die_errno("vkms: atomic commit (%s)", what);
	drmModeAtomicFree(request);
}

static void set_plane(struct kms *kms, drmModeAtomicReqPtr request, __u32 fb)
{
	set(request, kms->plane, kms->plane_fb, fb);
	set(request, kms->plane, kms->plane_crtc, fb ? kms->crtc : 0);
	set(request, kms->plane, kms->plane_src_x, 0);
	set(request, kms->plane, kms->plane_src_y, 0);
	set(request, kms->plane, kms->plane_src_w, DEMO_WIDTH << 16);
	set(request, kms->plane, kms->plane_src_h, DEMO_HEIGHT << 16);
	set(request, kms->plane, kms->plane_crtc_x, 0);
	set(request, kms->plane, kms->plane_crtc_y, 0);
	set(request, kms->plane, kms->plane_crtc_w, DEMO_WIDTH);
	set(request, kms->plane, kms->plane_crtc_h, DEMO_HEIGHT);
}

static void switch_crtc(struct kms *kms, bool on, const char *what)
{
	drmModeAtomicReqPtr request = new_request();

	set(request, kms->crtc, kms->crtc_mode, on ? kms->mode : 0);
	set(request, kms->crtc, kms->crtc_active, on);
	set(request, kms->writeback, kms->writeback_crtc, on ? kms->crtc : 0);
	set_plane(kms, request, 0);
	submit(kms, request, DRM_MODE_ATOMIC_ALLOW_MODESET, what);
}

void kms_enable(struct kms *kms)
{
	switch_crtc(kms, true, "enable");
}

void kms_disable(struct kms *kms)
{
	switch_crtc(kms, false, "disable");
}

void kms_flip(struct kms *kms, struct kms_flip *flip)
{
	drmModeAtomicReqPtr request = new_request();

	flip->out_fence = -1;
	flip->capture_fence = -1;
	set_plane(kms, request, flip->fb);
	set(request, kms->plane, kms->plane_in_fence, flip->in_fence);
	set(request, kms->crtc, kms->crtc_out_fence, (uintptr_t)&flip->out_fence);
	set(request, kms->writeback, kms->writeback_fb, flip->capture);
	set(request, kms->writeback, kms->writeback_out_fence, (uintptr_t)&flip->capture_fence);
	submit(kms, request, DRM_MODE_ATOMIC_NONBLOCK, "flip");
	if (flip->out_fence < 0 || flip->capture_fence < 0)
		die("vkms: the commit left no out-fences");
}

int kms_blank(struct kms *kms)
{
	drmModeAtomicReqPtr request = new_request();
	int out_fence = -1;

	set_plane(kms, request, 0);
	set(request, kms->crtc, kms->crtc_out_fence, (uintptr_t)&out_fence);
	submit(kms, request, DRM_MODE_ATOMIC_NONBLOCK, "blank");
	if (out_fence < 0)
		die("vkms: the commit left no out-fence");
	return out_fence;
}

/* The number of references to framebuffer @id, read off debugfs; 0 if it is not listed. */
static unsigned int fb_references(struct kms *kms, __u32 id)
{
	char path[64], line[128];
	unsigned int current = 0, references = 0, value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/framebuffer", kms->minor);
	file = fopen(path, "re");
	if (!file)
		die_errno("%s (is debugfs mounted?)", path);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "framebuffer[%u]", &current) == 1)
			continue;
		if (current == id && !references && sscanf(line, " refcount=%u", &value) == 1)
			references = value;
	}
	fclose(file);
	return references;
}

/*
 * vkms signals a capture and then, in a work item, switches its composer off. Should that work item
 * run after the next capture was queued, nothing would ever perform that one. Its last step drops
 * the driver's reference to the framebuffer, which leaves ours.
 */
void kms_wait_capture_idle(struct kms *kms, const struct kms_fb *fb)
{
	__s64 limit = demo_now() + DEMO_WAIT_MS * 1000000LL;

	while (fb_references(kms, fb->id) != 1) {
		if (demo_now() > limit)
			die("vkms kept the capture buffer for more than %d s",
			    DEMO_WAIT_MS / 1000);
		poll(NULL, 0, 1);
	}
}
