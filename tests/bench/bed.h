// SPDX-License-Identifier: GPL-2.0-only
// What subjects are laid out with.
#pragma once

#include "bench/subject.h"
#include "support/netns.h"

#include <memory>
#include <string>
#include <vector>

namespace vtepd::bench {

inline constexpr int kHostMtu = 1500;
inline constexpr int kOverlayMtu = 1450;

// Two namespaces and the cable between them.
struct Hosts {
  Hosts() { lay_cable(left, right); }

  test::NetNamespace left{};
  test::NetNamespace right{};
};

struct PlugPlan {
  const test::NetNamespace& host;  // where the other end of the veth pair is
  std::string host_end{};
  std::string address{};  // with prefix length
  int mtu = kOverlayMtu;
};

// Gives a namespace an interface eth0 with Docker's MAC for the address; both ends are up.
End plug(const test::NetNamespace& container, const PlugPlan& plan);

// 02:42 and the bytes of the address.
[[nodiscard]] std::string docker_mac_of(const std::string& address);

// One that forwards what it receives, back out of the same interface too.
void make_router(const test::NetNamespace& netns);

// Four containers, the first two on the left host.
struct Containers {
  test::NetNamespace left{};
  test::NetNamespace beside{};
  test::NetNamespace right{};
  test::NetNamespace router{};
};

}  // namespace vtepd::bench
