// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/link_table.h"

#include <set>
#include <utility>

namespace vtepd::netlink {

LinkTable::Known LinkTable::summary(const LinkInfo& link) {
  Known known;
  known.name = link.name;
  known.mtu = link.mtu;
  known.operational = link.is_operational();
  known.mac = link.mac.value_or(MacAddress{});
  known.segments_tunnels = link.segments_tunnels;
  // No route leads through a host end, so an attachment need not make everybody resolve every VTEP
  // again.
  known.closed = link.is_host_end();
  return known;
}

bool LinkTable::update(const LinkInfo& link) {
  Known now = summary(link);
  Known& known = links_[link.index];
  const bool renamed = !known.name.empty() && known.name != now.name;
  if (renamed) {
    gone_.push_back(known.name);
  }
  const bool matters = renamed || (known != now && !now.closed);
  known = std::move(now);
  return matters;
}

bool LinkTable::remove(IfIndex index) {
  const auto found = links_.find(index);
  if (found == links_.end()) {
    return false;
  }
  gone_.push_back(found->second.name);
  links_.erase(found);
  return true;
}

void LinkTable::replace(const std::vector<LinkInfo>& links) {
  std::set<IfIndex> present;
  for (const auto& link : links) {
    present.insert(link.index);
    update(link);
  }
  for (auto at = links_.begin(); at != links_.end();) {
    if (present.contains(at->first)) {
      ++at;
      continue;
    }
    gone_.push_back(at->second.name);
    at = links_.erase(at);
  }
}

std::vector<std::string> LinkTable::take_gone() {
  return std::exchange(gone_, {});
}

}  // namespace vtepd::netlink
