// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/control.h"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vtepd::test {

inline NetworkView network_view() {
  NetworkView view;
  view.id = std::string(64, 'a');
  view.name = "blue";
  view.address_space = "GlobalDefault";
  view.subnets = {{*IpPrefix::parse("10.1.0.0/24"), *IpPrefix::parse("10.1.0.1/24"), Vni{256}}};
  view.v6_pool = *IpPrefix::parse("fd00:1::/64");
  view.mtu = 1450;
  view.endpoints = 2;
  return view;
}

inline EndpointView endpoint_view() {
  EndpointView view;
  view.id = std::string(64, 'e');
  view.name = "web";
  view.network = "blue";
  view.network_id = std::string(64, 'a');
  view.vni = Vni{256};
  view.mac = *MacAddress::parse("02:42:0a:01:00:02");
  view.address4 = *IpPrefix::parse("10.1.0.2/24");
  view.vtep = *IpAddress::parse("192.0.2.1");
  view.local = true;
  view.state = "up";
  view.netns = "/run/netns/web";
  view.ifname = "eth0";
  view.host_ifname = "vtepeeeeeeee";
  view.allowed_addresses = {*IpPrefix::parse("10.1.0.100/32")};
  view.allowed_macs = {*MacAddress::parse("00:00:5e:00:01:01")};
  view.mtu = 1450;
  return view;
}

inline StatusView status_view() {
  StatusView view;
  view.health = Health::Degraded;
  view.problems = {"the store does not answer since 12 s"};
  view.version = "0.1.0";
  view.instance = "default";
  view.pid = 4711;
  view.uptime_seconds = 90061;
  view.dataplane = "bpf";
  view.mode = "tc";
  view.mode_reason = "xdp is not built";
  view.attach = "tcx";
  view.tunnel_gro = "idle device vtepx4789";
  view.tunnel_state = "pair vtepsa4789 (0 frames cut up, 0 packets lost in it)";
  view.headroom = "bridge vteph4789 (3 endpoints)";
  view.tcp_frames = "up to 192 KiB";
  view.checks = "programs";
  view.vtep = *IpAddress::parse("192.0.2.1");
  view.device = "eth0";
  view.underlay_mtu = 1500;
  view.port = 4789;
  view.store = "file /var/lib/vtepd/store";
  view.store_problem = "marker file is gone";
  view.store_down_seconds = 12;
  view.malformed_keys = {{"docker/network/v1.0/network/x/", "no JSON"}};
  view.pending_withdrawals = 1;
  view.networks = 2;
  view.endpoints = 5;
  view.local_endpoints = 3;
  view.tables = {{"vtep_fdb", 5, 262144, "limits.fdb"}};
  return view;
}

// Answers from what it holds and remembers what it was asked; fails everything if `failure` is set.
class FakeControl : public Control {
 public:
  template <typename T>
  Result<T> outcome(T value) const {
    return failure ? Result<T>(fail(*failure)) : Result<T>(std::move(value));
  }

  void create_network(const NetworkSpec& spec, Reply<NetworkView> reply) override {
    created = spec;
    reply(outcome(network_view()));
  }

  void list_networks(Reply<std::vector<NetworkView>> reply) override {
    reply(outcome(std::vector{network_view()}));
  }

  void inspect_network(const std::string& name_or_id, Reply<NetworkView> reply) override {
    name = name_or_id;
    reply(outcome(network_view()));
  }

  void remove_network(const std::string& name_or_id, Reply<NetworkView> reply) override {
    name = name_or_id;
    reply(outcome(network_view()));
  }

  void attach(const AttachRequest& request, Reply<AttachReply> reply) override {
    attached = request;
    if (hold) {
      held.push_back(std::move(reply));
      return;
    }
    reply(outcome(attach_reply));
  }

  void detach(const DetachRequest& request, Reply<EndpointView> reply) override {
    detached = request;
    reply(outcome(endpoint_view()));
  }

  void add_address(const AddressRequest& request, Reply<EndpointView> reply) override {
    address_added = request;
    reply(outcome(endpoint_view()));
  }

  void remove_address(const AddressRequest& request, Reply<EndpointView> reply) override {
    address_removed = request;
    reply(outcome(endpoint_view()));
  }

  void endpoints(Reply<std::vector<EndpointView>> reply) override {
    reply(outcome(std::vector{endpoint_view()}));
  }

  void stale_endpoints(Reply<std::vector<EndpointView>> reply) override {
    auto view = endpoint_view();
    view.stale = "its host is gone for 12 s";
    reply(outcome(std::vector{view}));
  }

  void differences(Reply<std::vector<DifferenceView>> reply) override {
    reply(outcome(difference_rows));
  }

  void repair(const RepairRequest& request, Reply<RepairReply> reply) override {
    repaired = request;
    reply(outcome(RepairReply{request.dry_run, repair_rows}));
  }

  Result<std::vector<FdbView>> fdb() override { return outcome(fdb_rows); }

  Result<std::vector<NeighbourView>> neighbours() override {
    return outcome(std::vector<NeighbourView>{});
  }

  Result<std::vector<VtepView>> vteps() override { return outcome(std::vector<VtepView>{}); }

  Result<std::vector<DropView>> drops() override { return outcome(std::vector<DropView>{}); }

  StatusView status() override {
    if (thrown) {
      throw std::runtime_error(*thrown);
    }
    return status_view();
  }

  std::optional<Error> failure;
  std::optional<std::string> thrown;
  bool hold = false;
  std::vector<Reply<AttachReply>> held;
  AttachReply attach_reply{endpoint_view(), false, {}, false};
  std::vector<FdbView> fdb_rows;
  std::vector<DifferenceView> difference_rows;
  std::vector<RepairView> repair_rows;
  std::optional<RepairRequest> repaired;
  std::optional<NetworkSpec> created;
  std::optional<AttachRequest> attached;
  std::optional<DetachRequest> detached;
  std::optional<AddressRequest> address_added;
  std::optional<AddressRequest> address_removed;
  std::string name;
};

}  // namespace vtepd::test
