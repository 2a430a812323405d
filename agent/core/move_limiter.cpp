// SPDX-License-Identifier: GPL-2.0-only
#include "core/move_limiter.h"

#include <algorithm>

namespace vtepd {

void MoveLimiter::announce(const AddressMove& move, Time now) {
  forget(now);
  auto& slot = slots_.try_emplace({move.network_id, move.address}, Slot{{}, now}).first->second;
  if (slot.waiting) {
    ++limited_;
  }
  slot.waiting = move;
}

std::optional<AddressMove> MoveLimiter::due(Time now) {
  for (auto& [key, slot] : slots_) {
    if (slot.waiting && slot.free_at <= now) {
      slot.free_at = now + interval_;
      return std::exchange(slot.waiting, std::nullopt);
    }
  }
  return std::nullopt;
}

std::optional<MoveLimiter::Time> MoveLimiter::next() const {
  std::optional<Time> earliest;
  for (const auto& [key, slot] : slots_) {
    if (slot.waiting) {
      earliest = std::min(earliest.value_or(slot.free_at), slot.free_at);
    }
  }
  return earliest;
}

// What is past its interval says nothing any more.
void MoveLimiter::forget(Time now) {
  std::erase_if(slots_, [&](const auto& entry) {
    return !entry.second.waiting && entry.second.free_at <= now;
  });
}

}  // namespace vtepd
