/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv6 of an endpoint: source address, extension headers, ICMPv6 by type. */
#pragma once

#include <linux/icmpv6.h>
#include <linux/ipv6.h>

#include "nd.h"
#include "source.h"
#include "verdict.h"

#define EXT_HOP_BY_HOP 0
#define EXT_ROUTING 43
#define EXT_FRAGMENT 44
#define EXT_AUTH 51
#define EXT_DEST_OPTIONS 60

#define IPV6_FRAGMENT_OFFSET 0xfff8
/* RFC 8200 section 4.1 names seven in the longest sensible chain. */
#define MAX_EXT_HEADERS 8
/* A later fragment: what it carries cannot be told, nor is it used without the first one. */
#define UPPER_OPAQUE 256

#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143
#define ND_REDIRECT 137

/* Walks from `offset` behind the fixed header. Returns the upper protocol and moves `offset` to it;
 * negative reason if the chain is cut short or does not end: nothing may hide behind that. */
static __noinline int find_upper(struct __sk_buff *skb, __u32 next, __u32 *offset)
{
	__u32 at = *offset;

	for (int i = 0; i < MAX_EXT_HEADERS; i++) {
		__u8 head[4];
		bool is_ext = next == EXT_HOP_BY_HOP || next == EXT_ROUTING ||
			      next == EXT_FRAGMENT || next == EXT_AUTH || next == EXT_DEST_OPTIONS;

		if (!is_ext) {
			*offset = at;
			return next;
		}
		if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
			return -VTEP_MALFORMED;
		if (next == EXT_FRAGMENT) {
			if ((head[2] << 8 | head[3]) & IPV6_FRAGMENT_OFFSET)
				return UPPER_OPAQUE;
			at += 8;
		} else if (next == EXT_AUTH) {
			at += (head[1] + 2) * 4;
		} else {
			at += (head[1] + 1) * 8;
		}
		next = head[0];
	}
	return -VTEP_MALFORMED;
}

/* What may be sent before there is an address: address detection, multicast reports, and a call
 * for routers. */
static __always_inline bool may_be_unspecified(__u32 type)
{
	return type == ND_SOLICIT || type == ND_ROUTER_SOLICIT || type == MLD_REPORT ||
	       type == MLD_DONE || type == MLD2_REPORT;
}

/* The ICMPv6 type, UPPER_OPAQUE for everything else, or a negative reason. */
static __always_inline int icmpv6_type(struct __sk_buff *skb, __u32 next, __u32 *offset)
{
	int upper = find_upper(skb, next, offset);
	__u8 head[4]; /* type, code, checksum */

	if (upper < 0)
		return upper;
	if (upper != PROTO_ICMPV6)
		return UPPER_OPAQUE;
	if (bpf_skb_load_bytes(skb, *offset, head, sizeof(head)))
		return -VTEP_MALFORMED;
	if (head[0] == ND_ROUTER_ADVERT || head[0] == ND_REDIRECT)
		return -VTEP_ROUTER_ADVERT;
	return head[0];
}

static __always_inline bool ipv6_source_allowed(const struct sender *from,
						const struct ipv6hdr *ip6, int type)
{
	const __u32 *source = (const __u32 *)&ip6->saddr;

	if (unchecked(from) || addr6_allowed(from, source))
		return true;
	return !(source[0] | source[1] | source[2] | source[3]) && may_be_unspecified(type);
}

/* 0: allowed, not ours to answer. */
static __always_inline int handle_ipv6(struct __sk_buff *skb, struct frame *frame,
				       struct sender *from)
{
	const struct ipv6hdr *ip6 = header_at(skb, ETH_HLEN, sizeof(*ip6));
	__u32 offset = ETH_HLEN + sizeof(*ip6);
	int type = UPPER_OPAQUE;

	if (!(from->port->flags & VTEP_PORT_IPV6))
		return -VTEP_NO_IPV6;
	if (!ip6 || ip6->version != 6)
		return -VTEP_MALFORMED;
	from->ecn = ip6->flow_lbl[0] >> 4 & 3;
	if (ip6->nexthdr != PROTO_TCP && ip6->nexthdr != PROTO_UDP) {
		type = icmpv6_type(skb, ip6->nexthdr, &offset);
		if (type < 0)
			return type;
	}
	if (!ipv6_source_allowed(from, ip6, type))
		return -VTEP_SPOOF_IP;
	if (type != ND_SOLICIT && type != ND_ADVERT && type != ND_ROUTER_SOLICIT)
		return 0;
	/* Nobody sends these behind extension headers; RFC 6980 forbids fragments of them. */
	if (offset != ETH_HLEN + sizeof(*ip6))
		return -VTEP_SPOOF_ND;
	return handle_nd(skb, frame, from, type);
}
