/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is done with descriptors, and is no ioctl of theirs: for the table in ops.c.
 */
#ifndef _DMABUF_FUZZ_RUNS_H
#define _DMABUF_FUZZ_RUNS_H

struct call;

#define MEMFD_PAGES	128
#define BUFFER_PAGES	64

long run_open(struct call *call);
long run_open_drm(struct call *call);
long run_memfd(struct call *call);
long run_memfd_change(struct call *call);
long run_close(struct call *call);
long run_dup(struct call *call);
long run_dup_over(struct call *call);
long run_fcntl(struct call *call);
long run_seek(struct call *call);
long run_read_write(struct call *call);
long run_stat(struct call *call);
long run_map(struct call *call);
long run_map_anywhere(struct call *call);
long run_unmap(struct call *call);
long run_protect(struct call *call);
long run_advise(struct call *call);
long run_remap(struct call *call);
long run_touch(struct call *call);
long run_peek(struct call *call);
long run_poll(struct call *call);
long run_epoll_create(struct call *call);
long run_epoll_ctl(struct call *call);
long run_epoll_wait(struct call *call);
long run_read_text(struct call *call);
long run_proc_fd(struct call *call);
long run_sysfs(struct call *call);
long run_parameter(struct call *call);
long run_send(struct call *call);
long run_receive(struct call *call);
long run_fork(struct call *call);

#endif
