/* SPDX-License-Identifier: GPL-2.0-only */
/* skb->protocol, which no helper sets. */
#pragma once

#include "packet.h"

/*
 * Makes skb->protocol what the EtherType of the frame says. The kernel looks at the EtherType when
 * it takes a VLAN tag out of the frame, so one is put there first: a first push is only noted
 * beside the frame, a second moves the first one into it; two pops take both away again.
 */
static __always_inline int refresh_protocol(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 1) ||
	    bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 1) || bpf_skb_vlan_pop(skb))
		return -1;
	return bpf_skb_vlan_pop(skb);
}
