// SPDX-License-Identifier: GPL-2.0-only
#include "registry/decoder.h"

#include "registry/decoder_state.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

namespace vtepd {

RegistryDecoder::State::SeenEndpoints& RegistryDecoder::State::endpoints_of(
    std::string_view network_id) {
  const auto known = endpoints.find(network_id);
  return known != endpoints.end()
             ? known->second
             : endpoints.try_emplace(std::string(network_id), &memory).first->second;
}

// In a snapshot the endpoints of a network come one after another. Where they don't, some tables
// have the wrong size from the start, and that is all.
void RegistryDecoder::State::expect(const std::vector<KvPair>& pairs) {
  for (auto pair = pairs.begin(); pair != pairs.end();) {
    const auto parsed = keys.parse(pair->key);
    if (parsed.kind != Keys::Parsed::Kind::Endpoint) {
      ++pair;
      continue;
    }
    const auto prefix = keys.endpoints(parsed.network_id);
    const auto end = std::partition_point(
        pair, pairs.end(), [&](const KvPair& other) { return other.key.starts_with(prefix); });
    auto& known = endpoints_of(parsed.network_id);
    const auto count = static_cast<std::size_t>(end - pair);
    if (count > known.size()) {
      known.reserve(count);
    }
    pair = end;
  }
}

// A watch that tells of a key what is older than it was when it was read.
bool RegistryDecoder::State::is_behind(const KvPair& pair) {
  if (single) {
    auto& index = read_at[pair.key];
    const bool behind = pair.index < index;
    index = behind ? index : pair.index;
    return behind;
  }
  const auto read = read_at.empty() ? read_at.end() : read_at.find(pair.key);
  if (read == read_at.end()) {
    return false;
  }
  if (!whole && pair.index < read->second) {
    return true;
  }
  read_at.erase(read);
  return false;
}

bool RegistryDecoder::State::unchanged(Seen& seen, const KvPair& pair) {
  if (is_behind(pair)) {
    return true;
  }
  const auto hash = std::hash<std::string>{}(pair.value);
  const bool same = (seen.good || seen.malformed) && seen.hash == hash;
  seen.hash = hash;
  seen.round = round;
  return same;
}

// Malformed once for each wrong value; Mended when a right one follows.
void RegistryDecoder::State::note(Seen& seen, const std::string& key, const Error* error,
                                  Events& events) {
  if (error != nullptr) {
    events.emplace_back(store_event::Malformed{key, error->what});
  } else if (seen.malformed) {
    events.emplace_back(store_event::Mended{key});
  }
  seen.malformed = error != nullptr;
  seen.good = seen.good || error == nullptr;
}

void RegistryDecoder::State::put(const KvPair& pair, Events& events) {
  if (pair.value.empty() && pair.key.ends_with('/')) {
    // A "directory" of libkv; if something stood here before, it is gone.
    drop(pair.key, events);
    return;
  }
  const auto parsed = keys.parse(pair.key);
  switch (parsed.kind) {
    case Keys::Parsed::Kind::Network:
    case Keys::Parsed::Kind::Overlay:
      put_part(pair, parsed, events);
      break;
    case Keys::Parsed::Kind::Endpoint:
      put_endpoint(pair, parsed, events);
      break;
    case Keys::Parsed::Kind::Floating:
      put_floating(pair, parsed, events);
      break;
    case Keys::Parsed::Kind::Node:
    case Keys::Parsed::Kind::DockerNode:
    case Keys::Parsed::Kind::AckRequest:
    case Keys::Parsed::Kind::Ack:
      put_other(pair, parsed, events);
      break;
    case Keys::Parsed::Kind::Other:
      break;
  }
}

// An acknowledgement that goes is no event: its waiter took it away.
void RegistryDecoder::State::gone(const Seen& seen, const std::string& key,
                                  const Keys::Parsed& parsed, Events& events) {
  if (seen.malformed) {
    events.emplace_back(store_event::Mended{key});
  }
  if (!seen.good) {
    return;
  }
  if (parsed.kind == Keys::Parsed::Kind::Endpoint) {
    events.emplace_back(
        store_event::EndpointGone{std::string(parsed.network_id), std::string(parsed.endpoint_id)});
  } else if (parsed.kind == Keys::Parsed::Kind::DockerNode) {
    events.emplace_back(store_event::DockerNodeGone{*registry::parse_docker_node(parsed.address)});
  } else if (const auto address = IpAddress::parse(parsed.address)) {
    if (parsed.kind == Keys::Parsed::Kind::Node) {
      events.emplace_back(store_event::NodeGone{*address});
    } else if (parsed.kind == Keys::Parsed::Kind::Floating) {
      events.emplace_back(store_event::FloatingGone{std::string(parsed.network_id), *address});
    }
  }
}

void RegistryDecoder::State::drop(const std::string& key, Events& events) {
  const auto parsed = keys.parse(key);
  read_at.erase(key);
  if (const auto part = networks.find(key); part != networks.end()) {
    gone(part->second.seen, key, parsed, events);
    networks.erase(part);
    join(std::string(parsed.network_id), events);
    return;
  }
  if (const auto other = others.find(key); other != others.end()) {
    gone(other->second, key, parsed, events);
    others.erase(other);
    return;
  }
  const auto network = parsed.kind == Keys::Parsed::Kind::Endpoint
                           ? endpoints.find(parsed.network_id)
                           : endpoints.end();
  const auto endpoint_id = ObjectId::parse(parsed.endpoint_id);
  if (network == endpoints.end() || !endpoint_id) {
    return;
  }
  const auto endpoint = network->second.find(*endpoint_id);
  if (endpoint != network->second.end()) {
    gone(endpoint->second, key, parsed, events);
    network->second.erase(endpoint);
    if (network->second.empty()) {
      endpoints.erase(network);
    }
  }
}

// Everything in the scope that the snapshot of this round did not have.
void RegistryDecoder::State::sweep(std::string_view scope, Events& events) {
  std::vector<std::string> lost;
  for (const auto& [key, part] : networks) {
    if (part.seen.round != round && key.starts_with(scope)) {
      lost.push_back(key);
    }
  }
  for (const auto& [key, seen] : others) {
    if (seen.round != round && key.starts_with(scope)) {
      lost.push_back(key);
    }
  }
  for (const auto& [id, members] : endpoints) {
    if (!keys.endpoints(id).starts_with(scope)) {
      continue;
    }
    for (const auto& [endpoint_id, seen] : members) {
      if (seen.round != round) {
        lost.push_back(keys.endpoint(id, endpoint_id.to_string()));
      }
    }
  }
  for (const auto& key : lost) {
    drop(key, events);
  }
}

RegistryDecoder::RegistryDecoder(std::string prefix) : state_(std::make_unique<State>(prefix)) {}

RegistryDecoder::~RegistryDecoder() = default;

std::vector<StoreEvent> RegistryDecoder::decode(const KvEvent& event, std::string_view scope) {
  State::Events events;
  switch (event.kind) {
    case KvEvent::Kind::Snapshot:
      ++state_->round;
      state_->whole = true;
      state_->expect(event.pairs);
      for (const auto& pair : event.pairs) {
        state_->put(pair, events);
      }
      state_->sweep(scope, events);
      state_->whole = false;
      events.emplace_back(store_event::Synced{});
      break;
    case KvEvent::Kind::Put:
      for (const auto& pair : event.pairs) {
        state_->put(pair, events);
      }
      break;
    case KvEvent::Kind::Delete:
      for (const auto& pair : event.pairs) {
        state_->drop(pair.key, events);
      }
      break;
    case KvEvent::Kind::Outage:
      events.emplace_back(store_event::Outage{event.reason});
      break;
    case KvEvent::Kind::Recovered:
      events.emplace_back(store_event::Recovered{});
      break;
  }
  return events;
}

std::vector<StoreEvent> RegistryDecoder::forget(const std::string& network_id) {
  State::Events events;
  std::vector<std::string> lost{state_->keys.overlay(network_id)};
  const auto prefix = state_->keys.endpoints(network_id);
  for (auto other = state_->others.lower_bound(prefix);
       other != state_->others.end() && other->first.starts_with(prefix); ++other) {
    lost.push_back(other->first);
  }
  if (const auto members = state_->endpoints.find(network_id); members != state_->endpoints.end()) {
    for (const auto& [id, seen] : members->second) {
      lost.push_back(state_->keys.endpoint(network_id, id.to_string()));
    }
  }
  for (const auto& key : lost) {
    state_->drop(key, events);
  }
  return events;
}

std::vector<StoreEvent> RegistryDecoder::decode_read(const KvEvent& event) {
  state_->single = true;
  auto events = decode(event);
  state_->single = false;
  return events;
}

}  // namespace vtepd
