// SPDX-License-Identifier: GPL-2.0-only
#include "dataplane/bench.h"

#include <set>

namespace vtepd::test {

namespace {

using Names = std::vector<std::string>;

class Attach : public DataplaneTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static BpfDataplane::Options hooked(const std::string& kind = GetParam()) {
    auto out = options();
    out.attach = kind;
    return out;
  }

  static std::vector<HookEntry> hook(IfIndex ifindex, Direction direction) {
    return on_hook(GetParam(), ifindex, direction);
  }
};

std::string qdiscs(const std::string& name) {
  return run("tc qdisc show dev " + name);
}

}  // namespace

TEST_P(Attach, PortProgramsStandInOrder) {
  const auto dataplane = must(BpfDataplane::open(hooked()));
  const IfIndex port = make_veth("vtep01");

  must(dataplane->attach_port(port, "vtep01"));
  must(dataplane->attach_port(port, "vtep01"));  // idempotent

  EXPECT_EQ(names(hook(port, Direction::Ingress)), (Names{"vtep_from_ep", "vtep_drop_all"}));
  // The kernel keeps 15 characters of a name.
  EXPECT_EQ(names(hook(port, Direction::Egress)), Names{"vtep_ep_guard"});
  EXPECT_EQ(dataplane->info().attach, GetParam());

  dataplane->detach_port("vtep01");
  EXPECT_TRUE(hook(port, Direction::Ingress).empty());
  EXPECT_TRUE(hook(port, Direction::Egress).empty());
  EXPECT_EQ(qdiscs("vtep01").find("clsact"), std::string::npos);
}

TEST_P(Attach, UnderlayMovesToAnotherDevice) {
  const auto dataplane = must(BpfDataplane::open(hooked()));
  const IfIndex first = make_veth("ul0");
  const IfIndex second = make_veth("ul1");

  must(dataplane->attach_underlay({.ifindex = first}));
  EXPECT_EQ(names(hook(first, Direction::Ingress)), Names{"vtep_from_ul"});
  must(dataplane->attach_underlay({.ifindex = second}));

  EXPECT_TRUE(hook(first, Direction::Ingress).empty());
  EXPECT_EQ(names(hook(second, Direction::Ingress)), Names{"vtep_from_ul"});
}

TEST_P(Attach, UnderlayOfAnEarlierRunIsLeft) {
  const IfIndex first = make_veth("ul0");
  const IfIndex second = make_veth("ul1");
  {
    const auto dataplane = must(BpfDataplane::open(hooked()));
    must(dataplane->attach_underlay({.ifindex = first}));
    must(dataplane->commit());
  }
  EXPECT_EQ(names(hook(first, Direction::Ingress)), Names{"vtep_from_ul"});
  const auto dataplane = must(BpfDataplane::open(hooked()));

  must(dataplane->attach_underlay({.ifindex = second}));
  must(dataplane->commit());

  EXPECT_TRUE(hook(first, Direction::Ingress).empty());
  EXPECT_EQ(qdiscs("ul0").find("clsact"), std::string::npos);
  EXPECT_EQ(names(hook(second, Direction::Ingress)), Names{"vtep_from_ul"});
}

TEST_P(Attach, IdleDeviceDropsEverything) {
  const auto dataplane = must(BpfDataplane::open(hooked()));
  const IfIndex idle = make_veth("idle0");

  must(dataplane->attach_idle(idle));

  EXPECT_EQ(names(hook(idle, Direction::Ingress)), Names{"vtep_drop_all"});
}

TEST_P(Attach, FailureLeavesNothing) {
  const auto dataplane = must(BpfDataplane::open(hooked()));
  const IfIndex port = make_veth("vtep01");
  // What the port program's link would be pinned as, or the filter's place, is taken.
  if (std::string(GetParam()) == "tcx") {
    run("mkdir -p " + kPins + "/links/vtep01_in/x");
  } else {
    run("tc qdisc add dev vtep01 clsact && tc filter add dev vtep01 ingress prio 17 "
        "protocol all u32 match u32 0 0");
  }

  const auto done = dataplane->attach_port(port, "vtep01");

  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("vtep01"), std::string::npos);
  for (const auto direction : {Direction::Ingress, Direction::Egress}) {
    for (const auto& name : names(hook(port, direction))) {
      EXPECT_FALSE(name.starts_with("vtep_")) << name;
    }
  }
  EXPECT_TRUE(must(dataplane->verify_attachments()).empty());
}

TEST_P(Attach, InterfaceThatIsNotThereIsAnError) {
  const auto dataplane = must(BpfDataplane::open(hooked()));

  const auto done = dataplane->attach_underlay({.ifindex = IfIndex{4711}});

  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("interface 4711"), std::string::npos) << done.error().what;
}

TEST_P(Attach, AnotherInstanceKeepsItsProgramsOnTheSameDevice) {
  const IfIndex device = make_veth("ul0");
  const auto first = must(BpfDataplane::open(hooked()));
  auto other_options = hooked();
  other_options.instance = "other";
  other_options.port = 8472;
  const auto other = must(BpfDataplane::open(other_options));

  must(first->attach_underlay({.ifindex = device}));
  must(other->attach_underlay({.ifindex = device}));

  EXPECT_EQ(names(hook(device, Direction::Ingress)), (Names{"vtep_from_ul", "vtep_from_ul"}));
}

TEST_P(Attach, TheOtherWayOfAnEarlierRunIsReplaced) {
  const std::string before = std::string(GetParam()) == "tcx" ? "clsact" : "tcx";
  const IfIndex port = make_veth("vtep01");
  {
    const auto dataplane = must(BpfDataplane::open(hooked(before)));
    must(dataplane->attach_port(port, "vtep01"));
    must(dataplane->commit());
  }
  ASSERT_EQ(on_hook(before, port, Direction::Ingress).size(), 2U);
  const auto dataplane = must(BpfDataplane::open(hooked()));

  must(dataplane->attach_port(port, "vtep01"));

  EXPECT_EQ(names(hook(port, Direction::Ingress)), (Names{"vtep_from_ep", "vtep_drop_all"}));
  EXPECT_TRUE(on_hook(before, port, Direction::Ingress).empty());
  EXPECT_TRUE(on_hook(before, port, Direction::Egress).empty());
}

TEST_P(Attach, ClsactOfSomebodyElseStays) {
  const IfIndex device = make_veth("ul0");
  run("tc qdisc add dev ul0 clsact");
  const auto dataplane = must(BpfDataplane::open(hooked()));
  must(dataplane->attach_port(device, "ul0"));

  dataplane->detach_port("ul0");

  EXPECT_NE(qdiscs("ul0").find("clsact"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Hooks, Attach, ::testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace vtepd::test
