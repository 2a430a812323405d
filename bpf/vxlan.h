/* SPDX-License-Identifier: GPL-2.0-only */
/* Headers of a VXLAN frame over IPv4 (RFC 7348 section 5). */
#pragma once

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "vtepd/abi.h"

#define VXLAN_FLAG_VNI 8

struct vxlan {
	__u8 flags;
	__u8 reserved[3];
	__be32 vni; /* in the upper 24 bits */
};

/* Behind the outer Ethernet header. */
struct outer4 {
	struct iphdr ip;
	struct udphdr udp;
	struct vxlan vxlan;
};

_Static_assert(sizeof(struct outer4) == VTEP_OUTER4_LEN, "outer header");

struct vxlan_frame4 {
	struct ethhdr eth;
	struct outer4 outer;
	struct ethhdr inner;
} __attribute__((packed));

_Static_assert(sizeof(struct vxlan_frame4) == ETH_HLEN + VTEP_OVERHEAD4, "VXLAN frame");
