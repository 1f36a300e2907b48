/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sample importers have instead of hardware: a device that the DMA layer
 * takes for one that reaches all memory.
 */
#ifndef _SAMPLES_DMA_BUF_PRETEND_DEVICE_H
#define _SAMPLES_DMA_BUF_PRETEND_DEVICE_H

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>

#include "dma-buf-sample.h"

static inline struct platform_device *pretend_device_register(const char *name)
{
	struct platform_device *pdev;
	int ret;

	pdev = platform_device_register_simple(name, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return pdev;
	/* Without a mask no buffer can be mapped for it. */
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret) {
		platform_device_unregister(pdev);
		return ERR_PTR(ret);
	}
	return pdev;
}

/*
 * Where a driver writes the addresses into its device's registers or tables. There
 * may be fewer pieces than the buffer has pages, and there need not be pages at all.
 */
static inline void pretend_device_program(struct sg_table *sgt, struct sample_run *run)
{
	struct scatterlist *sg;
	unsigned int i;

	run->entries = 0;
	run->bytes = 0;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		/* writeq(sg_dma_address(sg), ...); writel(sg_dma_len(sg), ...); */
		run->entries++;
		run->bytes += sg_dma_len(sg);
	}
}

#endif
