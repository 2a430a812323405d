// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/table_writer.h"

#include "bpf/abi_codec.h"
#include "vtepd/reasons.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

namespace vtepd {

namespace {

// Adds one error per table and cause.
void report_failures(const RawMap& map, Table table, const std::vector<MapFailure>& failures,
                     bool putting, ApplyReport& report) {
  std::set<int> causes;
  for (const MapFailure& failure : failures) {
    if (causes.insert(failure.error).second) {
      report.errors.push_back(putting ? map.update_error(failure.error, spec(table).option)
                                      : map.error(failure.error, "delete"));
    }
  }
}

template <typename Item>
void copy_failed(const std::vector<Item>& items, const std::vector<MapFailure>& failures,
                 std::vector<Item>& failed) {
  for (const MapFailure& failure : failures) {
    failed.push_back(items[failure.index]);
  }
}

// So many entries are encoded and handed over before the next ones: they stay in the caches.
constexpr std::size_t kAtOnce = 4096;

template <typename Key, typename Value, typename Item, typename EncodeKey, typename EncodeValue>
void put(const Map<Key, Value>& map, Table table, const std::vector<Item>& items,
         const EncodeKey& encode_key, const EncodeValue& encode_value, std::vector<Item>& failed,
         ApplyReport& report) {
  std::vector<Key> keys;
  std::vector<Value> values;
  std::vector<MapFailure> failures;
  for (std::size_t first = 0; first < items.size(); first += kAtOnce) {
    const auto part = std::span(items).subspan(first, std::min(kAtOnce, items.size() - first));
    keys.clear();
    values.clear();
    std::ranges::transform(part, std::back_inserter(keys), encode_key);
    std::ranges::transform(part, std::back_inserter(values), encode_value);
    for (const MapFailure& failure : map.update(keys, values)) {
      failures.push_back({first + failure.index, failure.error});
    }
  }
  copy_failed(items, failures, failed);
  report_failures(map.raw(), table, failures, true, report);
}

template <typename Key, typename Value, typename Item, typename EncodeKey>
void remove(const Map<Key, Value>& map, Table table, const std::vector<Item>& items,
            const EncodeKey& encode_key, std::vector<Item>& failed, ApplyReport& report) {
  std::vector<Key> keys;
  keys.reserve(items.size());
  std::ranges::transform(items, std::back_inserter(keys), encode_key);
  const auto failures = map.erase(keys);
  copy_failed(items, failures, failed);
  report_failures(map.raw(), table, failures, false, report);
}

const auto kEncode = [](const auto& item) { return abi::encode(item); };
const auto kEncodeFirst = [](const auto& item) { return abi::encode(item.first); };
const auto kEncodeSecond = [](const auto& item) { return abi::encode(item.second); };
const auto kNumber = [](const auto& item) -> __u32 { return item.value; };
const auto kNumberFirst = [](const auto& item) -> __u32 { return item.first.value; };
const auto kPresent = [](const auto&) -> __u8 { return 1; };

}  // namespace

Result<ForwardingState> TableWriter::read_back() {
  auto contents = read_tables(tables_, port_);
  if (!contents) {
    return fail(contents.error());
  }
  allowed_ = std::move(contents->allowed);
  strays_ = std::move(contents->strays);
  orphans_.clear();
  for (const auto& [ifindex, unused] : allowed_) {
    if (!contents->state.ports.contains(ifindex)) {
      orphans_.push_back(ifindex);
    }
  }
  return std::move(contents->state);
}

ApplyReport TableWriter::apply(const ForwardingDelta& delta) {
  ApplyReport report;
  put_tables(delta, report);
  remove_tables(delta, report);
  remove_counters(delta.vnis_remove, report);
  remove_strays(delta, report);
  return report;
}

void TableWriter::put_tables(const ForwardingDelta& delta, ApplyReport& report) {
  ForwardingDelta& failed = report.failed;
  put_peers(delta, report);
  put(tables_.vnis, Table::Vnis, delta.vnis_put, kNumberFirst, kEncodeSecond, failed.vnis_put,
      report);
  put(tables_.members, Table::Members, delta.members_put, kEncode, kPresent, failed.members_put,
      report);
  put_ports(delta, report);
  put(tables_.fdb, Table::Fdb, delta.fdb_put, kEncodeFirst, kEncodeSecond, failed.fdb_put, report);
  put(tables_.neigh, Table::Neigh, delta.neighbours_put, kEncodeFirst, kEncodeSecond,
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

// What a port may send is widened before the port's own entry changes and narrowed after it, so
// that nothing legal is dropped in between.
void TableWriter::put_ports(const ForwardingDelta& delta, ApplyReport& report) {
  std::vector<std::pair<IfIndex, PortEntry>> ready;
  for (const auto& item : delta.ports_put) {
    if (allow(item.first, item.second, report)) {
      ready.push_back(item);
    } else {
      report.failed.ports_put.push_back(item);
    }
  }
  const std::size_t before = report.failed.ports_put.size();
  put(tables_.ports, Table::Ports, ready, kNumberFirst, kEncodeSecond, report.failed.ports_put,
      report);
  std::set<IfIndex> failed;
  for (std::size_t i = before; i < report.failed.ports_put.size(); ++i) {
    failed.insert(report.failed.ports_put[i].first);
  }
  for (const auto& [ifindex, port] : ready) {
    if (!failed.contains(ifindex)) {
      disallow(ifindex, {port.allowed_addresses, port.allowed_macs}, report);
    }
  }
}

bool TableWriter::allow(IfIndex ifindex, const PortEntry& port, ApplyReport& report) {
  Allowed& have = allowed_[ifindex];
  std::vector<vtep_allow_key> addresses;
  std::vector<vtep_allow_mac_key> macs;
  for (const IpPrefix& prefix : port.allowed_addresses) {
    if (have.addresses.insert(prefix.network()).second) {
      addresses.push_back(abi::allow_key(ifindex, prefix));
    }
  }
  for (const MacAddress& mac : port.allowed_macs) {
    if (have.macs.insert(mac).second) {
      macs.push_back(abi::allow_key(ifindex, mac));
    }
  }
  const auto address_failures =
      tables_.allow.update(addresses, std::vector<__u8>(addresses.size(), 1));
  const auto mac_failures = tables_.allow_mac.update(macs, std::vector<__u8>(macs.size(), 1));
  for (const MapFailure& failure : address_failures) {
    have.addresses.erase(abi::decode(addresses[failure.index]).second);
  }
  for (const MapFailure& failure : mac_failures) {
    have.macs.erase(abi::decode(macs[failure.index]).second);
  }
  report_failures(tables_.allow.raw(), Table::Allow, address_failures, true, report);
  report_failures(tables_.allow_mac.raw(), Table::AllowMac, mac_failures, true, report);
  return address_failures.empty() && mac_failures.empty();
}

void TableWriter::disallow(IfIndex ifindex, const Allowed& keep, ApplyReport& report) {
  const auto found = allowed_.find(ifindex);
  if (found == allowed_.end()) {
    return;
  }
  std::set<IpPrefix> networks;
  for (const IpPrefix& prefix : keep.addresses) {
    networks.insert(prefix.network());
  }
  std::vector<vtep_allow_key> addresses;
  std::vector<vtep_allow_mac_key> macs;
  std::erase_if(found->second.addresses, [&](const IpPrefix& prefix) {
    const bool gone = !networks.contains(prefix);
    if (gone) {
      addresses.push_back(abi::allow_key(ifindex, prefix));
    }
    return gone;
  });
  std::erase_if(found->second.macs, [&](const MacAddress& mac) {
    const bool gone = !keep.macs.contains(mac);
    if (gone) {
      macs.push_back(abi::allow_key(ifindex, mac));
    }
    return gone;
  });
  report_failures(tables_.allow.raw(), Table::Allow, tables_.allow.erase(addresses), false, report);
  report_failures(tables_.allow_mac.raw(), Table::AllowMac, tables_.allow_mac.erase(macs), false,
                  report);
  if (found->second.addresses.empty() && found->second.macs.empty()) {
    allowed_.erase(found);
  }
}

void TableWriter::remove_tables(const ForwardingDelta& delta, ApplyReport& report) {
  ForwardingDelta& failed = report.failed;
  remove(tables_.neigh, Table::Neigh, delta.neighbours_remove, kEncode, failed.neighbours_remove,
         report);
  remove(tables_.fdb, Table::Fdb, delta.fdb_remove, kEncode, failed.fdb_remove, report);
  remove(tables_.ports, Table::Ports, delta.ports_remove, kNumber, failed.ports_remove, report);
  for (const IfIndex ifindex : delta.ports_remove) {
    disallow(ifindex, {}, report);
  }
  remove(tables_.members, Table::Members, delta.members_remove, kEncode, failed.members_remove,
         report);
  remove(tables_.vnis, Table::Vnis, delta.vnis_remove, kNumber, failed.vnis_remove, report);
  remove(
      tables_.peers, Table::Peers, delta.peers_remove, [](std::uint32_t id) -> __u32 { return id; },
      failed.peers_remove, report);
}

void TableWriter::remove_counters(const std::vector<Vni>& vnis, ApplyReport& report) {
  std::vector<vtep_counter_key> keys;
  for (const Vni vni : vnis) {
    for (__u32 reason = 0; reason < VTEP_REASON_MAX; ++reason) {
      keys.push_back({.vni = vni.value, .reason = reason});
    }
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(keys.data());
  report_failures(tables_.counters, Table::Counters, tables_.counters.erase(bytes, keys.size()),
                  false, report);
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
        table.table == Table::Seg) {
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
