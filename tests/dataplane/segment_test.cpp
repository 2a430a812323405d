// SPDX-License-Identifier: GPL-2.0-only
// The programs on the pair that cuts frames up.
#include "bpf/purge.h"
#include "dataplane/bench.h"

namespace vtepd::test {

namespace {

using Names = std::vector<std::string>;

class SegmentPrograms : public DataplaneTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    DataplaneTest::SetUp();
    sending_ = make_veth("sa");
    receiving_ = make_veth("sb");
    dataplane_ = open();
  }

  static std::unique_ptr<BpfDataplane> open() {
    auto wanted = options();
    wanted.attach = GetParam();
    return must(BpfDataplane::open(wanted));
  }

  void expect_in_place() const {
    EXPECT_EQ(names(on_hook(GetParam(), receiving_, Direction::Ingress)),
              (Names{"vtep_from_seg", "vtep_drop_all"}));
    EXPECT_EQ(names(on_hook(GetParam(), receiving_, Direction::Egress)), Names{"vtep_ep_guard"});
    EXPECT_EQ(names(on_hook(GetParam(), sending_, Direction::Ingress)), Names{"vtep_drop_all"});
    EXPECT_TRUE(on_hook(GetParam(), sending_, Direction::Egress).empty());
  }

  static std::string table() {
    return run("bpftool map dump pinned " + kSet + "/vtep_seg | tr -d ' \\n'");
  }

  IfIndex sending_;
  IfIndex receiving_;
  std::unique_ptr<BpfDataplane> dataplane_;
};

}  // namespace

TEST_P(SegmentPrograms, AreAttachedAndAdoptedByTheNextRun) {
  must(dataplane_->attach_segment_pair(sending_, receiving_));
  EXPECT_TRUE(must(dataplane_->use_segment_pair(sending_)));
  EXPECT_FALSE(must(dataplane_->use_segment_pair(sending_)));
  must(dataplane_->commit());
  expect_in_place();
  EXPECT_NE(table().find("\"value\":" + std::to_string(sending_.value)), std::string::npos)
      << table();

  dataplane_.reset();
  dataplane_ = open();

  EXPECT_FALSE(must(dataplane_->use_segment_pair(sending_))) << "the entry was adopted";
  must(dataplane_->attach_segment_pair(sending_, receiving_));
  expect_in_place();
  EXPECT_TRUE(must(dataplane_->use_segment_pair({})));
}

TEST_P(SegmentPrograms, MoveToAPairThatWasMadeAgain) {
  must(dataplane_->attach_segment_pair(sending_, receiving_));
  run("ip link del sa; ip link del sb");
  sending_ = make_veth("sa");
  receiving_ = make_veth("sb");

  must(dataplane_->attach_segment_pair(sending_, receiving_));

  expect_in_place();
  EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
}

TEST_P(SegmentPrograms, PurgeTakesThemOff) {
  must(dataplane_->attach_segment_pair(sending_, receiving_));
  must(dataplane_->commit());
  dataplane_.reset();

  EXPECT_FALSE(must(purge_bpf(kBpffs, "test")).empty());

  for (const IfIndex end : {sending_, receiving_}) {
    EXPECT_TRUE(on_hook(GetParam(), end, Direction::Ingress).empty());
    EXPECT_TRUE(on_hook(GetParam(), end, Direction::Egress).empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Hooks, SegmentPrograms, ::testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace vtepd::test
