// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/pins.h"
#include "dataplane/bench.h"

#include <bpf/bpf.h>

namespace vtepd::test {

namespace {

using Names = std::vector<std::string>;

class Drift : public DataplaneTest {
 protected:
  void start(const std::string& kind) {
    port_ = make_veth("vtep01");
    auto wanted = options();
    wanted.attach = kind;
    dataplane_ = must(BpfDataplane::open(wanted));
    must(dataplane_->attach_port(port_, "vtep01"));
    must(dataplane_->commit());
    EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
  }

  void expect_mended(const std::string& kind) {
    const auto problems = must(dataplane_->verify_attachments());
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].find("vtep01_in"), std::string::npos) << problems[0];
    EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
    EXPECT_EQ(names(on_hook(kind, port_, Direction::Ingress)),
              (Names{"vtep_from_ep", "vtep_drop_all"}));
  }

  IfIndex port_;
  std::unique_ptr<BpfDataplane> dataplane_;
};

}  // namespace

TEST_F(Drift, DetachedLinkIsAttachedAgain) {
  start("tcx");
  const auto link = must(open_pin(kPins + "/links/vtep01_in", false));
  ASSERT_EQ(bpf_link_detach(link.get()), 0);

  expect_mended("tcx");
}

TEST_F(Drift, RemovedPinIsPinnedAgainWithoutDetaching) {
  start("tcx");
  const auto before = on_tcx(port_, Direction::Ingress);
  must(remove_pin(kPins + "/links/vtep01_in2"));

  expect_mended("tcx");

  EXPECT_EQ(on_tcx(port_, Direction::Ingress)[1].link_id, before[1].link_id);
  EXPECT_TRUE(exists(kPins + "/links/vtep01_in2"));
}

TEST_F(Drift, RemovedFilterIsAttachedAgain) {
  start("clsact");
  run("tc filter del dev vtep01 ingress prio 17");

  expect_mended("clsact");
}

TEST_F(Drift, InterfaceThatIsGoneIsNoProblem) {
  start("tcx");
  run("ip link del vtep01");

  EXPECT_TRUE(must(dataplane_->verify_attachments()).empty());
}

}  // namespace vtepd::test
