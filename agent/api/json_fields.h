// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "api/json_io.h"
#include "core/views.h"
#include "ports/control.h"

// The fields of every document, for JsonWriter and JsonReader alike.
namespace vtepd {

template <typename Io, Is<NetworkView::SubnetView> Row>
void describe(Io& io, Row& row) {
  io.field("pool", row.pool);
  io.field("gateway", row.gateway);
  io.field("vni", row.vni);
}

template <typename Io, Is<NetworkView> Row>
void describe(Io& io, Row& row) {
  io.field("id", row.id);
  io.field("name", row.name);
  io.field("address_space", row.address_space);
  io.field("subnets", row.subnets);
  io.field("v6_pool", row.v6_pool);
  io.field("mtu", row.mtu);
  io.field("secure", row.secure);
  io.field("endpoints", row.endpoints);
}

template <typename Io, Is<HeldAddressView> Row>
void describe(Io& io, Row& row) {
  io.field("address", row.address);
  io.field("mac", row.mac);
}

template <typename Io, Is<EndpointView> Row>
void describe(Io& io, Row& row) {
  io.field("id", row.id);
  io.field("name", row.name);
  io.field("network", row.network);
  io.field("network_id", row.network_id);
  io.field("vni", row.vni);
  io.field("mac", row.mac);
  io.field("address4", row.address4);
  io.field("address6", row.address6);
  io.field("vtep", row.vtep);
  io.field("local", row.local);
  io.field("state", row.state);
  io.field("stale", row.stale);
  io.field("held", row.held);
  io.field("netns", row.netns);
  io.field("ifname", row.ifname);
  io.field("host_ifname", row.host_ifname);
  io.field("allowed_addresses", row.allowed_addresses);
  io.field("allowed_macs", row.allowed_macs);
  io.field("source_check", row.source_check);
  io.field("mtu", row.mtu);
}

template <typename Io, Is<FdbView> Row>
void describe(Io& io, Row& row) {
  io.field("network", row.network);
  io.field("vni", row.vni);
  io.field("mac", row.mac);
  io.field("vtep", row.vtep);
  io.field("device", row.device);
  io.field("endpoint", row.endpoint);
}

template <typename Io, Is<NeighbourView> Row>
void describe(Io& io, Row& row) {
  io.field("network", row.network);
  io.field("vni", row.vni);
  io.field("address", row.address);
  io.field("mac", row.mac);
}

template <typename Io, Is<VtepView> Row>
void describe(Io& io, Row& row) {
  io.field("address", row.address);
  io.field("id", row.id);
  io.field("self", row.self);
  io.field("reachable", row.reachable);
  io.field("next_hop", row.next_hop);
  io.field("device", row.device);
  io.field("mtu", row.mtu);
  io.field("host", row.host);
  io.field("instance", row.instance);
  io.field("endpoints", row.endpoints);
}

template <typename Io, Is<DropView> Row>
void describe(Io& io, Row& row) {
  io.field("network", row.network);
  io.field("vni", row.vni);
  io.field("reason", row.reason);
  io.field("kind", row.kind);
  io.field("text", row.text);
  io.field("hint", row.hint);
  io.field("packets", row.packets);
  io.field("bytes", row.bytes);
}

template <typename Io, Is<DifferenceView> Row>
void describe(Io& io, Row& row) {
  io.field("kind", row.kind);
  io.field("network", row.network);
  io.field("network_id", row.network_id);
  io.field("object", row.object);
  io.field("have", row.have);
  io.field("want", row.want);
  io.field("note", row.note);
  io.field("repair", row.repair);
}

template <typename Io, Is<RepairView> Row>
void describe(Io& io, Row& row) {
  io.field("kind", row.kind);
  io.field("network", row.network);
  io.field("network_id", row.network_id);
  io.field("object", row.object);
  io.field("from", row.from);
  io.field("to", row.to);
  io.field("state", row.state);
  io.field("error", row.error);
}

template <typename Io, Is<StatusView::Table> Row>
void describe(Io& io, Row& row) {
  io.field("name", row.name);
  io.field("used", row.used);
  io.field("size", row.size);
  io.field("option", row.option);
}

// A field "health" or "kind" with the enumerator's word.
void describe_health(JsonWriter& io, const Health& health);
void describe_health(JsonReader& io, Health& health);
void describe(JsonWriter& io, const Error& error);
void describe(JsonReader& io, Error& error);

template <typename Io, Is<StatusView> Row>
void describe(Io& io, Row& row) {
  describe_health(io, row.health);
  io.field("problems", row.problems);
  io.field("version", row.version);
  io.field("instance", row.instance);
  io.field("pid", row.pid);
  io.field("uptime_seconds", row.uptime_seconds);
  io.object("datapath", [&](auto& inner) {
    inner.field("kind", row.dataplane);
    inner.field("mode", row.mode);
    inner.field("reason", row.mode_reason);
    inner.field("attach", row.attach);
    inner.field("tunnel_gro", row.tunnel_gro);
    inner.field("tunnel_state", row.tunnel_state);
    inner.field("headroom", row.headroom);
    inner.field("tcp_frames", row.tcp_frames);
    inner.field("checks", row.checks);
  });
  io.object("underlay", [&](auto& inner) {
    inner.field("address", row.vtep);
    inner.field("device", row.device);
    inner.field("mtu", row.underlay_mtu);
    inner.field("port", row.port);
  });
  io.object("store", [&](auto& inner) {
    inner.field("what", row.store);
    inner.field("ok", row.store_ok);
    inner.field("problem", row.store_problem);
    inner.field("down_seconds", row.store_down_seconds);
    inner.field("malformed_keys", row.malformed_keys);
    inner.field("pending_withdrawals", row.pending_withdrawals);
  });
  io.object("gossip", [&](auto& inner) {
    inner.field("what", row.gossip);
    inner.field("ok", row.gossip_ok);
    inner.field("problem", row.gossip_problem);
    inner.field("down_seconds", row.gossip_down_seconds);
    inner.field("members", row.gossip_members);
    inner.field("malformed", row.gossip_malformed);
    inner.field("provisional", row.gossip_provisional);
  });
  io.field("networks", row.networks);
  io.field("endpoints", row.endpoints);
  io.field("local_endpoints", row.local_endpoints);
  io.field("moves_limited", row.moves_limited);
  io.field("tables", row.tables);
}

template <typename Io, Is<AttachReply::Host> Row>
void describe(Io& io, Row& row) {
  io.field("vtep", row.vtep);
  io.field("host", row.host);
  io.field("state", row.state);
}

template <typename Io, Is<AttachReply> Row>
void describe(Io& io, Row& row) {
  io.field("endpoint", row.endpoint);
  io.field("existed", row.existed);
  io.field("hosts", row.hosts);
  io.field("timed_out", row.timed_out);
}

template <typename Io, Is<NetworkSpec> Row>
void describe(Io& io, Row& row) {
  io.required("name", row.name);
  io.required("subnets", row.subnets);
  io.field("vni", row.vni);
  io.field("mtu", row.container_mtu);
  io.field("address_space", row.address_space);
}

template <typename Io, Is<AttachRequest> Row>
void describe(Io& io, Row& row) {
  io.required("network", row.network);
  io.required("netns", row.netns_path);
  io.field("ifname", row.ifname);
  io.field("name", row.name);
  io.field("address4", row.address4);
  io.field("address6", row.address6);
  io.field("mac", row.mac);
  io.field("allowed_addresses", row.allowed_addresses);
  io.field("allowed_macs", row.allowed_macs);
  io.field("source_check", row.source_check);
  io.field("wait_seconds", row.wait);
}

template <typename Io, Is<DetachRequest> Row>
void describe(Io& io, Row& row) {
  io.field("endpoint", row.endpoint);
  io.field("network", row.network);
  io.field("netns", row.netns_path);
  io.field("ifname", row.ifname);
}

template <typename Io, Is<RepairReply> Row>
void describe(Io& io, Row& row) {
  io.field("dry_run", row.dry_run);
  io.field("actions", row.actions);
}

template <typename Io, Is<RepairRequest> Row>
void describe(Io& io, Row& row) {
  io.field("dry_run", row.dry_run);
  io.field("host", row.host);
  io.field("leaked", row.leaked);
}

template <typename Io, Is<AddressRequest> Row>
void describe(Io& io, Row& row) {
  io.required("endpoint", row.endpoint);
  io.required("address", row.address);
  io.field("mac", row.mac);
}

}  // namespace vtepd
