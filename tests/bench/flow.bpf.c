// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host of the subject flow-based: one vxlan device for all networks, and programs that say for
 * each frame where it goes.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow_key);
	__type(value, struct flow_target);
} flow_targets SEC(".maps");

const volatile __u32 flow_vxlan; /* ifindex of the vxlan device */

static __always_inline struct flow_target *find(struct __sk_buff *skb, __u32 vni)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct flow_key key = {.vni = vni};

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return NULL;
	__builtin_memcpy(key.mac, eth->h_dest, ETH_ALEN);
	return bpf_map_lookup_elem(&flow_targets, &key);
}

/* TC ingress of an endpoint's host end. */
SEC("tc")
int flow_from_ep(struct __sk_buff *skb)
{
	struct bpf_tunnel_key tunnel = {.tunnel_id = FLOW_VNI, .tunnel_ttl = 64};
	const struct flow_target *target = find(skb, FLOW_VNI);

	if (!target)
		return TC_ACT_SHOT;
	if (target->ifindex)
		return bpf_redirect_peer(target->ifindex, 0);
	tunnel.remote_ipv4 = target->vtep;
	if (bpf_skb_set_tunnel_key(skb, &tunnel, sizeof(tunnel), BPF_F_ZERO_CSUM_TX))
		return TC_ACT_SHOT;
	return bpf_redirect(flow_vxlan, 0);
}

/* TC ingress of the vxlan device. */
SEC("tc")
int flow_from_vxlan(struct __sk_buff *skb)
{
	struct bpf_tunnel_key tunnel = {};
	const struct flow_target *target;

	if (bpf_skb_get_tunnel_key(skb, &tunnel, sizeof(tunnel), 0))
		return TC_ACT_SHOT;
	target = find(skb, tunnel.tunnel_id);
	if (!target || !target->ifindex)
		return TC_ACT_SHOT;
	if (skb->pkt_type != 0 /* PACKET_HOST */)
		bpf_skb_change_type(skb, 0);
	return bpf_redirect_peer(target->ifindex, 0);
}
