// SPDX-License-Identifier: GPL-2.0-only
// The kernel data path without a daemon and without a filter: what is applied is in the kernel,
// what is in the kernel is read back, and what is refused is told.
#include "netlink/kernel_dataplane.h"

#include "netlink/bench.h"
#include "vtepd/reasons.h"

#include <chrono>
#include <filesystem>
#include <iostream>

#include <poll.h>
#include <unistd.h>

namespace vtepd::netlink::test {
namespace {

const Vni kVni{300};
const IpAddress kVtep = IpAddress::v4(0x0a630001);  // 10.99.0.1

MacAddress mac(std::uint32_t number) {
  return {{0x02, 0x42, 0x0a, static_cast<std::uint8_t>(number >> 16U),
           static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)}};
}

IpAddress address(std::uint32_t number) {
  return IpAddress::v4(0x0a000000 + number);
}

PeerEntry peer(std::uint32_t number) {
  return {.remote = IpAddress::v4(0x0a630000 + number), .local = kVtep};
}

class KernelDataplaneTest : public NetlinkTest {
 protected:
  void SetUp() override {
    NetlinkTest::SetUp();
    std::filesystem::create_directories(folder_);
    netns_.emplace(must(OverlayNetns::open_or_create(folder_ + "/netns")));
    dataplane_ = must(KernelDataplane::open(*netns_, {.vtep = kVtep}));
  }

  void TearDown() override {
    dataplane_.reset();
    if (netns_) {
      must(remove_overlay(*netns_));
    }
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::string inside(const std::string& command) const {
    return run("nsenter --net=" + netns_->path() + " sh -ec '" + command + "'");
  }

  // A host end in the hidden namespace, as the link manager makes it.
  IfIndex make_port(const std::string& name) {
    (void)inside("ip link add " + name + " type veth peer name peer-" + name);
    return IfIndex{static_cast<std::uint32_t>(
        std::stoul(inside("ip -o link show " + name + " | cut -d: -f1")))};
  }

  // Two VTEPs, an endpoint here and two elsewhere.
  ForwardingState some_state() {
    const IfIndex host_end = make_port("vtep0");
    ForwardingState state;
    state.vnis[kVni] = {.mtu = 1450};
    state.peers = {{1, peer(2)}, {2, peer(3)}};
    state.members = {{kVni, peer(2).remote}, {kVni, peer(3).remote}};
    state.ports[host_end] = {.vni = kVni, .mac = mac(1), .address4 = address(1)};
    state.fdb[{kVni, mac(1)}] = {.ifindex = host_end};
    state.fdb[{kVni, mac(2)}] = {.vtep_id = 1};
    state.fdb[{kVni, mac(3)}] = {.vtep_id = 2};
    state.neighbours = {{{kVni, address(1)}, mac(1)},
                        {{kVni, address(2)}, mac(2)},
                        {{kVni, *IpAddress::parse("fd00::3")}, mac(3)}};
    return state;
  }

  std::string folder_ = "/tmp/vtepd-kernel-test-" + std::to_string(::getpid());
  std::optional<OverlayNetns> netns_;
  std::unique_ptr<KernelDataplane> dataplane_;
};

void expect_taken(const ApplyReport& report) {
  for (const auto& error : report.errors) {
    ADD_FAILURE() << error.what;
  }
  EXPECT_TRUE(report.failed.empty());
}

TEST_F(KernelDataplaneTest, WhatIsAppliedIsReadBack) {
  const auto wanted = some_state();

  expect_taken(dataplane_->apply(diff({}, wanted)));

  EXPECT_EQ(must(dataplane_->read_back()), wanted);
  EXPECT_TRUE(must(dataplane_->missing(wanted)).empty());
  expect_taken(dataplane_->apply(diff(wanted, {})));
  EXPECT_EQ(must(dataplane_->read_back()), ForwardingState());
  EXPECT_FALSE(contains(inside("ip -o link"), "vx300"));
}

TEST_F(KernelDataplaneTest, TheNextRunTakesItOverAsItIs) {
  const auto wanted = some_state();
  expect_taken(dataplane_->apply(diff({}, wanted)));
  // Without the operational state, which the kernel works out some time after a change.
  const auto all = [this] {
    return inside(R"(bridge fdb; ip neigh; ip -o link | sed "s/ state [A-Z]*//")");
  };
  const auto entries = all();

  dataplane_ = must(KernelDataplane::open(*netns_, {.vtep = kVtep}));
  const auto held = must(dataplane_->read_back());
  EXPECT_EQ(held.fdb.size(), wanted.fdb.size());
  EXPECT_EQ(held.neighbours, wanted.neighbours);
  EXPECT_EQ(held.vnis, wanted.vnis);
  // Its own ids for the VTEPs, as the agent takes them over.
  auto again = wanted;
  again.peers.clear();
  for (const auto& [id, entry] : held.peers) {
    again.peers[id] = peer(entry.remote.bytes[15]);
    again.fdb[{kVni, mac(entry.remote.bytes[15])}] = {.vtep_id = id};
  }
  expect_taken(dataplane_->apply(diff(held, again)));

  EXPECT_EQ(must(dataplane_->read_back()), again);
  EXPECT_EQ(all(), entries) << "nothing changed";
}

TEST_F(KernelDataplaneTest, AnEndpointThatChangesSidesIsInOneTableOnly) {
  auto state = some_state();
  expect_taken(dataplane_->apply(diff({}, state)));
  const auto local = state.fdb.at({kVni, mac(1)});

  ForwardingDelta there;
  there.fdb_put = {{{kVni, mac(1)}, {.vtep_id = 2}}};
  expect_taken(dataplane_->apply(there));
  EXPECT_EQ(must(dataplane_->read_back()).fdb.at({kVni, mac(1)}).vtep_id, 2U);
  EXPECT_FALSE(contains(inside("bridge fdb show br br300"), mac(1).to_string() + " dev vtep0"));

  ForwardingDelta back;
  back.fdb_put = {{{kVni, mac(1)}, local}, {{kVni, mac(2)}, {.vtep_id = 2}}};
  expect_taken(dataplane_->apply(back));
  state.fdb[{kVni, mac(2)}] = {.vtep_id = 2};
  EXPECT_EQ(must(dataplane_->read_back()), state);
  EXPECT_FALSE(contains(inside("bridge fdb show dev vx300"), mac(1).to_string()));
}

TEST_F(KernelDataplaneTest, WhatTheKernelRefusesIsToldAndTheRestIsThere) {
  auto wanted = some_state();
  wanted.fdb[{kVni, {{0x01, 0, 0x5e, 0, 0, 1}}}] = {.vtep_id = 7};  // nobody has that id
  wanted.fdb[{Vni{301}, mac(9)}] = {.vtep_id = 1};                  // a VNI without devices
  wanted.neighbours[{Vni{301}, address(9)}] = mac(9);

  const auto report = dataplane_->apply(diff({}, wanted));

  EXPECT_EQ(report.failed.fdb_put.size(), 2U);
  EXPECT_EQ(report.failed.neighbours_put.size(), 1U);
  ASSERT_EQ(report.errors.size(), 1U);
  EXPECT_EQ(must(dataplane_->read_back()).fdb.size(), 3U);
}

TEST_F(KernelDataplaneTest, AVniThatAnotherDeviceHasIsAConflictWithItsName) {
  run("ip link add other type vxlan id 300 dstport 4789 nolearning");
  ForwardingDelta delta;
  delta.vnis_put = {{kVni, {.mtu = 1450}}};

  const auto taken = dataplane_->apply(delta);

  ASSERT_EQ(taken.errors.size(), 1U);
  EXPECT_TRUE(contains(taken.errors[0].what, "VNI 300")) << taken.errors[0].what;
  run("ip link del other");
  expect_taken(dataplane_->apply(delta));
}

TEST_F(KernelDataplaneTest, APortThatAProcessHoldsIsToldSo) {
  run("ip link add other type vxlan external dstport 4789; ip link set other up");
  ForwardingDelta delta;
  delta.vnis_put = {{kVni, {.mtu = 1450}}};

  const auto taken = dataplane_->apply(delta);

  ASSERT_EQ(taken.errors.size(), 1U);
  EXPECT_TRUE(contains(taken.errors[0].what, "UDP port 4789 is held")) << taken.errors[0].what;
}

TEST_F(KernelDataplaneTest, OverIpv6ZeroChecksumsAreSentAndTaken) {
  const auto vtep = *IpAddress::parse("fd00:99::1");
  dataplane_ = must(KernelDataplane::open(*netns_, {.vtep = vtep}));
  ForwardingState state;
  state.vnis[kVni] = {.mtu = 1430};
  state.peers[1] = {.remote = *IpAddress::parse("fd00:99::2"), .local = vtep};
  state.fdb[{kVni, mac(2)}] = {.vtep_id = 1};

  expect_taken(dataplane_->apply(diff({}, state)));

  EXPECT_EQ(must(dataplane_->read_back()), state);
  const auto text = inside("ip -d link show vx300");
  for (const char* part : {"local fd00:99::1", " udp6zerocsumtx", " udp6zerocsumrx", "mtu 1430"}) {
    EXPECT_TRUE(contains(text, part)) << part << " is missing in " << text;
  }
}

TEST_F(KernelDataplaneTest, MissesAreEventsAndOurOwnChangesAreNot) {
  expect_taken(dataplane_->apply(diff({}, some_state())));
  pollfd poll{dataplane_->events_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&poll, 1, 100), 0) << "by what was applied";
  (void)inside("ip link set peer-vtep0 address " + mac(1).to_string() + " up");
  (void)inside("ip address add 10.0.0.1/8 dev peer-vtep0");

  (void)inside("arping -c 1 -w 1 -I peer-vtep0 10.0.0.77 || true");

  ASSERT_EQ(::poll(&poll, 1, 2000), 1);
  std::vector<DataplaneEvent> events;
  dataplane_->consume([&](const DataplaneEvent& event) { events.push_back(event); });
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].reason, VTEP_ARP_UNKNOWN);
  EXPECT_EQ(events[0].vni, kVni);
  EXPECT_EQ(events[0].address, IpAddress::v4(0x0a00004d));
}

// As many as a large network has: every entry is there, and removed one by one again.
TEST_F(KernelDataplaneTest, AHundredThousandEndpoints) {
  constexpr std::uint32_t kEndpoints = 100000;
  using Clock = std::chrono::steady_clock;
  ForwardingState state;
  state.vnis[kVni] = {.mtu = 1450};
  for (std::uint32_t id = 1; id <= 200; ++id) {
    state.peers[id] = peer(id + 1);
  }
  for (std::uint32_t i = 0; i < kEndpoints; ++i) {
    state.fdb[{kVni, mac(i)}] = {.vtep_id = 1 + i % 200};
    state.neighbours[{kVni, address(i)}] = mac(i);
  }
  const auto took = [](Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
  };

  auto begin = Clock::now();
  expect_taken(dataplane_->apply(diff({}, state)));
  std::cout << kEndpoints << " endpoints: in the kernel's tables after " << took(begin) << " ms";
  begin = Clock::now();
  EXPECT_EQ(must(dataplane_->read_back()), state);
  std::cout << ", read back in " << took(begin) << " ms";
  begin = Clock::now();
  EXPECT_TRUE(must(dataplane_->missing(state)).empty());
  std::cout << ", asked for one by one in " << took(begin) << " ms";
  begin = Clock::now();
  expect_taken(dataplane_->apply(diff(state, {})));
  std::cout << ", removed one by one in " << took(begin) << " ms\n";
  EXPECT_EQ(must(dataplane_->read_back()), ForwardingState());
}

}  // namespace
}  // namespace vtepd::netlink::test
