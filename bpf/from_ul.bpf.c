// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the underlay device: VXLAN for this VTEP in a VNI that has an endpoint here is
 * decapsulated and delivered, or dropped for a reason. All else goes on untouched to the next
 * program and the host's stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "inbound.h"
#include "outer.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int from_ul(struct __sk_buff *skb, struct frame *frame)
{
	return is_for_us(skb) ? take_vxlan(skb, frame) : 0;
}

SEC("tc")
int vtep_from_ul(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_ul(skb, &frame));
}
