// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/forwarding_state.h"
#include "ports/underlay.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// Entries that the data path did not take, with the reason; the rest of the delta was applied.
struct ApplyReport {
  ForwardingDelta failed;
  std::vector<Error> errors;  // one per table and cause, naming table, size and option
};

// Outcome counters, one per VNI and reason (include/vtepd/reasons.h). VNI 0: not known or foreign.
struct ReasonCount {
  Vni vni;
  std::uint32_t reason = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// How full a table is; `option` is the configuration key that sizes it ("limits.fdb").
struct TableUsage {
  std::string table;
  std::uint64_t used = 0;
  std::uint64_t size = 0;
  std::string option;
};

// A rare condition that the data path met.
struct DataplaneEvent {
  std::uint32_t reason = 0;
  Vni vni;
  IfIndex ifindex;
  MacAddress mac;
  IpAddress address;
};

struct DataplaneInfo {
  std::string kind;          // "bpf" or "kernel"
  std::string mode;          // "tc" or "xdp"; empty for kernel
  std::string reason;        // why this one
  std::string attach;        // "tcx" or "clsact"
  std::string tunnel_gro;    // "idle device vtepx4789" or why there is none and what that costs
  std::string tunnel_state;  // what becomes of frames that have some: "pair vtepsa4789 (…)"
  std::string checks;        // who sees to what an endpoint may send: "programs", "nftables"
};

// Forwards frames by the tables it is given. One implementation per data path; all pass the same
// tests. Called on the loop's thread only.
class Dataplane {
 public:
  virtual ~Dataplane() = default;

  // What the tables hold now (adopted from an earlier run of the daemon, or tampered with).
  virtual Result<ForwardingState> read_back() = 0;
  virtual ApplyReport apply(const ForwardingDelta& delta) = 0;
  // Of these entries, those that the tables lack or have otherwise. Asks for each one by itself.
  virtual Result<ForwardingDelta> missing(const ForwardingState& wanted) = 0;
  // True if hooking up loses nothing once this host's endpoints are in the tables: no earlier run
  // left anything, or its entries are in them. False if its programs forward by tables that this
  // one cannot read: they go on until everything is in the tables here and hooked up.
  [[nodiscard]] virtual bool carries_on() const = 0;
  // Everything is in the tables and hooked up: what earlier runs left, and nobody uses, goes.
  virtual Result<void> commit() = 0;
  // Hooks the underlay device up (again, if it or its MAC changed); frames are decapsulated from
  // now on.
  virtual Result<void> attach_underlay(const UnderlayDevice& device) = 0;
  // Hooks the host end of an endpoint's pair up, before it is set up. Idempotent. `name` is the
  // host end's name.
  virtual Result<void> attach_port(IfIndex host_end, std::string_view name) = 0;
  virtual void detach_port(std::string_view name) = 0;
  // Hooks up again what somebody took off, and says what it was.
  virtual Result<std::vector<std::string>> verify_attachments() = 0;
  virtual Result<std::vector<ReasonCount>> counters() = 0;
  virtual std::vector<TableUsage> usage() = 0;
  [[nodiscard]] virtual DataplaneInfo info() const = 0;
  // Readable when there are events; consume() takes them.
  [[nodiscard]] virtual int events_fd() const = 0;
  virtual void consume(const std::function<void(const DataplaneEvent&)>& take) = 0;
};

}  // namespace vtepd
