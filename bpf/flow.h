/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's hash of a flow, from which the outer source port follows. A frame of a connected
 * socket brings it along; else the kernel dissects the frame and hashes it with a secret, which
 * costs as much as all the rest of the program. For TCP and UDP over plain IPv4 it follows from the
 * fields below alone, and never changes, so that it is kept under them.
 */
#pragma once

#include <linux/ip.h>

#include "cache.h"
#include "ipv4.h"
#include "packet.h"
#include "sport.h"

struct vtep_flow_key {
	__be32 saddr;
	__be32 daddr;
	__be32 ports; /* both, as on the wire */
	__u32 proto;  /* 0: none */
};

struct vtep_flow {
	struct vtep_flow_key key;
	__u32 hash;
};

/* Private to the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << CACHE_BITS);
	__type(key, __u32);
	__type(value, struct vtep_flow);
} vtep_flows SEC(".maps") __weak;

/* False if the hash is of more, or of less, than the key has. */
static __always_inline bool read_flow(struct __sk_buff *skb, __be16 proto,
				      struct vtep_flow_key *key)
{
	const struct iphdr *ip = header_at(skb, ETH_HLEN, sizeof(*ip) + sizeof(key->ports));

	if (proto != bpf_htons(ETH_P_IP) || !ip || ip->ihl != 5 ||
	    ip->frag_off & bpf_htons(IPV4_FRAGMENT_BITS) ||
	    (ip->protocol != PROTO_TCP && ip->protocol != PROTO_UDP))
		return false;
	key->saddr = ip->saddr;
	key->daddr = ip->daddr;
	key->ports = *(const __be32 *)(ip + 1);
	key->proto = ip->protocol;
	return true;
}

static __always_inline bool same_flow(const struct vtep_flow_key *a, const struct vtep_flow_key *b)
{
	return !((a->saddr ^ b->saddr) | (a->daddr ^ b->daddr) | (a->ports ^ b->ports) |
		 (a->proto ^ b->proto));
}

/* The kernel hashes the MACs of a frame in which it finds no flow. */
static __always_inline __u32 kernel_hash(struct __sk_buff *skb)
{
	__u32 hash = bpf_get_hash_recalc(skb);
	const __u32 *macs = header_at(skb, 0, 12);

	return hash || !macs ? hash : jhash_12(macs, skb->protocol);
}

static __always_inline __u32 flow_hash(struct __sk_buff *skb, __be16 proto)
{
	struct vtep_flow_key key;

	if (skb->hash || !read_flow(skb, proto, &key))
		return kernel_hash(skb);

	__u32 at = cache_place(key.daddr, key.saddr ^ key.ports);
	struct vtep_flow *flow = bpf_map_lookup_elem(&vtep_flows, &at);

	if (!flow)
		return kernel_hash(skb);
	if (same_flow(&flow->key, &key)) {
		/* For the queues of the device, which would have it calculated. */
		bpf_set_hash(skb, flow->hash);
		return flow->hash;
	}
	flow->key = key;
	flow->hash = kernel_hash(skb);
	return flow->hash;
}
