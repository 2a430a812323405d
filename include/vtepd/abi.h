/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The binary contract between the BPF programs and the agent: keys and values of every map, the
 * load-time configuration and the events. C by clang for the BPF target, C++ by the agent; no
 * implicit padding, no bool, no enum fields. Numbers are host order unless their type is __beNN;
 * addresses and MACs are bytes in wire order, an IPv4 address in 16 bytes is v4-mapped
 * (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2).
 */
#pragma once

#include <linux/types.h>

#ifdef __cplusplus
#define VTEP_ASSERT_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define VTEP_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/* Raised whenever a map's key, value or meaning changes; names the pin folder `v<ABI>`. Not raised
 * for vtep_underlay and vtep_meta: they are the same in every ABI, because for a moment of an
 * upgrade the old vtep_strip hands frames to the new vtep_from_xdp. */
#ifndef VTEP_ABI_VERSION
#define VTEP_ABI_VERSION 2
#endif

/* Outer IPv4 20 + UDP 8 + VXLAN 8: what encapsulation writes behind the outer Ethernet header. */
#define VTEP_OUTER4_LEN 36
/* Ditto with the inner Ethernet header, the number by which a frame grows. */
#define VTEP_OVERHEAD4 50

/* VNI of the idle vxlan device that keeps the UDP port open; never allocated to a network. */
#define VTEP_IDLE_VNI 16777215

/* vtep_fdb, {vni 42, 02:42:c0:a8:00:02} -> where that MAC is. Written by the agent. */
struct vtep_fdb_key {
  __u32 vni;
  __u8 mac[6];
  __u8 pad[2]; /* zero: part of the hash */
};

VTEP_ASSERT_SIZE(struct vtep_fdb_key, 12);

/* Deliver on `ifindex` itself with BPF_F_INGRESS: the endpoint lives in the agent's namespace. */
#define VTEP_FDB_SAME_NETNS 1

struct vtep_fdb_value {
  __u32 vtep;    /* key of vtep_peers; 0: a local endpoint */
  __u32 ifindex; /* local: host end of the port (the endpoint's own end if SAME_NETNS) */
  __u32 flags;   /* VTEP_FDB_* */
};

VTEP_ASSERT_SIZE(struct vtep_fdb_value, 12);

/* vtep_neigh, {vni, address} -> MAC that answers for it: ARP and neighbour discovery replies. */
struct vtep_neigh_key {
  __u32 vni;
  __u8 addr[16];
};

VTEP_ASSERT_SIZE(struct vtep_neigh_key, 20);

struct vtep_neigh_value {
  __u8 mac[6];
  __u8 pad[2];
};

VTEP_ASSERT_SIZE(struct vtep_neigh_value, 8);

/* The underlay has no route to this VTEP now: frames are dropped as NO_ROUTE. */
#define VTEP_PEER_UNREACHABLE 1

/* vtep_peers, VTEP id (1...) -> how to reach that VTEP. */
struct vtep_peer {
  __u8 remote[16];
  __u8 local[16];
  __u8 next_hop[16]; /* gateway, or `remote` itself when it is on link */
  __u32 ifindex;     /* underlay device */
  __u16 mtu;         /* of the path, outer IP bytes */
  __u16 flags;       /* VTEP_PEER_* */
  /* Outer IPv4 + UDP + VXLAN as on the wire: TTL 64, DF, UDP checksum 0, VXLAN I flag; zero
   * are TOS, total length, UDP source port and length, VNI. The IPv4 checksum field holds
   * the (folded, not complemented, wire order) sum of the header without those. */
  __u8 header[VTEP_OUTER4_LEN];
};

VTEP_ASSERT_SIZE(struct vtep_peer, 92);

#define VTEP_PORT_NO_SOURCE_CHECK 1
#define VTEP_PORT_SAME_NETNS 2 /* `peer_ifindex` is in the agent's namespace */
#define VTEP_PORT_ALLOW_ADDR 4 /* vtep_allow has entries for this port */
#define VTEP_PORT_ALLOW_MAC 8  /* vtep_allow_mac has entries for this port */
#define VTEP_PORT_ADDR4 16     /* addr4 is set */
#define VTEP_PORT_ADDR6 32     /* addr6 is set */
#define VTEP_PORT_IPV6 64      /* the network has IPv6; else IPv6 frames are dropped */

/* vtep_ports, ifindex of the host end -> the endpoint behind it. */
struct vtep_port {
  __u32 vni;
  __u32 flags;
  __u32 peer_ifindex; /* the endpoint's own interface, in its namespace */
  __u8 mac[6];
  __u8 pad[2];
  __u8 addr4[4];
  __u8 addr6[16];
};

VTEP_ASSERT_SIZE(struct vtep_port, 40);

/* vtep_allow (LPM), further source addresses of a port. prefixlen counts from ifindex: 32 + bits
 * of the v4-mapped address, so 192.0.2.0/24 has 32 + 96 + 24. */
struct vtep_allow_key {
  __u32 prefixlen;
  __be32 ifindex;
  __u8 addr[16];
};

VTEP_ASSERT_SIZE(struct vtep_allow_key, 24);

/* vtep_allow_mac, further source MACs of a port. */
struct vtep_allow_mac_key {
  __u32 ifindex;
  __u8 mac[6];
  __u8 pad[2];
};

VTEP_ASSERT_SIZE(struct vtep_allow_mac_key, 12);

#define VTEP_POLICY_DROP 0

/* vtep_vnis, VNI with a local endpoint -> policy of its network. */
struct vtep_vni {
  __u32 slot;   /* 1...: its counters in vtep_traffic; 0: it has none there */
  __u16 mtu;    /* of the endpoints' interfaces */
  __u8 unknown; /* VTEP_POLICY_* for unknown unicast */
  __u8 bum;     /* VTEP_POLICY_* for broadcast and multicast */
  __u8 dscp;    /* of the outer header, 0...63 */
  __u8 pad[3];
};

VTEP_ASSERT_SIZE(struct vtep_vni, 12);

/* vtep_members, {vni, source VTEP} -> 1: who may send into this VNI. */
struct vtep_member_key {
  __u32 vni;
  __u8 vtep[16];
};

VTEP_ASSERT_SIZE(struct vtep_member_key, 20);

/* vtep_underlays, ifindex -> an underlay device in xdp mode. Written by the agent. */
struct vtep_underlay {
  __u8 mac[6]; /* of the device: frames for another one are not ours */
  __u8 pad[2];
  __u32 cookie; /* tells our metadata from anybody else's; random, never 0 */
};

VTEP_ASSERT_SIZE(struct vtep_underlay, 12);

/* XDP metadata in front of a frame whose outer header was stripped. The same for all frames of a
 * VNI: the kernel merges a flow's frames only if their metadata is equal, so it never merges two
 * networks. */
struct vtep_meta {
  __u32 cookie;
  __u32 vni;
};

VTEP_ASSERT_SIZE(struct vtep_meta, 8);

/* vtep_seg, 0 -> ifindex of the device that cuts up what is sent on it, and completes its
 * checksums; 0: there is none. Its other end runs vtep_from_seg, and knows what arrives by
 * skb->tc_index, which no socket can set. Written by the agent. */
#define VTEP_SEG_ENDPOINT 0x7e51 /* from the endpoint whose host end is skb->mark, checked */
#define VTEP_SEG_UNDERLAY 0x7e52 /* VXLAN from the underlay for this host, as it arrived */

/* vtep_counters, {vni, reason} -> packets and bytes per CPU. vni 0: not known, or foreign. Made by
 * the programs at first use, removed by the agent with the VNI. What is forwarded in a VNI with a
 * slot is in vtep_traffic instead. */
struct vtep_counter_key {
  __u32 vni;
  __u32 reason; /* enum vtep_reason */
};

VTEP_ASSERT_SIZE(struct vtep_counter_key, 8);

struct vtep_counter {
  __u64 packets;
  __u64 bytes; /* skb length, without the outer header where one is stripped or added */
};

VTEP_ASSERT_SIZE(struct vtep_counter, 16);

/* vtep_traffic, slot of a VNI times VTEP_TRAFFIC_KINDS plus a kind -> packets and bytes per CPU of
 * the frames that are forwarded, found without a hash. Slot 0 is nobody's. Set to zero by the agent
 * when a VNI gets the slot. */
#define VTEP_TRAFFIC_ENCAP 0
#define VTEP_TRAFFIC_DECAP 1
#define VTEP_TRAFFIC_LOCAL 2
#define VTEP_TRAFFIC_KINDS 3

/* vtep_epoch, 0 -> a number that grows with each change of the agent's tables: what a program
 * remembers of them holds for the epoch in which it was read. 0: nothing is remembered. A __u64. */

/* vtep_events, ring buffer: rare conditions that the agent should look into, rate-limited. */
struct vtep_event {
  __u64 time_ns; /* bpf_ktime_get_ns */
  __u32 reason;  /* enum vtep_reason */
  __u32 vni;
  __u32 ifindex; /* where the frame came in */
  __u8 mac[6];   /* inner destination; source where an address is asked for or faked */
  __u8 pad[2];
  __u8 addr[16]; /* address asked for, or source VTEP */
};

VTEP_ASSERT_SIZE(struct vtep_event, 48);

/* vtep_announces, private to the programs: {port, address} -> when that was last announced. */
struct vtep_announce_key {
  __u32 ifindex;
  __u8 addr[16];
};

VTEP_ASSERT_SIZE(struct vtep_announce_key, 20);

/* Features of the running kernel, found by probing. */
#define VTEP_FEATURE_ENCAP_L2_ETH 1 /* BPF_F_ADJ_ROOM_ENCAP_L2_ETH, 5.13 */
#define VTEP_FEATURE_DECAP_L3 2     /* BPF_F_ADJ_ROOM_DECAP_L3_*, 6.3 */
#define VTEP_FEATURE_XDP_FRAGS 4    /* frames in several buffers, 5.18 */
#define VTEP_FEATURE_KERNEL_SKB 8   /* bpf_cast_to_kern_ctx, 6.2, and the kernel's BTF */

/* The programs call this number where they want the kernel's own struct sk_buff. No kernel has a
 * helper of that number: the loader puts in what there is, see bpf/kernel_skb.h. */
#define VTEP_CALL_KERNEL_SKB 0x76736b62

/* Read-only configuration of the programs, set before load. */
struct vtep_config {
  __u8 vtep4[4];   /* our VTEP address */
  __be16 port;     /* VXLAN UDP port */
  __u16 sport_min; /* source port range, as net.ipv4.ip_local_port_range */
  __u16 sport_max;
  __u16 features; /* VTEP_FEATURE_* */
  /* Where struct sk_buff has ip_summed, with VTEP_FEATURE_KERNEL_SKB: byte, and lowest bit in it. */
  __u16 summed_byte;
  __u8 summed_bit;
  __u8 pad;
};

VTEP_ASSERT_SIZE(struct vtep_config, 16);
