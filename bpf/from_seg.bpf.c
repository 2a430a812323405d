// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the pair's receiving end: what the kernel cut up between its ends, see segment.h.
 * Continues where the program left off that sent it there. Nothing else comes out of the pair.
 */
#include <linux/bpf.h>
#include <linux/ipv6.h>

#include <bpf/bpf_helpers.h>

#include "ecn.h"
#include "forward.h"
#include "inbound.h"
#include "packet.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u8 ecn_of(const struct __sk_buff *skb, __be16 proto)
{
	const struct iphdr *ip = header_at(skb, ETH_HLEN, sizeof(*ip));
	const struct ipv6hdr *ip6 = header_at(skb, ETH_HLEN, sizeof(*ip6));

	if (proto == bpf_htons(ETH_P_IP))
		return ip ? ip->tos & ECN_MASK : 0;
	return ip6 ? ip6->flow_lbl[0] >> 4 & ECN_MASK : 0;
}

/* Its source was checked by vtep_from_ep. */
static __always_inline int from_endpoint(struct __sk_buff *skb, struct frame *frame, __u32 ifindex)
{
	bool readable = !make_readable(skb, ETH_HLEN + sizeof(struct ipv6hdr));
	const struct ethhdr *eth = header_at(skb, 0, sizeof(*eth));
	struct sender from = {.ifindex = ifindex, .to = eth ? load_mac(eth->h_dest) : 0};
	struct inner inner = {.len = skb->len, .whole = true};

	if (!find_port(&from))
		return -VTEP_NO_PORT;
	frame->vni = from.port->vni;
	if (!readable || !eth)
		return -VTEP_MALFORMED;
	inner.proto = eth->h_proto;
	inner.ecn = ecn_of(skb, inner.proto);
	return switch_frame(skb, frame, &inner, &from);
}

/* What is no VXLAN of ours any more must not pass from here either. */
static __always_inline int from_underlay(struct __sk_buff *skb, struct frame *frame)
{
	int verdict = take_vxlan(skb, frame);

	return verdict && verdict != -VTEP_FOREIGN_VNI ? verdict : -VTEP_GUARD;
}

static __always_inline int from_seg(struct __sk_buff *skb, struct frame *frame)
{
	__u32 from = skb->tc_index;
	__u32 mark = skb->mark;

	/* Nobody behind shall see what is between our programs. Not cut up, it would come here
	 * again. */
	skb->tc_index = 0;
	skb->mark = 0;
	if (skb->gso_size)
		return -VTEP_GUARD;
	if (from == VTEP_SEG_ENDPOINT)
		return from_endpoint(skb, frame, mark);
	return from == VTEP_SEG_UNDERLAY ? from_underlay(skb, frame) : -VTEP_GUARD;
}

SEC("tc")
int vtep_from_seg(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_seg(skb, &frame));
}
