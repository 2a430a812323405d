// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "netlink/bench.h"
#include "netlink/underlay_monitor.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

namespace vtepd::netlink::test {

inline IpAddress ip(const char* text) {
  return must(IpAddress::parse(text));
}

// A host with the underlay 198.51.100.1/24 on "under0" (one end of a veth whose other end, "wire0",
// is up too), a watcher on it and what the watcher reported.
class UnderlayTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    run("ip link add under0 mtu 1600 type veth peer name wire0 mtu 1600; "
        "ip link set wire0 up; ip link set under0 up; "
        "ip address add 198.51.100.1/24 dev under0");
    watch({.address = ip("198.51.100.1"), .device = ""});
  }

  void watch(UnderlayConfig config) {
    monitor_ = must(UnderlayMonitor::create(std::move(config)));
    monitor_->subscribe([this](const std::vector<std::string>& gone) {
      ++calls_;
      gone_.insert(gone_.end(), gone.begin(), gone.end());
    });
    settle();
  }

  // Carrier changes of the set-up are still under way when the commands return; this reads until
  // nothing more comes within a moment.
  void settle() {
    while (readable(std::chrono::milliseconds(50))) {
      must(monitor_->on_readable());
    }
    calls_ = 0;
    gone_.clear();
  }

  bool readable(std::chrono::milliseconds limit) {
    pollfd event{monitor_->fd(), POLLIN, 0};
    return poll(&event, 1, static_cast<int>(limit.count())) == 1;
  }

  // Serves the descriptor until the condition holds; false after 3 s.
  bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (!condition()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !readable(left)) {
        return false;
      }
      must(monitor_->on_readable());
    }
    return true;
  }

  std::unique_ptr<UnderlayMonitor> monitor_;
  int calls_ = 0;
  std::vector<std::string> gone_;
};

}  // namespace vtepd::netlink::test
