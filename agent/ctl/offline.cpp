// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/offline.h"

#include "bpf/maps_reader.h"
#include "netlink/kernel_dataplane.h"
#include "netlink/overlay_netns.h"
#include "nft/nft_filter.h"
#include "state/state_file.h"
#include "view/view_builder.h"

#include <array>
#include <map>

#include <net/if.h>

namespace vtepd::ctl {

namespace {

Vni vni_of(const LocalEndpoint& local) {
  const auto& address = local.endpoint.address4 ? local.endpoint.address4 : local.endpoint.address6;
  const auto* subnet = address ? local.network.subnet_of(address->address) : nullptr;
  return subnet == nullptr ? Vni{} : subnet->vni;
}

// Saved endpoints; none if the file cannot be read, since the maps alone are worth showing.
std::vector<LocalEndpoint> saved_endpoints(const Command& command) {
  const auto saved = StateFile(command.state + "/" + command.instance).load();
  return saved ? saved->endpoints : std::vector<LocalEndpoint>();
}

ViewNames names_of(const Command& command, const ForwardingState& state) {
  ViewNames names;
  std::map<FdbKey, std::string> endpoints;
  for (const auto& local : saved_endpoints(command)) {
    const auto vni = vni_of(local);
    names.networks[vni] = local.network.name;
    names.endpoint_ends[{local.host, false}] = local.host_ifname;
    if (local.same_netns) {
      names.endpoint_ends[{local.endpoint_ifindex, true}] = local.ifname;
    }
    endpoints[{vni, local.endpoint.mac}] = local.endpoint.name;
  }
  for (const auto& [id, peer] : state.peers) {
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(peer.ifindex.value, name.data()) != nullptr) {
      names.devices[peer.ifindex] = name.data();
    }
  }
  names.endpoint = [endpoints](const FdbKey& key) {
    const auto found = endpoints.find(key);
    return found == endpoints.end() ? std::string() : found->second;
  };
  return names;
}

// The namespace of the kernel data path, if that is what forwards here.
Result<std::optional<netlink::OverlayNetns>> kernel_path_of(const Command& command) {
  return netlink::OverlayNetns::find("/run/vtepd/" + command.instance + "/netns");
}

Result<ForwardingState> read_tables(const Command& command) {
  auto netns = kernel_path_of(command);
  if (!netns) {
    return fail(netns.error());
  }
  if (*netns) {
    auto kernel = netlink::KernelDataplane::open(**netns, {});
    return kernel ? (*kernel)->read_back() : fail(kernel.error());
  }
  const auto maps = MapsReader::open(command.bpffs, command.instance);
  return maps ? maps->read() : fail(maps.error());
}

Result<std::vector<ReasonCount>> kernel_counters(const Command& command,
                                                 const netlink::OverlayNetns& netns) {
  const auto saved = saved_endpoints(command);
  return NftFilter::read_counters(
      {.instance = command.instance,
       .hidden_netns = netns.fd(),
       .vtep = saved.empty() ? IpAddress::v4(0) : saved[0].endpoint.vtep});
}

// Rows built of the tables by one of view_builder's functions.
template <typename Row>
Result<std::vector<Row>> from_tables(const Command& command,
                                     std::vector<Row> (*build)(const ForwardingState&,
                                                               const ViewNames&)) {
  const auto state = read_tables(command);
  if (!state) {
    return fail(state.error());
  }
  return build(*state, names_of(command, *state));
}

}  // namespace

Result<std::vector<FdbView>> Offline::fdb() const {
  return from_tables(command_, &fdb_views);
}

Result<std::vector<NeighbourView>> Offline::neighbours() const {
  return from_tables(command_, &neighbour_views);
}

Result<std::vector<VtepView>> Offline::vteps() const {
  return from_tables(command_, &vtep_views);
}

Result<std::vector<DropView>> Offline::drops() const {
  if (const auto netns = kernel_path_of(command_); netns && *netns) {
    const auto counts = kernel_counters(command_, **netns);
    return counts ? drop_views(*counts, names_of(command_, {}))
                  : Result<std::vector<DropView>>(fail(counts.error()));
  }
  const auto maps = MapsReader::open(command_.bpffs, command_.instance);
  if (!maps) {
    return fail(maps.error());
  }
  const auto counts = maps->counters();
  if (!counts) {
    return fail(counts.error());
  }
  return drop_views(*counts, names_of(command_, {}));
}

Result<std::vector<EndpointView>> Offline::endpoints() const {
  const auto saved = StateFile(command_.state + "/" + command_.instance).load();
  if (!saved) {
    return fail(saved.error());
  }
  std::vector<EndpointView> views;
  for (const auto& local : saved->endpoints) {
    views.push_back(endpoint_view(local, vni_of(local)));
  }
  return views;
}

StatusView Offline::status(const std::string& why_down) const {
  StatusView view;
  view.health = Health::Down;
  view.instance = command_.instance;
  view.problems.push_back(why_down);
  const auto saved = StateFile(command_.state + "/" + command_.instance).load();
  if (saved) {
    view.local_endpoints = view.endpoints = saved->endpoints.size();
    std::map<std::string, int> networks;
    for (const auto& local : saved->endpoints) {
      networks[local.network.id] = 1;
    }
    view.networks = networks.size();
  } else {
    view.problems.push_back("saved state: " + saved.error().what);
  }
  if (const auto netns = kernel_path_of(command_); netns && *netns) {
    view.dataplane = "kernel";
    view.mode_reason = "its devices are there; forwarding goes on by their last state";
    return view;
  }
  const auto maps = MapsReader::open(command_.bpffs, command_.instance);
  const auto usage = maps ? maps->usage() : fail(maps.error());
  if (usage) {
    view.dataplane = "bpf";
    view.mode_reason = "its maps are pinned; forwarding goes on by their last state";
    view.tables = table_views(*usage);
  } else {
    view.problems.push_back("pinned maps: " + usage.error().what);
  }
  return view;
}

}  // namespace vtepd::ctl
