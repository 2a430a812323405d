// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

// One row of `vtepd probe`.
struct ProbeRow {
  std::string feature;     // "tcx link"
  std::string needed_for;  // what it does for vtepd
  bool present = false;
  bool required = false;  // the BPF data path cannot do without
  std::string detail;     // how it was found out, or what replaces it
};

// What the programs need in order to read the kernel's struct sk_buff.
struct KernelSkb {
  std::int32_t cast = 0;          // BTF id of bpf_cast_to_kern_ctx()
  std::uint16_t summed_byte = 0;  // where ip_summed is, and its lowest bit in that byte
  std::uint8_t summed_bit = 0;
};

// What the programs and the loader need to know.
struct Features {
  bool tcx = false;
  bool encap_l2_eth = false;
  bool decap_l3 = false;
  bool xdp_frags = false;
  bool netkit = false;
  std::optional<KernelSkb> kernel_skb{};
};

struct Probe {
  std::vector<ProbeRow> rows;
  Features features;
};

struct DataplaneChoice {
  bool bpf = false;
  std::string reason;                // "every required feature is there", or what is missing
  std::vector<std::string> missing;  // required features
};

// Asks the running kernel by loading tiny programs and running them on a made-up packet; nothing
// is attached to any interface of the host, and version numbers are not looked at. PREEMPT_RT
// is told by a word in the file `version`, or by the file `realtime`, of the patches from before it
// was part of Linux (6.12).
[[nodiscard]] Probe probe_kernel(const std::string& version = "/proc/sys/kernel/version",
                                 const std::string& realtime = "/sys/kernel/realtime");

[[nodiscard]] DataplaneChoice choose(const std::vector<ProbeRow>& rows);

}  // namespace vtepd
