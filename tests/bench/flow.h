/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding table of the subject flow-based. */
#pragma once

#include <linux/types.h>

#define FLOW_VNI 256

struct flow_key {
  __u32 vni;
  __u8 mac[6];
  __u8 pad[2]; /* zero: part of the hash */
};

struct flow_target {
  __u32 vtep;    /* host order; 0: an endpoint of this host */
  __u32 ifindex; /* of its host end */
};
