/* SPDX-License-Identifier: GPL-2.0-only */
/* Neighbour discovery of an endpoint (RFC 4861, RFC 4862): may it say so, and the answer from
 * vtep_neigh. */
#pragma once

#include <linux/ipv6.h>

#include "announce.h"
#include "deliver.h"
#include "event.h"
#include "source.h"
#include "verdict.h"

#define PROTO_ICMPV6 58

#define ND_ROUTER_SOLICIT 133
#define ND_ROUTER_ADVERT 134
#define ND_SOLICIT 135
#define ND_ADVERT 136

#define ND_HOP_LIMIT 255
#define ND_OFFSET (ETH_HLEN + sizeof(struct ipv6hdr))
#define ND_OPTION_SOURCE_MAC 1
#define ND_OPTION_TARGET_MAC 2
#define ND_MAX_OPTIONS 8
#define ND_FLAG_SOLICITED 0x40000000
#define ND_FLAG_OVERRIDE 0x20000000

struct nd_option {
	__u8 type;
	__u8 len; /* in units of 8 bytes */
	__u8 mac[6];
};

/* A solicitation or an advertisement up to its options. */
struct nd_message {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be32 flags;
	__u8 target[16];
};

/* Everything behind version and flow label of the IPv6 header. */
struct nd_reply {
	__be16 payload_len;
	__u8 next;
	__u8 hop_limit;
	__u8 source[16];
	__u8 dest[16];
	struct nd_message message;
	struct nd_option option;
};

#define ND_REPLY_OFFSET (ETH_HLEN + offsetof(struct ipv6hdr, payload_len))
#define ND_REPLY_PAYLOAD (sizeof(struct nd_message) + sizeof(struct nd_option))
#define ND_REPLY_LEN (ND_OFFSET + ND_REPLY_PAYLOAD)

/* A walk over the options in [at, end): which type is looked for, and the MAC it had, or 0. */
struct nd_scan {
	__u64 mac;
	__u32 at;
	__u32 end;
	__u32 wanted;
};

/* 0, or a negative reason: the options are broken, or name a MAC that is not the sender's. */
static __noinline int scan_nd_options(struct __sk_buff *skb, const struct sender *from,
				      struct nd_scan *scan)
{
	for (int i = 0; i < ND_MAX_OPTIONS && scan->at < scan->end; i++) {
		/* The stack allows words only at their multiples. */
		struct {
			__u16 align;
			struct nd_option option;
		} __attribute__((aligned(8))) read;
		const struct nd_option *option = &read.option;

		if (bpf_skb_load_bytes(skb, scan->at, &read.option, sizeof(read.option)) ||
		    !option->len)
			return -VTEP_MALFORMED;
		scan->at += 8 * option->len;
		if (option->type != scan->wanted)
			continue;
		if (option->len != 1)
			return -VTEP_MALFORMED;
		scan->mac = load_mac(option->mac);
		if (!unchecked(from) && !mac_allowed(from, scan->mac))
			return -VTEP_SPOOF_ND;
	}
	return scan->at == scan->end ? 0 : -VTEP_MALFORMED;
}

static __always_inline int nd_unknown(const struct sender *from, const struct vtep_neigh_key *key)
{
	struct vtep_event event = {
		.reason = VTEP_ND_UNKNOWN, .vni = key->vni, .ifindex = from->ifindex};

	store_mac_padded(event.mac, from->mac);
	copy_addr6(event.addr, key->addr);
	raise_event(&event);
	return -VTEP_ND_UNKNOWN;
}

static __always_inline bool is_unspecified(const void *addr)
{
	const __u32 *word = addr;

	return !(word[0] | word[1] | word[2] | word[3]);
}

/* What `mac` would advertise about `target`: to the asker, or to all nodes if the asker has no
 * address yet. */
static __always_inline void build_nd_reply(struct nd_reply *reply, const void *asker,
					   const void *target, __u64 mac)
{
	bool detection = is_unspecified(asker);

	reply->payload_len = bpf_htons(ND_REPLY_PAYLOAD);
	reply->next = PROTO_ICMPV6;
	reply->hop_limit = ND_HOP_LIMIT;
	copy_addr6(reply->source, target);
	if (detection) {
		reply->dest[0] = 0xff;
		reply->dest[1] = 2;
		reply->dest[15] = 1;
	} else {
		copy_addr6(reply->dest, asker);
	}
	reply->message.type = ND_ADVERT;
	reply->message.flags =
		bpf_htonl(detection ? ND_FLAG_OVERRIDE : ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE);
	copy_addr6(reply->message.target, target);
	reply->option.type = ND_OPTION_TARGET_MAC;
	reply->option.len = 1;

	__u64 bytes; /* the stack allows no word at the option's place */

	store_mac_padded(&bytes, mac);
	__builtin_memcpy(reply->option.mac, &bytes, sizeof(reply->option.mac));

	__wsum sum = bpf_csum_diff(NULL, 0, (__be32 *)reply->source,
				   sizeof(*reply) - offsetof(struct nd_reply, source),
				   bpf_htonl(ND_REPLY_PAYLOAD) + bpf_htonl(PROTO_ICMPV6));
	reply->message.checksum = ~fold_sum(sum);
}

/* Turns the solicitation into the advertisement that `mac` would send, and returns it. */
static __noinline int nd_reply(struct __sk_buff *skb, const struct sender *from, __u64 asker_mac,
			       __u64 mac)
{
	const struct ipv6hdr *ip6 = header_at(skb, ETH_HLEN, ND_REPLY_LEN - ETH_HLEN - 8);
	struct nd_reply reply = {};
	__u8 all_nodes_mac[8] __attribute__((aligned(8))) = {0x33, 0x33, 0, 0, 0, 1};
	__u8 macs[16] __attribute__((aligned(8)));

	if (!ip6)
		return -VTEP_MALFORMED;
	build_nd_reply(&reply, &ip6->saddr, (const void *)(ip6 + 1) + 8, mac);
	if (reply.dest[0] == 0xff)
		asker_mac = load_mac(all_nodes_mac);
	store_mac_padded(macs, asker_mac);
	store_mac_padded(macs + 8, mac);
	/* One without an option is 8 bytes shorter, one with a nonce as well is longer. */
	if ((skb->len != ND_REPLY_LEN && bpf_skb_change_tail(skb, ND_REPLY_LEN, 0)) ||
	    bpf_skb_store_bytes(skb, 0, macs, ETH_ALEN, 0) ||
	    bpf_skb_store_bytes(skb, ETH_ALEN, macs + 8, ETH_ALEN, 0) ||
	    bpf_skb_store_bytes(skb, ND_REPLY_OFFSET, &reply, sizeof(reply), 0))
		return -VTEP_MALFORMED;

	bool same_netns = from->port->flags & VTEP_PORT_SAME_NETNS;

	return deliver(skb, same_netns ? from->port->peer_ifindex : from->ifindex, same_netns);
}

/* 0: not ours to answer. `asker_mac` is what the solicitation says, or the frame's source. */
static __always_inline int answer_solicit(struct __sk_buff *skb, struct frame *frame,
					  const struct sender *from, const void *target,
					  __u64 asker_mac)
{
	struct vtep_neigh_key key = {.vni = from->port->vni};

	/* Looking for somebody else with its own address: nobody else answers. */
	if (is_own_addr6(from, target))
		return 0;
	copy_addr6(key.addr, target);

	const struct vtep_neigh_value *neigh = bpf_map_lookup_elem(&vtep_neigh, &key);

	if (!neigh)
		return nd_unknown(from, &key);

	__u64 mac = load_mac(neigh->mac);

	if (mac == from->mac || is_mac_here(from, mac))
		return 0;

	int verdict = nd_reply(skb, from, asker_mac, mac);

	return verdict < 0 ? verdict : forward(frame, VTEP_ND_REPLY, verdict);
}

/* An advertisement that nobody asked for. */
static __always_inline int nd_announce(struct frame *frame, const struct sender *from,
				       const struct nd_message *message, __u64 mac)
{
	struct vtep_neigh_key key = {.vni = from->port->vni};

	copy_addr6(key.addr, message->target);
	if (message->flags & bpf_htonl(ND_FLAG_SOLICITED) || !addr6_allowed(from, key.addr) ||
	    is_link_local_of(from->mac, key.addr))
		return 0;

	return announced(frame, from, announce(from, &key, mac));
}

/* A solicitation or advertisement, or a router solicitation. 0: allowed, not ours to answer. */
static __always_inline int handle_nd(struct __sk_buff *skb, struct frame *frame,
				     const struct sender *from, int type)
{
	bool router = type == ND_ROUTER_SOLICIT;
	__u32 fixed = router ? 8 : sizeof(struct nd_message);
	const struct ipv6hdr *ip6 = header_at(skb, ETH_HLEN, sizeof(*ip6) + 8);

	if (!ip6 || ip6->hop_limit != ND_HOP_LIMIT || ((const __u8 *)(ip6 + 1))[1] != 0)
		return -VTEP_MALFORMED;

	__u32 end = ND_OFFSET + bpf_ntohs(ip6->payload_len);
	struct nd_scan scan = {
		.at = ND_OFFSET + fixed,
		.end = end,
		.wanted = type == ND_ADVERT ? ND_OPTION_TARGET_MAC : ND_OPTION_SOURCE_MAC,
	};

	if (end > skb->len || end < scan.at)
		return -VTEP_MALFORMED;

	int verdict = scan_nd_options(skb, from, &scan);

	if (verdict || router)
		return verdict;

	const struct nd_message *message = header_at(skb, ND_OFFSET, sizeof(*message));

	if (!message || message->target[0] == 0xff)
		return -VTEP_MALFORMED;
	if (type == ND_ADVERT) {
		if (!unchecked(from) && !addr6_allowed(from, message->target))
			return -VTEP_SPOOF_ND;
		return nd_announce(frame, from, message, scan.mac ?: from->mac);
	}
	return answer_solicit(skb, frame, from, message->target, scan.mac ?: from->mac);
}
