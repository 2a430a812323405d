// SPDX-License-Identifier: GPL-2.0-only
/*
 * TC ingress of the host end of an endpoint's pair: what the endpoint sends. Ends in another
 * endpoint, on the underlay, back at the sender as an answer, or nowhere; never in the host's
 * stack.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "sent.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int from_ep(struct __sk_buff *skb, struct frame *frame)
{
	struct sender from = {};
	struct inner inner = {};
	int verdict = read_sent(skb, frame, &from, &inner);

	if (verdict)
		return verdict;
	verdict = check_source(skb, frame, &from, inner.proto);
	if (verdict)
		return verdict;
	if (from.bum)
		return -VTEP_BUM;
	inner.ecn = from.ecn;
	inner.whole = is_whole(skb, inner.proto);
	return switch_frame(skb, frame, &inner, &from);
}

SEC("tc")
int vtep_from_ep(struct __sk_buff *skb)
{
	struct frame frame = {.len = skb->len};

	return leave(&frame, from_ep(skb, &frame));
}
