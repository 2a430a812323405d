// SPDX-License-Identifier: GPL-2.0-only
// Counters of forwarded frames, which have slots, and the epoch of what the programs remember.
#include "bench.h"
#include "bpf/abi_codec.h"
#include "bpf/pins.h"
#include "vtepd/reasons.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>

namespace vtepd::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class Traffic : public DataplaneTest {
 protected:
  static constexpr std::uint32_t kVni = 42;

  template <typename Key, typename Value>
  static void write(const std::string& map, const Key& key, const Value& value) {
    const auto fd = must(open_pin(kSet + "/" + map, false));
    ASSERT_EQ(bpf_map_update_elem(fd.get(), &key, &value, BPF_ANY), 0) << map;
  }

  template <typename Value, typename Key>
  static Value read(const std::string& map, const Key& key) {
    const auto fd = must(open_pin(kSet + "/" + map, false));
    Value value{};
    EXPECT_EQ(bpf_map_lookup_elem(fd.get(), &key, &value), 0) << map;
    return value;
  }

  static std::uint64_t epoch() { return read<std::uint64_t>("vtep_epoch", __u32{0}); }

  static std::uint32_t slot(std::uint32_t vni = kVni) {
    return read<vtep_vni>("vtep_vnis", vni).slot;
  }

  // As programs on every CPU would: `packets` on each.
  static void count(std::uint32_t vni, std::uint32_t kind, std::uint64_t packets) {
    const std::vector<vtep_counter> values(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                           {.packets = packets, .bytes = 100 * packets});
    const auto fd = must(open_pin(kSet + "/vtep_traffic", false));
    const __u32 at = slot(vni) * VTEP_TRAFFIC_KINDS + kind;
    ASSERT_EQ(bpf_map_update_elem(fd.get(), &at, values.data(), BPF_ANY), 0);
  }

  static std::optional<ReasonCount> counted(BpfDataplane& dataplane, std::uint32_t vni,
                                            std::uint32_t reason) {
    for (const ReasonCount& count : must(dataplane.counters())) {
      if (count.vni == Vni{vni} && count.reason == reason) {
        return count;
      }
    }
    return std::nullopt;
  }

  static std::uint64_t cpus() { return static_cast<std::uint64_t>(libbpf_num_possible_cpus()); }
};

TEST_F(Traffic, IsReportedByVniAndReason) {
  const auto dataplane = must(BpfDataplane::open(options()));
  auto state = small_state();
  state.vnis[Vni{43}] = {.mtu = 1450, .dscp = 0};
  fill(*dataplane, state);
  must(dataplane->commit());
  EXPECT_THAT(must(dataplane->counters()), IsEmpty());
  EXPECT_NE(slot(42), slot(43));
  count(42, VTEP_TRAFFIC_ENCAP, 1);
  count(42, VTEP_TRAFFIC_DECAP, 2);
  count(43, VTEP_TRAFFIC_LOCAL, 3);
  std::vector<vtep_counter> before(cpus(), {.packets = 10, .bytes = 10});
  const vtep_counter_key key{.vni = 42, .reason = VTEP_ENCAP};
  const auto hash = must(open_pin(kSet + "/vtep_counters", false));
  ASSERT_EQ(bpf_map_update_elem(hash.get(), &key, before.data(), BPF_ANY), 0);

  EXPECT_EQ(counted(*dataplane, 42, VTEP_ENCAP)->packets, 11 * cpus()) << "of both maps";
  EXPECT_EQ(counted(*dataplane, 42, VTEP_ENCAP)->bytes, 110 * cpus());
  EXPECT_EQ(counted(*dataplane, 42, VTEP_DECAP)->packets, 2 * cpus());
  EXPECT_EQ(counted(*dataplane, 43, VTEP_LOCAL)->bytes, 300 * cpus());
  EXPECT_THAT(must(dataplane->counters()), SizeIs(3));
}

TEST_F(Traffic, GoesOnInTheNextRunAndInMapsOfAnotherSize) {
  {
    const auto first = must(BpfDataplane::open(options()));
    fill(*first, small_state());
    must(first->commit());
    count(kVni, VTEP_TRAFFIC_ENCAP, 5);
  }
  const std::uint32_t before = slot();
  auto more = options();
  more.limits.vnis *= 2;
  for (const auto& wish : {options(), more}) {
    const auto next = must(BpfDataplane::open(wish));
    fill(*next, small_state());
    must(next->commit());
    EXPECT_EQ(counted(*next, kVni, VTEP_ENCAP)->packets, 5 * cpus());
    EXPECT_EQ(slot(), before);
  }
}

TEST_F(Traffic, OfAVniThatWasGoneBeginsAtZero) {
  const auto dataplane = must(BpfDataplane::open(options()));
  fill(*dataplane, small_state());
  must(dataplane->commit());
  count(kVni, VTEP_TRAFFIC_ENCAP, 5);
  fill(*dataplane, {});
  EXPECT_THAT(must(dataplane->counters()), IsEmpty());
  fill(*dataplane, small_state());
  EXPECT_EQ(counted(*dataplane, kVni, VTEP_ENCAP), std::nullopt);
}

TEST_F(Traffic, ASlotThatSomebodyWroteIsPutRight) {
  const auto dataplane = must(BpfDataplane::open(options()));
  auto state = small_state();
  state.vnis[Vni{43}] = {.mtu = 1450, .dscp = 0};
  fill(*dataplane, state);
  must(dataplane->commit());
  for (const std::uint32_t wrong : {0U, slot(43), 1000000U}) {
    SCOPED_TRACE(wrong);
    auto value = read<vtep_vni>("vtep_vnis", kVni);
    const std::uint32_t right = value.slot;
    value.slot = wrong;
    write("vtep_vnis", kVni, value);
    const auto lacking = must(dataplane->missing(state));
    EXPECT_THAT(lacking.vnis_put, SizeIs(1));
    EXPECT_TRUE(dataplane->apply(lacking).errors.empty());
    EXPECT_EQ(slot(), right);

    write("vtep_vnis", kVni, value);
    fill(*dataplane, state);  // as a new run does: by what it reads back
    EXPECT_TRUE(slot() != 0 && slot() != slot(43) && slot() <= options().limits.vnis);
    EXPECT_TRUE(must(dataplane->missing(state)).empty());
  }
}

TEST_F(Traffic, EveryChangeBeginsAnEpoch) {
  const auto dataplane = must(BpfDataplane::open(options()));
  must(dataplane->read_back());
  must(dataplane->commit());
  std::uint64_t last = epoch();
  EXPECT_GT(last, 0U) << "0 switches the caches off";
  const ForwardingState state = small_state();
  for (const auto& delta : {diff({}, state), diff(state, {}), diff({}, state)}) {
    EXPECT_TRUE(dataplane->apply(delta).errors.empty());
    EXPECT_GT(epoch(), last);
    last = epoch();
  }
  EXPECT_TRUE(must(dataplane->missing(state)).empty());
  EXPECT_EQ(epoch(), last) << "looking is no change";

  must(dataplane->read_back());
  EXPECT_EQ(epoch(), last);

  for (const std::uint64_t wrong : {std::uint64_t{0}, last - 1, last + 7}) {
    write("vtep_epoch", __u32{0}, wrong);
    EXPECT_TRUE(must(dataplane->missing(state)).empty());
    EXPECT_GT(epoch(), std::max(last, wrong)) << "never one that was in use";
    last = epoch();
  }
  write("vtep_epoch", __u32{0}, std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(must(dataplane->missing(state)).empty());
  EXPECT_EQ(epoch(), last + 1);
}

// Whatever an earlier run came to, and whatever somebody wrote while none was there.
TEST_F(Traffic, TheNextRunHasEpochsOfItsOwn) {
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    const auto dataplane = must(BpfDataplane::open(options()));
    fill(*dataplane, small_state());
    must(dataplane->commit());
    EXPECT_GT(epoch(), last);
    last = epoch();
    write("vtep_epoch", __u32{0}, std::uint64_t{0});
  }
}

// Looks at the tables all the time, from another thread.
class Watcher {
 public:
  template <typename Look>
  explicit Watcher(Look look)
      : thread_([this, look] {
          while (!done_) {
            look();
          }
        }) {}

  ~Watcher() { stop(); }

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void stop() {
    done_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

// A decision that was made by what is removed is of no epoch that comes after the removal.
TEST_F(Traffic, WhileTablesChangeNothingIsRemembered) {
  auto wish = options();
  wish.limits.fdb = 65536;
  const auto dataplane = must(BpfDataplane::open(wish));
  auto state = small_state();
  for (std::uint16_t i = 0; i < 60000; ++i) {
    const MacAddress mac{
        {2, 0x42, 10, 1, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)}};
    state.fdb[{Vni{kVni}, mac}] = {.vtep_id = 1, .ifindex = {}, .same_netns = false};
  }
  fill(*dataplane, state);
  must(dataplane->commit());
  const std::uint64_t before = epoch();
  const auto epochs = must(open_pin(kSet + "/vtep_epoch", false));
  const auto members = must(open_pin(kSet + "/vtep_members", false));
  const vtep_member_key member = abi::encode(*state.members.begin());
  std::set<std::uint64_t> while_member;
  Watcher watcher([&] {
    const __u32 zero = 0;
    std::uint64_t now = 0;
    __u8 there = 0;
    bpf_map_lookup_elem(epochs.get(), &zero, &now);
    if (bpf_map_lookup_elem(members.get(), &member, &there) == 0) {
      while_member.insert(now);
    }
  });

  EXPECT_TRUE(dataplane->apply(diff(state, {})).errors.empty());

  watcher.stop();
  EXPECT_TRUE(while_member.contains(0)) << "the entries before it took their time";
  EXPECT_FALSE(while_member.contains(epoch()));
  while_member.erase(0);
  while_member.erase(before);
  EXPECT_THAT(while_member, IsEmpty());
}

}  // namespace
}  // namespace vtepd::test
