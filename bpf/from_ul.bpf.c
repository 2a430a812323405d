// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the underlay device: VXLAN for this VTEP in a VNI that has an endpoint here is
 * decapsulated and delivered, or dropped for a reason. All else goes on untouched to the next
 * program and the host's stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "decap.h"
#include "ecn.h"
#include "event.h"
#include "outer.h"
#include "packet.h"
#include "receive.h"
#include "verdict.h"
#include "vxlan.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int not_member(const struct __sk_buff *skb, __u32 vni, __be32 source)
{
	struct vtep_event event = {.reason = VTEP_NOT_MEMBER, .vni = vni, .ifindex = skb->ifindex};

	map_addr4(event.addr, source);
	raise_event(&event);
	return -VTEP_NOT_MEMBER;
}

/* The frame belongs to `frame->vni`. */
static __always_inline int receive(struct __sk_buff *skb, struct frame *frame)
{
	const struct vxlan_frame4 *head = header_at(skb, 0, sizeof(*head));
	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));
	struct delivery to;
	int verdict;

	if (!outer)
		return -VTEP_OUTER_LENGTH;
	verdict = check_outer(outer, skb->len, skb->gso_size);
	if (verdict)
		return verdict;
	if (!head)
		return -VTEP_OUTER_LENGTH;
	if (!is_member(frame->vni, outer->ip.saddr))
		return not_member(skb, frame->vni, outer->ip.saddr);
	verdict = find_endpoint(&head->inner, frame->vni, &to.target);
	if (verdict)
		return verdict;

	const __u32 *macs = (const __u32 *)&head->inner;

	to.macs[0] = macs[0];
	to.macs[1] = macs[1];
	to.macs[2] = macs[2];
	to.proto = head->inner.h_proto;
	to.end = ETH_HLEN + bpf_ntohs(outer->ip.tot_len);
	verdict = merge_ecn(skb, outer->ip.tos, to.proto);
	if (verdict)
		return verdict;
	frame->len -= VTEP_OVERHEAD4;
	return decap(skb, frame, &to);
}

static __always_inline int from_ul(struct __sk_buff *skb, struct frame *frame)
{
	if (!is_for_us(skb))
		return 0;
	/* With the inner IP header, for its congestion mark. */
	if (make_readable(skb, sizeof(struct vxlan_frame4) + sizeof(struct ipv6hdr)))
		return 0;

	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));

	if (!outer || !is_our_udp(&outer->ip))
		return 0;

	int vni = read_vni(skb, &outer->ip);

	if (vni < 0)
		return 0;

	__u32 key = vni;

	if (!bpf_map_lookup_elem(&vtep_vnis, &key))
		return -VTEP_FOREIGN_VNI;
	frame->vni = key;
	return receive(skb, frame);
}

SEC("tc")
int vtep_from_ul(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_ul(skb, &frame));
}
