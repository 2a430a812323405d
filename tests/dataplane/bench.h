// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bpf/bpf_dataplane.h"
#include "bpf/hooks.h"
#include "support/must.h"
#include "vtepd/abi.h"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

// Every test runs in a network and a mount namespace of its own with a BPF file system that only
// it sees, so that all of it goes with the process, however that ends.
class DataplaneTest : public ::testing::Test {
 protected:
  void SetUp() override;
  static BpfDataplane::Options options(const std::string& instance = "test");
};

inline const std::string kBpffs = "/mnt/bpf";
inline const std::string kPins = kBpffs + "/vtepd/test";
inline const std::string kSetName = "v" + std::to_string(VTEP_ABI_VERSION);
inline const std::string kSet = kPins + "/" + kSetName;

// Runs a shell command; its output, or the end of the test.
std::string run(const std::string& command);
[[nodiscard]] bool exists(const std::string& path);
// A veth pair `name` and `name`p; the index of `name`.
IfIndex make_veth(const std::string& name);

struct HookEntry {
  std::string program;
  std::uint32_t program_id = 0;
  std::uint32_t link_id = 0;  // tcx only
};

// What runs on a hook, in order.
std::vector<HookEntry> on_tcx(IfIndex ifindex, Direction direction);
std::vector<HookEntry> on_clsact(IfIndex ifindex, Direction direction);
std::vector<HookEntry> on_hook(const std::string& kind, IfIndex ifindex, Direction direction);
std::vector<std::string> names(const std::vector<HookEntry>& entries);

// A delta that fills every table: one VNI, one peer, one port, one remote endpoint.
ForwardingState small_state(IfIndex host_end = IfIndex{7});
void fill(BpfDataplane& dataplane, const ForwardingState& want);

}  // namespace vtepd::test
