// SPDX-License-Identifier: GPL-2.0-only
// With any one program detached nothing crosses from a tenant to the host, and it comes back.
#include "support/frames.h"
#include "support/lab.h"

#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::test {
namespace {

constexpr std::uint16_t kPort = 9999;
constexpr Milliseconds kRepaired = Seconds(30);

// Takes every datagram to its port, on any address of the host.
class Listener {
 public:
  explicit Listener(const NetNamespace& host) {
    host.inside([&] {
      socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      sockaddr_in any{};
      any.sin_family = AF_INET;
      any.sin_port = htons(kPort);
      if (bind(socket_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
        throw std::runtime_error("bind");
      }
    });
  }

  ~Listener() { close(socket_); }

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // What arrived since the last call, by the source port that tells the frames apart.
  std::set<std::uint16_t> take() const {
    std::set<std::uint16_t> ports;
    std::array<char, 2048> buffer{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    while (recvfrom(socket_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from),
                    &size) >= 0) {
      ports.insert(ntohs(from.sin_port));
      size = sizeof from;
    }
    return ports;
  }

 private:
  int socket_ = -1;
};

// Link ids and program ids by the names of their pins, maps by theirs.
std::map<std::string, std::string> kernel_ids(const Host& host) {
  std::map<std::string, std::string> ids;
  for (const std::string& folder : {host.pin_dir() + "/links", host.map_path("")}) {
    const std::string kind = folder.ends_with("/links") ? "link" : "map";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const Outcome shown = run({"bpftool", "-j", kind, "show", "pinned", entry.path().string()});
      const Json info = Json::parse(shown.out, nullptr, false);
      if (info.is_object()) {
        ids[kind + " " + entry.path().filename().string()] =
            std::to_string(info.value("id", 0)) + "/" + std::to_string(info.value("prog_id", 0));
      }
    }
  }
  return ids;
}

class LongFailClosed : public testing::Test {
 protected:
  LongFailClosed() : host_(pair_.lab.host(1)), listener_(host_.netns()) {}

  // The host end of a's interface.
  [[nodiscard]] Json host_end() const {
    const Outcome links = host_.netns().exec({"ip", "-j", "link", "show", "type", "veth"});
    for (const Json& link : Json::parse(links.out)) {
      const std::string name = link.at("ifname");
      if (name.starts_with("vtep") && name.size() == 12) {
        return link;
      }
    }
    throw std::runtime_error("no host end");
  }

  // UDP from the container to the host, by each MAC and source address that might do it.
  void attack() {
    const RawSender sender(pair_.a->netns, "eth0");
    const Mac end = mac_of(host_end().at("address"));
    const Mac underlay = mac_of(host_.mac());
    std::uint16_t port = 20000;
    for (const Mac& to : {kBroadcast, end, underlay}) {
      for (const std::string& from :
           {pair_.a->address, std::string("0.0.0.0"), pair_.lab.host(2).address()}) {
        const Packet frame = Ethernet{.dst = to, .src = mac_of(pair_.a->mac)} /
                             Packet(Ipv4{.src = from.c_str(), .dst = host_.address().c_str()}) /
                             Udp{.src = port++, .dst = kPort} / Payload(20);
        sender.send(frame.bytes());
      }
    }
  }

  // The same datagram by a way that is open.
  [[nodiscard]] bool twin_arrives() {
    const RawSender cable = pair_.lab.cable_to(1);
    const Packet frame =
        Ethernet{.dst = mac_of(host_.mac()), .src = mac_of(pair_.lab.host(2).mac())} /
        Packet(Ipv4{.src = pair_.lab.host(2).address().c_str(), .dst = host_.address().c_str()}) /
        Udp{.src = 30000, .dst = kPort} / Payload(20);
    cable.send(frame.bytes());
    return wait_until([&] { return listener_.take().contains(30000); }, Seconds(2));
  }

  Pair pair_;
  Host& host_;
  Listener listener_;
};

TEST_F(LongFailClosed, NoProgramMissingOpensAWayToTheHost) {
  std::vector<std::string> links;
  for (const auto& entry : std::filesystem::directory_iterator(host_.pin_dir() + "/links")) {
    links.push_back(entry.path().filename().string());
  }
  ASSERT_GE(links.size(), 5U);
  // The programs alone are to hold; the reverse path filter would hide what they let through.
  const std::string end = host_end().at("ifname");
  for (const std::string& device : {std::string("all"), end}) {
    host_.netns().sysctl("net.ipv4.conf." + device + ".rp_filter", "0");
  }
  const auto before = kernel_ids(host_);

  for (const std::string& name : links) {
    SCOPED_TRACE(name);
    const std::string pin = host_.pin_dir() + "/links/" + name;
    ASSERT_TRUE(run({"bpftool", "link", "detach", "pinned", pin}).ok());
    const auto begin = Clock::now();

    attack();
    EXPECT_TRUE(twin_arrives());
    sleep_for(Milliseconds(50));
    EXPECT_TRUE(listener_.take().empty()) << "a tenant's datagram reached the host";

    const auto whole = [&] {
      const auto now = kernel_ids(host_);
      return now.contains("link " + name) && now.at("link " + name) != before.at("link " + name) &&
             !now.at("link " + name).ends_with("/0");
    };
    EXPECT_TRUE(wait_until(whole, kRepaired, Milliseconds(100)));
    std::cout << name << ": attached again after "
              << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
    EXPECT_TRUE(wait_until([&] { return pair_.a->pings(pair_.b->address, 1); }, Seconds(5)));
    attack();
    EXPECT_TRUE(listener_.take().empty());
  }

  // Each was replaced once, by the same program; nothing else was touched.
  auto after = kernel_ids(host_);
  for (const auto& [name, id] : before) {
    if (name.starts_with("map")) {
      EXPECT_EQ(after[name], id) << name;
    } else {
      EXPECT_EQ(after[name].substr(after[name].find('/')), id.substr(id.find('/'))) << name;
    }
  }

  // The attack is one: without both of the port's programs, and nobody to mend it, it succeeds.
  host_.kill9();
  for (const char* suffix : {"_in", "_in2"}) {
    std::filesystem::remove(host_.pin_dir() + "/links/" + end + suffix);
  }
  attack();
  EXPECT_TRUE(wait_until([&] { return !listener_.take().empty(); }, Seconds(2)));
}

}  // namespace
}  // namespace vtepd::test
