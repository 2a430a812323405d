/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a frame of an endpoint goes: to another one here, or to a VTEP. */
#pragma once

#include "deliver.h"
#include "encap.h"
#include "event.h"
#include "source.h"
#include "verdict.h"

/* The underlay's part of a way. 0, or a negative reason. */
static __always_inline int find_peer(struct vtep_outbound *way, __u32 vtep,
				     const struct vtep_vni *vni)
{
	const struct vtep_peer *peer = bpf_map_lookup_elem(&vtep_peers, &vtep);

	if (!peer)
		return -VTEP_NO_PEER;
	if (peer->flags & VTEP_PEER_UNREACHABLE)
		return -VTEP_NO_ROUTE;
	way->ifindex = peer->ifindex;
	way->next_hop = *(const __be32 *)(peer->next_hop + 12);
	way->mtu = vni->mtu;
	way->dscp = vni->dscp;
	__builtin_memcpy(way->header, peer->header, sizeof(way->header));
	return 0;
}

/* What the tables say of a frame, for its place in the cache, where its port is. 0, or a negative
 * reason. */
static __noinline int find_way(struct vtep_outbound *way, const struct sender *from)
{
	struct vtep_fdb_key key = {.vni = from->port->vni};
	int verdict;

	store_mac_padded(key.mac, from->to);

	const struct vtep_fdb_value *where = bpf_map_lookup_elem(&vtep_fdb, &key);
	const struct vtep_vni *vni = bpf_map_lookup_elem(&vtep_vnis, &key.vni);

	if (!where)
		return -VTEP_UNKNOWN_UNICAST;
	way->vtep = where->vtep;
	way->ifindex = where->ifindex;
	way->flags = where->flags;
	way->slot = vni ? vni->slot : 0;
	if (where->vtep) {
		verdict = vni ? find_peer(way, where->vtep, vni) : -VTEP_UNKNOWN_UNICAST;
		if (verdict)
			return verdict;
	}
	way->mac = from->to;
	way->from = from->ifindex;
	way->epoch = from->epoch;
	return 0;
}

static __always_inline int unknown_unicast(const struct sender *from)
{
	struct vtep_event event = {
		.reason = VTEP_UNKNOWN_UNICAST, .vni = from->port->vni, .ifindex = from->ifindex};

	store_mac_padded(event.mac, from->to);
	raise_event(&event);
	return -VTEP_UNKNOWN_UNICAST;
}

/* By `way`, which is filled in. */
static __always_inline int take_way(struct __sk_buff *skb, struct frame *frame, struct inner *inner,
				    const struct vtep_outbound *way)
{
	if (way->vtep)
		return encap(skb, frame, inner, way);
	return forward_in_slot(frame, VTEP_LOCAL, way->slot, VTEP_TRAFFIC_LOCAL,
			       deliver(skb, way->ifindex, way->flags & VTEP_FDB_SAME_NETNS));
}

static __always_inline int switch_frame(struct __sk_buff *skb, struct frame *frame,
					struct inner *inner, const struct sender *from)
{
	struct vtep_outbound *way = from->way;
	int verdict;

	if (!way->epoch) {
		verdict = find_way(way, from);
		if (verdict == -VTEP_UNKNOWN_UNICAST)
			return unknown_unicast(from);
		if (verdict)
			return verdict;
	}
	return take_way(skb, frame, inner, way);
}
