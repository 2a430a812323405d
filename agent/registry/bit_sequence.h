// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd::registry {

// Docker's allocation bitmap, kept in its run-length form and never expanded: an IPv6 pool has up
// to 2^64-1 bits. Stored big endian, in base64: u64 bits, u64 zero bits, then runs of {u32 block,
// u64 count}. Ordinal 0 is the most significant bit of the first block.
class BitSequence {
 public:
  explicit BitSequence(std::uint64_t bits);
  // Invalid unless lengths and counts agree. The number of zero bits is kept as it stands and
  // decides nothing: where a network was made with VNIs given to it, dockerd gives them back
  // without having taken them, and the number is too large from then on.
  static Result<BitSequence> decode(std::string_view base64);
  [[nodiscard]] std::string encode() const;

  [[nodiscard]] std::uint64_t bits() const { return bits_; }

  // Zero bits, as far as the writers before have counted well.
  [[nodiscard]] std::uint64_t unselected() const { return unselected_; }

  [[nodiscard]] std::size_t runs() const { return runs_.size(); }

  [[nodiscard]] bool test(std::uint64_t ordinal) const;

  // False, changing nothing, if the bit has that value already or lies beyond the last one.
  bool set(std::uint64_t ordinal) { return change(ordinal, true); }

  bool clear(std::uint64_t ordinal) { return change(ordinal, false); }

  // The lowest zero bit with first <= ordinal <= last.
  [[nodiscard]] std::optional<std::uint64_t> first_free(std::uint64_t first,
                                                        std::uint64_t last) const;
  // Ordinals of bits that are set, in order, at most so many.
  [[nodiscard]] std::vector<std::uint64_t> taken(std::size_t limit) const;
  bool operator==(const BitSequence&) const = default;

 private:
  struct Run {
    std::uint32_t block = 0;
    std::uint64_t count = 0;
    bool operator==(const Run&) const = default;
  };

  bool change(std::uint64_t ordinal, bool value);
  void append(Run run);

  std::uint64_t bits_ = 0;
  std::uint64_t unselected_ = 0;
  std::vector<Run> runs_;
};

}  // namespace vtepd::registry
