// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/model.h"
#include "ports/kv_store.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vtepd {

namespace registry {
struct Audit;
struct Finding;
struct Witness;
}  // namespace registry

// Docker's classic overlay schema over any KvStore: networks, VNIs, pools, addresses, endpoints,
// and vtepd's own keys under <prefix>/vtepd/v1/. Every call reads what it needs from the store and
// writes by compare-and-set in Docker's order (docs/architecture.md), undoing its own writes when a
// later step fails. Blocking; keeps no state of its own, so any thread may call it.
class Registry {
 public:
  struct Options {
    std::string prefix;  // in front of "docker/" and "vtepd/", without a trailing slash
    IpAddress vtep;      // written as locator
    std::string owner;   // written into our endpoints
    std::function<std::string()> make_id;    // 64 hex digits; default: from getrandom
    std::function<std::string()> timestamp;  // RFC 3339 with nanoseconds; default: now
    // How long somebody may take between taking an address and writing the endpoint; waited for
    // only when a removal that broke off is taken up again and the store cannot tell otherwise.
    std::chrono::milliseconds settle{2000};
    // Whether dockerds may be on the same store. Of every network that was removed they leave an
    // empty key behind, and so do we then.
    bool with_docker = false;
  };

  Registry(KvStore& store, Options options);

  // At the first use of a store: makes the keys that RegistryWatch takes for proof, from
  // then on, that an answer is complete.
  Result<void> prepare();
  // Whether they are there.
  Result<bool> prepared();

  Result<Network> create_network(const NetworkSpec& spec);
  Result<std::vector<Network>> list_networks();
  Result<Network> find_network(const std::string& name_or_id);  // id prefix of >= 8 digits allowed
  Result<void> remove_network(const std::string& network_id);   // Conflict while endpoints exist
  // Gives a network without a VNI one, as Docker does at the first join.
  Result<Network> ensure_vni(const Network& network);

  // Makes the key that RegistryWatch takes for proof that it was shown a network's endpoints, as
  // dockerd does before it lists them.
  Result<void> open_endpoints(const std::string& network_id);
  // As the network's own count has it.
  Result<std::size_t> count_endpoints(const std::string& network_id);

  // Writes the endpoint with an empty sandbox, takes its address and counts it.
  Result<Endpoint> create_endpoint(const Network& network, const EndpointSpec& spec);
  // Writes the sandbox and the interface name: from now on others forward to it.
  Result<Endpoint> activate_endpoint(const Endpoint& endpoint, const std::string& sandbox,
                                     const std::string& host_ifname);
  // For an endpoint that was made and is to be removed before it was activated: says so in the
  // store, or the removal would have to find out, at length, what it had got.
  Result<void> confirm_endpoint(const Endpoint& endpoint);
  // Undoes both, idempotently and only if the key is still ours: true if it was there.
  Result<bool> remove_endpoint(const Endpoint& endpoint);

  // Makes the endpoint the holder of an address, whoever has it now, and registers that. The answer
  // has the new generation; none: the address is the endpoint's own again. `wanted.generation` is
  // the highest that is known of the network. `own_of`: id of the endpoint that has the address as
  // its own, as far as the caller knows. Conflict if the pool gave it to somebody unknown.
  Result<std::optional<FloatingAddress>> hold_address(const FloatingAddress& wanted,
                                                      const std::optional<std::string>& own_of);
  // Undoes it, exactly once. False: the endpoint does not hold the address.
  Result<bool> let_go(const FloatingAddress& held);
  // One endpoint's key as it is now, for the decoder.
  Result<KvEvent> reread_endpoint(const std::string& network_id, const std::string& endpoint_id);
  Result<std::vector<Endpoint>> list_endpoints(const std::string& network_id);

  // With a gossip port on Docker's own, Docker's hosts learn of the node as a seed as well.
  Result<void> publish_node(const Node& node, const KvSession& session);

  // What is not as it should be (store_audit.h), by one reading of everything.
  Result<registry::Audit> audit(const registry::Witness& witness);
  // Mends findings of one key (mend.h). False: somebody changed it since.
  Result<bool> mend(const std::vector<registry::Finding>& findings);

  // attach --wait: a request names endpoint and revision; members acknowledge beside it.
  Result<void> request_ack(const Endpoint& endpoint, const std::string& revision);
  Result<void> acknowledge(const std::string& network_id, const std::string& endpoint_id,
                           const std::string& revision, const IpAddress& vtep);
  Result<void> clear_ack(const std::string& network_id, const std::string& endpoint_id);

 private:
  KvStore& store_;
  Options options_;
};

}  // namespace vtepd
