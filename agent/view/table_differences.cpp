// SPDX-License-Identifier: GPL-2.0-only
#include "view/table_differences.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace vtepd {

namespace {

// What an entry says, as far as it fits into a line. `state` is the one that it is of.
std::string text_of(const FdbEntry& entry, const ForwardingState& state, const ViewNames& names) {
  if (entry.vtep_id == 0) {
    return device_of(entry, names);
  }
  const auto peer = state.peers.find(entry.vtep_id);
  return peer == state.peers.end() ? "VTEP id " + std::to_string(entry.vtep_id)
                                   : peer->second.remote.to_string();
}

std::string text_of(const MacAddress& mac, const ForwardingState& /*state*/,
                    const ViewNames& /*names*/) {
  return mac.to_string();
}

std::string text_of(const PeerEntry& peer, const ForwardingState& /*state*/,
                    const ViewNames& /*names*/) {
  return peer.remote.to_string() + (peer.reachable ? " by " + peer.next_hop.to_string() + " on if" +
                                                         std::to_string(peer.ifindex.value) +
                                                         ", MTU " + std::to_string(peer.mtu)
                                                   : ", unreachable");
}

std::string text_of(const PortEntry& port, const ForwardingState& /*state*/,
                    const ViewNames& /*names*/) {
  return "VNI " + std::to_string(port.vni.value) + ", " + port.mac.to_string() +
         (port.address4 ? ", " + port.address4->to_string() : "") +
         (port.address6 ? ", " + port.address6->to_string() : "") + ", " +
         std::to_string(port.allowed_addresses.size() + port.allowed_macs.size()) +
         " further sources" + (port.source_check ? "" : ", not checked");
}

std::string text_of(const VniEntry& vni, const ForwardingState& /*state*/,
                    const ViewNames& /*names*/) {
  return "MTU " + std::to_string(vni.mtu) + ", DSCP " + std::to_string(vni.dscp);
}

// The key in words, and the VNI it is of.
std::pair<std::string, Vni> key_of(const FdbKey& key) {
  return {key.mac.to_string(), key.vni};
}

std::pair<std::string, Vni> key_of(const NeighbourKey& key) {
  return {key.address.to_string(), key.vni};
}

std::pair<std::string, Vni> key_of(const MemberKey& key) {
  return {key.vtep.to_string(), key.vni};
}

std::pair<std::string, Vni> key_of(std::uint32_t vtep_id) {
  return {"VTEP id " + std::to_string(vtep_id), {}};
}

std::pair<std::string, Vni> key_of(IfIndex port) {
  return {"if" + std::to_string(port.value), {}};
}

std::pair<std::string, Vni> key_of(Vni vni) {
  return {"", vni};
}

class Comparison {
 public:
  Comparison(const ForwardingState& have, const ForwardingState& want, const ViewNames& names)
      : have_(have), want_(want), names_(names) {}

  template <typename Table>
  void compare(const char* name, const Table& have, const Table& want) {
    for (const auto& [key, value] : want) {
      const auto found = have.find(key);
      if (found == have.end()) {
        add("table-missing", name, key_of(key), "", text_of(value, want_, names_));
      } else if (!(found->second == value)) {
        add("table-other", name, key_of(key), text_of(found->second, have_, names_),
            text_of(value, want_, names_));
      }
    }
    for (const auto& [key, value] : have) {
      if (!want.contains(key)) {
        add("table-extra", name, key_of(key), text_of(value, have_, names_), "");
      }
    }
  }

  void compare_members() {
    for (const auto& member : want_.members) {
      if (!have_.members.contains(member)) {
        add("table-missing", "vtep_members", key_of(member), "", "member");
      }
    }
    for (const auto& member : have_.members) {
      if (!want_.members.contains(member)) {
        add("table-extra", "vtep_members", key_of(member), "member", "");
      }
    }
  }

  std::vector<DifferenceView> sorted() {
    std::sort(rows_.begin(), rows_.end(), [](const DifferenceView& a, const DifferenceView& b) {
      return std::tie(a.network, a.object) < std::tie(b.network, b.object);
    });
    return std::move(rows_);
  }

 private:
  void add(const char* kind, const char* table, const std::pair<std::string, Vni>& key,
           std::string have, std::string want) {
    const auto network = names_.networks.find(key.second);
    DifferenceView row;
    row.kind = kind;
    row.network = network == names_.networks.end() ? "" : network->second;
    row.object = table;
    if (key.second.value != 0) {
      row.object += " VNI " + std::to_string(key.second.value);
    }
    row.object += (key.first.empty() ? "" : " ") + key.first;
    row.have = std::move(have);
    row.want = std::move(want);
    row.note = "somebody changed the table, or it is full; it is looked at each 10 s";
    row.repair = "vtepctl repair";
    rows_.push_back(std::move(row));
  }

  const ForwardingState& have_;
  const ForwardingState& want_;
  const ViewNames& names_;
  std::vector<DifferenceView> rows_;
};

}  // namespace

std::vector<DifferenceView> table_differences(const ForwardingState& have,
                                              const ForwardingState& want, const ViewNames& names) {
  Comparison comparison(have, want, names);
  comparison.compare("vtep_fdb", have.fdb, want.fdb);
  comparison.compare("vtep_neigh", have.neighbours, want.neighbours);
  comparison.compare("vtep_peers", have.peers, want.peers);
  comparison.compare("vtep_ports", have.ports, want.ports);
  comparison.compare("vtep_vnis", have.vnis, want.vnis);
  comparison.compare_members();
  return comparison.sorted();
}

}  // namespace vtepd
