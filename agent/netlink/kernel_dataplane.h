// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "netlink/kernel_tables.h"
#include "netlink/miss_events.h"
#include "netlink/overlay_netns.h"
#include "netlink/vni_devices.h"
#include "ports/dataplane.h"
#include "ports/frame_filter.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace vtepd::netlink {

// The data path of the kernel's own devices: a bridge and a vxlan device per VNI in a namespace of
// the instance, FDB and neighbour entries by rtnetlink. The host ends of endpoints are made in that
// namespace too. What forwards is all in the kernel and outlives the process; open() takes over
// what an earlier run left.
//
// What the devices cannot hold (next hops, VTEP ids) is kept in memory: the kernel looks routes up
// by itself. Who may send what is the business of a FrameFilter.
class KernelDataplane final : public Dataplane {
 public:
  struct Options {
    IpAddress vtep;
    std::uint16_t port = 4789;
    std::string reason;             // why this data path, for info()
    FrameFilter* filter = nullptr;  // outlives this; none: nobody checks
    std::string filter_problem;     // why there is none
  };

  // `netns` outlives this.
  static Result<std::unique_ptr<KernelDataplane>> open(OverlayNetns& netns, Options options);

  Result<ForwardingState> read_back() override;
  ApplyReport apply(const ForwardingDelta& delta) override;
  Result<ForwardingDelta> missing(const ForwardingState& wanted) override;

  [[nodiscard]] bool carries_on() const override { return true; }

  Result<void> commit() override { return {}; }

  // The kernel's sockets take what comes on any device.
  Result<void> attach_underlay(const UnderlayDevice& device) override;

  // Ports are what apply() makes of host ends, and nothing before or after that.
  Result<void> attach_port(IfIndex /*host_end*/, std::string_view /*name*/) override { return {}; }

  void detach_port(std::string_view /*name*/) override {}

  Result<std::vector<std::string>> verify_attachments() override;
  Result<std::vector<ReasonCount>> counters() override;
  std::vector<TableUsage> usage() override;
  [[nodiscard]] DataplaneInfo info() const override;

  [[nodiscard]] int events_fd() const override { return events_.get(); }

  void consume(const std::function<void(const DataplaneEvent&)>& take) override;

 private:
  struct Port {
    std::string name;
    PortEntry entry;
  };

  class Writer;

  KernelDataplane(OverlayNetns& netns, Options options, VniDevices devices, MissEvents misses,
                  UniqueFd events);

  std::uint32_t id_of(const IpAddress& vtep);
  [[nodiscard]] FilterPort filter_port(IfIndex host_end, const PortEntry& entry) const;
  [[nodiscard]] FdbEntry local_entry(IfIndex host_end) const;
  // The host end that a local FDB entry means.
  [[nodiscard]] IfIndex host_end_of(const FdbEntry& entry) const;
  Result<void> read_entries(const OverlayLinks& links, ForwardingState& state);
  Result<void> find_missing_devices(const ForwardingState& wanted, ForwardingDelta& lacking);
  Result<void> find_missing_filters(const ForwardingState& wanted, ForwardingDelta& lacking);
  Result<void> find_missing_entries(const ForwardingState& wanted, ForwardingDelta& lacking);
  void on_miss(const KernelEntry& miss, const std::function<void(const DataplaneEvent&)>& take);
  bool is_news(const DataplaneEvent& announced);
  void count_no_route(std::vector<ReasonCount>& counts);

  OverlayNetns& netns_;
  Options options_;
  VniDevices devices_;
  MissEvents misses_;
  UniqueFd events_;
  std::map<Vni, VniPair> vnis_;
  std::map<IfIndex, Vni> vni_of_vxlan_;
  std::map<std::uint32_t, PeerEntry> peers_;
  std::map<IpAddress, std::uint32_t> peer_ids_;
  std::map<IfIndex, Port> ports_;
  std::set<MemberKey> members_;           // where no filter holds them
  std::map<FdbKey, IfIndex> local_macs_;  // and the host end they are behind
  std::map<std::pair<Vni, std::uint32_t>, std::uint64_t> missed_;  // by reason, of this run
  // Hashes of the keys put, to know how many there are: the kernel can only tell all of them.
  std::unordered_set<std::size_t> fdb_;
  std::unordered_set<std::size_t> neighbours_;
};

}  // namespace vtepd::netlink
