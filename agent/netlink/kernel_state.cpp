// SPDX-License-Identifier: GPL-2.0-only
// What the kernel holds, and what of the wanted it lacks.
#include "netlink/kernel_dataplane.h"

namespace vtepd::netlink {

namespace {

bool same_rules(const FilterState& filter, const std::string& name, const FilterPort& wanted) {
  const auto found = filter.ports.find(name);
  if (found == filter.ports.end()) {
    return false;
  }
  FilterPort held = found->second;
  held.ifindex = wanted.ifindex;  // the rules go by the name
  return held == wanted;
}

}  // namespace

Result<ForwardingState> KernelDataplane::read_back() {
  auto links = devices_.list();
  if (!links) {
    return fail(links.error());
  }
  FilterState filter{.members = members_};
  if (options_.filter != nullptr) {
    auto held = options_.filter->read_back();
    if (!held) {
      return fail(held.error());
    }
    filter = std::move(*held);
  }
  ForwardingState state;
  vnis_ = links->vnis;
  vni_of_vxlan_ = links->vni_of_vxlan;
  for (const auto& [vni, pair] : links->vnis) {
    const auto entry = links->entries.find(vni);
    const bool filtered = options_.filter == nullptr || filter.vnis.contains(vni);
    // One that needs mending is told as another one, so that it is put again or removed.
    state.vnis.emplace(vni, entry != links->entries.end() && filtered ? entry->second : VniEntry{});
  }
  for (const auto& [index, link] : links->ports) {
    const auto known = ports_.find(index);
    const bool right = known != ports_.end() && VniDevices::is_right_port(link) &&
                       (options_.filter == nullptr ||
                        same_rules(filter, link.name, filter_port(index, known->second.entry)));
    state.ports.emplace(
        index, right ? known->second.entry : PortEntry{.vni = links->vni_of_port.at(index)});
    ports_[index].name = link.name;
  }
  state.members.insert(filter.members.begin(), filter.members.end());
  if (auto read = read_entries(*links, state); !read) {
    return fail(read.error());
  }
  state.peers.insert(peers_.begin(), peers_.end());
  return state;
}

Result<void> KernelDataplane::read_entries(const OverlayLinks& links, ForwardingState& state) {
  local_macs_.clear();
  auto read = dump_entries(devices_.inside(), [&](const KernelEntry& entry) {
    if (!entry.lasting || !entry.mac) {
      return;
    }
    const auto vxlan = links.vni_of_vxlan.find(entry.device);
    if (entry.of_bridge && entry.bridge_family) {
      if (const auto port = links.vni_of_port.find(entry.device); port != links.vni_of_port.end()) {
        const FdbKey key{port->second, *entry.mac};
        state.fdb.insert_or_assign(key, local_entry(entry.device));
        local_macs_.insert_or_assign(key, entry.device);
      }
    } else if (vxlan == links.vni_of_vxlan.end() || !entry.address) {
      return;
    } else if (entry.bridge_family) {
      state.fdb.emplace(FdbKey{vxlan->second, *entry.mac},
                        FdbEntry{.vtep_id = id_of(*entry.address)});
    } else {
      state.neighbours.emplace(NeighbourKey{vxlan->second, *entry.address}, *entry.mac);
    }
  });
  fdb_.clear();
  neighbours_.clear();
  for (const auto& [key, entry] : state.fdb) {
    fdb_.insert(ForwardingHash{}(key));
  }
  for (const auto& [key, mac] : state.neighbours) {
    neighbours_.insert(ForwardingHash{}(key));
  }
  return read;
}

Result<ForwardingDelta> KernelDataplane::missing(const ForwardingState& wanted) {
  ForwardingDelta lacking;
  if (!wanted.vnis.empty() || !wanted.ports.empty()) {
    if (auto found = find_missing_devices(wanted, lacking); !found) {
      return fail(found.error());
    }
  }
  if (!wanted.vnis.empty() || !wanted.ports.empty() || !wanted.members.empty()) {
    if (auto found = find_missing_filters(wanted, lacking); !found) {
      return fail(found.error());
    }
  }
  if (auto found = find_missing_entries(wanted, lacking); !found) {
    return fail(found.error());
  }
  return lacking;
}

Result<void> KernelDataplane::find_missing_devices(const ForwardingState& wanted,
                                                   ForwardingDelta& lacking) {
  const auto links = devices_.list();
  if (!links) {
    return fail(links.error());
  }
  for (const auto& [vni, entry] : wanted.vnis) {
    const auto held = links->entries.find(vni);
    if (held == links->entries.end() || !(held->second == entry)) {
      lacking.vnis_put.emplace_back(vni, entry);
    }
  }
  for (const auto& [index, entry] : wanted.ports) {
    const auto port = links->ports.find(index);
    if (port == links->ports.end() || !VniDevices::is_right_port(port->second) ||
        links->vni_of_port.at(index) != entry.vni) {
      lacking.ports_put.emplace_back(index, entry);
    }
  }
  return {};
}

Result<void> KernelDataplane::find_missing_filters(const ForwardingState& wanted,
                                                   ForwardingDelta& lacking) {
  if (options_.filter == nullptr) {
    return {};
  }
  const auto filter = options_.filter->read_back();
  if (!filter) {
    return fail(filter.error());
  }
  const auto told = [](const auto& list, const auto& key) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& entry) { return entry.first == key; });
  };
  for (const auto& [vni, entry] : wanted.vnis) {
    if (!filter->vnis.contains(vni) && !told(lacking.vnis_put, vni)) {
      lacking.vnis_put.emplace_back(vni, entry);
    }
  }
  for (const auto& [index, entry] : wanted.ports) {
    const auto port = ports_.find(index);
    if (!told(lacking.ports_put, index) &&
        (port == ports_.end() ||
         !same_rules(*filter, port->second.name, filter_port(index, entry)))) {
      lacking.ports_put.emplace_back(index, entry);
    }
  }
  for (const auto& member : wanted.members) {
    if (!filter->members.contains(member)) {
      lacking.members_put.push_back(member);
    }
  }
  return {};
}

// Asks for each by itself: a dump would bring a hundred thousand to look at some.
Result<void> KernelDataplane::find_missing_entries(const ForwardingState& wanted,
                                                   ForwardingDelta& lacking) {
  std::vector<Message> questions;
  std::vector<std::pair<FdbKey, FdbEntry>> fdb(wanted.fdb.begin(), wanted.fdb.end());
  std::vector<std::pair<NeighbourKey, MacAddress>> neighbours(wanted.neighbours.begin(),
                                                              wanted.neighbours.end());
  const auto vxlan_of = [&](Vni vni) {
    const auto pair = vnis_.find(vni);
    return pair == vnis_.end() ? IfIndex{} : pair->second.vxlan;
  };
  questions.reserve(fdb.size() + neighbours.size());
  for (const auto& [key, entry] : fdb) {
    questions.push_back(entry.vtep_id == 0 ? get_port_mac(host_end_of(entry), key.mac)
                                           : get_remote_mac(vxlan_of(key.vni), key.mac));
  }
  for (const auto& [key, mac] : neighbours) {
    questions.push_back(get_neighbour(vxlan_of(key.vni), key.address));
  }
  std::vector<bool> right(questions.size(), false);
  const auto asked = devices_.inside().batch(questions, [&](std::size_t i, const Reply& reply) {
    const auto held = parse_entry(reply);
    if (!held || !held->lasting) {
      return;
    }
    if (i >= fdb.size()) {
      right[i] = held->mac == neighbours[i - fdb.size()].second;
    } else if (const auto& entry = fdb[i].second; entry.vtep_id == 0) {
      right[i] = held->device == host_end_of(entry);
    } else {
      const auto peer = peers_.find(entry.vtep_id);
      right[i] = peer != peers_.end() && held->address == peer->second.remote;
    }
  });
  if (!asked) {
    return fail(asked.error());
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (right[i]) {
      continue;
    }
    if (i < fdb.size()) {
      lacking.fdb_put.push_back(fdb[i]);
    } else {
      lacking.neighbours_put.push_back(neighbours[i - fdb.size()]);
    }
  }
  return {};
}

}  // namespace vtepd::netlink
