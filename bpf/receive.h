/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asked of every frame from the underlay: may its sender send it, and whom is it for. */
#pragma once

#include "maps.h"
#include "packet.h"
#include "verdict.h"

/* A local endpoint. */
struct target {
	__u32 ifindex; /* as in struct vtep_fdb_value */
	bool same_netns;
};

/* The VTEP `source` may send into this VNI. */
static __always_inline bool is_member(__u32 vni, __be32 source)
{
	struct vtep_member_key key = {.vni = vni};

	map_addr4(key.vtep, source);
	return bpf_map_lookup_elem(&vtep_members, &key);
}

/* The inner frame is for an endpoint of this host. 0, or a negative reason. */
static __always_inline int find_endpoint(const struct ethhdr *inner, __u32 vni, struct target *to)
{
	struct vtep_fdb_key key = {.vni = vni};

	if (is_multicast_mac(inner->h_source) || !load_mac(inner->h_source))
		return -VTEP_INNER_MALFORMED;
	if (inner->h_proto == bpf_htons(ETH_P_8021Q) || inner->h_proto == bpf_htons(ETH_P_8021AD))
		return -VTEP_VLAN_TAGGED;
	if (is_multicast_mac(inner->h_dest))
		return -VTEP_BUM;
	store_mac_padded(key.mac, load_mac(inner->h_dest));

	const struct vtep_fdb_value *where = bpf_map_lookup_elem(&vtep_fdb, &key);

	/* Never from one VTEP to another. */
	if (!where || where->vtep)
		return -VTEP_NOT_LOCAL;
	to->ifindex = where->ifindex;
	to->same_netns = where->flags & VTEP_FDB_SAME_NETNS;
	return 0;
}
