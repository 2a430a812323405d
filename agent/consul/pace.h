// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <chrono>

namespace vtepd::consul {

// Pauses between tries that fail. The longest is short: what was missed must be right within
// seconds.
inline constexpr std::chrono::milliseconds kFirstPause{250};
inline constexpr std::chrono::milliseconds kLongestPause{2000};

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
