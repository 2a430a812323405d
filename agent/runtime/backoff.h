// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace vtepd {

// Delays that double up to a longest one, each shortened by up to half, so that hosts which lost
// the same thing do not all come back at once.
class Backoff {
 public:
  using Delay = std::chrono::milliseconds;

  Backoff(Delay first, Delay longest) : first_(first), longest_(longest), delay_(first) {}

  Delay next() {
    const auto delay = delay_;
    delay_ = std::min(longest_, delay_ * 2);
    return Delay(
        std::uniform_int_distribution<Delay::rep>(delay.count() / 2, delay.count())(random_));
  }

  void reset() { delay_ = first_; }

 private:
  Delay first_;
  Delay longest_;
  Delay delay_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace vtepd
