// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace vtepd::nft {

// The chains for IPv6, of which others use ip6_checked and ip6_open.
std::string discovery_chains();

}  // namespace vtepd::nft
