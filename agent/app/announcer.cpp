// SPDX-License-Identifier: GPL-2.0-only
#include "app/announcer.h"

#include "registry/gossip_codec.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

// Requests at a time. The cluster forgets events beyond 512, and a node's queue is 4096 long.
constexpr std::size_t kWindow = 32;
// Leaves that wait for the cluster.
constexpr std::size_t kMostOwed = 65536;
// After a move all is said once more: the old holder's own words may have come late.
constexpr auto kAgain = 2s;

}  // namespace

Announcer::Announcer(Gossip& gossip, EventLoop& loop, const Overlay& overlay)
    : gossip_(gossip), loop_(loop), overlay_(overlay), again_(loop.make_timer()) {}

std::set<AddressClaim> Announcer::claims() const {
  std::set<AddressClaim> result;
  for (const auto& [id, local] : overlay_.locals()) {
    const auto& endpoint = local.endpoint;
    if (!endpoint.active() || !endpoint.address4) {
      continue;
    }
    const auto* taken = overlay_.floating(endpoint.network_id, endpoint.address4->address);
    if (taken == nullptr || taken->endpoint_id == id) {
      result.insert(
          {endpoint.network_id, id, overlay_.own_vtep(), *endpoint.address4, endpoint.mac});
    }
  }
  for (const auto& held : overlay_.held_here()) {
    const auto& endpoint = overlay_.locals().at(held.endpoint_id).endpoint;
    if (held.address.is_v4() && endpoint.active() && endpoint.address4) {
      result.insert({held.network_id,
                     held.endpoint_id,
                     overlay_.own_vtep(),
                     {held.address, endpoint.address4->length},
                     held.mac.value_or(endpoint.mac)});
    }
  }
  return result;
}

void Announcer::say(bool join, const AddressClaim& claim, bool coalesce) {
  const auto network = ObjectId::parse(claim.network_id);
  const auto endpoint = ObjectId::parse(claim.endpoint_id);
  if (!network || !endpoint) {
    return;
  }
  const PeerEvent event{.join = join,
                        .vtep = claim.vtep,
                        .network = *network,
                        .endpoint = *endpoint,
                        .address = claim.address,
                        .mac = claim.mac};
  queue_.push_back(
      {.event = {.name = event.name(), .payload = event.payload(), .coalesce = coalesce},
       .taken_back = join ? std::nullopt : std::optional(claim)});
  if (!join) {
    say_lookup_leave(*network, claim);
  }
}

void Announcer::say_lookup_leave(const ObjectId& network, const AddressClaim& claim) {
  if (!docker_listens_) {
    return;
  }
  const LookupLeave leave{
      .vtep = claim.vtep, .network = network, .address = claim.address, .mac = claim.mac};
  queue_.push_back({.event = {.name = leave.name(), .payload = leave.payload(), .coalesce = false},
                    .taken_back = {}});
}

void Announcer::correct(const AddressClaim& wrong) {
  if (const auto network = ObjectId::parse(wrong.network_id)) {
    say_lookup_leave(*network, wrong);
    pump();
  }
}

void Announcer::sync(const std::function<void(const AddressClaim&)>& before) {
  if (revision_ == overlay_.claims_revision()) {
    return;
  }
  revision_ = overlay_.claims_revision();
  auto now = claims();
  const auto taken_over = std::exchange(taken_over_, {});
  for (const auto& claim : said_) {
    if (!now.contains(claim)) {
      say(false, claim, false);
    }
  }
  for (const auto& claim : now) {
    if (!said_.contains(claim)) {
      // One that is coalesced comes some moments later: behind the leave of the one before.
      const bool moved = std::find(taken_over.begin(), taken_over.end(), claim.address.address) !=
                         taken_over.end();
      before(claim);
      say(true, claim, moved);
    }
  }
  said_ = std::move(now);
  pump();
}

void Announcer::repeat() {
  said_ = claims();
  for (const auto& claim : std::exchange(owed_, {})) {
    if (!said_.contains(claim)) {
      say(false, claim, false);
    }
  }
  for (const auto& claim : said_) {
    say(true, claim, true);
  }
  pump();
}

void Announcer::take_back(const AddressClaim& claim) {
  say(false, claim, false);
  pump();
}

void Announcer::take_over(const AddressClaim& from) {
  taken_over_.push_back(from.address.address);
  again_->set(kAgain, [this] { repeat(); });
  take_back(from);
}

void Announcer::pump() {
  while (under_way_ < kWindow && !queue_.empty()) {
    auto saying = std::move(queue_.front());
    queue_.pop_front();
    ++under_way_;
    const auto event = saying.event;
    gossip_.broadcast(event, [this, alive = std::weak_ptr<int>(alive_),
                              saying = std::move(saying)](Result<void> done) {
      loop_.post([this, alive, saying, done = std::move(done)] {
        if (!alive.expired()) {
          on_said(saying, done);
        }
      });
    });
  }
}

// A join that was not said is said again when the cluster is back: repeat().
void Announcer::on_said(const Saying& saying, const Result<void>& done) {
  --under_way_;
  if (!done) {
    spdlog::debug("cannot announce an endpoint event={}: {}", saying.event.name, done.error().what);
    if (saying.taken_back && owed_.size() < kMostOwed) {
      owed_.insert(*saying.taken_back);
    }
  }
  pump();
}

}  // namespace vtepd
