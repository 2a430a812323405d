// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bench/meter.h"
#include "support/packet.h"
#include "support/sockets.h"

#include <cstdint>

namespace vtepd::bench {

// A raw socket that sends copies of one frame, 64 to a system call.
class FrameBurst {
 public:
  // With `targets` the frame's destination is drawn uniformly from so many endpoints (frame.h).
  FrameBurst(const Place& from, test::Bytes frame, std::uint32_t targets);

  // On the measured core; returns how long it was busy, in ns. Throws if a frame is refused.
  double send(std::uint32_t count) const;

 private:
  test::Socket socket_;
  test::Bytes frame_;
  std::uint32_t targets_;
};

}  // namespace vtepd::bench
