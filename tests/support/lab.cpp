// SPDX-License-Identifier: GPL-2.0-only
#include "support/lab.h"

#include "support/underlay_devices.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <tuple>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

// The host's end of its cable on the bridge.
std::string port_of(int number) {
  return "h" + std::to_string(number);
}

bool on_given_devices() {
  return !underlay_devices().empty();
}

}  // namespace

Lab::Lab(const LabOptions& options) : store_(lab_folder() + "/" + unique_name() + "store") {
  std::filesystem::create_directories(store_);
  if (!on_given_devices()) {
    underlay_.ip("link add br0 type bridge mcast_snooping 0\nlink set br0 up");
  }
  underlay_.sysctl("net.ipv6.conf.all.disable_ipv6", "1");
  for (int number = 0; number < options.hosts; ++number) {
    add_host(options.host);
  }
}

Lab::~Lab() {
  if (testing::Test::HasFailure() || std::uncaught_exceptions() > 0) {
    for (const auto& host : hosts_) {
      host->dump();
    }
  }
}

Host& Lab::add_host(const HostOptions& options) {
  const int number = static_cast<int>(hosts_.size()) + 1;
  if (on_given_devices() && hosts_.size() >= underlay_devices().size()) {
    skip_test("needs " + std::to_string(number) + " hosts; VTEPD_TEST_UNDERLAY has devices for " +
              std::to_string(underlay_devices().size()));
  }
  hosts_.push_back(std::make_unique<Host>(underlay_, number, store_, options));
  hosts_.back()->netns().sysctl("net.ipv6.conf.eth0.disable_ipv6", "1");
  return *hosts_.back();
}

const NetNamespace& Lab::underlay() const {
  if (on_given_devices()) {
    skip_test("changes the bridge between the hosts; the devices of VTEPD_TEST_UNDERLAY have none");
  }
  return underlay_;
}

const Host& Lab::other_than(int number) const {
  if (hosts_.size() != 2) {
    skip_test("needs two hosts to see what is on a given device's cable");
  }
  return *hosts_.at(number == 1 ? 1 : 0);
}

// Of a given device only this end can be seen, and in xdp mode what it receives is stripped before
// it is seen: so what either host sends.
Capture Lab::wire(int number, std::size_t snap) const {
  if (!on_given_devices()) {
    return Capture(underlay_, port_of(number), snap);
  }
  const Host& host = *hosts_.at(static_cast<std::size_t>(number) - 1);
  return Capture({{&host.netns(), "eth0", Tap::Sees::SentAsReceived},
                  {&other_than(number).netns(), "eth0", Tap::Sees::Sent}},
                 snap);
}

RawSender Lab::cable_to(int number) const {
  return on_given_devices() ? RawSender(other_than(number).netns(), "eth0")
                            : RawSender(underlay_, port_of(number));
}

void Lab::cut_segments(int number) const {
  const NetNamespace& netns = on_given_devices() ? other_than(number).netns() : underlay_;
  const std::string device = on_given_devices() ? "eth0" : port_of(number);
  const Outcome outcome = netns.exec(
      {"ethtool", "-K", device, "gso", "off", "tso", "off", "tx-udp-segmentation", "off"});
  if (!outcome.ok()) {
    throw std::runtime_error("cutting segments for host " + std::to_string(number) + ": " +
                             outcome.text());
  }
}

void Lab::start() {
  for (const auto& host : hosts_) {
    host->start();
  }
}

void Lab::create_network(const std::string& name, const std::string& subnet,
                         const std::vector<std::string>& options) {
  std::vector<std::string> words{"network", "create", name, "--subnet", subnet};
  words.insert(words.end(), options.begin(), options.end());
  host(1).must(words);
  for (const auto& host : hosts_) {
    if (host->daemon() == nullptr) {
      continue;
    }
    if (!wait_until([&] { return host->ctl({"network", "inspect", name}).ok(); }, Seconds(5))) {
      throw std::runtime_error(host->instance() + " does not see the network " + name);
    }
  }
}

std::uint32_t Lab::vni(const std::string& network) {
  const Outcome outcome = host(1).ctl({"network", "inspect", network, "--json"});
  return Json::parse(outcome.out).at("network").at("subnets").at(0).at("vni");
}

std::string Lab::network_id(const std::string& network) {
  const Outcome outcome = host(1).ctl({"network", "inspect", network, "--json"});
  return Json::parse(outcome.out).at("network").at("id");
}

std::pair<Container*, Container*> attach_neighbours(Lab& lab) {
  lab.start();
  lab.create_network("blue", "192.168.7.0/24");
  Container& a = lab.host(1).attach("blue", "192.168.7.11");
  Container& b = lab.host(2).attach("blue", "192.168.7.12");
  await_known(lab.host(1), b.address);
  await_known(lab.host(2), a.address);
  return {&a, &b};
}

Pair::Pair(const HostOptions& options, int hosts) : lab({.hosts = hosts, .host = options}) {
  std::tie(a, b) = attach_neighbours(lab);
}

void await_known(const Host& host, const std::string& address) {
  if (!wait_until([&] { return host.knows(address); }, Seconds(5))) {
    throw std::runtime_error(host.instance() + " does not list " + address);
  }
}

StallMeter::StallMeter()
    : thread_([this] {
        while (!stopping_) {
          const auto before = Clock::now();
          sleep_for(Milliseconds(5));
          const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - before);
          worst_ = std::max<std::int64_t>(worst_, took.count() - 5);
        }
      }) {}

StallMeter::~StallMeter() {
  stopping_ = true;
  thread_.join();
}

}  // namespace vtepd::test
