// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace vtepd::consul {

// Pauses between tries that fail, doubling, each with jitter so that a cluster of agents does not
// come back at one moment. The longest is short: what was missed must be right within seconds.
class BackOff {
 public:
  static constexpr std::chrono::milliseconds kFirst{250};
  static constexpr std::chrono::milliseconds kLongest{2000};

  [[nodiscard]] std::chrono::milliseconds next() {
    const auto pause = pause_;
    pause_ = std::min(pause_ * 2, kLongest);
    std::uniform_int_distribution<std::chrono::milliseconds::rep> part(pause.count() / 2,
                                                                       pause.count());
    return std::chrono::milliseconds(part(random_));
  }

  void reset() { pause_ = kFirst; }

 private:
  std::chrono::milliseconds pause_ = kFirst;
  std::minstd_rand random_{std::random_device{}()};
};

// A token bucket: some reads at once, then one in each interval.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kBurst = 5;
  static constexpr std::chrono::milliseconds kInterval{100};

  // Takes a token; the time to wait before it may be used.
  [[nodiscard]] Clock::duration take(Clock::time_point now) {
    full_at_ = std::max(full_at_, now) + kInterval;
    return std::max<Clock::duration>(full_at_ - now - kBurst * kInterval, Clock::duration::zero());
  }

 private:
  Clock::time_point full_at_{};  // when the bucket will have all its tokens
};

}  // namespace vtepd::consul
