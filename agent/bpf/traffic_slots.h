// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <cstdint>
#include <map>
#include <set>

namespace vtepd {

// Which VNI counts its forwarded frames in which slot of vtep_traffic. Slots are numbered from 1.
class TrafficSlots {
 public:
  explicit TrafficSlots(std::uint32_t slots) : slots_(slots) {}

  // 0: none.
  [[nodiscard]] std::uint32_t of(Vni vni) const;
  // The lowest free one for a VNI that has none; 0 if all are taken.
  std::uint32_t assign(Vni vni);
  void release(Vni vni);
  // As an earlier run assigned it. False, and nothing changes, if there is no such slot, or if it
  // or the VNI is in use already.
  bool adopt(Vni vni, std::uint32_t slot);
  void clear();

 private:
  std::uint32_t slots_;
  std::map<Vni, std::uint32_t> of_;
  std::set<std::uint32_t> taken_;
};

}  // namespace vtepd
