// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/overlay.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtepd {

// What a node of the gossip cluster says of an endpoint. Anybody who can send there can say it.
struct PeerNews {
  bool join = true;
  IpAddress vtep;
  std::string network_id;
  std::string endpoint_id;
  IpPrefix address;
  MacAddress mac;
};

// Weighs gossip against the store. The store is the truth up to its index; gossip is only sooner.
//
// A join of an endpoint that the store does not have, or not yet as active, is put into force for a
// while, if its VTEP is known: it runs Docker or vtepd on this store, or the store has an endpoint
// there. It takes nothing away from a stored endpoint (Overlay's claims see to that). A leave takes
// back what a join put in force; of a stored endpoint it only makes us read its key again, and
// again for some seconds, as Docker announces before it writes. A join soon after a leave of the
// same endpoint may be older than that, as gossip keeps no order: its key is read instead. All else
// asks for a read at most.
//
// Pure: says what to do, by a clock that is handed in. On one thread.
class GossipMerge {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Key = std::pair<std::string, std::string>;  // network, endpoint

  struct Limits {
    std::chrono::milliseconds lifetime{30000};  // of what the store does not confirm
    std::chrono::milliseconds leave_checks{5000};
    std::chrono::milliseconds check_interval{500};
    std::chrono::milliseconds leave_memory{10000};
    std::size_t most = 65536;  // provisional entries, and keys to be read again
  };

  enum class Verdict {
    Installed,
    Removed,
    Known,        // the store says the same
    Checked,      // a stored endpoint: its key is read again
    UnknownVtep,  // nobody that the store knows: a read of everything
    Contradicts,  // somebody else has the endpoint's id, or a leave for another's entry
    Outside,      // the address is in no subnet of the network
    NotHere,      // our own, or of a network without an endpoint here
    Full
  };

  struct Orders {
    std::vector<Endpoint> install;
    std::vector<Key> remove;
    std::vector<Key> read;
    bool read_all = false;
  };

  GossipMerge(const Overlay& overlay, Limits limits);

  explicit GossipMerge(const Overlay& overlay) : GossipMerge(overlay, Limits{}) {}

  // VTEPs that the store lists as live hosts.
  void set_hosts(std::set<IpAddress> hosts) { hosts_ = std::move(hosts); }

  Verdict on_news(const PeerNews& news, Time now, Orders& orders);
  // The store told of the endpoint; the overlay has it already.
  void on_stored(const std::string& network_id, const std::string& endpoint_id, Orders& orders);
  void on_gone(const std::string& network_id, const std::string& endpoint_id, Orders& orders);
  // While the store cannot be read the lifetimes stand still.
  void set_store_readable(bool readable, Time now, Orders& orders);
  // What is due; to be called every check_interval or so unless idle().
  void on_time(Time now, Orders& orders);

  [[nodiscard]] bool idle() const { return provisional_.empty() && checks_.empty(); }

  [[nodiscard]] std::size_t provisional() const { return provisional_.size(); }

 private:
  struct Provisional {
    Endpoint endpoint;
    Time expires;
  };

  struct Check {
    Time next;
    Time until;
  };

  Verdict on_join(const PeerNews& news, Time now, Orders& orders);
  Verdict on_leave(const PeerNews& news, Time now, Orders& orders);
  Verdict check(const Key& key, Time now, Orders& orders);
  void note_leave(const Key& key, Time now);
  [[nodiscard]] bool left_lately(const Key& key, Time now) const;
  [[nodiscard]] bool known(const Overlay::NetworkRecord& network, const IpAddress& vtep) const;
  void forget(const Key& key, Orders& orders);
  void count(const Endpoint& endpoint, int change);

  const Overlay& overlay_;
  Limits limits_;
  std::set<IpAddress> hosts_;
  std::map<Key, Provisional> provisional_;
  std::map<std::pair<std::string, IpAddress>, std::size_t> heard_of_;  // network, VTEP -> entries
  std::map<Key, Check> checks_;
  std::map<Key, Time> left_;                      // when the last leave was heard
  std::deque<std::pair<Time, Key>> left_by_age_;  // every one of them, oldest first
  std::optional<Time> unreadable_since_;
};

std::string_view to_string(GossipMerge::Verdict verdict);

}  // namespace vtepd
