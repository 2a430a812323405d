// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/probe.h"

#include <optional>
#include <vector>

#include <linux/bpf.h>

struct bpf_object;

namespace vtepd {

// From the running kernel's BTF. Unavailable if there is none, or if it knows no such function
// or field.
[[nodiscard]] Result<KernelSkb> find_kernel_skb();

// A TC program that returns the byte with ip_summed: loads where the kernel allows it.
[[nodiscard]] std::vector<bpf_insn> kernel_skb_program(const KernelSkb& skb);

// To be called before the object is loaded: replaces every call of VTEP_CALL_KERNEL_SKB by one of
// the kernel's function. Without `skb` by nothing: then VTEP_FEATURE_KERNEL_SKB must not be set.
Result<void> put_kernel_skb(bpf_object* object, const std::optional<KernelSkb>& skb);

}  // namespace vtepd
