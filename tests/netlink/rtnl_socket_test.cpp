// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/rtnl_socket.h"

#include "netlink/bench.h"
#include "netlink/link.h"

#include <array>
#include <cerrno>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <unistd.h>

namespace vtepd::netlink::test {
namespace {

class RtnlSocketTest : public NetlinkTest {};

TEST_F(RtnlSocketTest, KernelsOwnTextIsInTheError) {
  auto socket = must(Socket::open());
  run("ip link add d0 type bridge");
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(must(find_link(socket, "d0"))->index.value);
  Message message(RTM_NEWLINK, 0);
  message.header(header).put_u32(IFLA_MTU, 0x7fffffffU + 1U);

  const Answer answer = socket.request(message);

  EXPECT_EQ(answer.error, EINVAL);
  EXPECT_TRUE(contains(answer.describe("set MTU").what, "set MTU: Invalid argument (kernel: mtu"))
      << answer.describe("set MTU").what;
}

TEST_F(RtnlSocketTest, IncompleteRequestIsNotSent) {
  auto socket = must(Socket::open());
  Message message(RTM_NEWLINK, 0);
  const std::vector<std::uint8_t> much(1 << 17);
  EXPECT_EQ(socket.request(message.put_bytes(1, much)).error, EMSGSIZE);
}

TEST_F(RtnlSocketTest, UsableAfterAnError) {
  auto socket = must(Socket::open());
  EXPECT_EQ(must(find_link(socket, "nosuch0")), std::nullopt);
  EXPECT_EQ(must(find_link(socket, "lo"))->name, "lo");
}

TEST_F(RtnlSocketTest, ListsMoreThanOneDatagramHolds) {
  run("for i in $(seq 300); do echo link add d$i type vxlan id $i dstport 4789; done | ip -batch "
      "-");
  auto socket = must(Socket::open());
  EXPECT_EQ(must(list_links(socket)).size(), 301U);
}

TEST_F(RtnlSocketTest, SubscriptionDoesNotBlock) {
  auto socket = must(Socket::subscribe({RTNLGRP_LINK}));
  EXPECT_EQ(socket.receive([](const Reply&) {}).error, EAGAIN);
}

TEST_F(RtnlSocketTest, UnknownGroupIsLeftOut) {
  auto socket = must(Socket::subscribe({250, RTNLGRP_LINK}));
  run("ip link add d0 type bridge");
  EXPECT_TRUE(socket.receive([](const Reply&) {}).ok());
}

TEST_F(RtnlSocketTest, MessagesOfOtherProcessesAreIgnored) {
  auto socket = must(Socket::subscribe({RTNLGRP_LINK}));
  sockaddr_nl target{};
  socklen_t size = sizeof target;
  ASSERT_EQ(getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&target), &size), 0);
  target.nl_groups = 0;
  const UniqueFd liar(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  nlmsghdr forged{};
  forged.nlmsg_len = sizeof forged;
  forged.nlmsg_type = RTM_DELLINK;
  ASSERT_EQ(sendto(liar.get(), &forged, sizeof forged, 0, reinterpret_cast<sockaddr*>(&target),
                   sizeof target),
            static_cast<ssize_t>(sizeof forged));

  bool seen = false;
  EXPECT_TRUE(socket.receive([&](const Reply&) { seen = true; }).ok());
  EXPECT_FALSE(seen);
}

}  // namespace
}  // namespace vtepd::netlink::test
