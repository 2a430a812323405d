// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "app/agent.h"
#include "registry/store_audit.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace vtepd {

// One repair: looks, plans (registry/mend.h), mends one thing after another, and says of each what
// became of it. Runs as one operation of the agent and keeps itself alive through the callbacks
// that hold it.
class RepairFlow : public std::enable_shared_from_this<RepairFlow> {
 public:
  RepairFlow(Agent& agent, const RepairRequest& request, Control::Reply<RepairReply> reply,
             Agent::Done done);
  void start();

 private:
  void with_audit(const Result<registry::Audit>& audit);
  // Conflict: it is alive. Unavailable: that cannot be told.
  [[nodiscard]] Result<void> check_host(const registry::Audit& audit) const;
  Result<void> mend_tables();
  void mend_next();
  void with_mended(const std::vector<registry::Finding>& item, const Result<bool>& mended);
  void add_action(const DifferenceView& difference, const std::string& to);
  void add_action(const registry::Finding& finding);
  void finish();
  void fail_with(const Error& error);

  Agent& agent_;
  RepairRequest request_;
  Control::Reply<RepairReply> reply_;
  Agent::Done done_;
  std::vector<std::vector<registry::Finding>> items_;
  std::size_t next_ = 0;  // of items_
  RepairReply result_;
};

}  // namespace vtepd
