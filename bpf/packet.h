/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to headers. Pointers into the frame end with any helper that changes it, so they are
 * fetched where they are used. Addresses are moved in words; BPF has no unaligned restriction on
 * packets on the architectures with a JIT that matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* linux/if_packet.h */
#define PACKET_HOST 0

#define VLAN_ID_MASK 0xfff

#define PROTO_TCP 6
#define PROTO_UDP 17

/* `len` bytes at `offset`, NULL if the directly readable part ends before. Both constant. */
static __always_inline void *header_at(const struct __sk_buff *skb, __u32 offset, __u32 len)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	return data + offset + len > end ? NULL : data + offset;
}

/* Makes the first `want` bytes directly readable, or all of a shorter frame. */
static __always_inline int make_readable(struct __sk_buff *skb, __u32 want)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u32 len = skb->len < want ? skb->len : want;

	return end - data >= len ? 0 : bpf_skb_pull_data(skb, len);
}

/* A MAC as a number: comparable and hashable, upper 16 bits zero. */
static __always_inline __u64 load_mac(const void *mac)
{
	const __u16 *upper = mac + 4;

	return *(const __u32 *)mac | (__u64)*upper << 32;
}

static __always_inline void store_mac(void *at, __u64 mac)
{
	*(__u32 *)at = mac;
	*(__u16 *)(at + 4) = mac >> 32;
}

/* Into a map key, where two zero bytes follow the MAC. */
static __always_inline void store_mac_padded(void *at, __u64 mac)
{
	*(__u32 *)at = mac;
	*(__u32 *)(at + 4) = mac >> 32;
}

/* Broadcast included. */
static __always_inline bool is_multicast_mac(const __u8 *mac)
{
	return mac[0] & 1;
}

/* Stack, map values and packets alike: 16 bytes in words. */
static __always_inline void copy_addr6(void *to, const void *from)
{
	__u32 *t = to;
	const __u32 *f = from;

	t[0] = f[0];
	t[1] = f[1];
	t[2] = f[2];
	t[3] = f[3];
}

static __always_inline bool same_addr6(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

/* ::ffff:a.b.c.d, `addr` in wire order. */
static __always_inline void map_addr4(void *to, __be32 addr)
{
	__u32 *t = to;

	t[0] = 0;
	t[1] = 0;
	t[2] = bpf_htonl(0xffff);
	t[3] = addr;
}

static __always_inline __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}
