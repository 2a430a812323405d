// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/netns.h"

#include "netlink/bench.h"

#include <cstdlib>
#include <fstream>

#include <net/if.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <unistd.h>

namespace vtepd::netlink::test {
namespace {

class NetnsTest : public NetlinkTest {};

TEST_F(NetnsTest, OpensOneAndTellsItFromTheDaemonsOwn) {
  const Namespace other;

  const auto opened = must(open_netns(other.path()));
  const auto own = must(open_netns("/proc/self/ns/net"));

  EXPECT_FALSE(opened.own);
  EXPECT_TRUE(own.own);
  EXPECT_NE(opened.cookie, 0U);
  EXPECT_NE(opened.cookie, own.cookie);
}

TEST_F(NetnsTest, CookieIsTheSameForEveryPathToIt) {
  const Namespace other;
  const auto by_fd = must(open_netns(other.path()));
  Result<Netns> by_thread = fail(ErrorKind::Internal, "not run");
  other.inside([&] {
    by_thread = open_netns("/proc/" + std::to_string(getpid()) + "/task/" +
                           std::to_string(gettid()) + "/ns/net");
  });

  EXPECT_EQ(must(std::move(by_thread)).cookie, by_fd.cookie);
}

TEST_F(NetnsTest, MissingPathIsNotFoundAndNamed) {
  expect_error(open_netns("/run/netns/no-such-namespace"), ErrorKind::NotFound,
               {"/run/netns/no-such-namespace", "does not exist"});
  expect_error(open_netns("/proc/self/status/ns/net"), ErrorKind::NotFound, {"/proc/self/status"});
}

TEST_F(NetnsTest, VanishedProcessIsNotFound) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  expect_error(open_netns("/proc/" + std::to_string(child) + "/ns/net"), ErrorKind::NotFound, {});
}

TEST_F(NetnsTest, OtherFilesAreRefused) {
  char folder[] = "/tmp/vtepd-netns-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string plain = std::string(folder) + "/plain";
  const std::string pipe = std::string(folder) + "/pipe";
  std::ofstream(plain) << "x";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);

  // A pipe without a writer would hold an ordinary open() up for ever.
  for (const auto& path : {plain, pipe, std::string(folder), std::string("/proc/self/ns/mnt"),
                           std::string("/dev/null")}) {
    expect_error(open_netns(path), ErrorKind::Invalid, {path.c_str(), "not a network namespace"});
  }

  unlink(plain.c_str());
  unlink(pipe.c_str());
  rmdir(folder);
}

TEST_F(NetnsTest, MountedOneIsDescribedByItsPath) {
  const std::string name = "vtepd-nl-" + std::to_string(getpid());
  run("ip netns add " + name);
  const auto netns = open_netns("/run/netns/" + name);
  const std::string text = netns ? describe(*netns) : netns.error().what;
  run("ip netns del " + name);

  EXPECT_EQ(text, "namespace /run/netns/" + name);
  EXPECT_TRUE(contains(describe(must(open_netns("/proc/self/ns/net"))), "own namespace"));
}

TEST_F(NetnsTest, WorkRunsInsideAndTheCallerStaysOutside) {
  const Namespace other;
  static_cast<void>(other.run("ip link add marker0 type bridge"));
  const auto netns = must(open_netns(other.path()));

  const auto index =
      in_netns(netns.fd.get(), []() -> Result<unsigned> { return if_nametoindex("marker0"); });

  EXPECT_NE(must(index), 0U);
  EXPECT_EQ(if_nametoindex("marker0"), 0U);
}

TEST_F(NetnsTest, ErrorsAndExceptionsOfTheWorkComeBack) {
  const auto netns = must(open_netns("/proc/self/ns/net"));

  const auto failed =
      in_netns(netns.fd.get(), []() -> Result<int> { return fail(ErrorKind::Exhausted, "full"); });

  expect_error(failed, ErrorKind::Exhausted, {"full"});
  EXPECT_THROW(static_cast<void>(run_in_netns(netns.fd.get(), [] { throw std::string("x"); })),
               std::string);
}

TEST_F(NetnsTest, EnteringSomethingElseFails) {
  bool ran = false;
  EXPECT_FALSE(run_in_netns(STDIN_FILENO, [&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST_F(NetnsTest, SocketsWorkInTheirNamespaceFromAnyThread) {
  const Namespace other;
  const auto netns = must(open_netns(other.path()));
  auto requests = must(open_socket(netns));
  auto notifications = must(subscribe(netns, {1 /* RTNLGRP_LINK */}));
  static_cast<void>(other.run("ip link add marker0 type bridge"));

  Message message(18 /* RTM_GETLINK */, 0);
  message.header(std::array<char, 16>{});
  message.put_string(3 /* IFLA_IFNAME */, "marker0");

  EXPECT_TRUE(requests.request(message).ok());
  EXPECT_TRUE(notifications.receive([](const Reply&) {}).ok());
}

}  // namespace
}  // namespace vtepd::netlink::test
