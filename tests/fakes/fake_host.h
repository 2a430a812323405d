// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/model.h"
#include "ports/dataplane.h"
#include "ports/links.h"
#include "ports/underlay.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// A data path that remembers, and refuses what it is told to.
class FakeDataplane : public Dataplane {
 public:
  ForwardingState state;
  std::set<std::string> ports;
  bool refuse_ports = false;
  bool refuse_underlay = false;
  bool carries = true;
  // "underlay", "port NAME", "commit", in the order they were called.
  std::vector<std::string> hooked;
  std::size_t applied = 0;

  Result<ForwardingState> read_back() override { return state; }

  ApplyReport apply(const ForwardingDelta& delta) override {
    ApplyReport report;
    applied += delta.size();
    change(state.fdb, delta.fdb_put, delta.fdb_remove);
    change(state.neighbours, delta.neighbours_put, delta.neighbours_remove);
    change(state.peers, delta.peers_put, delta.peers_remove);
    change(state.vnis, delta.vnis_put, delta.vnis_remove);
    if (refuse_ports && !delta.ports_put.empty()) {
      report.failed.ports_put = delta.ports_put;
      report.errors.push_back({ErrorKind::Exhausted, "vtep_ports is full"});
      change(state.ports, decltype(delta.ports_put){}, delta.ports_remove);
    } else {
      change(state.ports, delta.ports_put, delta.ports_remove);
    }
    state.members.insert(delta.members_put.begin(), delta.members_put.end());
    for (const auto& member : delta.members_remove) {
      state.members.erase(member);
    }
    return report;
  }

  Result<ForwardingDelta> missing(const ForwardingState& wanted) override {
    ForwardingDelta delta = diff(state, wanted);
    ForwardingDelta puts;
    puts.fdb_put = delta.fdb_put;
    puts.neighbours_put = delta.neighbours_put;
    puts.peers_put = delta.peers_put;
    puts.vnis_put = delta.vnis_put;
    puts.ports_put = delta.ports_put;
    puts.members_put = delta.members_put;
    return puts;
  }

  [[nodiscard]] bool carries_on() const override { return carries; }

  Result<void> commit() override {
    hooked.emplace_back("commit");
    return {};
  }

  Result<void> attach_underlay(const UnderlayDevice& /*device*/) override {
    if (refuse_underlay) {
      return fail(ErrorKind::Unavailable, "no native XDP");
    }
    hooked.emplace_back("underlay");
    return {};
  }

  Result<void> attach_port(IfIndex /*host_end*/, std::string_view name) override {
    ports.emplace(name);
    hooked.push_back("port " + std::string(name));
    return {};
  }

  void detach_port(std::string_view name) override { ports.erase(std::string(name)); }

  [[nodiscard]] int events_fd() const override { return -1; }

  void consume(const std::function<void(const DataplaneEvent&)>& /*take*/) override {}

  Result<std::vector<std::string>> verify_attachments() override {
    return std::vector<std::string>{};
  }

  Result<std::vector<ReasonCount>> counters() override { return std::vector<ReasonCount>{}; }

  std::vector<TableUsage> usage() override { return {}; }

  [[nodiscard]] DataplaneInfo info() const override { return {"fake", "", "", "", ""}; }

 private:
  template <typename Table, typename Puts, typename Removes>
  static void change(Table& table, const Puts& puts, const Removes& removes) {
    for (const auto& [key, value] : puts) {
      table.insert_or_assign(key, value);
    }
    for (const auto& key : removes) {
      table.erase(key);
    }
  }
};

// Namespaces by path; a port is its host end's name.
class FakeLinks : public Links {
 public:
  std::map<std::string, std::uint64_t> namespaces{{"/run/netns/c1", 101}, {"/run/netns/c2", 102}};
  std::map<std::string, IfIndex> links;
  std::optional<Error> fail_create;
  std::optional<Error> fail_bring_up;
  std::set<std::string> up;

  struct Announced {
    IfIndex port;
    IpAddress address;
    MacAddress mac;
    bool operator==(const Announced&) const = default;
  };

  std::vector<Announced> announced;

  Result<Netns> open_netns(const std::string& path) override {
    const auto place = namespaces.find(path);
    if (place == namespaces.end()) {
      return fail(ErrorKind::NotFound, "there is no network namespace " + path);
    }
    Netns netns;
    netns.cookie = place->second;
    return netns;
  }

  Result<std::string> free_ifname(const Netns& /*netns*/, const std::string& prefix) override {
    return prefix + "0";
  }

  Result<PortLinks> create_port(const Netns& /*netns*/, const PortSpec& spec) override {
    if (fail_create) {
      return fail(*fail_create);
    }
    links[spec.host_ifname] = IfIndex{++last_};
    return PortLinks{IfIndex{last_}, IfIndex{last_ + 1000}};
  }

  std::map<std::string, std::uint32_t> tcp_frames;  // by interface and namespace's cookie

  Result<void> set_tcp_frame(const Netns& netns, const std::string& ifname,
                             std::uint32_t bytes) override {
    tcp_frames[ifname + "@" + std::to_string(netns.cookie)] = bytes;
    return {};
  }

  Result<void> bring_up(const Netns& /*netns*/, const PortSpec& spec) override {
    if (fail_bring_up) {
      return fail(*fail_bring_up);
    }
    up.insert(spec.host_ifname);
    return {};
  }

  Result<std::optional<PortState>> find_port(const Netns& /*netns*/, const std::string& /*ifname*/,
                                             const std::string& host_ifname) override {
    const auto link = links.find(host_ifname);
    return link == links.end() ? std::optional<PortState>()
                               : std::optional(PortState{link->second, {}, {}, true});
  }

  Result<std::optional<IfIndex>> find_link(const std::string& name) override {
    const auto link = links.find(name);
    return link == links.end() ? std::optional<IfIndex>() : std::optional(link->second);
  }

  Result<std::optional<std::string>> link_name(IfIndex index) override {
    for (const auto& [name, link] : links) {
      if (link == index) {
        return std::optional(name);
      }
    }
    return std::optional<std::string>();
  }

  Result<void> rename(IfIndex index, const std::string& name) override {
    std::erase_if(links, [&](const auto& link) { return link.second == index; });
    links[name] = index;
    return {};
  }

  std::vector<HostEnd> verified;
  Result<std::vector<std::string>> verify_answer;

  Result<std::vector<std::string>> verify_host_ends(const std::vector<HostEnd>& ends) override {
    verified = ends;
    return verify_answer;
  }

  std::string headroom() override { return "fake"; }

  Result<void> remove_port(const std::string& host_ifname) override {
    links.erase(host_ifname);
    return {};
  }

  std::vector<RemoteAnnouncement> announced_remotely;

  Result<void> announce_remote(const RemoteAnnouncement& announcement) override {
    announced_remotely.push_back(announcement);
    return {};
  }

  Result<void> announce(IfIndex host_end, const IpAddress& address,
                        const MacAddress& mac) override {
    announced.push_back({host_end, address, mac});
    return {};
  }

  Result<std::vector<MacAddress>> host_macs() override { return std::vector<MacAddress>{}; }

 private:
  std::uint32_t last_ = 10;
};

class FakeUnderlay : public Underlay {
 public:
  UnderlayDevice device_{IfIndex{2},   "eth0", IpAddress::v4(0xc6336401), 1500, true,
                         MacAddress{}, ""};
  OnChange on_change;
  bool segments = true;

  void subscribe(OnChange callback) override { on_change = std::move(callback); }

  Result<UnderlayDevice> device() override { return device_; }

  Result<UnderlayRoute> resolve(const IpAddress& vtep) override {
    return UnderlayRoute{IfIndex{2}, vtep, 1500};
  }

  Result<std::pair<std::uint16_t, std::uint16_t>> port_range() override {
    return std::pair<std::uint16_t, std::uint16_t>{32768, 60999};
  }

  Result<bool> segments_tunnels(IfIndex /*device*/) override { return segments; }
};

}  // namespace vtepd
