/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may say what: source MACs and addresses of a port. */
#pragma once

#include "cache.h"
#include "maps.h"
#include "packet.h"

/* What is known of the frame's sender after the first checks. */
struct sender {
	const struct vtep_port *port;
	__u32 ifindex;
	__u64 mac; /* source of the Ethernet header, allowed */
	__u64 to;  /* its destination */
	__u8 ecn;  /* of the inner IP header, 0 without one */
	bool bum;  /* addressed to more than one */
	__u64 epoch;
	struct vtep_outbound *way; /* its place in the cache, with the port at least */
};

/* The port behind `from->ifindex`, which sends to `from->to`. False if there is none. */
static __always_inline bool find_port(struct sender *from)
{
	struct vtep_outbound *way = outbound_place(from->ifindex, from->to);
	const struct vtep_port *port;

	from->epoch = current_epoch();
	if (!way)
		return false;
	if (!is_outbound(way, from->epoch, from->ifindex, from->to)) {
		port = bpf_map_lookup_elem(&vtep_ports, &from->ifindex);
		if (!port)
			return false;
		way->epoch = 0;
		way->port = *port;
	}
	from->way = way;
	from->port = &way->port;
	return true;
}

static __always_inline bool unchecked(const struct sender *from)
{
	return from->port->flags & VTEP_PORT_NO_SOURCE_CHECK;
}

static __always_inline bool mac_allowed(const struct sender *from, __u64 mac)
{
	if (mac == load_mac(from->port->mac))
		return true;
	if (!(from->port->flags & VTEP_PORT_ALLOW_MAC))
		return false;

	struct vtep_allow_mac_key key = {.ifindex = from->ifindex};

	store_mac_padded(key.mac, mac);
	return bpf_map_lookup_elem(&vtep_allow_mac, &key) != NULL;
}

/* `key->addr` is filled in. */
static __noinline bool addr_listed(const struct sender *from, struct vtep_allow_key *key)
{
	if (!(from->port->flags & VTEP_PORT_ALLOW_ADDR))
		return false;
	key->prefixlen = 8 * (sizeof(key->ifindex) + sizeof(key->addr));
	key->ifindex = bpf_htonl(from->ifindex);
	return bpf_map_lookup_elem(&vtep_allow, key) != NULL;
}

static __always_inline bool is_own_addr4(const struct vtep_port *port, __be32 addr)
{
	return port->flags & VTEP_PORT_ADDR4 && addr == *(const __be32 *)port->addr4;
}

static __always_inline bool addr4_allowed(const struct sender *from, __be32 addr)
{
	if (is_own_addr4(from->port, addr))
		return true;

	struct vtep_allow_key key = {};

	map_addr4(key.addr, addr);
	return addr_listed(from, &key);
}

/* fe80::/64 with the EUI-64 of `mac` (RFC 4291 appendix A). */
static __always_inline bool is_link_local_of(__u64 mac, const __u8 *addr)
{
	const __u8 *m = (const __u8 *)&mac;

	return *(const __u32 *)addr == bpf_htonl(0xfe800000) && !*(const __u32 *)(addr + 4) &&
	       addr[8] == (m[0] ^ 2) && addr[9] == m[1] && addr[10] == m[2] && addr[11] == 0xff &&
	       addr[12] == 0xfe && addr[13] == m[3] && addr[14] == m[4] && addr[15] == m[5];
}

/* The port's address, or the link-local one that belongs to the frame's (allowed) MAC. */
static __always_inline bool is_own_addr6(const struct sender *from, const void *addr)
{
	if (from->port->flags & VTEP_PORT_ADDR6 && same_addr6(from->port->addr6, addr))
		return true;
	return is_link_local_of(from->mac, addr);
}

static __always_inline bool addr6_allowed(const struct sender *from, const void *addr)
{
	if (is_own_addr6(from, addr))
		return true;

	struct vtep_allow_key key = {};

	copy_addr6(key.addr, addr);
	return addr_listed(from, &key);
}
