// SPDX-License-Identifier: GPL-2.0-only
#include "registry/decoder.h"

#include "registry/endpoint_codec.h"
#include "registry/keys.h"
#include "registry/network_codec.h"
#include "registry/own_codec.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace vtepd {

namespace {

using registry::Keys;
using Events = std::vector<StoreEvent>;

// An event has no more endpoints than these, so that a million are not moved about as one vector
// grows.
constexpr std::size_t kMostTogether = 4096;

// What is remembered of a key: its value's hash instead of the value.
struct Seen {
  std::uint64_t hash = 0;
  std::uint32_t round = 0;  // of the last snapshot that had it
  bool malformed = false;
  bool good = false;  // was decoded once, so something stands for it
};

struct Part {
  Seen seen;
  std::optional<registry::NetworkRecord> network;
  std::optional<registry::OverlayRecord> overlay;
};

}  // namespace

struct RegistryDecoder::State {
  explicit State(const std::string& prefix) : keys(prefix) {}

  Keys keys;
  std::uint32_t round = 0;
  bool single = false;  // what comes was read singly
  bool whole = false;   // what comes is a snapshot, which is right whatever was read before
  std::map<std::string, Part> networks;  // by key: both kinds
  std::map<std::string, Network> emitted;
  std::map<std::string, std::unordered_map<ObjectId, Seen>, std::less<>> endpoints;
  std::map<std::string, Seen> others;            // nodes, acknowledgements, keys with a wrong id
  std::map<std::string, std::uint64_t> read_at;  // index of a value that was read singly, by key

  void put(const KvPair& pair, Events& events);
  void drop(const std::string& key, Events& events);
  void sweep(std::string_view scope, Events& events);

 private:
  bool unchanged(Seen& seen, const KvPair& pair);
  bool is_behind(const KvPair& pair);
  static void note(Seen& seen, const std::string& key, const Error* error, Events& events);
  void put_part(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void put_endpoint(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  static void up(const std::string& network_id, PackedEndpoint&& endpoint, Events& events);
  void put_floating(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void put_other(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void join(const std::string& id, Events& events);
  void gone(const Seen& seen, const std::string& key, const Keys::Parsed& parsed, Events& events);
};

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

void RegistryDecoder::State::put_part(const KvPair& pair, const Keys::Parsed& parsed,
                                      Events& events) {
  auto& part = networks[pair.key];
  if (unchanged(part.seen, pair)) {
    return;
  }
  if (parsed.kind == Keys::Parsed::Kind::Network) {
    auto network = registry::decode_network(pair.key, parsed.network_id, pair.value);
    note(part.seen, pair.key, network ? nullptr : &network.error(), events);
    if (network) {
      part.network = std::move(*network);
    }
  } else {
    auto overlay = registry::decode_overlay(pair.key, pair.value);
    note(part.seen, pair.key, overlay ? nullptr : &overlay.error(), events);
    if (overlay) {
      part.overlay = std::move(*overlay);
    }
  }
  join(std::string(parsed.network_id), events);
}

void RegistryDecoder::State::join(const std::string& id, Events& events) {
  const auto first = networks.find(keys.network(id));
  const auto second = networks.find(keys.overlay(id));
  std::optional<Network> joined;
  if (first != networks.end() && second != networks.end() && first->second.network &&
      second->second.overlay && first->second.network->is_overlay() &&
      !first->second.network->in_delete) {
    joined = registry::join_network(*first->second.network, *second->second.overlay);
  }
  const auto known = emitted.find(id);
  if (!joined && known != emitted.end()) {
    emitted.erase(known);
    events.emplace_back(store_event::NetworkGone{id});
  } else if (joined && (known == emitted.end() || known->second != *joined)) {
    emitted.insert_or_assign(id, *joined);
    events.emplace_back(store_event::NetworkUp{std::move(*joined)});
  }
}

void RegistryDecoder::State::put_endpoint(const KvPair& pair, const Keys::Parsed& parsed,
                                          Events& events) {
  const auto id = ObjectId::parse(parsed.endpoint_id);
  if (!id) {
    auto& seen = others[pair.key];
    if (!unchanged(seen, pair)) {
      const Error error{ErrorKind::Invalid, pair.key + ": the endpoint's id is not 64 hex digits"};
      note(seen, pair.key, &error, events);
    }
    return;
  }
  auto network = endpoints.find(parsed.network_id);
  if (network == endpoints.end()) {
    network = endpoints.try_emplace(std::string(parsed.network_id)).first;
  }
  auto& seen = network->second[*id];
  if (unchanged(seen, pair)) {
    return;
  }
  auto endpoint = registry::decode_packed_endpoint(pair.key, parsed.endpoint_id, pair.value);
  note(seen, pair.key, endpoint ? nullptr : &endpoint.error(), events);
  if (endpoint) {
    up(network->first, std::move(*endpoint), events);
  }
}

void RegistryDecoder::State::up(const std::string& network_id, PackedEndpoint&& endpoint,
                                Events& events) {
  auto* last = events.empty() ? nullptr : std::get_if<store_event::EndpointsUp>(&events.back());
  if (last == nullptr || last->network_id != network_id ||
      last->endpoints.size() >= kMostTogether) {
    last = &std::get<store_event::EndpointsUp>(
        events.emplace_back(store_event::EndpointsUp{network_id, {}}));
  }
  last->endpoints.push_back(std::move(endpoint));
}

// One whose holder is letting go is nobody's any more.
void RegistryDecoder::State::put_floating(const KvPair& pair, const Keys::Parsed& parsed,
                                          Events& events) {
  auto& seen = others[pair.key];
  if (unchanged(seen, pair)) {
    return;
  }
  auto record = registry::decode_floating(pair.key, parsed.network_id, parsed.address, pair.value);
  note(seen, pair.key, record ? nullptr : &record.error(), events);
  if (!record) {
    return;
  }
  if (record->leaving || !record->in_force) {
    events.emplace_back(
        store_event::FloatingGone{record->floating.network_id, record->floating.address});
  } else {
    events.emplace_back(store_event::FloatingUp{std::move(record->floating)});
  }
}

void RegistryDecoder::State::put_other(const KvPair& pair, const Keys::Parsed& parsed,
                                       Events& events) {
  auto& seen = others[pair.key];
  if (unchanged(seen, pair)) {
    return;
  }
  if (parsed.kind == Keys::Parsed::Kind::Node) {
    auto node = registry::decode_node(pair.key, parsed.address, pair.value);
    note(seen, pair.key, node ? nullptr : &node.error(), events);
    if (node) {
      events.emplace_back(store_event::NodeUp{std::move(*node)});
    }
    return;
  }
  if (parsed.kind == Keys::Parsed::Kind::DockerNode) {
    auto address = registry::parse_docker_node(parsed.address);
    const auto error = address ? Error{} : address.error().context(pair.key);
    note(seen, pair.key, address ? nullptr : &error, events);
    if (address) {
      events.emplace_back(store_event::DockerNodeUp{*address});
    }
    return;
  }
  auto revision = registry::decode_revision(pair.key, pair.value);
  const bool request = parsed.kind == Keys::Parsed::Kind::AckRequest;
  const auto vtep = request ? Result<IpAddress>(IpAddress{}) : IpAddress::parse(parsed.address);
  const Error* error = !revision ? &revision.error() : !vtep ? &vtep.error() : nullptr;
  note(seen, pair.key, error, events);
  if (error != nullptr) {
    return;
  }
  const std::string nid(parsed.network_id);
  const std::string eid(parsed.endpoint_id);
  if (request) {
    events.emplace_back(store_event::AckRequested{nid, eid, *revision});
  } else {
    events.emplace_back(store_event::Acked{nid, eid, *revision, *vtep});
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
  Events events;
  switch (event.kind) {
    case KvEvent::Kind::Snapshot:
      ++state_->round;
      state_->whole = true;
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
  Events events;
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
