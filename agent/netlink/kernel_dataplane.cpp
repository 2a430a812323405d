// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/kernel_dataplane.h"

#include "netlink/kernel_writer.h"
#include "vtepd/reasons.h"

#include <cerrno>
#include <utility>

#include <sys/epoll.h>

namespace vtepd::netlink {

namespace {

// fe80::/64 with the EUI-64 of `mac` (RFC 4291 appendix A).
IpPrefix link_local_of(const MacAddress& mac) {
  const auto& m = mac.bytes;
  return {IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2U), m[1],
                         m[2], 0xff, 0xfe, m[3], m[4], m[5]}),
          128};
}

IpPrefix single(const IpAddress& address) {
  constexpr std::uint8_t kBits4 = 32;
  constexpr std::uint8_t kBits6 = 128;
  return {address, address.is_v4() ? kBits4 : kBits6};
}

Result<UniqueFd> join(std::initializer_list<int> fds) {
  UniqueFd joined(epoll_create1(EPOLL_CLOEXEC));
  if (!joined.valid()) {
    return fail_errno(errno, "open an epoll descriptor");
  }
  for (const int fd : fds) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (fd >= 0 && epoll_ctl(joined.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return fail_errno(errno, "watch the events of the kernel data path");
    }
  }
  return joined;
}

}  // namespace

KernelDataplane::KernelDataplane(OverlayNetns& netns, Options options, VniDevices devices,
                                 MissEvents misses, UniqueFd events)
    : netns_(netns),
      options_(std::move(options)),
      devices_(std::move(devices)),
      misses_(std::move(misses)),
      events_(std::move(events)) {}

Result<std::unique_ptr<KernelDataplane>> KernelDataplane::open(OverlayNetns& netns,
                                                               Options options) {
  auto devices = VniDevices::open(netns.fd(), options.vtep, options.port);
  if (!devices) {
    return fail(devices.error());
  }
  auto misses = MissEvents::open(netns.fd());
  if (!misses) {
    return fail(misses.error());
  }
  auto events = join({misses->fd(), options.filter == nullptr ? -1 : options.filter->events_fd()});
  if (!events) {
    return fail(events.error());
  }
  return std::unique_ptr<KernelDataplane>(new KernelDataplane(
      netns, std::move(options), std::move(*devices), std::move(*misses), std::move(*events)));
}

ApplyReport KernelDataplane::apply(const ForwardingDelta& delta) {
  return Writer(*this, delta).run();
}

std::uint32_t KernelDataplane::id_of(const IpAddress& vtep) {
  if (const auto known = peer_ids_.find(vtep); known != peer_ids_.end()) {
    return known->second;
  }
  const std::uint32_t id = peers_.empty() ? 1 : peers_.rbegin()->first + 1;
  peer_ids_.emplace(vtep, id);
  peers_.emplace(id, PeerEntry{.remote = vtep, .local = options_.vtep, .next_hop = vtep});
  return id;
}

FilterPort KernelDataplane::filter_port(IfIndex host_end, const PortEntry& entry) const {
  FilterPort port{.vni = entry.vni,
                  .ifindex = host_end,
                  .checked = entry.source_check,
                  .ipv6 = entry.ipv6,
                  .macs = entry.allowed_macs,
                  .addresses = {}};
  port.macs.insert(entry.mac);
  for (const auto& allowed : entry.allowed_addresses) {
    port.addresses.insert(allowed.network());
  }
  for (const auto& address : {entry.address4, entry.address6}) {
    if (address) {
      port.addresses.insert(single(*address));
    }
  }
  if (entry.ipv6) {
    for (const auto& mac : port.macs) {
      port.addresses.insert(link_local_of(mac));
    }
  }
  return port;
}

FdbEntry KernelDataplane::local_entry(IfIndex host_end) const {
  const auto port = ports_.find(host_end);
  const bool same_netns = port != ports_.end() && port->second.entry.same_netns;
  return {.vtep_id = 0,
          .ifindex = same_netns ? port->second.entry.endpoint_ifindex : host_end,
          .same_netns = same_netns};
}

IfIndex KernelDataplane::host_end_of(const FdbEntry& entry) const {
  if (!entry.same_netns) {
    return entry.ifindex;
  }
  for (const auto& [host_end, port] : ports_) {
    if (port.entry.same_netns && port.entry.endpoint_ifindex == entry.ifindex) {
      return host_end;
    }
  }
  return {};
}

Result<void> KernelDataplane::attach_underlay(const UnderlayDevice& device) {
  return device.address == options_.vtep
             ? Result<void>()
             : fail(ErrorKind::Invalid, "the VTEP of the vxlan devices is " +
                                            options_.vtep.to_string() + ", not " +
                                            device.address.to_string() + "; restart vtepd");
}

Result<std::vector<std::string>> KernelDataplane::verify_attachments() {
  if (netns_.is_mounted()) {
    return std::vector<std::string>{};
  }
  if (auto mounted = netns_.mount(); !mounted) {
    return fail(mounted.error());
  }
  return std::vector<std::string>{netns_.path() + " was unmounted"};
}

DataplaneInfo KernelDataplane::info() const {
  return {.kind = "kernel",
          .mode = "",
          .reason = options_.reason,
          .attach = "",
          .tunnel_gro = "the vxlan devices' own",
          .tunnel_state = "the kernel's own",
          .checks = options_.filter != nullptr ? "nftables" : "none: " + options_.filter_problem};
}

void KernelDataplane::consume(const std::function<void(const DataplaneEvent&)>& take) {
  misses_.read([&](const KernelEntry& miss) { on_miss(miss, take); });
  if (options_.filter != nullptr) {
    options_.filter->consume([&](const DataplaneEvent& event) {
      if (event.reason != VTEP_ANNOUNCED || is_news(event)) {
        take(event);
      }
    });
  }
}

void KernelDataplane::on_miss(const KernelEntry& miss,
                              const std::function<void(const DataplaneEvent&)>& take) {
  const auto vni = vni_of_vxlan_.find(miss.device);
  if (vni == vni_of_vxlan_.end()) {
    return;
  }
  DataplaneEvent event{.vni = vni->second};
  if (miss.mac) {
    event.reason = VTEP_UNKNOWN_UNICAST;
    event.mac = *miss.mac;
  } else {
    event.address = *miss.address;
    event.reason = event.address.is_v4() ? VTEP_ARP_UNKNOWN : VTEP_ND_UNKNOWN;
  }
  ++missed_[{event.vni, event.reason}];
  take(event);
}

// An endpoint that says an address is its own is only heard if the tables say otherwise.
bool KernelDataplane::is_news(const DataplaneEvent& announced) {
  const auto pair = vnis_.find(announced.vni);
  if (pair == vnis_.end()) {
    return false;
  }
  std::optional<MacAddress> answering;
  Message message = get_neighbour(pair->second.vxlan, announced.address);
  (void)devices_.inside().request(message, [&](const Reply& reply) {
    if (const auto entry = parse_entry(reply)) {
      answering = entry->mac;
    }
  });
  const auto here = local_macs_.find({announced.vni, announced.mac});
  return answering != announced.mac || here == local_macs_.end() ||
         here->second != announced.ifindex;
}

Result<std::vector<ReasonCount>> KernelDataplane::counters() {
  auto counts = options_.filter == nullptr ? Result<std::vector<ReasonCount>>({})
                                           : options_.filter->counters();
  if (counts) {
    for (const auto& [key, packets] : missed_) {
      counts->push_back({key.first, key.second, packets, 0});
    }
    count_no_route(*counts);
  }
  return counts;
}

// What a vxlan device could not send for want of a route is a carrier error to it.
void KernelDataplane::count_no_route(std::vector<ReasonCount>& counts) {
  for (const auto& [device, vni] : vni_of_vxlan_) {
    const auto statistics = read_statistics(devices_.inside(), device);
    if (statistics && statistics->tx_carrier_errors > 0) {
      counts.push_back({vni, VTEP_NO_ROUTE, statistics->tx_carrier_errors, 0});
    }
  }
}

std::vector<TableUsage> KernelDataplane::usage() {
  return {{.table = "fdb", .used = fdb_.size(), .size = 0, .option = {}},
          {.table = "neigh", .used = neighbours_.size(), .size = 0, .option = {}},
          {.table = "peers", .used = peers_.size(), .size = 0, .option = {}},
          {.table = "ports", .used = ports_.size(), .size = 0, .option = {}},
          {.table = "vnis", .used = vnis_.size(), .size = 0, .option = {}}};
}

}  // namespace vtepd::netlink
