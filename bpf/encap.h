/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VXLAN encapsulation (RFC 7348). A frame of any size, a 64 KB GSO frame too, stays one skb; the
 * device below, or the kernel in front of it, cuts it and completes each segment's headers.
 */
#pragma once

#include <linux/ipv6.h>

#include "cache.h"
#include "flow.h"
#include "kernel_skb.h"
#include "packet.h"
#include "protocol.h"
#include "segment.h"
#include "sport.h"
#include "verdict.h"
#include "vxlan.h"

#define ENCAP_FLAGS                                                                                \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |  \
	 BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN))

/* What has to be read from the frame before it grows. */
struct inner {
	__u32 len;
	__u32 hash;
	__be16 proto;
	__u8 ecn;
	bool whole; /* one packet with its checksum, whatever tunnel the skb says it is in */
};

/* Length of the longest frame that a GSO frame is cut into; 0 if that cannot be told. */
static __noinline __u32 segment_len(struct __sk_buff *skb, __u32 proto)
{
	__u32 at = ETH_HLEN + sizeof(struct ipv6hdr);
	__u8 upper, byte;

	if (proto == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &byte, 1) ||
		    bpf_skb_load_bytes(skb, ETH_HLEN + 9, &upper, 1))
			return 0;
		at = ETH_HLEN + (byte & 0xf) * 4;
	} else if (bpf_skb_load_bytes(skb, ETH_HLEN + 6, &upper, 1)) {
		return 0;
	}
	if (upper == PROTO_UDP)
		return at + sizeof(struct udphdr) + skb->gso_size;
	if (upper != PROTO_TCP || bpf_skb_load_bytes(skb, at + 12, &byte, 1))
		return 0;
	return at + (byte >> 4) * 4 + skb->gso_size;
}

static __always_inline bool too_big(struct __sk_buff *skb, const struct inner *inner, __u16 mtu)
{
	__u32 len = skb->gso_size ? segment_len(skb, inner->proto) : inner->len;

	return len > (__u32)mtu + ETH_HLEN;
}

/* IPv4 checksum of the template plus the words that it leaves zero (RFC 1071: order of bytes and
 * of words does not matter). */
static __always_inline __u16 outer_checksum(__u16 partial, __u8 tos, __be16 tot_len)
{
	return ~fold_sum((__u32)partial + bpf_htons(tos) + tot_len);
}

static __always_inline void write_outer(void *at, const struct vtep_outbound *way,
					const struct inner *inner)
{
	struct outer4 *outer = at;
	__u32 ip_len = VTEP_OUTER4_LEN + inner->len;
	/* Past 64 KB the field means "as long as the GSO frame is". */
	__be16 tot_len = ip_len > 0xffff ? 0 : bpf_htons(ip_len);
	__u8 tos = way->dscp << 2 | inner->ecn;
	__u32 *to = at;
	const __u32 *from = (const __u32 *)way->header;

	for (int i = 0; i < VTEP_OUTER4_LEN / 4; i++)
		to[i] = from[i];
	outer->ip.tos = tos;
	outer->ip.tot_len = tot_len;
	outer->ip.check = outer_checksum(outer->ip.check, tos, tot_len);
	outer->udp.source =
		bpf_htons(source_port(inner->hash, vtep_cfg.sport_min, vtep_cfg.sport_max));
	outer->udp.len = bpf_htons(ip_len - sizeof(struct iphdr));
	outer->vxlan.vni = bpf_htonl(way->port.vni << 8);
}

static __always_inline void copy_macs(struct ethhdr *to, const struct ethhdr *from)
{
	__u32 *t = (__u32 *)to;
	const __u32 *f = (const __u32 *)from;

	t[0] = f[0];
	t[1] = f[1];
	t[2] = f[2];
}

static __always_inline bool is_ip(__be16 proto)
{
	return proto == bpf_htons(ETH_P_IP) || proto == bpf_htons(ETH_P_IPV6);
}

/* Only IP can be encapsulated with offloads, which nothing else has or needs. Not twice: the kernel
 * refuses a frame that is encapsulated already, or was and still says so. */
static __always_inline bool with_offloads(const struct inner *inner)
{
	return is_ip(inner->proto) && !inner->whole;
}

/* Nothing is left to do to the frame, so that it can go without the kernel's notes on where its
 * inner headers are: they cost a third of the program. Not IPv6, for which skb->protocol would have
 * to be changed. */
static __always_inline bool is_whole(struct __sk_buff *skb, __be16 proto)
{
	return proto == bpf_htons(ETH_P_IP) && !skb->gso_size && has_whole_checksum(skb);
}

/* Puts 50 bytes in front of the frame, and Ethernet headers before and behind them; the outer one
 * has the inner MACs as placeholders. If it fails the frame is as it was. */
static __always_inline struct ethhdr *make_room(struct __sk_buff *skb, const struct inner *inner)
{
	__u64 flags = ENCAP_FLAGS;
	bool offloads = with_offloads(inner);
	long error;

	if (vtep_cfg.features & VTEP_FEATURE_ENCAP_L2_ETH)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	error = offloads ? bpf_skb_adjust_room(skb, VTEP_OVERHEAD4, BPF_ADJ_ROOM_MAC, flags)
			 : bpf_skb_change_head(skb, VTEP_OVERHEAD4, 0);
	if (error)
		return NULL;

	struct ethhdr *eth = header_at(skb, 0, ETH_HLEN + VTEP_OVERHEAD4);

	if (!eth)
		return NULL;

	struct ethhdr *inner_eth = (void *)eth + VTEP_OVERHEAD4;

	/* The one helper leaves the Ethernet header in front, the other where it was. */
	if (offloads)
		copy_macs(inner_eth, eth);
	else
		copy_macs(eth, inner_eth);
	inner_eth->h_proto = inner->proto;
	eth->h_proto = bpf_htons(ETH_P_IP);
	return eth;
}

/* The frame is addressed to one MAC. The kernel resolves the next hop and fills in the outer
 * Ethernet header. */
static __always_inline int encap(struct __sk_buff *skb, struct frame *frame, struct inner *inner,
				 const struct vtep_outbound *way)
{
	if (too_big(skb, inner, way->mtu))
		return -VTEP_TOO_BIG;
	inner->hash = flow_hash(skb, inner->proto);

	struct ethhdr *eth = make_room(skb, inner);

	if (!eth)
		return inner->whole ? -VTEP_ENCAP_FAILED
				    : cut_up(skb, frame, VTEP_SEG_ENDPOINT, VTEP_ENCAP_FAILED);
	write_outer(eth + 1, way, inner);
	/* Sending by next hop is for what the kernel takes for IP. */
	if (!with_offloads(inner) && inner->proto != bpf_htons(ETH_P_IP) && refresh_protocol(skb))
		return -VTEP_ENCAP_FAILED;

	struct bpf_redir_neigh hop = {.nh_family = 2 /* AF_INET */, .ipv4_nh = way->next_hop};

	return forward_in_slot(frame, VTEP_ENCAP, way->slot, VTEP_TRAFFIC_ENCAP,
			       bpf_redirect_neigh(way->ifindex, &hop, sizeof(hop), 0));
}
