// SPDX-License-Identifier: GPL-2.0-only
#include "bench/agent_bed.h"

#include "bench/need.h"
#include "bench/numbering.h"
#include "bench/subject.h"
#include "bpf/probe.h"
#include "support/netns.h"
#include "support/store.h"

#include <algorithm>
#include <stdexcept>

namespace vtepd::bench {

namespace {

constexpr const char* kOwner = "bench@198.51.100.1";
constexpr const char* kHostEnd = "vtep00000000";
constexpr std::uint32_t kSpare = 4096;

const IpAddress& own_vtep() {
  static const IpAddress address = IpAddress::v4(0xc6336401);
  return address;
}

}  // namespace

std::unique_ptr<TablesOnly> open_tables(std::uint32_t endpoints) {
  BpfDataplane::Options options;
  options.instance = test::unique_name();
  options.vtep = own_vtep();
  options.limits = {.fdb = endpoints + kSpare,
                    .neigh = endpoints + kSpare,
                    .ports = 1024,
                    .vnis = 256,
                    .peers = 1024};
  options.mode = "tc";
  options.features = probe_kernel().features;
  return std::make_unique<TablesOnly>(need(BpfDataplane::open(std::move(options))));
}

AgentBed::AgentBed(std::uint32_t endpoints)
    : registry_(
          store_,
          {.prefix = "", .vtep = own_vtep(), .owner = kOwner, .make_id = {}, .timestamp = {}}),
      tables_(open_tables(endpoints)),
      state_(test::lab_folder() + "/agent") {
  need(registry_.prepare());
  network_ = need(registry_.create_network(
      {.name = "bench", .subnets = {need(IpPrefix::parse(kNetwork))}, .vni = Vni{256}}));
  links_.links[kHostEnd] = IfIndex{7};
  worker_.emplace();
  agent_.emplace(Agent::Options{.version = "bench",
                                .instance = "bench",
                                .host = "bench",
                                .owner = kOwner,
                                .boot_id = "boot",
                                .store_name = "memory",
                                .port = 4789,
                                .vtep = own_vtep(),
                                .gossip_name = ""},
                 Agent::Ports{loop_, *worker_, store_, registry_, *tables_, links_, underlay_,
                              state_, nullptr});
  SavedState saved;
  saved.endpoints.push_back(local_endpoint());
  need(agent_->start(std::move(saved), {}));
}

AgentBed::~AgentBed() {
  worker_.reset();
  agent_.reset();
}

LocalEndpoint AgentBed::local_endpoint() const {
  const IpAddress address = need(IpAddress::parse(kLeft));
  LocalEndpoint local;
  local.endpoint = {.id = std::string(64, '0'),
                    .network_id = network_.id,
                    .name = "local",
                    .mac = docker_mac(address),
                    .address4 = IpPrefix{address, 12},
                    .address6 = {},
                    .vtep = own_vtep(),
                    .sandbox = "sandbox",
                    .owner = kOwner};
  local.network = network_;
  local.netns_path = "/run/netns/c1";
  local.netns_cookie = 101;
  local.boot_id = "boot";
  local.ifname = "eth0";
  local.host_ifname = kHostEnd;
  local.host = IfIndex{7};
  local.endpoint_ifindex = IfIndex{1007};
  return local;
}

std::vector<KvPair> AgentBed::pairs_of(MemoryStore& store) {
  std::vector<KvPair> out;
  for (const auto& [key, pair] : store.pairs()) {
    out.push_back(pair);
  }
  return out;
}

KvPair AgentBed::endpoint(std::uint32_t number) const {
  const auto replace = [](std::string& text, std::string_view what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
      text.replace(at, what.size(), by);
    }
  };
  // Made once: a JSON library takes longer than all that is measured.
  static const std::string model = test::endpoint_value({.network_id = "",
                                                         .id = std::string(64, 'f'),
                                                         .address = "@address",
                                                         .mac = "@mac",
                                                         .vtep = "@vtep"});
  const Numbered remote = numbered(number);
  const std::string id = test::numbered_id(number + 1);
  std::string value = model;
  replace(value, std::string(64, 'f'), id);
  replace(value, "@address/24", remote.address.to_string() + "/12");
  replace(value, "@mac", remote.mac.to_string());
  replace(value, "@vtep", remote.vtep.to_string());
  return {.key = "docker/network/v1.0/endpoint/" + network_.id + "/" + id + "/",
          .value = std::move(value),
          .index = number + 1000};
}

std::uint64_t AgentBed::forwarded() {
  for (const TableUsage& table : tables_->usage()) {
    if (table.table.ends_with("fdb")) {
      return table.used;
    }
  }
  throw std::runtime_error("the data path does not say how full its FDB is");
}

}  // namespace vtepd::bench
