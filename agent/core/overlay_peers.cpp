// SPDX-License-Identifier: GPL-2.0-only
// VTEPs: who is a member, their ids and their routes.
#include "core/overlay.h"

namespace vtepd {

void Overlay::touch_members(const NetworkRecord& network, const IpAddress& vtep) {
  for (const auto& [vni, active] : active_) {
    if (active.network == &network) {
      dirty_members_.add({vni, vtep});
    }
  }
}

std::uint32_t Overlay::use_peer(const IpAddress& vtep) {
  auto& peer = peers_[vtep];
  if (peer.id == 0) {
    peer.id = peer_ids_.empty() ? 1 : peer_ids_.rbegin()->first + 1;
    peer_ids_[peer.id] = vtep;
  }
  if (++peer.uses == 1) {
    dirty_peers_.add(peer.id);
  }
  return peer.id;
}

void Overlay::drop_peer(const IpAddress& vtep) {
  const auto place = peers_.find(vtep);
  if (--place->second.uses == 0) {
    dirty_peers_.add(place->second.id);
    peer_ids_.erase(place->second.id);
    peers_.erase(place);
  }
}

void Overlay::adopt_peer_ids(const ForwardingState& adopted) {
  for (const auto& [id, entry] : adopted.peers) {
    peers_[entry.remote].id = id;
    peer_ids_[id] = entry.remote;
  }
}

void Overlay::set_route(const IpAddress& vtep, const std::optional<PeerRoute>& route) {
  const auto place = peers_.find(vtep);
  if (place == peers_.end()) {
    return;
  }
  auto& peer = place->second;
  if (!peer.routed || peer.route != route) {
    peer.routed = true;
    peer.route = route;
    dirty_peers_.add(peer.id);
  }
}

std::vector<IpAddress> Overlay::unrouted() const {
  std::vector<IpAddress> result;
  for (const auto& [vtep, peer] : peers_) {
    if (peer.uses > 0 && !peer.routed) {
      result.push_back(vtep);
    }
  }
  return result;
}

std::vector<IpAddress> Overlay::vteps_in_use() const {
  std::vector<IpAddress> result;
  for (const auto& [vtep, peer] : peers_) {
    if (peer.uses > 0) {
      result.push_back(vtep);
    }
  }
  return result;
}

std::uint32_t Overlay::peer_id(const IpAddress& vtep) const {
  const auto peer = peers_.find(vtep);
  return peer == peers_.end() ? 0 : peer->second.id;
}

std::optional<PeerRoute> Overlay::route(const IpAddress& vtep) const {
  const auto peer = peers_.find(vtep);
  return peer == peers_.end() ? std::nullopt : peer->second.route;
}

}  // namespace vtepd
