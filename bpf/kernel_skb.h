/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What struct __sk_buff does not show of a frame, read from the kernel's own struct sk_buff. An
 * object that refers to a kernel function, or to a field of one of its structs, cannot be loaded
 * where the kernel comes without its BTF, and this data path can. So the reference is a number that
 * the loader replaces, and the place of the field comes with the configuration.
 */
#pragma once

#include <stdbool.h>

#include "maps.h"

/* linux/skbuff.h: who sends the frame on has to complete its checksum; two bits. */
#define CHECKSUM_PARTIAL 3
#define SUMMED_MASK 3

/* The frame itself, for reading. Costs nothing: the verifier takes the call out. */
static const void *(*const kernel_skb)(struct __sk_buff *skb) = (void *)VTEP_CALL_KERNEL_SKB;

/* The checksum behind the frame's headers is right as it is. False if that cannot be told. */
static __always_inline bool has_whole_checksum(struct __sk_buff *skb)
{
	const __u8 *at;

	if (!(vtep_cfg.features & VTEP_FEATURE_KERNEL_SKB))
		return false;
	at = kernel_skb(skb);
	return (at[vtep_cfg.summed_byte] >> vtep_cfg.summed_bit & SUMMED_MASK) != CHECKSUM_PARTIAL;
}
