// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_claim.h"

#include "registry/address_allocator.h"
#include "registry/own_codec.h"

#include <utility>

namespace vtepd::registry {

EndpointClaim::EndpointClaim(const Context& context, const Network& network,
                             EndpointDocument& document)
    : context_(context), network_(network), document_(document) {
  parts_.push_back({.index = &HoldIndices::count,
                    .held = &HeldByCreator::count,
                    .key = context.keys.endpoint_count(network.id),
                    .pool_id = {},
                    .wanted = {},
                    .value = {}});
}

void EndpointClaim::want(const std::string& pool_id, const std::optional<IpAddress>& address,
                         bool v4) {
  parts_.insert(parts_.end() - 1, {.index = v4 ? &HoldIndices::address4 : &HoldIndices::address6,
                                   .held = v4 ? &HeldByCreator::address4 : &HeldByCreator::address6,
                                   .address = v4 ? &Endpoint::address4 : &Endpoint::address6,
                                   .key = context_.keys.addresses(pool_id),
                                   .pool_id = pool_id,
                                   .wanted = address,
                                   .value = {}});
}

Result<void> EndpointClaim::choose_address(Part& part) {
  auto free = find_address(context_.store, context_.keys, part.pool_id, part.wanted);
  if (!free) {
    return fail(explain(part, free.error()));
  }
  document_.endpoint.*part.address = free->address;
  document_.taking.*part.index = free->index;
  part.value = std::move(free->bits);
  return {};
}

Result<void> EndpointClaim::choose_count(Part& part) {
  const auto pair = context_.store.get(part.key);
  if (!pair) {
    return fail(pair.error());
  }
  const auto count = *pair && !(*pair)->value.empty() ? decode_count(part.key, (*pair)->value)
                                                      : Result<std::uint64_t>(0);
  if (!count) {
    return fail(count.error());
  }
  document_.taking.*part.index = *pair ? (*pair)->index : 0;
  part.value = encode_count(*count + 1);
  return {};
}

Result<void> EndpointClaim::choose(Part& part) {
  return part.address == nullptr ? choose_count(part) : choose_address(part);
}

Result<void> EndpointClaim::write_down() {
  auto& endpoint = document_.endpoint;
  if (mac_follows_) {
    endpoint.mac = docker_mac(endpoint.address4->address);
  }
  const auto key = context_.keys.endpoint(endpoint.network_id, endpoint.id);
  auto value = encode_endpoint(document_);
  if (!std::exchange(written_, true)) {
    return create_key(context_.store, key, value);
  }
  return update(context_.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
    return pair ? Result<std::optional<std::string>>(value)
                : fail(ErrorKind::Conflict, "'" + key + "' was removed while it was being made");
  });
}

// False: somebody else changed one of the keys.
Result<bool> EndpointClaim::take_chosen() {
  for (auto& part : parts_) {
    if (part.state == State::Taken) {
      continue;
    }
    part.state = State::Unknown;  // until the answer is here
    const auto taken = context_.store.put(part.key, part.value, *(document_.taking.*part.index));
    if (!taken) {
      return taken;
    }
    part.state = *taken ? State::Taken : State::Open;
    if (!*taken) {
      return false;
    }
    (document_.taking.*part.index).reset();
  }
  return true;
}

Result<void> EndpointClaim::take() {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    for (auto& part : parts_) {
      if (part.state == State::Taken) {
        continue;
      }
      if (auto chosen = choose(part); !chosen) {
        undo();
        return chosen;
      }
    }
    auto written = write_down();
    const auto taken = written ? take_chosen() : fail(written.error());
    if (!taken) {
      undo();
      return fail(taken.error());
    }
    if (*taken) {
      return {};
    }
    back_off(tries);
  }
  undo();
  return fail(too_many_tries(context_.keys.addresses(document_.pool4)));
}

void EndpointClaim::undo() {
  if (!written_) {
    return;
  }
  HeldByCreator held;
  for (const auto& part : parts_) {
    if (part.state != State::Unknown) {
      held.*part.held = part.state == State::Taken;
    }
  }
  // What cannot be given back now is in the endpoint's key, for the next start.
  static_cast<void>(remove_endpoint(context_, document_.endpoint, held));
}

// Says who has the address, and which network the pool is of.
Error EndpointClaim::explain(const Part& part, Error error) const {
  constexpr std::size_t kShortId = 12;
  if (error.kind == ErrorKind::Exhausted) {
    return error.context("network '" + network_.name + "'");
  }
  if (error.kind != ErrorKind::Conflict || !part.wanted) {
    return error;
  }
  const auto endpoints = read_endpoints(context_, network_.id);
  for (const auto& other : endpoints ? *endpoints : std::vector<Endpoint>()) {
    const auto has = [&](const auto& own) { return own && own->address == *part.wanted; };
    if (other.id != document_.endpoint.id && (has(other.address4) || has(other.address6))) {
      error.what += " by endpoint '" + other.name + "' (" + other.id.substr(0, kShortId) + ") on " +
                    other.vtep.to_string();
      return error;
    }
  }
  error.what += " by no endpoint that is stored: one is being made, or was left unfinished";
  return error;
}

}  // namespace vtepd::registry
