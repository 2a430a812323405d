// SPDX-License-Identifier: GPL-2.0-only
#include "registry/registry.h"

#include "registry/endpoint_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"
#include "registry/vni_allocator.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include <sys/random.h>

namespace vtepd {

namespace {

constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kLeastIdPrefix = 8;

std::string random_id() {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, kIdBytes> bytes{};
  // Cannot fail for up to 256 bytes once the system has booted.
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
  std::string id;
  for (const auto byte : bytes) {
    id += kDigits[byte >> 4U];
    id += kDigits[byte & 15U];
  }
  return id;
}

std::string now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  tm parts{};
  ::gmtime_r(&time.tv_sec, &parts);
  std::array<char, 32> date{};
  std::array<char, 16> fraction{};
  static_cast<void>(std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  static_cast<void>(std::snprintf(fraction.data(), fraction.size(), ".%09ldZ", time.tv_nsec));
  return std::string(date.data()) + fraction.data();
}

bool is_id_prefix(const std::string& text) {
  return text.size() >= kLeastIdPrefix && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The network with whatever of its overlay key can be read.
Result<Network> complete(const registry::Context& context, const registry::NetworkRecord& record) {
  const auto pair = context.store.get(context.keys.overlay(record.id));
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return registry::join_network(record, {});
  }
  const auto overlay = registry::decode_overlay((*pair)->key, (*pair)->value);
  if (!overlay) {
    return fail(overlay.error());
  }
  return registry::join_network(record, *overlay);
}

}  // namespace

using registry::Context;
using registry::Keys;

Registry::Registry(KvStore& store, Options options) : store_(store), options_(std::move(options)) {
  if (!options_.make_id) {
    options_.make_id = random_id;
  }
  if (!options_.timestamp) {
    options_.timestamp = now;
  }
}

// dockerd makes the same empty key before it lists networks.
Result<void> Registry::prepare() {
  const Context context{store_, options_, Keys(options_.prefix)};
  if (const auto made = store_.put(context.keys.networks(), "", 0); !made) {
    return fail(made.error());
  }
  return registry::write_marker(context);
}

Result<bool> Registry::prepared() {
  const Keys keys(options_.prefix);
  const auto networks = store_.get(keys.networks());
  const auto marker = networks && *networks ? store_.get(keys.marker()) : networks;
  return marker ? Result<bool>(marker->has_value()) : fail(marker.error());
}

Result<Network> Registry::create_network(const NetworkSpec& spec) {
  return registry::create_network(Context{store_, options_, Keys(options_.prefix)}, spec);
}

Result<std::vector<Network>> Registry::list_networks() {
  const Context context{store_, options_, Keys(options_.prefix)};
  const auto records = registry::read_networks(context);
  if (!records) {
    return fail(records.error());
  }
  std::vector<Network> networks;
  for (const auto& [record, index] : *records) {
    if (!record.is_overlay() || record.in_delete) {
      continue;
    }
    auto network = complete(context, record);
    if (network && !network->subnets.empty()) {
      networks.push_back(std::move(*network));
    } else if (!network && network.error().kind == ErrorKind::Unavailable) {
      return fail(network.error());
    }
  }
  return networks;
}

// Finds networks whose removal was begun, too: it must be possible to repeat it.
Result<Network> Registry::find_network(const std::string& name_or_id) {
  const Context context{store_, options_, Keys(options_.prefix)};
  const auto records = registry::read_networks(context);
  if (!records) {
    return fail(records.error());
  }
  const bool prefix = is_id_prefix(name_or_id);
  std::vector<const registry::NetworkRecord*> named;
  std::vector<const registry::NetworkRecord*> by_id;
  for (const auto& [record, index] : *records) {
    if (!record.is_overlay()) {
      continue;
    }
    if (record.id == name_or_id) {
      return complete(context, record);
    }
    if (record.name == name_or_id) {
      named.push_back(&record);
    }
    if (prefix && record.id.starts_with(name_or_id)) {
      by_id.push_back(&record);
    }
  }
  const auto& found = named.empty() ? by_id : named;
  if (found.empty()) {
    return fail(ErrorKind::NotFound, "there is no network '" + name_or_id + "'");
  }
  if (found.size() > 1) {
    return fail(ErrorKind::Conflict, std::to_string(found.size()) + " networks answer to '" +
                                         name_or_id + "': give the whole id of one");
  }
  return complete(context, *found.front());
}

Result<void> Registry::remove_network(const std::string& network_id) {
  return registry::remove_network(Context{store_, options_, Keys(options_.prefix)}, network_id);
}

Result<Network> Registry::ensure_vni(const Network& network) {
  return registry::ensure_vni(Context{store_, options_, Keys(options_.prefix)}, network);
}

Result<void> Registry::open_endpoints(const std::string& network_id) {
  const auto made = store_.put(Keys(options_.prefix).endpoints(network_id), "", 0);
  return made ? Result<void>() : fail(made.error());
}

Result<std::size_t> Registry::count_endpoints(const std::string& network_id) {
  const auto key = Keys(options_.prefix).endpoint_count(network_id);
  const auto pair = store_.get(key);
  if (!pair || !*pair) {
    return pair ? Result<std::size_t>(0) : fail(pair.error());
  }
  const auto count = registry::decode_count(key, (*pair)->value);
  return count ? Result<std::size_t>(*count) : fail(count.error());
}

Result<Endpoint> Registry::create_endpoint(const Network& network, const EndpointSpec& spec) {
  return registry::create_endpoint(Context{store_, options_, Keys(options_.prefix)}, network, spec);
}

Result<Endpoint> Registry::activate_endpoint(const Endpoint& endpoint, const std::string& sandbox,
                                             const std::string& host_ifname) {
  return registry::activate_endpoint(Context{store_, options_, Keys(options_.prefix)}, endpoint,
                                     sandbox, host_ifname);
}

Result<void> Registry::confirm_endpoint(const Endpoint& endpoint) {
  return registry::confirm_endpoint(Context{store_, options_, Keys(options_.prefix)}, endpoint);
}

Result<bool> Registry::remove_endpoint(const Endpoint& endpoint) {
  return registry::remove_endpoint(Context{store_, options_, Keys(options_.prefix)}, endpoint);
}

Result<std::optional<FloatingAddress>> Registry::hold_address(
    const FloatingAddress& wanted, const std::optional<std::string>& own_of) {
  return registry::hold_address(Context{store_, options_, Keys(options_.prefix)}, wanted, own_of);
}

Result<bool> Registry::let_go(const FloatingAddress& held) {
  return registry::let_go(Context{store_, options_, Keys(options_.prefix)}, held.network_id,
                          held.endpoint_id, held.address);
}

Result<std::vector<Endpoint>> Registry::list_endpoints(const std::string& network_id) {
  return registry::read_endpoints(Context{store_, options_, Keys(options_.prefix)}, network_id);
}

Result<KvEvent> Registry::reread_endpoint(const std::string& network_id,
                                          const std::string& endpoint_id) {
  const auto key = Keys(options_.prefix).endpoint(network_id, endpoint_id);
  auto pair = store_.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  return *pair ? KvEvent{KvEvent::Kind::Put, {std::move(**pair)}, {}}
               : KvEvent{KvEvent::Kind::Delete, {KvPair{.key = key, .value = {}}}, {}};
}

namespace {

// Docker's hosts contact one such node when they start, at their own port.
Result<void> publish_seed(const registry::Context& context, const Node& node,
                          const KvSession& session) {
  if (node.gossip_port != kDockerGossipPort) {
    return {};
  }
  const auto key = context.keys.docker_node(node.vtep, node.gossip_port);
  const auto value = key.substr(context.keys.docker_nodes().size());
  for (int tries = 0; tries < registry::kMaxTries; ++tries) {
    const auto pair = context.store.get(key);
    if (!pair) {
      return fail(pair.error());
    }
    const auto written = context.store.put(key, value, *pair ? (*pair)->index : 0, &session);
    if (!written || *written) {
      return written ? Result<void>() : fail(written.error());
    }
    registry::back_off(tries);
  }
  return fail(registry::too_many_tries(key));
}

}  // namespace

// A dead session's key is gone, or will be when the store notices. One instance of one host runs
// once, so its own key is its predecessor's.
Result<void> Registry::publish_node(const Node& node, const KvSession& session) {
  const Context context{store_, options_, Keys(options_.prefix)};
  const auto key = context.keys.node(node.vtep);
  for (int tries = 0; tries < registry::kMaxTries; ++tries) {
    const auto pair = store_.get(key);
    if (!pair) {
      return fail(pair.error());
    }
    if (*pair) {
      const auto other = registry::decode_node(key, node.vtep.to_string(), (*pair)->value);
      if (other && (other->host != node.host || other->instance != node.instance)) {
        return fail(ErrorKind::Conflict, "the VTEP " + node.vtep.to_string() +
                                             " is in use by host '" + other->host +
                                             "', instance '" + other->instance +
                                             "': give each daemon an underlay address of its own");
      }
    }
    const auto written =
        store_.put(key, registry::encode_node(node), *pair ? (*pair)->index : 0, &session);
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      return publish_seed(context, node, session);
    }
    registry::back_off(tries);
  }
  return fail(registry::too_many_tries(key));
}

Result<void> Registry::request_ack(const Endpoint& endpoint, const std::string& revision) {
  const Keys keys(options_.prefix);
  return registry::update(store_, keys.ack_request(endpoint.network_id, endpoint.id),
                          [&](const auto&) -> Result<std::optional<std::string>> {
                            return std::optional(registry::encode_revision(revision));
                          });
}

// Nobody waits any more if the request is gone or of another revision.
Result<void> Registry::acknowledge(const std::string& network_id, const std::string& endpoint_id,
                                   const std::string& revision, const IpAddress& vtep) {
  const Keys keys(options_.prefix);
  const auto request_key = keys.ack_request(network_id, endpoint_id);
  const auto request = store_.get(request_key);
  if (!request) {
    return fail(request.error());
  }
  const auto asked = *request ? registry::decode_revision(request_key, (*request)->value)
                              : Result<std::string>(std::string());
  if (!*request || !asked || *asked != revision) {
    return {};
  }
  const auto ack_key = keys.acks(network_id, endpoint_id) + vtep.to_string();
  if (auto written = registry::update(store_, ack_key,
                                      [&](const auto&) -> Result<std::optional<std::string>> {
                                        return std::optional(registry::encode_revision(revision));
                                      });
      !written) {
    return written;
  }
  // The waiter may have cleared up in between; then nobody else removes this one.
  const auto still = store_.get(request_key);
  return still && !*still ? registry::erase_key(store_, ack_key) : Result<void>{};
}

Result<void> Registry::clear_ack(const std::string& network_id, const std::string& endpoint_id) {
  const Keys keys(options_.prefix);
  // The request first: nobody answers one that is not there.
  if (auto cleared = registry::erase_key(store_, keys.ack_request(network_id, endpoint_id));
      !cleared) {
    return cleared;
  }
  const auto answers = store_.list(keys.acks(network_id, endpoint_id));
  if (!answers) {
    return fail(answers.error());
  }
  for (const auto& pair : *answers) {
    if (auto cleared = registry::erase_key(store_, pair.key); !cleared) {
      return cleared;
    }
  }
  return {};
}

}  // namespace vtepd
