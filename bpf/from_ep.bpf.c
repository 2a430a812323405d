// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the host end of an endpoint's veth: what the endpoint sends. Ends in another
 * endpoint, on the underlay, back at the sender as an answer, or nowhere; never in the host's
 * stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "arp.h"
#include "event.h"
#include "forward.h"
#include "ipv4.h"
#include "ipv6.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

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

static __always_inline int from_ep(struct __sk_buff *skb, struct frame *frame)
{
	struct sender from = {.ifindex = skb->ifindex};
	struct inner inner = {.len = skb->len};

	from.port = bpf_map_lookup_elem(&vtep_ports, &from.ifindex);
	if (!from.port)
		return -VTEP_NO_PORT;
	frame->vni = from.port->vni;
	if (skb->vlan_present)
		return -VTEP_VLAN_TAGGED;
	if (make_readable(skb, READABLE))
		return -VTEP_MALFORMED;

	const struct ethhdr *eth = header_at(skb, 0, sizeof(*eth));

	if (!eth)
		return -VTEP_MALFORMED;

	struct vtep_fdb_key to = {.vni = frame->vni};
	bool bum = is_multicast_mac(eth->h_dest);

	store_mac_padded(to.mac, load_mac(eth->h_dest));
	inner.proto = eth->h_proto;
	from.mac = load_mac(eth->h_source);
	from.bum = bum;
	if (is_multicast_mac(eth->h_source) || (!unchecked(&from) && !mac_allowed(&from, from.mac)))
		return spoofed_mac(&from);

	int verdict = check_source(skb, frame, &from, inner.proto);

	if (verdict)
		return verdict;
	if (bum)
		return -VTEP_BUM;
	inner.ecn = from.ecn;
	return switch_frame(skb, frame, &inner, &to);
}

SEC("tc")
int vtep_from_ep(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_ep(skb, &frame));
}
