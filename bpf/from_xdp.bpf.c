// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the underlay device in xdp mode, in front of vtep_from_ul: delivers what vtep_strip
 * stripped, by now merged with the rest of its flow. `vtep_ul_guard` behind it drops such a frame
 * while this program is missing; to the host's stack it would look like one from the underlay.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "deliver.h"
#include "metadata.h"
#include "packet.h"
#include "receive.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int from_xdp(struct __sk_buff *skb, struct frame *frame)
{
	const struct vtep_inbound *to;
	struct arrival of = {.key.stripped = 1};
	const struct ethhdr *eth;
	int verdict;

	frame->vni = stripped_vni(skb);
	if (!frame->vni)
		return 0;
	/* XDP does not see a tag that the device took off. */
	if (skb->vlan_present && skb->vlan_tci & VLAN_ID_MASK)
		return -VTEP_VLAN_TAGGED;
	eth = header_at(skb, 0, sizeof(*eth));
	if (!eth)
		return -VTEP_INNER_MALFORMED;
	verdict = check_inner(eth);
	if (verdict)
		return verdict;
	of.key.vni = frame->vni;
	of.key.mac = load_mac(eth->h_dest);
	look_up_arrival(&of);
	verdict = is_vni_here(&of) ? find_endpoint(&of) : -VTEP_NOT_LOCAL;
	if (verdict)
		return verdict;
	to = of.entry;
	if (!to)
		return -VTEP_NOT_LOCAL;
	/* A priority tag of the underlay ends with the underlay. */
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return -VTEP_DECAP_FAILED;
	/* A receive queue of the underlay means nothing to whoever sends this on. */
	skb->queue_mapping = 0;
	return forward_in_slot(frame, VTEP_DECAP, to->slot, VTEP_TRAFFIC_DECAP,
			       deliver(skb, to->ifindex, to->flags & VTEP_FDB_SAME_NETNS));
}

SEC("tc")
int vtep_from_xdp(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_xdp(skb, &frame));
}

SEC("tc")
int vtep_ul_guard(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	frame.vni = stripped_vni(skb);
	return leave(&frame, frame.vni ? -VTEP_GUARD : 0);
}
