// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC egress of an underlay device: counts VXLAN by what only the kernel's struct sk_buff says of
 * it, whether a checksum has to be completed and whether the inner headers are noted.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PROTO_UDP 17
#define PORT_VXLAN 4789
#define CHECKSUM_PARTIAL 3

struct sk_buff {
  __u8 ip_summed : 2;
  __u8 encapsulation : 1;
} __attribute__((preserve_access_index));

extern void* bpf_cast_to_kern_ctx(void* ctx) __ksym;

/* Key: 1 if noted, plus 2 if pending. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} note_counts SEC(".maps");

SEC("tc")

int note_count(struct __sk_buff* ctx) {
  struct sk_buff* skb = bpf_cast_to_kern_ctx(ctx);

  struct {
    struct ethhdr eth;
    struct iphdr ip;
    struct udphdr udp;
  } __attribute__((packed)) head;

  __u64* count;
  __u32 key;

  if (bpf_skb_load_bytes(ctx, 0, &head, sizeof(head)) || head.eth.h_proto != bpf_htons(ETH_P_IP) ||
      head.ip.protocol != PROTO_UDP || head.udp.dest != bpf_htons(PORT_VXLAN))
    return TC_ACT_UNSPEC;
  key = BPF_CORE_READ_BITFIELD(skb, encapsulation) +
        2 * (BPF_CORE_READ_BITFIELD(skb, ip_summed) == CHECKSUM_PARTIAL);
  count = bpf_map_lookup_elem(&note_counts, &key);
  if (count)
    __sync_fetch_and_add(count, 1);
  return TC_ACT_UNSPEC;
}
