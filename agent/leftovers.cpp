// SPDX-License-Identifier: GPL-2.0-only
#include "leftovers.h"

#include "netlink/headroom_bridge.h"
#include "netlink/idle_vxlan.h"
#include "netlink/overlay_netns.h"
#include "netlink/segment_pair.h"
#include "netlink/vni_devices.h"
#include "nft/nft_filter.h"

namespace vtepd {

std::string overlay_netns_path(const Config& config) {
  return config.runtime_dir() + "/netns";
}

// The rules of the daemon's own namespace may have outlived the other one.
Result<Removed> remove_kernel_path(const Config& config) {
  const std::string path = overlay_netns_path(config);
  auto netns = netlink::OverlayNetns::find(path);
  if (!netns) {
    return fail(netns.error());
  }
  auto removed = NftFilter::purge(config.instance,
                                  *netns ? std::optional((*netns)->fd()) : std::optional<int>());
  if (!removed) {
    return fail(removed.error());
  }
  if (*netns) {
    if (auto gone = netlink::remove_overlay(**netns); !gone) {
      return fail(gone.error());
    }
    removed->push_back("the namespace " + path + " and the devices in it");
  }
  return removed;
}

Result<Removed> remove_headroom_bridge(const Config& config) {
  auto bridge = netlink::HeadroomBridge::open(config.underlay.port);
  if (!bridge) {
    return fail(bridge.error());
  }
  const auto removed = bridge->remove();
  if (!removed) {
    return fail(removed.error());
  }
  return *removed ? Removed{"interface " + bridge->name()} : Removed{};
}

Result<Removed> remove_idle_device(const Config& config) {
  auto device = netlink::IdleVxlan::open(config.underlay.port);
  if (!device) {
    return fail(device.error());
  }
  const auto there = device->find();
  if (!there) {
    return fail(there.error());
  }
  if (!*there) {
    return Removed{};
  }
  if (auto removed = device->remove(); !removed) {
    return fail(removed.error());
  }
  return Removed{"interface " + device->name()};
}

Result<Removed> remove_segment_pair(const Config& config) {
  auto pair = netlink::SegmentPair::open(config.underlay.port);
  if (!pair) {
    return fail(pair.error());
  }
  const auto removed = pair->remove();
  if (!removed) {
    return fail(removed.error());
  }
  return *removed ? Removed{"interface " + pair->name() + " and its other end"} : Removed{};
}

}  // namespace vtepd
