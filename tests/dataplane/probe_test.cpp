// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/probe.h"

#include "dataplane/bench.h"

#include <algorithm>
#include <fstream>
#include <iostream>

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

TEST_F(DataplaneTest, ProgramsLoadWithoutALookAtTheKernelsFrame) {
  BpfDataplane::Options without = options();
  without.features.kernel_skb.reset();

  EXPECT_TRUE(BpfDataplane::open(without).has_value());
}

TEST_F(DataplaneTest, ProgramsThatInterruptOneAnotherAreNotUsed) {
  const auto with = [](const std::string& version, const std::string& realtime) {
    std::ofstream("/mnt/version") << version << '\n';
    return choose(probe_kernel("/mnt/version", realtime).rows);
  };
  const std::string nothing = "/mnt/nothing";
  EXPECT_TRUE(with("#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1 (2024-12-01)", nothing).bpf);
  EXPECT_TRUE(with("#1 SMP PREEMPT Debian no_PREEMPT_RT", nothing).bpf);

  for (const auto& choice : {with("#1 SMP PREEMPT_RT Debian 6.12.1-1 (2024-12-01)", nothing),
                             with("#1 SMP PREEMPT", "/proc/self/status")}) {
    EXPECT_FALSE(choice.bpf);
    EXPECT_EQ(choice.missing, std::vector<std::string>{"programs in turns"});
    EXPECT_NE(choice.reason.find("PREEMPT_RT"), std::string::npos) << choice.reason;
  }
}

}  // namespace vtepd::test
