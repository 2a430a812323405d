// SPDX-License-Identifier: GPL-2.0-only
// Two hosts that share a network over a real Consul on the underlay.
#include "support/consul_lab.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr const char* kSchema = "docker/network/v1.0/";

class ConsulLab : public testing::Test {
 protected:
  ConsulLab() { std::tie(a_, b_) = attach_neighbours(lab_); }

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

  Lab lab_{{.hosts = 2, .host = consul_host()}};
  LabConsul consul_{lab_};
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

  ASSERT_TRUE(wait_until([&] { return well(1) && well(2); }, Seconds(10)));
  // Exactly once: what a second withdrawal would take away, or the first left, is seen now.
  const auto outside = [&] {
    const auto keys = consul_.kv({"get", "-recurse", kSchema});
    EXPECT_FALSE(keys.empty());
    return keys;
  };
  const auto before = outside();
  EXPECT_EQ(before.find("192.168.7.11/"), std::string::npos) << before;
  const Container& again = lab_.host(2).attach("blue", "192.168.7.11");
  EXPECT_NE(outside(), before);
  lab_.host(2).must({"detach", "blue", "--netns", again.netns.path()});
  EXPECT_EQ(outside(), before);
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

// What is stale or off in the store, made by hand or by a host that dies.
class ConsulRepair : public ConsulLab {
 protected:
  // Every key of the store with its value, in Consul's encoding.
  [[nodiscard]] std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> all;
    for (const Json& pair : Json::parse(consul_.kv({"export", ""}))) {
      all[pair.at("key")] = pair.at("value");
    }
    return all;
  }

  // The host's session would end within a minute.
  void lose_host_2() {
    lab_.host(2).kill9();
    consul_.kv({"delete", "vtepd/v1/nodes/10.99.0.2"});
  }

  [[nodiscard]] std::string key_with(const std::string& part) const {
    for (const auto& [key, value] : everything()) {
      if (key.find(part) != std::string::npos && !value.empty()) {
        return key;
      }
    }
    throw std::runtime_error("no key has " + part);
  }

  // Kinds of what `vtepctl diff` finds, which exits with `code`.
  [[nodiscard]] std::multiset<std::string> kinds(int code) const {
    const Outcome diff = lab_.host(1).ctl({"diff", "--json"});
    EXPECT_EQ(diff.code, code) << diff.text();
    std::multiset<std::string> kinds;
    const Json document = Json::parse(diff.out);
    for (const Json& row : document.at("differences")) {
      kinds.insert(row.at("kind").get<std::string>());
    }
    return kinds;
  }

  using Kinds = std::multiset<std::string>;
};

TEST_F(ConsulRepair, ALeakedAddressAndAWrongCountAreFoundAndMended) {
  const auto before = everything();
  EXPECT_EQ(kinds(0), Kinds{});
  const std::string pool = key_with("ipam/default/data/");
  const std::string count = kSchema + ("endpoint_count/" + lab_.network_id("blue") + "/");
  const Container& c = lab_.host(2).attach("blue", "192.168.7.13");
  const std::string taken = consul_.kv({"get", pool});
  lab_.host(2).must({"detach", "--netns", c.netns.path(), "blue"});
  EXPECT_EQ(everything(), before);
  consul_.kv({"put", "-flags=3304740253564472344", pool, taken.substr(0, taken.size() - 1)});
  consul_.kv({"put", "-flags=3304740253564472344", count, "{\"Count\":7}"});
  const auto drifted = everything();

  EXPECT_EQ(kinds(1), (Kinds{"address-leaked", "count-off"}));
  const Outcome planned = lab_.host(1).ctl({"repair", "--dry-run"});
  EXPECT_EQ(planned.code, 0) << planned.text();
  EXPECT_NE(planned.out.find("address 192.168.7.13"), std::string::npos) << planned.text();
  EXPECT_EQ(everything(), drifted);

  const Outcome mended = lab_.host(1).ctl({"repair"});
  EXPECT_EQ(mended.code, 0) << mended.text();
  EXPECT_NE(mended.out.find("done"), std::string::npos) << mended.text();
  EXPECT_EQ(everything(), before) << mended.text();
  EXPECT_EQ(kinds(0), Kinds{});
  EXPECT_EQ(lab_.host(1).ctl({"repair"}).out, "nothing to mend\n");
  EXPECT_TRUE(ping_both_ways());
}

TEST_F(ConsulRepair, WhatADeadHostLeftIsShownAndGoesByName) {
  const auto stale = [&] {
    return Json::parse(lab_.host(1).ctl({"show", "endpoints", "--stale", "--json"}).out)
        .at("endpoints");
  };
  lab_.host(2).must({"detach", "--netns", b_->netns.path(), "blue"});
  auto without = everything();
  without.erase("vtepd/v1/nodes/10.99.0.2");
  lab_.host(2).attach("blue", "192.168.7.12", {"--name", "lost"});
  EXPECT_EQ(stale(), Json::array());
  const Outcome alive = lab_.host(1).ctl({"repair", "--host", "10.99.0.2"});
  EXPECT_EQ(alive.code, 1) << alive.text();
  EXPECT_NE(alive.err.find("host 10.99.0.2 is alive"), std::string::npos) << alive.text();

  lose_host_2();
  ASSERT_EQ(stale().size(), 1U);
  EXPECT_EQ(stale().at(0).at("name"), "lost");
  EXPECT_NE(stale().at(0).at("stale").get<std::string>().find("its host is gone for"),
            std::string::npos)
      << stale();
  EXPECT_EQ(kinds(1), Kinds{"host-gone"});
  EXPECT_EQ(lab_.host(1).ctl({"repair"}).out, "nothing to mend\n") << "not without its name";
  EXPECT_TRUE(lab_.host(1).knows("192.168.7.12")) << "a host that is gone takes nothing away";

  const auto mended = [&] { return lab_.host(1).ctl({"repair", "--host", "10.99.0.2"}); };
  EXPECT_NE(mended().err.find("may be on its way back"), std::string::npos);
  EXPECT_TRUE(wait_until([&] { return mended().ok(); }, Seconds(20), Seconds(1)));
  EXPECT_EQ(everything(), without);
  EXPECT_EQ(kinds(0), Kinds{});
  EXPECT_TRUE(wait_until([&] { return !lab_.host(1).knows("192.168.7.12"); }, Seconds(5)));
  EXPECT_EQ(lab_.host(1).ctl({"repair", "--host", "10.99.0.2"}).out, "nothing to mend\n");
}

TEST_F(ConsulRepair, AnEntryThatSomebodyAddedIsFoundAndRemoved) {
  const std::string map = "vtep_neigh";
  const Json before = lab_.host(1).map_entries(map);
  std::vector<std::string> words{"bpftool", "map", "update", "pinned", lab_.host(1).map_path(map),
                                 "key"};
  const Json& entry = before.at(0);
  words.insert(words.end(), entry.at("key").begin(), entry.at("key").end());
  words.back() = "0x63";  // the address's last byte: 192.168.7.99
  words.emplace_back("value");
  words.insert(words.end(), entry.at("value").begin(), entry.at("value").end());
  ASSERT_TRUE(run(words).ok()) << run(words).text();

  EXPECT_EQ(kinds(1), Kinds{"table-extra"});
  const Outcome mended = lab_.host(1).ctl({"repair"});
  EXPECT_EQ(mended.code, 0) << mended.text();
  EXPECT_NE(mended.out.find("192.168.7.99"), std::string::npos) << mended.text();
  EXPECT_EQ(lab_.host(1).map_entries(map).size(), before.size());
  EXPECT_EQ(kinds(0), Kinds{});
  EXPECT_TRUE(ping_both_ways());
}

TEST_F(ConsulRepair, WithoutTheStoreNothingIsSaid) {
  consul_.stop();
  expect_away_on_both();
  const auto says = [&](const std::vector<std::string>& words, int code) {
    const Outcome outcome = lab_.host(1).ctl(words);
    EXPECT_EQ(outcome.code, code) << outcome.text();
    EXPECT_NE(outcome.err.find("the store has been away for"), std::string::npos) << outcome.text();
  };
  says({"diff"}, 2);
  says({"repair"}, 1);
  says({"show", "endpoints", "--stale"}, 1);
}

}  // namespace

}  // namespace vtepd::test
