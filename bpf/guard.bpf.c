// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that let nothing through. `vtep_ep_guard` on TC egress of the host end of an
 * endpoint's pair: what the host itself would send there; endpoints get their frames past it.
 * `vtep_drop_all` behind another program on the same hook, for the moment in which that is gone,
 * and on the ingress of the idle vxlan device.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int guard(const struct __sk_buff *skb, struct frame *frame)
{
	__u32 ifindex = skb->ifindex;
	const struct vtep_port *port = bpf_map_lookup_elem(&vtep_ports, &ifindex);

	if (port)
		frame->vni = port->vni;
	return -VTEP_GUARD;
}

SEC("tc")
int vtep_ep_guard(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, guard(skb, &frame));
}

SEC("tc")
int vtep_drop_all(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, guard(skb, &frame));
}
