// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include "bpf/probe.h"
#include "bpf/probe_programs.h"
#include "vtepd/abi.h"

#include <array>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::test {

namespace {

// Whether a program that passes everything runs with these options.
bool runs(bpf_prog_type type, bpf_test_run_opts& test) {
  const std::array<std::uint8_t, 64> in{};
  std::array<std::uint8_t, 64> out{};
  test.data_in = in.data();
  test.data_size_in = in.size();
  test.data_out = out.data();
  test.data_size_out = out.size();
  const auto program = load_program(std::array{move(BPF_REG_0, XDP_PASS), exit_program()}, type);
  return program && bpf_prog_test_run_opts(program->get(), &test) == 0;
}

}  // namespace

const Features& probed_features() {
  static const Features here = probe_kernel().features;
  return here;
}

std::uint16_t kernel_features() {
  static const auto all = [] {
    const Features& here = probed_features();
    unsigned features = here.encap_l2_eth ? VTEP_FEATURE_ENCAP_L2_ETH : 0U;
    features |= here.decap_l3 ? VTEP_FEATURE_DECAP_L3 : 0U;
    features |= here.xdp_frags ? VTEP_FEATURE_XDP_FRAGS : 0U;
    features |= here.kernel_skb ? VTEP_FEATURE_KERNEL_SKB : 0U;
    return static_cast<std::uint16_t>(features);
  }();
  return all;
}

bool can_strip() {
  static const bool can = [] {
    xdp_md context{};
    context.data_end = 64;
    LIBBPF_OPTS(bpf_test_run_opts, test, .ctx_in = &context, .ctx_size_in = sizeof context);
    return runs(BPF_PROG_TYPE_XDP, test);
  }();
  return can;
}

bool can_compare_sums() {
  static const bool can = [] {
    LIBBPF_OPTS(bpf_test_run_opts, test, .flags = BPF_F_TEST_SKB_CHECKSUM_COMPLETE);
    return runs(BPF_PROG_TYPE_SCHED_CLS, test);
  }();
  return can;
}

}  // namespace vtepd::test
