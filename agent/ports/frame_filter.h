// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/forwarding_state.h"
#include "ports/dataplane.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vtepd {

// What an endpoint behind a bridge port may send from.
struct FilterPort {
  Vni vni;
  IfIndex ifindex;      // of the host end, for events
  bool checked = true;  // else any source MAC and address is let through (--no-source-check)
  bool ipv6 = false;    // else IPv6 is dropped
  std::set<MacAddress> macs;
  std::set<IpPrefix> addresses;  // both families, the link-local ones of `macs` among them
  bool operator==(const FilterPort&) const = default;
};

// Everything that a FrameFilter enforces; ports by the name of their host end.
struct FilterState {
  std::map<std::string, FilterPort> ports;
  std::set<Vni> vnis;
  std::set<MemberKey> members;
  bool operator==(const FilterState&) const = default;
};

struct FilterDelta {
  std::vector<std::pair<std::string, FilterPort>> ports_put;
  std::vector<std::string> ports_remove;
  std::vector<Vni> vnis_put;
  std::vector<Vni> vnis_remove;
  std::vector<MemberKey> members_put;
  std::vector<MemberKey> members_remove;
};

// The checks that the BPF programs do by themselves and a bridge with a vxlan device does not: who
// may send what (docs/datapath.md), from endpoints and from other VTEPs, with the same reasons
// counted. Called on the loop's thread only.
class FrameFilter {
 public:
  using OnEvent = std::function<void(const DataplaneEvent&)>;

  virtual ~FrameFilter() = default;

  // What is enforced now, by an earlier run of the daemon too. What somebody else took out is not
  // in it; `ifindex` is 0.
  virtual Result<FilterState> read_back() = 0;
  // All of it or nothing. Putting what is there replaces it. A frame never meets a state in
  // between that allows more than before and after.
  virtual Result<void> apply(const FilterDelta& delta) = 0;
  // Outcomes counted since the rules were made.
  virtual Result<std::vector<ReasonCount>> counters() = 0;
  // Readable when there are events (VTEP_ANNOUNCED candidates, VTEP_NOT_MEMBER); consume() takes
  // them. A candidate is an announcement that the sender may make; whether it is news the caller
  // knows.
  [[nodiscard]] virtual int events_fd() const = 0;
  virtual void consume(const OnEvent& take) = 0;
};

}  // namespace vtepd
