/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict convention. An inner function returns the TC action of a forwarded frame (> 0), a
 * negative reason, or 0 for "not ours". The entry function alone calls leave(), which counts.
 */
#pragma once

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

/* What the exit has to know about the frame, filled as it becomes known. */
struct frame {
	__u32 vni;     /* 0: not known, or not ours */
	__u32 len;     /* bytes to count: the inner frame, where it is known */
	__u32 reason;  /* why it is forwarded */
	__u32 traffic; /* where that is counted in vtep_traffic; 0: not there */
};

#define VTEP_PASSES_PASS 1ULL
#define VTEP_PASSES_DROP 0ULL
#define VTEP_PASSES_FORWARD 0ULL
#define VTEP_PASS_BIT(name, kind, text, hint) | VTEP_PASSES_##kind << VTEP_##name
/* Reasons that leave the frame to the next program or to the host's stack, one bit each. */
static const __u64 vtep_pass_reasons = 0 VTEP_REASONS(VTEP_PASS_BIT);
#undef VTEP_PASS_BIT

/* First use of a counter on any CPU. */
static __noinline void count_first(__u32 vni, __u32 reason, __u32 bytes)
{
	struct vtep_counter_key key = {.vni = vni, .reason = reason};
	struct vtep_counter value = {};

	/* -EEXIST: another CPU was faster, which is as good. */
	bpf_map_update_elem(&vtep_counters, &key, &value, BPF_NOEXIST);

	struct vtep_counter *counter = bpf_map_lookup_elem(&vtep_counters, &key);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline void count(__u32 vni, __u32 reason, __u32 bytes)
{
	struct vtep_counter_key key = {.vni = vni, .reason = reason};
	struct vtep_counter *counter = bpf_map_lookup_elem(&vtep_counters, &key);

	if (!counter) {
		count_first(vni, reason, bytes);
		return;
	}
	/* Not atomic: per CPU, and TC programs of one CPU do not interrupt one another. */
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline bool count_traffic(const struct frame *frame)
{
	__u32 at = frame->traffic;
	struct vtep_counter *counter = at ? bpf_map_lookup_elem(&vtep_traffic, &at) : NULL;

	if (!counter)
		return false;
	counter->packets++;
	counter->bytes += frame->len;
	return true;
}

static __always_inline int forward(struct frame *frame, __u32 reason, int action)
{
	frame->reason = reason;
	return action;
}

/* The same for what is counted by `kind` (VTEP_TRAFFIC_*) if its VNI has a slot. */
static __always_inline int forward_in_slot(struct frame *frame, __u32 reason, __u32 slot,
					   __u32 kind, int action)
{
	if (slot)
		frame->traffic = slot * VTEP_TRAFFIC_KINDS + kind;
	return forward(frame, reason, action);
}

/* The one exit of every program. */
static __always_inline int leave(const struct frame *frame, int verdict)
{
	if (verdict == 0)
		return TC_ACT_UNSPEC;
	if (verdict > 0) {
		if (!count_traffic(frame))
			count(frame->vni, frame->reason, frame->len);
		return verdict;
	}
	count(frame->vni, -verdict, frame->len);
	return vtep_pass_reasons >> -verdict & 1 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}
