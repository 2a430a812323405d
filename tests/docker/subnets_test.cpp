// SPDX-License-Identifier: GPL-2.0-only
// A Docker network of two subnets, which has a VNI for each: vtepd takes part in both.
#include "docker/four_hosts.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;

class MixedSubnets : public FourHosts {
 protected:
  // On every host one in the subnet that begins with `net`.
  std::vector<const Container*> one_on_each(const std::string& net) {
    std::vector<const Container*> made;
    for (int number : {1, 2}) {
      const std::string digit = std::to_string(number);
      const std::string name = "con" + digit + net.substr(net.rfind('.') + 1);
      made.push_back(&lab_.docker(number).run(name, "wide", net + ".1" + digit));
      made.push_back(&lab_.vtepd(number).attach("wide", net + ".10" + digit));
    }
    return made;
  }

  std::vector<std::uint32_t> vnis(const std::string& network) {
    const Json inspected =
        Json::parse(lab_.vtepd(1).ctl({"network", "inspect", network, "--json"}).out);
    std::vector<std::uint32_t> found;
    for (const Json& subnet : inspected.at("network").at("subnets")) {
      found.push_back(subnet.at("vni"));
    }
    return found;
  }

  void make_small();

  // How many VTEPs may send to the host in the VNI.
  std::ptrdiff_t members(const Host& host, std::uint32_t vni) {
    const Json entries = host.map_entries("vtep_members");
    return std::count_if(entries.begin(), entries.end(), [&](const Json& entry) {
      return entry.at("formatted").at("key").at("vni") == vni;
    });
  }
};

TEST_F(MixedSubnets, EverybodyReachesEverybodyOfHisSubnet) {
  lab_.docker(1).network_create("wide", "192.168.7.0/24", {"--subnet", "192.168.8.0/24"});
  const auto seven = one_on_each("192.168.7");
  const auto eight = one_on_each("192.168.8");
  for (const auto& subnet : {seven, eight}) {
    expect_mesh(subnet);
    for (const auto& [from, to] : {std::pair(subnet[0], subnet[3]), std::pair(subnet[3], subnet[0]),
                                   std::pair(subnet[1], subnet[2]), std::pair(subnet[2], subnet[1]),
                                   std::pair(subnet[1], subnet[3])}) {
      expect_data(*from, *to);
    }
  }
  const auto both = vnis("wide");
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_NE(both[0], both[1]);

  // Who has no endpoint in one of the subnets is a member of its VNI still.
  lab_.vtepd(2).must({"detach", "wide", "--netns", eight[3]->netns.path()});
  lab_.docker(2).rm("con28");
  EXPECT_TRUE(wait_until([&] { return !lab_.vtepd(1).knows("192.168.8.102"); }, Seconds(10)));
  for (const std::uint32_t vni : both) {
    EXPECT_EQ(members(lab_.vtepd(1), vni), 3) << vni;
  }
  expect_mesh({eight[0], eight[1]});
  expect_mesh(seven);
}

// Docker's command keeps subnets in a map of Go's, so that now and then the second comes first.
void MixedSubnets::make_small() {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    lab_.docker(1).network_create("small", "192.168.7.0/30", {"--subnet", "192.168.8.0/29"});
    const Json shown =
        Json::parse(lab_.vtepd(1).ctl({"network", "inspect", "small", "--json"}).out);
    if (shown.at("network").at("subnets").at(0).at("pool") == "192.168.7.0/30") {
      return;
    }
    lab_.docker(1).network_rm("small");
  }
  FAIL() << "the subnets never came in the order that they were given in";
}

TEST_F(MixedSubnets, AnAttachTakesTheFirstSubnetThatHasRoom) {
  // Of each subnet the network, the gateway and the broadcast address are not given out.
  make_small();
  const Container& first = lab_.docker(1).run("one", "small");
  EXPECT_EQ(first.address, "192.168.7.2");
  const Container& second = lab_.docker(2).run("two", "small");
  EXPECT_EQ(second.address, "192.168.8.2") << "as Docker picks it";
  const auto attach = [&](int number, const Container& container) {
    const Outcome attached = lab_.vtepd(number).ctl(
        {"attach", "small", "--netns", container.netns.path(), "--ifname", "eth0", "--json"});
    return attached.ok()
               ? Json::parse(attached.out).at("endpoint").at("address4").get<std::string>()
               : attached.text();
  };
  Container third;
  Container fourth;
  EXPECT_EQ(attach(1, third), "192.168.8.3/29");
  third.address = "192.168.8.3";
  expect_mesh({&second, &third});
  lab_.docker(1).rm("one");
  EXPECT_EQ(attach(2, fourth), "192.168.7.2/30");
}

}  // namespace
}  // namespace vtepd::test
