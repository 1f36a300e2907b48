/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's exporter, and what is measured with the help of user space.
 */
#ifndef DMABUF_BENCH_BUF_H
#define DMABUF_BENCH_BUF_H

#include <linux/dma-buf.h>

int bench_buf_init(void);
void bench_buf_exit(void);
struct dma_buf *bench_export(void);

int bench_vmap_fd(int fd);
int bench_stall(unsigned int threads);
int bench_storm(unsigned int turns);

#endif
