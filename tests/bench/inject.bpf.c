// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP, under BPF_PROG_TEST_RUN with live frames: hands each frame on to the stack as the device's
 * driver would, by way of the device's own program if it has one, or sends it out of a device. The
 * kernel reuses the frames' pages, in which whoever received the last one may have written, so the
 * headers are written anew each time.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_frame);
} bench_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_next SEC(".maps");

#define OUTER_CHECK 24
#define OUTER_SOURCE 26
#define INNER_SOURCE_MAC 56
#define INNER_CHECK 74
#define INNER_SOURCE 76
#define INNER_UDP_CHECK 90

static __always_inline __u16 checksum(__u32 sum, __be32 address)
{
	sum += (address & 0xffff) + (address >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void put(void *at, __be32 address)
{
	*(__u16 *)at = address & 0xffff;
	*(__u16 *)(at + 2) = address >> 16;
}

static __always_inline void draw_sender(void *data, const struct bench_frame *frame)
{
	__u32 number = bpf_get_prandom_u32() % frame->senders;
	__be32 address = bpf_htonl(BENCH_FIRST_ADDRESS + number);
	__be32 vtep = bpf_htonl(BENCH_FIRST_VTEP + number % BENCH_VTEPS);

	put(data + OUTER_SOURCE, vtep);
	*(__u16 *)(data + OUTER_CHECK) = checksum(frame->outer_sum, vtep);
	*(__u16 *)(data + INNER_SOURCE_MAC) = bpf_htons(0x0242);
	put(data + INNER_SOURCE_MAC + 2, address);
	put(data + INNER_SOURCE, address);
	*(__u16 *)(data + INNER_CHECK) = checksum(frame->inner_sum, address);
	*(__u16 *)(data + INNER_UDP_CHECK) = 0;
}

static __always_inline int write_headers(struct xdp_md *ctx, __u32 *ifindex)
{
	void *data = (void *)(long)ctx->data;
	__u32 zero = 0;
	const struct bench_frame *frame = bpf_map_lookup_elem(&bench_frames, &zero);

	if (!frame || data + BENCH_HEADERS > (void *)(long)ctx->data_end)
		return -1;
	__builtin_memcpy(data, frame->bytes, BENCH_HEADERS);
	if (frame->senders)
		draw_sender(data, frame);
	*ifindex = frame->ifindex;
	return 0;
}

SEC("xdp.frags")
int bench_receive(struct xdp_md *ctx)
{
	__u32 ifindex;

	if (write_headers(ctx, &ifindex))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &bench_next, 0);
	return XDP_PASS;
}

SEC("xdp")
int bench_transmit(struct xdp_md *ctx)
{
	__u32 ifindex;

	if (write_headers(ctx, &ifindex))
		return XDP_ABORTED;
	return bpf_redirect(ifindex, 0);
}

/* A veth takes frames from a test run only while it has a program. */
SEC("xdp.frags")
int bench_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
