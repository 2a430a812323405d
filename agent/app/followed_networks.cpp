// SPDX-License-Identifier: GPL-2.0-only
#include "app/followed_networks.h"

#include <algorithm>
#include <utility>

namespace vtepd {

FollowedNetworks::FollowedNetworks(EventLoop& loop, Hands hands, std::chrono::milliseconds linger)
    : hands_(std::move(hands)), linger_(linger), timer_(loop.make_timer()) {}

void FollowedNetworks::begin(const Ids& networks) {
  for (const auto& id : networks) {
    networks_.try_emplace(id);
  }
  settle();
}

void FollowedNetworks::require(const std::string& network_id, Then then) {
  const auto [place, added] = networks_.try_emplace(network_id);
  auto& network = place->second;
  network.idle.reset();
  if (network.read) {
    then({});
    return;
  }
  network.waiting.push_back(std::move(then));
  if (added) {
    tell();
  }
}

void FollowedNetworks::on_read(const std::string& network_id) {
  const auto network = networks_.find(network_id);
  if (network == networks_.end()) {
    return;
  }
  network->second.read = true;
  for (const auto& then : std::exchange(network->second.waiting, {})) {
    then({});
  }
  settle();
}

// What nobody could read and nobody uses is given up: it may be the very reason.
void FollowedNetworks::on_store_away(const std::string& reason) {
  std::vector<Then> failed;
  bool fewer = false;
  for (auto network = networks_.begin(); network != networks_.end();) {
    auto& followed = network->second;
    const bool asked = !followed.waiting.empty();
    for (auto& then : std::exchange(followed.waiting, {})) {
      failed.push_back(std::move(then));
    }
    if (asked && !followed.read && !hands_.in_use(network->first)) {
      network = networks_.erase(network);
      fewer = true;
    } else {
      ++network;
    }
  }
  if (fewer) {
    tell();
  }
  for (const auto& then : failed) {
    then(fail(ErrorKind::Unavailable, "the network's endpoints cannot be read: " + reason));
  }
}

void FollowedNetworks::settle() {
  const auto now = Clock::now();
  std::optional<Clock::time_point> next;
  bool fewer = false;
  for (auto network = networks_.begin(); network != networks_.end();) {
    auto& followed = network->second;
    if (hands_.in_use(network->first) || !followed.waiting.empty()) {
      followed.idle.reset();
      ++network;
      continue;
    }
    const auto end = followed.idle.value_or(now) + linger_;
    if (end <= now) {
      network = networks_.erase(network);
      fewer = true;
      continue;
    }
    followed.idle = end - linger_;
    next = std::min(next.value_or(end), end);
    ++network;
  }
  if (fewer) {
    tell();
  }
  if (next) {
    timer_->set(std::chrono::ceil<std::chrono::milliseconds>(*next - now), [this] { settle(); });
  }
}

void FollowedNetworks::tell() {
  hands_.follow(ids());
}

FollowedNetworks::Ids FollowedNetworks::ids() const {
  Ids ids;
  for (const auto& [id, network] : networks_) {
    ids.insert(id);
  }
  return ids;
}

}  // namespace vtepd
