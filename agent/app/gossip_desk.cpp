// SPDX-License-Identifier: GPL-2.0-only
#include "app/gossip_desk.h"

#include "registry/gossip_codec.h"

#include <algorithm>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 250ms;
// All hosts that the store lists and the cluster lacks are contacted this often: islands heal.
constexpr auto kContact = 30s;
constexpr auto kFirstContact = 200ms;
// After nodes came all is said again, once for all that came at one time.
constexpr auto kRepeat = 500ms;
constexpr auto kWarn = 1s;

std::chrono::milliseconds with_jitter(std::chrono::milliseconds delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<long> jitter(-delay.count() / 4, delay.count() / 4);
  return delay + std::chrono::milliseconds(jitter(random));
}

}  // namespace

GossipDesk::GossipDesk(Gossip& gossip, EventLoop& loop, const Overlay& overlay, Hands hands)
    : gossip_(gossip),
      loop_(loop),
      overlay_(overlay),
      hands_(std::move(hands)),
      merge_(overlay),
      announcer_(gossip, loop, overlay),
      tick_(loop.make_timer()),
      contact_(loop.make_timer()),
      repeat_(loop.make_timer()) {
  state_.problem = "the serf agent has not answered yet";
  state_.since = Clock::now();
}

void GossipDesk::start() {
  const auto heard =
      on_loop<GossipNotice>([this](const GossipNotice& notice) { on_notice(notice); });
  subscription_ = gossip_.subscribe([heard](const GossipNotice& notice) { heard(notice); });
}

void GossipDesk::on_notice(const GossipNotice& notice) {
  using Kind = GossipNotice::Kind;
  switch (notice.kind) {
    case Kind::Event:
      on_event(notice);
      break;
    case Kind::Query:
      on_query(notice);
      break;
    case Kind::MemberJoin:
      repeat_soon();
      count_members();
      break;
    case Kind::MemberLeave:
    case Kind::MemberFailed:
    case Kind::MemberUpdate:
    case Kind::MemberReap:
      // What is on a host that failed stays until its keys go.
      count_members();
      break;
    case Kind::Outage:
      state_.since = state_.well ? Clock::now() : state_.since;
      state_.well = false;
      state_.problem = notice.reason;
      live_.reset();
      break;
    case Kind::Recovered:
      state_ = {.well = true,
                .problem = {},
                .since = Clock::now(),
                .members = 1,
                .malformed = state_.malformed};
      contact();
      announcer_.repeat();
      count_members();
      break;
  }
}

void GossipDesk::on_event(const GossipNotice& notice) {
  if (LookupLeave::is_name(notice.name)) {
    return;  // for Docker's hosts
  }
  const auto event = PeerEvent::parse(notice.name, notice.payload);
  if (!event) {
    ++state_.malformed;
    spdlog::log(may_warn() ? spdlog::level::warn : spdlog::level::debug,
                "skipping a gossip event that does not parse: {}", event.error().what);
    return;
  }
  hear({.join = event->join,
        .vtep = event->vtep,
        .network_id = event->network.to_string(),
        .endpoint_id = event->endpoint.to_string(),
        .address = event->address,
        .mac = event->mac});
}

// Anybody in the cluster can make us say something: not more than once a second.
bool GossipDesk::may_warn() {
  const auto now = Clock::now();
  const bool may = now - warned_ >= kWarn;
  warned_ = may ? now : warned_;
  return may;
}

void GossipDesk::hear(const PeerNews& news) {
  GossipMerge::Orders orders;
  const auto verdict = merge_.on_news(news, Clock::now(), orders);
  const bool odd = verdict == GossipMerge::Verdict::UnknownVtep ||
                   verdict == GossipMerge::Verdict::Contradicts ||
                   verdict == GossipMerge::Verdict::Outside;
  spdlog::log(odd && may_warn() ? spdlog::level::warn : spdlog::level::debug,
              "gossip {} address={} mac={} vtep={} endpoint={}: {}", news.join ? "join" : "leave",
              news.address.address.to_string(), news.mac.to_string(), news.vtep.to_string(),
              news.endpoint_id.substr(0, 12), to_string(verdict));
  carry_out(orders);
}

void GossipDesk::carry_out(const GossipMerge::Orders& orders) {
  if (!orders.install.empty() || !orders.remove.empty() || !orders.read.empty() ||
      orders.read_all) {
    hands_.carry_out(orders);
  }
  if (!ticking_ && !merge_.idle()) {
    ticking_ = true;
    tick_->set(kTick, [this] { tick(); });
  }
}

void GossipDesk::tick() {
  ticking_ = false;
  GossipMerge::Orders orders;
  merge_.on_time(Clock::now(), orders);
  carry_out(orders);
}

void GossipDesk::on_local_change() {
  announcer_.sync([this](const AddressClaim& claim) { correct_others(claim); });
}

void GossipDesk::set_hosts(const std::map<IpAddress, std::uint16_t>& hosts, bool docker) {
  docker_ = docker;
  announcer_.set_docker_listens(docker);
  if (hosts == hosts_) {
    return;
  }
  hosts_ = hosts;
  std::set<IpAddress> addresses;
  for (const auto& [address, port] : hosts_) {
    addresses.insert(address);
  }
  merge_.set_hosts(std::move(addresses));
  contact_->set(kFirstContact, [this] { contact(); });
}

// Those that the store lists and that are no live members.
void GossipDesk::contact() {
  contact_->set(with_jitter(kContact), [this] { contact(); });
  using Members = Result<std::vector<GossipMember>>;
  gossip_.members(on_loop<Members>([this](const Members& members) {
    if (!members) {
      return;
    }
    auto missing = hosts_;
    missing.erase(overlay_.own_vtep());
    for (const auto& member : *members) {
      if (member.status == "alive") {
        missing.erase(member.address);
      }
    }
    for (const auto& [address, port] : missing) {
      const auto text = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
      gossip_.join({text + ":" + std::to_string(port)},
                   on_loop<Result<std::size_t>>([this, text](const Result<std::size_t>& joined) {
                     if (joined) {
                       repeat_soon();
                     } else {
                       spdlog::debug("cannot join the gossip of {}: {}", text, joined.error().what);
                     }
                   }));
    }
  }));
}

void GossipDesk::repeat_soon() {
  repeat_->set(with_jitter(kRepeat), [this] { announcer_.repeat(); });
}

void GossipDesk::count_members() {
  using Members = Result<std::vector<GossipMember>>;
  gossip_.members(on_loop<Members>([this](const Members& members) {
    if (!members || !state_.well) {
      return;
    }
    state_.members = 0;
    live_.emplace();
    for (const auto& member : *members) {
      if (member.status == "alive") {
        ++state_.members;
        live_->insert(member.address);
      }
    }
  }));
}

void GossipDesk::on_stored(const std::string& network_id, const std::string& endpoint_id) {
  GossipMerge::Orders orders;
  merge_.on_stored(network_id, endpoint_id, orders);
  carry_out(orders);
}

void GossipDesk::on_gone(const std::string& network_id, const std::string& endpoint_id) {
  GossipMerge::Orders orders;
  merge_.on_gone(network_id, endpoint_id, orders);
  carry_out(orders);
}

void GossipDesk::on_store(bool readable) {
  GossipMerge::Orders orders;
  merge_.set_store_readable(readable, Clock::now(), orders);
  carry_out(orders);
}

GossipDesk::State GossipDesk::state() const {
  auto state = state_;
  state.malformed += gossip_.counters().malformed;
  state.provisional = merge_.provisional();
  return state;
}

}  // namespace vtepd
