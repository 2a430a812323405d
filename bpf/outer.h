/* SPDX-License-Identifier: GPL-2.0-only */
/* What comes from the underlay: is it ours, and is it right. */
#pragma once

#include "packet.h"
#include "verdict.h"
#include "vxlan.h"

#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET_MASK 0x1fff

/* On this device, not on a VLAN above it, and for this host. A priority tag (VLAN 0) is no VLAN. */
static __always_inline bool is_for_us(const struct __sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && skb->protocol == bpf_htons(ETH_P_IP) &&
	       !(skb->vlan_present && skb->vlan_tci & VLAN_ID_MASK);
}

/* UDP to our VTEP address, and not a later fragment, which has no UDP header. */
static __always_inline bool is_our_udp(const struct iphdr *ip)
{
	return ip->version == 4 && ip->ihl >= 5 && ip->protocol == PROTO_UDP &&
	       ip->daddr == *(const volatile __be32 *)vtep_cfg.vtep4 &&
	       !(ip->frag_off & bpf_htons(IP_OFFSET_MASK));
}

/* The VNI behind `ip`; negative if this is not VXLAN. IPv4 options move what follows. */
static __always_inline int read_vni(struct __sk_buff *skb, const struct iphdr *ip)
{
	struct {
		struct udphdr udp;
		struct vxlan vxlan;
	} head;

	if (ip->ihl == 5)
		head = *(typeof(head) *)(ip + 1);
	else if (bpf_skb_load_bytes(skb, ETH_HLEN + ip->ihl * 4, &head, sizeof(head)))
		return -1;
	return head.udp.dest == vtep_cfg.port ? (int)(bpf_ntohl(head.vxlan.vni) >> 8) : -1;
}

/* Of a header without options; one with options is dropped whatever its checksum. */
static __always_inline bool checksum_ok(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;

	for (int i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += word[i];
	return fold_sum(sum) == 0xffff;
}

/* IP and UDP agree, and the frame of `len` bytes has it all. A frame past 64 KB that the kernel
 * merged, or that a neighbour namespace sent whole, has no length in its header. */
static __always_inline bool lengths_ok(const struct outer4 *outer, __u32 len, bool merged)
{
	__u32 ip_len = bpf_ntohs(outer->ip.tot_len);
	__u32 udp_len = bpf_ntohs(outer->udp.len);

	if (!ip_len)
		return merged;
	return udp_len + sizeof(outer->ip) == ip_len && ip_len >= VTEP_OVERHEAD4 &&
	       ip_len + ETH_HLEN <= len;
}

/* 0, or a negative reason. */
static __always_inline int check_outer(const struct outer4 *outer, __u32 len, bool merged)
{
	if (outer->ip.ihl != 5)
		return -VTEP_OUTER_OPTIONS;
	if (!checksum_ok(&outer->ip))
		return -VTEP_OUTER_CHECKSUM;
	if (outer->ip.frag_off & bpf_htons(IP_MORE_FRAGMENTS))
		return -VTEP_OUTER_FRAGMENT;
	if (!lengths_ok(outer, len, merged))
		return -VTEP_OUTER_LENGTH;
	/* Reserved bits are ignored on receipt. */
	return outer->vxlan.flags & VXLAN_FLAG_VNI ? 0 : -VTEP_VXLAN_FLAGS;
}
