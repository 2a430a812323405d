// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/decoder.h"
#include "registry/keys.h"
#include "registry/network_codec.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vtepd {

// What the decoder remembers, and the steps of its work; decoder.cpp and decoder_values.cpp.
struct RegistryDecoder::State {
  using Keys = registry::Keys;
  using Events = std::vector<StoreEvent>;

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

  using SeenEndpoints = std::pmr::unordered_map<ObjectId, Seen>;

  explicit State(const std::string& prefix) : keys(prefix) {}

  Keys keys;
  std::uint32_t round = 0;
  bool single = false;  // what comes was read singly
  bool whole = false;   // what comes is a snapshot, which is right whatever was read before
  std::map<std::string, Part> networks;  // by key: both kinds
  std::map<std::string, Network> emitted;
  // Without a header for each node, and nothing else between them that would keep their pages.
  std::pmr::unsynchronized_pool_resource memory;
  std::map<std::string, SeenEndpoints, std::less<>> endpoints;
  std::map<std::string, Seen> others;            // nodes, acknowledgements, keys with a wrong id
  std::map<std::string, std::uint64_t> read_at;  // index of a value that was read singly, by key

  // Makes room for what a snapshot has of each network.
  void expect(const std::vector<KvPair>& pairs);
  void put(const KvPair& pair, Events& events);
  void drop(const std::string& key, Events& events);
  void sweep(std::string_view scope, Events& events);

 private:
  bool unchanged(Seen& seen, const KvPair& pair);
  bool is_behind(const KvPair& pair);
  static void note(Seen& seen, const std::string& key, const Error* error, Events& events);
  SeenEndpoints& endpoints_of(std::string_view network_id);
  void put_part(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void put_endpoint(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  static void up(std::string_view network_id, PackedEndpoint&& endpoint, Events& events);
  void put_floating(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void put_other(const KvPair& pair, const Keys::Parsed& parsed, Events& events);
  void join(const std::string& id, Events& events);
  void gone(const Seen& seen, const std::string& key, const Keys::Parsed& parsed, Events& events);
};

}  // namespace vtepd
