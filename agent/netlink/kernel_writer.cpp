// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/kernel_writer.h"

#include <algorithm>
#include <cerrno>

namespace vtepd::netlink {

namespace {

constexpr std::size_t kMostInBatch = 1024;

}  // namespace

void KernelDataplane::Writer::Batch::append(Message message, Tag tag) {
  messages_.push_back(std::move(message));
  tags_.push_back(tag);
  if (messages_.size() >= kMostInBatch) {
    flush();
  }
}

void KernelDataplane::Writer::Batch::add(Message message, std::size_t item) {
  append(std::move(message), {item, false});
}

void KernelDataplane::Writer::Batch::add_removal(Message message, std::size_t item) {
  append(std::move(message), {item, true});
}

// One error for each table and cause, however many entries it hit.
void KernelDataplane::Writer::Batch::flush() {
  const auto refused = writer_.at_.devices_.inside().batch(messages_);
  std::map<std::string, std::size_t> causes;
  if (!refused) {
    // Which of them were carried out is unknown; all are tried again.
    causes[refused.error().what] = messages_.size();
    std::for_each(tags_.begin(), tags_.end(), [&](const Tag& tag) { on_refused_(tag.item); });
  } else {
    for (const auto& [index, answer] : *refused) {
      const Tag& tag = tags_.at(index);
      if (tag.may_be_gone && (answer.error == ENOENT || answer.error == ENODEV)) {
        continue;
      }
      ++causes[answer.describe("change the entry").what];
      on_refused_(tag.item);
    }
  }
  for (const auto& [cause, count] : causes) {
    writer_.refuse({ErrorKind::Unavailable, "the kernel's " + table_ + " refused " +
                                                std::to_string(count) + " entries: " + cause});
  }
  messages_.clear();
  tags_.clear();
}

ApplyReport KernelDataplane::Writer::run() {
  put_peers();
  put_vnis();
  put_filters();
  put_ports();
  put_fdb();
  put_neighbours();
  remove_neighbours();
  remove_fdb();
  remove_ports();
  remove_vnis();
  remove_peers();
  return std::move(report_);
}

void KernelDataplane::Writer::refuse(const Error& error) {
  const bool known = std::any_of(report_.errors.begin(), report_.errors.end(),
                                 [&](const Error& other) { return other.what == error.what; });
  if (!known) {
    report_.errors.push_back(error);
  }
}

IfIndex KernelDataplane::Writer::vxlan_of(Vni vni) const {
  const auto found = at_.vnis_.find(vni);
  return found == at_.vnis_.end() ? IfIndex{} : found->second.vxlan;
}

void KernelDataplane::Writer::put_peers() {
  for (const auto& [id, peer] : delta_.peers_put) {
    at_.peers_.insert_or_assign(id, peer);
    at_.peer_ids_.insert_or_assign(peer.remote, id);
  }
}

void KernelDataplane::Writer::put_vnis() {
  for (const auto& [vni, entry] : delta_.vnis_put) {
    const auto pair = at_.devices_.put(vni, entry);
    if (!pair) {
      report_.failed.vnis_put.emplace_back(vni, entry);
      refuse(pair.error());
      continue;
    }
    if (const auto before = at_.vnis_.find(vni); before != at_.vnis_.end()) {
      at_.vni_of_vxlan_.erase(before->second.vxlan);
    }
    at_.vnis_.insert_or_assign(vni, *pair);
    at_.vni_of_vxlan_.insert_or_assign(pair->vxlan, vni);
  }
}

// Before a port is one: the filter lets nothing through of one that it does not know.
void KernelDataplane::Writer::put_filters() {
  at_.members_.insert(delta_.members_put.begin(), delta_.members_put.end());
  FilterDelta filter{.members_put = delta_.members_put};
  for (const auto& [vni, entry] : delta_.vnis_put) {
    filter.vnis_put.push_back(vni);
  }
  for (const auto& [host_end, entry] : delta_.ports_put) {
    const auto link = find_link(at_.devices_.inside(), host_end);
    if (link && *link) {
      at_.ports_[host_end] = {(*link)->name, entry};
      filter.ports_put.emplace_back((*link)->name, at_.filter_port(host_end, entry));
    }
  }
  if (at_.options_.filter == nullptr) {
    return;
  }
  if (const auto set = at_.options_.filter->apply(filter); !set) {
    report_.failed.members_put = delta_.members_put;
    report_.failed.ports_put = delta_.ports_put;
    report_.failed.vnis_put = delta_.vnis_put;
    refuse(set.error());
  }
}

void KernelDataplane::Writer::put_ports() {
  if (!report_.failed.ports_put.empty()) {
    return;  // what nobody filters is no port
  }
  for (const auto& [host_end, entry] : delta_.ports_put) {
    if (const auto put = put_port(host_end, entry); !put) {
      report_.failed.ports_put.emplace_back(host_end, entry);
      refuse(put.error());
    }
  }
}

Result<void> KernelDataplane::Writer::put_port(IfIndex host_end, const PortEntry& entry) {
  const auto pair = at_.vnis_.find(entry.vni);
  const auto port = at_.ports_.find(host_end);
  if (pair == at_.vnis_.end() || port == at_.ports_.end()) {
    return fail(
        ErrorKind::NotFound,
        pair == at_.vnis_.end()
            ? "VNI " + std::to_string(entry.vni.value) + " has no devices"
            : "the interface " + std::to_string(host_end.value) + " of an endpoint is gone");
  }
  return at_.devices_.add_port(host_end, port->second.name, pair->second.bridge);
}

// An entry that changes sides leaves the other table.
void KernelDataplane::Writer::put_fdb() {
  Batch batch(*this, "forwarding database",
              [this](std::size_t i) { report_.failed.fdb_put.push_back(delta_.fdb_put[i]); });
  for (std::size_t i = 0; i < delta_.fdb_put.size(); ++i) {
    const auto& [key, entry] = delta_.fdb_put[i];
    const IfIndex vxlan = vxlan_of(key.vni);
    const auto here = at_.local_macs_.find(key);
    if (vxlan == IfIndex{}) {
      report_.failed.fdb_put.push_back(delta_.fdb_put[i]);  // why is told of the VNI
      continue;
    }
    at_.fdb_.insert(ForwardingHash{}(key));
    if (entry.vtep_id == 0) {
      const IfIndex host_end = at_.host_end_of(entry);
      batch.add_removal(remove_remote_mac(vxlan, key.mac), i);
      batch.add(put_port_mac(host_end, key.mac), i);
      at_.local_macs_.insert_or_assign(key, host_end);
      continue;
    }
    const auto peer = at_.peers_.find(entry.vtep_id);
    if (peer == at_.peers_.end()) {
      report_.failed.fdb_put.push_back(delta_.fdb_put[i]);
      refuse({ErrorKind::Internal, "an FDB entry names a VTEP without an entry"});
      continue;
    }
    if (here != at_.local_macs_.end()) {
      batch.add_removal(remove_port_mac(here->second, key.mac), i);
      at_.local_macs_.erase(here);
    }
    batch.add(put_remote_mac(vxlan, key.mac, peer->second.remote), i);
  }
  batch.flush();
}

void KernelDataplane::Writer::put_neighbours() {
  Batch batch(*this, "neighbour table", [this](std::size_t i) {
    report_.failed.neighbours_put.push_back(delta_.neighbours_put[i]);
  });
  for (std::size_t i = 0; i < delta_.neighbours_put.size(); ++i) {
    const auto& [key, mac] = delta_.neighbours_put[i];
    if (const IfIndex vxlan = vxlan_of(key.vni); vxlan != IfIndex{}) {
      batch.add(put_neighbour(vxlan, key.address, mac), i);
      at_.neighbours_.insert(ForwardingHash{}(key));
    } else {
      report_.failed.neighbours_put.push_back(delta_.neighbours_put[i]);
    }
  }
  batch.flush();
}

void KernelDataplane::Writer::remove_neighbours() {
  Batch batch(*this, "neighbour table", [this](std::size_t i) {
    report_.failed.neighbours_remove.push_back(delta_.neighbours_remove[i]);
  });
  for (std::size_t i = 0; i < delta_.neighbours_remove.size(); ++i) {
    const auto& key = delta_.neighbours_remove[i];
    at_.neighbours_.erase(ForwardingHash{}(key));
    if (const IfIndex vxlan = vxlan_of(key.vni); vxlan != IfIndex{}) {
      batch.add_removal(remove_neighbour(vxlan, key.address), i);
    }
  }
  batch.flush();
}

void KernelDataplane::Writer::remove_fdb() {
  Batch batch(*this, "forwarding database",
              [this](std::size_t i) { report_.failed.fdb_remove.push_back(delta_.fdb_remove[i]); });
  for (std::size_t i = 0; i < delta_.fdb_remove.size(); ++i) {
    const auto& key = delta_.fdb_remove[i];
    at_.fdb_.erase(ForwardingHash{}(key));
    const auto here = at_.local_macs_.find(key);
    const IfIndex vxlan = vxlan_of(key.vni);
    if (here == at_.local_macs_.end() && vxlan != IfIndex{}) {
      batch.add_removal(remove_remote_mac(vxlan, key.mac), i);
    } else if (here != at_.local_macs_.end()) {
      batch.add_removal(remove_port_mac(here->second, key.mac), i);
      at_.local_macs_.erase(here);
    }
  }
  batch.flush();
}

// Out of the bridge first: the filter goes on dropping what comes of it.
void KernelDataplane::Writer::remove_ports() {
  FilterDelta filter{.vnis_remove = delta_.vnis_remove, .members_remove = delta_.members_remove};
  for (const IfIndex host_end : delta_.ports_remove) {
    const auto port = at_.ports_.find(host_end);
    const std::string name =
        port == at_.ports_.end() ? std::to_string(host_end.value) : port->second.name;
    if (const auto removed = at_.devices_.remove_port(host_end, name); !removed) {
      report_.failed.ports_remove.push_back(host_end);
      refuse(removed.error());
      continue;
    }
    filter.ports_remove.push_back(name);
    at_.ports_.erase(host_end);
  }
  for (const auto& member : delta_.members_remove) {
    at_.members_.erase(member);
  }
  const auto set =
      at_.options_.filter == nullptr ? Result<void>() : at_.options_.filter->apply(filter);
  if (!set) {
    report_.failed.members_remove = delta_.members_remove;
    refuse(set.error());
  }
}

void KernelDataplane::Writer::remove_vnis() {
  for (const Vni vni : delta_.vnis_remove) {
    if (const auto removed = at_.devices_.remove(vni); !removed) {
      report_.failed.vnis_remove.push_back(vni);
      refuse(removed.error());
      continue;
    }
    at_.vni_of_vxlan_.erase(vxlan_of(vni));
    at_.vnis_.erase(vni);
  }
}

void KernelDataplane::Writer::remove_peers() {
  for (const std::uint32_t id : delta_.peers_remove) {
    if (const auto peer = at_.peers_.find(id); peer != at_.peers_.end()) {
      at_.peer_ids_.erase(peer->second.remote);
      at_.peers_.erase(peer);
    }
  }
}

}  // namespace vtepd::netlink
