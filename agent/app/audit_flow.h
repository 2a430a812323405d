// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/agent.h"
#include "registry/store_audit.h"

#include <functional>
#include <memory>
#include <vector>

namespace vtepd {

// Looks the store through, and if it finds something, again after a while: what is found twice is
// no change under way. Keeps itself alive through the callbacks that hold it.
class AuditFlow : public std::enable_shared_from_this<AuditFlow> {
 public:
  using Then = std::function<void(Result<registry::Audit>)>;

  // `in_operation`: as the agent's only operation, so that none is half done.
  AuditFlow(Agent& agent, bool in_operation, Then then);
  void start();

 private:
  void look(std::function<void(registry::Audit)> next);

  Agent& agent_;
  bool in_operation_;
  Then then_;
  std::unique_ptr<EventLoop::Timer> timer_;
  std::vector<registry::Finding> first_;
};

}  // namespace vtepd
