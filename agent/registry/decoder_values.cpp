// SPDX-License-Identifier: GPL-2.0-only
// Each kind of value, into events.
#include "registry/decoder_state.h"
#include "registry/endpoint_codec.h"
#include "registry/own_codec.h"

#include <cstddef>
#include <utility>
#include <variant>

namespace vtepd {

namespace {

// An event has no more endpoints than these, so that a million are not moved about as one vector
// grows.
constexpr std::size_t kMostTogether = 4096;

}  // namespace

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
  auto& seen = endpoints_of(parsed.network_id)[*id];
  if (unchanged(seen, pair)) {
    return;
  }
  auto endpoint = registry::decode_packed_endpoint(pair.key, parsed.endpoint_id, *id, pair.value);
  note(seen, pair.key, endpoint ? nullptr : &endpoint.error(), events);
  if (endpoint) {
    up(parsed.network_id, std::move(*endpoint), events);
  }
}

void RegistryDecoder::State::up(std::string_view network_id, PackedEndpoint&& endpoint,
                                Events& events) {
  auto* last = events.empty() ? nullptr : std::get_if<store_event::EndpointsUp>(&events.back());
  if (last == nullptr || last->network_id != network_id ||
      last->endpoints.size() >= kMostTogether) {
    last = &std::get<store_event::EndpointsUp>(
        events.emplace_back(store_event::EndpointsUp{std::string(network_id), {}}));
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

}  // namespace vtepd
