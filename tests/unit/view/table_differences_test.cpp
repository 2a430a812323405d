// SPDX-License-Identifier: GPL-2.0-only
#include "view/table_differences.h"

#include <gtest/gtest.h>

namespace vtepd {
namespace {

const MacAddress kMac{{2, 0x42, 10, 1, 0, 2}};
const IpAddress kVtep = *IpAddress::parse("198.51.100.2");

class TableDifferences : public testing::Test {
 protected:
  TableDifferences() {
    want_.fdb[{Vni{256}, kMac}] = {.vtep_id = 1};
    want_.neighbours[{Vni{256}, *IpAddress::parse("10.1.0.2")}] = kMac;
    want_.peers[1] = {
        .remote = kVtep, .next_hop = kVtep, .ifindex = {2}, .mtu = 1500, .reachable = true};
    want_.ports[IfIndex{7}] = {.vni = Vni{256}, .mac = kMac};
    want_.vnis[Vni{256}] = {.mtu = 1450};
    want_.members.insert({Vni{256}, kVtep});
    names_.networks[Vni{256}] = "blue";
    have_ = want_;
  }

  // "kind network object have > want", one for each.
  [[nodiscard]] std::vector<std::string> found() const {
    std::vector<std::string> lines;
    for (const auto& row : table_differences(have_, want_, names_)) {
      lines.push_back(row.kind + " " + row.network + " " + row.object + " " + row.have + " > " +
                      row.want);
    }
    return lines;
  }

  using Lines = std::vector<std::string>;
  ForwardingState want_;
  ForwardingState have_;
  ViewNames names_;
};

TEST_F(TableDifferences, NoneBetweenTheSame) {
  EXPECT_EQ(found(), Lines{});
}

TEST_F(TableDifferences, EveryTableIsCompared) {
  have_ = {};
  EXPECT_EQ(found().size(), 6U);
  std::swap(have_, want_);
  EXPECT_EQ(found().size(), 6U);
}

TEST_F(TableDifferences, EntriesAreNamed) {
  have_.fdb.clear();
  have_.neighbours.begin()->second.bytes[5] = 9;
  have_.members.insert({Vni{300}, kVtep});
  EXPECT_EQ(found(), (Lines{"table-extra  vtep_members VNI 300 198.51.100.2 member > ",
                            "table-missing blue vtep_fdb VNI 256 02:42:0a:01:00:02  > 198.51.100.2",
                            "table-other blue vtep_neigh VNI 256 10.1.0.2 02:42:0a:01:00:09 > "
                            "02:42:0a:01:00:02"}));
}

}  // namespace
}  // namespace vtepd
