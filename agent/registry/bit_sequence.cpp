// SPDX-License-Identifier: GPL-2.0-only
#include "registry/bit_sequence.h"

#include "registry/base64.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vtepd::registry {

namespace {

constexpr unsigned kBlockBits = 32;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kRunBytes = 12;

std::uint64_t blocks_of(std::uint64_t bits) {
  return bits / kBlockBits + (bits % kBlockBits == 0 ? 0 : 1);
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value;
}

void put_big_endian(std::string& bytes, std::uint64_t value, unsigned size) {
  for (unsigned shift = size * 8; shift > 0; shift -= 8) {
    bytes += static_cast<char>(value >> (shift - 8));
  }
}

std::uint32_t mask_of(std::uint64_t ordinal) {
  return std::uint32_t{1} << (kBlockBits - 1 - ordinal % kBlockBits);
}

Failure malformed(const std::string& why) {
  return fail(ErrorKind::Invalid, "malformed bit sequence: " + why);
}

}  // namespace

BitSequence::BitSequence(std::uint64_t bits) : bits_(bits), unselected_(bits) {
  append({0, blocks_of(bits)});
}

// Keeps equal neighbours merged, as Docker does.
void BitSequence::append(Run run) {
  if (run.count == 0) {
    return;
  }
  if (!runs_.empty() && runs_.back().block == run.block) {
    runs_.back().count += run.count;
  } else {
    runs_.push_back(run);
  }
}

Result<BitSequence> BitSequence::decode(std::string_view base64) {
  const auto bytes = base64_decode(base64);
  if (!bytes) {
    return malformed("not base64");
  }
  if (bytes->size() < kHeaderBytes + kRunBytes || (bytes->size() - kHeaderBytes) % kRunBytes != 0) {
    return malformed("cut off");
  }
  std::string_view rest = *bytes;
  BitSequence sequence(0);
  sequence.bits_ = big_endian(rest.substr(0, 8));
  sequence.unselected_ = big_endian(rest.substr(8, 8));
  rest.remove_prefix(kHeaderBytes);
  std::uint64_t missing = blocks_of(sequence.bits_);
  std::uint32_t last = 0;
  for (; !rest.empty(); rest.remove_prefix(kRunBytes)) {
    const Run run{static_cast<std::uint32_t>(big_endian(rest.substr(0, 4))),
                  big_endian(rest.substr(4, 8))};
    if (run.count == 0 || run.count > missing) {
      return malformed("its runs do not add up to " + std::to_string(sequence.bits_) + " bits");
    }
    missing -= run.count;
    last = run.block;
    sequence.append(run);
  }
  if (missing != 0) {
    return malformed("its runs do not add up to " + std::to_string(sequence.bits_) + " bits");
  }
  const auto tail = sequence.bits_ % kBlockBits;
  if (tail != 0 && (last & (~std::uint32_t{0} >> tail)) != 0) {
    return malformed("a bit behind its end is set");
  }
  return sequence;
}

std::string BitSequence::encode() const {
  std::string bytes;
  bytes.reserve(kHeaderBytes + runs_.size() * kRunBytes);
  put_big_endian(bytes, bits_, 8);
  put_big_endian(bytes, unselected_, 8);
  for (const auto& run : runs_) {
    put_big_endian(bytes, run.block, 4);
    put_big_endian(bytes, run.count, 8);
  }
  return base64_encode(bytes);
}

bool BitSequence::test(std::uint64_t ordinal) const {
  auto block = ordinal / kBlockBits;
  for (const auto& run : runs_) {
    if (block < run.count) {
      return (run.block & mask_of(ordinal)) != 0;
    }
    block -= run.count;
  }
  return false;
}

bool BitSequence::change(std::uint64_t ordinal, bool value) {
  if (ordinal >= bits_ || test(ordinal) == value) {
    return false;
  }
  auto before = ordinal / kBlockBits;  // blocks of the run in front of the one that changes
  std::size_t changed = 0;
  for (; before >= runs_[changed].count; ++changed) {
    before -= runs_[changed].count;
  }
  const auto old = std::exchange(runs_, {});
  runs_.reserve(old.size() + 2);
  for (std::size_t i = 0; i < old.size(); ++i) {
    const auto& run = old[i];
    append({run.block, i == changed ? before : run.count});
    if (i == changed) {
      append({run.block ^ mask_of(ordinal), 1});
      append({run.block, run.count - before - 1});
    }
  }
  if (!value) {
    ++unselected_;
  } else if (unselected_ != 0) {
    --unselected_;
  }
  return true;
}

std::optional<std::uint64_t> BitSequence::first_free(std::uint64_t first,
                                                     std::uint64_t last) const {
  if (bits_ == 0 || first > last) {
    return std::nullopt;
  }
  last = std::min(last, bits_ - 1);
  std::uint64_t start = 0;  // block with which the run begins
  for (const auto& run : runs_) {
    const auto end = start + run.count;
    auto block = std::max(start, first / kBlockBits);
    // What holds for the second block of a run holds for all behind it.
    for (int tries = 0; tries < 2 && block < end; ++tries, ++block) {
      const bool partial = block == first / kBlockBits && first % kBlockBits != 0;
      const auto skip = partial ? ~(~std::uint32_t{0} >> (first % kBlockBits)) : 0;
      const auto zero = static_cast<unsigned>(std::countl_one(run.block | skip));
      if (zero < kBlockBits) {
        const auto ordinal = block * kBlockBits + zero;
        return ordinal <= last ? std::optional(ordinal) : std::nullopt;
      }
    }
    start = end;
  }
  return std::nullopt;
}

std::vector<std::uint64_t> BitSequence::taken(std::size_t limit) const {
  std::vector<std::uint64_t> ordinals;
  std::uint64_t start = 0;  // block with which the run begins
  for (const auto& run : runs_) {
    for (auto block = start; run.block != 0 && block < start + run.count; ++block) {
      for (unsigned bit = 0; bit < kBlockBits; ++bit) {
        if (ordinals.size() == limit) {
          return ordinals;
        }
        if ((run.block & mask_of(bit)) != 0) {
          ordinals.push_back(block * kBlockBits + bit);
        }
      }
    }
    start += run.count;
  }
  return ordinals;
}

}  // namespace vtepd::registry
