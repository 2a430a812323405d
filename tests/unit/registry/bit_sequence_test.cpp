// SPDX-License-Identifier: GPL-2.0-only
#include "registry/bit_sequence.h"

#include "registry/base64.h"

#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace vtepd::registry {

namespace {

constexpr std::uint64_t kVniBits = 16776960;

std::string raw(std::uint64_t bits, std::uint64_t unselected,
                const std::vector<std::pair<std::uint32_t, std::uint64_t>>& runs) {
  std::string bytes;
  const auto put = [&](std::uint64_t value, unsigned size) {
    for (unsigned i = size; i > 0; --i) {
      bytes += static_cast<char>(value >> ((i - 1) * 8));
    }
  };
  put(bits, 8);
  put(unselected, 8);
  for (const auto& [block, count] : runs) {
    put(block, 4);
    put(count, 8);
  }
  return base64_encode(bytes);
}

TEST(BitSequence, VniVectors) {
  BitSequence vnis(kVniBits);
  EXPECT_EQ(vnis.encode(), "AAAAAAD//wAAAAAAAP//AAAAAAAAAAAAAAf/+A==");
  EXPECT_TRUE(vnis.set(0));
  EXPECT_EQ(vnis.encode(), "AAAAAAD//wAAAAAAAP/+/4AAAAAAAAAAAAAAAQAAAAAAAAAAAAf/9w==");
  EXPECT_TRUE(vnis.set(1));
  EXPECT_EQ(vnis.encode(), "AAAAAAD//wAAAAAAAP/+/sAAAAAAAAAAAAAAAQAAAAAAAAAAAAf/9w==");
  EXPECT_TRUE(vnis.clear(1) && vnis.clear(0));
  EXPECT_EQ(vnis.encode(), "AAAAAAD//wAAAAAAAP//AAAAAAAAAAAAAAf/+A==");
}

TEST(BitSequence, AddressVectors) {
  BitSequence pool(256);
  EXPECT_TRUE(pool.set(0) && pool.set(255));
  EXPECT_EQ(pool.encode(),
            "AAAAAAAAAQAAAAAAAAAA/oAAAAAAAAAAAAAAAQAAAAAAAAAAAAAABgAAAAEAAAAAAAAAAQ==");
  EXPECT_TRUE(pool.set(1));
  EXPECT_EQ(pool.encode(),
            "AAAAAAAAAQAAAAAAAAAA/cAAAAAAAAAAAAAAAQAAAAAAAAAAAAAABgAAAAEAAAAAAAAAAQ==");
  EXPECT_TRUE(pool.set(2));
  EXPECT_EQ(pool.encode(),
            "AAAAAAAAAQAAAAAAAAAA/OAAAAAAAAAAAAAAAQAAAAAAAAAAAAAABgAAAAEAAAAAAAAAAQ==");
}

TEST(BitSequence, ReadsWhatDockerdWrote) {
  const std::string live =
      "AAAAAAAAAQAAAAAAAAAA/"
      "MAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAggAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAwAAAAEAAA"
      "AAAAAAAQ==";
  const auto pool = BitSequence::decode(live);

  ASSERT_TRUE(pool) << pool.error().what;
  for (const std::uint64_t ordinal : {0U, 1U, 100U, 255U}) {
    EXPECT_TRUE(pool->test(ordinal)) << ordinal;
  }
  EXPECT_EQ(pool->unselected(), 252U);
  EXPECT_EQ(pool->encode(), live);
}

TEST(BitSequence, RefusesMalformedInput) {
  const std::vector<std::pair<const char*, std::string>> cases{
      {"empty", ""},
      {"no base64", "!!!!"},
      {"stray bits", "AAAAAAD//wAAAAAAAP//AAAAAAAAAAAAAAf/+B=="},
      {"no padding", "AAAAAAD//wAAAAAAAP//AAAAAAAAAAAAAAf/+A"},
      {"header only", raw(32, 32, {})},
      {"too few blocks", raw(64, 64, {{0, 1}})},
      {"too many blocks", raw(64, 64, {{0, 3}})},
      {"count overflows", raw(64, 64, {{0, ~std::uint64_t{0}}, {0, 3}})},
      {"empty run", raw(64, 64, {{0, 2}, {0, 0}})},
      {"set behind the end", raw(4, 4, {{0x08000000, 1}})},
      {"no bits", raw(0, 0, {{0, 1}})},
  };
  for (const auto& [name, text] : cases) {
    EXPECT_FALSE(BitSequence::decode(text)) << name;
  }
  const std::string good = raw(64, 63, {{0x80000000, 1}, {0, 1}});
  ASSERT_TRUE(BitSequence::decode(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(BitSequence::decode(good.substr(0, cut))) << cut;
  }
}

// dockerd itself counts wrong.
TEST(BitSequence, KeepsAWrongCountAndDoesNotTrustIt) {
  for (const std::uint64_t count : {std::uint64_t{65}, std::uint64_t{0}}) {
    auto sequence = BitSequence::decode(raw(64, count, {{0, 2}}));
    ASSERT_TRUE(sequence) << sequence.error().what;
    EXPECT_EQ(sequence->encode(), raw(64, count, {{0, 2}}));
    EXPECT_EQ(sequence->first_free(0, 63), 0U);
    EXPECT_TRUE(sequence->set(0));
    EXPECT_EQ(sequence->unselected(), count == 0 ? 0 : count - 1);
    EXPECT_EQ(sequence->first_free(0, 63), 1U);
  }
}

TEST(BitSequence, MergesEqualRunsOfItsInput) {
  const auto sequence = BitSequence::decode(raw(96, 96, {{0, 1}, {0, 2}}));
  ASSERT_TRUE(sequence);
  EXPECT_EQ(sequence->runs(), 1U);
}

TEST(BitSequence, HoldsTheLargestPool) {
  const auto all = std::numeric_limits<std::uint64_t>::max();
  BitSequence pool(all);
  EXPECT_TRUE(pool.set(0));
  EXPECT_TRUE(pool.set(all - 1));
  EXPECT_FALSE(pool.set(all));
  EXPECT_EQ(pool.first_free(0, all), 1U);
  EXPECT_TRUE(pool.set(std::uint64_t{1} << 63U));
  EXPECT_LE(pool.runs(), 6U);
  EXPECT_EQ(pool.unselected(), all - 3);
  const auto again = BitSequence::decode(pool.encode());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, pool);
}

TEST(BitSequence, FindsTheLowestFreeBitWithinARange) {
  BitSequence bits(100);
  for (std::uint64_t i = 0; i < 70; ++i) {
    bits.set(i);
  }
  EXPECT_EQ(bits.first_free(0, 99), 70U);
  EXPECT_EQ(bits.first_free(80, 99), 80U);
  EXPECT_EQ(bits.first_free(0, 69), std::nullopt);
  EXPECT_EQ(bits.first_free(99, 500), 99U);
  EXPECT_EQ(bits.first_free(100, 500), std::nullopt);
  bits.clear(33);
  EXPECT_EQ(bits.first_free(0, 99), 33U);
  EXPECT_EQ(bits.first_free(34, 99), 70U);
}

TEST(BitSequence, BehavesLikeASetOfNumbers) {
  for (const std::uint64_t size : {1U, 4U, 31U, 32U, 33U, 256U, 745U}) {
    std::minstd_rand random(static_cast<unsigned>(size));
    BitSequence bits(size);
    std::set<std::uint64_t> model;
    for (int step = 0; step < 2000; ++step) {
      const std::uint64_t ordinal = random() % size;
      if (random() % 3 != 0) {
        EXPECT_EQ(bits.set(ordinal), model.insert(ordinal).second);
      } else {
        EXPECT_EQ(bits.clear(ordinal), model.erase(ordinal) == 1);
      }
      const std::uint64_t first = random() % size;
      auto free = first;
      while (model.contains(free)) {
        ++free;
      }
      EXPECT_EQ(bits.first_free(first, size - 1), free < size ? std::optional(free) : std::nullopt);
      EXPECT_EQ(bits.unselected(), size - model.size());
    }
    const auto again = BitSequence::decode(bits.encode());
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(*again, bits);
  }
}

}  // namespace

}  // namespace vtepd::registry
