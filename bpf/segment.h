/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame that the kernel merged in a tunnel, or that is in one, has state of that tunnel, which no
 * helper takes off, and which is in the way of another. So it is sent through a pair of veths whose
 * sending end has no offloads: the kernel cuts it up and completes its checksums, and what comes
 * out behind, at vtep_from_seg, are packets that need nothing of that state.
 */
#pragma once

#include "verdict.h"

/* `from` is VTEP_SEG_*; `failure` the reason if there is no such pair. */
static __always_inline int cut_up(struct __sk_buff *skb, struct frame *frame, __u16 from,
				  __u32 failure)
{
	__u32 slot = 0;
	const __u32 *device = bpf_map_lookup_elem(&vtep_seg, &slot);

	if (!device || !*device)
		return -(int)failure;
	skb->mark = skb->ifindex;
	skb->tc_index = from;
	return forward(frame, VTEP_SEGMENTED, bpf_redirect(*device, 0));
}
