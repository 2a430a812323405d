/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outer UDP source port of a flow, the same that the kernel's vxlan device would choose from
 * the same hash, so that a flow keeps its underlay path whichever of the two sends it. Linux 7.2
 * has the range's upper bound in it, so its device may choose one more. Free of BPF, so that it can
 * be tested as plain code.
 */
#pragma once

#include <linux/types.h>

static inline __attribute__((always_inline)) __u32 rotate_left(__u32 word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

/* Jenkins' lookup3 over exactly twelve bytes, given as three little-endian words. */
static inline __attribute__((always_inline)) __u32 jhash_12(const __u32 words[3], __u32 initval)
{
	__u32 base = 0xdeadbeef + 12 + initval;
	__u32 a = base + words[0], b = base + words[1], c = base + words[2];

	c = (c ^ b) - rotate_left(b, 14);
	a = (a ^ c) - rotate_left(c, 11);
	b = (b ^ a) - rotate_left(a, 25);
	c = (c ^ b) - rotate_left(b, 16);
	a = (a ^ c) - rotate_left(c, 4);
	b = (b ^ a) - rotate_left(a, 14);
	return (c ^ b) - rotate_left(b, 24);
}

/* In [min, max), host order; min itself if the range is empty. */
static inline __attribute__((always_inline)) __u16 source_port(__u32 hash, __u16 min, __u16 max)
{
	/* Only the upper half decides, so the lower half is mixed into it. */
	hash ^= hash << 16;
	return ((__u64)hash * (__u16)(max - min) >> 32) + min;
}
