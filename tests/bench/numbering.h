// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/frame.h"
#include "core/types.h"

namespace vtepd::bench {

// The remote endpoint with a number, see frame.h.
struct Numbered {
  IpAddress address;
  MacAddress mac;
  std::uint32_t vtep_number = 0;  // 0 ... BENCH_VTEPS - 1
  IpAddress vtep;
};

inline Numbered numbered(std::uint32_t number) {
  const IpAddress address = IpAddress::v4(BENCH_FIRST_ADDRESS + number);
  const std::uint32_t vtep = number % BENCH_VTEPS;
  return {.address = address,
          .mac = docker_mac(address),
          .vtep_number = vtep,
          .vtep = IpAddress::v4(BENCH_FIRST_VTEP + vtep)};
}

}  // namespace vtepd::bench
