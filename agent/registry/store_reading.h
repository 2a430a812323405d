// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/model.h"
#include "registry/bit_sequence.h"
#include "registry/network_codec.h"
#include "registry/operations.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vtepd::registry {

// The store's keys as they were read, for the audit (store_audit.h); `index` is that of the key.
// Not one moment's picture: whatever is claimed is read before those who claim it, so that a claim
// that is missing was missing when the key had this index.

struct EndpointReading {
  Endpoint endpoint;  // of one that does not parse only the ids
  std::uint64_t index = 0;
  std::string problem;  // why it does not parse

  // Being made or removed: what it has outside its key is open.
  [[nodiscard]] bool half() const { return endpoint.sandbox.empty(); }
};

struct FloatingReading {
  FloatingAddress floating;  // of one that does not parse only network and address
  std::string problem;
};

struct NetworkReading {
  NetworkRecord record;
  std::vector<Subnet> subnets;
  std::string overlay_problem;         // there is such a key and it does not parse
  std::optional<std::uint64_t> count;  // none: no such key
  std::uint64_t count_index = 0;
  std::string count_problem;
  std::vector<EndpointReading> endpoints;
  std::vector<FloatingReading> floating;
};

// A key of address bits or VNI bits.
struct BitsReading {
  IpPrefix pool;  // of addresses
  std::uint64_t index = 0;
  std::optional<BitSequence> bits;  // none: no such key, or see problem
  std::string problem;
};

// By which the store knows of hosts that live: keys that go with their sessions.
struct Hosts {
  std::map<IpAddress, Node> nodes;  // with a vtepd
  std::set<IpAddress> listed;       // under docker/nodes, seeds of vtepd's too
};

struct StoreReading {
  Keys keys{""};
  BitsReading vnis;
  std::vector<NetworkReading> networks;                   // overlays that are not being removed
  std::map<std::string, std::string> malformed_networks;  // id -> why the key does not parse
  std::set<std::uint32_t> held_vnis;                      // of all networks
  bool vnis_unclear = false;                              // an overlay key does not parse
  std::map<std::string, BitsReading> pools;               // by key
  Hosts hosts;
  std::set<IpAddress> dockers;  // of the listed ones, those where a dockerd lives
};

Result<Hosts> read_hosts(const Context& context);
Result<StoreReading> read_store(const Context& context);

}  // namespace vtepd::registry
