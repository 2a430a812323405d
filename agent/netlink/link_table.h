// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"
#include "netlink/link.h"

#include <map>
#include <string>
#include <vector>

namespace vtepd::netlink {

// The interfaces as last reported, to tell what a notification changed. Pure bookkeeping.
class LinkTable {
 public:
  // True if it may change what the underlay answers.
  bool update(const LinkInfo& link);
  bool remove(IfIndex index);
  // After lost notifications: these are all there are now.
  void replace(const std::vector<LinkInfo>& links);
  // Names that have ceased to mean the interface they meant: it was deleted, moved to another
  // namespace or renamed. Each is told once.
  std::vector<std::string> take_gone();

 private:
  struct Known {
    std::string name;
    std::uint32_t mtu = 0;
    bool operational = false;
    bool closed = false;
    MacAddress mac;
    bool segments_tunnels = false;
    bool operator==(const Known&) const = default;
  };

  static Known summary(const LinkInfo& link);

  std::map<IfIndex, Known> links_;
  std::vector<std::string> gone_;
};

}  // namespace vtepd::netlink
