// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "ports/links.h"

#include <cstddef>
#include <vector>

namespace vtepd::netlink {

// The frame that tells everybody who remembers the address that this MAC has it now: for IPv4 a
// gratuitous ARP request (RFC 5944 section 4.6), for IPv6 an unsolicited neighbour advertisement
// with the override flag (RFC 4861 section 7.2.6).
[[nodiscard]] std::vector<std::byte> announcement(const IpAddress& address, const MacAddress& mac);

// The same for one receiver, with a VXLAN header (RFC 7348) in front.
[[nodiscard]] std::vector<std::byte> encapsulated_announcement(const RemoteAnnouncement& what,
                                                               const MacAddress& receiver);
// Sends it to each from our VTEP, in the calling thread's namespace.
Result<void> send_encapsulated(const RemoteAnnouncement& what);

// Sends a frame out of an interface of the calling thread's namespace, past qdisc and TC programs.
Result<void> send_frame(IfIndex interface, const std::vector<std::byte>& frame);

}  // namespace vtepd::netlink
