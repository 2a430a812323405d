// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/probe.h"
#include "config/config.h"

#include <string>

namespace vtepd {

struct DatapathChoice {
  bool bpf = false;
  std::string reason;
  Features features;  // of the BPF data path
  // Why endpoints keep the kernel's length of TCP frames (core/tcp_frame.h); empty: they need not.
  std::string no_big_tcp;
};

// [datapath] kind, or what the kernel can do. Says once in the log what is missing and what that
// costs. Unavailable: neither data path can run, or not the one that is asked for.
Result<DatapathChoice> choose_datapath(const Config& config);

// `vtepd probe`: prints both tables and the choice. Exit code 0 if a data path can run, else 1.
int print_probe();

}  // namespace vtepd
