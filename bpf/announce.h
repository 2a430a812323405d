/* SPDX-License-Identifier: GPL-2.0-only */
/* An endpoint says that an address is its own (gratuitous ARP, unsolicited neighbour
 * advertisement). If the tables say otherwise the agent moves it. */
#pragma once

#include "event.h"
#include "source.h"
#include "verdict.h"

#define ANNOUNCE_INTERVAL_NS 100000000ULL

/* Frames to this MAC are delivered to this port. */
static __always_inline bool is_mac_here(const struct sender *from, __u64 mac)
{
	struct vtep_fdb_key key = {.vni = from->port->vni};

	store_mac_padded(key.mac, mac);

	const struct vtep_fdb_value *where = bpf_map_lookup_elem(&vtep_fdb, &key);
	bool same_netns = from->port->flags & VTEP_PORT_SAME_NETNS;

	return where && !where->vtep &&
	       where->ifindex == (same_netns ? from->port->peer_ifindex : from->ifindex);
}

/* The address is answered for with this MAC, and that MAC is here. */
static __always_inline bool is_addr_here(const struct sender *from,
					 const struct vtep_neigh_key *key, __u64 mac)
{
	const struct vtep_neigh_value *neigh = bpf_map_lookup_elem(&vtep_neigh, key);

	return neigh && load_mac(neigh->mac) == mac && is_mac_here(from, mac);
}

/* One event per port, address and interval. */
static __always_inline bool may_announce(__u32 ifindex, const __u8 *addr)
{
	struct vtep_announce_key key = {.ifindex = ifindex};
	__u64 now = bpf_ktime_get_ns();

	copy_addr6(key.addr, addr);

	__u64 *last = bpf_map_lookup_elem(&vtep_announces, &key);

	if (last && now - *last < ANNOUNCE_INTERVAL_NS)
		return false;
	bpf_map_update_elem(&vtep_announces, &key, &now, BPF_ANY);
	return true;
}

/*
 * The sender may use the address and says that `mac` has it. A port without source checks may send
 * from any address, but announces only those that it has or that are listed: what a bridge behind
 * it hears is no claim. 0: nothing new; 1: the agent was told; negative: just now already.
 */
static __noinline int announce(const struct sender *from, const struct vtep_neigh_key *key,
			       __u64 mac)
{
	struct vtep_event event = {
		.reason = VTEP_ANNOUNCED, .vni = key->vni, .ifindex = from->ifindex};

	if (is_addr_here(from, key, mac))
		return 0;
	if (!may_announce(from->ifindex, key->addr))
		return -VTEP_ANNOUNCED_AGAIN;
	store_mac_padded(event.mac, mac);
	copy_addr6(event.addr, key->addr);
	send_event(&event);
	return 1;
}

/* What becomes of an announcement: one to everybody has served its purpose, one to a single
 * endpoint goes on to it. */
static __always_inline int announced(struct frame *frame, const struct sender *from, int news)
{
	if (!from->bum)
		return 0;
	return news > 0 ? forward(frame, VTEP_ANNOUNCED, TC_ACT_SHOT) : news;
}
