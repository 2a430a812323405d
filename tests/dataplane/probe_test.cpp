// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/probe.h"

#include "dataplane/bench.h"

#include <algorithm>

namespace vtepd::test {

TEST(Choice, NamesWhatIsMissing) {
  const std::vector<ProbeRow> rows{{"a", "x", true, true, "works"},
                                   {"b", "y", false, false, "no"},
                                   {"c", "z", false, true, "load a probe: Invalid argument"}};

  const DataplaneChoice choice = choose(rows);

  EXPECT_FALSE(choice.bpf);
  EXPECT_EQ(choice.missing, std::vector<std::string>{"c"});
  EXPECT_EQ(choice.reason, "the kernel lacks c (load a probe: Invalid argument)");
}

TEST(Choice, TakesBpfWhenOnlyOptionalFeaturesAreMissing) {
  EXPECT_TRUE(choose({{"b", "y", false, false, "no"}}).bpf);
}

TEST_F(DataplaneTest, ProbeAgreesWithWhatLoads) {
  const Probe probe = probe_kernel();

  for (const ProbeRow& row : probe.rows) {
    std::cout << (row.present ? "+ " : "- ") << row.feature << ": " << row.detail << '\n';
  }
  EXPECT_EQ(choose(probe.rows).bpf, BpfDataplane::open(options()).has_value());
  EXPECT_EQ(run("tc qdisc show dev lo").find("clsact"), std::string::npos);
}

TEST_F(DataplaneTest, ProgramsThatInterruptOneAnotherAreNotUsed) {
  EXPECT_TRUE(choose(probe_kernel("/mnt/bpf/nothing").rows).bpf);

  const DataplaneChoice choice = choose(probe_kernel("/proc/self/status").rows);

  EXPECT_FALSE(choice.bpf);
  EXPECT_EQ(choice.missing, std::vector<std::string>{"programs in turns"});
  EXPECT_NE(choice.reason.find("PREEMPT_RT"), std::string::npos) << choice.reason;
}

}  // namespace vtepd::test
