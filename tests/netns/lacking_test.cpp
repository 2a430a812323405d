// SPDX-License-Identifier: GPL-2.0-only
// What a kernel lacks is said by name, and the other data path is taken. bpf(2) can be refused on
// any machine; the rest takes one without it, as vmtests/guests.sh makes them.
#include "support/lab.h"
#include "support/underlay_devices.h"

#include <cstdlib>
#include <string>

#include <sys/stat.h>

#include <gmock/gmock.h>

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

Json datapath_of(const Host& host) {
  return host.show("status").at("status").at("datapath");
}

// A daemon for which bpf(2) fails as if the kernel had been built without it.
std::string without_bpf() {
  const std::string path = lab_folder() + "/vtepd_without_bpf";
  write_file(path, std::string("#!/bin/sh\nexec ") + VTEPD_REFUSE_BPF_PROGRAM + " " +
                       vtepd_program() + " \"$@\"\n");
  chmod(path.c_str(), S_IRWXU);
  return path;
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

  const Json datapath = datapath_of(lab.host(1));
  EXPECT_EQ(datapath.at("kind"), "kernel") << datapath;
  EXPECT_THAT(datapath.at("reason").get<std::string>(), HasSubstr("bpf(2)"));
  EXPECT_TRUE(a->pings(b->address));
  EXPECT_TRUE(b->pings(a->address));
}

TEST(LackingBpf, IsRefusedWhereTheConfigurationInsists) {
  Lab lab({.hosts = 1, .host = {.datapath = "kind = \"bpf\"\n"}});
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());

  const Outcome outcome = host.netns().exec({without_bpf(), "run", "-c", host.config_path()});

  EXPECT_GT(outcome.code, 0) << outcome.text();
  EXPECT_THAT(outcome.err, HasSubstr("bpf(2)"));
}

// Filters have no other hook than clsact where there is no tcx.
TEST(LackingClsact, ProbeSaysSoAndTheDaemonTakesTheKernelPath) {
  skip_unless_on("no-clsact");
  const Outcome probe = run({vtepd_program(), "probe"});
  Lab lab({.hosts = 1});
  lab.start();

  EXPECT_THAT(probe.out, ContainsRegex("clsact filter +no +yes .*module 'sch_ingress'"));
  EXPECT_THAT(probe.out, ContainsRegex("data path: kernel \\(.*clsact"));
  EXPECT_EQ(datapath_of(lab.host(1)).at("kind"), "kernel");
}

// The programs carry their own types and ask the kernel for none.
TEST(LackingBtf, ChangesNothing) {
  skip_unless_on("no-btf");
  Lab lab({.hosts = 1});
  lab.start();

  EXPECT_EQ(datapath_of(lab.host(1)).at("kind"), "bpf");
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

  const std::string said = datapath_of(pair.lab.host(1)).at("tunnel_gro");

  EXPECT_THAT(said, HasSubstr("module 'vxlan'"));
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

}  // namespace
}  // namespace vtepd::test
