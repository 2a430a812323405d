// SPDX-License-Identifier: GPL-2.0-only
// What is not as it should be: looked for in the store, in gossip and in the data path's tables.
#include "app/audit_flow.h"
#include "app/repair_flow.h"
#include "core/in_force.h"
#include "view/table_differences.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace vtepd {

registry::Witness Agent::witness(bool in_operation) const {
  registry::Witness witness{.vtep = options_.vtep,
                            .owner = options_.owner,
                            .own = {},
                            .attaching = busy_ && !in_operation,
                            .gossip = gossip_.has_value(),
                            .members = {},
                            .gone_seconds = {}};
  for (const auto& [id, local] : overlay_.locals()) {
    witness.own.insert(id);
  }
  for (const auto& endpoint : pending_) {
    witness.own.insert(endpoint.id);
  }
  if (gossip_) {
    witness.members = gossip_->live_members();
  }
  for (const auto& [vtep, since] : hosts_gone_) {
    const auto gone = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
    witness.gone_seconds[vtep] = static_cast<std::uint64_t>(gone.count());
  }
  return witness;
}

void Agent::add_findings(registry::Audit& audit) const {
  std::vector<const Endpoint*> stored;
  std::set<std::string_view> ids;
  for (const auto& endpoint : audit.endpoints) {
    stored.push_back(&endpoint);
    ids.insert(endpoint.id);
  }
  const auto add = [&](registry::Fault fault, const std::string& network_id, std::string object) {
    auto& finding = audit.findings.emplace_back(registry::make_finding(fault, std::move(object)));
    const auto network = audit.networks.find(network_id);
    finding.shown.network = network == audit.networks.end() ? "" : network->second.name;
    finding.shown.network_id = network_id;
    return &finding.shown;
  };
  for (const auto& [endpoint, have] : not_in_force(overlay_, stored)) {
    auto* shown =
        add(registry::Fault::NotInForce, endpoint->network_id, registry::shown_endpoint(*endpoint));
    shown->have = have;
    shown->want = "frames to it go to " + endpoint->vtep.to_string();
  }
  for (const auto& [id, local] : overlay_.locals()) {
    if (!ids.contains(id)) {
      auto* shown = add(registry::Fault::NotInStore, local.endpoint.network_id,
                        registry::shown_endpoint(local.endpoint));
      shown->have = "on this host";
      shown->want = "an endpoint in the store";
      shown->note = "other hosts do not know it: detach it and attach it again";
    }
  }
  for (const auto& [id, network] : overlay_.networks()) {
    for (const auto& [endpoint_id, record] : network.provisional) {
      auto* shown =
          add(registry::Fault::GossipOnly, id,
              registry::shown_endpoint({.id = endpoint_id.to_string(), .name = record.name}));
      shown->have = "on " + record.vtep.to_string() + " by gossip";
      shown->want = "an endpoint in the store";
      shown->note = "frames go there for 30 s at most, unless the store follows";
    }
  }
}

Result<std::vector<DifferenceView>> Agent::table_differences() {
  const auto held = ports_.dataplane.read_back();
  if (!held) {
    return fail(held.error());
  }
  return vtepd::table_differences(*held, overlay_.desired(), names());
}

void Agent::differences(Reply<std::vector<DifferenceView>> reply) {
  const auto then = [this, reply = std::move(reply)](const Result<registry::Audit>& audit) {
    const auto tables =
        audit ? table_differences() : Result<std::vector<DifferenceView>>(fail(audit.error()));
    if (!tables) {
      reply(fail(tables.error()));
      return;
    }
    std::vector<DifferenceView> rows;
    for (const auto& finding : audit->findings) {
      rows.push_back(finding.shown);
    }
    rows.insert(rows.end(), tables->begin(), tables->end());
    reply(std::move(rows));
  };
  std::make_shared<AuditFlow>(*this, false, then)->start();
}

void Agent::stale_endpoints(Reply<std::vector<EndpointView>> reply) {
  const auto then = [this, reply = std::move(reply)](const Result<registry::Audit>& audit) {
    if (!audit) {
      reply(fail(audit.error()));
      return;
    }
    std::vector<EndpointView> rows;
    for (const auto& finding : audit->findings) {
      const bool stale =
          finding.fault == registry::Fault::HostGone || finding.fault == registry::Fault::Orphan;
      if (stale) {
        const auto& endpoint = *finding.endpoint;
        auto& row =
            rows.emplace_back(endpoint_view(audit->networks.at(endpoint.network_id), endpoint));
        row.stale = finding.shown.note;
      }
    }
    reply(std::move(rows));
  };
  std::make_shared<AuditFlow>(*this, false, then)->start();
}

void Agent::repair(const RepairRequest& request, Reply<RepairReply> reply) {
  enqueue([this, request, reply = std::move(reply)](const Done& done) {
    std::make_shared<RepairFlow>(*this, request, reply, done)->start();
  });
}

}  // namespace vtepd
