// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nft/nflog.h"
#include "ports/dataplane.h"

#include <optional>

namespace vtepd::nft {

// What the bridge table logged: VTEP_ANNOUNCED if it is a gratuitous ARP or an unsolicited
// neighbour advertisement, other than for the link-local address of its own MAC. Nothing otherwise.
std::optional<DataplaneEvent> announcement_in(const LoggedPacket& packet);

// What the underlay table logged, VXLAN from a VTEP that is no member: VTEP_NOT_MEMBER.
std::optional<DataplaneEvent> stranger_in(const LoggedPacket& packet);

}  // namespace vtepd::nft
