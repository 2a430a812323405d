// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs in the endpoint's own sending where its interface is a netkit device, before there is a
 * queue. What is for another host goes to the underlay from here. Everything else goes on into the
 * host end, where vtep_from_ep takes it as from a veth: delivery on this host, by redirect_peer, is
 * for TC ingress alone. skb->ifindex is the host end's already.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "sent.h"

char LICENSE[] SEC("license") = "GPL";

/* May have no answer and no event: those are vtep_from_ep's, which would see the frame again. */
static __always_inline bool is_plain(const struct __sk_buff *skb, __be16 proto)
{
	const struct ipv6hdr *ip6 = header_at(skb, ETH_HLEN, sizeof(*ip6));

	if (proto == bpf_htons(ETH_P_IP))
		return true;
	return proto == bpf_htons(ETH_P_IPV6) && ip6 &&
	       (ip6->nexthdr == PROTO_TCP || ip6->nexthdr == PROTO_UDP);
}

static __always_inline int from_nk(struct __sk_buff *skb, struct frame *frame)
{
	struct sender from = {};
	struct inner inner = {};
	int verdict = read_sent(skb, frame, &from, &inner);

	if (verdict)
		return verdict;
	if (from.bum || !is_plain(skb, inner.proto))
		return 0;

	if ((!from.way->epoch && find_way(from.way, &from)) || !from.way->vtep)
		return 0;
	verdict = check_source(skb, frame, &from, inner.proto);
	if (verdict)
		return verdict;
	inner.ecn = from.ecn;
	return encap(skb, frame, &inner, from.way);
}

SEC("tc")
int vtep_from_nk(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_nk(skb, &frame));
}
