// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/traffic_slots.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

TEST(TrafficSlots, AVniKeepsItsSlotAndOthersGetTheLowestFreeOne) {
  TrafficSlots slots(3);
  EXPECT_EQ(slots.of(Vni{5}), 0U);
  EXPECT_EQ(slots.assign(Vni{5}), 1U);
  EXPECT_EQ(slots.assign(Vni{5}), 1U);
  EXPECT_EQ(slots.assign(Vni{6}), 2U);
  EXPECT_EQ(slots.assign(Vni{7}), 3U);
  slots.release(Vni{6});
  EXPECT_EQ(slots.of(Vni{6}), 0U);
  EXPECT_EQ(slots.assign(Vni{8}), 2U);
  EXPECT_EQ(slots.of(Vni{7}), 3U);
}

TEST(TrafficSlots, WithoutAFreeOneThereIsNone) {
  TrafficSlots slots(1);
  EXPECT_EQ(slots.assign(Vni{5}), 1U);
  EXPECT_EQ(slots.assign(Vni{6}), 0U);
  slots.release(Vni{6});
  slots.release(Vni{5});
  EXPECT_EQ(slots.assign(Vni{6}), 1U);
}

TEST(TrafficSlots, OnlyWhatIsFreeAndThereIsTakenOver) {
  TrafficSlots slots(4);
  EXPECT_TRUE(slots.adopt(Vni{5}, 3));
  EXPECT_FALSE(slots.adopt(Vni{6}, 3));
  EXPECT_FALSE(slots.adopt(Vni{5}, 2));
  EXPECT_FALSE(slots.adopt(Vni{6}, 0));
  EXPECT_FALSE(slots.adopt(Vni{6}, 5));
  EXPECT_EQ(slots.of(Vni{5}), 3U);
  EXPECT_EQ(slots.of(Vni{6}), 0U);
  slots.clear();
  EXPECT_EQ(slots.of(Vni{5}), 0U);
  EXPECT_TRUE(slots.adopt(Vni{6}, 3));
}

}  // namespace
}  // namespace vtepd
