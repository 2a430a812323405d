/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the data path. The agent sets max_entries before load, these are the smallest that
 * make sense. HASH, never LRU: an entry that the agent wrote stays until the agent removes it.
 * Weak, because each object that is linked into the skeleton includes this file.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "vtepd/abi.h"
#include "vtepd/reasons.h"

/* Where a MAC of a VNI is. Written by the agent, bounded by limits.fdb. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct vtep_fdb_key);
	__type(value, struct vtep_fdb_value);
} vtep_fdb SEC(".maps") __weak;

/* Which MAC answers for an address. Written by the agent, bounded by limits.neigh. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct vtep_neigh_key);
	__type(value, struct vtep_neigh_value);
} vtep_neigh SEC(".maps") __weak;

/* How to reach a VTEP. A hash and not an array, so that a value is replaced as a whole. Written by
 * the agent, bounded by limits.peers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct vtep_peer);
} vtep_peers SEC(".maps") __weak;

/* The endpoint behind a host end. Written by the agent, bounded by limits.ports. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct vtep_port);
} vtep_ports SEC(".maps") __weak;

/* Further source addresses of ports. Written by the agent, bounded by limits.ports times 16. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__type(key, struct vtep_allow_key);
	__type(value, __u8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} vtep_allow SEC(".maps") __weak;

/* Further source MACs of ports. Written by the agent, bounded as vtep_allow. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vtep_allow_mac_key);
	__type(value, __u8);
} vtep_allow_mac SEC(".maps") __weak;

/* VNIs with a local endpoint. Written by the agent, bounded by limits.vnis. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct vtep_vni);
} vtep_vnis SEC(".maps") __weak;

/* Who may send into a VNI. Written by the agent, bounded by limits.peers times limits.vnis. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct vtep_member_key);
	__type(value, __u8);
} vtep_members SEC(".maps") __weak;

/* Underlay devices in xdp mode. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct vtep_underlay);
} vtep_underlays SEC(".maps") __weak;

/* The device that cuts frames up. Written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} vtep_seg SEC(".maps") __weak;

/* Outcomes per VNI. Written by the programs; only VNIs of vtep_vnis and vtep_ports get entries, so
 * a sender of arbitrary VNIs cannot fill it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct vtep_counter_key);
	__type(value, struct vtep_counter);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} vtep_counters SEC(".maps") __weak;

/* Forwarded frames of the VNIs that have a slot: the hot counters, without a hash. Written by the
 * programs, bounded by limits.vnis. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VTEP_TRAFFIC_KINDS);
	__type(key, __u32);
	__type(value, struct vtep_counter);
} vtep_traffic SEC(".maps") __weak;

/* Written by the agent, see cache.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} vtep_epoch SEC(".maps") __weak;

/* Conditions that the agent should look into: struct vtep_event. Read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} vtep_events SEC(".maps") __weak;

/* When a CPU last raised an event of each reason. Private to the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VTEP_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} vtep_event_gate SEC(".maps") __weak;

/* When a port last announced an address. Private to the programs, and no harm if one is forgotten.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct vtep_announce_key);
	__type(value, __u64);
} vtep_announces SEC(".maps") __weak;

/* Set by the agent before load; constant for the verifier, which removes what is switched off. */
const volatile struct vtep_config vtep_cfg SEC(".rodata") __weak = {};
