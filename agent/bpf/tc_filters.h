// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "bpf/hooks.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace vtepd {

// Where the first of our filters sits on a clsact hook, the others behind it: every instance uses
// its UDP port as handle below these.
inline constexpr std::uint32_t kFrontPriority = 17;

struct TcFilter {
  std::uint32_t priority = 0;
  std::uint32_t handle = 0;
  std::string kind;              // "bpf" for ours
  std::uint32_t program_id = 0;  // of a "bpf" filter, else 0
};

// Filters of a clsact hook in the order in which they run; none if there is no such qdisc.
Result<std::vector<TcFilter>> list_tc_filters(IfIndex ifindex, Direction direction);
Result<void> remove_tc_filter(IfIndex ifindex, Direction direction, const TcFilter& filter);

// Removes the clsact qdisc if the marker says that we made it and no filter is left on it.
Result<void> remove_unused_clsact(IfIndex ifindex, const std::string& links);
[[nodiscard]] std::string clsact_marker(IfIndex ifindex, const std::string& links);

// Of a loaded program, by its kernel id; empty if it is gone.
[[nodiscard]] std::string program_name(std::uint32_t id);
[[nodiscard]] std::set<std::uint32_t> program_maps(std::uint32_t id);

// All interfaces of this network namespace.
[[nodiscard]] std::vector<IfIndex> list_interfaces();

}  // namespace vtepd
