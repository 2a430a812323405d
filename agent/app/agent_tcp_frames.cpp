// SPDX-License-Identifier: GPL-2.0-only
// How long the TCP frames are that endpoints hand over (core/tcp_frame.h). Where the kernel cuts
// them into segments they may be long. A device that cuts tunnels itself would leave long ones to
// the kernel, so there they stay as long as it takes them.
#include "app/agent.h"
#include "core/tcp_frame.h"

#include <spdlog/spdlog.h>

namespace vtepd {

// Frames go out by the devices of the routes; the VTEP address may be on another one.
std::string Agent::why_usual_tcp_frames() const {
  if (!options_.no_big_tcp.empty()) {
    return options_.no_big_tcp;
  }
  std::set<IfIndex> devices;
  for (const auto& vtep : overlay_.vteps_in_use()) {
    if (const auto route = overlay_.route(vtep)) {
      devices.insert(route->ifindex);
    }
  }
  if (devices.empty()) {
    const auto device = ports_.underlay.device();
    if (!device) {
      return device.error().what;
    }
    devices.insert(device->ifindex);
  }
  for (const auto device : devices) {
    const auto segments = ports_.underlay.segments_tunnels(device);
    if (!segments) {
      return segments.error().what;
    }
    if (*segments) {
      const auto name = ports_.links.link_name(device);
      return (name && *name ? **name : "the underlay's device") + " cuts tunnels itself";
    }
  }
  return "";
}

void Agent::follow_segmentation() {
  auto why = why_usual_tcp_frames();
  const bool same = usual_tcp_frames_ && usual_tcp_frames_->empty() == why.empty();
  usual_tcp_frames_ = std::move(why);
  if (same) {
    return;
  }
  spdlog::info("TCP frames of endpoints: {}", describe_tcp_frames());
  for (const auto& [id, local] : overlay_.locals()) {
    limit_tcp_frames(local);
  }
}

// It costs speed and nothing else if the namespace cannot be found any more.
void Agent::limit_tcp_frames(const LocalEndpoint& local) {
  const auto netns = ports_.links.open_netns(local.netns_path);
  if (!netns || netns->cookie != local.netns_cookie) {
    return;
  }
  const bool big = usual_tcp_frames_ && usual_tcp_frames_->empty();
  const auto set =
      ports_.links.set_tcp_frame(*netns, local.ifname, big ? kBigTcpFrame : kUsualTcpFrame);
  if (!set) {
    spdlog::warn("TCP of an endpoint costs more than it needs to: {}", set.error().what);
  }
}

std::string Agent::describe_tcp_frames() const {
  const bool big = usual_tcp_frames_ && usual_tcp_frames_->empty();
  return "up to " + std::to_string((big ? kBigTcpFrame : kUsualTcpFrame) / 1024) + " KiB" +
         (big ? "" : ": " + usual_tcp_frames_.value_or("not known yet"));
}

}  // namespace vtepd
