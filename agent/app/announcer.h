// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/overlay.h"
#include "ports/gossip.h"
#include "runtime/event_loop.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vtepd {

// One address that an endpoint has, as gossip tells of it: its own, or one that it holds.
struct AddressClaim {
  std::string network_id;
  std::string endpoint_id;
  IpAddress vtep;
  IpPrefix address;
  MacAddress mac;
  auto operator<=>(const AddressClaim&) const = default;
};

// Tells the cluster which addresses the endpoints of this host have, and which they have no more.
// IPv4 only: Docker makes nothing of others, and a vtepd host has them from the store. On the
// loop's thread.
class Announcer {
 public:
  Announcer(Gossip& gossip, EventLoop& loop, const Overlay& overlay);

  // Compares what this host has with what it said, and says the difference. `before` is called with
  // each claim that is new, before that is said.
  void sync(const std::function<void(const AddressClaim&)>& before);
  // Says all of it again, for nodes that are new or may have missed it, and what could not be taken
  // back until now.
  void repeat();
  // An endpoint that an earlier run had is gone: nobody else will say so.
  void take_back(const AddressClaim& claim);
  // An endpoint of this host took the address from another, which is to be taken back first. By
  // Docker's rules the taking back must be heard before the join, or it takes away the new entry.
  void take_over(const AddressClaim& from);

  // Whether Docker's hosts listen, which keep what they looked up until they are told otherwise.
  void set_docker_listens(bool listens) { docker_listens_ = listens; }

  // The address is not where the claim says, as dockerds seem to think.
  void correct(const AddressClaim& wrong);

  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

 private:
  struct Saying {
    GossipEvent event;
    std::optional<AddressClaim> taken_back;  // if it is a leave
  };

  [[nodiscard]] std::set<AddressClaim> claims() const;
  void say(bool join, const AddressClaim& claim, bool coalesce);
  void say_lookup_leave(const ObjectId& network, const AddressClaim& claim);
  void pump();
  void on_said(const Saying& saying, const Result<void>& done);

  Gossip& gossip_;
  EventLoop& loop_;
  const Overlay& overlay_;
  std::set<AddressClaim> said_;
  std::uint64_t revision_ = 0;   // of the overlay, when it was said
  std::set<AddressClaim> owed_;  // to be taken back, could not be said
  std::deque<Saying> queue_;
  std::size_t under_way_ = 0;
  bool docker_listens_ = false;
  std::vector<IpAddress> taken_over_;  // since the last sync()
  std::unique_ptr<EventLoop::Timer> again_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace vtepd
