// SPDX-License-Identifier: GPL-2.0-only
// The desk's questions to the gossip cluster, and its answers: who has an address?
#include "app/gossip_desk.h"
#include "registry/gossip_codec.h"

#include <algorithm>
#include <memory>
#include <set>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

// One question for an address in this time, and so many addresses at once.
constexpr auto kAsk = 10s;
constexpr std::size_t kMostAsked = 1024;
constexpr auto kAnswerTime = 1s;
// Different wrong answers to one question: of a stranger there may be any number.
constexpr std::size_t kMostCorrected = 16;
// Addresses whose earlier holders are remembered, and holders of each.
constexpr std::size_t kMostLeft = 65536;
constexpr std::size_t kMostHolders = 4;

// Docker's answers name no endpoint: one of each address.
std::string stand_in_id(const IpAddress& address) {
  ObjectId id;
  std::copy(address.bytes.begin(), address.bytes.end(), id.bytes.begin());
  return id.to_string();
}

}  // namespace

// Only for what is here: others may answer for theirs.
void GossipDesk::on_query(const GossipNotice& notice) {
  const auto lookup = PeerLookup::parse(notice.payload);
  if (notice.name != PeerLookup::kName || !lookup) {
    ++state_.malformed;
    spdlog::debug("no answer to the query name={} payload={}", notice.name, notice.payload);
    return;
  }
  const auto network = overlay_.networks().find(lookup->network.to_string());
  const auto& known = network == overlay_.networks().end() ? std::nullopt : network->second.network;
  const auto* subnet = known ? known->subnet_of(lookup->address) : nullptr;
  if (subnet == nullptr) {
    return;
  }
  const NeighbourKey key{subnet->vni, lookup->address};
  const auto* owner = overlay_.neighbour_owner(key);
  const auto mac = overlay_.neighbour_mac(key);
  if (owner == nullptr || owner->local == nullptr || !mac) {
    return;
  }
  const PeerAnswer answer{
      .mac = *mac, .address = {lookup->address, subnet->pool.length}, .vtep = overlay_.own_vtep()};
  gossip_.respond(notice.query, answer.payload(), [](const Result<void>& done) {
    if (!done) {
      spdlog::debug("cannot answer a query: {}", done.error().what);
    }
  });
}

void GossipDesk::on_miss(const Overlay::NetworkRecord& network, const IpAddress& address) {
  const auto id = ObjectId::parse(network.id);
  if (!state_.well || !id || !address.is_v4()) {
    return;
  }
  const auto now = Clock::now();
  std::erase_if(asked_, [&](const auto& asked) { return now - asked.second >= kAsk; });
  if (asked_.size() >= kMostAsked || !asked_.try_emplace({network.id, address}, now).second) {
    return;
  }
  const PeerLookup lookup{.network = *id, .address = address};
  gossip_.query(
      {.name = std::string(PeerLookup::kName), .payload = lookup.payload(), .timeout = kAnswerTime},
      on_loop<GossipAnswer>([this, network_id = network.id, address](const auto& answer) {
        on_answer(network_id, address, answer);
      }),
      [](const Result<void>&) {});
}

void GossipDesk::on_answer(const std::string& network_id, const IpAddress& address,
                           const GossipAnswer& answer) {
  const auto parsed = PeerAnswer::parse(address, answer.payload);
  if (!parsed) {
    // Docker answers "<nil>" for endpoints that it restored before it knew its own address.
    spdlog::debug("no use of the answer node={} payload={}", answer.node, answer.payload);
    return;
  }
  hear({.join = true,
        .vtep = parsed->vtep,
        .network_id = network_id,
        .endpoint_id = stand_in_id(address),
        .address = parsed->address,
        .mac = parsed->mac});
}

// A dockerd that looked the address up for its containers while another endpoint had it would go on
// sending there. Whoever has a wrong answer is told. Asked before the join is said, which a dockerd
// would answer with as well.
void GossipDesk::correct_others(const AddressClaim& claim) {
  const auto network = ObjectId::parse(claim.network_id);
  if (!docker_ || !state_.well || !network) {
    return;
  }
  if (const auto left = left_.find({claim.network_id, claim.address.address});
      left != left_.end()) {
    for (const auto& holder : left->second) {
      announcer_.correct(holder);
    }
    left_.erase(left);
  }
  const PeerLookup lookup{.network = *network, .address = claim.address.address};
  const auto wrong = std::make_shared<std::set<AddressClaim>>();
  gossip_.query(
      {.name = std::string(PeerLookup::kName), .payload = lookup.payload(), .timeout = kAnswerTime},
      on_loop<GossipAnswer>([this, claim, wrong](const GossipAnswer& answer) {
        const auto parsed = PeerAnswer::parse(claim.address.address, answer.payload);
        if (!parsed || (parsed->vtep == claim.vtep && parsed->mac == claim.mac)) {
          return;
        }
        auto other = claim;
        other.vtep = parsed->vtep;
        other.address = parsed->address;
        other.mac = parsed->mac;
        if (wrong->size() < kMostCorrected && wrong->insert(other).second) {
          announcer_.correct(other);
        }
      }),
      [](const Result<void>&) {});
}

void GossipDesk::on_left(const AddressClaim& claim) {
  const auto network = overlay_.networks().find(claim.network_id);
  if (!docker_ || !claim.address.is_v4() || network == overlay_.networks().end()) {
    return;
  }
  const auto& locals = network->second.locals;
  const bool ours = std::any_of(locals.begin(), locals.end(), [&](const auto& local) {
    const auto& own = local.second.address4;
    return own && own->address == claim.address.address;
  });
  if (ours) {  // the store's news came behind our attach
    announcer_.correct(claim);
    return;
  }
  if (left_.size() >= kMostLeft) {
    left_.clear();  // what is forgotten is asked for still
  }
  auto& holders = left_[{claim.network_id, claim.address.address}];
  std::erase_if(holders, [&](const AddressClaim& other) {
    return other.vtep == claim.vtep && other.mac == claim.mac;
  });
  if (holders.size() >= kMostHolders) {
    holders.erase(holders.begin());
  }
  holders.push_back(claim);
}

}  // namespace vtepd
