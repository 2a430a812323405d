// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/forwarding_state.h"
#include "core/local_endpoint.h"
#include "core/views.h"
#include "ports/dataplane.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtepd {

// Names for the numbers in the tables. The daemon has them all, `vtepctl` without a daemon those
// of local endpoints only.
struct ViewNames {
  std::map<Vni, std::string> networks;
  std::map<IfIndex, std::string> devices;  // of the underlay
  // Endpoints here, by what their FDB entries have. On the kernel data path host ends are in
  // another namespace, so an index may be that of an underlay device as well.
  std::map<std::pair<IfIndex, bool>, std::string> endpoint_ends;  // index, same_netns
  std::function<std::string(const FdbKey&)> endpoint;             // "": not known; may be empty
};

// Where a local FDB entry leads; by its number if it has no name.
std::string device_of(const FdbEntry& entry, const ViewNames& names);

// Rows of what the data path holds, sorted by VNI, then MAC or address.
std::vector<FdbView> fdb_views(const ForwardingState& state, const ViewNames& names);
std::vector<NeighbourView> neighbour_views(const ForwardingState& state, const ViewNames& names);
std::vector<VtepView> vtep_views(const ForwardingState& state, const ViewNames& names);
// One row per counter that is not zero, sorted by VNI, then reason; unknown reasons by number.
std::vector<DropView> drop_views(const std::vector<ReasonCount>& counts, const ViewNames& names);
std::vector<StatusView::Table> table_views(const std::vector<TableUsage>& usage);

EndpointView endpoint_view(const LocalEndpoint& local, Vni vni);
// Of an endpoint that is not of this host.
EndpointView endpoint_view(const Network& network, const Endpoint& endpoint);
NetworkView network_view(const Network& network, std::uint64_t endpoints);

// Name of a reason ("NOT_MEMBER"), or its number as text.
std::string reason_name(std::uint32_t reason);

}  // namespace vtepd
