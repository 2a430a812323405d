// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include "bpf/bpf_dataplane.h"
#include "bpf/purge.h"
#include "datapath_choice.h"
#include "leftovers.h"
#include "netlink/headroom_bridge.h"
#include "netlink/idle_vxlan.h"
#include "netlink/kernel_dataplane.h"
#include "nft/nft_filter.h"

#include <filesystem>

#include <fcntl.h>
#include <spdlog/spdlog.h>

namespace vtepd {

namespace {

Result<std::unique_ptr<BpfDataplane>> open_bpf(const Config& config, const DatapathChoice& choice,
                                               Host& host) {
  const auto ports = host.underlay->port_range();
  if (!ports) {
    return fail(ports.error());
  }
  BpfDataplane::Options options;
  options.bpffs = config.datapath.bpffs;
  options.instance = config.instance;
  options.vtep = host.device.address;
  options.port = config.underlay.port;
  options.sport_min = ports->first;
  options.sport_max = ports->second;
  options.limits = {.fdb = config.limits.fdb,
                    .neigh = config.limits.neigh,
                    .ports = config.limits.ports,
                    .vnis = config.limits.vnis,
                    .peers = config.limits.peers};
  options.mode = config.underlay.mode;
  options.attach = config.datapath.attach;
  options.features = choice.features;
  options.reason = choice.reason;
  return BpfDataplane::open(std::move(options));
}

// The device whose socket keeps the port open, so that the kernel merges tunnel frames in front of
// our program. Doing without is slower, not wrong.
std::string open_idle_device(const Config& config, BpfDataplane& dataplane) {
  const auto give_up = [&](const Error& error) {
    spdlog::warn("no idle vxlan device, bulk TCP is slower: {}", error.what);
    dataplane.set_tunnel_gro("none: " + error.what);
    return std::string();
  };
  auto device = netlink::IdleVxlan::open(config.underlay.port);
  if (!device) {
    return give_up(device.error());
  }
  const auto index = device->create();
  if (!index) {
    return give_up(index.error());
  }
  if (const auto closed = dataplane.attach_idle(*index); !closed) {
    (void)device->remove();
    return give_up(closed.error());
  }
  if (const auto up = device->set_up(); !up) {
    return give_up(up.error());
  }
  dataplane.set_tunnel_gro("idle device " + device->name());
  return device->name();
}

// The index may be another one in the namespace that they come to. A start that was killed on the
// way may have brought some already, and not got to remember their index or to set them up.
Result<void> bring_home(int from, SavedState& saved, Host& host) {
  std::size_t moved = 0;
  for (auto& local : saved.endpoints) {
    auto index = host.links->bring_home(from, local.host_ifname);
    if (index && *index) {
      ++moved;
    } else if (index) {
      index = host.links->find_link(local.host_ifname);
    }
    if (!index) {
      return fail(index.error());
    }
    if (*index) {
      local.host = **index;
      host.brought.emplace_back(**index, local.host_ifname);
    }
  }
  if (moved > 0) {
    spdlog::info("{} endpoints move to this data path", moved);
  }
  return {};
}

Result<void> open_bpf_host(const Config& config, const DatapathChoice& choice, SavedState& saved,
                           Host& host) {
  auto links = netlink::LinkManager::create(-1, config.datapath.endpoint_device == "netkit"
                                                    ? netlink::PairKind::Netkit
                                                    : netlink::PairKind::Veth);
  if (!links) {
    return fail(links.error());
  }
  host.links = std::move(*links);
  auto dataplane = open_bpf(config, choice, host);
  if (!dataplane) {
    return fail(dataplane.error());
  }
  const auto left = netlink::OverlayNetns::find(overlay_netns_path(config));
  if (!left) {
    return fail(left.error());
  }
  if (*left) {
    if (auto brought = bring_home((*left)->fd(), saved, host); !brought) {
      return brought;
    }
  }
  for (const auto& error : (*dataplane)->left_out()) {
    spdlog::error("the new tables do not hold what the earlier ones did: {}", error.what);
  }
  auto& bpf = **dataplane;
  host.dataplane = std::move(*dataplane);
  host.segmenter = std::make_unique<Segmenter>(config.underlay.port, bpf);
  host.segmenter->start();
  bpf.set_tunnel_state([&segmenter = *host.segmenter] { return segmenter.describe(); });
  host.idle_device = open_idle_device(config, bpf);
  auto bridge = netlink::HeadroomBridge::open(config.underlay.port);
  if (!bridge) {
    return fail(bridge.error());
  }
  host.links->use_headroom(std::move(*bridge));
  return {};
}

// Host ends are moved before their programs go: what is down and elsewhere gets nothing into the
// host's stack.
Result<void> leave_bpf(const Config& config, SavedState& saved, Host& host) {
  const UniqueFd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto brought = bring_home(own.get(), saved, host); !brought) {
    return brought;
  }
  if (!std::filesystem::exists(config.pin_dir())) {
    return {};
  }
  const auto purged = purge_bpf(config.datapath.bpffs, config.instance);
  if (!purged) {
    return fail(purged.error().context("take the BPF data path off"));
  }
  return {};
}

// Why there is no filter, if there is none. Checks that could be had are not gone without.
Result<std::string> open_filter(const Config& config, Host& host) {
  auto filter = NftFilter::open({.instance = config.instance,
                                 .hidden_netns = host.netns->fd(),
                                 .vtep = host.device.address,
                                 .port = config.underlay.port});
  if (filter) {
    host.filter = std::move(*filter);
    return std::string();
  }
  if (filter.error().kind != ErrorKind::Unavailable) {
    return fail(filter.error());
  }
  spdlog::warn("nobody checks what endpoints and other hosts send: {}", filter.error().what);
  return filter.error().what;
}

// An endpoint on a netkit device has to be detached before: its host end lets in only what a BPF
// program passes.
Result<void> check_movable(const SavedState& saved) {
  auto links = netlink::LinkManager::create();
  if (!links) {
    return fail(links.error());
  }
  std::string names;
  for (const auto& local : saved.endpoints) {
    const auto netkit = (*links)->is_netkit(local.host_ifname);
    if (!netkit) {
      return fail(netkit.error());
    }
    if (*netkit) {
      names += (names.empty() ? "" : ", ") + local.endpoint.name + " (" + local.host_ifname + ")";
    }
  }
  return names.empty()
             ? Result<void>()
             : fail(ErrorKind::Conflict,
                    "endpoints on netkit devices cannot move to the kernel data path: " + names +
                        "; they forward on as they are. Start with [datapath] kind = \"bpf\" "
                        "again and detach them, or take them off with `vtepd purge`");
}

// What may fail for want of something comes before anything is taken from the other data path.
Result<void> open_kernel_host(const Config& config, const DatapathChoice& choice, SavedState& saved,
                              Host& host) {
  if (auto movable = check_movable(saved); !movable) {
    return movable;
  }
  auto netns = netlink::OverlayNetns::open_or_create(overlay_netns_path(config));
  if (!netns) {
    return fail(netns.error());
  }
  host.netns = std::make_unique<netlink::OverlayNetns>(std::move(*netns));
  auto watch = netlink::LinkWatch::open(host.netns->fd());
  if (!watch) {
    return fail(watch.error());
  }
  host.host_ends = std::make_unique<netlink::LinkWatch>(std::move(*watch));
  auto links = netlink::LinkManager::create(host.netns->fd());
  if (!links) {
    return fail(links.error());
  }
  host.links = std::move(*links);
  auto filter_problem = open_filter(config, host);
  if (!filter_problem) {
    return fail(filter_problem.error());
  }
  auto dataplane =
      netlink::KernelDataplane::open(*host.netns, {.vtep = host.device.address,
                                                   .port = config.underlay.port,
                                                   .reason = choice.reason,
                                                   .filter = host.filter.get(),
                                                   .filter_problem = std::move(*filter_problem)});
  if (!dataplane) {
    return fail(dataplane.error());
  }
  host.dataplane = std::move(*dataplane);
  return leave_bpf(config, saved, host);
}

void note(const Result<Removed>& removed) {
  if (!removed) {
    spdlog::warn("cannot remove what the other data path left: {}", removed.error().what);
    return;
  }
  for (const auto& what : *removed) {
    spdlog::info("removed what the other data path left: {}", what);
  }
}

}  // namespace

Result<Host> open_host(const Config& config, SavedState& saved) {
  const auto choice = choose_datapath(config);
  if (!choice) {
    return fail(choice.error());
  }
  Host host;
  auto underlay =
      netlink::UnderlayMonitor::create({config.underlay.address, config.underlay.device});
  if (!underlay) {
    return fail(underlay.error());
  }
  host.underlay = std::move(*underlay);
  const auto device = host.underlay->device();
  if (!device) {
    return fail(device.error().context("underlay"));
  }
  host.device = *device;
  host.no_big_tcp = choice->no_big_tcp;
  const auto opened = choice->bpf ? open_bpf_host(config, *choice, saved, host)
                                  : open_kernel_host(config, *choice, saved, host);
  if (!opened) {
    return fail(opened.error());
  }
  return host;
}

void settle_host(const Config& config, Host& host) {
  if (host.netns != nullptr) {
    note(remove_headroom_bridge(config));
    note(remove_idle_device(config));
    note(remove_segment_pair(config));
    return;
  }
  for (const auto& [index, name] : host.brought) {
    if (const auto up = host.links->set_up(index, name); !up) {
      spdlog::error("an endpoint that came from the other data path stays down: {}",
                    up.error().what);
    }
  }
  note(remove_kernel_path(config));
}

}  // namespace vtepd
