// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/views.h"
#include "registry/store_reading.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vtepd::registry {

// What is not as it should be in a store. Pure.
//
// A store changes while it is read, and those who change it (Docker above all) write a thing's
// parts one after another. So a finding counts only if a second audit, some time later, finds the
// same (confirmed()), and nothing is found about what is half made.

enum class Fault {
  HostGone,         // an endpoint whose host is gone
  Orphan,           // an endpoint of this host that this host does not have
  HolderGone,       // a floating address whose holder is not in the store
  CountOff,         // endpoint_count is not the number of endpoints
  AddressLeaked,    // a bit is set and nobody has the address
  AddressNotTaken,  // an endpoint's address whose bit is clear
  VniLeaked,        // a bit is set and no network has the VNI
  VniNotTaken,      // a network's VNI whose bit is clear
  PoolMissing,      // no bits at all
  NotInForce,       // an endpoint that this host does not forward to as the store says
  NotInStore,       // an endpoint of this host that the store does not have
  GossipOnly,       // an endpoint that only gossip knows
  NotInGossip,      // a host that the store lists is no live member
  Malformed         // a key that does not parse
};

// Who may mend it: `repair` does, `repair` only if told to (--leaked, --host), nobody.
enum class Remedy { None, Repair, Leaked, Host };

struct Finding {
  Fault fault = Fault::Malformed;
  Remedy remedy = Remedy::None;
  DifferenceView shown;
  std::optional<Endpoint> endpoint;
  std::optional<FloatingAddress> floating;
  std::string key;             // whose value is to be changed
  std::uint64_t index = 0;     // of it, at which that may be done
  std::uint64_t number = 0;    // the bit to be turned over, or the right count
  std::uint64_t evidence = 0;  // what has to be unchanged for the finding to be confirmed
};

// What the auditing host knows besides the store.
struct Witness {
  IpAddress vtep;
  std::string owner;          // what it writes into its endpoints
  std::set<std::string> own;  // ids of the endpoints it has, or is about to withdraw
  bool attaching = false;     // one is being made or removed right now
  bool gossip = false;        // there is some
  std::optional<std::set<IpAddress>> members;       // that are alive; none: not known
  std::map<IpAddress, std::uint64_t> gone_seconds;  // hosts that were seen to go
};

struct Audit {
  std::vector<Finding> findings;
  std::map<std::string, Network> networks;  // by id
  std::vector<Endpoint> endpoints;          // all that parse
  Hosts hosts;
};

Audit audit(StoreReading reading, const Witness& witness);

// Those of `second` that `first` has too.
std::vector<Finding> confirmed(const std::vector<Finding>& first, std::vector<Finding> second);

// By what a host is known to live, for a person; empty: it is gone, as far as is known.
std::string why_alive(const Hosts& hosts, const Witness& witness, const IpAddress& vtep);

// Since when and by what it is known to be gone.
std::string gone_note(const Witness& witness, const IpAddress& vtep);

Finding make_finding(Fault fault, std::string object);

// "endpoint web (3f2a91c04711)"
std::string shown_endpoint(const Endpoint& endpoint);

}  // namespace vtepd::registry
