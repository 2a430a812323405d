/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space tells bench_receive and bench_transmit, and the numbering of the remote endpoints
 * that the benchmark makes up: endpoint i has the address BENCH_FIRST_ADDRESS + i, the MAC that
 * Docker gives to that address, and is behind VTEP i % BENCH_VTEPS.
 */
#pragma once

#include <linux/types.h>

/* Outer Ethernet, IPv4, UDP and VXLAN, inner Ethernet, IPv4 and UDP. */
#define BENCH_HEADERS 92
#define BENCH_FIRST_ADDRESS 0xac100100 /* 172.16.1.0, host order */
#define BENCH_FIRST_VTEP 0x0a620001    /* 10.98.0.1, host order */
#define BENCH_VTEPS 200

/* Sums are folded, not complemented, of the header with source address and checksum zero. */
struct bench_frame {
  __u32 ifindex;   /* bench_transmit: where the frame leaves */
  __u32 senders;   /* 0: as it is; else the inner sender is drawn uniformly from so many */
  __u32 outer_sum; /* of the outer IPv4 header */
  __u32 inner_sum; /* of the inner IPv4 header */
  __u8 bytes[BENCH_HEADERS];
};
