// SPDX-License-Identifier: GPL-2.0-only
#pragma once

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

// What the programs and the loader need to know.
struct Features {
  bool tcx = false;
  bool encap_l2_eth = false;
  bool decap_l3 = false;
  bool xdp_frags = false;
  bool netkit = false;
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
