// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_audit.h"

#include "registry/address_allocator.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace vtepd::registry {

namespace {

constexpr std::size_t kMostTaken = 1U << 20U;

// Who has what of one pool's key.
struct Claims {
  const NetworkReading* network = nullptr;  // the first that has the pool
  std::set<std::uint64_t> ordinals;
  bool unclear = false;  // something that does not parse may have any of them
  bool docker = false;   // a dockerd may take addresses here, and says so nowhere
};

class AddressAuditor {
 public:
  AddressAuditor(const StoreReading& reading, const Witness& witness)
      : reading_(reading), witness_(witness) {}

  std::vector<Finding> run() {
    collect();
    for (const auto& [key, claims] : claims_) {
      judge(key, claims);
    }
    return std::move(findings_);
  }

 private:
  void collect();
  void collect(const NetworkReading& network, const PoolRecord& pool);
  void judge(const std::string& key, const Claims& claims);
  void judge_own(const std::string& key, const BitsReading& pool, const NetworkReading& network,
                 const EndpointReading& reading);
  [[nodiscard]] bool docker_may_be(const NetworkReading& network) const;

  const StoreReading& reading_;
  const Witness& witness_;
  std::map<std::string, Claims> claims_;
  std::vector<Finding> findings_;
};

// A dockerd that lives anywhere may start a container on any network.
bool AddressAuditor::docker_may_be(const NetworkReading& network) const {
  const bool stranger =
      witness_.members &&
      std::any_of(witness_.members->begin(), witness_.members->end(), [&](auto& vtep) {
        return vtep != witness_.vtep && !reading_.hosts.nodes.contains(vtep);
      });
  return !reading_.dockers.empty() || stranger ||
         std::any_of(network.endpoints.begin(), network.endpoints.end(), [](const auto& each) {
           return each.problem.empty() && each.endpoint.owner.empty();
         });
}

void AddressAuditor::collect() {
  for (const auto& network : reading_.networks) {
    for (const auto* pools : {&network.record.v4, &network.record.v6}) {
      for (const auto& pool : *pools) {
        collect(network, pool);
      }
    }
  }
}

void AddressAuditor::collect(const NetworkReading& network, const PoolRecord& pool) {
  const auto key = reading_.keys.addresses(pool.pool_id);
  const auto place = reading_.pools.find(key);
  if (place == reading_.pools.end()) {
    return;
  }
  const auto& whole = place->second.pool;
  auto& claims = claims_[key];
  claims.network = claims.network == nullptr ? &network : claims.network;
  const auto claim = [&](const IpAddress& address) {
    if (const auto ordinal = ordinal_of(whole, address)) {
      claims.ordinals.insert(*ordinal);
    }
  };
  claim(whole.network().address);
  if (whole.is_v4()) {
    claims.ordinals.insert(pool_bits(whole) - 1);
  }
  if (pool.gateway) {
    claim(pool.gateway->address);
  }
  for (const auto& other : pool.auxiliary) {
    claim(other.address);
  }
  for (const auto& subnet : network.subnets) {
    claim(subnet.gateway.address);
  }
  for (const auto& [floating, problem] : network.floating) {
    claim(floating.address);
  }
  for (const auto& each : network.endpoints) {
    claims.unclear = claims.unclear || !each.problem.empty();
    for (const auto& address : {each.endpoint.address4, each.endpoint.address6}) {
      if (address) {
        claim(address->address);
      }
    }
  }
  claims.docker = claims.docker || docker_may_be(network);
  for (const auto& each : network.endpoints) {
    judge_own(key, place->second, network, each);
  }
}

// The endpoint's addresses of this pool. What a half made one has not got yet is in order.
void AddressAuditor::judge_own(const std::string& key, const BitsReading& pool,
                               const NetworkReading& network, const EndpointReading& reading) {
  const auto& endpoint = reading.endpoint;
  if (!reading.problem.empty() || reading.half() || !pool.bits) {
    return;
  }
  for (const auto& address : {endpoint.address4, endpoint.address6}) {
    const auto ordinal = address ? ordinal_of(pool.pool, address->address)
                                 : Result<std::uint64_t>(fail(ErrorKind::NotFound, ""));
    if (!ordinal || pool.bits->test(*ordinal)) {
      continue;
    }
    auto& finding = findings_.emplace_back(
        make_finding(Fault::AddressNotTaken, network, "address " + address->address.to_string()));
    const bool ours = endpoint.vtep == witness_.vtep && witness_.own.contains(endpoint.id);
    finding.remedy = ours ? Remedy::Repair : Remedy::None;
    finding.endpoint = endpoint;
    finding.key = key;
    finding.index = pool.index;
    finding.number = *ordinal;
    finding.shown.have = "free";
    finding.shown.want = "taken by " + shown_endpoint(endpoint);
    finding.shown.note = "somebody else may get it";
    finding.shown.repair = ours ? "vtepctl repair"
                           : endpoint.owner.empty()
                               ? ""
                               : "vtepctl repair, on " + endpoint.vtep.to_string();
  }
}

// vtepd says whose an address is before it takes it, so one that nobody has when its key has this
// index was left by somebody. Docker takes it first: what is unclaimed may be a container that is
// being made, unless the key has not changed for a while; and even then only a person can tell.
void AddressAuditor::judge(const std::string& key, const Claims& claims) {
  const auto& pool = reading_.pools.at(key);
  const auto name = "pool " + pool.pool.to_string();
  if (!pool.problem.empty()) {
    findings_.push_back(make_finding(Fault::Malformed, *claims.network, name));
    findings_.back().shown.have = pool.problem;
  } else if (!pool.bits) {
    findings_.push_back(make_finding(Fault::PoolMissing, *claims.network, name));
    findings_.back().shown.have = "no addresses in the store";
    findings_.back().shown.want = key;
  }
  if (!pool.bits || claims.unclear) {
    return;
  }
  for (const auto ordinal : pool.bits->taken(kMostTaken)) {
    if (claims.ordinals.contains(ordinal)) {
      continue;
    }
    auto& finding = findings_.emplace_back(
        make_finding(Fault::AddressLeaked, *claims.network,
                     "address " + address_at(pool.pool, ordinal).to_string()));
    finding.remedy = claims.docker ? Remedy::Leaked : Remedy::Repair;
    finding.key = key;
    finding.index = pool.index;
    finding.number = ordinal;
    finding.evidence = claims.docker ? pool.index : 0;
    finding.shown.have = "taken";
    finding.shown.want = "free";
    finding.shown.note = claims.docker
                             ? "nobody has it; it may be of a container that a dockerd is making"
                             : "nobody has it";
    finding.shown.repair = claims.docker ? "vtepctl repair --leaked" : "vtepctl repair";
  }
}

}  // namespace

std::vector<Finding> audit_addresses(const StoreReading& reading, const Witness& witness) {
  return AddressAuditor(reading, witness).run();
}

}  // namespace vtepd::registry
