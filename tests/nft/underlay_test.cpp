// SPDX-License-Identifier: GPL-2.0-only
// Who may send VXLAN to this host: a UDP socket on the VTEP's port receives what is let through.
#include "nft/bench.h"
#include "support/packet.h"
#include "vtepd/reasons.h"

#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <unistd.h>

namespace vtepd::nft::test {
namespace {

using namespace vtepd::test;

constexpr const char* kMember = "198.51.100.2";
constexpr const char* kStranger = "198.51.100.3";
constexpr std::uint32_t kOthers = 999;  // a VNI of somebody else on this host
// What becomes of a datagram: it arrives without being counted, or is counted; foreign ones are
// both.
constexpr std::uint32_t kArrives = VTEP_NONE;

struct Sent {
  const char* what;
  Packet packet;  // behind the Ethernet header
  std::uint32_t outcome = kArrives;
  Vni vni = kVni;
};

// Receives on the VTEP's address and port, whatever the datagrams carry.
class Receiver {
 public:
  explicit Receiver(const std::string& vtep) {
    const bool v4 = vtep.find(':') == std::string::npos;
    fd_ = UniqueFd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in four{.sin_family = AF_INET, .sin_port = htons(kPort)};
    sockaddr_in6 six{.sin6_family = AF_INET6, .sin6_port = htons(kPort)};
    inet_pton(AF_INET, vtep.c_str(), &four.sin_addr);
    inet_pton(AF_INET6, vtep.c_str(), &six.sin6_addr);
    const auto* address =
        v4 ? reinterpret_cast<const sockaddr*>(&four) : reinterpret_cast<const sockaddr*>(&six);
    const timeval patience{.tv_sec = 5};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(fd_.get(), address, v4 ? sizeof four : sizeof six) != 0) {
      throw std::runtime_error("bind to " + vtep);
    }
  }

  // The datagrams in front of one that ends with `mark`; throws if none such comes.
  [[nodiscard]] std::vector<Bytes> until(const Bytes& mark) const {
    for (std::vector<Bytes> all;;) {
      Bytes datagram(4096);
      const auto size = recv(fd_.get(), datagram.data(), datagram.size(), 0);
      if (size < 0) {
        throw std::runtime_error("the last datagram did not arrive");
      }
      datagram.resize(static_cast<std::size_t>(size));
      if (datagram.size() >= mark.size() &&
          std::equal(mark.rbegin(), mark.rend(), datagram.rbegin())) {
        return all;
      }
      all.push_back(std::move(datagram));
    }
  }

 private:
  UniqueFd fd_;
};

class NftUnderlay : public NftTest {
 protected:
  // "ul" in the daemon's namespace with `vtep`, its other end "switch" elsewhere.
  void start(const std::string& vtep, const std::string& member) {
    vtep_ = vtep;
    const bool v4 = vtep.find(':') == std::string::npos;
    daemon_.sysctl("net/ipv6/conf/all/disable_ipv6", "0");
    daemon_.ip("link add ul address 02:00:5e:10:00:01 type veth peer name switch netns " +
               far_.name() + "\naddress add " + vtep + (v4 ? "/24" : "/64 nodad") +
               " dev ul\nlink set ul up\nlink set lo up");
    far_.ip("link set switch up");
    auto state = usual();
    state.members = {{kVni, address(member)}};
    filter_ = must(NftFilter::open({.instance = "test",
                                    .hidden_netns = hidden_fd_.get(),
                                    .vtep = address(vtep),
                                    .port = kPort}));
    must(filter_->apply(putting(state)));
    receiver_ = std::make_unique<Receiver>(vtep);
  }

  // Sends each; behind it one of the member that arrives.
  void check(const std::vector<Sent>& all, const Packet& good) {
    const RawSender sender(far_, "switch");
    std::uint8_t number = 0;
    for (const auto& sent : all) {
      const Bytes mark{0x55, 0xaa, ++number};
      const auto vni = sent.outcome == VTEP_FOREIGN_VNI ? Vni{} : sent.vni;
      const auto before = packets(*filter_, sent.outcome, vni);
      sender.send((kOuter / sent.packet).bytes());
      sender.send((kOuter / good / Payload(mark)).bytes());
      const bool arrives = sent.outcome == kArrives || sent.outcome == VTEP_FOREIGN_VNI;
      EXPECT_EQ(receiver_->until(mark).size(), arrives ? 1U : 0U) << sent.what;
      EXPECT_EQ(packets(*filter_, sent.outcome, vni), before + (sent.outcome != kArrives ? 1 : 0))
          << sent.what;
    }
  }

  static inline const Packet kOuter = Ethernet{.dst = Mac(1), .src = Mac(2)};
  std::string vtep_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(NftUnderlay, SenderAndOuterHeader) {
  start(kVtep, kMember);
  const auto from = [](const char* source, std::uint16_t fragment = 0x4000) {
    return Ipv4{.src = source, .dst = kVtep, .fragment = fragment};
  };
  const auto udp = Udp{.dst = kPort, .checksum = 0};
  const auto ours = Vxlan{.vni = kVni.value} / Payload(64);
  const auto others = Vxlan{.vni = kOthers} / Payload(64);
  auto optional = from(kMember);
  optional.options = {1, 1, 1, 0};
  check(
      {
          {"of a member", from(kMember) / udp / ours},
          {"of a stranger", from(kStranger) / udp / ours, VTEP_NOT_MEMBER},
          {"another VNI", from(kMember) / udp / others, VTEP_FOREIGN_VNI},
          {"a stranger's other VNI", from(kStranger) / udp / others, VTEP_FOREIGN_VNI},
          {"without the I flag",
           from(kMember) / udp / Vxlan{.vni = kVni.value, .flags = 0} / Payload(64),
           VTEP_VXLAN_FLAGS},
          {"a stranger's without it",
           from(kStranger) / udp / Vxlan{.vni = kVni.value, .flags = 0} / Payload(64),
           VTEP_VXLAN_FLAGS},
          {"without it in another VNI",
           from(kStranger) / udp / Vxlan{.vni = kOthers, .flags = 0} / Payload(64),
           VTEP_FOREIGN_VNI},
          {"reserved bits set", from(kMember) / udp /
                                    Vxlan{.vni = kVni.value, .flags = 0xff, .reserved = 0xffffff} /
                                    Payload(64)},
          {"IPv4 options", optional / udp / ours, VTEP_OUTER_OPTIONS},
          {"first fragment", from(kMember, 0x2000) / udp / ours, VTEP_OUTER_FRAGMENT},
          {"too short for VXLAN", from(kStranger) / udp / Payload(6)},
      },
      from(kMember) / udp / Vxlan{.vni = kVni.value});
}

// Only its first fragment shows the VNI; without it the rest is no datagram.
TEST_F(NftUnderlay, FragmentsComeToNothingInVnisOfOurs) {
  start(kVtep, kMember);
  // Connection tracking has datagrams put together early.
  static_cast<void>(
      daemon_run("nft 'table ip tracking { chain every {"
                 " type filter hook prerouting priority 0; ct state new accept; }; }'"));
  const RawSender sender(far_, "switch");
  const auto send = [&](std::uint32_t vni, std::uint16_t id) {
    const auto part = [&](std::uint16_t fragment) {
      return kOuter /
             Ipv4{.src = kMember, .dst = kVtep, .id = id, .fragment = fragment, .proto = 17};
    };
    sender.send((part(0x2000) / Udp{.dst = kPort, .length = 56, .checksum = 0} / Vxlan{.vni = vni} /
                 Payload(32))
                    .bytes());
    Packet rest = part(6) / Payload(8);
    sender.send(rest.bytes());
  };
  const Bytes mark{0x55, 0xaa, 0x55};
  send(kVni.value, 1);
  send(kOthers, 2);
  sender.send((kOuter / Ipv4{.src = kMember, .dst = kVtep} / Udp{.dst = kPort, .checksum = 0} /
               Vxlan{.vni = kVni.value} / Payload(mark))
                  .bytes());

  EXPECT_EQ(receiver_->until(mark).size(), 1U) << "the twin: others' fragments are put together";
  EXPECT_EQ(packets(*filter_, VTEP_OUTER_FRAGMENT), 1U);
  EXPECT_EQ(packets(*filter_, VTEP_FOREIGN_VNI, Vni{}), 1U);
}

// The kernel's socket is bound to no address.
TEST_F(NftUnderlay, NobodyReachesOurVnisAtAnotherAddress) {
  start(kVtep, kMember);
  daemon_.ip("address add 198.51.100.9/24 dev ul");
  const Receiver other("198.51.100.9");
  const RawSender sender(far_, "switch");
  const Bytes mark{0x55, 0xaa, 0x55};
  const auto send = [&](const char* to, std::uint32_t vni, std::uint16_t port, const Bytes& what) {
    sender.send((kOuter / Ipv4{.src = kMember, .dst = to} / Udp{.dst = port, .checksum = 0} /
                 Vxlan{.vni = vni} / Payload(what))
                    .bytes());
  };
  send("198.51.100.9", kVni.value, kPort, {});
  send("255.255.255.255", kVni.value, kPort, {});
  send("198.51.100.9", kVni.value, kPort + 1, {});
  send("198.51.100.9", kOthers, kPort, mark);

  EXPECT_EQ(other.until(mark).size(), 0U);
  EXPECT_EQ(packets(*filter_, VTEP_GUARD), 2U);
  EXPECT_EQ(packets(*filter_, VTEP_FOREIGN_VNI, Vni{}), 0U) << "not sent to our VTEP";
}

// What this host only forwards is between others.
TEST_F(NftUnderlay, FramesForOtherHostsPass) {
  start(kVtep, kMember);
  daemon_.sysctl("net/ipv4/ip_forward", "1");
  daemon_.ip("link add out type veth peer name beyond netns " + far_.name() +
             "\naddress add 203.0.113.1/24 dev out\nlink set out up\n"
             "neighbour add 203.0.113.2 lladdr 02:00:5e:10:00:05 dev out");
  far_.ip("link set beyond up");
  Capture beyond(far_, "beyond");
  const RawSender sender(far_, "switch");
  sender.send((kOuter / Ipv4{.src = kStranger, .dst = "203.0.113.2"} /
               Udp{.dst = kPort, .checksum = 0} / Vxlan{.vni = kVni.value} / Payload(64))
                  .bytes());
  EXPECT_TRUE(wait_until(
      [&] { return beyond.count([](const Frame& frame) { return frame.is_vxlan(); }) == 1; },
      Seconds(5)));
}

// The VNI is in the second fragment.
TEST_F(NftUnderlay, FragmentsThatHideTheVniComeToNothing) {
  start(kVtep, kMember);
  daemon_.ip("address add 198.51.100.9/24 dev ul");
  const Receiver other("198.51.100.9");
  const RawSender sender(far_, "switch");
  const auto send = [&](const char* to, std::uint16_t id) {
    const auto part = [&](std::uint16_t fragment) {
      return kOuter /
             Ipv4{.src = kStranger, .dst = to, .id = id, .fragment = fragment, .proto = 17};
    };
    sender.send((part(0x2000) / Udp{.dst = kPort, .length = 48, .checksum = 0}).bytes());
    sender.send((part(1) / Vxlan{.vni = kVni.value} / Payload(32)).bytes());
  };
  const Bytes mark{0x55, 0xaa, 0x55};
  send(kVtep, 1);
  send("198.51.100.9", 2);
  for (const char* to : {kVtep, "198.51.100.9"}) {
    const auto vni = Vxlan{.vni = to == kVtep ? kVni.value : kOthers};
    sender.send((kOuter / Ipv4{.src = kMember, .dst = to} / Udp{.dst = kPort, .checksum = 0} / vni /
                 Payload(mark))
                    .bytes());
  }

  EXPECT_EQ(receiver_->until(mark).size(), 0U);
  EXPECT_EQ(other.until(mark).size(), 0U);
  EXPECT_EQ(packets(*filter_, VTEP_OUTER_FRAGMENT, Vni{}), 2U);
}

TEST_F(NftUnderlay, VtepWithIpv6) {
  start("2001:db8:5::1", "2001:db8:5::2");
  const auto from = [](const char* source) { return Ipv6{.src = source, .dst = "2001:db8:5::1"}; };
  const auto ours = Udp{.dst = kPort} / Vxlan{.vni = kVni.value} / Payload(64);
  const auto others = Udp{.dst = kPort} / Vxlan{.vni = kOthers} / Payload(64);
  const auto without_flag = Udp{.dst = kPort} / Vxlan{.vni = kVni.value, .flags = 0} / Payload(64);
  const Ipv6Ext first_fragment{.number = 44, .body = {0, 0, 1, 0, 0, 0, 1}};
  check(
      {
          {"of a member", from("2001:db8:5::2") / ours},
          {"of a stranger", from("2001:db8:5::3") / ours, VTEP_NOT_MEMBER},
          {"a stranger's other VNI", from("2001:db8:5::3") / others, VTEP_FOREIGN_VNI},
          {"without the I flag", from("2001:db8:5::2") / without_flag, VTEP_VXLAN_FLAGS},
          {"first fragment", from("2001:db8:5::2") / first_fragment / ours, VTEP_OUTER_FRAGMENT},
          {"one that hides the VNI", from("2001:db8:5::3") / first_fragment / Udp{.dst = kPort},
           VTEP_OUTER_FRAGMENT, Vni{}},
          {"one that hides the port",
           from("2001:db8:5::3") / first_fragment / Ipv6Ext{.number = 60, .next = 17},
           VTEP_OUTER_FRAGMENT, Vni{}},
      },
      from("2001:db8:5::2") / Udp{.dst = kPort} / Vxlan{.vni = kVni.value});
  const RawSender sender(far_, "switch");
  const Bytes mark{0x55, 0xaa, 0x55};
  const auto fragment = [&](const Bytes& body) {
    return kOuter / from("2001:db8:5::2") / Ipv6Ext{.number = 44, .body = body, .next = 17};
  };
  const Bytes whole = (from("2001:db8:5::2") / others).bytes();
  const auto middle = whole.begin() + 40 + 32;
  sender.send(
      (fragment({0, 0, 1, 0, 0, 0, 7}) / Payload(Bytes(whole.begin() + 40, middle))).bytes());
  sender.send((fragment({0, 0, 32, 0, 0, 0, 7}) / Payload(Bytes(middle, whole.end()))).bytes());
  sender.send((kOuter / from("2001:db8:5::2") / Udp{.dst = kPort} / Vxlan{.vni = kVni.value} /
               Payload(mark))
                  .bytes());
  EXPECT_EQ(receiver_->until(mark).size(), 1U) << "others' fragments are put together";
  EXPECT_EQ(must(filter_->read_back()).members,
            (std::set<MemberKey>{{kVni, address("2001:db8:5::2")}}));
}

}  // namespace
}  // namespace vtepd::nft::test
