// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/message.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::netlink::test {
namespace {

// Type 1: u32 7; type 2: "ab"; native byte order, as netlink has it.
std::vector<std::uint8_t> sample() {
  std::vector<std::uint8_t> data(16);
  const std::array<std::uint16_t, 2> first{8, 1};
  const std::uint32_t seven = 7;
  const std::array<std::uint16_t, 2> second{7, 2};
  std::memcpy(data.data(), first.data(), 4);
  std::memcpy(data.data() + 4, &seven, 4);
  std::memcpy(data.data() + 8, second.data(), 4);
  std::memcpy(data.data() + 12, "ab", 3);
  return data;
}

TEST(Attributes, ReadsNumbersAndStrings) {
  const auto data = sample();
  const Attributes attributes{Bytes(data)};

  EXPECT_EQ(attributes.u32(1), 7U);
  EXPECT_EQ(attributes.string(2), "ab");
  EXPECT_TRUE(attributes.has(2));
}

TEST(Attributes, MissingAndTooShortReadAsAbsent) {
  const auto data = sample();
  const Attributes attributes{Bytes(data)};

  EXPECT_EQ(attributes.u32(3), std::nullopt);
  EXPECT_EQ(attributes.u32(2), std::nullopt);
  EXPECT_EQ(attributes.string(3), "");
  EXPECT_FALSE(Attributes().has(1));
}

TEST(Attributes, TruncatedInputIsNeverReadBeyondItsEnd) {
  const auto data = sample();
  for (std::size_t size = 0; size < data.size(); ++size) {
    const std::vector<std::uint8_t> cut(data.begin(), data.begin() + static_cast<long>(size));
    const Attributes attributes{Bytes(cut)};
    int seen = 0;
    attributes.each([&](int, Bytes) { ++seen; });
    EXPECT_EQ(attributes.u32(1).has_value(), size >= 8) << size;
    EXPECT_EQ(attributes.has(2), size >= 15) << size;
    EXPECT_EQ(seen, (size >= 8 ? 1 : 0) + (size >= 15 ? 1 : 0)) << size;
  }
}

TEST(Attributes, VisitsEachOnce) {
  const auto data = sample();
  std::vector<int> types;
  Attributes{Bytes(data)}.each([&](int type, Bytes) { types.push_back(type); });
  EXPECT_EQ(types, (std::vector<int>{1, 2}));
}

TEST(Reply, SplitNeedsTheWholeHeader) {
  const std::vector<std::uint8_t> data(12);
  const Reply reply{0, Bytes(data)};
  EXPECT_TRUE((reply.split<std::array<char, 12>>().has_value()));
  EXPECT_FALSE((reply.split<std::array<char, 13>>().has_value()));
}

TEST(Message, RunningOutOfRoomIsRemembered) {
  Message message(16, 0);
  const std::vector<std::uint8_t> much(1 << 17);

  EXPECT_TRUE(message.put_u32(1, 1).complete());
  EXPECT_FALSE(message.put_bytes(2, much).complete());
  EXPECT_FALSE(message.put_u32(3, 1).complete());
}

}  // namespace
}  // namespace vtepd::netlink::test
