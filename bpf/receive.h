/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asked of every frame from the underlay: may its sender send it, and whom is it for. */
#pragma once

#include "cache.h"
#include "maps.h"
#include "packet.h"
#include "verdict.h"

/* What decides about a frame, and what was decided before. */
struct arrival {
	struct vtep_inbound_key key;
	struct vtep_inbound *entry; /* its place; NULL never in practice */
	__u64 epoch;
	__u32 slot;    /* of the VNI */
	bool is_known; /* `entry` says it all */
};

static __always_inline void look_up_arrival(struct arrival *of)
{
	of->epoch = current_epoch();
	of->entry = inbound_place(&of->key);
	of->is_known = of->entry && is_inbound(of->entry, of->epoch, &of->key);
}

/* The VNI has an endpoint here. */
static __always_inline bool is_vni_here(struct arrival *of)
{
	const struct vtep_vni *vni;

	if (of->is_known)
		return true;
	vni = bpf_map_lookup_elem(&vtep_vnis, &of->key.vni);
	if (vni)
		of->slot = vni->slot;
	return vni;
}

/* The source VTEP may send into this VNI. */
static __always_inline bool is_member(const struct arrival *of)
{
	struct vtep_member_key key = {.vni = of->key.vni};

	if (of->is_known)
		return true;
	map_addr4(key.vtep, of->key.source);
	return bpf_map_lookup_elem(&vtep_members, &key);
}

/* The inner frame is one of a kind that is delivered. 0, or a negative reason. */
static __always_inline int check_inner(const struct ethhdr *inner)
{
	if (is_multicast_mac(inner->h_source) || !load_mac(inner->h_source))
		return -VTEP_INNER_MALFORMED;
	if (inner->h_proto == bpf_htons(ETH_P_8021Q) || inner->h_proto == bpf_htons(ETH_P_8021AD))
		return -VTEP_VLAN_TAGGED;
	return is_multicast_mac(inner->h_dest) ? -VTEP_BUM : 0;
}

/* Its endpoint of this host, in `of->entry`. All else was asked before. 0, or a negative reason. */
static __always_inline int find_endpoint(struct arrival *of)
{
	struct vtep_fdb_key key = {.vni = of->key.vni};
	struct vtep_inbound *entry = of->entry;

	if (of->is_known)
		return 0;
	store_mac_padded(key.mac, of->key.mac);

	const struct vtep_fdb_value *where = bpf_map_lookup_elem(&vtep_fdb, &key);

	/* Never from one VTEP to another. */
	if (!where || where->vtep || !entry)
		return -VTEP_NOT_LOCAL;
	entry->epoch = of->epoch;
	entry->key = of->key;
	entry->ifindex = where->ifindex;
	entry->flags = where->flags;
	entry->slot = of->slot;
	return 0;
}
