// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/underlay_monitor.h"

#include "netlink/offloads.h"
#include "netlink/sysctl.h"
#include "netlink/underlay_queries.h"

#include <algorithm>
#include <cerrno>

#include <linux/rtnetlink.h>

namespace vtepd::netlink {

namespace {

// So that a host whose routes flap without end cannot keep the loop here.
constexpr int kMaxDatagrams = 4096;

std::vector<int> groups(bool v4) {
  if (v4) {
    return {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
            RTNLGRP_NEXTHOP};
  }
  return {RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,
          RTNLGRP_NEXTHOP};
}

// The kernel's own entries for addresses follow notifications of those addresses, and cached
// clones are no configuration.
bool route_matters(const Reply& reply) {
  const auto parts = reply.split<rtmsg>();
  if (!parts) {
    return false;
  }
  const std::uint32_t table = parts->second.u32(RTA_TABLE).value_or(parts->first.rtm_table);
  return table != RT_TABLE_LOCAL && (parts->first.rtm_flags & RTM_F_CLONED) == 0;
}

UnderlayDevice to_device(const LinkInfo& link, const IpAddress& address) {
  return {.ifindex = link.index,
          .name = link.name,
          .address = address,
          .mtu = link.mtu,
          .up = link.is_operational(),
          .mac = link.mac.value_or(MacAddress{}),
          .kind = link.kind};
}

// The kernel tells of changed offloads, but not what they are. Of an interface that has just gone
// nothing matters any more, of host ends nothing at any time.
LinkInfo with_offloads(LinkInfo link) {
  link.segments_tunnels = !link.is_host_end() && segments_tunnels(link.name).value_or(false);
  return link;
}

}  // namespace

UnderlayMonitor::UnderlayMonitor(UnderlayConfig config, Socket requests, Socket notifications)
    : config_(std::move(config)),
      requests_(std::move(requests)),
      notifications_(std::move(notifications)) {}

Result<std::unique_ptr<UnderlayMonitor>> UnderlayMonitor::create(UnderlayConfig config) {
  if (config.address.has_value() != config.device.empty()) {
    return fail(ErrorKind::Invalid, "the underlay needs an address or a device, and not both");
  }
  if (!config.address) {
    if (auto valid = check_ifname(config.device); !valid) {
      return fail(valid.error().context("underlay device"));
    }
  }
  auto requests = Socket::open();
  if (!requests) {
    return fail(requests.error());
  }
  auto notifications = Socket::subscribe(groups(!config.address || config.address->is_v4()));
  if (!notifications) {
    return fail(notifications.error());
  }
  std::unique_ptr<UnderlayMonitor> monitor(
      new UnderlayMonitor(std::move(config), std::move(*requests), std::move(*notifications)));
  // Listed after the subscription: what changes in between is only seen twice.
  if (auto listed = monitor->list_again(); !listed) {
    return fail(listed.error());
  }
  return monitor;
}

Result<void> UnderlayMonitor::list_again() {
  auto links = list_links(requests_);
  links_uncertain_ = !links;
  if (!links) {
    return fail(links.error());
  }
  std::transform(links->begin(), links->end(), links->begin(), with_offloads);
  links_.replace(*links);
  return {};
}

bool UnderlayMonitor::note(const Reply& reply) {
  switch (reply.type) {
    case RTM_NEWLINK: {
      const auto link = parse_link(reply);
      return link && links_.update(with_offloads(*link));
    }
    case RTM_DELLINK: {
      const auto link = parse_link(reply);
      return link && links_.remove(link->index);
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return route_matters(reply);
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return true;
    default:
      return false;
  }
}

Result<void> UnderlayMonitor::on_readable() {
  bool changed = links_uncertain_;
  Result<void> outcome;
  for (int i = 0; i < kMaxDatagrams; ++i) {
    const Answer answer =
        notifications_.receive([&](const Reply& reply) { changed = note(reply) || changed; });
    if (answer.error == ENOBUFS) {
      links_uncertain_ = true;
      changed = true;
      continue;  // what is left in the buffer still has to be read
    }
    if (!answer.ok()) {
      if (answer.error != EAGAIN) {
        outcome = answer.result("read netlink notifications");
      }
      break;
    }
  }
  if (links_uncertain_) {
    if (auto listed = list_again(); !listed) {
      outcome = listed;
    }
  }
  if (changed) {
    source_.reset();
    const auto gone = links_.take_gone();
    if (callback_) {
      callback_(gone);
    }
  }
  return outcome;
}

Result<UnderlayDevice> UnderlayMonitor::device() {
  return config_.address ? device_with_address(*config_.address) : device_with_name(config_.device);
}

Result<UnderlayDevice> UnderlayMonitor::device_with_address(const IpAddress& address) {
  const auto all = list_addresses(requests_, address.is_v4());
  if (!all) {
    return fail(all.error());
  }
  const auto found = std::find_if(all->begin(), all->end(),
                                  [&](const auto& entry) { return entry.address == address; });
  const std::string what = "underlay address " + address.to_string();
  if (found == all->end()) {
    return fail(ErrorKind::NotFound,
                what + " is on no interface of this host; 'ip address' lists those it has");
  }
  const auto link = find_link(requests_, found->ifindex);
  if (!link) {
    return fail(link.error());
  }
  if (!link->has_value()) {
    return fail(ErrorKind::NotFound, what + ": its interface has just gone");
  }
  return to_device(**link, address);
}

Result<UnderlayDevice> UnderlayMonitor::device_with_name(const std::string& name) {
  const auto link = find_link(requests_, name);
  if (!link) {
    return fail(link.error());
  }
  if (!link->has_value()) {
    return fail(ErrorKind::NotFound, "underlay device '" + name + "' does not exist");
  }
  const auto all = list_addresses(requests_, true);
  if (!all) {
    return fail(all.error());
  }
  const auto found = std::find_if(all->begin(), all->end(), [&](const auto& entry) {
    return entry.ifindex == (*link)->index && entry.global;
  });
  if (found == all->end()) {
    return fail(ErrorKind::NotFound,
                "underlay device '" + name + "' has no IPv4 address of global scope");
  }
  return to_device(**link, found->address);
}

Result<UnderlayRoute> UnderlayMonitor::resolve(const IpAddress& vtep) {
  if (!source_) {
    const auto found = device();
    if (!found) {
      return fail(found.error().context("resolve VTEP " + vtep.to_string()));
    }
    source_ = found->address;
  }
  return look_up_route(requests_, vtep, *source_);
}

Result<std::pair<std::uint16_t, std::uint16_t>> UnderlayMonitor::port_range() {
  return local_port_range();
}

Result<bool> UnderlayMonitor::segments_tunnels(IfIndex device) {
  const auto link = find_link(requests_, device);
  if (!link) {
    return fail(link.error());
  }
  return *link ? netlink::segments_tunnels((*link)->name)
               : fail(ErrorKind::NotFound,
                      "interface " + std::to_string(device.value) + " does not exist");
}

}  // namespace vtepd::netlink
