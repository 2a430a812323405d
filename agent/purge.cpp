// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/purge.h"

#include "bpf/probe.h"
#include "daemon.h"
#include "host.h"
#include "netlink/idle_vxlan.h"
#include "netlink/link_manager.h"
#include "netlink/segment_pair.h"
#include "netlink/vni_devices.h"
#include "nft/nft_filter.h"
#include "registry/registry.h"
#include "state/instance_lock.h"
#include "state/state_file.h"
#include "store.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

namespace vtepd {

namespace {

void say(const std::string& text) {
  std::fprintf(stdout, "%s\n", text.c_str());
}

Result<void> withdraw_all(const Config& config, std::vector<Endpoint>& pending) {
  if (pending.empty()) {
    return {};
  }
  auto store = open_store(config, false);
  if (!store) {
    return fail(store.error().context("store"));
  }
  while (!pending.empty()) {
    const auto& endpoint = pending.back();
    Registry registry(
        **store, {.prefix = config.store.prefix, .vtep = endpoint.vtep, .owner = endpoint.owner});
    if (const auto removed = registry.remove_endpoint(endpoint); !removed) {
      return fail(removed.error());
    }
    say("withdrawn from the store: endpoint " + endpoint.name);
    pending.pop_back();
  }
  return {};
}

// `home`: the namespace that the host ends are in, -1 for ours.
Result<void> remove_links(const SavedState& saved, int home) {
  auto links = netlink::LinkManager::create(home);
  if (!links) {
    return fail(links.error());
  }
  for (const auto& local : saved.endpoints) {
    const auto there = (*links)->find_link(local.host_ifname);
    if (!there || !*there) {
      continue;
    }
    if (auto removed = (*links)->remove_port(local.host_ifname); !removed) {
      return removed;
    }
    say("removed interface " + local.host_ifname + " (" + local.ifname + " in " + local.netns_path +
        ")");
  }
  return {};
}

// What of the kernel data path is there. True if there was something.
Result<bool> remove_overlay_netns(const Config& config, const SavedState& saved) {
  auto netns = netlink::OverlayNetns::find(overlay_netns_path(config));
  if (!netns) {
    return fail(netns.error());
  }
  if (!*netns) {
    return false;
  }
  if (auto removed = remove_links(saved, (*netns)->fd()); !removed) {
    return fail(removed.error());
  }
  const auto rules = NftFilter::purge(config.instance, (*netns)->fd());
  if (!rules) {
    return fail(rules.error());
  }
  for (const auto& what : *rules) {
    say("removed " + what);
  }
  if (auto removed = netlink::remove_overlay(**netns); !removed) {
    return fail(removed.error());
  }
  say("removed the namespace " + overlay_netns_path(config) + " and the devices in it");
  return true;
}

// A host that cannot run the programs, or ran the other data path, need not have a BPF file system.
Result<void> remove_programs(const Config& config, bool was_kernel_path) {
  if (!std::filesystem::exists(config.pin_dir()) &&
      (was_kernel_path || !choose(probe_kernel().rows).bpf)) {
    return {};
  }
  const auto removed = purge_bpf(config.datapath.bpffs, config.instance);
  if (!removed) {
    return fail(removed.error());
  }
  for (const auto& what : *removed) {
    say("removed " + what);
  }
  return {};
}

Result<void> remove_idle_device(const Config& config, const SavedState& saved) {
  if (saved.idle_device.empty()) {
    return {};
  }
  auto device = netlink::IdleVxlan::open(config.underlay.port);
  if (!device) {
    return fail(device.error());
  }
  const auto there = device->find();
  if (there && *there) {
    if (auto removed = device->remove(); !removed) {
      return removed;
    }
    say("removed interface " + device->name());
  }
  return {};
}

Result<void> remove_segment_pair(const Config& config) {
  auto pair = netlink::SegmentPair::open(config.underlay.port);
  if (!pair) {
    return fail(pair.error());
  }
  const auto removed = pair->remove();
  if (!removed) {
    return fail(removed.error());
  }
  if (*removed) {
    say("removed interface " + pair->name() + " and its other end");
  }
  return {};
}

}  // namespace

Result<void> purge_instance(const Config& config, bool withdraw) {
  if (::geteuid() != 0) {
    return fail(ErrorKind::Denied, "purge must run as root");
  }
  // Held to the end: no daemon of this instance may start in the middle.
  auto lock = InstanceLock::acquire_instance(config.paths.run, config.instance);
  if (!lock) {
    return fail(lock.error());
  }
  const StateFile state(config.state_dir());
  auto saved = state.load();
  auto pending = state.load_pending();
  if (!saved || !pending) {
    return fail(saved ? pending.error() : saved.error());
  }
  if (auto removed = remove_links(*saved, -1); !removed) {
    return removed;
  }
  const auto kernel_path = remove_overlay_netns(config, *saved);
  if (!kernel_path) {
    return fail(kernel_path.error());
  }
  if (auto gone = remove_programs(config, *kernel_path); !gone) {
    return gone;
  }
  if (auto gone = remove_idle_device(config, *saved); !gone) {
    return gone;
  }
  if (auto gone = remove_segment_pair(config); !gone) {
    return gone;
  }
  for (const auto& local : saved->endpoints) {
    pending->push_back(local.endpoint);
  }
  const auto withdrawn = withdraw ? withdraw_all(config, *pending) : Result<void>{};
  state.remove_all();
  if (!pending->empty()) {
    if (auto kept = state.save_pending(*pending); !kept) {
      return kept;
    }
    say(std::to_string(pending->size()) +
        " endpoints are still in the store; the next daemon of "
        "instance '" +
        config.instance + "' withdraws them, or purge --withdraw now");
  }
  std::error_code ignored;
  std::filesystem::remove(config.api.socket, ignored);
  for (const char* name : {"/lock", "/serf.json", "/serf.json.new"}) {
    std::filesystem::remove(config.runtime_dir() + name, ignored);
  }
  std::filesystem::remove(config.runtime_dir(), ignored);
  return withdrawn;
}

}  // namespace vtepd
