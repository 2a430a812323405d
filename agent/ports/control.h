// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/model.h"
#include "core/views.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

struct AttachRequest {
  std::string network;                // name, id or id prefix
  std::string netns_path;             // absolute path of a namespace file
  std::string ifname;                 // "": the first free ethN
  std::string name;                   // of the endpoint; "": made from the id
  std::optional<IpAddress> address4;  // default: from the pool
  std::optional<IpAddress> address6;
  std::optional<MacAddress> mac;
  std::vector<IpPrefix> allowed_addresses;
  std::vector<MacAddress> allowed_macs;
  bool source_check = true;
  std::optional<std::chrono::seconds> wait;  // for acknowledgements of the other hosts
};

struct AttachReply {
  EndpointView endpoint;
  bool existed = false;  // the same attach was done before

  struct Host {
    IpAddress vtep;
    std::string host;
    std::string state;  // "acknowledged", "missing", "not-waited-for" (no live vtepd there)
  };

  std::vector<Host> hosts;  // only with wait
  bool timed_out = false;   // the attach stands all the same
};

struct DetachRequest {
  std::string endpoint;  // id, id prefix (8 digits and more), name or host interface; or else
  std::string network;   // network, namespace and interface
  std::string netns_path;
  std::string ifname;
};

// An address that an endpoint shall hold besides its own, whoever has it now.
struct AddressRequest {
  std::string endpoint;  // as in DetachRequest
  IpAddress address;
  std::optional<MacAddress> mac;  // that answers for it; default: the endpoint's
};

// What is to be mended besides what is this daemon's own for certain.
struct RepairRequest {
  bool dry_run = false;
  std::optional<IpAddress> host;  // a VTEP that is gone: what it left
  bool leaked = false;            // addresses and VNIs that merely nobody has
};

struct RepairReply {
  bool dry_run = false;
  std::vector<RepairView> actions;
};

// What a person or a plugin may ask of the daemon. Called on the loop's thread; the reply comes on
// it too, at once or later, exactly once.
class Control {
 public:
  template <typename T>
  using Reply = std::function<void(Result<T>)>;

  virtual ~Control() = default;
  virtual void create_network(const NetworkSpec& spec, Reply<NetworkView> reply) = 0;
  virtual void list_networks(Reply<std::vector<NetworkView>> reply) = 0;
  virtual void inspect_network(const std::string& name_or_id, Reply<NetworkView> reply) = 0;
  virtual void remove_network(const std::string& name_or_id, Reply<NetworkView> reply) = 0;
  virtual void attach(const AttachRequest& request, Reply<AttachReply> reply) = 0;
  virtual void detach(const DetachRequest& request, Reply<EndpointView> reply) = 0;
  virtual void add_address(const AddressRequest& request, Reply<EndpointView> reply) = 0;
  // NotFound: the endpoint does not hold it. The MAC is not looked at.
  virtual void remove_address(const AddressRequest& request, Reply<EndpointView> reply) = 0;
  virtual void endpoints(Reply<std::vector<EndpointView>> reply) = 0;
  // Endpoints that nobody is behind any more; the store is read for it.
  virtual void stale_endpoints(Reply<std::vector<EndpointView>> reply) = 0;
  // Store against gossip against the data path's tables. Takes some seconds if there are any.
  virtual void differences(Reply<std::vector<DifferenceView>> reply) = 0;
  // Conflict: the host that is named is alive.
  virtual void repair(const RepairRequest& request, Reply<RepairReply> reply) = 0;
  virtual Result<std::vector<FdbView>> fdb() = 0;
  virtual Result<std::vector<NeighbourView>> neighbours() = 0;
  virtual Result<std::vector<VtepView>> vteps() = 0;
  virtual Result<std::vector<DropView>> drops() = 0;
  virtual StatusView status() = 0;
};

}  // namespace vtepd
