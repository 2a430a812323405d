// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/traffic_slots.h"

namespace vtepd {

std::uint32_t TrafficSlots::of(Vni vni) const {
  const auto found = of_.find(vni);
  return found == of_.end() ? 0 : found->second;
}

std::uint32_t TrafficSlots::assign(Vni vni) {
  if (const std::uint32_t has = of(vni); has != 0) {
    return has;
  }
  std::uint32_t slot = 1;
  for (const std::uint32_t taken : taken_) {
    if (taken != slot) {
      break;
    }
    ++slot;
  }
  return adopt(vni, slot) ? slot : 0;
}

void TrafficSlots::release(Vni vni) {
  if (const auto found = of_.find(vni); found != of_.end()) {
    taken_.erase(found->second);
    of_.erase(found);
  }
}

bool TrafficSlots::adopt(Vni vni, std::uint32_t slot) {
  if (slot == 0 || slot > slots_ || taken_.contains(slot) || of_.contains(vni)) {
    return false;
  }
  of_.emplace(vni, slot);
  taken_.insert(slot);
  return true;
}

void TrafficSlots::clear() {
  of_.clear();
  taken_.clear();
}

}  // namespace vtepd
