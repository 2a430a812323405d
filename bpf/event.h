/* SPDX-License-Identifier: GPL-2.0-only */
/* Events for the agent: rare, at most one per reason, CPU and interval. */
#pragma once

#include <bpf/bpf_helpers.h>

#include "maps.h"

#define EVENT_INTERVAL_NS 10000000ULL

/* A full ring loses the event: the agent reads everything again after any doubt, and an endpoint
 * announces more than once. */
static __always_inline void send_event(struct vtep_event *event)
{
	event->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_output(&vtep_events, event, sizeof(*event), 0);
}

/* Sends `event` unless one of its kind was sent just now. */
static __noinline void raise_event(struct vtep_event *event)
{
	__u32 reason = event->reason;
	__u64 *last = bpf_map_lookup_elem(&vtep_event_gate, &reason);
	__u64 now = bpf_ktime_get_ns();

	if (!last || (*last && now - *last < EVENT_INTERVAL_NS))
		return;
	*last = now;
	send_event(event);
}
