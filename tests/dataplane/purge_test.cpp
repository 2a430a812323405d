// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/purge.h"

#include "dataplane/bench.h"

namespace vtepd::test {

namespace {

class Purge : public DataplaneTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static std::unique_ptr<BpfDataplane> start(const std::string& instance, std::uint16_t port) {
    auto wanted = options(instance);
    wanted.attach = GetParam();
    wanted.port = port;
    auto dataplane = must(BpfDataplane::open(wanted));
    fill(*dataplane, small_state());
    return dataplane;
  }
};

}  // namespace

TEST_P(Purge, TakesOneInstanceAndSparesTheOther) {
  const IfIndex shared = make_veth("ul0");
  const IfIndex port = make_veth("vtep01");
  const IfIndex kept = make_veth("vtep02");
  {
    const auto gone = start("test", 4789);
    must(gone->attach_underlay({.ifindex = shared}));
    must(gone->attach_port(port, "vtep01"));
    must(gone->commit());
    const auto stays = start("other", 8472);
    must(stays->attach_underlay({.ifindex = shared}));
    must(stays->attach_port(kept, "vtep02"));
    must(stays->commit());
  }
  const auto before = names(on_hook(GetParam(), kept, Direction::Ingress));

  const auto removed = must(purge_bpf(kBpffs, "test"));

  EXPECT_FALSE(removed.empty());
  EXPECT_FALSE(exists(kPins));
  EXPECT_TRUE(on_hook(GetParam(), port, Direction::Ingress).empty());
  EXPECT_TRUE(on_hook(GetParam(), port, Direction::Egress).empty());
  EXPECT_EQ(run("tc qdisc show dev vtep01").find("clsact"), std::string::npos);
  EXPECT_EQ(names(on_hook(GetParam(), shared, Direction::Ingress)),
            std::vector<std::string>{"vtep_from_ul"});
  EXPECT_EQ(names(on_hook(GetParam(), kept, Direction::Ingress)), before);
  EXPECT_TRUE(exists(kBpffs + "/vtepd/other/" + kSetName + "/vtep_fdb"));
}

TEST_P(Purge, IsIdempotentAndLeavesNoFolder) {
  const IfIndex port = make_veth("vtep01");
  {
    const auto dataplane = start("test", 4789);
    must(dataplane->attach_port(port, "vtep01"));
  }  // ended before its commit

  EXPECT_FALSE(must(purge_bpf(kBpffs, "test")).empty());
  EXPECT_TRUE(must(purge_bpf(kBpffs, "test")).empty());

  EXPECT_FALSE(exists(kBpffs + "/vtepd"));
  EXPECT_TRUE(on_hook(GetParam(), port, Direction::Ingress).empty());
}

INSTANTIATE_TEST_SUITE_P(Hooks, Purge, ::testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace vtepd::test
