// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/cas.h"
#include "registry/keys.h"
#include "registry/network_codec.h"
#include "registry/registry.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::registry {

// What every operation of the registry works with; made for one call.
struct Context {
  KvStore& store;
  const Registry::Options& options;
  Keys keys;
};

struct StoredNetwork {
  NetworkRecord record;
  std::uint64_t index = 0;
};

// Every network key that parses, whatever its driver and state.
Result<std::vector<StoredNetwork>> read_networks(const Context& context);
// NotFound if there is none.
Result<StoredNetwork> read_network(const Context& context, const std::string& id);
// Endpoint keys of the network that parse.
Result<std::vector<Endpoint>> read_endpoints(const Context& context, const std::string& network_id);

// Tells an operator what wrote here: vtepd's marker key. Written once.
Result<void> write_marker(const Context& context);

Result<Network> create_network(const Context& context, const NetworkSpec& spec);
Result<void> remove_network(const Context& context, const std::string& network_id);
Result<Network> ensure_vni(const Context& context, const Network& network);

Result<Endpoint> create_endpoint(const Context& context, const Network& network,
                                 const EndpointSpec& spec);
Result<Endpoint> activate_endpoint(const Context& context, const Endpoint& endpoint,
                                   const std::string& sandbox, const std::string& host_ifname);
Result<void> confirm_endpoint(const Context& context, const Endpoint& endpoint);
// Idempotent. `own_of` is the endpoint that has the address as its own, as far as the caller knows.
Result<std::optional<FloatingAddress>> hold_address(const Context& context,
                                                    const FloatingAddress& wanted,
                                                    const std::optional<std::string>& own_of);
// False: somebody else has it, or nobody.
Result<bool> let_go(const Context& context, const std::string& network_id,
                    const std::string& endpoint_id, const IpAddress& address);
// All that the endpoint holds.
Result<void> let_go_all(const Context& context, const Endpoint& endpoint);

// What whoever makes an endpoint knows of it when it fails: surely taken, surely not, or unknown.
struct HeldByCreator {
  std::optional<bool> address4;
  std::optional<bool> address6;
  std::optional<bool> count;
};

Result<bool> remove_endpoint(const Context& context, const Endpoint& endpoint,
                             const HeldByCreator& held = {});

}  // namespace vtepd::registry
