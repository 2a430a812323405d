/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact-match caches in front of the tables. What the tables say of a frame is kept, per CPU, under
 * the few fields that it follows from, so that the next frame of the kind costs one lookup in an
 * array instead of several in hashes. A place has room for one entry, and a newer one takes it. The
 * tables stay the truth: an entry holds in the epoch that was read before they were. While the
 * agent changes them the epoch is 0, in which nothing holds, and then it is one that never was.
 *
 * Programs on the same CPU do not interrupt one another: all run with softirqs off. Only with
 * PREEMPT_RT that is not enough, so the agent does not load them there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "maps.h"
#include "place.h"

/* What decides about a frame from the underlay. */
struct vtep_inbound_key {
	__u64 mac; /* inner destination, as load_mac() has it */
	__u32 vni;
	__be32 source;	/* VTEP */
	__u32 stripped; /* 1: `source` is not known, the driver's program has asked for it */
	__u32 pad;
};

/* To an endpoint of this host: `source` may send into the VNI, and the MAC is here. */
struct vtep_inbound {
	__u64 epoch; /* 0: none */
	struct vtep_inbound_key key;
	__u32 ifindex; /* as in struct vtep_fdb_value */
	__u32 flags;   /* ditto */
	__u32 slot;    /* as in struct vtep_vni */
	__u32 pad;
};

/* From an endpoint of this host to a MAC of its network. */
struct vtep_outbound {
	__u64 epoch; /* 0: none, but for the port while a frame of it is on its way */
	__u64 mac;   /* destination, as load_mac() has it */
	__u32 from;  /* host end of the sender */
	struct vtep_port port;
	__u32 vtep;    /* 0: an endpoint of this host */
	__u32 ifindex; /* as in struct vtep_fdb_value, or of the underlay device */
	__u32 flags;   /* VTEP_FDB_* */
	__u32 slot;    /* as in struct vtep_vni */
	__be32 next_hop;
	__u16 mtu; /* of the endpoints' interfaces */
	__u8 dscp;
	__u8 pad;
	__u8 header[VTEP_OUTER4_LEN]; /* as in struct vtep_peer */
};

/* Private to the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << CACHE_BITS);
	__type(key, __u32);
	__type(value, struct vtep_inbound);
} vtep_inbounds SEC(".maps") __weak;

/* Ditto. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << CACHE_BITS);
	__type(key, __u32);
	__type(value, struct vtep_outbound);
} vtep_outbounds SEC(".maps") __weak;

/* Read before the tables. Between a change of them and the next epoch are system calls: too much
 * for a processor that reads ahead to have the new epoch and the old tables. */
static __always_inline __u64 current_epoch(void)
{
	__u32 zero = 0;
	const volatile __u64 *epoch = bpf_map_lookup_elem(&vtep_epoch, &zero);

	return epoch ? *epoch : 0;
}

/* The bytes in which MACs differ most. */
static __always_inline __u32 end_of_mac(__u64 mac)
{
	return mac >> 16;
}

/* The place of an inbound frame's entry; whether it is that frame's says `is_inbound`. */
static __always_inline struct vtep_inbound *inbound_place(const struct vtep_inbound_key *key)
{
	__u32 at = cache_place(end_of_mac(key->mac), key->vni ^ key->source);

	return bpf_map_lookup_elem(&vtep_inbounds, &at);
}

static __always_inline bool is_inbound(const struct vtep_inbound *entry, __u64 epoch,
				       const struct vtep_inbound_key *key)
{
	return epoch && entry->epoch == epoch && entry->key.mac == key->mac &&
	       entry->key.vni == key->vni && entry->key.source == key->source &&
	       entry->key.stripped == key->stripped;
}

static __always_inline struct vtep_outbound *outbound_place(__u32 from, __u64 mac)
{
	__u32 at = cache_place(end_of_mac(mac), from);

	return bpf_map_lookup_elem(&vtep_outbounds, &at);
}

static __always_inline bool is_outbound(const struct vtep_outbound *entry, __u64 epoch, __u32 from,
					__u64 mac)
{
	return epoch && entry->epoch == epoch && entry->mac == mac && entry->from == from;
}
