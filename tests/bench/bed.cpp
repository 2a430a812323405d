// SPDX-License-Identifier: GPL-2.0-only
#include "bench/bed.h"

#include "bench/frame.h"
#include "core/types.h"

#include <array>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace vtepd::bench {

namespace {

void set_offloads(const test::NetNamespace& netns, const std::vector<std::string>& features) {
  std::vector<std::string> words{"ethtool", "-K", "eth0"};
  words.insert(words.end(), features.begin(), features.end());
  const test::Outcome outcome = netns.exec(words);
  if (!outcome.ok()) {
    throw std::runtime_error("offloads of eth0: " + outcome.text());
  }
}

void cut_frames(const test::NetNamespace& netns, bool cut) {
  const std::string state = cut ? "off" : "on";
  set_offloads(netns, {"gso", state, "tso", state, "tx-udp-segmentation", state});
}

}  // namespace

void lay_cable(const test::NetNamespace& left, const test::NetNamespace& right) {
  for (const auto* netns : {&left, &right}) {
    netns->sysctl("net.ipv6.conf.all.disable_ipv6", "1");
    netns->sysctl("net.ipv6.conf.default.disable_ipv6", "1");
  }
  left.ip("link add eth0 mtu " + std::to_string(kHostMtu) + " type veth peer name eth0 mtu " +
          std::to_string(kHostMtu) + " netns " + right.name());
  // The VTEPs that the benchmark makes up are behind the other host.
  left.ip("address add 10.99.0.1/24 dev eth0\nlink set eth0 up");
  right.ip("address add 10.99.0.2/24 dev eth0\nlink set eth0 up");
  left.ip("route add 10.98.0.0/16 via 10.99.0.2");
  right.ip("route add 10.98.0.0/16 via 10.99.0.1");
  // As every NIC. Without it a veth has no NAPI either, and takes no frames from XDP.
  set_offloads(left, {"gro", "on"});
  set_offloads(right, {"gro", "on"});
}

WireFrames::WireFrames(const Subject& subject) : subject_(subject) {
  cut_frames(subject_.left_host(), true);
  cut_frames(subject_.right_host(), true);
  subject_.settle();
}

WireFrames::~WireFrames() {
  try {
    cut_frames(subject_.left_host(), false);
    cut_frames(subject_.right_host(), false);
    subject_.settle();
  } catch (const std::exception&) {
    return;  // the next measurement shows it
  }
}

std::string mac_of(const test::NetNamespace& netns, const std::string& interface) {
  const test::Outcome link = netns.exec({"ip", "-j", "link", "show", interface});
  if (!link.ok()) {
    throw std::runtime_error(interface + ": " + link.text());
  }
  return nlohmann::json::parse(link.out).at(0).at("address");
}

std::string docker_mac_of(const std::string& address) {
  return docker_mac(IpAddress::parse(address).value()).to_string();
}

End plug(const test::NetNamespace& container, const PlugPlan& plan) {
  const std::string address = plan.address.substr(0, plan.address.find('/'));
  const std::string mtu = " mtu " + std::to_string(plan.mtu);
  container.sysctl("net.ipv6.conf.all.disable_ipv6", "1");
  container.sysctl("net.ipv6.conf.default.disable_ipv6", "1");
  plan.host.ip("link add " + plan.host_end + mtu + " type veth peer name eth0 address " +
               docker_mac_of(address) + mtu + " netns " + container.name() + "\nlink set " +
               plan.host_end + " up");
  container.ip("address add " + plan.address + " dev eth0\nlink set eth0 up");
  return {
      .netns = &container, .interface = "eth0", .address = address, .mac = docker_mac_of(address)};
}

void make_router(const test::NetNamespace& netns) {
  netns.sysctl("net.ipv4.ip_forward", "1");
  netns.sysctl("net.ipv4.conf.all.send_redirects", "0");
  netns.sysctl("net.ipv4.conf.eth0.send_redirects", "0");
}

}  // namespace vtepd::bench
