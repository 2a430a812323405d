// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP on the underlay device: takes the outer header off a frame for an endpoint of this host,
 * before the kernel merges frames, and notes its VNI. All else of ours, whatever is wrong with it,
 * goes on untouched to the TC program, which drops and counts it.
 */
#include <linux/bpf.h>
#include <linux/ipv6.h>

#include <bpf/bpf_helpers.h>

#include "ecn.h"
#include "outer.h"
#include "packet.h"
#include "receive.h"
#include "vxlan.h"

char LICENSE[] SEC("license") = "GPL";

/* Shorter inner frames are padded, which is left to the TC program. */
#define SHORTEST (sizeof(struct vxlan_frame4) + sizeof(struct iphdr))

/* The headers of a frame that may be stripped, NULL if it ends before. */
static __always_inline struct vxlan_frame4 *head_of(const struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	return data + SHORTEST > end ? NULL : data;
}

static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
	if (vtep_cfg.features & VTEP_FEATURE_XDP_FRAGS)
		return bpf_xdp_get_buff_len(ctx);
	return (long)ctx->data_end - (long)ctx->data;
}

/* What costs least first: most of what a host receives is not VXLAN. */
static __always_inline bool may_be_ours(const struct vxlan_frame4 *head)
{
	const struct outer4 *outer = (const void *)head + ETH_HLEN;

	return head->eth.h_proto == bpf_htons(ETH_P_IP) && is_our_udp(&outer->ip) &&
	       outer->udp.dest == vtep_cfg.port;
}

/* Good VXLAN for this device and an endpoint of this host. */
static __always_inline bool is_for_endpoint(const struct vxlan_frame4 *head, __u32 len,
					    const __u8 *mac, struct arrival *of)
{
	const struct outer4 *outer = (const void *)head + ETH_HLEN;

	if (load_mac(head->eth.h_dest) != load_mac(mac) || check_outer(outer, len, false))
		return false;
	of->key.vni = bpf_ntohl(outer->vxlan.vni) >> 8;
	of->key.source = outer->ip.saddr;
	of->key.mac = load_mac(head->inner.h_dest);
	look_up_arrival(of);
	return is_vni_here(of) && is_member(of) && !check_inner(&head->inner) && !find_endpoint(of);
}

/* RFC 6040, as the TC program does it. False if the frame has to be dropped. */
static __always_inline bool mark(struct vxlan_frame4 *head, const void *end)
{
	__u8 outer = head->outer.ip.tos & ECN_MASK;
	struct iphdr *ip = (void *)(head + 1);
	struct ipv6hdr *ip6 = (void *)(head + 1);
	int ecn;

	if (outer != ECN_CE && outer != ECN_ECT_1)
		return true;
	if (head->inner.h_proto == bpf_htons(ETH_P_IP)) {
		ecn = merged_ecn(outer, ip->tos & ECN_MASK);
		if (ecn >= 0)
			set_ecn4(ip, ecn);
		return ecn >= 0;
	}
	if (head->inner.h_proto != bpf_htons(ETH_P_IPV6))
		return true;
	if ((void *)(ip6 + 1) > end)
		return false;
	ecn = merged_ecn(outer, ip6->flow_lbl[0] >> 4 & ECN_MASK);
	if (ecn >= 0)
		ip6->flow_lbl[0] = (ip6->flow_lbl[0] & ~(ECN_MASK << 4)) | ecn << 4;
	return ecn >= 0;
}

/* Takes the outer header off. A device without metadata gets its frame back as it was. */
static __always_inline int unwrap(struct xdp_md *ctx, __u32 vni, __u32 cookie)
{
	if (bpf_xdp_adjust_head(ctx, VTEP_OVERHEAD4))
		return XDP_PASS;
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct vtep_meta)))
		/* It fits, there it came from; an inner frame never goes on without metadata. */
		return bpf_xdp_adjust_head(ctx, -VTEP_OVERHEAD4) ? XDP_ABORTED : XDP_PASS;

	struct vtep_meta *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	meta->cookie = cookie;
	meta->vni = vni;
	return XDP_PASS;
}

static __always_inline int strip(struct xdp_md *ctx)
{
	struct vxlan_frame4 *head = head_of(ctx);
	__u32 ifindex = ctx->ingress_ifindex;
	struct arrival of = {};

	if (!head || !may_be_ours(head))
		return XDP_PASS;

	const struct vtep_underlay *device = bpf_map_lookup_elem(&vtep_underlays, &ifindex);

	if (!device)
		return XDP_PASS;

	__u32 len = frame_len(ctx);
	__u32 end = ETH_HLEN + bpf_ntohs(head->outer.ip.tot_len);

	if (end < SHORTEST || !is_for_endpoint(head, len, device->mac, &of))
		return XDP_PASS;
	/* What follows the outer packet is padding of the underlay. */
	if (len > end && bpf_xdp_adjust_tail(ctx, (int)(end - len)))
		return XDP_PASS;
	head = head_of(ctx);
	if (!head || !mark(head, (void *)(long)ctx->data_end))
		return XDP_PASS;
	return unwrap(ctx, of.key.vni, device->cookie);
}

SEC("xdp")
int vtep_strip(struct xdp_md *ctx)
{
	return strip(ctx);
}
