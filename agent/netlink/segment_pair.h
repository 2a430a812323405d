// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "netlink/link.h"
#include "netlink/rtnl_socket.h"

#include <cstdint>
#include <optional>
#include <string>

namespace vtepd::netlink {

struct SegmentEnds {
  IfIndex sending;
  IfIndex receiving;

  friend bool operator==(const SegmentEnds&, const SegmentEnds&) = default;
};

// A veth pair without any offload: what is sent into one end comes out of the other cut up and with
// its checksums complete, done by the kernel. Carries only what programs redirect there: no ARP, no
// IPv6, no addresses; the caller attaches the programs between create() and set_up().
//
// Threading: one thread. The pair outlives the object.
class SegmentPair {
 public:
  // In the namespace of the calling thread; the port makes the names.
  static Result<SegmentPair> open(std::uint16_t port);

  // Of the sending end.
  [[nodiscard]] const std::string& name() const { return sending_; }

  // Makes the pair, down, or adopts the one that is there, mending what is not as it should be.
  Result<SegmentEnds> create();
  // Frames flow when it returns.
  Result<void> set_up();
  // The pair that is there and needs nothing done to it: both ends up, no offloads.
  Result<std::optional<SegmentEnds>> find_working();
  // Frames that the kernel dropped between the ends, since the pair was made.
  Result<std::uint64_t> lost();
  // No error if it is gone; a foreign device of that name stays. True if there was one.
  Result<bool> remove();

 private:
  SegmentPair(Socket socket, std::string sending, std::string receiving);

  struct Found {
    LinkInfo sending;
    LinkInfo receiving;
  };

  // Nothing if the two names are not the two ends of one pair in this namespace.
  Result<std::optional<Found>> find();
  Result<void> request_pair();
  Result<void> close_end(IfIndex index, const std::string& name);

  Socket socket_;
  std::string sending_;
  std::string receiving_;
};

}  // namespace vtepd::netlink
