// SPDX-License-Identifier: GPL-2.0-only
// What a kernel lacks is said by name, and the other data path is taken. bpf(2) and netfilter can
// be refused on any machine; the rest takes one without it, as vmtests/guests.sh makes them.
#include "support/lab.h"
#include "support/underlay_devices.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <unistd.h>

namespace vtepd::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

void skip_unless_on(const std::string& guest) {
  const char* here = std::getenv("VTEPD_TEST_GUEST");
  if (here == nullptr || here != guest) {
    skip_test("needs the guest '" + guest + "' of vmtests/kernels.txt");
  }
}

// A daemon for which the kernel looks as if it had been built without "bpf" or "netfilter".
std::string daemon_without(const std::string& what) {
  const std::string path = lab_folder() + "/vtepd_without_" + what;
  write_file(path, std::string("#!/bin/sh\nexec ") + VTEPD_REFUSE_PROGRAM + " " + what + " " +
                       vtepd_program() + " \"$@\"\n");
  chmod(path.c_str(), S_IRWXU);
  return path;
}

// A socket that listens to an NFLOG group of the calling thread's namespace.
int hold_nflog_group(std::uint16_t group) {
  struct {
    nlmsghdr header;
    nfgenmsg netfilter;
    nfattr attribute;
    nfulnl_msg_config_cmd command;
  } bind{};

  bind.header.nlmsg_len = sizeof bind;
  bind.header.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  bind.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  bind.netfilter.res_id = htons(group);
  bind.attribute.nfa_len = sizeof bind.attribute + sizeof bind.command;
  bind.attribute.nfa_type = NFULA_CFG_CMD;
  bind.command.command = NFULNL_CFG_CMD_BIND;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};

  if (fd < 0 || send(fd, &bind, sizeof bind, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0 ||
      answer.error.error != 0) {
    return -1;
  }
  return fd;
}

std::string without_bpf() {
  return daemon_without("bpf");
}

TEST(LackingBpf, ProbeSaysSo) {
  const Outcome probe = run({without_bpf(), "probe"});

  EXPECT_EQ(probe.code, 0) << probe.text();
  EXPECT_THAT(probe.out, ContainsRegex("bpf\\(2\\) +no +yes .*Function not implemented"));
  EXPECT_THAT(probe.out, ContainsRegex("data path: kernel \\(.*bpf\\(2\\)"));
}

TEST(LackingBpf, TheDaemonSaysSoAndReachesOneThatHasIt) {
  Lab lab;
  lab.host(1).use_program(without_bpf());

  const auto [a, b] = attach_neighbours(lab);

  const Json datapath = lab.host(1).datapath();
  EXPECT_EQ(datapath.at("kind"), "kernel") << datapath;
  EXPECT_THAT(datapath.at("reason").get<std::string>(), HasSubstr("bpf(2)"));
  EXPECT_TRUE(a->pings(b->address));
  EXPECT_TRUE(b->pings(a->address));
  const std::string log = read_file(lab.host(1).log_path());
  const std::string words = "the BPF data path cannot run here";
  const auto said = log.find(words);
  ASSERT_NE(said, std::string::npos);
  EXPECT_EQ(log.find(words, said + 1), std::string::npos) << "logged once";
  EXPECT_THAT(log, HasSubstr("takes more CPU")) << "and what it costs";
}

TEST(LackingBpf, IsRefusedWhereTheConfigurationInsists) {
  Lab lab({.hosts = 1, .host = {.datapath = "kind = \"bpf\"\n"}});
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());

  const Outcome outcome = host.netns().exec({without_bpf(), "run", "-c", host.config_path()});

  EXPECT_GT(outcome.code, 0) << outcome.text();
  EXPECT_THAT(outcome.err, HasSubstr("bpf(2)"));
}

TEST(LackingNetfilter, ProbeSaysSo) {
  const Outcome probe = run({daemon_without("netfilter"), "probe"});

  EXPECT_EQ(probe.code, 0) << probe.text();
  EXPECT_THAT(probe.out, ContainsRegex("nftables +no +no .*NFLOG"));
}

// Docker's own overlay checks nothing either; but it is said.
TEST(LackingNetfilter, TheKernelPathForwardsWithoutChecksAndStatusSaysSo) {
  Lab lab({.hosts = 2, .host = {.datapath = "kind = \"kernel\"\n"}});
  Host& host = lab.host(1);
  lab.host(2).start();
  host.use_program(daemon_without("netfilter"));
  host.launch();
  ASSERT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "status"}).code == 1;
      },
      Seconds(20)))
      << host.ctl({"show", "status"}).text();
  lab.create_network("blue", "192.168.7.0/24");
  const Container& a = host.attach("blue", "192.168.7.11");
  const Container& b = lab.host(2).attach("blue", "192.168.7.12", {"--wait"});
  await_known(host, b.address);

  EXPECT_TRUE(a.pings(b.address));
  EXPECT_TRUE(b.pings(a.address));
  EXPECT_THAT(host.datapath().at("checks").get<std::string>(), testing::StartsWith("none: "));
  EXPECT_THAT(host.ctl({"show", "status"}).out, HasSubstr("nobody checks"));
  host.stop();
  const Outcome purge =
      host.netns().exec({daemon_without("netfilter"), "purge", "-c", host.config_path()});
  EXPECT_TRUE(purge.ok()) << purge.text();
  EXPECT_FALSE(a.netns.exec({"ip", "link", "show", "eth0"}).ok());
}

// Checks that could be had are not gone without.
TEST(LackingNflog, AGroupThatSomebodyElseHasIsAnErrorThatNamesIt) {
  Pair pair;
  Host& host = pair.lab.host(1);
  host.stop();
  host.set_datapath("kind = \"kernel\"\n");
  write_file(host.config_path(), host.config());
  int holder = -1;
  host.netns().inside([&] { holder = hold_nflog_group(4789); });
  ASSERT_GE(holder, 0);

  const Outcome refused = host.run_daemon();

  EXPECT_GT(refused.code, 0) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("NFLOG group 4789"));
  EXPECT_TRUE(pair.a->pings(pair.b->address)) << "the earlier data path is as it was";
  close(holder);
  host.start();
  EXPECT_EQ(host.datapath().at("kind"), "kernel");
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

// Filters have no other hook than clsact where there is no tcx.
TEST(LackingClsact, ProbeSaysSoAndTheDaemonTakesTheKernelPath) {
  skip_unless_on("no-clsact");
  const Outcome probe = run({vtepd_program(), "probe"});
  Lab lab({.hosts = 1});
  lab.start();

  EXPECT_THAT(probe.out, ContainsRegex("clsact filter +no +yes .*module 'sch_ingress'"));
  EXPECT_THAT(probe.out, ContainsRegex("data path: kernel \\(.*clsact"));
  EXPECT_EQ(lab.host(1).datapath().at("kind"), "kernel");
}

// The programs carry their own types and ask the kernel for none.
TEST(LackingBtf, ChangesNothing) {
  skip_unless_on("no-btf");
  Lab lab({.hosts = 1});
  lab.start();

  EXPECT_EQ(lab.host(1).datapath().at("kind"), "bpf");
}

TEST(LackingVxlan, TheKernelPathNamesTheModule) {
  skip_unless_on("no-vxlan");
  Lab lab({.hosts = 1, .host = {.datapath = "kind = \"kernel\"\n"}});
  write_file(lab.host(1).config_path(), lab.host(1).config());

  const Outcome outcome = lab.host(1).run_daemon();

  EXPECT_GT(outcome.code, 0) << outcome.text();
  EXPECT_THAT(outcome.err, HasSubstr("module 'vxlan'"));
}

TEST(LackingVxlan, TheBpfPathDoesWithoutAndSaysSo) {
  skip_unless_on("no-vxlan");
  Pair pair;

  const std::string said = pair.lab.host(1).datapath().at("tunnel_gro");

  EXPECT_THAT(said, HasSubstr("module 'vxlan'"));
  const std::string headroom = pair.lab.host(1).datapath().at("headroom");
  EXPECT_THAT(headroom, testing::StartsWith("none, "));
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

}  // namespace
}  // namespace vtepd::test
