// SPDX-License-Identifier: GPL-2.0-only
#include "nft/bench.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::nft::test {

namespace {

UniqueFd open_namespace(const NetNamespace& netns) {
  UniqueFd fd(::open(netns.path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    throw std::runtime_error("open " + netns.path());
  }
  return fd;
}

std::string run_in(const NetNamespace& netns, const std::string& command) {
  const auto outcome = netns.exec({"sh", "-ec", command});
  if (!outcome.ok()) {
    ADD_FAILURE() << command << "\n" << outcome.text();
  }
  return outcome.out;
}

}  // namespace

MacAddress mac_address(const Mac& mac) {
  return MacAddress{mac.bytes};
}

IpPrefix prefix(const std::string& text) {
  return must(IpPrefix::parse(text));
}

IpAddress address(const std::string& text) {
  return must(IpAddress::parse(text));
}

FilterPort filter_port(int number, bool ipv6) {
  const Mac mac(static_cast<std::uint16_t>(number));
  const std::string last = std::to_string(number);
  FilterPort port{.vni = kVni, .ipv6 = ipv6, .macs = {mac_address(mac)}};
  port.addresses = {prefix("192.0.2." + last + "/32")};
  if (ipv6) {
    port.addresses.insert(prefix("2001:db8::" + last + "/128"));
    port.addresses.insert({IpAddress::v6(vtepd::test::link_local_of(mac).bytes), 128});
  }
  return port;
}

FilterDelta putting(const FilterState& state) {
  FilterDelta delta;
  delta.ports_put.assign(state.ports.begin(), state.ports.end());
  delta.vnis_put.assign(state.vnis.begin(), state.vnis.end());
  delta.members_put.assign(state.members.begin(), state.members.end());
  return delta;
}

void NftTest::SetUp() {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root";
  }
  hidden_fd_ = open_namespace(hidden_);
  const UniqueFd daemon = open_namespace(daemon_);
  ASSERT_EQ(setns(daemon.get(), CLONE_NEWNET), 0);
  for (const auto* netns : {&hidden_, &far_}) {
    netns->sysctl("net/ipv6/conf/default/disable_ipv6", "1");
  }
  const std::string peer = " netns " + far_.name();
  hidden_.ip(
      "link add br256 type bridge mcast_snooping 0\n"
      "link set br256 up\n"
      "link add vtep00000001 type veth peer name p1" +
      peer + "\n" + "link add vtep00000002 type veth peer name p2" + peer + "\n" +
      "link add vx256 type veth peer name wire" + peer + "\n" +
      "link set vtep00000001 master br256 up\n"
      "link set vtep00000002 master br256 up\n"
      "link set vx256 master br256 up\n");
  far_.ip("link set p1 up\nlink set p2 up\nlink set wire up\n");
  wait_for_ports();
}

void NftTest::wait_for_ports() const {
  const std::string state = "state forwarding";
  const bool ready = vtepd::test::wait_until(
      [&] {
        const auto links = hidden_run("bridge link");
        std::size_t ports = 0;
        for (auto at = links.find(state); at != std::string::npos; at = links.find(state, at + 1)) {
          ++ports;
        }
        return ports == 3;
      },
      vtepd::test::Seconds(10));
  ASSERT_TRUE(ready) << hidden_run("bridge link");
}

std::unique_ptr<NftFilter> NftTest::open() {
  return must(NftFilter::open({.instance = "test",
                               .hidden_netns = hidden_fd_.get(),
                               .vtep = address(kVtep),
                               .port = kPort}));
}

void NftTest::start(const FilterPort& port) {
  auto state = usual();
  state.ports[kPort1] = port;
  filter_ = open();
  must(filter_->apply(putting(state)));
}

FilterState NftTest::usual() {
  FilterState state;
  state.ports[kPort1] = filter_port(1, true);
  state.ports[kPort2] = filter_port(2, true);
  state.vnis = {kVni};
  state.members = {{kVni, address("198.51.100.2")}};
  return state;
}

std::string NftTest::hidden_run(const std::string& command) const {
  return run_in(hidden_, command);
}

std::string NftTest::daemon_run(const std::string& command) const {
  return run_in(daemon_, command);
}

std::uint64_t NftTest::packets(NftFilter& filter, std::uint32_t reason, Vni vni) {
  std::uint64_t sum = 0;
  for (const auto& count : must(filter.counters())) {
    sum += count.reason == reason && count.vni == vni ? count.packets : 0;
  }
  return sum;
}

}  // namespace vtepd::nft::test
