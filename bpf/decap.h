/* SPDX-License-Identifier: GPL-2.0-only */
/* Strip the outer header and deliver to a local endpoint. */
#pragma once

#include <linux/ipv6.h>

#include "deliver.h"
#include "packet.h"
#include "protocol.h"
#include "receive.h"
#include "verdict.h"
#include "vxlan.h"

/* A frame shorter than this is padded, as on any Ethernet. */
#define MIN_FRAME 60

/* What is taken out of the headers before they move. */
struct delivery {
	__u32 end; /* of the outer packet, counted from the outer Ethernet header */
	__u32 macs[3];
	__be16 proto;
	const struct vtep_inbound *target;
};

/* Makes the frame end where the outer packet ends: what follows is padding of the underlay. And
 * makes it long enough to be stripped: the kernel leaves at least the fixed IP header behind the
 * Ethernet header. A merged frame is long enough, and its lengths are those of the device.
 * Failure shows when the frame is stripped, or does no harm. */
static __always_inline void fit(struct __sk_buff *skb, __u32 end, __u32 min_payload)
{
	if (end < sizeof(struct vxlan_frame4) + min_payload)
		end = VTEP_OVERHEAD4 + MIN_FRAME;
	if (end != skb->len && !skb->gso_size)
		bpf_skb_change_tail(skb, end, 0);
}

/* Removes 50 bytes behind the Ethernet header. `protocol_set` tells whether skb->protocol is that
 * of the inner frame afterwards. */
static __always_inline int strip(struct __sk_buff *skb, const struct delivery *to,
				 bool *protocol_set)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	__u32 min_payload = sizeof(struct iphdr);

	*protocol_set = to->proto == bpf_htons(ETH_P_IP);
	if (to->proto == bpf_htons(ETH_P_IPV6) && vtep_cfg.features & VTEP_FEATURE_DECAP_L3) {
		flags |= BPF_F_ADJ_ROOM_DECAP_L3_IPV6;
		min_payload = sizeof(struct ipv6hdr);
		*protocol_set = true;
	}
	fit(skb, to->end, min_payload);
	return bpf_skb_adjust_room(skb, -VTEP_OVERHEAD4, BPF_ADJ_ROOM_MAC, flags);
}

static __always_inline int decap(struct __sk_buff *skb, struct frame *frame,
				 const struct delivery *to)
{
	bool protocol_set;

	/* A priority tag of the underlay ends with the underlay. */
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return -VTEP_DECAP_FAILED;
	if (strip(skb, to, &protocol_set))
		return -VTEP_DECAP_FAILED;

	struct ethhdr *eth = header_at(skb, 0, sizeof(*eth));
	__u32 *macs = (__u32 *)eth;

	if (!eth)
		return -VTEP_DECAP_FAILED;
	macs[0] = to->macs[0];
	macs[1] = to->macs[1];
	macs[2] = to->macs[2];
	eth->h_proto = to->proto;
	if (!protocol_set && refresh_protocol(skb))
		return -VTEP_DECAP_FAILED;
	/* The outer UDP checksum, absent or not, was the first of those that were verified: the
	 * next one counts as verified only if the device or GRO said so. Fails if none was. */
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	/* A receive queue of the underlay means nothing to whoever sends this on. */
	skb->queue_mapping = 0;
	return forward_in_slot(
		frame, VTEP_DECAP, to->target->slot, VTEP_TRAFFIC_DECAP,
		deliver(skb, to->target->ifindex, to->target->flags & VTEP_FDB_SAME_NETNS));
}
