// SPDX-License-Identifier: GPL-2.0-only
// What the tables hold: read back, taken over, mended, replaced, taken out.
#include "nft/bench.h"

#include <algorithm>
#include <iterator>
#include <vector>

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
  EXPECT_EQ(daemon_run("nft list set ip vtepd-test vnis").find("elements"), std::string::npos);
  EXPECT_EQ(hidden_run("nft list map bridge vtepd wire_vni").find("elements"), std::string::npos);
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

// What turns `have` into `want`, as a caller makes it of what it reads back.
FilterDelta mending(const FilterState& have, const FilterState& want) {
  FilterDelta delta;
  for (const auto& [name, port] : want.ports) {
    if (const auto at = have.ports.find(name); at == have.ports.end() || at->second != port) {
      delta.ports_put.emplace_back(name, port);
    }
  }
  for (const auto& [name, port] : have.ports) {
    if (!want.ports.contains(name)) {
      delta.ports_remove.push_back(name);
    }
  }
  std::set_difference(want.vnis.begin(), want.vnis.end(), have.vnis.begin(), have.vnis.end(),
                      std::back_inserter(delta.vnis_put));
  std::set_difference(have.vnis.begin(), have.vnis.end(), want.vnis.begin(), want.vnis.end(),
                      std::back_inserter(delta.vnis_remove));
  std::set_difference(want.members.begin(), want.members.end(), have.members.begin(),
                      have.members.end(), std::back_inserter(delta.members_put));
  std::set_difference(have.members.begin(), have.members.end(), want.members.begin(),
                      want.members.end(), std::back_inserter(delta.members_remove));
  return delta;
}

class NftDrift : public NftTest {
 protected:
  static FilterState wanted() {
    auto state = usual();
    state.ports[kPort1].addresses.insert(prefix("10.1.0.0/16"));
    state.ports[kPort1].addresses.insert(prefix("10.1.2.0/24"));
    state.ports[kPort1].addresses.insert(prefix("2001:db8:1::/48"));
    return state;
  }

  // Somebody's command in the one or the other namespace is seen and put right.
  void check(const std::vector<std::string>& commands, bool hidden) {
    auto filter = open();
    must(filter->apply(putting(wanted())));
    const auto rules = hidden_run("nft -t list table bridge vtepd") +
                       daemon_run("nft -t list table ip vtepd-test");
    for (const auto& command : commands) {
      static_cast<void>(hidden ? hidden_run("nft " + command) : daemon_run("nft " + command));
      const auto have = must(filter->read_back());
      EXPECT_FALSE(have == wanted()) << command;
      must(filter->apply(mending(have, wanted())));
      EXPECT_EQ(must(filter->read_back()), wanted()) << command;
    }
    const auto again = hidden_run("nft -t list table bridge vtepd") +
                       daemon_run("nft -t list table ip vtepd-test");
    EXPECT_EQ(again, rules);
  }
};

TEST_F(NftDrift, ElementsOfThePorts) {
  check(
      {
          "'delete element bridge vtepd macs { \"vtep00000001\" . 0x02005e100001 }'",
          "'delete element bridge vtepd addrs4 { \"vtep00000001\" . 192.0.2.1 }'",
          "'delete element bridge vtepd nets4 { \"vtep00000001\" . 10.1.0.0/16 }'",
          "flush set bridge vtepd macs",
          "flush set bridge vtepd addrs6",
          "flush set bridge vtepd nets6",
          "flush set bridge vtepd covered4",
          "flush map bridge vtepd ports",
          "flush map bridge vtepd wire_vni",
          "'add element bridge vtepd macs { \"vtep00000001\" . 0x02005e100009 }'",
          "'add element bridge vtepd nets4 { \"vtep00000002\" . 0.0.0.0/0 }'",
          "'add element bridge vtepd ports { \"eth0\" : 0x03000100 }'",
          "'delete element bridge vtepd ports { \"vtep00000001\" };"
          " add element bridge vtepd ports { \"vtep00000001\" : 0x03000100 }'",
      },
      true);
}

TEST_F(NftDrift, RulesOfTheBridges) {
  check(
      {
          "flush table bridge vtepd",
          "delete table bridge vtepd",
          "flush ruleset",
          "flush chain bridge vtepd arp_source",
          "insert rule bridge vtepd prerouting accept",
          "'add chain bridge vtepd prerouting { policy accept; }'",
          "delete set bridge vtepd covered6",
          "'add chain bridge vtepd more { type filter hook input priority 0; }'",
      },
      true);
}

TEST_F(NftDrift, Members) {
  check(
      {
          "'delete element ip vtepd-test members { 0x100 . 198.51.100.2 }'",
          "'add element ip vtepd-test members { 0x100 . 198.51.100.3 }'",
          "flush set ip vtepd-test vnis",
          "flush set ip vtepd-test members",
          "flush table ip vtepd-test",
          "delete table ip vtepd-test",
          "insert rule ip vtepd-test ours accept",
      },
      false);
}

// Without reading back first.
TEST_F(NftDrift, IsMendedByWhateverIsApplied) {
  auto filter = open();
  must(filter->apply(putting(usual())));
  static_cast<void>(hidden_run("nft delete table bridge vtepd"));
  static_cast<void>(daemon_run("nft flush set ip vtepd-test members"));

  must(filter->apply({.ports_put = {{kPort1, filter_port(1, true)}},
                      .vnis_put = {kVni},
                      .members_remove = {{kVni, address("198.51.100.2")}}}));

  FilterState left;
  left.ports[kPort1] = filter_port(1, true);
  left.vnis = {kVni};
  EXPECT_EQ(must(filter->read_back()), left);
}

TEST_F(NftState, TableOfAnotherVersionGuardsUntilItIsReplaced) {
  static_cast<void>(
      hidden_run("nft 'table bridge vtepd { map port_vni { type ifname : mark; };"
                 " counter layout_0_0 { }; chain prerouting {"
                 " type filter hook prerouting priority -300; policy drop; }; }'"));
  const auto before = hidden_run("nft list table bridge vtepd");

  auto filter = open();

  EXPECT_EQ(must(filter->read_back()), FilterState{});
  EXPECT_EQ(hidden_run("nft list table bridge vtepd"), before);
  must(filter->apply(putting(usual())));
  EXPECT_EQ(must(filter->read_back()), usual());
}

TEST_F(NftState, AnotherVtepIsAnotherTable) {
  must(open()->apply(putting(usual())));

  auto filter = must(NftFilter::open({.instance = "test",
                                      .hidden_netns = hidden_fd_.get(),
                                      .vtep = address("198.51.100.77"),
                                      .port = kPort}));

  const auto have = must(filter->read_back());
  EXPECT_EQ(have.members, std::set<MemberKey>{});
  must(filter->apply(putting(usual())));
  EXPECT_EQ(must(filter->read_back()), usual());
}

TEST_F(NftState, PurgeTakesOutTheInstancesTablesOnly) {
  const std::vector<std::string> removed{"table bridge vtepd", "table ip vtepd-test"};
  must(open()->apply(putting(usual())));
  static_cast<void>(hidden_run("nft add table bridge other"));
  static_cast<void>(
      daemon_run("nft add table ip vtepd-tes; nft add table inet vtepd-test;"
                 " nft add table ip vtepd-test2"));
  const auto others = daemon_run("nft list tables | grep -v 'ip vtepd-test$'");

  EXPECT_EQ(must(NftFilter::purge("test", hidden_fd_.get())), removed);

  EXPECT_EQ(daemon_run("nft list tables"), others);
  EXPECT_EQ(hidden_run("nft list tables"), "table bridge other\n");
  EXPECT_EQ(must(NftFilter::purge("test", hidden_fd_.get())), std::vector<std::string>{});
  EXPECT_EQ(must(NftFilter::purge("test", std::nullopt)), std::vector<std::string>{});
}

TEST_F(NftState, NamesThatNftWouldTakeForSomethingElseAreRefused) {
  auto filter = open();
  for (const char* name : {"", "a\"b", "vtep*", "vx256", "0123456789abcdef", "a b"}) {
    const auto refused = filter->apply({.ports_put = {{name, filter_port(1, false)}}});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, ErrorKind::Invalid);
  }
  EXPECT_EQ(must(filter->read_back()), FilterState{});
}

TEST_F(NftState, GroupThatSomebodyListensToIsAConflict) {
  const auto first = open();
  const auto second = NftFilter::open({.instance = "test",
                                       .hidden_netns = hidden_fd_.get(),
                                       .vtep = address(kVtep),
                                       .port = kPort});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Conflict) << second.error().what;
  EXPECT_NE(second.error().what.find("4789"), std::string::npos) << second.error().what;
}

}  // namespace
}  // namespace vtepd::nft::test
