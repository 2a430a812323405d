// SPDX-License-Identifier: GPL-2.0-only
#include "registry/gossip_codec.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd {
namespace {

using testing::HasSubstr;

const std::string kNid(64, 'a');
const std::string kEid(64, 'b');
// As a Docker 20.10 host sent it when a container came.
const std::string kName = "jl 10.99.0.1 " + kNid + " " + kEid;
const std::string kPayload = "join 192.168.0.3 255.255.255.0 02:42:c0:a8:00:03";

TEST(LookupLeave, NamesWhatDockerKeepsAfterALookup) {
  const LookupLeave leave{.vtep = *IpAddress::parse("192.0.2.1"),
                          .network = *ObjectId::parse(kNid),
                          .address = *IpPrefix::parse("10.0.0.2/24"),
                          .mac = *MacAddress::parse("02:42:0a:00:00:02")};

  EXPECT_EQ(leave.name(), "jl ::ffff:192.0.2.1 " + kNid + " dummy");
  EXPECT_EQ(leave.payload(), "leave 10.0.0.2 255.255.255.0 02:42:0a:00:00:02");
  EXPECT_TRUE(LookupLeave::is_name(leave.name()));
  EXPECT_FALSE(LookupLeave::is_name("jl 192.0.2.1 " + kNid + " " + kEid));
}

TEST(PeerEvent, ReadsAndWritesDockersTexts) {
  const auto event = PeerEvent::parse(kName, kPayload);
  ASSERT_TRUE(event.has_value()) << event.error().what;
  EXPECT_TRUE(event->join);
  EXPECT_EQ(event->vtep.to_string(), "10.99.0.1");
  EXPECT_EQ(event->network.to_string(), kNid);
  EXPECT_EQ(event->endpoint.to_string(), kEid);
  EXPECT_EQ(event->address.to_string(), "192.168.0.3/24");
  EXPECT_EQ(event->mac.to_string(), "02:42:c0:a8:00:03");
  EXPECT_EQ(event->name(), kName);
  EXPECT_EQ(event->payload(), kPayload);
  const auto leave = PeerEvent::parse(kName, "leave" + kPayload.substr(4));
  ASSERT_TRUE(leave.has_value());
  EXPECT_FALSE(leave->join);
  EXPECT_EQ(leave->payload(), "leave" + kPayload.substr(4));
}

TEST(PeerEvent, CarriesIpv6AsGoPrintsIt) {
  const std::string payload = "join fd00::2 ffff:ffff:ffff:ffff:: 02:42:c0:a8:00:03";
  const auto event = PeerEvent::parse("jl 2001:db8::1 " + kNid + " " + kEid, payload);
  ASSERT_TRUE(event.has_value()) << event.error().what;
  EXPECT_EQ(event->address.to_string(), "fd00::2/64");
  EXPECT_EQ(event->payload(), payload);
}

TEST(PeerEvent, KeepsEveryLengthOfAMask) {
  for (int length = 0; length <= 128; ++length) {
    for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
      auto event = *PeerEvent::parse(kName, kPayload);
      const auto prefix = IpPrefix::parse(std::string(address) + "/" + std::to_string(length));
      if (!prefix) {
        continue;  // over 32
      }
      event.address = *prefix;
      const auto again = PeerEvent::parse(event.name(), event.payload());
      ASSERT_TRUE(again.has_value()) << event.payload() << ": " << again.error().what;
      EXPECT_EQ(*again, event);
    }
  }
}

struct BadEvent {
  const char* name;
  std::string event;
  std::string payload;
  const char* message;
};

class PeerEventRefuses : public testing::TestWithParam<BadEvent> {};

TEST_P(PeerEventRefuses, NamingThePart) {
  const auto event = PeerEvent::parse(GetParam().event, GetParam().payload);
  ASSERT_FALSE(event.has_value());
  EXPECT_EQ(event.error().kind, ErrorKind::Invalid);
  EXPECT_THAT(event.error().what, HasSubstr(GetParam().message));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, PeerEventRefuses,
    testing::Values(
        BadEvent{"empty", "", "", "event ''"},
        BadEvent{"another_event", replaced(kName, "jl", "lj"), kPayload,
                 "does not begin with 'jl'"},
        BadEvent{"endpoint_missing", "jl 10.99.0.1 " + kNid, kPayload, "is not of 4 words"},
        BadEvent{"five_words", kName + " x", kPayload, "is not of 4 words"},
        BadEvent{"blank_at_the_end", kName + " ", kPayload, "is not of 4 words"},
        BadEvent{"two_blanks", replaced(kName, " ", "  "), kPayload, "is not of 4 words"},
        BadEvent{"vtep_is_a_name", replaced(kName, "10.99.0.1", "host"), kPayload, "VTEP 'host'"},
        BadEvent{"vtep_nil", replaced(kName, "10.99.0.1", "<nil>"), kPayload, "VTEP '<nil>'"},
        BadEvent{"vtep_zero", replaced(kName, "10.99.0.1", "0.0.0.0"), kPayload,
                 "is not a unicast address"},
        BadEvent{"nid_short", replaced(kName, "aaaa", "aaa"), kPayload, "network id 'aaa"},
        BadEvent{"eid_upper", replaced(kName, "bb", "BB"), kPayload, "endpoint id 'BBb"},
        BadEvent{"nul_behind", kName, kPayload + std::string(1, '\0'), "printable ASCII"},
        BadEvent{"newline", kName, replaced(kPayload, " ", "\n"), "printable ASCII"},
        BadEvent{"action", kName, replaced(kPayload, "join", "move"), "action 'move'"},
        BadEvent{"address", kName, replaced(kPayload, "168", "1680"), "address '192.1680.0.3'"},
        BadEvent{"address_multicast", kName, replaced(kPayload, "192.168.0.3", "239.0.0.1"),
                 "is not a unicast address"},
        BadEvent{"mask_with_holes", kName, replaced(kPayload, "255.255.255.0", "255.0.255.0"),
                 "mask '255.0.255.0' has holes"},
        BadEvent{"mask_of_the_other_family", kName, replaced(kPayload, "255.255.255.0", "ffff::"),
                 "mask 'ffff::' is not one of"},
        BadEvent{"mask_is_a_length", kName, replaced(kPayload, "255.255.255.0", "24"), "mask '24'"},
        BadEvent{"mac_multicast", kName, replaced(kPayload, "02:42", "01:42"), "MAC '01:42"},
        BadEvent{"mac_missing", kName, "join 192.168.0.3 255.255.255.0", "payload 'join"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(PeerEvent, ShowsALongTextShortened) {
  const auto event = PeerEvent::parse(std::string(500, 'x') + "\x1b", "");
  ASSERT_FALSE(event.has_value());
  EXPECT_LT(event.error().what.size(), 150u);
  EXPECT_EQ(event.error().what.find('\x1b'), std::string::npos);
}

TEST(PeerLookup, ReadsAndWritesDockersText) {
  const std::string payload = kNid + " 192.168.0.20";
  const auto lookup = PeerLookup::parse(payload);
  ASSERT_TRUE(lookup.has_value());
  EXPECT_EQ(lookup->address.to_string(), "192.168.0.20");
  EXPECT_EQ(lookup->payload(), payload);
  EXPECT_FALSE(PeerLookup::parse(kNid).has_value());
  EXPECT_FALSE(PeerLookup::parse(kNid + " 192.168.0.20 x").has_value());
  EXPECT_FALSE(PeerLookup::parse("b " + kNid).has_value());
}

TEST(PeerAnswer, ReadsAndWritesDockersText) {
  const auto asked = *IpAddress::parse("192.168.0.20");
  const std::string payload = "02:42:c0:a8:00:14 255.255.255.0 10.99.0.2";
  const auto answer = PeerAnswer::parse(asked, payload);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->address.to_string(), "192.168.0.20/24");
  EXPECT_EQ(answer->vtep.to_string(), "10.99.0.2");
  EXPECT_EQ(answer->payload(), payload);
}

// What Docker answers for peers that it restored before it knew its own address.
TEST(PeerAnswer, RefusesAVtepThatIsNil) {
  const auto answer =
      PeerAnswer::parse(*IpAddress::parse("192.168.0.20"), "02:42:c0:a8:00:14 255.255.255.0 <nil>");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().what, "VTEP '<nil>' is not an IP address");
}

}  // namespace
}  // namespace vtepd
