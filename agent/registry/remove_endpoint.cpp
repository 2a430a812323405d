// SPDX-License-Identifier: GPL-2.0-only
#include "registry/endpoint_codec.h"
#include "registry/give_back.h"
#include "registry/operations.h"
#include "registry/own_codec.h"

// Gives back, exactly once (give_back.h), what an endpoint holds: floating addresses, its address
// bits and its place in the count. The record of that is the endpoint's own key: first its sandbox
// becomes empty and the indices are noted in it ("leaving"), and it goes last. What it had not
// surely taken yet (endpoint_claim.h) is found out before that. (Docker deletes the key first; then
// what a crash leaves behind can never be told from what others took since.) Every run writes its
// number into the endpoint first, so that of two at once only one gets on.
//
// The bit of an address that another endpoint took over as a floating one is not cleared but handed
// over to that address's key.

namespace vtepd::registry {

namespace {

class Removal {
 public:
  Removal(const Context& context, const Endpoint& endpoint, const HeldByCreator& held)
      : context_(context),
        endpoint_(endpoint),
        held_(held),
        key_(context.keys.endpoint(endpoint.network_id, endpoint.id)) {}

  // True: done. False: the key is not there or not ours.
  Result<bool> run();

 private:
  struct Step {
    std::optional<std::uint64_t> HoldIndices::*index;
    std::optional<bool> HeldByCreator::*held;
    std::string key;
    std::string pool_id;  // empty: the count
    IpAddress address;
  };

  Result<bool> load();
  Result<bool> holds(const Step& step);
  Result<void> begin();
  Result<void> note();
  Result<void> give_back(const Step& step);
  Result<bool> hand_over(const Step& step);
  Result<bool> looks_done(const Step& step, const KvPair& seen);
  [[nodiscard]] Result<std::optional<std::string>> reduced(const Step& step,
                                                           const KvPair& pair) const;

  const Context& context_;
  const Endpoint& endpoint_;
  const HeldByCreator& held_;
  std::string key_;
  KvPair stored_;
  Taking taking_;
  Leaving leaving_;
  std::vector<Step> steps_;
  bool resumed_ = false;  // begun by an earlier call: what it got done is open
};

// Reads the endpoint and what it holds. False: not there or not ours.
Result<bool> Removal::load() {
  auto pair = context_.store.get(key_);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return false;
  }
  stored_ = std::move(**pair);
  const auto stored = decode_endpoint(key_, endpoint_.network_id, endpoint_.id, stored_.value);
  const auto pools = endpoint_pools(key_, stored_.value);
  const auto leaving = endpoint_leaving(key_, stored_.value);
  const auto taking = endpoint_taking(key_, stored_.value);
  if (!stored || !pools || !leaving || !taking) {
    return fail(!stored    ? stored.error()
                : !pools   ? pools.error()
                : !leaving ? leaving.error()
                           : taking.error());
  }
  taking_ = *taking;
  if (stored->vtep != endpoint_.vtep || stored->owner != endpoint_.owner) {
    return false;
  }
  steps_.clear();
  if (stored->address4 && !pools->v4.empty()) {
    steps_.push_back({&HoldIndices::address4, &HeldByCreator::address4,
                      context_.keys.addresses(pools->v4), pools->v4, stored->address4->address});
  }
  if (stored->address6 && !pools->v6.empty()) {
    steps_.push_back({&HoldIndices::address6, &HeldByCreator::address6,
                      context_.keys.addresses(pools->v6), pools->v6, stored->address6->address});
  }
  steps_.push_back({&HoldIndices::count,
                    &HeldByCreator::count,
                    context_.keys.endpoint_count(endpoint_.network_id),
                    {},
                    {}});
  resumed_ = leaving->has_value();
  leaving_ = leaving->value_or(Leaving{});
  return true;
}

// Not so what the endpoint had not got yet when it was broken off.
Result<bool> Removal::holds(const Step& step) {
  const auto& index = taking_.*step.index;
  if (const auto& known = held_.*step.held; known || !index) {
    return known.value_or(true);
  }
  return was_taken(context_,
                   {.key = step.key,
                    .reduced = {},
                    .looks_done = [&](const KvPair& pair) { return looks_done(step, pair); },
                    .note = {}},
                   *index);
}

Result<void> Removal::begin() {
  for (const auto& step : steps_) {
    const auto holding = holds(step);
    if (!holding) {
      return fail(holding.error());
    }
    if (!*holding) {
      continue;
    }
    const auto pair = context_.store.get(step.key);
    if (!pair) {
      return fail(pair.error());
    }
    leaving_.*step.index = *pair ? std::optional((*pair)->index) : std::nullopt;
  }
  return note();
}

// Writes how far we are. Conflict if somebody else changed the endpoint.
Result<void> Removal::note() {
  const auto value = with_leaving(key_, stored_.value, leaving_);
  if (!value) {
    return fail(value.error());
  }
  const auto written = context_.store.put(key_, *value, stored_.index);
  if (!written) {
    return fail(written.error());
  }
  auto pair = context_.store.get(key_);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*written || !*pair || (*pair)->value != *value) {
    return fail(ErrorKind::Conflict, "'" + key_ + "' was changed by another while it was removed");
  }
  stored_ = std::move(**pair);
  return {};
}

Result<std::optional<std::string>> Removal::reduced(const Step& step, const KvPair& pair) const {
  if (!step.pool_id.empty()) {
    return without_address(pair, step.pool_id, step.address);
  }
  const auto count = decode_count(step.key, pair.value);
  if (!count) {
    return fail(count.error());
  }
  return *count == 0 ? std::nullopt : std::optional(encode_count(*count - 1));
}

// A clear bit, or another endpoint with the address, means done; so does a count that is lower than
// the number of endpoints.
Result<bool> Removal::looks_done(const Step& step, const KvPair& seen) {
  const auto rest = reduced(step, seen);
  if (!rest) {
    return fail(rest.error());
  }
  if (!*rest) {
    return true;
  }
  if (!step.pool_id.empty()) {
    return others_have(context_, endpoint_.network_id, step.address, endpoint_.id);
  }
  const auto endpoints = read_endpoints(context_, endpoint_.network_id);
  if (!endpoints) {
    return fail(endpoints.error());
  }
  const auto count = decode_count(step.key, seen.value);
  return count && *count < endpoints->size();
}

// Leaves the bit to whoever took the address over; true if somebody did.
Result<bool> Removal::hand_over(const Step& step) {
  const auto key = context_.keys.floating(endpoint_.network_id, step.address);
  bool taken = false;
  auto done =
      update(context_.store, key, [&](const auto& pair) -> Result<std::optional<std::string>> {
        taken = pair.has_value();
        if (!pair) {
          return std::optional<std::string>();
        }
        auto record =
            decode_floating(key, endpoint_.network_id, step.address.to_string(), pair->value);
        if (!record) {
          return fail(record.error());
        }
        if (!record->in_force) {  // of one that died before it had the address
          taken = false;
          return std::optional<std::string>();
        }
        if (record->pool_id == step.pool_id) {
          return std::optional<std::string>();
        }
        record->pool_id = step.pool_id;
        return std::optional(encode_floating(*record));
      });
  return done ? Result<bool>(taken) : fail(done.error());
}

Result<void> Removal::give_back(const Step& step) {
  auto& noted = leaving_.*step.index;
  if (noted && !step.pool_id.empty()) {
    const auto taken = hand_over(step);
    if (!taken) {
      return fail(taken.error());
    }
    if (*taken) {
      noted.reset();
      return {};
    }
  }
  return registry::give_back(
      context_,
      {.key = step.key,
       .reduced = [this, &step](const KvPair& pair) { return reduced(step, pair); },
       .looks_done = [this, &step](const KvPair& pair) { return looks_done(step, pair); },
       .note = [this] { return note(); }},
      noted, resumed_);
}

Result<bool> Removal::run() {
  const auto ours = load();
  if (!ours || !*ours) {
    return ours;
  }
  ++leaving_.run;
  if (auto begun = resumed_ ? note() : begin(); !begun) {
    return fail(begun.error());
  }
  if (auto released = let_go_all(context_, endpoint_); !released) {
    return fail(released.error());
  }
  for (const auto& step : steps_) {
    if (auto done = give_back(step); !done) {
      return fail(done.error());
    }
  }
  const auto erased = context_.store.erase(key_, stored_.index);
  if (!erased) {
    return fail(erased.error());
  }
  if (!*erased) {
    return fail(ErrorKind::Conflict, "'" + key_ + "' was changed by another while it was removed");
  }
  return true;
}

}  // namespace

// A conflict is somebody else who writes the same endpoint, such as our own earlier call that is
// not over yet: what is left to do is in the key.
Result<bool> remove_endpoint(const Context& context, const Endpoint& endpoint,
                             const HeldByCreator& held) {
  Result<bool> removed = false;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    removed = Removal(context, endpoint, held).run();
    if (removed || removed.error().kind != ErrorKind::Conflict) {
      return removed;
    }
    back_off(tries);
  }
  return removed;
}

}  // namespace vtepd::registry
