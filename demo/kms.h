/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode setting on vkms: one plane, and the writeback connector as the screen. */

#ifndef DEMO_KMS_H
#define DEMO_KMS_H

#include <stddef.h>

#include "demo.h"

struct kms {
	int fd;
	unsigned int minor;
	__u32 crtc, plane, writeback;
	__u32 mode;		/* property blob */

	/* property ids */
	__u32 crtc_active, crtc_mode, crtc_out_fence;
	__u32 plane_type, plane_fb, plane_crtc, plane_in_fence;
	__u32 plane_src_x, plane_src_y, plane_src_w, plane_src_h;
	__u32 plane_crtc_x, plane_crtc_y, plane_crtc_w, plane_crtc_h;
	__u32 writeback_crtc, writeback_fb, writeback_out_fence;
};

struct kms_fb {
	__u32 id;
	__u32 handle;
	__u32 pitch;
};

struct kms_flip {
	__u32 fb;		/* to show */
	int in_fence;		/* when its picture is finished */
	__u32 capture;	/* what to write the screen's content to */
	int out_fence;		/* out: when it is on the screen and the one before is not */
	int capture_fence;	/* out: when the capture is complete */
};

void kms_open(struct kms *kms);
void kms_close(struct kms *kms);

void kms_import(struct kms *kms, int dmabuf, __u32 pitch, struct kms_fb *fb);
void kms_forget(struct kms *kms, struct kms_fb *fb);

void kms_create(struct kms *kms, struct kms_fb *fb, const __u32 **pixels);
void kms_destroy(struct kms *kms, struct kms_fb *fb, const __u32 *pixels);

void kms_enable(struct kms *kms);
void kms_flip(struct kms *kms, struct kms_flip *flip);
/* Takes the picture off the screen; returns the out-fence. */
int kms_blank(struct kms *kms);
void kms_disable(struct kms *kms);

/* Waits until the driver holds no reference to @fb after a capture. */
void kms_wait_capture_idle(struct kms *kms, const struct kms_fb *fb);

#endif /* DEMO_KMS_H */
