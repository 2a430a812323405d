// SPDX-License-Identifier: GPL-2.0-only
#include "core/gossip_merge.h"

#include <algorithm>

namespace vtepd {

namespace {

// Docker's containers and ours have IPv4; another address is a moved or added one.
bool is_own(const Overlay::EndpointRecord& endpoint, const PeerNews& news) {
  const auto& own = news.address.is_v4() ? endpoint.address4 : endpoint.address6;
  return own && own->address == news.address.address && endpoint.mac == news.mac;
}

const Overlay::EndpointRecord* find(const Overlay::NetworkRecord& network, const std::string& id) {
  const auto parsed = ObjectId::parse(id);
  const auto place = parsed ? network.endpoints.find(*parsed) : network.endpoints.end();
  return place == network.endpoints.end() ? nullptr : &place->second;
}

Endpoint endpoint_of(const PeerNews& news) {
  Endpoint endpoint;
  endpoint.id = news.endpoint_id;
  endpoint.network_id = news.network_id;
  endpoint.mac = news.mac;
  (news.address.is_v4() ? endpoint.address4 : endpoint.address6) = news.address;
  endpoint.vtep = news.vtep;
  endpoint.sandbox = news.endpoint_id;
  return endpoint;
}

}  // namespace

GossipMerge::GossipMerge(const Overlay& overlay, Limits limits)
    : overlay_(overlay), limits_(limits) {}

// Members by gossip alone vouch for nobody.
bool GossipMerge::known(const Overlay::NetworkRecord& network, const IpAddress& vtep) const {
  if (hosts_.contains(vtep)) {
    return true;
  }
  const auto members = network.vteps.find(vtep);
  const auto heard_of = heard_of_.find({network.id, vtep});
  return members != network.vteps.end() &&
         members->second > (heard_of == heard_of_.end() ? 0 : heard_of->second);
}

void GossipMerge::count(const Endpoint& endpoint, int change) {
  const auto place = heard_of_.try_emplace({endpoint.network_id, endpoint.vtep}).first;
  place->second += static_cast<std::size_t>(change);
  if (place->second == 0) {
    heard_of_.erase(place);
  }
}

GossipMerge::Verdict GossipMerge::on_news(const PeerNews& news, Time now, Orders& orders) {
  const auto network = overlay_.networks().find(news.network_id);
  const bool ours =
      news.vtep == overlay_.own_vtep() || overlay_.locals().contains(news.endpoint_id);
  if (ours || network == overlay_.networks().end() || network->second.locals.empty()) {
    return Verdict::NotHere;
  }
  const auto& known_as = network->second.network;
  if (!known_as || known_as->subnet_of(news.address.address) == nullptr) {
    return Verdict::Outside;
  }
  return news.join ? on_join(news, now, orders) : on_leave(news, now, orders);
}

GossipMerge::Verdict GossipMerge::on_join(const PeerNews& news, Time now, Orders& orders) {
  const Key key{news.network_id, news.endpoint_id};
  const auto& network = overlay_.networks().at(news.network_id);
  if (const auto* stored = find(network, news.endpoint_id)) {
    if (stored->vtep != news.vtep) {
      return Verdict::Contradicts;
    }
    if (!is_own(*stored, news)) {
      return check(key, now, orders);  // an address that moved to it: its key says so
    }
    if (stored->active) {
      return Verdict::Known;
    }
  }
  const auto present = provisional_.find(key);
  if (present != provisional_.end() && present->second.endpoint.vtep != news.vtep) {
    return Verdict::Contradicts;
  }
  if (left_lately(key, now)) {
    return check(key, now, orders);
  }
  if (!known(network, news.vtep)) {
    orders.read_all = true;
    return Verdict::UnknownVtep;
  }
  if (present == provisional_.end() && provisional_.size() >= limits_.most) {
    orders.read_all = true;
    return Verdict::Full;
  }
  if (present == provisional_.end()) {
    count(endpoint_of(news), 1);
  }
  auto& entry = provisional_[key];
  entry = {endpoint_of(news), (unreadable_since_ ? *unreadable_since_ : now) + limits_.lifetime};
  checks_.erase(key);
  orders.install.push_back(entry.endpoint);
  return Verdict::Installed;
}

GossipMerge::Verdict GossipMerge::on_leave(const PeerNews& news, Time now, Orders& orders) {
  const Key key{news.network_id, news.endpoint_id};
  note_leave(key, now);
  const auto present = provisional_.find(key);
  const bool provisional = present != provisional_.end() &&
                           present->second.endpoint.vtep == news.vtep &&
                           present->second.endpoint.mac == news.mac;
  if (provisional) {
    forget(key, orders);
  }
  const auto& network = overlay_.networks().at(news.network_id);
  const auto* stored = find(network, news.endpoint_id);
  if (stored == nullptr) {
    return provisional ? Verdict::Removed : Verdict::Known;
  }
  if (stored->vtep != news.vtep) {
    return Verdict::Contradicts;
  }
  return stored->active ? check(key, now, orders) : Verdict::Removed;
}

GossipMerge::Verdict GossipMerge::check(const Key& key, Time now, Orders& orders) {
  if (checks_.size() >= limits_.most && !checks_.contains(key)) {
    orders.read_all = true;
    return Verdict::Full;
  }
  const auto [place, fresh] = checks_.try_emplace(key);
  place->second.until = now + limits_.leave_checks;
  if (fresh) {  // else it is being read already, at most so often
    place->second.next = now + limits_.check_interval;
    orders.read.push_back(key);
  }
  return Verdict::Checked;
}

void GossipMerge::note_leave(const Key& key, Time now) {
  while (!left_by_age_.empty() && (left_by_age_.front().first + limits_.leave_memory <= now ||
                                   left_by_age_.size() >= limits_.most)) {
    const auto& [when, whose] = left_by_age_.front();
    if (const auto place = left_.find(whose); place != left_.end() && place->second == when) {
      left_.erase(place);
    }
    left_by_age_.pop_front();
  }
  left_[key] = now;
  left_by_age_.emplace_back(now, key);
}

bool GossipMerge::left_lately(const Key& key, Time now) const {
  const auto place = left_.find(key);
  return place != left_.end() && now < place->second + limits_.leave_memory;
}

void GossipMerge::forget(const Key& key, Orders& orders) {
  const auto place = provisional_.find(key);
  if (place != provisional_.end()) {
    count(place->second.endpoint, -1);
    provisional_.erase(place);
    orders.remove.push_back(key);
  }
}

void GossipMerge::on_stored(const std::string& network_id, const std::string& endpoint_id,
                            Orders& orders) {
  const Key key{network_id, endpoint_id};
  if (!provisional_.contains(key)) {
    return;
  }
  const auto network = overlay_.networks().find(network_id);
  const auto* stored =
      network == overlay_.networks().end() ? nullptr : find(network->second, endpoint_id);
  if (stored != nullptr && stored->active) {
    forget(key, orders);
  }
}

void GossipMerge::on_gone(const std::string& network_id, const std::string& endpoint_id,
                          Orders& orders) {
  const Key key{network_id, endpoint_id};
  checks_.erase(key);
  forget(key, orders);
}

void GossipMerge::set_store_readable(bool readable, Time now, Orders& orders) {
  if (!readable) {
    on_time(now, orders);
    if (!unreadable_since_) {
      unreadable_since_ = now;
    }
    return;
  }
  if (!unreadable_since_) {
    return;
  }
  const auto pause = now - *unreadable_since_;
  unreadable_since_.reset();
  for (auto& [key, entry] : provisional_) {
    entry.expires += pause;
  }
  for (auto& [key, check] : checks_) {
    check.until += pause;
    check.next = now;
  }
}

void GossipMerge::on_time(Time now, Orders& orders) {
  if (unreadable_since_) {
    return;
  }
  for (auto entry = provisional_.begin(); entry != provisional_.end();) {
    const auto next = std::next(entry);
    if (entry->second.expires <= now) {
      forget(Key(entry->first), orders);
    }
    entry = next;
  }
  for (auto check = checks_.begin(); check != checks_.end();) {
    if (check->second.next <= now) {
      orders.read.push_back(check->first);
      check->second.next = now + limits_.check_interval;
    }
    check = check->second.until <= now ? checks_.erase(check) : std::next(check);
  }
}

std::string_view to_string(GossipMerge::Verdict verdict) {
  switch (verdict) {
    case GossipMerge::Verdict::Installed:
      return "in force until the store confirms it";
    case GossipMerge::Verdict::Removed:
      return "removed";
    case GossipMerge::Verdict::Known:
      return "known";
    case GossipMerge::Verdict::Checked:
      return "its key is read again";
    case GossipMerge::Verdict::UnknownVtep:
      return "no host that the store knows";
    case GossipMerge::Verdict::Contradicts:
      return "another host has that endpoint";
    case GossipMerge::Verdict::Outside:
      return "its address is in no subnet of the network";
    case GossipMerge::Verdict::NotHere:
      return "of no network of this host";
    case GossipMerge::Verdict::Full:
      return "too much at once, the store is read instead";
  }
  return "";
}

}  // namespace vtepd
