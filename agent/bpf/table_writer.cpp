// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/table_writer.h"

#include "bpf/table_put.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <iterator>
#include <set>
#include <utility>

namespace vtepd {

namespace {

// Nobody who counts from the time since boot comes so far.
constexpr std::uint64_t kOutOfReach = std::uint64_t{1} << 63U;

std::uint64_t ns_since_boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// Runs begin with the time, in ns, and no run has that many epochs: what earlier runs had in use,
// also one that ended in the middle of a change, does not come again.
TableWriter::TableWriter(Tables& tables, std::uint16_t port)
    : tables_(tables),
      port_(port),
      slots_(tables.traffic.max_entries() / VTEP_TRAFFIC_KINDS - 1),
      epoch_(ns_since_boot()) {}

Result<ForwardingState> TableWriter::read_back() {
  auto contents = read_tables(tables_, port_);
  if (!contents) {
    return fail(contents.error());
  }
  slots_.clear();
  for (const auto& [vni, slot] : contents->slots) {
    if (!slots_.adopt(vni, slot)) {
      contents->state.vnis[vni] = {};  // nobody's entry: it is written again
    }
  }
  allowed_ = std::move(contents->allowed);
  strays_ = std::move(contents->strays);
  orphans_.clear();
  for (const auto& [ifindex, unused] : allowed_) {
    if (!contents->state.ports.contains(ifindex)) {
      orphans_.push_back(ifindex);
    }
  }
  if (auto checked = check_epoch(); !checked) {
    return fail(std::move(checked.error()));
  }
  return std::move(contents->state);
}

ApplyReport TableWriter::apply(const ForwardingDelta& delta) {
  ApplyReport report;
  const auto note = [&](Result<void> done) {
    if (!done) {
      report.errors.push_back(std::move(done.error()));
    }
  };
  note(begin_change());
  put_tables(delta, report);
  remove_tables(delta, report);
  remove_strays(delta, report);
  note(end_change());
  remove_counters(delta.vnis_remove, report);
  return report;
}

// The programs forget what they remember of the tables, and remember nothing while these change:
// whoever kills the agent in the middle leaves them that way. A number that somebody else wrote has
// been in use as well.
Result<void> TableWriter::begin_change() {
  const auto now = tables_.epoch.lookup(0);
  if (!now) {
    return fail(now.error());
  }
  if (now->value_or(0) < kOutOfReach) {
    epoch_ = std::max<std::uint64_t>(epoch_, now->value_or(0));
  }
  return write_epoch(0);
}

// From here on they remember again.
Result<void> TableWriter::end_change() {
  return write_epoch(++epoch_);
}

Result<void> TableWriter::write_epoch(std::uint64_t epoch) {
  const std::array<__u32, 1> key{0};
  const std::array<__u64, 1> next{epoch};
  const auto failures = tables_.epoch.update(key, next);
  return failures.empty() ? Result<void>()
                          : fail(tables_.epoch.raw().error(failures.front().error, "update"));
}

// What is not this run's own number is another's, or that of a change which did not come to its
// end.
Result<void> TableWriter::check_epoch() {
  const auto now = tables_.epoch.lookup(0);
  if (now && *now == epoch_) {
    return {};
  }
  if (auto begun = begin_change(); !begun) {
    return begun;
  }
  return end_change();
}

void TableWriter::put_tables(const ForwardingDelta& delta, ApplyReport& report) {
  ForwardingDelta& failed = report.failed;
  put_peers(delta, report);
  put_vnis(delta, report);
  put_items(tables_.members, Table::Members, delta.members_put, kEncode, kPresent,
            failed.members_put, report);
  put_ports(delta, report);
  put_items(tables_.fdb, Table::Fdb, delta.fdb_put, kEncodeFirst, kEncodeSecond, failed.fdb_put,
            report);
  put_items(tables_.neigh, Table::Neigh, delta.neighbours_put, kEncodeFirst, kEncodeSecond,
            failed.neighbours_put, report);
  counts_.clear();
}

void TableWriter::put_peers(const ForwardingDelta& delta, ApplyReport& report) {
  std::vector<std::pair<std::uint32_t, vtep_peer>> encoded;
  encoded.reserve(delta.peers_put.size());
  std::vector<std::size_t> source;
  for (std::size_t i = 0; i < delta.peers_put.size(); ++i) {
    auto peer = abi::encode(delta.peers_put[i].second, port_);
    if (peer) {
      encoded.emplace_back(delta.peers_put[i].first, *peer);
      source.push_back(i);
    } else {
      report.failed.peers_put.push_back(delta.peers_put[i]);
      report.errors.push_back(peer.error());
    }
  }
  std::vector<__u32> keys;
  std::vector<vtep_peer> values;
  for (const auto& [id, peer] : encoded) {
    keys.push_back(id);
    values.push_back(peer);
  }
  const auto failures = tables_.peers.update(keys, values);
  for (const MapFailure& failure : failures) {
    report.failed.peers_put.push_back(delta.peers_put[source[failure.index]]);
  }
  report_failures(tables_.peers.raw(), Table::Peers, failures, true, report);
}

void TableWriter::remove_tables(const ForwardingDelta& delta, ApplyReport& report) {
  ForwardingDelta& failed = report.failed;
  remove_items(tables_.neigh, Table::Neigh, delta.neighbours_remove, kEncode,
               failed.neighbours_remove, report);
  remove_items(tables_.fdb, Table::Fdb, delta.fdb_remove, kEncode, failed.fdb_remove, report);
  remove_items(tables_.ports, Table::Ports, delta.ports_remove, kNumber, failed.ports_remove,
               report);
  for (const IfIndex ifindex : delta.ports_remove) {
    disallow(ifindex, {}, report);
  }
  remove_items(tables_.members, Table::Members, delta.members_remove, kEncode,
               failed.members_remove, report);
  remove_vnis(delta, report);
  remove_items(
      tables_.peers, Table::Peers, delta.peers_remove, [](std::uint32_t id) -> __u32 { return id; },
      failed.peers_remove, report);
}

void TableWriter::remove_strays(const ForwardingDelta& delta, ApplyReport& report) {
  const auto erase = [&](const auto& map, Table table, const auto& keys) {
    report_failures(map.raw(), table, map.erase(keys), false, report);
  };
  erase(tables_.neigh, Table::Neigh, strays_.neigh);
  erase(tables_.fdb, Table::Fdb, strays_.fdb);
  erase(tables_.members, Table::Members, strays_.members);
  erase(tables_.vnis, Table::Vnis, strays_.vnis);
  strays_ = {};
  for (const IfIndex ifindex : orphans_) {
    const bool put_now = std::ranges::any_of(
        delta.ports_put, [&](const auto& item) { return item.first == ifindex; });
    if (!put_now) {
      disallow(ifindex, {}, report);
    }
  }
  orphans_.clear();
}

std::vector<TableUsage> TableWriter::usage() {
  std::vector<TableUsage> out;
  for (const TableSpec& table : kTableSpecs) {
    if (table.table == Table::Events || table.table == Table::Underlays ||
        is_always_full(table.table)) {
      continue;
    }
    const RawMap& map = tables_.raw(table.table);
    const auto known = counts_.find(table.table);
    std::uint64_t used = known != counts_.end() ? known->second : 0;
    if (known == counts_.end()) {
      used = map.count().value_or(0);
      if (table.by_agent) {
        counts_[table.table] = used;
      }
    }
    out.push_back({table.name, used, map.max_entries(), table.option});
  }
  return out;
}

}  // namespace vtepd
