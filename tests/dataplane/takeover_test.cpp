// SPDX-License-Identifier: GPL-2.0-only
// Map sets of other sizes and of other ABIs: what is carried over, what is left alone until the
// swap, and what the next run finds after a kill at any step.
#include "bpf/pins.h"
#include "dataplane/bench.h"
#include "vtepd/abi.h"

#include <array>
#include <filesystem>
#include <functional>
#include <set>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

class Takeover : public DataplaneTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    DataplaneTest::SetUp();
    if (!IsSkipped()) {
      port_ = make_veth("vtep01");
      underlay_ = make_veth("ul0");
    }
  }

  static BpfDataplane::Options sized(std::uint32_t fdb) {
    auto out = options();
    out.attach = GetParam();
    out.limits.fdb = fdb;
    return out;
  }

  void hook_up(BpfDataplane& dataplane) const {
    must(dataplane.attach_underlay({.ifindex = underlay_}));
    must(dataplane.attach_port(port_, "vtep01"));
  }

  // A run of the daemon with 1024 entries, which ends without cleaning up.
  void first_run() const {
    const auto dataplane = must(BpfDataplane::open(sized(1024)));
    fill(*dataplane, small_state(port_));
    hook_up(*dataplane);
    must(dataplane->commit());
  }

  [[nodiscard]] std::set<std::uint32_t> programs() const {
    std::set<std::uint32_t> ids;
    for (const IfIndex device : {port_, underlay_}) {
      for (const auto& entry : on_hook(GetParam(), device, Direction::Ingress)) {
        ids.insert(entry.program_id);
      }
    }
    return ids;
  }

  // Every program that is attached uses the maps that are pinned.
  void expect_one_set() const {
    const auto pinned = must(PinFolder::find(kBpffs, "test")).map_ids();
    for (const std::uint32_t id : programs()) {
      const int fd = bpf_prog_get_fd_by_id(id);
      ASSERT_GE(fd, 0);
      std::array<__u32, 64> maps{};
      bpf_prog_info info{};
      info.nr_map_ids = maps.size();
      info.map_ids = reinterpret_cast<__u64>(maps.data());
      __u32 size = sizeof info;
      ASSERT_EQ(bpf_prog_get_info_by_fd(fd, &info, &size), 0);
      close(fd);
      std::size_t ours = 0;
      for (std::size_t i = 0; i < info.nr_map_ids; ++i) {
        ours += pinned.count(maps.at(i));
      }
      EXPECT_GT(ours, 0U) << info.name << " uses none of the pinned maps";
    }
  }

  IfIndex port_;
  IfIndex underlay_;
};

}  // namespace

TEST_P(Takeover, FirstRunHasNothingToWaitFor) {
  EXPECT_TRUE(must(BpfDataplane::open(sized(1024)))->carries_on());
}

TEST_P(Takeover, OtherSizesTakeEveryEntryAlongWithItsIds) {
  first_run();
  const auto before = programs();

  for (const std::uint32_t fdb : {2048U, 512U, 1024U}) {
    SCOPED_TRACE(fdb);
    const auto dataplane = must(BpfDataplane::open(sized(fdb)));

    EXPECT_FALSE(dataplane->adopted());
    EXPECT_TRUE(dataplane->carries_on());
    EXPECT_TRUE(dataplane->left_out().empty());
    EXPECT_EQ(must(dataplane->read_back()), small_state(port_)) << "before any program is swapped";
    EXPECT_TRUE(exists(kSet + "/vtep_fdb")) << "the old one serves until the swap";
    hook_up(*dataplane);
    must(dataplane->commit());
    EXPECT_EQ(list_folder(kPins), (std::vector<std::string>{"links", kSetName}));
    expect_one_set();
  }
  for (const std::uint32_t id : programs()) {
    EXPECT_FALSE(before.contains(id));
  }
  const auto again = must(BpfDataplane::open(sized(1024)));
  EXPECT_TRUE(again->adopted());
}

TEST_P(Takeover, CountersGoOn) {
  first_run();
  const vtep_counter_key key{.vni = 42, .reason = 1};
  std::array<vtep_counter, 1024> values{};
  values[0] = {.packets = 7, .bytes = 700};
  values[1] = {.packets = 1, .bytes = 100};
  const int map = bpf_obj_get((kSet + "/vtep_counters").c_str());
  ASSERT_EQ(bpf_map_update_elem(map, &key, values.data(), BPF_ANY), 0);
  close(map);
  auto more_vnis = sized(1024);
  more_vnis.limits.vnis = 32;

  for (const auto& wish : {more_vnis, sized(2048)}) {
    const auto dataplane = must(BpfDataplane::open(wish));
    const auto counters = must(dataplane->counters());
    ASSERT_EQ(counters.size(), 1U);
    EXPECT_EQ(counters[0].packets, 8U);
    EXPECT_EQ(counters[0].bytes, 800U);
    hook_up(*dataplane);
    must(dataplane->commit());
  }
}

TEST_P(Takeover, TooSmallATableKeepsLocalEndpointsAndNamesWhatToRaise) {
  {
    const auto dataplane = must(BpfDataplane::open(sized(1024)));
    ForwardingState state = small_state(port_);
    for (std::uint8_t i = 0; i < 200; ++i) {
      const MacAddress mac{{2, 0x42, 10, 0, 1, i}};
      state.fdb[{Vni{42}, mac}] = {.vtep_id = 1, .ifindex = {}, .same_netns = false};
      state.neighbours[{Vni{42}, IpAddress::v4(0x0a000100U + i)}] = mac;
    }
    const MacAddress own = state.ports.begin()->second.mac;
    state.neighbours[{Vni{42}, IpAddress::v4(0x0a000002)}] = own;
    fill(*dataplane, state);
    hook_up(*dataplane);
    must(dataplane->commit());
  }
  auto small = sized(16);
  small.limits.neigh = 16;

  const auto dataplane = must(BpfDataplane::open(small));

  EXPECT_TRUE(dataplane->carries_on());
  const ForwardingState state = must(dataplane->read_back());
  const ForwardingState local = small_state(port_);
  EXPECT_EQ(state.fdb.size(), 16U);
  EXPECT_EQ(state.neighbours.size(), 16U);
  EXPECT_EQ(state.ports, local.ports);
  EXPECT_TRUE(state.fdb.contains({Vni{42}, local.ports.begin()->second.mac}));
  EXPECT_TRUE(state.neighbours.contains({Vni{42}, IpAddress::v4(0x0a000002)}));
  ASSERT_EQ(dataplane->left_out().size(), 2U);
  EXPECT_EQ(dataplane->left_out()[0].what,
            "vtep_fdb is full (16 entries); raise limits.fdb; left out 186 entries of the earlier "
            "one");
  EXPECT_EQ(dataplane->left_out()[1].what,
            "vtep_neigh is full (16 entries); raise limits.neigh; left out 186 entries of the "
            "earlier one");
}

TEST_P(Takeover, MapsOfAnotherAbiServeUntilTheSwap) {
  first_run();
  std::filesystem::rename(kSet, kPins + "/v999");
  const auto before = programs();

  const auto dataplane = must(BpfDataplane::open(sized(1024)));

  EXPECT_FALSE(dataplane->carries_on());
  EXPECT_EQ(must(dataplane->read_back()), ForwardingState{});
  EXPECT_TRUE(exists(kPins + "/v999/vtep_fdb"));
  EXPECT_EQ(programs(), before);
  fill(*dataplane, small_state(port_));
  hook_up(*dataplane);
  must(dataplane->commit());
  EXPECT_TRUE(dataplane->carries_on());
  EXPECT_EQ(list_folder(kPins), (std::vector<std::string>{"links", kSetName}));
  expect_one_set();
}

// The steps of a run with other sizes; it is killed behind each, and the next run, with any sizes,
// has every entry before it swaps a program.
TEST_P(Takeover, KilledAtAnyStepTheNextRunHasEverything) {
  const std::vector<std::function<void(BpfDataplane&)>> steps{
      [&](BpfDataplane& d) { fill(d, small_state(port_)); },
      [&](BpfDataplane& d) { must(d.attach_underlay({.ifindex = underlay_})); },
      [&](BpfDataplane& d) { must(d.attach_port(port_, "vtep01")); },
      [](BpfDataplane&) { std::filesystem::rename(kSet, kSet + "_old"); },
      [](BpfDataplane&) { std::filesystem::rename(kSet + "_new", kSet); },
      [](BpfDataplane&) { must(remove_pin(kSet + "_old/vtep_fdb")); }};
  for (const std::uint32_t next : {1024U, 2048U}) {
    for (std::size_t killed = 0; killed <= steps.size(); ++killed) {
      SCOPED_TRACE("killed behind step " + std::to_string(killed) + ", then " +
                   std::to_string(next));
      run("rm -rf " + kPins + "/v*");
      first_run();
      {
        const auto dataplane = must(BpfDataplane::open(sized(2048)));
        for (std::size_t step = 0; step < killed; ++step) {
          steps[step](*dataplane);
        }
      }

      const auto dataplane = must(BpfDataplane::open(sized(next)));

      EXPECT_TRUE(dataplane->carries_on());
      EXPECT_EQ(must(dataplane->read_back()), small_state(port_));
      hook_up(*dataplane);
      must(dataplane->commit());
      EXPECT_EQ(list_folder(kPins), (std::vector<std::string>{"links", kSetName}));
      expect_one_set();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Hooks, Takeover, ::testing::Values("tcx", "clsact"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace vtepd::test
