// SPDX-License-Identifier: GPL-2.0-only
#include "state/state_file.h"

#include "state/durable_file.h"

#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace vtepd {

namespace {

using nlohmann::json;

// Everything below throws on a document of the wrong form; load() turns that into one Error.

template <typename T>
T must(Result<T> result) {
  if (!result) {
    throw std::invalid_argument(result.error().what);
  }
  return std::move(*result);
}

json prefix_json(const std::optional<IpPrefix>& prefix) {
  return prefix ? json(prefix->to_string()) : json(nullptr);
}

std::optional<IpPrefix> prefix_from(const json& value) {
  if (value.is_null()) {
    return std::nullopt;
  }
  return must(IpPrefix::parse(value.get<std::string>()));
}

json to_json(const Endpoint& endpoint) {
  return {{"id", endpoint.id},
          {"network_id", endpoint.network_id},
          {"name", endpoint.name},
          {"mac", endpoint.mac.to_string()},
          {"address4", prefix_json(endpoint.address4)},
          {"address6", prefix_json(endpoint.address6)},
          {"vtep", endpoint.vtep.to_string()},
          {"sandbox", endpoint.sandbox},
          {"owner", endpoint.owner}};
}

Endpoint endpoint_from(const json& value) {
  return {.id = value.at("id"),
          .network_id = value.at("network_id"),
          .name = value.at("name"),
          .mac = must(MacAddress::parse(value.at("mac").get<std::string>())),
          .address4 = prefix_from(value.at("address4")),
          .address6 = prefix_from(value.at("address6")),
          .vtep = must(IpAddress::parse(value.at("vtep").get<std::string>())),
          .sandbox = value.at("sandbox"),
          .owner = value.at("owner")};
}

json to_json(const Network& network) {
  json subnets = json::array();
  for (const auto& subnet : network.subnets) {
    subnets.push_back({{"pool", subnet.pool.to_string()},
                       {"gateway", subnet.gateway.to_string()},
                       {"vni", subnet.vni.value}});
  }
  return {{"id", network.id},
          {"name", network.name},
          {"address_space", network.address_space},
          {"subnets", std::move(subnets)},
          {"v6_pool", prefix_json(network.v6_pool)},
          {"underlay_mtu", network.underlay_mtu}};
}

Network network_from(const json& value) {
  Network network{.id = value.at("id"),
                  .name = value.at("name"),
                  .address_space = value.at("address_space"),
                  .subnets = {},
                  .v6_pool = prefix_from(value.at("v6_pool")),
                  .underlay_mtu = value.at("underlay_mtu"),
                  .secure = false};
  for (const auto& subnet : value.at("subnets")) {
    network.subnets.push_back({must(IpPrefix::parse(subnet.at("pool").get<std::string>())),
                               must(IpPrefix::parse(subnet.at("gateway").get<std::string>())),
                               must(Vni::create(subnet.at("vni").get<std::uint64_t>()))});
  }
  return network;
}

json to_json(const LocalEndpoint& local) {
  json addresses = json::array();
  for (const auto& prefix : local.allowed_addresses) {
    addresses.push_back(prefix.to_string());
  }
  json macs = json::array();
  for (const auto& mac : local.allowed_macs) {
    macs.push_back(mac.to_string());
  }
  return {{"endpoint", to_json(local.endpoint)},
          {"network", to_json(local.network)},
          {"netns", local.netns_path},
          {"netns_cookie", local.netns_cookie},
          {"boot_id", local.boot_id},
          {"ifname", local.ifname},
          {"host_ifname", local.host_ifname},
          {"host_ifindex", local.host.value},
          {"endpoint_ifindex", local.endpoint_ifindex.value},
          {"allowed_addresses", std::move(addresses)},
          {"allowed_macs", std::move(macs)},
          {"source_check", local.source_check},
          {"same_netns", local.same_netns}};
}

LocalEndpoint local_from(const json& value) {
  LocalEndpoint local{.endpoint = endpoint_from(value.at("endpoint")),
                      .network = network_from(value.at("network")),
                      .netns_path = value.at("netns"),
                      .netns_cookie = value.at("netns_cookie"),
                      .boot_id = value.at("boot_id"),
                      .ifname = value.at("ifname"),
                      .host_ifname = value.at("host_ifname"),
                      .host = {value.at("host_ifindex").get<std::uint32_t>()},
                      .endpoint_ifindex = {value.at("endpoint_ifindex").get<std::uint32_t>()},
                      .allowed_addresses = {},
                      .allowed_macs = {},
                      .source_check = value.at("source_check"),
                      .same_netns = value.at("same_netns")};
  for (const auto& prefix : value.at("allowed_addresses")) {
    local.allowed_addresses.insert(must(IpPrefix::parse(prefix.get<std::string>())));
  }
  for (const auto& mac : value.at("allowed_macs")) {
    local.allowed_macs.insert(must(MacAddress::parse(mac.get<std::string>())));
  }
  return local;
}

json to_json(const FloatingAddress& floating) {
  return {{"network_id", floating.network_id},
          {"address", floating.address.to_string()},
          {"endpoint_id", floating.endpoint_id},
          {"mac", floating.mac ? json(floating.mac->to_string()) : json(nullptr)},
          {"generation", floating.generation}};
}

FloatingAddress floating_from(const json& value) {
  FloatingAddress floating{
      .network_id = value.at("network_id"),
      .address = must(IpAddress::parse(value.at("address").get<std::string>())),
      .endpoint_id = value.at("endpoint_id"),
      .mac = {},
      .generation = value.at("generation")};
  if (const auto& mac = value.at("mac"); !mac.is_null()) {
    floating.mac = must(MacAddress::parse(mac.get<std::string>()));
  }
  return floating;
}

// Reads one of the two files; an absent one is an empty document of that kind.
template <typename T, typename Decode>
Result<T> load_document(const std::string& path, Decode&& decode) {
  const auto content = read_file(path);
  if (!content) {
    if (content.error().kind == ErrorKind::NotFound) {
      return T{};
    }
    return fail(content.error());
  }
  try {
    return decode(json::parse(*content));
  } catch (const std::exception& error) {
    return fail(ErrorKind::Invalid, path + " is damaged (" + error.what() +
                                        "); mend it or move it away, then start again");
  }
}

}  // namespace

StateFile::StateFile(std::string folder) : folder_(std::move(folder)) {}

Result<SavedState> StateFile::load() const {
  return load_document<SavedState>(folder_ + "/endpoints.json", [](const json& document) {
    SavedState state;
    state.idle_device = document.at("idle_device");
    state.store = document.at("store");
    for (const auto& value : document.at("endpoints")) {
      state.endpoints.push_back(local_from(value));
    }
    for (const auto& value : document.value("floating", json::array())) {
      state.floating.push_back(floating_from(value));
    }
    state.networks = document.value("networks", std::vector<std::string>());
    return state;
  });
}

Result<void> StateFile::save(const SavedState& state) const {
  json endpoints = json::array();
  for (const auto& local : state.endpoints) {
    endpoints.push_back(to_json(local));
  }
  json floating = json::array();
  for (const auto& held : state.floating) {
    floating.push_back(to_json(held));
  }
  const json document{{"schema", 1},
                      {"floating", std::move(floating)},
                      {"networks", state.networks},
                      {"idle_device", state.idle_device},
                      {"store", state.store},
                      {"endpoints", std::move(endpoints)}};
  if (auto made = make_folder(folder_); !made) {
    return made;
  }
  return write_durably(folder_ + "/endpoints.json", document.dump(1) + "\n");
}

Result<std::vector<Endpoint>> StateFile::load_pending() const {
  return load_document<std::vector<Endpoint>>(folder_ + "/pending.json", [](const json& document) {
    std::vector<Endpoint> pending;
    for (const auto& value : document.at("withdraw")) {
      pending.push_back(endpoint_from(value));
    }
    return pending;
  });
}

Result<void> StateFile::save_pending(const std::vector<Endpoint>& pending) const {
  json withdraw = json::array();
  for (const auto& endpoint : pending) {
    withdraw.push_back(to_json(endpoint));
  }
  if (auto made = make_folder(folder_); !made) {
    return made;
  }
  return write_durably(folder_ + "/pending.json",
                       json{{"schema", 1}, {"withdraw", std::move(withdraw)}}.dump(1) + "\n");
}

void StateFile::remove_all() const {
  ::unlink((folder_ + "/endpoints.json").c_str());
  ::unlink((folder_ + "/pending.json").c_str());
  ::rmdir(folder_.c_str());
}

}  // namespace vtepd
