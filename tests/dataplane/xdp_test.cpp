// SPDX-License-Identifier: GPL-2.0-only
// xdp mode on real devices: which programs sit where, in every order of attaching and losing them.
#include "bpf/underlay_hooks.h"
#include "dataplane/bench.h"

#include <set>

#include <linux/if_link.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd::test {
namespace {

using Names = std::vector<std::string>;

const Names kXdpMode{"vtep_from_xdp", "vtep_ul_guard", "vtep_from_ul"};

class Xdp : public DataplaneTest, public testing::WithParamInterface<const char*> {
 protected:
  static BpfDataplane::Options wished(const std::string& mode = "xdp") {
    auto out = options();
    out.mode = mode;
    out.attach = GetParam();
    out.features = probe_kernel().features;
    return out;
  }

  static Names ingress(IfIndex device) {
    return names(on_hook(GetParam(), device, Direction::Ingress));
  }

  static std::uint32_t driver_program(IfIndex device) {
    __u32 id = 0;
    bpf_xdp_query_id(static_cast<int>(device.value), XDP_FLAGS_DRV_MODE, &id);
    return id;
  }

  static UnderlayDevice device(IfIndex ifindex) {
    return {.ifindex = ifindex, .mac = must(MacAddress::parse("02:00:00:00:00:01")), .kind = ""};
  }
};

TEST_P(Xdp, ProgramsStandInOrder) {
  const auto dataplane = must(BpfDataplane::open(wished()));
  const IfIndex ul = make_veth("ul0");

  must(dataplane->attach_underlay(device(ul)));
  must(dataplane->attach_underlay(device(ul)));  // idempotent

  EXPECT_EQ(ingress(ul), kXdpMode);
  EXPECT_NE(driver_program(ul), 0U);
  EXPECT_EQ(dataplane->info().mode, "xdp");
  EXPECT_TRUE(must(dataplane->verify_attachments()).empty());
}

TEST_P(Xdp, WhateverIsDetachedComesBackInItsPlace) {
  const auto dataplane = must(BpfDataplane::open(wished()));
  const IfIndex ul = make_veth("ul0");
  must(dataplane->attach_underlay(device(ul)));
  const auto entries = on_hook(GetParam(), ul, Direction::Ingress);
  ASSERT_EQ(names(entries), kXdpMode);
  const bool tcx = std::string(GetParam()) == "tcx";

  for (std::size_t i = 0; i < kXdpMode.size(); ++i) {
    SCOPED_TRACE(kXdpMode[i]);
    if (tcx) {
      const auto now = on_hook(GetParam(), ul, Direction::Ingress);
      const int link = bpf_link_get_fd_by_id(now.at(i).link_id);
      ASSERT_EQ(bpf_link_detach(link), 0);
      close(link);
    } else {
      run("tc filter del dev ul0 ingress prio " + std::to_string(17 + i));
    }
    ASSERT_NE(ingress(ul), kXdpMode);

    EXPECT_EQ(must(dataplane->verify_attachments()).size(), 1U);

    EXPECT_EQ(ingress(ul), kXdpMode);
  }
}

TEST_P(Xdp, ModeMayChangeBetweenRuns) {
  const IfIndex ul = make_veth("ul0");
  for (const char* mode : {"xdp", "tc", "xdp"}) {
    SCOPED_TRACE(mode);
    const auto dataplane = must(BpfDataplane::open(wished(mode)));
    must(dataplane->attach_underlay(device(ul)));
    must(dataplane->commit());
    const bool xdp = std::string(mode) == "xdp";
    EXPECT_EQ(ingress(ul), xdp ? kXdpMode : Names{"vtep_from_ul"});
    EXPECT_EQ(driver_program(ul) != 0, xdp);
    EXPECT_EQ(dataplane->info().mode, mode);
  }
}

TEST_P(Xdp, MovesToAnotherDevice) {
  const auto dataplane = must(BpfDataplane::open(wished()));
  const IfIndex first = make_veth("ul0");
  const IfIndex second = make_veth("ul1");
  must(dataplane->attach_underlay(device(first)));

  must(dataplane->attach_underlay(device(second)));
  must(dataplane->commit());

  EXPECT_TRUE(ingress(first).empty());
  EXPECT_EQ(driver_program(first), 0U);
  EXPECT_EQ(ingress(second), kXdpMode);
  EXPECT_NE(driver_program(second), 0U);
}

// The programs of the two runs understand each other's metadata while they are being replaced.
TEST_P(Xdp, CookieOutlivesRestartAndNewMapsAndAKill) {
  const IfIndex ul = make_veth("ul0");
  const auto cookie = [](const std::string& set) {
    return run("bpftool -j map dump pinned " + kPins + "/" + set +
               "/vtep_underlays | jq -r '.[0].formatted.value.cookie'");
  };
  std::set<std::string> cookies;
  for (const std::uint32_t fdb : {1024U, 2048U, 2048U}) {
    auto wish = wished();
    wish.limits.fdb = fdb;
    const auto dataplane = must(BpfDataplane::open(wish));
    must(dataplane->attach_underlay(device(ul)));
    must(dataplane->commit());
    cookies.insert(cookie(kSetName));
  }
  run("mv " + kSet + " " + kPins + "/v999");  // as if of another ABI
  {
    const auto killed = must(BpfDataplane::open(wished()));
    must(killed->attach_underlay(device(ul)));
    cookies.insert(cookie(kSetName + "_new"));
  }
  run("rm -r " + kPins + "/v999");
  const auto last = must(BpfDataplane::open(wished()));
  must(last->attach_underlay(device(ul)));
  must(last->commit());
  cookies.insert(cookie(kSetName));
  EXPECT_EQ(cookies.size(), 1U);
  EXPECT_FALSE(cookies.contains("0\n"));
}

TEST_P(Xdp, DeviceThatAnotherProgramHasIsUsedInTcMode) {
  auto other_options = wished();
  other_options.instance = "other";
  other_options.port = 8472;
  const auto other = must(BpfDataplane::open(other_options));
  const auto dataplane = must(BpfDataplane::open(wished("auto")));
  const auto strict = [] {
    auto out = wished();
    out.instance = "strict";
    out.port = 8473;
    return must(BpfDataplane::open(out));
  }();
  const IfIndex taken = make_veth("ul0");
  const IfIndex open = make_veth("ul1");
  must(other->attach_underlay(device(taken)));

  must(dataplane->attach_underlay(device(taken)));
  EXPECT_EQ(dataplane->info().mode, "tc");
  EXPECT_NE(dataplane->info().reason.find("native XDP"), std::string::npos)
      << dataplane->info().reason;
  const auto refused = strict->attach_underlay(device(taken));
  ASSERT_FALSE(refused) << "asked for by name, it is not done without";
  EXPECT_NE(refused.error().what.find("underlay.mode"), std::string::npos) << refused.error().what;

  must(dataplane->attach_underlay(device(open)));
  EXPECT_EQ(dataplane->info().mode, "xdp") << "the positive twin";
}

TEST_P(Xdp, DeviceWithoutNativeXdpIsUsedInTcModeWithAdvice) {
  run("ip link add ul0 type bridge");
  run("ip link set ul0 up");
  const auto dataplane = must(BpfDataplane::open(wished("auto")));

  must(dataplane->attach_underlay(device(IfIndex{if_nametoindex("ul0")})));

  EXPECT_EQ(dataplane->info().mode, "tc");
  EXPECT_NE(dataplane->info().reason.find("ctrl_guest_offloads"), std::string::npos)
      << dataplane->info().reason;
}

INSTANTIATE_TEST_SUITE_P(Hooks, Xdp, testing::Values("tcx", "clsact"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(UnderlayMode, AutoTriesXdpOnAllButVeth) {
  EXPECT_TRUE(choose_mode("auto", "").xdp);
  EXPECT_TRUE(choose_mode("auto", "bond").xdp);
  EXPECT_FALSE(choose_mode("auto", "veth").xdp);
  EXPECT_TRUE(choose_mode("xdp", "veth").xdp);
  EXPECT_FALSE(choose_mode("tc", "").xdp);
  EXPECT_NE(choose_mode("auto", "veth").reason.find("veth"), std::string::npos);
}

}  // namespace
}  // namespace vtepd::test
