// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "netlink/link_manager.h"
#include "netlink/link_watch.h"
#include "netlink/overlay_netns.h"
#include "netlink/underlay_monitor.h"
#include "ports/dataplane.h"
#include "ports/frame_filter.h"
#include "segmenter.h"
#include "state/state_file.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vtepd {

// Everything that the kernel holds for an instance, opened in the order that loses no packet. What
// is of one data path only is empty with the other.
struct Host {
  std::unique_ptr<netlink::UnderlayMonitor> underlay;
  UnderlayDevice device;
  // Kernel: where the host ends and devices are, what goes there, and who may send what.
  std::unique_ptr<netlink::OverlayNetns> netns;
  std::unique_ptr<netlink::LinkWatch> host_ends;
  std::unique_ptr<FrameFilter> filter;
  std::unique_ptr<netlink::LinkManager> links;
  std::unique_ptr<Dataplane> dataplane;
  // BPF: what keeps the UDP port open, and what cuts frames up.
  std::string idle_device;
  std::unique_ptr<Segmenter> segmenter;
  std::string no_big_tcp;  // DatapathChoice
  // Host ends that came from the other data path and may be down.
  std::vector<std::pair<IfIndex, std::string>> brought;
};

// Opens the data path that choose_datapath() names. Endpoints that an earlier run had on the other
// one are brought over: their host ends are moved, and `saved` has their new indices.
Result<Host> open_host(const Config& config, SavedState& saved);

// Once the agent has the endpoints: those brought over are set up, and what the other data path
// left goes. Errors are logged.
void settle_host(const Config& config, Host& host);

}  // namespace vtepd
