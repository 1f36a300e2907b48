// SPDX-License-Identifier: GPL-2.0-only
/*
 * The public structures may not become larger than those of stock 6.12 on
 * x86-64 without debug options. Never linked: compiling it is the check.
 */

/* A list of all buffers is not a debug option; distributions have it on. */
#ifndef CONFIG_DEBUG_FS
#define CONFIG_DEBUG_FS 1
#endif

#include <linux/build_bug.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>

static_assert(sizeof(struct dma_fence) <= 64);
static_assert(sizeof(struct dma_fence_chain) <= 128);
static_assert(sizeof(struct dma_fence_array) <= 120);
static_assert(sizeof(struct dma_fence_array_cb) <= 32);
static_assert(sizeof(struct dma_resv) <= 48);
static_assert(sizeof(struct dma_buf) <= 232);
