// SPDX-License-Identifier: GPL-2.0-only
#include "app/audit_flow.h"

#include <utility>

namespace vtepd {

AuditFlow::AuditFlow(Agent& agent, bool in_operation, Then then)
    : agent_(agent),
      in_operation_(in_operation),
      then_(std::move(then)),
      timer_(agent.ports_.loop.make_timer()) {}

void AuditFlow::start() {
  if (const auto there = agent_.check_store(); !there) {
    then_(fail(there.error()));
    return;
  }
  if (!agent_.synced_) {
    then_(fail(ErrorKind::Unavailable, agent_.store_problem_));
    return;
  }
  look([self = shared_from_this()](registry::Audit audit) {
    if (audit.findings.empty()) {
      self->then_(std::move(audit));
      return;
    }
    self->first_ = std::move(audit.findings);
    self->timer_->set(self->agent_.options_.audit_pause, [self] {
      self->look([self](registry::Audit again) {
        again.findings = registry::confirmed(self->first_, std::move(again.findings));
        self->then_(std::move(again));
      });
    });
  });
}

void AuditFlow::look(std::function<void(registry::Audit)> next) {
  agent_.on_worker<registry::Audit>(
      [registry = &agent_.ports_.registry, witness = agent_.witness(in_operation_)] {
        return registry->audit(witness);
      },
      [self = shared_from_this(), next = std::move(next)](Result<registry::Audit> audit) {
        if (audit) {
          self->agent_.add_findings(*audit);
          next(std::move(*audit));
        } else {
          self->then_(fail(audit.error()));
        }
      });
}

}  // namespace vtepd
