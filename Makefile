# SPDX-License-Identifier: GPL-2.0-only

# Every frame that is drawn or shown goes through here many times, on paths of a few
# dozen instructions, where gcc calls helpers that are smaller than the call when it
# builds for size. So these are built for speed in such kernels, too.
ccflags-$(CONFIG_CC_OPTIMIZE_FOR_SIZE) := -O2

obj-y := dma-fence.o dma-fence-array.o dma-fence-chain.o dma-fence-unwrap.o
obj-y += dma-fence-defer.o dma-fence-detach.o dma-fence-merge.o
obj-y += dma-resv.o dma-resv-iter.o
obj-y += dma-buf.o dma-buf-attach.o dma-buf-file.o dma-buf-ioctl.o
obj-y += dma-buf-mapping.o dma-buf-narrow.o dma-buf-poll.o dma-buf-revoke.o
obj-y += dma-buf-stats.o dma-buf-trace.o
obj-$(CONFIG_BPF_SYSCALL) += dma-buf-bpf.o
obj-$(CONFIG_SYNC_FILE) += sync_file.o
obj-$(CONFIG_SW_SYNC) += sw_sync.o sync_debug.o
# sync_trace.h is included once more by <trace/define_trace.h>
CFLAGS_sw_sync.o := -I$(src)
obj-y += heaps/
obj-$(CONFIG_UDMABUF) += udmabuf.o
obj-$(CONFIG_DMABUF_KUNIT_TEST) += tests/
obj-$(CONFIG_DMABUF_TEST_ISSUER) += tests/
obj-$(CONFIG_DMABUF_BENCH) += tests/bench/
