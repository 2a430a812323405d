// SPDX-License-Identifier: GPL-2.0-only
// What the verifier says: every configuration loads, and within the recorded budget.
#include "bed.h"
#include "datapath.skel.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include <bpf/libbpf.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// Lines of "program instructions"; what the verifier processed may not be more.
std::map<std::string, long> read_budget() {
  std::ifstream file(VTEPD_BUDGET_FILE);
  std::map<std::string, long> budget;
  std::string line;
  while (std::getline(file, line)) {
    if (const auto space = line.find(' '); !line.empty() && line[0] != '#') {
      budget[line.substr(0, space)] = std::atol(line.c_str() + space);
    }
  }
  return budget;
}

long processed_instructions(const std::string& log) {
  constexpr std::string_view kWord = "processed ";
  const auto at = log.find(kWord);
  return at == std::string::npos ? -1 : std::atol(log.c_str() + at + kWord.size());
}

class Load : public testing::TestWithParam<int> {};

TEST_P(Load, EveryProgramStaysWithinItsBudget) {
  if ((GetParam() & ~kernel_features()) != 0) {
    GTEST_SKIP() << "this kernel lacks a feature of the combination";
  }
  const auto budget = read_budget();
  const auto destroy = [](datapath_bpf* skeleton) { datapath_bpf::destroy(skeleton); };
  const std::unique_ptr<datapath_bpf, decltype(destroy)> skeleton(datapath_bpf::open(), destroy);
  ASSERT_TRUE(skeleton);
  prepare(*skeleton, make_config(static_cast<std::uint16_t>(GetParam())));
  std::map<bpf_program*, std::string> logs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj) {
    std::string& log = logs[program];
    log.resize(65536);
    bpf_program__set_log_level(program, 4);
    bpf_program__set_log_buf(program, log.data(), log.size());
  }

  ASSERT_EQ(datapath_bpf::load(skeleton.get()), 0);

  EXPECT_EQ(logs.size(), budget.size());
  for (const auto& [loaded, log] : logs) {
    const std::string name = bpf_program__name(loaded);
    const long processed = processed_instructions(log);
    RecordProperty(name, std::to_string(processed));
    ASSERT_TRUE(budget.contains(name)) << name << " has no budget, needs " << processed;
    EXPECT_GT(processed, 0) << name;
    EXPECT_LE(processed, budget.at(name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Features, Load, testing::Range(0, kAllFeatures + 1));

TEST(LoadMaps, AuthoritativeStateIsInHashesWithTypes) {
  ProgRunner runner(make_config());
  const auto destroy = [](datapath_bpf* skeleton) { datapath_bpf::destroy(skeleton); };
  const std::unique_ptr<datapath_bpf, decltype(destroy)> skeleton(datapath_bpf::open(), destroy);
  ASSERT_TRUE(skeleton);

  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton->obj) {
    const std::string name = bpf_map__name(map);
    // What the programs keep for their own rate limit may forget.
    const bool state = name != "vtep_events" && name != "vtep_announces";
    if (name.starts_with("vtep_") && state) {
      EXPECT_NE(bpf_map__btf_key_type_id(map), 0U) << name;
      EXPECT_NE(bpf_map__type(map), BPF_MAP_TYPE_LRU_HASH) << name;
      EXPECT_LE(name.size(), 15U) << name;
    }
  }
}

}  // namespace
}  // namespace vtepd::test
