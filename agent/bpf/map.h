// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// One element of a batch that the kernel refused: its place in the batch and the errno.
struct MapFailure {
  std::size_t index = 0;
  int error = 0;
};

// A BPF map as the kernel sees it: bytes of fixed sizes behind a descriptor that it owns. Batches
// go through BPF_MAP_*_BATCH where the kernel and the map type have it, else element by element.
class RawMap {
 public:
  using Chunk = std::function<void(const std::byte* keys, const std::byte* values, std::size_t n)>;

  static Result<RawMap> create(UniqueFd fd);

  [[nodiscard]] int fd() const { return fd_.get(); }

  [[nodiscard]] std::uint32_t id() const { return id_; }

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] std::uint32_t key_size() const { return key_size_; }

  // Size of one value as lookups return it: for per-CPU maps all CPUs, each padded to 8 bytes.
  [[nodiscard]] std::size_t value_stride() const { return value_stride_; }

  [[nodiscard]] std::uint32_t max_entries() const { return max_entries_; }

  // What the kernel refused; every other element was applied. Erasing what is absent succeeds.
  [[nodiscard]] std::vector<MapFailure> update(const std::byte* keys, const std::byte* values,
                                               std::size_t n) const;
  [[nodiscard]] std::vector<MapFailure> erase(const std::byte* keys, std::size_t n) const;
  // False if the key is absent. `value` has room for value_stride().
  Result<bool> lookup(const void* key, void* value) const;
  Result<void> for_each_chunk(const Chunk& visit) const;
  Result<std::uint64_t> count() const;
  // The error for a failure of `update`: a full map names its size and `option`, which raises it.
  [[nodiscard]] Error update_error(int error, std::string_view option) const;
  [[nodiscard]] Error error(int number, std::string_view operation) const;

 private:
  RawMap() = default;
  Result<bool> for_each_batch(const Chunk& visit) const;
  Result<void> for_each_element(const Chunk& visit) const;

  UniqueFd fd_;
  std::string name_;
  std::uint32_t id_ = 0;
  std::uint32_t key_size_ = 0;
  std::size_t value_stride_ = 0;
  std::uint32_t max_entries_ = 0;
};

// A RawMap whose keys and values are structs of include/vtepd/abi.h.
template <typename Key, typename Value>
class Map {
 public:
  static Result<Map> create(UniqueFd fd) {
    auto raw = RawMap::create(std::move(fd));
    if (!raw) {
      return fail(std::move(raw.error()));
    }
    if (raw->key_size() != sizeof(Key) || raw->value_stride() != sizeof(Value)) {
      return fail(ErrorKind::Conflict, raw->name() + ": sizes of key and value are not ours");
    }
    return Map(std::move(*raw));
  }

  [[nodiscard]] const RawMap& raw() const { return raw_; }

  [[nodiscard]] std::vector<MapFailure> update(std::span<const Key> keys,
                                               std::span<const Value> values) const {
    return raw_.update(bytes(keys), bytes(values), keys.size());
  }

  [[nodiscard]] std::vector<MapFailure> erase(std::span<const Key> keys) const {
    return raw_.erase(bytes(keys), keys.size());
  }

  Result<std::optional<Value>> lookup(const Key& key) const {
    Value value{};
    const auto found = raw_.lookup(&key, &value);
    if (!found) {
      return fail(found.error());
    }
    return *found ? std::optional<Value>(value) : std::nullopt;
  }

  template <typename Visit>
  Result<void> for_each(const Visit& visit) const {
    return raw_.for_each_chunk([&](const std::byte* keys, const std::byte* values, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) {
        Key key;
        Value value;
        std::memcpy(&key, keys + i * sizeof key, sizeof key);
        std::memcpy(&value, values + i * sizeof value, sizeof value);
        visit(key, value);
      }
    });
  }

 private:
  explicit Map(RawMap raw) : raw_(std::move(raw)) {}

  template <typename T>
  static const std::byte* bytes(std::span<const T> items) {
    return std::as_bytes(items).data();
  }

  RawMap raw_;
};

}  // namespace vtepd
