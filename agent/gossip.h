// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "ports/gossip.h"

#include <cstdint>
#include <memory>
#include <string>

namespace vtepd {

// The gossip that the configuration asks for; null if it asks for none. Says in the log when it is
// lost and when it is back.
struct OpenedGossip {
  std::unique_ptr<Gossip> gossip;
  std::string name;        // for people
  std::uint16_t port = 0;  // where other nodes contact this one; 0 without gossip
  std::unique_ptr<GossipSubscription> logging;
};

// Invalid, NotFound … if a key's file is not what it should be. An agent that cannot be reached is
// no error: it is tried for ever.
Result<OpenedGossip> open_gossip(const Config& config, const IpAddress& vtep,
                                 const std::string& host);

}  // namespace vtepd
