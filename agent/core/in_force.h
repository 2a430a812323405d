// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/overlay.h"

#include <string>
#include <vector>

namespace vtepd {

// An endpoint that does not get what it has by the store, on this host.
struct NotInForce {
  const Endpoint* endpoint = nullptr;
  std::string have;  // what stands in its way
};

// Those of other hosts that share a VNI with an endpoint of this host and are not forwarded to as
// the store says. Of endpoints that are half made, nothing is expected.
std::vector<NotInForce> not_in_force(const Overlay& overlay,
                                     const std::vector<const Endpoint*>& stored);

}  // namespace vtepd
