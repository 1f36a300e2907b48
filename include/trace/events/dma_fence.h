/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_fence

#if !defined(_TRACE_DMA_FENCE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_FENCE_H

#include <linux/dma-fence.h>
#include <linux/tracepoint.h>

/*
 * Two classes, alike but for the source of the names. The driver's callbacks
 * may be asked until the fence has signalled and, by the driver that is just
 * signalling, during it. Later only the accessors may, which do not call into a
 * driver that could be gone. Probes run inside an RCU read side.
 */
DECLARE_EVENT_CLASS(dma_fence_owned,
		    TP_PROTO(struct dma_fence *fence),
		    TP_ARGS(fence),
		    TP_STRUCT__entry(__string(driver, fence->ops->get_driver_name(fence))
				     __string(timeline, fence->ops->get_timeline_name(fence))
				     __field(u64, context)
				     __field(u64, seqno)),
		    TP_fast_assign(__assign_str(driver);
				   __assign_str(timeline);
				   __entry->context = fence->context;
				   __entry->seqno = fence->seqno;),
		    TP_printk("driver=%s timeline=%s context=%llu seqno=%llu",
			      __get_str(driver), __get_str(timeline),
			      __entry->context, __entry->seqno));

#define dma_fence_shown_driver(fence)	\
	((__force const char *)dma_fence_driver_name(fence))
#define dma_fence_shown_timeline(fence)	\
	((__force const char *)dma_fence_timeline_name(fence))

DECLARE_EVENT_CLASS(dma_fence_shared,
		    TP_PROTO(struct dma_fence *fence),
		    TP_ARGS(fence),
		    TP_STRUCT__entry(__string(driver, dma_fence_shown_driver(fence))
				     __string(timeline, dma_fence_shown_timeline(fence))
				     __field(u64, context)
				     __field(u64, seqno)),
		    TP_fast_assign(__assign_str(driver);
				   __assign_str(timeline);
				   __entry->context = fence->context;
				   __entry->seqno = fence->seqno;),
		    TP_printk("driver=%s timeline=%s context=%llu seqno=%llu",
			      __get_str(driver), __get_str(timeline),
			      __entry->context, __entry->seqno));

/* The driver has handed the work to the hardware. */
DEFINE_EVENT(dma_fence_owned, dma_fence_emit,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_owned, dma_fence_init,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_owned, dma_fence_enable_signal,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_owned, dma_fence_signaled,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_shared, dma_fence_destroy,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_shared, dma_fence_wait_start,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

DEFINE_EVENT(dma_fence_shared, dma_fence_wait_end,
	     TP_PROTO(struct dma_fence *fence), TP_ARGS(fence));

#endif /* _TRACE_DMA_FENCE_H */

#include <trace/define_trace.h>
