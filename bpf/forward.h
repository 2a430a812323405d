/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a frame of an endpoint goes: to another one here, or to a VTEP. */
#pragma once

#include "deliver.h"
#include "encap.h"
#include "event.h"
#include "verdict.h"

static __always_inline int unknown_unicast(struct __sk_buff *skb, const struct vtep_fdb_key *key)
{
	struct vtep_event event = {
		.reason = VTEP_UNKNOWN_UNICAST, .vni = key->vni, .ifindex = skb->ifindex};

	store_mac_padded(event.mac, load_mac(key->mac));
	raise_event(&event);
	return -VTEP_UNKNOWN_UNICAST;
}

static __always_inline int switch_frame(struct __sk_buff *skb, struct frame *frame,
					struct inner *inner, const struct vtep_fdb_key *key)
{
	const struct vtep_fdb_value *where = bpf_map_lookup_elem(&vtep_fdb, key);

	if (!where)
		return unknown_unicast(skb, key);
	if (!where->vtep)
		return forward(frame, VTEP_LOCAL,
			       deliver(skb, where->ifindex, where->flags & VTEP_FDB_SAME_NETNS));

	const struct vtep_vni *vni = bpf_map_lookup_elem(&vtep_vnis, &frame->vni);

	if (!vni)
		return -VTEP_UNKNOWN_UNICAST;
	return encap(skb, frame, inner, vni, where->vtep);
}
