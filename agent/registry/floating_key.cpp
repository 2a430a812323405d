// SPDX-License-Identifier: GPL-2.0-only
#include "registry/floating_key.h"

#include "registry/address_allocator.h"
#include "registry/give_back.h"

#include <utility>

namespace vtepd::registry {

namespace {

Failure changed(const std::string& key) {
  return fail(ErrorKind::Conflict, "'" + key + "' was changed by another");
}

// The bit of the record as a thing to be given back; `record` must outlive it.
GiveBack bit_of(const Context& context, const FloatingRecord& record) {
  const auto reduced = [&](const KvPair& pair) {
    return without_address(pair, record.pool_id, record.floating.address);
  };
  const auto looks_done = [&context, &record, reduced](const KvPair& pair) -> Result<bool> {
    const auto rest = reduced(pair);
    if (!rest || !*rest) {
      return rest ? Result<bool>(true) : fail(rest.error());
    }
    return others_have(context, record.floating.network_id, record.floating.address, "");
  };
  return {.key = context.keys.addresses(record.pool_id),
          .reduced = reduced,
          .looks_done = looks_done,
          .note = {}};
}

// What remains of a record whose bit is not to be had.
Result<void> without_bit(const Context& context, StoredFloating stored) {
  auto& record = stored.record;
  if (!record.in_force) {
    const auto key = context.keys.floating(record.floating.network_id, record.floating.address);
    const auto erased = context.store.erase(key, stored.index);
    return erased ? Result<void>() : fail(erased.error());
  }
  record.taking.reset();
  record.pool_id.clear();
  const auto written = write_floating(context, record, stored.index);
  return written ? Result<void>() : fail(written.error());
}

}  // namespace

Result<std::optional<StoredFloating>> read_floating(const Context& context,
                                                    const std::string& network_id,
                                                    const IpAddress& address) {
  const auto key = context.keys.floating(network_id, address);
  const auto pair = context.store.get(key);
  if (!pair) {
    return fail(pair.error());
  }
  if (!*pair) {
    return std::optional<StoredFloating>();
  }
  auto record = decode_floating(key, network_id, address.to_string(), (*pair)->value);
  if (!record) {
    return fail(record.error());
  }
  return std::optional(StoredFloating{std::move(*record), (*pair)->index});
}

Result<bool> write_floating(const Context& context, const FloatingRecord& record,
                            std::uint64_t expected) {
  const auto key = context.keys.floating(record.floating.network_id, record.floating.address);
  return context.store.put(key, encode_floating(record), expected);
}

Result<bool> take_bit(const Context& context, FloatingRecord record, std::uint64_t expected,
                      const std::string& pool_id) {
  const auto& floating = record.floating;
  const auto free = find_address(context.store, context.keys, pool_id, floating.address);
  if (!free) {
    return fail(free.error());
  }
  record.pool_id = pool_id;
  record.taking = free->index;
  if (const auto noted = write_floating(context, record, expected); !noted || !*noted) {
    return noted;
  }
  const auto taken = context.store.put(context.keys.addresses(pool_id), free->bits, free->index);
  if (!taken) {
    return taken;
  }
  const auto stored = read_floating(context, floating.network_id, floating.address);
  if (!stored) {
    return fail(stored.error());
  }
  if (!*stored || (*stored)->record != record) {
    // Held up so long that another finished it, perhaps before the bit was taken.
    const bool orphan = *taken && (!*stored || (*stored)->record.pool_id != pool_id);
    const auto released =
        orphan ? release_address(context.store, context.keys, pool_id, floating.address)
               : Result<void>();
    return released ? Result<bool>(false) : fail(released.error());
  }
  if (!*taken) {
    const auto dropped = without_bit(context, **stored);
    return dropped ? Result<bool>(false) : fail(dropped.error());
  }
  record.taking.reset();
  record.in_force = true;
  return write_floating(context, record, (*stored)->index);
}

Result<void> finish_taking(const Context& context, StoredFloating stored) {
  const auto taken = was_taken(context, bit_of(context, stored.record), *stored.record.taking);
  if (!taken) {
    return fail(taken.error());
  }
  if (!*taken) {
    return without_bit(context, std::move(stored));
  }
  stored.record.taking.reset();
  stored.record.in_force = true;
  const auto written = write_floating(context, stored.record, stored.index);
  return written ? Result<void>() : fail(written.error());
}

Result<void> finish_letting_go(const Context& context, StoredFloating stored) {
  auto& record = stored.record;
  const auto key = context.keys.floating(record.floating.network_id, record.floating.address);
  auto bit = bit_of(context, record);
  bit.note = [&]() -> Result<void> {
    const auto written = write_floating(context, record, stored.index);
    if (!written) {
      return fail(written.error());
    }
    const auto now = context.store.get(key);
    if (!now) {
      return fail(now.error());
    }
    if (!*written || !*now || (*now)->value != encode_floating(record)) {
      return changed(key);
    }
    stored.index = (*now)->index;
    return {};
  };
  if (auto done = give_back(context, bit, record.leaving, true); !done) {
    return done;
  }
  const auto erased = context.store.erase(key, stored.index);
  return erased ? Result<void>() : fail(erased.error());
}

std::optional<IpAddress> floating_address_of(const Keys& keys, std::string_view key) {
  const auto parsed = keys.parse(key);
  const auto address = IpAddress::parse(parsed.address);
  const bool is_one = parsed.kind == Keys::Parsed::Kind::Floating && address;
  return is_one ? std::optional(*address) : std::nullopt;
}

}  // namespace vtepd::registry
