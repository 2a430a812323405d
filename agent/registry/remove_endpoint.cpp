// SPDX-License-Identifier: GPL-2.0-only
#include "registry/address_allocator.h"
#include "registry/endpoint_codec.h"
#include "registry/ipam_codec.h"
#include "registry/operations.h"
#include "registry/own_codec.h"

#include <algorithm>
#include <thread>

// Gives back, exactly once, what an endpoint holds: its address bits and its place in the count.
// Neither key can tell whether that was done, so the endpoint's own key does, and goes last:
//
//   1. endpoint: sandbox "" and, for each thing, the index of its key at which it shall be given
//      back ("leaving")
//   2. each of those keys by compare-and-set at just that index
//   3. endpoint: deleted
//
// After a crash an unchanged index proves that the step was not done. A changed one leaves it open,
// and the contents decide: a clear bit, or another endpoint with the address, means done. A set bit
// without one means not done, unless somebody has just taken the address and not yet written the
// endpoint; so that is looked at twice, some seconds apart. The same goes for a count that is
// higher than the number of endpoints. (Docker deletes the key first; then what a crash leaves
// behind can never be told from what others took since.) Every run writes its number into the
// endpoint first, so that of two at once only one gets on.

namespace vtepd::registry {

namespace {

class Removal {
 public:
  Removal(const Context& context, const Endpoint& endpoint)
      : context_(context),
        endpoint_(endpoint),
        key_(context.keys.endpoint(endpoint.network_id, endpoint.id)) {}

  // True: done. False: the key is not there or not ours.
  Result<bool> run();

 private:
  struct Step {
    std::optional<std::uint64_t> Leaving::*index;
    std::string key;
    std::string pool_id;  // empty: the count
    IpAddress address;
  };

  Result<bool> load();
  Result<void> begin();
  Result<void> note();
  Result<void> give_back(const Step& step);
  Result<bool> was_done(const Step& step, const KvPair& seen);
  Result<bool> looks_done(const Step& step, const KvPair& seen);
  [[nodiscard]] Result<std::optional<std::string>> reduced(const Step& step,
                                                           const KvPair& pair) const;

  const Context& context_;
  const Endpoint& endpoint_;
  std::string key_;
  KvPair stored_;
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
  if (!stored || !pools || !leaving) {
    return fail(!stored ? stored.error() : !pools ? pools.error() : leaving.error());
  }
  if (stored->vtep != endpoint_.vtep || stored->owner != endpoint_.owner) {
    return false;
  }
  steps_.clear();
  if (stored->address4 && !pools->v4.empty()) {
    steps_.push_back({&Leaving::address4, context_.keys.addresses(pools->v4), pools->v4,
                      stored->address4->address});
  }
  if (stored->address6 && !pools->v6.empty()) {
    steps_.push_back({&Leaving::address6, context_.keys.addresses(pools->v6), pools->v6,
                      stored->address6->address});
  }
  steps_.push_back({&Leaving::count, context_.keys.endpoint_count(endpoint_.network_id), {}, {}});
  resumed_ = leaving->has_value();
  leaving_ = leaving->value_or(Leaving{});
  return true;
}

Result<void> Removal::begin() {
  for (const auto& step : steps_) {
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

// What the key shall hold afterwards; nothing if it needs no change.
Result<std::optional<std::string>> Removal::reduced(const Step& step, const KvPair& pair) const {
  if (step.pool_id.empty()) {
    const auto count = decode_count(step.key, pair.value);
    if (!count) {
      return fail(count.error());
    }
    return *count == 0 ? std::nullopt : std::optional(encode_count(*count - 1));
  }
  auto named = decode_bits(step.key, pair.value);
  const auto id = parse_pool_id(step.pool_id);
  if (!named || !id) {
    return fail(!named ? named.error() : id.error());
  }
  const auto ordinal = ordinal_of(id->pool, step.address);
  if (!ordinal) {
    return fail(ordinal.error());
  }
  return named->bits.clear(*ordinal) ? std::optional(encode_bits(*named)) : std::nullopt;
}

Result<bool> Removal::looks_done(const Step& step, const KvPair& seen) {
  const auto rest = reduced(step, seen);
  if (!rest) {
    return fail(rest.error());
  }
  if (!*rest) {
    return true;
  }
  const auto endpoints = read_endpoints(context_, endpoint_.network_id);
  if (!endpoints) {
    return fail(endpoints.error());
  }
  if (step.pool_id.empty()) {
    const auto count = decode_count(step.key, seen.value);
    return count && *count < endpoints->size();
  }
  return std::any_of(endpoints->begin(), endpoints->end(), [&](const Endpoint& other) {
    const auto has = [&](const auto& address) {
      return address && address->address == step.address;
    };
    return other.id != endpoint_.id && (has(other.address4) || has(other.address6));
  });
}

// For a step whose key has changed since it was noted.
Result<bool> Removal::was_done(const Step& step, const KvPair& seen) {
  auto done = looks_done(step, seen);
  if (!done || *done) {
    return done;
  }
  std::this_thread::sleep_for(context_.options.settle);
  return looks_done(step, seen);
}

Result<void> Removal::give_back(const Step& step) {
  auto& noted = leaving_.*step.index;
  bool open = resumed_;  // an earlier run may have done it; not so what this run noted itself
  for (int tries = 0; tries < kMaxTries && noted; ++tries) {
    const auto pair = context_.store.get(step.key);
    if (!pair) {
      return fail(pair.error());
    }
    if (!*pair) {
      noted.reset();  // the pool itself is gone
      return {};
    }
    if (open && (*pair)->index != *noted) {
      const auto done = was_done(step, **pair);
      if (!done) {
        return fail(done.error());
      }
      if (*done) {
        noted.reset();
        return {};
      }
    }
    const auto value = reduced(step, **pair);
    if (!value) {
      return fail(value.error());
    }
    if (!*value) {
      noted.reset();
      return {};
    }
    if ((*pair)->index != *noted) {
      noted = (*pair)->index;
      if (auto written = note(); !written) {
        return written;
      }
      open = false;
    }
    const auto written = context_.store.put(step.key, **value, *noted);
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      noted.reset();
      return {};
    }
    back_off(tries);
  }
  return noted ? fail(too_many_tries(step.key)) : Result<void>();
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
Result<bool> remove_endpoint(const Context& context, const Endpoint& endpoint) {
  Result<bool> removed = false;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    removed = Removal(context, endpoint).run();
    if (removed || removed.error().kind != ErrorKind::Conflict) {
      return removed;
    }
    back_off(tries);
  }
  return removed;
}

}  // namespace vtepd::registry
