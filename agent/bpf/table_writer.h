// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bpf/tables.h"
#include "bpf/traffic_slots.h"

#include <cstdint>
#include <map>
#include <vector>

namespace vtepd {

// Applies deltas to the maps of an instance in the order that forwarding_state.h gives. It knows
// which further addresses each port has, because a port's entries in vtep_allow and vtep_allow_mac
// have to be found by interface. The only writer of these maps.
class TableWriter {
 public:
  TableWriter(Tables& tables, std::uint16_t port);

  // Everything the maps hold (see read_tables); stray keys are noted and go with the next apply().
  Result<ForwardingState> read_back();
  ApplyReport apply(const ForwardingDelta& delta);
  // Of these entries, those that the maps lack or have otherwise. The further addresses of a port
  // that differs are written again with it.
  Result<ForwardingDelta> missing(const ForwardingState& wanted);
  // Fill levels. A table is counted again only after it was written to, because counting walks
  // all of its keys.
  std::vector<TableUsage> usage();

 private:
  Result<void> begin_change();
  Result<void> end_change();
  Result<void> write_epoch(std::uint64_t epoch);
  Result<void> check_epoch();
  Result<bool> holds(IfIndex ifindex, const PortEntry& port) const;
  void put_peers(const ForwardingDelta& delta, ApplyReport& report);
  void put_vnis(const ForwardingDelta& delta, ApplyReport& report);
  void remove_vnis(const ForwardingDelta& delta, ApplyReport& report);
  void clear_traffic(const std::vector<Vni>& vnis, ApplyReport& report);
  void put_ports(const ForwardingDelta& delta, ApplyReport& report);
  void put_tables(const ForwardingDelta& delta, ApplyReport& report);
  void remove_tables(const ForwardingDelta& delta, ApplyReport& report);
  void remove_counters(const std::vector<Vni>& vnis, ApplyReport& report);
  void remove_strays(const ForwardingDelta& delta, ApplyReport& report);
  bool allow(IfIndex ifindex, const PortEntry& port, ApplyReport& report);
  void disallow(IfIndex ifindex, const Allowed& keep, ApplyReport& report);

  Tables& tables_;
  std::uint16_t port_;
  AllowedByPort allowed_;
  TrafficSlots slots_;
  std::uint64_t epoch_;  // the latest that may have been in use
  Strays strays_;
  std::vector<IfIndex> orphans_;  // in `allowed_`, but no port
  std::map<Table, std::uint64_t> counts_;
};

}  // namespace vtepd
