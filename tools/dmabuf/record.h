/* SPDX-License-Identifier: GPL-2.0-only */
/* What the BPF program writes for each buffer, and the command reads. */
#ifndef DMABUF_RECORD_H
#define DMABUF_RECORD_H

#define RECORD_TEXT	64

struct record {
	unsigned long long inode;
	unsigned long long size;
	/* cut off, if need be; always terminated */
	char exporter[RECORD_TEXT];
	/* empty for none */
	char name[RECORD_TEXT];
};

#endif
