// SPDX-License-Identifier: GPL-2.0-only
// Addresses that move between endpoints: by command, by announcement, by keepalived.
#include "support/frames.h"
#include "support/keepalived.h"
#include "support/lab.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <regex>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kFollow{1000};
constexpr Milliseconds kPingInterval{100};
const std::string kMoving = "192.168.7.100";

// Containers a and b on the first two hosts may have the moving address, c on the third asks for
// it. a and b do not have MACs made from addresses, so that a move changes the MAC.
struct Three {
  Lab lab;
  Container* a = nullptr;
  Container* b = nullptr;
  Container* c = nullptr;

  explicit Three(const std::vector<std::string>& options = {}) : lab({.hosts = 3}) {
    lab.start();
    lab.create_network("blue", "192.168.7.0/24", {"--subnet", "fd00:7::/64"});
    a = &attach(1, "192.168.7.11", "a", options);
    b = &attach(2, "192.168.7.12", "b", options);
    c = &attach(3, "192.168.7.13", "c", {});
  }

  Container& attach(int host, const std::string& address, const std::string& name,
                    std::vector<std::string> options) {
    const std::string last = address.substr(address.rfind('.') + 1);
    options.insert(options.end(), {"--wait", "--name", name, "--mac", "02:aa:00:00:00:" + last,
                                   "--ip", "fd00:7::" + last});
    return lab.host(host).attach("blue", address, options);
  }
};

std::string mac_known(const Host& host, const std::string& address) {
  for (const Json& row : host.rows("neigh")) {
    if (row.value("address", "") == address) {
      return row.value("mac", "");
    }
  }
  return "";
}

std::string vtep_of(const Host& host, const std::string& mac) {
  for (const Json& row : host.rows("fdb")) {
    if (row.value("mac", "") == mac) {
      return row.at("vtep").is_null() ? "local" : row.value("vtep", "");
    }
  }
  return "";
}

void give(const Container& container, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  container.netns.ip("address add " + address + (v6 ? "/128" : "/32") + " dev " +
                     container.interface + (v6 ? " nodad" : ""));
}

void take(const Container& container, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  container.netns.ip("address del " + address + (v6 ? "/128" : "/32") + " dev " +
                     container.interface);
}

// As arping -U does; throws unless it was sent.
void announce(const Container& container, const std::string& address) {
  const Outcome sent = container.netns.exec(
      {"arping", "-U", "-c", "1", "-w", "1", "-I", container.interface, address});
  if (sent.out.find("Sent 1 probes") == std::string::npos) {
    throw std::runtime_error("arping: " + sent.text());
  }
}

// ping -i 0.1 from `from` while `move` runs: the longest time without an answer.
Milliseconds silence_during(const Container& from, const std::string& target,
                            const std::function<void()>& move) {
  Process ping(from.netns.command({"ping", "-n", "-D", "-i", "0.1", "-c", "40", "-W", "1", target}),
               lab_folder() + "/" + unique_name() + "ping.log");
  EXPECT_TRUE(
      wait_until([&] { return ping.output().find("icmp_seq=5") != std::string::npos; }, Seconds(5)))
      << ping.output();
  move();
  (void)ping.wait(Seconds(20));
  const std::string log = ping.output();
  const std::regex answer(R"(\[([0-9.]+)\].*icmp_seq=([0-9]+))");
  int last = 0;
  int longest = 0;
  for (std::sregex_iterator at(log.begin(), log.end(), answer), end; at != end; ++at) {
    const int number = std::stoi((*at)[2]);
    longest = std::max(longest, number - last - 1);
    last = number;
  }
  EXPECT_GT(last, 35) << "it must be answered again at the end:\n" << log;
  return longest * kPingInterval;
}

void expect_followed(Milliseconds silence, const StallMeter& stalls, const char* what) {
  std::cout << what << ": " << silence.count() << " ms without an answer\n";
  EXPECT_LE(silence, kFollow + stalls.worst()) << "stalled " << stalls.worst().count() << " ms";
}

TEST(AddressMoves, ByCommandPeersFollowWithinASecond) {
  Three net;
  const Host& third = net.lab.host(3);
  give(*net.a, kMoving);
  give(*net.b, kMoving);
  EXPECT_FALSE(net.c->pings(kMoving, 1)) << "nobody holds it yet";
  net.lab.host(1).must({"address", "add", "a", kMoving});
  ASSERT_TRUE(wait_until([&] { return mac_known(third, kMoving) == net.a->mac; }, Seconds(5)));

  StallMeter stalls;
  const auto silence = silence_during(*net.c, kMoving, [&] {
    net.lab.host(2).must({"address", "add", "b", kMoving});
  });

  expect_followed(silence, stalls, "moved by command");
  EXPECT_EQ(mac_known(third, kMoving), net.b->mac);
  EXPECT_EQ(net.lab.host(2).rows("endpoints").size(), 3U);
  net.lab.host(1).must({"address", "add", "a", kMoving});
  EXPECT_TRUE(wait_until([&] { return mac_known(third, kMoving) == net.a->mac; }, Seconds(5)));
}

TEST(AddressMoves, WhoNoLongerHoldsItMayNotSendFromIt) {
  Three net;
  Host& first = net.lab.host(1);
  give(*net.a, kMoving);
  first.must({"address", "add", "a", kMoving});
  const auto spoofed = [&] { return first.counter("SPOOF_IP"); };
  EXPECT_TRUE(net.a->ping(net.c->address, 1, {"-I", kMoving}).ok());
  EXPECT_EQ(spoofed(), 0U);

  first.must({"address", "del", "a", kMoving});

  EXPECT_FALSE(net.a->ping(net.c->address, 1, {"-I", kMoving}).ok());
  EXPECT_GT(spoofed(), 0U);
  EXPECT_TRUE(wait_until([&] { return !net.lab.host(3).knows(kMoving); }, Seconds(5)));
}

TEST(AddressMoves, ItsBitInThePoolIsHeldUntilItsHolderLetsGo) {
  Three net;
  Host& second = net.lab.host(2);
  const auto attach = [&](Container& container) {
    return second
        .ctl({"attach", "blue", "--netns", container.netns.path(), "--ip", kMoving, "--name", "d"})
        .ok();
  };
  Container late;
  net.lab.host(1).must({"address", "add", "a", kMoving});
  EXPECT_FALSE(attach(late));

  net.lab.host(1).must({"address", "del", "a", kMoving});
  EXPECT_TRUE(attach(late)) << "nobody has it";

  // An endpoint's own address that another took over keeps its bit when the endpoint goes.
  net.lab.host(1).must({"address", "add", "a", kMoving});
  second.must({"detach", "d"});
  EXPECT_FALSE(attach(late));
  net.lab.host(1).must({"detach", "a"});
  EXPECT_TRUE(attach(late)) << "the last that claimed it is gone";
}

TEST(AddressMoves, AnAnnouncementMovesItWhereItIsAllowed) {
  Three net({"--allow-address", kMoving + "/32", "--allow-address", "fd00:7::100/128"});
  const Host& third = net.lab.host(3);
  give(*net.a, kMoving);
  give(*net.b, kMoving);
  announce(*net.a, kMoving);
  ASSERT_TRUE(wait_until([&] { return mac_known(third, kMoving) == net.a->mac; }, Seconds(5)));
  EXPECT_TRUE(net.c->pings(kMoving, 1));

  StallMeter stalls;
  const auto silence = silence_during(*net.c, kMoving, [&] {
    take(*net.a, kMoving);
    announce(*net.b, kMoving);
  });

  expect_followed(silence, stalls, "moved by announcement");
  EXPECT_EQ(mac_known(third, kMoving), net.b->mac);
  // c may not have it: it is stopped at its port, and nothing moves.
  give(*net.c, kMoving);
  announce(*net.c, kMoving);
  EXPECT_TRUE(wait_until([&] { return third.counter("SPOOF_ARP") > 0; }, Seconds(5)));
  EXPECT_EQ(mac_known(third, kMoving), net.b->mac);
}

TEST(AddressMoves, AnUnsolicitedAdvertisementMovesIpv6) {
  const std::string moving = "fd00:7::100";
  Three net({"--allow-address", moving + "/128"});
  const Host& third = net.lab.host(3);
  for (const auto* holder : {net.a, net.b}) {
    const Container& other = holder == net.a ? *net.b : *net.a;
    if (holder == net.b) {
      take(other, moving);
    }
    give(*holder, moving);
    RawSender(holder->netns, "eth0")
        .send((Ethernet{.dst = multicast_mac_of("ff02::1"), .src = mac_of(holder->mac)} /
               Packet(Ipv6{.src = moving.c_str(), .dst = "ff02::1", .hop_limit = 255}) /
               neighbour_advert(moving.c_str(), 0x20000000, nd_option(2, mac_of(holder->mac))))
                  .bytes());
    EXPECT_TRUE(wait_until([&] { return mac_known(third, moving) == holder->mac; }, Seconds(5)));
    EXPECT_TRUE(net.c->pings(moving, 1));
  }
}

TEST(AddressMoves, MovesOfOneAddressAreLimitedToOneASecond) {
  Three net({"--allow-address", kMoving + "/32"});
  Host& first = net.lab.host(1);
  const Container& second =
      net.attach(1, "192.168.7.14", "d", {"--allow-address", kMoving + "/32"});
  const auto generation = [&] {
    std::uint64_t value = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(net.lab.store())) {
      if (entry.is_regular_file() && entry.path().string().ends_with(kMoving + "%")) {
        value = Json::parse(read_file(entry.path())).value("generation", std::uint64_t{0});
      }
    }
    return value;
  };
  const auto gratuitous = [](const Container& from) {
    return (Packet(Ethernet{.dst = kBroadcast, .src = mac_of(from.mac)}) /
            Arp{.sender_mac = mac_of(from.mac),
                .sender = kMoving.c_str(),
                .target = kMoving.c_str()})
        .bytes();
  };
  const RawSender of_a(net.a->netns, "eth0");
  const RawSender of_second(second.netns, "eth0");
  const auto begin = Clock::now();
  for (int i = 0; i < 15; ++i) {
    of_a.send(gratuitous(*net.a));
    sleep_for(Milliseconds(110));  // the programs pass on one announcement of a port in 100 ms
    of_second.send(gratuitous(second));
    sleep_for(Milliseconds(110));
  }
  const auto took = std::chrono::duration_cast<Seconds>(Clock::now() - begin);

  EXPECT_TRUE(wait_until([&] { return mac_known(first, kMoving) == second.mac; }, Seconds(5)))
      << "the last word counts";
  std::cout << "30 announcements in " << took.count() << " s: " << generation() << " moves\n";
  EXPECT_GE(generation(), 2U);
  EXPECT_LE(generation(), static_cast<std::uint64_t>(took.count()) + 3);
  EXPECT_GT(first.show("status").at("status").value("moves_limited", 0), 5);
}

TEST(AddressMoves, ARestartKeepsThem) {
  Three net;
  Host& first = net.lab.host(1);
  give(*net.a, kMoving);
  first.must({"address", "add", "a", kMoving, "--mac", net.a->mac});
  ASSERT_TRUE(wait_until([&] { return net.c->pings(kMoving, 1); }, Seconds(5)));

  first.kill9();
  first.start();

  EXPECT_TRUE(net.c->pings(kMoving, 1));
  EXPECT_TRUE(net.a->ping(net.c->address, 1, {"-I", kMoving}).ok());
  first.must({"address", "del", "a", kMoving});
  EXPECT_TRUE(wait_until([&] { return !net.lab.host(3).knows(kMoving); }, Seconds(5)));
}

TEST(AddressMoves, BadRequestsSayWhy) {
  Three net;
  const Host& first = net.lab.host(1);
  const auto says = [&](const std::vector<std::string>& words, const std::string& what) {
    const Outcome outcome = first.ctl(words);
    EXPECT_FALSE(outcome.ok());
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
  };
  says({"address", "add", "a", "192.168.7.255"}, "broadcast");
  says({"address", "add", "a", "192.168.7.x"}, "error: IP");
  says({"address", "add", "nobody", kMoving}, "no endpoint 'nobody'");
  says({"address", "add", "a", kMoving, "--mac", "01:00:00:00:00:01"}, "--mac");
  EXPECT_TRUE(first.ctl({"address", "del", "a", kMoving}).ok()) << "nothing to do";
}

// Two routers that share a virtual address; the better one dies and comes back.
void fail_over(bool virtual_mac) {
  std::vector<std::string> options{"--allow-address", kMoving + "/32"};
  const std::string mac = Keepalived::virtual_mac(51);
  if (virtual_mac) {
    options.insert(options.end(), {"--allow-mac", mac});
  }
  Three net(options);
  const Host& third = net.lab.host(3);
  Keepalived better(net.a->netns, {.address = net.a->address,
                                   .peer = net.b->address,
                                   .virtual_address = kMoving + "/24",
                                   .priority = 150,
                                   .virtual_mac = virtual_mac});
  Keepalived other(net.b->netns, {.address = net.b->address,
                                  .peer = net.a->address,
                                  .virtual_address = kMoving + "/24",
                                  .priority = 100,
                                  .virtual_mac = virtual_mac});
  const auto is_at = [&](const Container& container, const std::string& vtep) {
    const std::string& expected = virtual_mac ? mac : container.mac;
    return mac_known(third, kMoving) == expected && vtep_of(third, expected) == vtep;
  };
  ASSERT_TRUE(wait_until([&] { return is_at(*net.a, "10.99.0.1"); }, Seconds(15)));
  EXPECT_TRUE(net.c->pings(kMoving, 1));

  StallMeter stalls;
  const auto silence = silence_during(*net.c, kMoving, [&] { better.stop(); });

  expect_followed(silence, stalls, "keepalived failed over");
  EXPECT_TRUE(other.is_master());
  EXPECT_TRUE(is_at(*net.b, "10.99.0.2"));

  better.start();
  EXPECT_TRUE(wait_until([&] { return is_at(*net.a, "10.99.0.1"); }, Seconds(15)));
  EXPECT_TRUE(net.c->pings(kMoving, 1));
}

TEST(AddressMoves, KeepalivedFailsOver) {
  fail_over(false);
}

TEST(AddressMoves, KeepalivedFailsOverWithAVirtualMac) {
  fail_over(true);
}

}  // namespace
}  // namespace vtepd::test
