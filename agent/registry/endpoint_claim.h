// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "registry/endpoint_codec.h"
#include "registry/operations.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::registry {

// Everything a new endpoint takes in the store: its own key, its address bits, its place in the
// count. Its key is written first and says at which indices the rest is to be taken ("taking"), so
// that a crash anywhere leaves a record from which remove_endpoint() tells what to give back.
// Docker takes the bit first, and what a crash leaves behind stays taken.
class EndpointClaim {
 public:
  // `document` is the endpoint but for its addresses, and must outlive this.
  EndpointClaim(const Context& context, const Network& network, EndpointDocument& document);

  // An address of the pool: this one, or the lowest free one.
  void want(const std::string& pool_id, const std::optional<IpAddress>& address, bool v4);

  // Until a MAC was asked for it follows the IPv4 address, as Docker's do.
  void follow_address() { mac_follows_ = true; }

  // Fills in the document. After an error nothing is taken, unless the store went away.
  Result<void> take();
  // Gives everything back.
  void undo();

 private:
  enum class State : std::uint8_t { Open, Taken, Unknown };

  struct Part {
    std::optional<std::uint64_t> HoldIndices::*index = nullptr;
    std::optional<bool> HeldByCreator::*held = nullptr;
    std::optional<IpPrefix> Endpoint::*address = nullptr;  // none: the count
    std::string key;
    std::string pool_id;
    std::optional<IpAddress> wanted;
    std::string value;  // of the key, once it is taken
    State state = State::Open;
  };

  Result<void> choose(Part& part);
  Result<void> choose_address(Part& part);
  Result<void> choose_count(Part& part);
  Result<void> write_down();
  Result<bool> take_chosen();
  [[nodiscard]] Error explain(const Part& part, Error error) const;

  const Context& context_;
  const Network& network_;
  EndpointDocument& document_;
  std::vector<Part> parts_;
  bool mac_follows_ = false;
  bool written_ = false;
};

}  // namespace vtepd::registry
