/* SPDX-License-Identifier: GPL-2.0-only */
/* What an endpoint sends: which port it comes from, where it is meant to go, and may it say so. */
#pragma once

#include "arp.h"
#include "event.h"
#include "forward.h"
#include "ipv4.h"
#include "ipv6.h"
#include "verdict.h"

/* Everything that is read directly: up to the target of a neighbour solicitation. */
#define READABLE (ND_OFFSET + sizeof(struct nd_message))

static __always_inline int spoofed_mac(const struct sender *from)
{
	struct vtep_event event = {
		.reason = VTEP_SPOOF_MAC, .vni = from->port->vni, .ifindex = from->ifindex};

	store_mac_padded(event.mac, from->mac);
	raise_event(&event);
	return -VTEP_SPOOF_MAC;
}

static __always_inline int check_source(struct __sk_buff *skb, struct frame *frame,
					struct sender *from, __be16 proto)
{
	switch (proto) {
	case bpf_htons(ETH_P_IP):
		return handle_ipv4(skb, from);
	case bpf_htons(ETH_P_IPV6):
		return handle_ipv6(skb, frame, from);
	case bpf_htons(ETH_P_ARP):
		return handle_arp(skb, frame, from);
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return -VTEP_VLAN_TAGGED;
	default:
		return 0;
	}
}

/* Port, MACs and type of the frame. 0, or a negative reason. */
static __always_inline int read_sent(struct __sk_buff *skb, struct frame *frame,
				     struct sender *from, struct inner *inner)
{
	bool readable = !make_readable(skb, READABLE);
	const struct ethhdr *eth = header_at(skb, 0, sizeof(*eth));

	from->ifindex = skb->ifindex;
	from->to = eth ? load_mac(eth->h_dest) : 0;
	inner->len = skb->len;
	if (!find_port(from))
		return -VTEP_NO_PORT;
	frame->vni = from->port->vni;
	if (skb->vlan_present)
		return -VTEP_VLAN_TAGGED;
	if (!readable || !eth)
		return -VTEP_MALFORMED;
	inner->proto = eth->h_proto;
	from->mac = load_mac(eth->h_source);
	from->bum = is_multicast_mac(eth->h_dest);
	if (is_multicast_mac(eth->h_source) || (!unchecked(from) && !mac_allowed(from, from->mac)))
		return spoofed_mac(from);
	return 0;
}
