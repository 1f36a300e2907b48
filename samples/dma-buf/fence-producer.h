/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of fence-producer.c, for drivers that have work for it: jobs that
 * take a while and do nothing.
 */
#ifndef _SAMPLES_DMA_BUF_FENCE_PRODUCER_H
#define _SAMPLES_DMA_BUF_FENCE_PRODUCER_H

struct dma_fence;
struct sample_job;

struct sample_job *sample_job_alloc(unsigned int ms);
void sample_job_free(struct sample_job *job);
struct dma_fence *sample_job_submit(struct sample_job *job);

#endif
