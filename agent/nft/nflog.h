// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

struct nl_sock;

namespace vtepd::nft {

// A packet that a rule logged; a view into the receive buffer.
struct LoggedPacket {
  std::uint16_t protocol = 0;  // EtherType
  std::uint32_t mark = 0;
  IfIndex ifindex;                      // it came in by; the bridge's port where there is one
  std::optional<MacAddress> source;     // of the Ethernet header
  std::span<const std::uint8_t> bytes;  // from the network header on
};

// Receives what rules log to one NFLOG group of the calling thread's namespace.
class LogSocket {
 public:
  using OnPacket = std::function<void(const LoggedPacket&)>;

  // Conflict: another program has the group.
  static Result<LogSocket> open(std::uint16_t group, std::uint32_t bytes);

  [[nodiscard]] int fd() const;
  // Takes what is waiting. The kernel drops what does not fit while nobody reads.
  void receive(const OnPacket& take);

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };

  explicit LogSocket(nl_sock* socket) : socket_(socket) {}

  std::unique_ptr<nl_sock, Free> socket_;
};

}  // namespace vtepd::nft
