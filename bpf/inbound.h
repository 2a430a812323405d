/* SPDX-License-Identifier: GPL-2.0-only */
/* VXLAN in an skb: checked, stripped and delivered, or dropped for a reason. */
#pragma once

#include <linux/ipv6.h>

#include "decap.h"
#include "ecn.h"
#include "event.h"
#include "outer.h"
#include "packet.h"
#include "receive.h"
#include "segment.h"
#include "verdict.h"
#include "vxlan.h"

static __always_inline int not_member(const struct __sk_buff *skb, __u32 vni, __be32 source)
{
	struct vtep_event event = {.reason = VTEP_NOT_MEMBER, .vni = vni, .ifindex = skb->ifindex};

	map_addr4(event.addr, source);
	raise_event(&event);
	return -VTEP_NOT_MEMBER;
}

/*
 * The kernel takes the tunnel's state, which stays on a merged frame, for the frame's own when it
 * cuts that up again; only for TCP it does not look. A tunnel of the endpoint is among the rest.
 */
static __always_inline bool has_to_be_cut(const struct __sk_buff *skb, __be16 proto)
{
	const struct iphdr *ip = header_at(skb, INNER_IP_OFFSET, sizeof(*ip));
	const struct ipv6hdr *ip6 = header_at(skb, INNER_IP_OFFSET, sizeof(*ip6));

	if (!skb->gso_size)
		return false;
	if (proto == bpf_htons(ETH_P_IP))
		return !ip || ip->protocol != PROTO_TCP;
	return proto != bpf_htons(ETH_P_IPV6) || !ip6 || ip6->nexthdr != PROTO_TCP;
}

/* The frame belongs to a VNI of this host. */
static __always_inline int receive(struct __sk_buff *skb, struct frame *frame, struct arrival *of)
{
	const struct vxlan_frame4 *head = header_at(skb, 0, sizeof(*head));
	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));
	struct delivery to = {};
	int verdict;

	if (!outer)
		return -VTEP_OUTER_LENGTH;
	verdict = check_outer(outer, skb->len, skb->gso_size);
	if (verdict)
		return verdict;
	if (!head)
		return -VTEP_OUTER_LENGTH;
	if (!is_member(of))
		return not_member(skb, of->key.vni, of->key.source);
	verdict = check_inner(&head->inner);
	if (verdict)
		return verdict;
	verdict = find_endpoint(of);
	if (verdict)
		return verdict;
	to.target = of->entry;
	if (!to.target)
		return -VTEP_NOT_LOCAL;

	const __u32 *macs = (const __u32 *)&head->inner;

	to.macs[0] = macs[0];
	to.macs[1] = macs[1];
	to.macs[2] = macs[2];
	to.proto = head->inner.h_proto;
	to.end = ETH_HLEN + bpf_ntohs(outer->ip.tot_len);
	if (has_to_be_cut(skb, to.proto))
		return cut_up(skb, frame, VTEP_SEG_UNDERLAY, VTEP_DECAP_FAILED);
	verdict = merge_ecn(skb, outer->ip.tos, to.proto);
	if (verdict)
		return verdict;
	frame->len -= VTEP_OVERHEAD4;
	return decap(skb, frame, &to);
}

/* 0 if it is not VXLAN for this VTEP. */
static __always_inline int take_vxlan(struct __sk_buff *skb, struct frame *frame)
{
	/* With the inner IP header, for its congestion mark. */
	if (make_readable(skb, sizeof(struct vxlan_frame4) + sizeof(struct ipv6hdr)))
		return 0;

	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));

	if (!outer || !is_our_udp(&outer->ip))
		return 0;

	struct arrival of = {.key.source = outer->ip.saddr};
	int vni = read_vni(skb, &outer->ip);

	if (vni < 0)
		return 0;
	of.key.vni = vni;

	const struct vxlan_frame4 *head = header_at(skb, 0, sizeof(*head));

	/* A frame that ends before is never known. */
	if (head)
		of.key.mac = load_mac(head->inner.h_dest);
	look_up_arrival(&of);
	if (!is_vni_here(&of))
		return -VTEP_FOREIGN_VNI;
	frame->vni = vni;
	return receive(skb, frame, &of);
}
