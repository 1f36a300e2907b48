/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sync_trace

#if !defined(_SYNC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SYNC_TRACE_H

#include <linux/tracepoint.h>

#include "sync_debug.h"

/* A timeline is about to be advanced; the value is the one it leaves. */
TRACE_EVENT(sync_timeline,
	    TP_PROTO(struct sync_timeline *timeline),
	    TP_ARGS(timeline),
	    TP_STRUCT__entry(__string(name, timeline->name)
			     __field(u32, value)),
	    TP_fast_assign(__assign_str(name);
			   __entry->value = READ_ONCE(timeline->value);),
	    TP_printk("name=%s value=%d", __get_str(name), __entry->value)
);

#endif /* _SYNC_TRACE_H */

/* Read by each pass over this file; the Makefile adds this directory. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE sync_trace
#include <trace/define_trace.h>
