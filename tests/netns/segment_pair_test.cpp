// SPDX-License-Identifier: GPL-2.0-only
// The pair of veths that cuts up frames with tunnel state, as a thing of the host.
#include "support/datagrams.h"
#include "support/frames.h"
#include "support/lab.h"

#include <cerrno>
#include <map>
#include <thread>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::test {
namespace {

constexpr const char* kSending = "vtepsa4789";
constexpr const char* kReceiving = "vtepsb4789";
constexpr Milliseconds kRepaired = Seconds(30);

// Two containers whose own tunnel goes through the pair in both hosts.
class SegmentPairOfAHost : public testing::Test {
 protected:
  explicit SegmentPairOfAHost(const HostOptions& options = {})
      : pair_(options), host_(pair_.lab.host(1)) {
    tunnel(*pair_.a, "10.77.0.1", pair_.b->address);
    tunnel(*pair_.b, "10.77.0.2", pair_.a->address);
    EXPECT_TRUE(wait_until([&] { return works(); }, Seconds(5)));
  }

  static void tunnel(const Container& container, const std::string& inside,
                     const std::string& remote) {
    container.netns.ip("link add vx0 mtu 1400 type vxlan id 99 dstport 4789 remote " + remote +
                       " dev eth0\naddress add " + inside + "/24 dev vx0\nlink set vx0 up");
  }

  // Datagrams, because the kernel takes the tunnel's note off a frame whose checksum is complete.
  [[nodiscard]] bool works() const {
    return send_datagrams(pair_.a->netns, pair_.b->netns, "10.77.0.2", {.count = 3}).arrived == 3;
  }

  [[nodiscard]] int index_of(const std::string& name) const {
    const Outcome shown = host_.netns().exec({"ip", "-j", "link", "show", "dev", name});
    return shown.ok() ? Json::parse(shown.out).at(0).value("ifindex", 0) : 0;
  }

  [[nodiscard]] std::string status() const {
    return host_.show("status").at("status").at("datapath").at("tunnel_state");
  }

  [[nodiscard]] std::size_t put_right() const { return host_.logged("put right"); }

  Pair pair_;
  Host& host_;
};

TEST_F(SegmentPairOfAHost, StatusSaysWhatItCutUp) {
  const DatagramCount count =
      send_datagrams(pair_.a->netns, pair_.b->netns, "10.77.0.2", {.count = 500, .size = 1300});

  EXPECT_EQ(count.arrived, 500U);
  const auto cut = host_.counter("SEGMENTED");
  EXPECT_GE(cut, 500U);
  EXPECT_EQ(status(), std::string("pair ") + kSending + " (" + std::to_string(cut) +
                          " frames cut up, 0 packets lost in it)");
  EXPECT_NE(host_.ctl({"show", "status"}).out.find(kSending), std::string::npos);
}

class SegmentPairByFilters : public SegmentPairOfAHost {
 protected:
  SegmentPairByFilters() : SegmentPairOfAHost({.datapath = "attach = \"clsact\""}) {}
};

TEST_F(SegmentPairByFilters, Works) {
  ASSERT_EQ(host_.show("status").at("status").at("datapath").at("attach"), "clsact");
  const DatagramCount count =
      send_datagrams(pair_.a->netns, pair_.b->netns, "10.77.0.2", {.count = 500, .size = 1300});

  EXPECT_EQ(count.arrived, 500U);
  EXPECT_GE(host_.counter("SEGMENTED"), 500U);
}

// Waits for the daemon's timer.
class LongSegmentPairRepair : public SegmentPairOfAHost {};

TEST_F(LongSegmentPairRepair, DeletedOrChangedItIsMadeAgain) {
  const std::map<std::string, std::string> ways{
      {"deleted", std::string("link del ") + kSending},
      {"down", std::string("link set ") + kReceiving + " down"},
  };
  std::size_t repairs = 0;
  for (const auto& [what, command] : ways) {
    SCOPED_TRACE(what);
    const int underlay = index_of("eth0");

    host_.netns().ip(command);
    EXPECT_FALSE(works()) << "the twin: it is needed";

    EXPECT_TRUE(wait_until([&] { return works(); }, kRepaired));
    EXPECT_EQ(put_right(), ++repairs);
    EXPECT_EQ(index_of("eth0"), underlay);
  }
  ASSERT_TRUE(host_.netns().exec({"ethtool", "-K", kSending, "tx", "on", "tso", "on"}).ok());
  EXPECT_TRUE(wait_until([&] { return put_right() == repairs + 1; }, kRepaired));
  EXPECT_TRUE(works());
}

TEST_F(SegmentPairOfAHost, RestartKeepsItAndLosesNothing) {
  const int sending = index_of(kSending);
  const int receiving = index_of(kReceiving);
  ASSERT_NE(sending, 0);
  DatagramCount count;
  std::thread traffic([&] {
    count = send_datagrams(pair_.a->netns, pair_.b->netns, "10.77.0.2",
                           {.count = 6000, .size = 1300, .per_second = 1000});
  });

  host_.kill9();
  host_.start();
  host_.stop();
  host_.start();

  traffic.join();
  EXPECT_EQ(count.sent, 6000U);
  EXPECT_EQ(count.arrived, count.sent);
  EXPECT_EQ(index_of(kSending), sending);
  EXPECT_EQ(index_of(kReceiving), receiving);
}

TEST_F(SegmentPairOfAHost, PurgeTakesItAndNotThatOfAnotherPort) {
  host_.netns().ip("link add vtepsa8472 type veth peer name vtepsb8472");
  host_.stop();

  ASSERT_TRUE(host_.purge().ok());

  EXPECT_EQ(index_of(kSending), 0);
  EXPECT_EQ(index_of(kReceiving), 0);
  EXPECT_NE(index_of("vtepsa8472"), 0);
}

TEST_F(LongSegmentPairRepair, WhereItsNameIsTakenTheRestWorksAndStatusSaysWhatDoesNot) {
  host_.stop();
  host_.netns().ip(std::string("link del ") + kSending + "\nlink add " + kSending + " type bridge");

  host_.start();

  EXPECT_TRUE(pair_.a->pings(pair_.b->address));
  EXPECT_FALSE(works());
  EXPECT_GT(host_.counter("ENCAP_FAILED"), 0U);
  EXPECT_EQ(status().find("none"), 0U) << status();

  host_.netns().ip(std::string("link del ") + kSending);
  EXPECT_TRUE(wait_until([&] { return works(); }, kRepaired));
}

// Frames of the host itself on an end of the pair, with the mark that tells our programs' apart.
class MarkedSender {
 public:
  MarkedSender(const NetNamespace& netns, const std::string& interface, std::uint32_t mark) {
    netns.inside([&] {
      socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      to_.sll_family = AF_PACKET;
      to_.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    });
    if (setsockopt(socket_, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
      throw std::runtime_error("SO_MARK");
    }
  }

  ~MarkedSender() { close(socket_); }

  MarkedSender(const MarkedSender&) = delete;
  MarkedSender& operator=(const MarkedSender&) = delete;

  void send(const Bytes& frame) const {
    const auto* to = reinterpret_cast<const sockaddr*>(&to_);
    // The guard's drop is reported as a full queue.
    if (sendto(socket_, frame.data(), frame.size(), 0, to, sizeof to_) < 0 && errno != ENOBUFS) {
      throw std::runtime_error("sendto");
    }
  }

 private:
  int socket_ = -1;
  sockaddr_ll to_{};
};

TEST_F(SegmentPairOfAHost, TheHostReachesNobodyThroughIt) {
  const std::string end = host_.rows("endpoints").at(0).value("host_ifname", "");
  const auto mark = static_cast<std::uint32_t>(index_of(end.empty() ? "eth0" : end));
  ASSERT_NE(mark, 0U);
  const Capture wire = pair_.lab.wire(1);
  const Capture a(pair_.a->netns, "eth0");
  const auto is_probe = [](const Frame& frame) {
    const std::string text(frame.bytes.begin(), frame.bytes.end());
    return text.find("probe-of-host") != std::string::npos;
  };
  const std::string words = "probe-of-host-probe-of-host";
  const Bytes payload(words.begin(), words.end());
  const auto inner = [&](const Container& to, const Container& from) {
    return Ethernet{.dst = mac_of(to.mac), .src = mac_of(from.mac)} /
           Packet(Ipv4{.src = from.address.c_str(), .dst = to.address.c_str()}) /
           Udp{.src = 4000, .dst = 4001} / Payload(payload);
  };
  const Packet to_b = inner(*pair_.b, *pair_.a);
  const Packet to_a =
      Ethernet{.dst = mac_of(host_.mac()), .src = mac_of(host_.mac())} /
      Packet(Ipv4{.src = pair_.lab.host(2).address().c_str(), .dst = host_.address().c_str()}) /
      Udp{.src = 40000, .dst = 4789, .checksum = 0} / Vxlan{.vni = pair_.lab.vni("blue")} /
      inner(*pair_.a, *pair_.b);
  const auto guarded = host_.counter("GUARD");

  for (const char* interface : {kSending, kReceiving}) {
    const MarkedSender sender(host_.netns(), interface, mark);
    for (int i = 0; i < 5; ++i) {
      sender.send(to_b.bytes());
      sender.send(to_a.bytes());
    }
  }

  EXPECT_TRUE(wait_until([&] { return host_.counter("GUARD") >= guarded + 20; }, Seconds(2)));
  EXPECT_EQ(wire.count(is_probe), 0U);
  EXPECT_EQ(a.count(is_probe), 0U);
  // The twin: the same frame by a's own interface is seen in both places.
  const RawSender own(pair_.a->netns, "eth0");
  own.send(to_b.bytes());
  EXPECT_TRUE(
      wait_until([&] { return wire.count(is_probe) > 0 && a.count(is_probe) > 0; }, Seconds(2)));
}

}  // namespace
}  // namespace vtepd::test
