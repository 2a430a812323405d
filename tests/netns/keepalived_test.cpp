// SPDX-License-Identifier: GPL-2.0-only
// That the tests' keepalived does between two plain namespaces what tests of vtepd expect of it.
#include "support/keepalived.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

class PlainKeepalived : public testing::TestWithParam<bool> {
 protected:
  PlainKeepalived() {
    first_.ip("link add eth0 type veth peer name eth0 netns " + second_.name() +
              "\naddress add 192.168.9.1/24 dev eth0\nlink set eth0 up");
    second_.ip("address add 192.168.9.2/24 dev eth0\nlink set eth0 up");
  }

  [[nodiscard]] KeepalivedOptions options(int number, int priority) const {
    return {.address = "192.168.9." + std::to_string(number),
            .peer = "192.168.9." + std::to_string(3 - number),
            .virtual_address = "192.168.9.100/24",
            .priority = priority,
            .virtual_mac = GetParam()};
  }

  [[nodiscard]] bool answers_with_virtual_mac() const {
    if (!second_.exec({"ping", "-c", "1", "-W", "2", "192.168.9.100"}).ok()) {
      return false;
    }
    const Outcome known = second_.exec({"ip", "neigh", "show", "192.168.9.100"});
    return known.out.find(Keepalived::virtual_mac(51)) != std::string::npos;
  }

  NetNamespace first_;
  NetNamespace second_;
};

TEST_P(PlainKeepalived, FailsOverOnStopAndOnCrash) {
  Keepalived one(first_, options(1, 150));
  Keepalived two(second_, options(2, 100));
  const auto holds = [](const Keepalived& router) {
    return wait_until([&] { return router.is_master() && router.has_address(); }, Seconds(10));
  };
  ASSERT_TRUE(holds(one)) << one.output();
  ASSERT_TRUE(wait_until([&] { return !two.is_master() && !two.has_address(); }, Seconds(10)));
  EXPECT_EQ(answers_with_virtual_mac(), GetParam());

  one.stop();
  EXPECT_TRUE(holds(two)) << two.output();
  EXPECT_FALSE(one.has_address());
  one.start();
  EXPECT_TRUE(holds(one)) << one.output();
  EXPECT_TRUE(wait_until([&] { return !two.has_address(); }, Seconds(10)));

  one.kill9();
  EXPECT_TRUE(holds(two)) << two.output();
  EXPECT_TRUE(one.has_address()) << "a crash leaves it configured";
}

INSTANTIATE_TEST_SUITE_P(With, PlainKeepalived, testing::Bool(), [](const auto& with) {
  return std::string(with.param ? "VirtualMac" : "OwnMac");
});

}  // namespace
}  // namespace vtepd::test
