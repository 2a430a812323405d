// SPDX-License-Identifier: GPL-2.0-only
// Endpoints whose pair is a netkit device: they do what those on veths do, among themselves and
// with them, and let nothing out without their program. Where the kernel has none, that is said.
#include "support/frames.h"
#include "support/lab.h"
#include "support/loss_meter.h"
#include "support/traffic.h"
#include "support/underlay_devices.h"

#include <filesystem>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr Milliseconds kRepaired = Seconds(30);
constexpr std::size_t kBytes = 4U << 20U;
const std::string kNetkit = "endpoint_device = \"netkit\"\n";

bool kernel_has_netkit() {
  static const std::string probe = run({vtepd_program(), "probe"}).out;
  static const bool has = testing::Value(probe, ContainsRegex("netkit device +yes +no "));
  return has;
}

// A program that drops a frame in the sender's own sending has the sender told so, by an error.
void send_what_is_dropped(const RawSender& sender, const Bytes& frame) {
  try {
    sender.send(frame);
  } catch (const std::runtime_error& told) {
    EXPECT_THAT(told.what(), HasSubstr("No buffer space"));
  }
}

// Two hosts whose new endpoints are on netkit devices, with an endpoint each, of both families.
class Netkit : public testing::Test {
 protected:
  void SetUp() override {
    if (!kernel_has_netkit()) {
      skip_test("needs a kernel with netkit devices");
    }
    lab_.emplace(LabOptions{.hosts = 2, .host = {.datapath = kNetkit}});
    lab_->start();
    lab_->create_network("blue", "192.168.7.0/24", {"--subnet", "fd00:7::/64"});
    a_ = &attach(1, "11");
    b_ = &attach(2, "12");
    await_known(host(), b_->address);
  }

  Host& host(int number = 1) { return lab_->host(number); }

  Container& attach(int number, const std::string& last) {
    return host(number).attach("blue", "192.168.7." + last,
                               {"--ip", "fd00:7::" + last, "--name", "n" + last, "--wait"});
  }

  // Attached while the setting is the other one.
  Container& attach_veth(const std::string& last) {
    host().stop();
    host().set_datapath("");
    host().start();
    Container& container = attach(1, last);
    host().stop();
    host().set_datapath(kNetkit);
    host().start();
    return container;
  }

  static std::string kind_of(const Container& container) {
    const Outcome link =
        container.netns.exec({"ip", "-j", "-d", "link", "show", container.interface});
    return Json::parse(link.out).at(0).at("linkinfo").at("info_kind");
  }

  static void expect_connected(const Container& one, const Container& other) {
    for (const auto& [from, to] : {std::pair{&one, &other}, std::pair{&other, &one}}) {
      const std::string to6 = "fd00:7::" + to->address.substr(to->address.rfind('.') + 1);
      EXPECT_TRUE(from->pings(to->address)) << from->address << " to " << to->address;
      EXPECT_TRUE(from->pings(to6)) << from->address << " to " << to6;
      EXPECT_EQ(tcp_transfer(from->netns, to->netns, to->address, kBytes), kBytes);
      EXPECT_EQ(tcp_transfer(from->netns, to->netns, to6, kBytes / 16), kBytes / 16);
      EXPECT_TRUE(udp_echo(from->netns, to->netns, to->address, 1400));
      EXPECT_TRUE(udp_echo(from->netns, to->netns, to->address, 9000)) << "in fragments";
    }
  }

  // Of the program in a's sending.
  std::string pin() { return host().pin_dir() + "/links/" + host().host_end() + "_nk"; }

  Json link() {
    return Json::parse(run({"bpftool", "-j", "link", "show", "pinned", pin()}).out, nullptr, false);
  }

  std::optional<Lab> lab_;
  Container* a_ = nullptr;
  Container* b_ = nullptr;
};

TEST_F(Netkit, EndpointsOfTwoHostsReachEachOther) {
  EXPECT_EQ(kind_of(*a_), "netkit");
  EXPECT_EQ(kind_of(*b_), "netkit");
  const auto sent = host().counter("ENCAP");

  expect_connected(*a_, *b_);

  EXPECT_GT(host().counter("ENCAP"), sent);
  EXPECT_EQ(host().counter("SEGMENTED"), 0U) << "a merged frame leaves as one";
  EXPECT_EQ(host().counter("GUARD"), 0U);
}

TEST_F(Netkit, EndpointsOfOneHostReachEachOther) {
  const Container& c = attach(1, "13");
  const auto sent = host().counter("ENCAP");

  expect_connected(*a_, c);

  EXPECT_GT(host().counter("LOCAL"), 0U);
  EXPECT_EQ(host().counter("ENCAP"), sent) << "nothing of it was sent to another host";
}

TEST_F(Netkit, LivesBesideVeths) {
  const Container& veth = attach_veth("13");
  const Container& later = attach(1, "14");
  EXPECT_EQ(kind_of(veth), "veth");
  EXPECT_EQ(kind_of(*a_), "netkit") << "kept while the setting was the other one";
  EXPECT_EQ(kind_of(later), "netkit");

  expect_connected(*a_, veth);
  expect_connected(*b_, veth);
  EXPECT_TRUE(later.pings(a_->address));
}

TEST_F(Netkit, SpoofedSourcesAreDroppedAndCounted) {
  const Container& c = attach(1, "13");
  const Mac own = mac_of(a_->mac);
  for (const Container* to : {static_cast<const Container*>(b_), &c}) {
    SCOPED_TRACE(to->address);
    ASSERT_TRUE(a_->pings(to->address));
    const auto frame = [&](const Mac& from, const std::string& address, std::uint16_t port) {
      const Packet packet = Ethernet{.dst = mac_of(to->mac), .src = from} /
                            Packet(Ipv4{.src = address.c_str(), .dst = to->address.c_str()}) /
                            Udp{.src = port, .dst = kDiscard} / Payload(40);
      return packet.bytes();
    };
    const Bytes wrong_mac = frame(Mac(0x77), a_->address, 45000);
    const Bytes wrong_address = frame(own, "192.168.7.99", 45001);
    const Bytes right = frame(own, a_->address, 45002);
    const Capture arrival(to->netns, "eth0");
    const auto by_mac = host().counter("SPOOF_MAC");
    const auto by_address = host().counter("SPOOF_IP");

    const RawSender sender(a_->netns, "eth0");
    send_what_is_dropped(sender, wrong_mac);
    send_what_is_dropped(sender, wrong_address);
    sender.send(right);

    EXPECT_TRUE(wait_until([&] { return arrival.count(is(right)) == 1; }, Seconds(5)));
    EXPECT_EQ(arrival.count(is(wrong_mac)), 0U);
    EXPECT_EQ(arrival.count(is(wrong_address)), 0U);
    EXPECT_EQ(host().counter("SPOOF_MAC"), by_mac + 1);
    EXPECT_EQ(host().counter("SPOOF_IP"), by_address + 1);
  }
}

TEST_F(Netkit, WhatTheHostSendsToAnEndpointIsDropped) {
  const std::string end = host().host_end();
  const Capture arrival(a_->netns, "eth0");
  const Packet frame = Ethernet{.dst = mac_of(a_->mac), .src = Mac(0x77)} / Payload(60);
  const auto stopped = host().counter("GUARD");

  send_what_is_dropped(RawSender(host().netns(), end), frame.bytes());

  EXPECT_TRUE(wait_until([&] { return host().counter("GUARD") == stopped + 1; }, Seconds(5)));
  EXPECT_EQ(arrival.count(is(frame.bytes())), 0U);
}

// The agent's own words get past that.
TEST_F(Netkit, IsToldOfAnAddressThatMoved) {
  const Container& c = attach(1, "13");
  const std::string moving = "192.168.7.50";
  const auto known = [&] { return a_->netns.exec({"ip", "neigh", "show", moving}).out; };
  for (const Container* holder : {&c, static_cast<const Container*>(b_)}) {
    holder->netns.ip("address add " + moving + "/32 dev eth0");
  }
  host().must({"address", "add", "n13", moving});
  ASSERT_TRUE(a_->pings(moving));
  ASSERT_THAT(known(), HasSubstr(c.mac));

  host(2).must({"address", "add", "n12", moving});

  EXPECT_TRUE(wait_until([&] { return known().find(b_->mac) != std::string::npos; }, Seconds(5)))
      << known();
}

// From the attach to the end, with and without a daemon.
class NetkitLife : public Netkit {};

TEST_F(NetkitLife, KilledDaemonLosesNothingAndTheNextOneTakesOver) {
  constexpr unsigned kPace = 2000;
  const Json before = link();
  NumberedStream stream(a_->netns, b_->netns, b_->address, 7001,
                        static_cast<unsigned>(kPace / slowness()));
  const auto flow = [&] {
    const auto got = stream.received();
    EXPECT_TRUE(wait_until([&] { return stream.received() > got + 50; }, Seconds(10)));
  };
  flow();

  host().kill9();
  flow();
  host().start();
  flow();

  const Loss loss = stream.finish();
  EXPECT_EQ(loss.lost, 0U) << loss.text();
  EXPECT_EQ(link().value("id", 0), before.value("id", -1)) << "the same link";
  EXPECT_NE(link().value("prog_id", 0), before.value("prog_id", 0)) << "with the new program";
  expect_connected(*a_, *b_);
}

TEST_F(NetkitLife, DetachAndPurgeLeaveNothing) {
  const std::string end = host().host_end();
  const Container& c = attach(1, "13");

  host().must({"detach", "blue", "--netns", a_->netns.path()});

  EXPECT_FALSE(host().netns().exec({"ip", "link", "show", "dev", end}).ok());
  EXPECT_FALSE(a_->netns.exec({"ip", "link", "show", "dev", "eth0"}).ok());
  EXPECT_FALSE(std::filesystem::exists(host().pin_dir() + "/links/" + end + "_nk"));
  EXPECT_TRUE(c.pings(b_->address));

  host().stop();
  const Outcome purge = host().purge();
  EXPECT_TRUE(purge.ok()) << purge.text();
  EXPECT_FALSE(c.netns.exec({"ip", "link", "show", "dev", "eth0"}).ok());
  EXPECT_FALSE(std::filesystem::exists(host().pin_dir()));
}

TEST_F(NetkitLife, WithoutItsProgramNothingLeavesAndItIsPutBack) {
  const auto detach = [&] { return run({"bpftool", "link", "detach", "pinned", pin()}).ok(); };
  const std::string end = host().host_end();
  const std::string path = pin();
  ASSERT_TRUE(detach());
  EXPECT_TRUE(wait_until([&] { return a_->pings(b_->address, 1); }, kRepaired));
  EXPECT_THAT(read_file(host().log_path()), HasSubstr("put right: " + end + "_nk"));

  host().kill9();
  ASSERT_TRUE(run({"bpftool", "link", "detach", "pinned", path}).ok());
  const Capture arrival({{&host().netns(), end, Tap::Sees::Both}});
  EXPECT_FALSE(a_->pings(b_->address, 1));
  EXPECT_FALSE(a_->pings("fd00:7::12", 1));
  EXPECT_EQ(arrival.count([](const Frame& frame) { return !frame.outgoing; }), 0U)
      << "it did not even get into the host end";

  host().start();
  EXPECT_TRUE(a_->pings(b_->address));
}

TEST_F(NetkitLife, DoesNotMoveToTheKernelDataPath) {
  host().stop();
  host().set_datapath("kind = \"kernel\"\n");
  write_file(host().config_path(), host().config());

  const Outcome refused = host().run_daemon();

  EXPECT_GT(refused.code, 0) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("netkit"));
  EXPECT_THAT(refused.err, HasSubstr("detach"));
  EXPECT_FALSE(std::filesystem::exists(host().overlay_netns()));
  EXPECT_TRUE(a_->pings(b_->address));
  host().set_datapath(kNetkit);
  host().start();
  expect_connected(*a_, *b_);
}

TEST(NetkitLacking, IsSaidByProbeAndRefusedWithWhatToDo) {
  if (kernel_has_netkit()) {
    skip_test("needs a kernel without netkit devices");
  }
  Lab lab({.hosts = 1, .host = {.datapath = kNetkit}});
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());

  const Outcome refused = host.run_daemon();

  EXPECT_GT(refused.code, 0) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("row \"netkit device\" of `vtepd probe`"));
  EXPECT_THAT(refused.err, HasSubstr("endpoint_device = \"veth\""));
  EXPECT_THAT(run({vtepd_program(), "probe"}).out, ContainsRegex("netkit device +no +no "));
}

}  // namespace
}  // namespace vtepd::test
