// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/views.h"
#include "ctl/command_line.h"

#include <string>
#include <vector>

namespace vtepd::ctl {

// What can be shown of an instance without its daemon: the pinned maps or the kernel's own tables,
// and the endpoints of this host that it remembers.
class Offline {
 public:
  explicit Offline(const Command& command) : command_(command) {}

  [[nodiscard]] Result<std::vector<FdbView>> fdb() const;
  [[nodiscard]] Result<std::vector<NeighbourView>> neighbours() const;
  [[nodiscard]] Result<std::vector<VtepView>> vteps() const;
  [[nodiscard]] Result<std::vector<DropView>> drops() const;
  [[nodiscard]] Result<std::vector<EndpointView>> endpoints() const;  // of this host only
  // Down, with what is known; what cannot be read is one of its problems.
  [[nodiscard]] StatusView status(const std::string& why_down) const;

 private:
  const Command& command_;
};

}  // namespace vtepd::ctl
