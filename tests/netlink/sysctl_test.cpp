// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/sysctl.h"

#include "netlink/bench.h"
#include "netlink/netns.h"
#include "support/mounts.h"

#include <sys/mount.h>
#include <sys/wait.h>

#include <sched.h>
#include <unistd.h>

namespace vtepd::netlink::test {
namespace {

class SysctlTest : public NetlinkTest {};

constexpr const char* kName = "ipv4/conf/lo/rp_filter";

TEST_F(SysctlTest, WritesAndReadsBack) {
  must(set_sysctl(kName, "1"));
  EXPECT_EQ(must(read_sysctl(kName)), "1");
  must(set_sysctl(kName, "2"));
  EXPECT_EQ(must(read_sysctl(kName)), "2");
}

TEST_F(SysctlTest, MissingFileIsNoError) {
  EXPECT_EQ(must(read_sysctl("ipv9/conf/lo/x")), std::nullopt);
  must(set_sysctl("ipv9/conf/lo/x", "1"));
}

TEST_F(SysctlTest, RefusedValueIsAnErrorThatNamesTheFile) {
  expect_error(set_sysctl(kName, "many"), ErrorKind::Invalid,
               {"/proc/sys/net/ipv4/conf/lo/rp_filter", "many"});
}

TEST_F(SysctlTest, WorksInTheNamespaceOfTheThread) {
  const Namespace other;
  const auto netns = must(open_netns(other.path()));
  must(set_sysctl(kName, "0"));

  must(in_netns(netns.fd.get(), [] { return set_sysctl(kName, "2"); }));

  EXPECT_EQ(must(read_sysctl(kName)), "0");
  EXPECT_EQ(must(in_netns(netns.fd.get(), [] { return read_sysctl(kName); })), "2");
}

TEST_F(SysctlTest, DotsInAnInterfaceNameMeanNothing) {
  run("ip link add eth0.100 type bridge");
  const auto name = interface_sysctl("ipv4", "eth0.100", "rp_filter");

  must(set_sysctl(name, "1"));

  EXPECT_EQ(must(read_sysctl(name)), "1");
}

// In a child, because the mount must not be seen by anything else. Its exit code tells what failed.
int on_read_only_proc() {
  if (!vtepd::test::private_mounts() ||
      mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
      mount("none", "/proc/sys", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    return 1;
  }
  if (!set_sysctl(kName, "1")) {
    return 2;
  }
  const auto refused = set_sysctl(kName, "2");
  if (refused || refused.error().kind != ErrorKind::Unavailable ||
      !contains(refused.error().what, "read-only")) {
    return 3;
  }
  return 0;
}

TEST_F(SysctlTest, ReadOnlyIsAnErrorUnlessTheValueIsRightAlready) {
  must(set_sysctl(kName, "1"));

  const pid_t child = fork();
  if (child == 0) {
    _exit(on_read_only_proc());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SysctlTest, PortRangeIsThatOfTheNamespace) {
  must(set_sysctl("ipv4/ip_local_port_range", "20000 30000"));
  EXPECT_EQ(must(local_port_range()), std::pair(std::uint16_t{20000}, std::uint16_t{30000}));
}

}  // namespace
}  // namespace vtepd::netlink::test
