/* SPDX-License-Identifier: GPL-2.0-only */
/* Hand a frame to an endpoint of this host. */
#pragma once

#include "packet.h"

/*
 * To the endpoint behind `ifindex`, its host end: into the other namespace without a queue in
 * between. An endpoint in the agent's own namespace is addressed by its own interface.
 */
static __always_inline int deliver(struct __sk_buff *skb, __u32 ifindex, bool same_netns)
{
	if (same_netns)
		return bpf_redirect(ifindex, BPF_F_INGRESS);
	/* The type was decided by the MAC of the interface where the frame came in; a frame for
	 * another host would be dropped behind redirect_peer, which does not look again. */
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}
