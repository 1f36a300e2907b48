/* SPDX-License-Identifier: GPL-2.0-only */
/* What the BPF programs of the test and their loader agree on. */
#ifndef DMABUF_ITER_TEST_H
#define DMABUF_ITER_TEST_H

/* More buffers than the test ever sees. */
#define SEEN_MAX	65536

/* What the program with the loop is called with, and what it leaves there. */
struct loop_args {
	/* how many buffers to look at, 0 for all */
	unsigned int limit;
	unsigned int visited;
};

#ifndef __bpf__
/* iter_test.bpf.o, inside of the program. */
extern const char _binary_iter_test_bpf_o_start[], _binary_iter_test_bpf_o_end[];
#endif

#endif
