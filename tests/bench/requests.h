// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/subject.h"

namespace vtepd::bench {

struct RoundTrips {
  double p50_us = 0;
  double p99_us = 0;
};

// Sends 64 bytes back and forth on one connection of SOCK_STREAM or SOCK_DGRAM, client and server
// on a core each. Throws if an answer is missing.
[[nodiscard]] RoundTrips run_round_trips(const End& from, const End& to, int type, double seconds);

// Connections a second, one after another: connect, 64 bytes each way, close.
[[nodiscard]] double run_connections(const End& from, const End& to, double seconds);

}  // namespace vtepd::bench
