// SPDX-License-Identifier: GPL-2.0-only
// TableWriter: VNIs and their counters.
#include "bpf/table_put.h"
#include "bpf/table_writer.h"
#include "vtepd/reasons.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace vtepd {

void TableWriter::put_vnis(const ForwardingDelta& delta, ApplyReport& report) {
  std::vector<Vni> fresh;
  for (const auto& [vni, entry] : delta.vnis_put) {
    if (slots_.of(vni) == 0 && slots_.assign(vni) != 0) {
      fresh.push_back(vni);
    }
  }
  clear_traffic(fresh, report);
  auto& failed = report.failed.vnis_put;
  put_items(
      tables_.vnis, Table::Vnis, delta.vnis_put, kNumberFirst,
      [&](const auto& item) { return abi::encode(item.second, slots_.of(item.first)); }, failed,
      report);
  for (const auto& [vni, entry] : failed) {
    if (std::ranges::find(fresh, vni) != fresh.end()) {
      slots_.release(vni);
    }
  }
}

// What an earlier owner of the slot has counted is not theirs.
void TableWriter::clear_traffic(const std::vector<Vni>& vnis, ApplyReport& report) {
  std::vector<__u32> places;
  for (const Vni vni : vnis) {
    for (__u32 kind = 0; kind < VTEP_TRAFFIC_KINDS; ++kind) {
      places.push_back(slots_.of(vni) * VTEP_TRAFFIC_KINDS + kind);
    }
  }
  const std::vector<std::byte> zeros(places.size() * tables_.traffic.value_stride());
  const auto* keys = reinterpret_cast<const std::byte*>(places.data());
  report_failures(tables_.traffic, Table::Traffic,
                  tables_.traffic.update(keys, zeros.data(), places.size()), true, report);
}

void TableWriter::remove_vnis(const ForwardingDelta& delta, ApplyReport& report) {
  auto& failed = report.failed.vnis_remove;
  remove_items(tables_.vnis, Table::Vnis, delta.vnis_remove, kNumber, failed, report);
  for (const Vni vni : delta.vnis_remove) {
    if (std::ranges::find(failed, vni) == failed.end()) {
      slots_.release(vni);
    }
  }
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

}  // namespace vtepd
