// SPDX-License-Identifier: GPL-2.0-only
#include "support/store.h"

#include "support/process.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

namespace vtepd::test {

std::string endpoint_file(const std::string& store, const std::string& network_id,
                          const std::string& id) {
  return store + "/kv/docker/network/v1.0/endpoint/" + network_id + "/" + id + "%2F";
}

std::string endpoint_value(const StoredEndpoint& endpoint) {
  nlohmann::json document = nlohmann::json::parse(R"({
    "anonymous": false, "disableResolution": false,
    "ep_iface": {"dstPrefix": "eth", "routes": null, "srcName": "veth0000000", "v6PoolID": "",
                 "v4PoolID": "GlobalDefault/192.168.7.0/24"},
    "exposed_ports": [],
    "generic": {"com.docker.network.endpoint.exposedports": [], "com.docker.network.portmap": []},
    "ingressPorts": null, "joinInfo": {"StaticRoutes": null, "disableGatewayService": false},
    "loadBalancer": false, "svcAliases": null, "svcID": "", "svcName": "", "virtualIP": "<nil>"})");
  document["id"] = endpoint.id;
  document["name"] = "stored-" + endpoint.id.substr(0, 8);
  document["locator"] = endpoint.vtep;
  document["sandbox"] = numbered_id(1);
  document["myAliases"] = {endpoint.id.substr(0, 12)};
  document["ep_iface"]["addr"] = endpoint.address + "/24";
  document["ep_iface"]["mac"] = endpoint.mac;
  return document.dump();
}

void write_endpoint(const std::string& store, const StoredEndpoint& endpoint) {
  const std::string path = endpoint_file(store, endpoint.network_id, endpoint.id);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(folder);
  const std::string draft = folder.string() + "/.draft";
  write_file(draft, endpoint_value(endpoint));
  std::filesystem::rename(draft, path);
}

namespace {

std::array<unsigned, 4> address_bytes(unsigned number) {
  const unsigned address = (172U << 24U) + (16U << 16U) + 256U + number;
  return {address >> 24U, address >> 16U & 255U, address >> 8U & 255U, address & 255U};
}

}  // namespace

std::string numbered_address(unsigned number) {
  const auto bytes = address_bytes(number);
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
  return text.data();
}

std::string numbered_mac(unsigned number) {
  const auto bytes = address_bytes(number);
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "02:42:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3]);
  return text.data();
}

std::string numbered_id(unsigned number) {
  std::array<char, 65> text{};
  std::snprintf(text.data(), text.size(), "%08x%056x", number, number);
  return text.data();
}

}  // namespace vtepd::test
