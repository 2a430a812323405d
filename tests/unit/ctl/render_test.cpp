// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/render.h"

#include "unit/api/fake_control.h"

#include <gtest/gtest.h>

namespace vtepd::ctl {
namespace {

TEST(Render, FdbTellsLocalFromRemote) {
  FdbView local{"blue", Vni{256},       *MacAddress::parse("02:42:0a:01:00:02"),
                {},     "vtep12345678", "web"};
  FdbView remote{
      "blue", Vni{256}, *MacAddress::parse("02:42:0a:01:00:03"), *IpAddress::parse("192.0.2.22"),
      "",     ""};
  EXPECT_EQ(render(std::vector{local, remote}),
            "NETWORK  VNI  MAC                VTEP        DEVICE        ENDPOINT\n"
            "blue     256  02:42:0a:01:00:02  local       vtep12345678  web\n"
            "blue     256  02:42:0a:01:00:03  192.0.2.22  -             -\n");
}

TEST(Render, DropsSayWhatToLookAt) {
  const DropView drop{"",       Vni{}, "NO_PORT", "drop", "interface is not a port of vtepd",
                      "run it", 12,    1200};
  EXPECT_EQ(render(std::vector{drop}),
            "NETWORK  VNI  KIND  REASON   PACKETS  BYTES  MEANING\n"
            "-          -  drop  NO_PORT       12   1200  interface is not a port of vtepd; run "
            "it\n");
}

TEST(Render, AttachSaysWhatWasMade) {
  AttachReply reply{test::endpoint_view(), false, {}, false};
  reply.hosts = {{*IpAddress::parse("192.0.2.2"), "b", "acknowledged"}};
  EXPECT_EQ(render(reply),
            "attached: web to network blue\n"
            "  endpoint   " +
                std::string(64, 'e') +
                "\n"
                "  address    10.1.0.2/24\n"
                "  mac        02:42:0a:01:00:02\n"
                "  interface  eth0 in /run/netns/web (host end vtepeeeeeeee)\n"
                "  mtu        1450\n"
                "  also from  10.1.0.100/32, 00:00:5e:00:01:01\n"
                "  host       192.0.2.2 (b) acknowledged\n");
  reply.existed = true;
  EXPECT_EQ(render(reply).rfind("already attached: web to network blue\n", 0), 0U);
}

TEST(Render, StatusBeginsWithHealthAndProblems) {
  EXPECT_EQ(render(test::status_view()),
            "health      degraded\n"
            "problem     the store does not answer since 12 s\n"
            "vtepd       0.1.0, instance default, pid 4711, up 1d 1h 1m 1s\n"
            "data path   bpf/tc by tcx (xdp is not built)\n"
            "tunnel GRO  idle device vtepx4789\n"
            "forwarders  pair vtepsa4789 (0 frames cut up, 0 packets lost in it)\n"
            "headroom    bridge vteph4789 (3 endpoints)\n"
            "TCP frames  up to 192 KiB\n"
            "checks      programs\n"
            "underlay    192.0.2.1 on eth0, MTU 1500, UDP port 4789\n"
            "store       file /var/lib/vtepd/store, away for 12s (marker file is gone)\n"
            "pending     1 to be withdrawn from the store\n"
            "bad key     docker/network/v1.0/network/x/: no JSON\n"
            "networks    2\n"
            "endpoints   5, of which 3 here\n"
            "table       vtep_fdb 5 of 262144 (limits.fdb)\n");
}

TEST(Render, NetworkIsListedAndInspected) {
  EXPECT_EQ(render(std::vector{test::network_view()}),
            "NAME  ID            SUBNET                    VNI   MTU  ADDRESS-SPACE  ENDPOINTS\n"
            "blue  aaaaaaaaaaaa  10.1.0.0/24, fd00:1::/64  256  1450  GlobalDefault          2\n");
  EXPECT_EQ(render(test::network_view()),
            "name           blue\n"
            "id             " +
                std::string(64, 'a') +
                "\n"
                "subnet         10.1.0.0/24, gateway 10.1.0.1, VNI 256\n"
                "IPv6 pool      fd00:1::/64\n"
                "MTU            1450\n"
                "address space  GlobalDefault\n"
                "endpoints      2\n");
}

TEST(Render, EmptyViewsDoNotBreak) {
  EXPECT_NE(render(std::vector{EndpointView()}), "");
  EXPECT_NE(render(std::vector{VtepView()}), "");
  EXPECT_NE(render(std::vector{NeighbourView()}), "");
  EXPECT_NE(render(StatusView()), "");
  EXPECT_NE(render(NetworkView()), "");
  EXPECT_NE(render(AttachReply()), "");
}

TEST(Render, DurationsAreReadable) {
  EXPECT_EQ(duration(0), "0s");
  EXPECT_EQ(duration(59), "59s");
  EXPECT_EQ(duration(3600), "1h 0m 0s");
  EXPECT_EQ(duration(90061), "1d 1h 1m 1s");
}

}  // namespace
}  // namespace vtepd::ctl
