// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/model.h"

#include <string>
#include <variant>
#include <vector>

namespace vtepd {

// What changed in the store, decoded. Made by registry/decoder from KvEvents, consumed by the core.
namespace store_event {

struct NetworkUp {  // new or changed; complete (both of Docker's keys were read)
  Network network;
};

struct NetworkGone {
  std::string id;
};

// One or more of a network, each as of its last change.
struct EndpointsUp {
  std::string network_id;
  std::vector<PackedEndpoint> endpoints;
};

struct EndpointGone {
  std::string network_id;
  std::string id;
};

struct FloatingUp {
  FloatingAddress floating;
};

struct FloatingGone {
  std::string network_id;
  IpAddress address;
};

struct NodeUp {
  Node node;
};

struct NodeGone {
  IpAddress vtep;
};

// A host that runs Docker, or a seed of its gossip.
struct DockerNodeUp {
  IpAddress address;
};

struct DockerNodeGone {
  IpAddress address;
};

struct AckRequested {
  std::string network_id;
  std::string endpoint_id;
  std::string revision;
};

struct Acked {
  std::string network_id;
  std::string endpoint_id;
  std::string revision;
  IpAddress vtep;
};

// A network that is followed since lately is complete, by the events before this one.
struct NetworkRead {
  std::string id;
};

// A key that does not parse: counted and shown; its last good value stays.
struct Malformed {
  std::string key;
  std::string error;
};

// A malformed key was mended or deleted.
struct Mended {
  std::string key;
};

// The events before this one make the state complete as of a snapshot.
struct Synced {};

struct Outage {
  std::string reason;
};

struct Recovered {};

}  // namespace store_event

using StoreEvent =
    std::variant<store_event::NetworkUp, store_event::NetworkGone, store_event::EndpointsUp,
                 store_event::EndpointGone, store_event::FloatingUp, store_event::FloatingGone,
                 store_event::NodeUp, store_event::NodeGone, store_event::DockerNodeUp,
                 store_event::DockerNodeGone, store_event::AckRequested, store_event::Acked,
                 store_event::NetworkRead, store_event::Malformed, store_event::Mended,
                 store_event::Synced, store_event::Outage, store_event::Recovered>;

}  // namespace vtepd
