// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/purge.h"

#include "bpf/probe.h"
#include "daemon.h"
#include "leftovers.h"
#include "netlink/link_manager.h"
#include "netlink/overlay_netns.h"
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

Result<void> report(const Result<Removed>& removed) {
  if (!removed) {
    return fail(removed.error());
  }
  for (const auto& what : *removed) {
    say("removed " + what);
  }
  return {};
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

// A host that cannot run the programs, or ran the other data path, need not have a BPF file system.
Result<void> remove_programs(const Config& config, bool was_kernel_path) {
  if (!std::filesystem::exists(config.pin_dir()) &&
      (was_kernel_path || !choose(probe_kernel().rows).bpf)) {
    return {};
  }
  return report(purge_bpf(config.datapath.bpffs, config.instance));
}

// The devices that the port names: of whoever has the port.
Result<void> remove_port_devices(const Config& config, const SavedState& saved) {
  if (auto removed = report(remove_headroom_bridge(config)); !removed) {
    return removed;
  }
  if (!saved.idle_device.empty()) {
    if (auto removed = report(remove_idle_device(config)); !removed) {
      return removed;
    }
  }
  return report(remove_segment_pair(config));
}

// Everything but the state and the port's devices, in an order in which no frame gets where it
// should not.
Result<void> remove_from_host(const Config& config, const SavedState& saved) {
  if (auto removed = remove_links(saved, -1); !removed) {
    return removed;
  }
  const auto netns = netlink::OverlayNetns::find(overlay_netns_path(config));
  if (!netns) {
    return fail(netns.error());
  }
  if (*netns) {
    if (auto removed = remove_links(saved, (*netns)->fd()); !removed) {
      return removed;
    }
  }
  if (auto removed = report(remove_kernel_path(config)); !removed) {
    return removed;
  }
  return remove_programs(config, netns->has_value());
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
  const auto port = lock->acquire_port(config.underlay.port);
  if (!port && port.error().kind != ErrorKind::Conflict) {
    return port;
  }
  if (auto removed = remove_from_host(config, *saved); !removed) {
    return removed;
  }
  if (!port) {
    say("left the devices of the port alone: " + port.error().what);
  } else if (auto removed = remove_port_devices(config, *saved); !removed) {
    return removed;
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
