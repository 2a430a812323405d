// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/subject.h"

namespace vtepd::bench {

struct StreamPlan {
  const End& from;
  const End& to;
  int streams = 1;  // one is bound to two cores; several go where the kernel puts them
  double seconds = 1;
};

struct StreamResult {
  double bits_per_second = 0;  // received
  double cpu_s_per_gb = 0;     // of all cores, for 10^9 bytes
};

// Sends by TCP as fast as it goes, and measures after the start of the streams. Throws if they do
// not connect or carry nothing.
[[nodiscard]] StreamResult run_streams(const StreamPlan& plan);

struct FloodResult {
  double packets_per_second = 0;  // received, while the sender's core was busy with them
  double loss = 0;                // share of what was sent
};

// Sends datagrams of 64 bytes one by one. Throws if more than a tenth of them is lost.
[[nodiscard]] FloodResult run_flood(const End& from, const End& to, double seconds);

}  // namespace vtepd::bench
