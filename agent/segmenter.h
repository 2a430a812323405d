// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/segment_pair.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

class BpfDataplane;

// Keeps the pair of veths that cuts up frames with tunnel state, and its programs. Without it such
// frames are dropped and counted; the rest goes on. Threading: the loop's thread.
class Segmenter {
 public:
  // `dataplane` outlives this.
  Segmenter(std::uint16_t port, BpfDataplane& dataplane) : port_(port), dataplane_(dataplane) {}

  void start();
  // Makes again what somebody deleted or changed; says what it was.
  std::vector<std::string> verify();
  // For `vtepctl show status`.
  [[nodiscard]] std::string describe();

 private:
  Result<void> make();
  void give_up(const Error& error);

  std::uint16_t port_;
  BpfDataplane& dataplane_;
  std::optional<netlink::SegmentPair> pair_;
  netlink::SegmentEnds ends_;
  std::string problem_;
};

}  // namespace vtepd
