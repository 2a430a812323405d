// SPDX-License-Identifier: GPL-2.0-only
// What the tables hold: read back, taken over, mended, replaced, taken out.
#include "nft/bench.h"

namespace vtepd::nft::test {
namespace {

class NftState : public NftTest {};

TEST_F(NftState, ReadsBackWhatWasApplied) {
  auto filter = open();
  EXPECT_EQ(must(filter->read_back()), FilterState{});
  auto state = usual();
  state.ports[kPort2].checked = false;
  state.ports[kPort2].ipv6 = false;
  state.ports[kPort1].macs.insert(mac_address(Mac(7)));
  for (const char* text : {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "0.0.0.0/0",
                           "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2::3/128", "::/0"}) {
    state.ports[kPort1].addresses.insert(prefix(text));
  }
  state.vnis.insert(Vni{Vni::kMax});
  state.members.insert({Vni{Vni::kMax}, address("198.51.100.3")});

  must(filter->apply(putting(state)));

  EXPECT_EQ(must(filter->read_back()), state);
}

TEST_F(NftState, PuttingAPortReplacesIt) {
  auto filter = open();
  auto state = usual();
  state.ports[kPort1].addresses.insert(prefix("10.0.0.0/8"));
  state.ports[kPort1].addresses.insert(prefix("10.1.0.0/16"));
  must(filter->apply(putting(state)));

  state.ports[kPort1] = filter_port(1, false);
  state.ports[kPort1].macs = {mac_address(Mac(9))};
  state.ports[kPort1].addresses.insert(prefix("10.1.0.0/16"));
  must(filter->apply({.ports_put = {{kPort1, state.ports[kPort1]}}}));
  EXPECT_EQ(must(filter->read_back()), state);

  state.ports[kPort1].vni = Vni{257};
  state.ports[kPort1].checked = false;
  must(filter->apply({.ports_put = {{kPort1, state.ports[kPort1]}}}));
  EXPECT_EQ(must(filter->read_back()), state);

  state.ports.erase(kPort1);
  state.vnis.clear();
  state.members.clear();
  must(filter->apply({.ports_remove = {kPort1, "vtep0000000f"},
                      .vnis_remove = {kVni, Vni{77}},
                      .members_remove = {{kVni, address("198.51.100.2")}}}));
  EXPECT_EQ(must(filter->read_back()), state);
}

TEST_F(NftState, NextDaemonTakesOver) {
  auto filter = open();
  must(filter->apply(putting(usual())));
  const auto tables = hidden_run("nft -a list table bridge vtepd");
  filter.reset();

  filter = open();

  EXPECT_EQ(must(filter->read_back()), usual());
  EXPECT_EQ(hidden_run("nft -a list table bridge vtepd"), tables) << "nothing was made anew";
}

}  // namespace
}  // namespace vtepd::nft::test
