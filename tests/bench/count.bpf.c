// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress where frames of the benchmark arrive: counts and drops them, be they still
 * encapsulated or not. All else goes on. bench_empty is what running a program costs by itself.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bench_counts SEC(".maps");

#define PROTO_UDP 17
#define PORT_DISCARD 9
#define PORT_VXLAN 4789

SEC("tc")
int bench_count(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 zero = 0;
	__u64 *count;

	if ((void *)(udp + 1) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != PROTO_UDP)
		return TC_ACT_UNSPEC;
	if (udp->dest != bpf_htons(PORT_DISCARD) && udp->dest != bpf_htons(PORT_VXLAN))
		return TC_ACT_UNSPEC;
	count = bpf_map_lookup_elem(&bench_counts, &zero);
	if (count)
		++*count;
	return TC_ACT_SHOT;
}

SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}
