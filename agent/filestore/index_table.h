// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "filestore/journal.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace vtepd::filestore {

// What the journal says, in memory: for each path the index of its version and which version that
// is. Holds a 128-bit hash of the path instead of the path, because there may be 200,000 of them.
class IndexTable {
 public:
  struct Entry {
    std::uint64_t index = 0;
    std::uint64_t identity = 0;
  };

  // Indices are reserved in blocks by a Mark, and everybody who opens the store reserves anew: an
  // index that was given out and whose record was lost is not given out again.
  static constexpr std::uint64_t kBlock = std::uint64_t{1} << 20U;

  void apply(const JournalRecord& record);
  // Empties the table but not the high-water mark.
  void clear();

  [[nodiscard]] const Entry* find(std::string_view path) const;
  void drop(std::string_view path);

  [[nodiscard]] std::uint64_t next_index() const { return next_; }

  [[nodiscard]] bool needs_mark() const { return next_ >= mark_; }

  [[nodiscard]] std::uint64_t mark() const { return mark_; }

  // path → session, of the paths that have one; few.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& sessions() const {
    return sessions_;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Digest {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    bool operator==(const Digest&) const = default;
  };

  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept { return digest.a; }
  };

  static Digest digest_of(std::string_view path);

  std::unordered_map<Digest, Entry, DigestHash> entries_;
  std::map<std::string, std::string, std::less<>> sessions_;
  std::uint64_t next_ = 1;
  std::uint64_t mark_ = 0;
};

}  // namespace vtepd::filestore
