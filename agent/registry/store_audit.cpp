// SPDX-License-Identifier: GPL-2.0-only
#include "registry/store_audit.h"

#include "registry/address_audit.h"
#include "registry/vni_allocator.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace vtepd::registry {

namespace {

constexpr std::size_t kShortId = 12;

// In the order of Fault.
constexpr std::array<const char*, 14> kKinds{
    "host-gone",         "orphan",      "holder-gone",   "count-off",    "address-leaked",
    "address-not-taken", "vni-leaked",  "vni-not-taken", "pool-missing", "not-in-force",
    "not-in-store",      "gossip-only", "not-in-gossip", "malformed"};

// Mixes the index in, so that any change gives another number.
void mix(std::uint64_t& evidence, std::uint64_t index) {
  constexpr std::uint64_t kPrime = 1099511628211U;
  evidence = (evidence ^ index) * kPrime;
}

class Auditor {
 public:
  Auditor(const StoreReading& reading, const Witness& witness)
      : reading_(reading), witness_(witness) {}

  std::vector<Finding> run() {
    for (const auto& [id, problem] : reading_.malformed_networks) {
      add(Fault::Malformed, "network " + id.substr(0, kShortId)).shown.have = problem;
    }
    for (const auto& network : reading_.networks) {
      judge_keys(network);
      judge_endpoints(network);
      judge_floating(network);
      judge_count(network);
      judge_vnis(network);
    }
    for (auto& finding : audit_addresses(reading_, witness_)) {
      findings_.push_back(std::move(finding));
    }
    judge_vni_bits();
    judge_hosts();
    return std::move(findings_);
  }

 private:
  Finding& add(Fault fault, std::string object) {
    return findings_.emplace_back(make_finding(fault, std::move(object)));
  }

  Finding& add(Fault fault, const NetworkReading& network, std::string object) {
    return findings_.emplace_back(make_finding(fault, network, std::move(object)));
  }

  void judge_keys(const NetworkReading& network);
  void judge_endpoints(const NetworkReading& network);
  void judge_endpoint(const NetworkReading& network, const EndpointReading& reading);
  void judge_floating(const NetworkReading& network);
  void judge_count(const NetworkReading& network);
  void judge_vnis(const NetworkReading& network);
  void judge_vni_bits();
  void judge_hosts();

  const StoreReading& reading_;
  const Witness& witness_;
  std::vector<Finding> findings_;
};

void Auditor::judge_keys(const NetworkReading& network) {
  for (const auto& problem : {network.overlay_problem, network.count_problem}) {
    if (!problem.empty()) {
      add(Fault::Malformed, network, "network " + network.record.name).shown.have = problem;
    }
  }
}

void Auditor::judge_endpoints(const NetworkReading& network) {
  for (const auto& reading : network.endpoints) {
    if (!reading.problem.empty()) {
      add(Fault::Malformed, network, shown_endpoint(reading.endpoint)).shown.have = reading.problem;
    } else {
      judge_endpoint(network, reading);
    }
  }
}

void Auditor::judge_endpoint(const NetworkReading& network, const EndpointReading& reading) {
  const auto& endpoint = reading.endpoint;
  if (endpoint.vtep.is_unspecified()) {
    return;  // dockerd has not said yet where it is
  }
  if (endpoint.vtep != witness_.vtep) {
    if (why_alive(reading_.hosts, witness_, endpoint.vtep).empty()) {
      auto& finding = add(Fault::HostGone, network, shown_endpoint(endpoint));
      finding.remedy = Remedy::Host;
      finding.endpoint = endpoint;
      finding.shown.have = "on " + endpoint.vtep.to_string();
      finding.shown.want = "a live host";
      finding.shown.note = gone_note(witness_, endpoint.vtep);
      finding.shown.repair = "vtepctl repair --host " + endpoint.vtep.to_string();
    }
    return;
  }
  const bool ours = endpoint.owner == witness_.owner;
  const bool dockers = endpoint.owner.empty() && reading_.dockers.contains(endpoint.vtep);
  if (witness_.own.contains(endpoint.id) || dockers || (reading.half() && witness_.attaching)) {
    return;
  }
  auto& finding = add(Fault::Orphan, network, shown_endpoint(endpoint));
  finding.endpoint = endpoint;
  finding.shown.have = "on this host by the store";
  finding.shown.want = "an endpoint of this host";
  finding.shown.note = ours ? "this vtepd wrote it and does not have it"
                       : endpoint.owner.empty()
                           ? "a dockerd wrote it, and none is listed at this address"
                           : "written by '" + endpoint.owner + "', not by this vtepd";
  if (ours) {
    finding.remedy = Remedy::Repair;
    finding.shown.repair = "vtepctl repair";
  }
}

void Auditor::judge_floating(const NetworkReading& network) {
  for (const auto& reading : network.floating) {
    const auto& floating = reading.floating;
    const auto object = "address " + floating.address.to_string();
    if (!reading.problem.empty()) {
      add(Fault::Malformed, network, object).shown.have = reading.problem;
      continue;
    }
    const bool held =
        std::any_of(network.endpoints.begin(), network.endpoints.end(),
                    [&](const auto& each) { return each.endpoint.id == floating.endpoint_id; });
    if (!held) {
      auto& finding = add(Fault::HolderGone, network, object);
      finding.remedy = Remedy::Repair;
      finding.floating = floating;
      finding.evidence = floating.generation;
      finding.shown.have = "held by " + floating.endpoint_id.substr(0, kShortId);
      finding.shown.want = "a holder that is in the store";
      finding.shown.repair = "vtepctl repair";
    }
  }
}

// Docker writes an endpoint before it counts it, vtepd counts it before its sandbox is written: a
// network that has an endpoint without one is not judged.
void Auditor::judge_count(const NetworkReading& network) {
  const bool unclear =
      std::any_of(network.endpoints.begin(), network.endpoints.end(),
                  [](const EndpointReading& each) { return each.half() || !each.problem.empty(); });
  const auto have = network.count.value_or(0);
  const std::uint64_t want = network.endpoints.size();
  if (unclear || !network.count_problem.empty() || have == want) {
    return;
  }
  auto& finding = add(Fault::CountOff, network, "endpoint_count");
  finding.remedy = Remedy::Repair;
  finding.key = reading_.keys.endpoint_count(network.record.id);
  finding.index = network.count_index;
  finding.number = want;
  finding.shown.have = std::to_string(have);
  finding.shown.want = std::to_string(want);
  finding.shown.note = have > want ? "Docker refuses to remove a network that is counted as in use"
                                   : "Docker would remove a network that is in use";
  finding.shown.repair = "vtepctl repair";
  mix(finding.evidence, network.count_index);
  for (const auto& each : network.endpoints) {
    mix(finding.evidence, each.index);
  }
}

void Auditor::judge_vnis(const NetworkReading& network) {
  const auto& vnis = reading_.vnis;
  for (const auto& subnet : network.subnets) {
    const auto vni = subnet.vni.value;
    if (network.record.vnis_given || vni < kFirstVni || !vnis.bits ||
        vni - kFirstVni >= vnis.bits->bits() || vnis.bits->test(vni - kFirstVni)) {
      continue;
    }
    auto& finding = add(Fault::VniNotTaken, network, "VNI " + std::to_string(vni));
    finding.remedy = Remedy::Repair;
    finding.key = reading_.keys.vnis();
    finding.index = vnis.index;
    finding.number = vni - kFirstVni;
    finding.shown.have = "free";
    finding.shown.want = "taken";
    finding.shown.note = "another network may get it";
    finding.shown.repair = "vtepctl repair";
  }
}

// Whoever makes a network takes its VNI first and says so nowhere: only a key that nobody has
// written for a while tells.
void Auditor::judge_vni_bits() {
  constexpr std::size_t kMost = 1U << 20U;
  const auto& vnis = reading_.vnis;
  if (!vnis.problem.empty()) {
    add(Fault::Malformed, "VNIs").shown.have = vnis.problem;
  }
  if (!vnis.bits || reading_.vnis_unclear) {
    return;
  }
  for (const auto ordinal : vnis.bits->taken(kMost)) {
    const auto vni = static_cast<std::uint32_t>(ordinal + kFirstVni);
    if (reading_.held_vnis.contains(vni)) {
      continue;
    }
    auto& finding = add(Fault::VniLeaked, "VNI " + std::to_string(vni));
    finding.remedy = Remedy::Leaked;
    finding.key = reading_.keys.vnis();
    finding.index = vnis.index;
    finding.number = ordinal;
    finding.evidence = vnis.index;
    finding.shown.have = "taken";
    finding.shown.want = "free";
    finding.shown.note = "no network has it";
    finding.shown.repair = "vtepctl repair --leaked";
  }
}

void Auditor::judge_hosts() {
  if (!witness_.members) {
    return;
  }
  auto gossiping = reading_.dockers;
  for (const auto& [vtep, node] : reading_.hosts.nodes) {
    if (node.gossip_port != 0) {
      gossiping.insert(vtep);
    }
  }
  for (const auto& vtep : gossiping) {
    if (!witness_.members->contains(vtep)) {
      auto& finding = add(Fault::NotInGossip, "host " + vtep.to_string());
      finding.shown.have = "no live member of gossip";
      finding.shown.want = "a member, as the store lists it";
      finding.shown.note = "changes reach it by the store alone; a Docker host hears of none";
    }
  }
}

}  // namespace

std::string shown_endpoint(const Endpoint& endpoint) {
  const auto id = endpoint.id.substr(0, kShortId);
  return endpoint.name.empty() ? "endpoint " + id : "endpoint " + endpoint.name + " (" + id + ")";
}

Finding make_finding(Fault fault, std::string object) {
  Finding finding;
  finding.fault = fault;
  finding.shown.kind = kKinds.at(static_cast<std::size_t>(fault));
  finding.shown.object = std::move(object);
  return finding;
}

Finding make_finding(Fault fault, const NetworkReading& network, std::string object) {
  auto finding = make_finding(fault, std::move(object));
  finding.shown.network = network.record.name;
  finding.shown.network_id = network.record.id;
  return finding;
}

std::string why_alive(const Hosts& hosts, const Witness& witness, const IpAddress& vtep) {
  if (vtep == witness.vtep) {
    return "it is this host";
  }
  if (const auto node = hosts.nodes.find(vtep); node != hosts.nodes.end()) {
    return "a vtepd lives there" +
           (node->second.host.empty() ? "" : ", host '" + node->second.host + "'");
  }
  if (hosts.listed.contains(vtep)) {
    return "it is listed in docker/nodes";
  }
  return witness.members && witness.members->contains(vtep) ? "it is a live member of gossip" : "";
}

std::string gone_note(const Witness& witness, const IpAddress& vtep) {
  const auto gone = witness.gone_seconds.find(vtep);
  const auto since = gone == witness.gone_seconds.end()
                         ? "since before this vtepd could see it"
                         : "for " + std::to_string(gone->second) + " s";
  const auto* const gossip = !witness.gossip   ? ""
                             : witness.members ? ", no live member of gossip"
                                               : "; gossip is away and was not asked";
  return "its host is gone " + since + ": no live vtepd, not listed in docker/nodes" + gossip;
}

Audit audit(StoreReading reading, const Witness& witness) {
  Audit result;
  result.findings = Auditor(reading, witness).run();
  result.hosts = std::move(reading.hosts);
  for (auto& network : reading.networks) {
    OverlayRecord overlay;
    overlay.subnets = std::move(network.subnets);
    result.networks.emplace(network.record.id, join_network(network.record, overlay));
    for (auto& each : network.endpoints) {
      if (each.problem.empty()) {
        result.endpoints.push_back(std::move(each.endpoint));
      }
    }
  }
  return result;
}

std::vector<Finding> confirmed(const std::vector<Finding>& first, std::vector<Finding> second) {
  const auto identity = [](const Finding& finding) {
    const auto& shown = finding.shown;
    return std::tie(finding.fault, shown.network_id, shown.object, shown.have, shown.want,
                    finding.evidence);
  };
  std::set<decltype(identity(second.front()))> known;
  for (const auto& finding : first) {
    known.insert(identity(finding));
  }
  std::erase_if(second, [&](const Finding& finding) { return !known.contains(identity(finding)); });
  return second;
}

}  // namespace vtepd::registry

namespace vtepd {

Result<registry::Audit> Registry::audit(const registry::Witness& witness) {
  const registry::Context context{store_, options_, registry::Keys(options_.prefix)};
  auto reading = registry::read_store(context);
  return reading ? Result<registry::Audit>(registry::audit(std::move(*reading), witness))
                 : fail(reading.error());
}

}  // namespace vtepd
