/* SPDX-License-Identifier: GPL-2.0-only */
/* ARP of an endpoint (RFC 826, RFC 5227): may it say so, and the answer from vtep_neigh. */
#pragma once

#include "announce.h"
#include "deliver.h"
#include "event.h"
#include "source.h"
#include "verdict.h"

#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

/* linux/if_arp.h leaves the addresses out. */
struct arp_ipv4 {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender_addr[4];
	__u8 target_mac[6];
	__u8 target_addr[4];
};

#define ARP_FRAME_LEN (ETH_HLEN + sizeof(struct arp_ipv4))

static __always_inline bool arp_is_ethernet_ipv4(const struct arp_ipv4 *arp)
{
	return arp->hardware == bpf_htons(ARP_ETHERNET) && arp->protocol == bpf_htons(ETH_P_IP) &&
	       arp->hardware_len == ETH_ALEN && arp->protocol_len == 4;
}

static __always_inline bool arp_sender_allowed(const struct sender *from,
					       const struct arp_ipv4 *arp)
{
	__be32 addr = *(const __be32 *)arp->sender_addr;

	if (unchecked(from))
		return true;
	if (!mac_allowed(from, load_mac(arp->sender_mac)))
		return false;
	/* A probe: nobody's address yet. */
	if (!addr && arp->operation == bpf_htons(ARP_REQUEST))
		return true;
	return addr4_allowed(from, addr);
}

static __always_inline int arp_unknown(const struct sender *from, const struct vtep_neigh_key *key)
{
	struct vtep_event event = {
		.reason = VTEP_ARP_UNKNOWN, .vni = key->vni, .ifindex = from->ifindex};

	store_mac_padded(event.mac, from->mac);
	copy_addr6(event.addr, key->addr);
	raise_event(&event);
	return -VTEP_ARP_UNKNOWN;
}

/* Turns the request into the reply that `mac` would send and returns it to the asker. */
static __always_inline int arp_reply(struct __sk_buff *skb, struct frame *frame,
				     const struct sender *from, __u64 mac)
{
	struct ethhdr *eth = header_at(skb, 0, ARP_FRAME_LEN);

	if (!eth)
		return -VTEP_MALFORMED;

	struct arp_ipv4 *arp = (void *)(eth + 1);
	__u64 asker = load_mac(arp->sender_mac);
	__u32 asker_addr = *(__u32 *)arp->sender_addr;

	store_mac(eth->h_dest, asker);
	store_mac(eth->h_source, mac);
	arp->operation = bpf_htons(ARP_REPLY);
	store_mac(arp->target_mac, asker);
	store_mac(arp->sender_mac, mac);
	*(__u32 *)arp->sender_addr = *(__u32 *)arp->target_addr;
	*(__u32 *)arp->target_addr = asker_addr;

	bool same_netns = from->port->flags & VTEP_PORT_SAME_NETNS;
	__u32 ifindex = same_netns ? from->port->peer_ifindex : from->ifindex;

	return forward(frame, VTEP_ARP_REPLY, deliver(skb, ifindex, same_netns));
}

/* Gratuitous ARP, request or reply: sender and target are the same address. */
static __always_inline int arp_announce(struct frame *frame, const struct sender *from,
					const struct arp_ipv4 *arp)
{
	struct vtep_neigh_key key = {.vni = from->port->vni};
	__be32 addr = *(const __be32 *)arp->sender_addr;
	__u64 mac = load_mac(arp->sender_mac);

	map_addr4(key.addr, addr);
	if (!addr4_allowed(from, addr))
		return 0;

	return announced(frame, from, announce(from, &key, mac));
}

/* 0: allowed, not ours to answer. */
static __always_inline int handle_arp(struct __sk_buff *skb, struct frame *frame,
				      const struct sender *from)
{
	const struct ethhdr *eth = header_at(skb, 0, ARP_FRAME_LEN);

	if (!eth)
		return -VTEP_MALFORMED;

	const struct arp_ipv4 *arp = (const void *)(eth + 1);
	__be32 target = *(const __be32 *)arp->target_addr;

	if (!arp_is_ethernet_ipv4(arp))
		return -VTEP_MALFORMED;
	if (!arp_sender_allowed(from, arp))
		return -VTEP_SPOOF_ARP;
	if (target == *(const __be32 *)arp->sender_addr)
		return target ? arp_announce(frame, from, arp) : 0;
	if (arp->operation != bpf_htons(ARP_REQUEST))
		return 0;
	/* A probe for its own address: nobody else answers. */
	if (is_own_addr4(from->port, target))
		return 0;

	struct vtep_neigh_key key = {.vni = from->port->vni};
	__u64 asker = load_mac(arp->sender_mac);

	map_addr4(key.addr, target);

	const struct vtep_neigh_value *neigh = bpf_map_lookup_elem(&vtep_neigh, &key);

	if (!neigh)
		return arp_unknown(from, &key);

	__u64 mac = load_mac(neigh->mac);

	return mac == asker || is_mac_here(from, mac) ? 0 : arp_reply(skb, frame, from, mac);
}
