/* SPDX-License-Identifier: GPL-2.0-only */
/* Congestion marks across the tunnel (RFC 6040 section 4.2). */
#pragma once

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "packet.h"
#include "verdict.h"
#include "vxlan.h"

#define ECN_MASK 3
#define ECN_NOT_ECT 0
#define ECN_ECT_1 1
#define ECN_ECT_0 2
#define ECN_CE 3

#define INNER_IP_OFFSET sizeof(struct vxlan_frame4)

/* What the inner field becomes, or a negative reason. */
static __always_inline int merged_ecn(__u8 outer, __u8 inner)
{
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? -VTEP_ECN : ECN_CE;
	return outer == ECN_ECT_1 && inner == ECN_ECT_0 ? ECN_ECT_1 : inner;
}

/* The word of version, header length and TOS changes, the checksum with it (RFC 1624). */
static __always_inline void set_ecn4(struct iphdr *ip, __u8 ecn)
{
	__be16 *first = (__be16 *)ip;
	__u16 before = *first;

	ip->tos = (ip->tos & ~ECN_MASK) | ecn;
	ip->check = ~fold_sum((__u16)~ip->check + (__u16)~before + *first);
}

static __always_inline int merge_ecn4(struct __sk_buff *skb, __u8 outer)
{
	struct iphdr *ip = header_at(skb, INNER_IP_OFFSET, sizeof(*ip));

	if (!ip)
		return -VTEP_INNER_MALFORMED;

	int ecn = merged_ecn(outer, ip->tos & ECN_MASK);

	if (ecn < 0)
		return ecn;
	if (ecn != (ip->tos & ECN_MASK))
		set_ecn4(ip, ecn);
	return 0;
}

/* There is no header checksum, so the sum that the device may have taken over the frame changes. */
static __always_inline int merge_ecn6(struct __sk_buff *skb, __u8 outer)
{
	const struct ipv6hdr *ip6 = header_at(skb, INNER_IP_OFFSET, sizeof(*ip6));

	if (!ip6)
		return -VTEP_INNER_MALFORMED;

	__be16 first = *(const __be16 *)ip6;
	__u8 field = ip6->flow_lbl[0] >> 4 & ECN_MASK;
	int ecn = merged_ecn(outer, field);

	if (ecn < 0)
		return ecn;
	if (ecn == field)
		return 0;
	first ^= bpf_htons((ecn ^ field) << 4);
	return bpf_skb_store_bytes(skb, INNER_IP_OFFSET, &first, sizeof(first),
				   BPF_F_RECOMPUTE_CSUM)
		       ? -VTEP_DECAP_FAILED
		       : 0;
}

/* 0, or a negative reason. Frames without an IP header have no place for a mark. */
static __always_inline int merge_ecn(struct __sk_buff *skb, __u8 outer_tos, __be16 proto)
{
	__u8 outer = outer_tos & ECN_MASK;

	if (outer != ECN_CE && outer != ECN_ECT_1)
		return 0;
	if (proto == bpf_htons(ETH_P_IP))
		return merge_ecn4(skb, outer);
	return proto == bpf_htons(ETH_P_IPV6) ? merge_ecn6(skb, outer) : 0;
}
