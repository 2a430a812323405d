// SPDX-License-Identifier: GPL-2.0-only
// A container that sends as another is stopped at its own port and counted, whoever it writes to;
// what it sends as itself arrives at the same receiver.
#include "support/frames.h"
#include "support/lab.h"

#include <map>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr std::uint16_t kReply = 2;
// Unsolicited: the data path answers for the others with solicited ones.
constexpr std::uint32_t kOverride = 0x20000000;

struct Lie {
  const char* name;
  const char* reason;
  Packet packet;
};

struct Truth {
  const char* name;
  Packet packet;
  // ARP or a solicitation: the kernel's vxlan device sends none to other hosts.
  bool asks = false;
};

// The liar and a neighbour on host 1, another one on host 2, all with an address of each family.
class Spoof : public testing::Test {
 protected:
  Spoof() {
    lab_.start();
    lab_.create_network("blue", "192.168.7.0/24", {"--subnet", "2001:db8:7::/64"});
    liar_ = &attach(1, "11");
    local_ = &attach(1, "12");
    remote_ = &attach(2, "13");
    for (const int host : {1, 2}) {
      for (const char* last : {"11", "12", "13"}) {
        await_known(lab_.host(host), address4(last));
        await_known(lab_.host(host), address6(last));
      }
    }
  }

  static std::string address4(const std::string& last) { return "192.168.7." + last; }

  static std::string address6(const std::string& last) { return "2001:db8:7::" + last; }

  static std::string address6(const Container& container) {
    return address6(container.address.substr(container.address.rfind('.') + 1));
  }

  Container& attach(int host, const std::string& last) {
    return lab_.host(host).attach("blue", address4(last), {"--ip", address6(last)});
  }

  [[nodiscard]] std::vector<Lie> lies(const Container& to, const Container& victim) const;
  [[nodiscard]] std::vector<Truth> truths(const Container& to) const;
  void expect_stopped(const Container& to, const Container& victim);

  Lab lab_;
  Container* liar_ = nullptr;
  Container* local_ = nullptr;
  Container* remote_ = nullptr;
};

std::vector<Lie> Spoof::lies(const Container& to, const Container& victim) const {
  const Mac mine = mac_of(liar_->mac);
  const Mac another = mac_of(victim.mac);
  const std::string own6 = address6(*liar_);
  const std::string victim6 = address6(victim);
  const std::string to6 = address6(to);
  const Ip4 target(to.address.c_str());
  const Packet eth = Ethernet{.dst = mac_of(to.mac), .src = mine};
  const Packet as_another = Ethernet{.dst = mac_of(to.mac), .src = another};
  const Packet own_ip6 = Ipv6{.src = own6.c_str(), .dst = to6.c_str(), .hop_limit = 255};
  const Packet router_ip6 = Ipv6{.src = link_local_of(mine), .dst = to6.c_str(), .hop_limit = 255};
  const Packet udp = Udp{.src = 45000, .dst = kDiscard} / Payload(40);
  const Ip4 own4(liar_->address.c_str());
  const Ip4 victim4(victim.address.c_str());
  const Ip6 victim_target(victim6.c_str());

  return {
      {"MAC", "SPOOF_MAC", as_another / Ipv4{.src = own4, .dst = target} / udp},
      {"MAC and address", "SPOOF_MAC", as_another / Ipv4{.src = victim4, .dst = target} / udp},
      {"IPv4", "SPOOF_IP", eth / Ipv4{.src = victim4, .dst = target} / udp},
      {"IPv6", "SPOOF_IP", eth / Ipv6{.src = victim_target, .dst = to6.c_str()} / udp},
      {"ARP reply", "SPOOF_ARP",
       eth / Arp{.op = kReply, .sender_mac = mine, .sender = victim4, .target = target}},
      {"ARP request", "SPOOF_ARP",
       eth / Arp{.sender_mac = mine, .sender = victim4, .target = target}},
      {"ARP of another's MAC", "SPOOF_ARP",
       eth / Arp{.op = kReply, .sender_mac = another, .sender = own4, .target = target}},
      {"advertisement", "SPOOF_ND",
       eth / own_ip6 / neighbour_advert(victim_target, kOverride, nd_option(2, mine))},
      {"advertisement of another's MAC", "SPOOF_ND",
       eth / own_ip6 / neighbour_advert(own6.c_str(), kOverride, nd_option(2, another))},
      {"router advertisement", "ROUTER_ADVERT", eth / router_ip6 / router_advert()},
      {"redirect", "ROUTER_ADVERT", eth / router_ip6 / Icmpv6{.type = 137, .body = Bytes(36)}},
  };
}

std::vector<Truth> Spoof::truths(const Container& to) const {
  const Mac mine = mac_of(liar_->mac);
  const std::string own6 = address6(*liar_);
  const std::string to6 = address6(to);
  const Ip4 own4(liar_->address.c_str());
  const Ip4 target(to.address.c_str());
  const Packet eth = Ethernet{.dst = mac_of(to.mac), .src = mine};
  const Packet own_ip6 = Ipv6{.src = own6.c_str(), .dst = to6.c_str(), .hop_limit = 255};
  const Packet udp = Udp{.src = 45001, .dst = kDiscard} / Payload(40);

  return {
      {"IPv4", eth / Ipv4{.src = own4, .dst = target} / udp},
      {"IPv6", eth / Ipv6{.src = own6.c_str(), .dst = to6.c_str()} / udp},
      {"ARP reply", eth / Arp{.op = kReply, .sender_mac = mine, .sender = own4, .target = target},
       true},
      {"ARP probe", eth / Arp{.sender_mac = mine, .sender = "0.0.0.0", .target = own4}, true},
      {"advertisement",
       eth / own_ip6 / neighbour_advert(own6.c_str(), kOverride, nd_option(2, mine))},
      {"address detection",
       eth / Ipv6{.src = "::", .dst = solicited_node_of(own6.c_str()), .hop_limit = 255} /
           neighbour_solicit(own6.c_str()),
       true},
      {"DHCP", eth / Ipv4{.src = "0.0.0.0", .dst = "255.255.255.255"} / Udp{.src = 68, .dst = 67} /
                   Payload(240)},
      {"link-local", eth / Ipv6{.src = link_local_of(mine), .dst = to6.c_str()} / udp},
  };
}

std::string known_mac(const Container& of, const std::string& address) {
  const Outcome outcome = of.netns.exec({"ip", "-j", "neigh", "show", address, "dev", "eth0"});
  const Json list = Json::parse(outcome.out, nullptr, false);
  return list.is_array() && !list.empty() ? list.at(0).value("lladdr", "") : "";
}

void Spoof::expect_stopped(const Container& to, const Container& victim) {
  Host& host = lab_.host(1);
  ASSERT_TRUE(to.pings(victim.address, 1) && to.pings(address6(victim), 1));
  const Capture arrival(to.netns, "eth0");
  const RawSender sender(liar_->netns, "eth0");
  std::map<std::string, std::uint64_t> expected;
  for (const Lie& lie : lies(to, victim)) {
    expected.try_emplace(lie.reason, host.counter(lie.reason));
  }

  for (const Lie& lie : lies(to, victim)) {
    sender.send(lie.packet.bytes());
    expected[lie.reason]++;
    EXPECT_TRUE(
        wait_until([&] { return host.counter(lie.reason) == expected[lie.reason]; }, Seconds(2)))
        << lie.name << ": " << lie.reason << " is at " << host.counter(lie.reason);
  }
  for (const Truth& truth : truths(to)) {
    const Bytes frame = truth.packet.bytes();
    sender.send(frame);
    if (truth.asks && &to == remote_ && on_kernel_path()) {
      continue;
    }
    EXPECT_TRUE(wait_until([&] { return arrival.count(is(frame)) == 1; }, Seconds(2)))
        << truth.name << " arrived " << arrival.count(is(frame)) << " times";
  }

  for (const Lie& lie : lies(to, victim)) {
    EXPECT_EQ(arrival.count(is(lie.packet.bytes())), 0U) << lie.name;
  }
  EXPECT_TRUE(arrival.complete());
  for (const auto& [reason, count] : expected) {
    EXPECT_EQ(host.counter(reason), count) << "by what it says as itself: " << reason;
  }
  EXPECT_EQ(known_mac(to, victim.address), victim.mac);
  EXPECT_EQ(known_mac(to, address6(victim)), victim.mac);
  EXPECT_TRUE(to.pings(victim.address, 1) && to.pings(address6(victim), 1));
}

TEST_F(Spoof, IsStoppedOnTheWayToAnotherHost) {
  expect_stopped(*remote_, *local_);
}

TEST_F(Spoof, IsStoppedOnTheWayToTheSameHost) {
  expect_stopped(*local_, *remote_);
}

}  // namespace
}  // namespace vtepd::test
