// SPDX-License-Identifier: GPL-2.0-only
// Two hosts that share a network over a real Consul on the underlay.
#include "support/consul.h"
#include "support/lab.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr const char* kConsulAddress = "10.99.0.254";
constexpr const char* kSchema = "docker/network/v1.0/";

class ConsulLab : public testing::Test {
 protected:
  ConsulLab() {
    lab_.underlay().ip("address add " + std::string(kConsulAddress) + "/24 dev br0");
    consul_.start();
    lab_.start();
    lab_.create_network("blue", "192.168.7.0/24");
    a_ = &lab_.host(1).attach("blue", "192.168.7.11");
    b_ = &lab_.host(2).attach("blue", "192.168.7.12");
    await_known(lab_.host(1), b_->address);
    await_known(lab_.host(2), a_->address);
  }

  [[nodiscard]] static HostOptions host_options() {
    HostOptions options;
    options.store =
        std::string("kind = \"consul\"\naddresses = [\"http://") + kConsulAddress + ":8500\"]";
    return options;
  }

  // Whether `show status` has its line about the store.
  [[nodiscard]] bool says_store_is_away(int host) {
    const Outcome status = lab_.host(host).ctl({"show", "status"});
    return status.code == 1 && status.out.find("is away") != std::string::npos;
  }

  [[nodiscard]] bool well(int host) { return lab_.host(host).ctl({"show", "status"}).ok(); }

  [[nodiscard]] bool ping_both_ways() { return a_->pings(b_->address) && b_->pings(a_->address); }

  void expect_away_on_both() {
    for (const int host : {1, 2}) {
      EXPECT_TRUE(wait_until([&] { return says_store_is_away(host); }, Seconds(15)))
          << lab_.host(host).ctl({"show", "status"}).text();
    }
    EXPECT_TRUE(ping_both_ways());
    EXPECT_FALSE(lab_.host(1).ctl({"network", "create", "no", "--subnet", "10.1.0.0/24"}).ok());
  }

  // Five seconds, as an operator is promised.
  void expect_well_soon() {
    const auto begin = Clock::now();
    EXPECT_TRUE(wait_until([&] { return well(1) && well(2); }, Seconds(5)))
        << lab_.host(1).ctl({"show", "status"}).text()
        << lab_.host(2).ctl({"show", "status"}).text();
    RecordProperty(
        "recovered_ms",
        std::to_string(std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count()));
    EXPECT_TRUE(ping_both_ways());
    Container& c = lab_.host(2).attach("blue", "192.168.7.13");
    await_known(lab_.host(1), c.address);
    EXPECT_TRUE(a_->pings(c.address));
  }

  Lab lab_{{.hosts = 2, .host = host_options()}};
  ConsulServer consul_{{.netns = lab_.underlay().path(), .address = kConsulAddress}};
  Container* a_ = nullptr;
  Container* b_ = nullptr;
};

TEST_F(ConsulLab, ShareANetworkAndLeaveNothing) {
  EXPECT_TRUE(ping_both_ways());
  const std::string nid = lab_.network_id("blue");
  const auto network = consul_.kv({"get", "-detailed", kSchema + ("network/" + nid + "/")});
  EXPECT_NE(network.find("3304740253564472344"), std::string::npos) << network;
  EXPECT_NE(consul_.kv({"get", "-keys", "vtepd/v1/nodes/"}).find("10.99.0.2"), std::string::npos);
  EXPECT_EQ(consul_.kv({"get", kSchema + ("endpoint_count/" + nid + "/")}), "{\"Count\":2}\n");

  lab_.host(1).must({"detach", "--netns", a_->netns.path(), "blue"});
  lab_.host(2).must({"detach", "--netns", b_->netns.path(), "blue"});
  lab_.host(1).must({"network", "rm", "blue"});
  const auto keys = consul_.kv({"get", "-recurse", "-keys", kSchema});
  EXPECT_EQ(keys.find(nid), std::string::npos) << keys;
}

TEST_F(ConsulLab, AStopChangesNothingAndAStartIsNoticed) {
  consul_.stop();
  expect_away_on_both();
  consul_.start();
  expect_well_soon();
}

TEST_F(ConsulLab, AFrozenServerIsNoticedAndItsThawToo) {
  consul_.freeze();
  expect_away_on_both();
  consul_.thaw();
  expect_well_soon();
}

TEST_F(ConsulLab, ADetachWhileItIsAwayIsCarriedOutAfterwards) {
  const std::string nid = lab_.network_id("blue");
  const std::string count = kSchema + ("endpoint_count/" + nid + "/");
  consul_.stop();
  expect_away_on_both();
  lab_.host(1).must({"detach", "--netns", a_->netns.path(), "blue"});
  lab_.host(1).kill9();
  consul_.start();
  lab_.host(1).start();
  EXPECT_TRUE(wait_until(
      [&] {
        return consul_.kv({"get", count}) == "{\"Count\":1}\n";
      },
      Seconds(10)))
      << consul_.kv({"get", count});
  EXPECT_TRUE(wait_until([&] { return !lab_.host(2).knows("192.168.7.11"); }, Seconds(5)));
}

TEST_F(ConsulLab, ADaemonThatStartsWithoutItForwardsAndCatchesUp) {
  consul_.stop();
  lab_.host(1).kill9();
  lab_.host(1).launch();
  EXPECT_TRUE(wait_until([&] { return says_store_is_away(1); }, Seconds(30)));
  EXPECT_TRUE(ping_both_ways());
  consul_.start();
  expect_well_soon();
}

TEST_F(ConsulLab, AConsulThatLostItsDataEmptiesNobody) {
  consul_.kv({"delete", "-recurse", "docker/"});
  consul_.kv({"delete", "-recurse", "vtepd/"});
  expect_away_on_both();
}

}  // namespace

}  // namespace vtepd::test
