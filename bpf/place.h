/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an entry of the caches lies. Free of BPF, so that tests find keys that share a place.
 */
#pragma once

#include <linux/types.h>

#define CACHE_BITS 9

/* Multiplication carries every bit into the upper ones. */
static inline __attribute__((always_inline)) __u32 cache_place(__u32 what, __u32 with)
{
	return ((what ^ with * 0x85ebca6bU) * 0x9e3779b1U) >> (32 - CACHE_BITS);
}
