// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as the value of each key: an error that names the key, or something that can be written
// again. The first byte chooses the kind.
#include "registry/endpoint_codec.h"
#include "registry/ipam_codec.h"
#include "registry/network_codec.h"
#include "registry/own_codec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

const std::string kNetworkId = std::string(63, 'a') + "1";
const std::string kEndpointId = std::string(63, 'b') + "2";

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

template <typename Result>
bool fine(const Result& result) {
  require(result.has_value() || result.error().what.starts_with("key"));
  return result.has_value();
}

void overlay(std::string_view value) {
  using namespace vtepd::registry;
  if (const auto first = decode_overlay("key", value); fine(first)) {
    const auto second = decode_overlay("key", encode_overlay(*first));
    require(second && second->subnets == first->subnets && second->mtu == first->mtu);
  }
}

void endpoint(std::string_view value) {
  using namespace vtepd::registry;
  if (!fine(decode_endpoint("key", kNetworkId, kEndpointId, value))) {
    return;
  }
  static_cast<void>(fine(endpoint_pools("key", value)));
  static_cast<void>(fine(endpoint_leaving("key", value)));
  if (const auto joined = with_sandbox("key", value, kNetworkId, "veth"); fine(joined)) {
    const auto again = decode_endpoint("key", kNetworkId, kEndpointId, *joined);
    require(again && again->sandbox == kNetworkId);
  }
  static_cast<void>(fine(endpoint_taking("key", value)));
  Leaving leaving;
  leaving.address4 = 1;
  leaving.count = 3;
  leaving.run = 4;
  if (const auto going = with_leaving("key", value, leaving); fine(going)) {
    const auto read = endpoint_leaving("key", *going);
    require(read && *read == leaving);
    require(endpoint_taking("key", *going) == Taking{});
  }
}

void floating(std::string_view value) {
  using namespace vtepd::registry;
  const auto first = decode_floating("key", kNetworkId, "10.0.0.7", value);
  if (fine(first)) {
    require(decode_floating("key", kNetworkId, "10.0.0.7", encode_floating(*first)) == *first);
  }
}

void pools(std::string_view value) {
  using namespace vtepd::registry;
  const auto ids = pool_ids("key", value);
  if (!fine(ids)) {
    return;
  }
  for (const auto& id : *ids) {
    static_cast<void>(fine(without_pool("key", value, id)));
  }
  const std::string own = "GlobalDefault/10.0.0.0/24";
  const auto more = with_pool("key", value, own, *vtepd::IpPrefix::parse("10.0.0.0/24"));
  require(more && without_pool("key", *more, own)->changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vtepd::registry;
  if (size == 0) {
    return 0;
  }
  const std::string_view value(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'n':
      static_cast<void>(fine(decode_network("key", kNetworkId, value)));
      static_cast<void>(fine(with_in_delete("key", value, true)));
      break;
    case 'o':
      overlay(value);
      break;
    case 'e':
      endpoint(value);
      break;
    case 'f':
      floating(value);
      break;
    case 'p':
      pools(value);
      break;
    case 'b':
      static_cast<void>(fine(decode_bits("key", value)));
      break;
    default:
      static_cast<void>(fine(decode_node("key", "10.0.0.1", value)));
      static_cast<void>(fine(decode_count("key", value)));
      static_cast<void>(fine(decode_revision("key", value)));
  }
  return 0;
}
