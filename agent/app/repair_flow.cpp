// SPDX-License-Identifier: GPL-2.0-only
#include "app/repair_flow.h"

#include "app/audit_flow.h"
#include "registry/mend.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

constexpr const char* kPlanned = "planned";
constexpr const char* kDone = "done";
constexpr const char* kFailed = "failed";

}  // namespace

RepairFlow::RepairFlow(Agent& agent, const RepairRequest& request,
                       Control::Reply<RepairReply> reply, Agent::Done done)
    : agent_(agent), request_(request), reply_(std::move(reply)), done_(std::move(done)) {
  result_.dry_run = request_.dry_run;
}

void RepairFlow::start() {
  const auto then = [self = shared_from_this()](const Result<registry::Audit>& audit) {
    self->with_audit(audit);
  };
  std::make_shared<AuditFlow>(agent_, true, then)->start();
}

void RepairFlow::with_audit(const Result<registry::Audit>& audit) {
  const auto may = audit ? check_host(*audit) : fail(audit.error());
  const auto tables = may ? mend_tables() : may;
  if (!tables) {
    fail_with(tables.error());
    return;
  }
  items_ = registry::plan(audit->findings, request_.host, request_.leaked);
  if (!request_.dry_run) {
    mend_next();
    return;
  }
  for (const auto& item : items_) {
    for (const auto& finding : item) {
      add_action(finding);
    }
  }
  finish();
}

Result<void> RepairFlow::check_host(const registry::Audit& audit) const {
  if (!request_.host) {
    return {};
  }
  const auto name = "host " + request_.host->to_string();
  const auto witness = agent_.witness(true);
  if (const auto alive = registry::why_alive(audit.hosts, witness, *request_.host);
      !alive.empty()) {
    return fail(ErrorKind::Conflict, name + " is alive (" + alive +
                                         "): its endpoints are its own to withdraw; detach them "
                                         "there");
  }
  if (witness.gossip && !witness.members) {
    return fail(ErrorKind::Unavailable,
                "gossip is away, so whether " + name + " is alive cannot be told");
  }
  const auto seen = witness.gone_seconds.find(*request_.host);
  const auto up =
      std::chrono::duration_cast<std::chrono::seconds>(Agent::Clock::now() - agent_.started_);
  const auto gone = seen == witness.gone_seconds.end()
                        ? up
                        : std::chrono::seconds(static_cast<std::int64_t>(seen->second));
  const auto wait = agent_.options_.host_return - gone;
  if (!request_.dry_run && wait.count() > 0) {
    return fail(ErrorKind::Unavailable, name + " has been gone for " +
                                            std::to_string(gone.count()) +
                                            " s only and may be on its way back: try again in " +
                                            std::to_string(wait.count()) + " s");
  }
  return {};
}

void RepairFlow::add_action(const DifferenceView& difference, const std::string& to) {
  result_.actions.push_back({.kind = difference.kind,
                             .network = difference.network,
                             .network_id = difference.network_id,
                             .object = difference.object,
                             .from = difference.have,
                             .to = to,
                             .state = kPlanned,
                             .error = {}});
}

void RepairFlow::add_action(const registry::Finding& finding) {
  const bool removes =
      registry::removes_endpoint(finding) || finding.fault == registry::Fault::HolderGone;
  add_action(finding.shown, removes ? "removed" : finding.shown.want);
}

// What is still different afterwards was refused.
Result<void> RepairFlow::mend_tables() {
  const auto before = agent_.table_differences();
  if (!before) {
    return fail(before.error());
  }
  for (const auto& difference : *before) {
    add_action(difference, difference.want);
  }
  if (request_.dry_run || before->empty()) {
    return {};
  }
  agent_.reconcile();
  const auto after = agent_.table_differences();
  if (!after) {
    return fail(after.error());
  }
  for (auto& action : result_.actions) {
    const bool refused = std::any_of(
        after->begin(), after->end(),
        [&](const DifferenceView& difference) { return difference.object == action.object; });
    action.state = refused ? kFailed : kDone;
    if (refused && !agent_.apply_errors_.empty()) {
      action.error = agent_.apply_errors_.front();
    }
  }
  return {};
}

void RepairFlow::mend_next() {
  if (next_ == items_.size()) {
    finish();
    return;
  }
  const auto& item = items_[next_++];
  for (const auto& finding : item) {
    add_action(finding);
    if (finding.fault == registry::Fault::Orphan) {
      // Its interface may have been made before the end came.
      agent_.remove_interface(host_ifname_of(finding.endpoint->id));
      agent_.tell_gossip_it_went(*finding.endpoint);
    }
  }
  agent_.on_worker<bool>(
      [registry = &agent_.ports_.registry, item] { return registry->mend(item); },
      [self = shared_from_this(), &item](const Result<bool>& mended) {
        self->with_mended(item, mended);
      });
}

void RepairFlow::with_mended(const std::vector<registry::Finding>& item,
                             const Result<bool>& mended) {
  for (auto action = result_.actions.end() - static_cast<std::ptrdiff_t>(item.size());
       action != result_.actions.end(); ++action) {
    action->state = !mended ? kFailed : *mended ? kDone : "changed";
    action->error = mended ? "" : mended.error().what;
    spdlog::info("repair: {} {} of network '{}' from '{}' to '{}': {} {}", action->kind,
                 action->object, action->network, action->from, action->to, action->state,
                 action->error);
  }
  const auto& first = item.front();
  if (mended && *mended && first.fault == registry::Fault::HostGone) {
    agent_.tell_gossip_it_went(*first.endpoint);
  }
  // A store that went away answers no further question.
  if (!mended && mended.error().kind == ErrorKind::Unavailable) {
    next_ = items_.size();
  }
  mend_next();
}

void RepairFlow::finish() {
  reply_(std::move(result_));
  done_();
}

void RepairFlow::fail_with(const Error& error) {
  reply_(fail(error));
  done_();
}

}  // namespace vtepd
