// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/pins.h"
#include "dataplane/bench.h"

namespace vtepd::test {

namespace {

class Adoption : public DataplaneTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static BpfDataplane::Options hooked() {
    auto out = options();
    out.attach = GetParam();
    return out;
  }

  // A first run of the daemon, which ends without cleaning up.
  static void first_run(IfIndex port) {
    const auto dataplane = must(BpfDataplane::open(hooked()));
    EXPECT_FALSE(dataplane->adopted());
    fill(*dataplane, small_state(port));
    must(dataplane->attach_port(port, "vtep01"));
    must(dataplane->commit());
  }
};

}  // namespace

TEST_P(Adoption, NextRunTakesMapsAndLinksOver) {
  const IfIndex port = make_veth("vtep01");
  first_run(port);
  const auto before = on_hook(GetParam(), port, Direction::Ingress);

  const auto dataplane = must(BpfDataplane::open(hooked()));
  EXPECT_TRUE(dataplane->adopted());
  EXPECT_EQ(must(dataplane->read_back()), small_state(port));
  must(dataplane->attach_port(port, "vtep01"));
  must(dataplane->commit());

  const auto after = on_hook(GetParam(), port, Direction::Ingress);
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(names(after), names(before));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].link_id, before[i].link_id);
    EXPECT_NE(after[i].program_id, before[i].program_id);
  }
}

TEST_P(Adoption, RunThatEndedBeforeItsCommitLeavesTheOldSetInUse) {
  const IfIndex port = make_veth("vtep01");
  first_run(port);
  auto larger = hooked();
  larger.limits.fdb = 2048;
  must(BpfDataplane::open(larger)).reset();

  const auto dataplane = must(BpfDataplane::open(hooked()));

  EXPECT_TRUE(dataplane->adopted());
  EXPECT_FALSE(exists(kPins + "/v1_new"));
  EXPECT_EQ(must(dataplane->read_back()), small_state(port));
}

TEST_P(Adoption, IncompleteSetIsNotAdopted) {
  first_run(make_veth("vtep01"));
  must(remove_pin(kSet + "/vtep_peers"));

  const auto dataplane = must(BpfDataplane::open(hooked()));

  EXPECT_FALSE(dataplane->adopted());
  EXPECT_FALSE(dataplane->carries_on());
  EXPECT_EQ(must(dataplane->read_back()), ForwardingState{});
  must(dataplane->commit());
  EXPECT_TRUE(exists(kSet + "/vtep_peers"));
}

TEST_P(Adoption, CommitForgetsInterfacesThatAreGoneAndOtherAbis) {
  first_run(make_veth("vtep01"));
  run("ip link del vtep01");
  run("mkdir " + kPins + "/v999");
  const IfIndex underlay = make_veth("ul0");

  const auto dataplane = must(BpfDataplane::open(hooked()));
  must(dataplane->attach_underlay({.ifindex = underlay}));
  must(dataplane->commit());

  EXPECT_FALSE(exists(kPins + "/v999"));
  for (const auto& name : list_folder(kPins + "/links")) {
    EXPECT_FALSE(name.starts_with("vtep01")) << name;
  }
}

TEST_P(Adoption, SameNameOnAnotherInterfaceIsAttachedAnew) {
  first_run(make_veth("vtep01"));
  run("ip link del vtep01");
  const IfIndex port = make_veth("vtep01");

  const auto dataplane = must(BpfDataplane::open(hooked()));
  must(dataplane->attach_port(port, "vtep01"));

  EXPECT_EQ(on_hook(GetParam(), port, Direction::Ingress).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Hooks, Adoption, ::testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace vtepd::test
