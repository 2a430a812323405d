// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace vtepd {

// An endpoint of this host announced an address as its own.
struct AddressMove {
  std::string network_id;
  IpAddress address;
  std::string endpoint_id;
  std::optional<MacAddress> mac;  // none: the endpoint's own
};

// Moves that tenants trigger: of each address at most one within the interval is carried out, at
// once if it is the first; of those that follow within the interval the latest, at its end. The
// others are counted. Pure: the caller says what time it is, in any monotonic unit of milliseconds.
class MoveLimiter {
 public:
  using Time = std::chrono::milliseconds;

  explicit MoveLimiter(Time interval) : interval_(interval) {}

  void announce(const AddressMove& move, Time now);
  // A move whose time has come; none is left if it is empty.
  std::optional<AddressMove> due(Time now);
  // When due() has something again; none while nothing waits.
  [[nodiscard]] std::optional<Time> next() const;

  [[nodiscard]] std::uint64_t limited() const { return limited_; }

 private:
  struct Slot {
    std::optional<AddressMove> waiting;
    Time free_at{};
  };

  void forget(Time now);

  Time interval_;
  std::map<std::pair<std::string, IpAddress>, Slot> slots_;
  std::uint64_t limited_ = 0;
};

}  // namespace vtepd
