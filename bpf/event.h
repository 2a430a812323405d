/* SPDX-License-Identifier: GPL-2.0-only */
/* Events for the agent: rare, at most one per reason, CPU and interval. */
#pragma once

#include <bpf/bpf_helpers.h>

#include "maps.h"

#define EVENT_INTERVAL_NS 10000000ULL

/* Sends `event`, whose time is filled in here, unless one of its kind was sent just now. */
static __noinline void raise_event(struct vtep_event *event)
{
	__u32 reason = event->reason;
	__u64 *last = bpf_map_lookup_elem(&vtep_event_gate, &reason);

	event->time_ns = bpf_ktime_get_ns();
	if (!last || (*last && event->time_ns - *last < EVENT_INTERVAL_NS))
		return;
	*last = event->time_ns;
	/* A full ring loses the event: the agent reads everything again after any doubt. */
	bpf_ringbuf_output(&vtep_events, event, sizeof(*event), 0);
}
