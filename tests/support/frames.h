// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/capture.h"
#include "support/host.h"
#include "support/packet.h"

#include <cstdint>
#include <functional>
#include <string>

namespace vtepd::test {

inline constexpr std::uint16_t kDiscard = 9;  // UDP port of the tests' datagrams

Mac mac_of(const std::string& text);

// A datagram from container to container, told by its source port.
Bytes datagram(const Container& from, const Container& to, std::uint16_t source_port,
               std::size_t size = 64);

// What surrounds a frame on the underlay.
struct Outer {
  Mac dst_mac{};
  Mac src_mac{};
  std::string src{};
  std::string dst{};
  std::uint32_t vni = 0;
  std::uint8_t flags = 8;
  std::uint16_t port = 4789;
};

Bytes encapsulated(const Outer& outer, const Bytes& inner);

// For Capture::count: exactly these bytes.
std::function<bool(const Frame&)> is(const Bytes& bytes);

// A plain kernel vxlan device in a bridge, as Docker lays it out, on a host without vtepd.
struct KernelPort {
  const NetNamespace& host;
  std::uint32_t vni = 0;
  std::string local{};
  std::string remote_mac{};
  std::string remote{};
};

void add_kernel_port(const KernelPort& port, const Container& container);

}  // namespace vtepd::test
