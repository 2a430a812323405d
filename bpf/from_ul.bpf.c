// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the underlay device: VXLAN for this VTEP in a VNI that has an endpoint here is
 * decapsulated and delivered, or dropped for a reason. All else goes on untouched to the next
 * program and the host's stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "decap.h"
#include "ecn.h"
#include "event.h"
#include "outer.h"
#include "packet.h"
#include "verdict.h"
#include "vxlan.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int not_member(const struct __sk_buff *skb,
				      const struct vtep_member_key *key)
{
	struct vtep_event event = {
		.reason = VTEP_NOT_MEMBER, .vni = key->vni, .ifindex = skb->ifindex};

	copy_addr6(event.addr, key->vtep);
	raise_event(&event);
	return -VTEP_NOT_MEMBER;
}

/* The sender may send into this VNI. 0, or a negative reason. */
static __always_inline int check_member(const struct __sk_buff *skb, __u32 vni, __be32 source)
{
	struct vtep_member_key key = {.vni = vni};

	map_addr4(key.vtep, source);
	return bpf_map_lookup_elem(&vtep_members, &key) ? 0 : not_member(skb, &key);
}

/* The inner frame is for an endpoint of this host. 0, or a negative reason. */
static __always_inline int find_endpoint(const struct ethhdr *inner, __u32 vni, struct delivery *to)
{
	struct vtep_fdb_key key = {.vni = vni};
	const __u32 *macs = (const __u32 *)inner;

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
	to->macs[0] = macs[0];
	to->macs[1] = macs[1];
	to->macs[2] = macs[2];
	to->proto = inner->h_proto;
	to->ifindex = where->ifindex;
	to->same_netns = where->flags & VTEP_FDB_SAME_NETNS;
	return 0;
}

/* The frame belongs to `frame->vni`. */
static __always_inline int receive(struct __sk_buff *skb, struct frame *frame)
{
	const struct vxlan_frame4 *head = header_at(skb, 0, sizeof(*head));
	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));
	struct delivery to;
	int verdict;

	if (!outer)
		return -VTEP_OUTER_LENGTH;
	verdict = check_outer(skb, outer);
	if (verdict)
		return verdict;
	if (!head)
		return -VTEP_OUTER_LENGTH;
	verdict = check_member(skb, frame->vni, outer->ip.saddr);
	if (verdict)
		return verdict;
	verdict = find_endpoint(&head->inner, frame->vni, &to);
	if (verdict)
		return verdict;
	to.end = ETH_HLEN + bpf_ntohs(outer->ip.tot_len);
	verdict = merge_ecn(skb, outer->ip.tos, to.proto);
	if (verdict)
		return verdict;
	frame->len -= VTEP_OVERHEAD4;
	return decap(skb, frame, &to);
}

static __always_inline int from_ul(struct __sk_buff *skb, struct frame *frame)
{
	if (!is_for_us(skb))
		return 0;
	/* With the inner IP header, for its congestion mark. */
	if (make_readable(skb, sizeof(struct vxlan_frame4) + sizeof(struct ipv6hdr)))
		return 0;

	const struct outer4 *outer = header_at(skb, ETH_HLEN, sizeof(*outer));

	if (!outer || !is_our_udp(&outer->ip))
		return 0;

	int vni = read_vni(skb, &outer->ip);

	if (vni < 0)
		return 0;

	__u32 key = vni;

	if (!bpf_map_lookup_elem(&vtep_vnis, &key))
		return -VTEP_FOREIGN_VNI;
	frame->vni = key;
	return receive(skb, frame);
}

SEC("tc")
int vtep_from_ul(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_ul(skb, &frame));
}
