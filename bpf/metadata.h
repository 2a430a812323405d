/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the XDP program writes in front of a frame that it stripped. Programs that use this must not
 * write into frames: the kernel copies a cloned frame before such a program runs (a capture on the
 * device clones them all), and loses the metadata.
 */
#pragma once

#include "maps.h"

/* The VNI of a frame that arrived on this device as VXLAN; 0 if nothing was stripped from it. */
static __always_inline __u32 stripped_vni(const struct __sk_buff *skb)
{
	const struct vtep_meta *meta = (void *)(long)skb->data_meta;
	const void *data = (void *)(long)skb->data;
	__u32 ifindex = skb->ifindex;

	if ((void *)(meta + 1) > data)
		return 0;

	const struct vtep_underlay *device = bpf_map_lookup_elem(&vtep_underlays, &ifindex);

	return device && meta->cookie == device->cookie ? meta->vni : 0;
}
