/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 of an endpoint: may it use this source address. */
#pragma once

#include <linux/ip.h>
#include <linux/udp.h>

#include "source.h"
#include "verdict.h"

#define IPV4_FRAGMENT_BITS 0x3fff /* more fragments, and the offset */
#define DHCP_CLIENT_PORT 68
#define DHCP_SERVER_PORT 67

/* Before it has a lease, a DHCP client sends from 0.0.0.0. */
static __always_inline bool is_dhcp_request(struct __sk_buff *skb, const struct iphdr *ip)
{
	__u32 offset = ETH_HLEN + 4 * ip->ihl;
	struct udphdr udp;

	if (ip->protocol != PROTO_UDP || ip->frag_off & bpf_htons(IPV4_FRAGMENT_BITS))
		return false;
	if (bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)))
		return false;
	return udp.source == bpf_htons(DHCP_CLIENT_PORT) && udp.dest == bpf_htons(DHCP_SERVER_PORT);
}

/* 0: allowed. */
static __always_inline int handle_ipv4(struct __sk_buff *skb, struct sender *from)
{
	const struct iphdr *ip = header_at(skb, ETH_HLEN, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return -VTEP_MALFORMED;
	from->ecn = ip->tos & 3;
	if (unchecked(from) || addr4_allowed(from, ip->saddr))
		return 0;
	return !ip->saddr && is_dhcp_request(skb, ip) ? 0 : -VTEP_SPOOF_IP;
}
