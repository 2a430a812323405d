// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/map.h"
#include "bpf/maps_reader.h"
#include "bpf/pins.h"
#include "dataplane/bench.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <bpf/bpf.h>

namespace vtepd::test {

namespace {

MacAddress mac_number(std::uint32_t n) {
  return MacAddress{{2, 0, static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
                     static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

TableUsage usage_of(BpfDataplane& dataplane, const std::string& table) {
  const auto all = dataplane.usage();
  const auto found = std::ranges::find(all, table, &TableUsage::table);
  return found == all.end() ? TableUsage{} : *found;
}

class Stopwatch {
 public:
  long lap() {
    const auto now = std::chrono::steady_clock::now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_).count();
    start_ = now;
    return ms;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

using Tables = DataplaneTest;

}  // namespace

TEST_F(Tables, WhatIsAppliedIsReadBack) {
  const auto dataplane = must(BpfDataplane::open(options()));
  EXPECT_EQ(must(dataplane->read_back()), ForwardingState{});
  const ForwardingState want = small_state();

  fill(*dataplane, want);

  EXPECT_EQ(must(dataplane->read_back()), want);
  EXPECT_EQ(usage_of(*dataplane, "vtep_fdb").used, 2U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_fdb").size, 1024U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_allow").used, 2U);
}

TEST_F(Tables, ChangesAndRemovalsArriveIncludingAllowedAddresses) {
  const auto dataplane = must(BpfDataplane::open(options()));
  ForwardingState want = small_state();
  fill(*dataplane, want);

  PortEntry& port = want.ports.begin()->second;
  port.allowed_addresses = {must(IpPrefix::parse("10.2.0.0/16"))};
  port.allowed_macs = {};
  want.peers[1].reachable = false;
  fill(*dataplane, want);
  EXPECT_EQ(must(dataplane->read_back()), want);
  EXPECT_EQ(usage_of(*dataplane, "vtep_allow").used, 1U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_allow_mac").used, 0U);

  fill(*dataplane, {});
  EXPECT_EQ(must(dataplane->read_back()), ForwardingState{});
  EXPECT_EQ(usage_of(*dataplane, "vtep_allow").used, 0U);
}

TEST_F(Tables, TwoHundredThousandFdbEntries) {
  constexpr std::uint32_t kEntries = 200000;
  auto big = options();
  big.limits.fdb = kEntries;
  const auto dataplane = must(BpfDataplane::open(big));
  ForwardingState want;
  for (std::uint32_t i = 0; i < kEntries; ++i) {
    want.fdb[{Vni{1 + i % 100}, mac_number(i)}] = {.vtep_id = 1 + i % 16, .ifindex = {}};
  }
  const ForwardingDelta delta = diff({}, want);
  Stopwatch watch;

  const ApplyReport report = dataplane->apply(delta);
  const auto applied = watch.lap();
  const auto have = must(dataplane->read_back());
  const auto read = watch.lap();
  const auto used = usage_of(*dataplane, "vtep_fdb").used;
  const auto counted = watch.lap();

  EXPECT_TRUE(report.errors.empty());
  EXPECT_TRUE(have == want);
  EXPECT_EQ(used, kEntries);
  std::cout << kEntries << " entries: applied in " << applied << " ms, read back in " << read
            << " ms, counted in " << counted << " ms\n";
  EXPECT_LT(applied + read + counted, 10000);
}

TEST_F(Tables, FullTableIsNamedAndTheRestApplied) {
  auto tiny = options();
  tiny.limits.fdb = 4;
  const auto dataplane = must(BpfDataplane::open(tiny));
  ForwardingDelta delta = diff({}, small_state());
  for (std::uint32_t i = 0; i < 10; ++i) {
    delta.fdb_put.push_back({{Vni{42}, mac_number(i)}, {.vtep_id = 1, .ifindex = {}}});
  }
  const std::size_t puts = delta.fdb_put.size();

  const ApplyReport report = dataplane->apply(delta);

  ASSERT_EQ(report.errors.size(), 1U);
  EXPECT_EQ(report.errors[0].kind, ErrorKind::Exhausted);
  EXPECT_EQ(report.errors[0].what, "vtep_fdb is full (4 entries); raise limits.fdb");
  const ForwardingState have = must(dataplane->read_back());
  EXPECT_EQ(have.fdb.size() + report.failed.fdb_put.size(), puts);
  EXPECT_EQ(have.fdb.size(), 4U);
  EXPECT_EQ(have.neighbours.size(), 1U);
  EXPECT_EQ(have.ports.size(), 1U);
  for (const auto& [key, entry] : report.failed.fdb_put) {
    EXPECT_FALSE(have.fdb.contains(key));
  }
}

TEST_F(Tables, LimitsSizeTheMaps) {
  auto sized = options();
  sized.limits = {.fdb = 11, .neigh = 12, .ports = 13, .vnis = 14, .peers = 15};
  const auto dataplane = must(BpfDataplane::open(sized));

  EXPECT_EQ(usage_of(*dataplane, "vtep_fdb").size, 11U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_neigh").size, 12U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_ports").size, 13U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_vnis").size, 14U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_peers").size, 15U);
  EXPECT_EQ(usage_of(*dataplane, "vtep_peers").option, "limits.peers");
}

TEST_F(Tables, DamagedEntriesAreWrittenAnewAndStraysRemoved) {
  const auto dataplane = must(BpfDataplane::open(options()));
  const ForwardingState want = small_state();
  fill(*dataplane, want);
  must(dataplane->commit());
  const auto peers = must(open_pin(kSet + "/vtep_peers", false));
  const std::uint32_t wanted_id = 1;
  const std::uint32_t stray_id = 9;
  vtep_peer damaged{};
  ASSERT_EQ(bpf_map_lookup_elem(peers.get(), &wanted_id, &damaged), 0);
  damaged.header[8] = 1;  // TTL
  ASSERT_EQ(bpf_map_update_elem(peers.get(), &wanted_id, &damaged, 0), 0);
  ASSERT_EQ(bpf_map_update_elem(peers.get(), &stray_id, &damaged, 0), 0);

  const ForwardingDelta delta = diff(must(dataplane->read_back()), want);
  EXPECT_EQ(delta.size(), 2U);  // the one again, the other away
  EXPECT_TRUE(dataplane->apply(delta).errors.empty());

  ASSERT_EQ(bpf_map_lookup_elem(peers.get(), &wanted_id, &damaged), 0);
  EXPECT_EQ(damaged.header[8], 64);
  EXPECT_NE(bpf_map_lookup_elem(peers.get(), &stray_id, &damaged), 0);
  EXPECT_EQ(must(dataplane->read_back()), want);
}

TEST_F(Tables, StrayKeysGoWithTheNextDelta) {
  const auto dataplane = must(BpfDataplane::open(options()));
  const ForwardingState want = small_state();
  fill(*dataplane, want);
  must(dataplane->commit());
  const auto fdb = must(open_pin(kSet + "/vtep_fdb", false));
  vtep_fdb_key padded{};
  padded.vni = 42;
  padded.pad[0] = 1;
  const vtep_fdb_value value{};
  ASSERT_EQ(bpf_map_update_elem(fdb.get(), &padded, &value, 0), 0);

  EXPECT_EQ(must(dataplane->read_back()), want);
  EXPECT_TRUE(dataplane->apply({}).errors.empty());

  EXPECT_EQ(usage_of(*dataplane, "vtep_fdb").used, want.fdb.size());
}

TEST_F(Tables, PeerThatCannotBeEncodedFailsAlone) {
  const auto dataplane = must(BpfDataplane::open(options()));
  ForwardingState want = small_state();
  want.peers[2] = want.peers[1];
  want.peers[2].remote = must(IpAddress::parse("2001:db8::2"));

  const ApplyReport report = dataplane->apply(diff({}, want));

  ASSERT_EQ(report.failed.peers_put.size(), 1U);
  EXPECT_EQ(report.failed.peers_put[0].first, 2U);
  EXPECT_EQ(report.failed.size(), 1U);
  EXPECT_TRUE(must(dataplane->read_back()).peers.contains(1));
}

TEST_F(Tables, ReaderSeesThePinnedTablesWithoutADaemon) {
  const ForwardingState want = small_state();
  {
    const auto dataplane = must(BpfDataplane::open(options()));
    fill(*dataplane, want);
    must(dataplane->commit());
  }

  const auto reader = must(MapsReader::open(kBpffs, "test"));

  EXPECT_EQ(must(reader.read()), want);
  EXPECT_EQ(must(reader.usage()).front().used, 2U);
  EXPECT_TRUE(must(reader.counters()).empty());
  const auto other = MapsReader::open(kBpffs, "other");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::NotFound);
}

TEST_F(Tables, WhatAStartThatFailedLeftIsNotForAnotherAbi) {
  static_cast<void>(must(BpfDataplane::open(options())));

  const auto reader = MapsReader::open(kBpffs, "test");

  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, ErrorKind::NotFound);
  EXPECT_NE(reader.error().what.find("did its start fail"), std::string::npos)
      << reader.error().what;
}

}  // namespace vtepd::test
