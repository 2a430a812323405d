// SPDX-License-Identifier: GPL-2.0-only
#include "nft/elements.h"

#include "nft/numbers.h"

#include <array>

#include <gtest/gtest.h>

namespace vtepd::nft {
namespace {

IpPrefix prefix(const char* text) {
  return IpPrefix::parse(text).value();
}

FilterPort port(std::initializer_list<const char*> prefixes) {
  FilterPort port{.vni = Vni{256}, .ipv6 = true, .macs = {MacAddress{{2, 0, 0, 0, 0, 1}}}};
  for (const auto* text : prefixes) {
    port.addresses.insert(prefix(text));
  }
  return port;
}

TEST(Numbers, AreWrittenAndReadWithoutLeadingZeros) {
  const std::array<std::uint8_t, 4> bytes{0, 0x0a, 0xbc, 0};
  EXPECT_EQ(hex(bytes), "0xabc00");
  EXPECT_EQ(hex(std::array<std::uint8_t, 2>{}), "0x0");
  EXPECT_EQ(hex(256), "0x100");
  EXPECT_EQ(hex(0), "0x0");
  std::array<std::uint8_t, 4> back{1, 1, 1, 1};
  ASSERT_TRUE(parse_hex("0xabc00", back));
  EXPECT_EQ(back, bytes);
  for (const char* bad : {"", "0x", "abc", "0x123456789", "0xg", "0x-1"}) {
    EXPECT_FALSE(parse_hex(bad, back)) << bad;
    EXPECT_FALSE(parse_hex_number<std::uint32_t>(bad)) << bad;
  }
  EXPECT_EQ(parse_hex_number<std::uint32_t>("0xffffffff"), 0xffffffffU);
}

TEST(PortElements, NetworksWithinOthersAreKeptBeside) {
  const auto elements =
      port_elements("vtep00000001", port({"10.1.2.0/24", "10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/24",
                                          "::/0", "fe80::/64", "10.1.2.3/32"}));
  const Elements expected{
      {{"ports", "vtep00000001"}, "0x2000100"},
      {{"macs", "vtep00000001 . 0x20000000001"}, ""},
      {{"addrs4", "vtep00000001 . 10.1.2.3"}, ""},
      {{"nets4", "vtep00000001 . 10.0.0.0/8"}, ""},
      {{"nets4", "vtep00000001 . 11.0.0.0/24"}, ""},
      {{"covered4", "vtep00000001 . 10.1.0.0 . 0x10"}, ""},
      {{"covered4", "vtep00000001 . 10.1.2.0 . 0x18"}, ""},
      {{"nets6", "vtep00000001 . 0x0-0xffffffffffffffffffffffffffffffff"}, ""},
      {{"covered6", "vtep00000001 . 0xfe800000000000000000000000000000 . 0x40"}, ""},
  };
  EXPECT_EQ(elements, expected);
}

TEST(PortElements, HostBitsAreNotKept) {
  EXPECT_EQ(port_elements("p", port({"10.1.2.3/8"})), port_elements("p", port({"10.0.0.0/8"})));
}

TEST(PortElements, OfOnePortAreToldFromThoseOfItsNeighbours) {
  Elements all;
  const auto own = port_elements("vtep1", port({"10.1.2.3/32", "10.0.0.0/8"}));
  for (const char* name : {"vtep0", "vtep1", "vtep10", "vtep1-", "vtep"}) {
    all.merge(port_elements(name, port({"10.1.2.3/32", "10.0.0.0/8"})));
  }
  EXPECT_EQ(port_part(all, "vtep1"), own);
  EXPECT_EQ(port_part(all, "vtep2"), Elements{});
}

TEST(State, IsWhatTheElementsSay) {
  FilterState state;
  state.ports["vtep1"] = port({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32", "2001:db8::1/128"});
  state.ports["vtep2"] = {.vni = Vni{Vni::kMax}, .checked = false};
  state.vnis = {Vni{256}};
  state.members = {{Vni{256}, IpAddress::parse("198.51.100.2").value()},
                   {Vni{9}, IpAddress::parse("2001:db8::2").value()}};
  Elements bridge;
  for (const auto& [name, one] : state.ports) {
    bridge.merge(port_elements(name, one));
  }
  bridge.insert(wire_element(Vni{256}));
  Elements underlay{{vni_element(Vni{256}), ""}};
  for (const auto& member : state.members) {
    underlay[member_element(member)] = "";
  }

  EXPECT_EQ(state_of(bridge, underlay), state);

  underlay[vni_element(Vni{257})] = "";
  EXPECT_EQ(state_of(bridge, underlay), state) << "a VNI that only one table has";
  bridge[wire_element(Vni{257}).first] = "0x100";
  EXPECT_EQ(state_of(bridge, underlay), state) << "one whose device has the VNI of another";
}

TEST(State, PortThatCannotSendHasNoVni) {
  auto elements = port_elements("vtep1", port({"10.0.0.0/8"}));
  elements.erase({"ports", "vtep1"});
  const auto state = state_of(elements, {});
  ASSERT_TRUE(state.ports.contains("vtep1"));
  EXPECT_EQ(state.ports.at("vtep1").vni, Vni{});
}

TEST(State, WhatNobodyOfUsWroteSaysNothing) {
  const Elements bridge{{{"macs", "vtep1 . 0x1000000000000"}, ""},
                        {{"nets4", "vtep1 . 10.0.0.0-10.0.0.4"}, ""},
                        {{"nets6", "vtep1 . 0x1-0x4"}, ""},
                        {{"covered4", "vtep1 . 10.0.0.0"}, ""},
                        {{"covered4", "vtep1 . 10.0.0.0 . 0x100"}, ""},
                        {{"addrs4", "vtep1"}, ""},
                        {{"spoof_mac", "0x100"}, ""}};
  const Elements underlay{{{"vnis", ""}, ""}, {{"members", "0x1"}, ""}, {{"members", "x . y"}, ""}};
  FilterState state;
  state.ports["vtep1"] = {};
  EXPECT_EQ(state_of(bridge, underlay), state);
}

}  // namespace
}  // namespace vtepd::nft
