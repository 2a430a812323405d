// SPDX-License-Identifier: GPL-2.0-only
// Large networks in a real Consul: how they load, and how soon a join on one host is forwarded to
// by another. Times are printed, not asserted.
#include "support/consul_keys.h"
#include "support/consul_lab.h"
#include "support/pinned_map.h"
#include "support/store.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <vtepd/abi.h>

namespace vtepd::test {

namespace {

class ScaleLab {
 public:
  explicit ScaleLab(bool gossip) {
    for (int host = 0; host < 2; ++host) {
      lab_.add_host(consul_host(gossip ? "kind = \"serf\"\n" : "")).start();
    }
    lab_.create_network("big", "172.16.0.0/12");
    network_id_ = lab_.network_id("big");
    vni_ = lab_.vni("big");
  }

  // Endpoints of some hundred hosts, as their dockerds would have written them.
  void fill(unsigned endpoints) {
    std::vector<KeyWrite> keys;
    const std::string prefix = "docker/network/v1.0/endpoint/" + network_id_ + "/";
    for (unsigned i = 0; i < endpoints; ++i) {
      const auto id = numbered_id(i + 1000);
      keys.push_back(
          {prefix + id + "/", endpoint_value({.network_id = network_id_,
                                              .id = id,
                                              .address = numbered_address(i),
                                              .mac = numbered_mac(i),
                                              .vtep = "10.99.0." + std::to_string(3 + i % 200)})});
    }
    write_keys(lab_.underlay(), kConsulAddress, keys);
  }

  [[nodiscard]] Host& host(int number) { return lab_.host(number); }

  // Both ways: what a pending watch is answered would come in by itself, late even, and with no
  // newer answer behind it that takes it back.
  void cut_off_store(int number) {
    host(number).netns().ip("route add blackhole " + std::string(kConsulAddress));
    lab_.underlay().ip("route add blackhole 10.99.0." + std::to_string(number));
  }

  [[nodiscard]] std::size_t entries(int number) {
    const Json status = host(number).show("status");
    for (const Json& table : status.at("status").at("tables")) {
      if (table.value("name", "") == "vtep_fdb") {
        return table.value("used", std::size_t{0});
      }
    }
    return 0;
  }

  // Whether host `number` forwards to the MAC in the network's VNI.
  [[nodiscard]] std::unique_ptr<PinnedMap> fdb(int number) {
    return std::make_unique<PinnedMap>(host(number).map_path("vtep_fdb"));
  }

  [[nodiscard]] vtep_fdb_key key_of(const std::string& mac) const {
    vtep_fdb_key key{};
    key.vni = vni_;
    for (std::size_t i = 0; i < 6; ++i) {
      key.mac[i] = static_cast<std::uint8_t>(std::stoul(mac.substr(3 * i, 2), nullptr, 16));
    }
    return key;
  }

 private:
  Lab lab_{{.hosts = 0}};
  LabConsul consul_{lab_};
  std::string network_id_;
  std::uint32_t vni_ = 0;
};

std::string memory_of(Host& host) {
  const std::string status = read_file("/proc/" + std::to_string(host.daemon()->pid()) + "/status");
  std::string found;
  for (const char* field : {"VmHWM:", "VmRSS:"}) {
    const auto at = status.find(field);
    found += status.substr(at, status.find('\n', at) - at) + " ";
  }
  return found;
}

long milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count();
}

TEST(LongConsulScale, AHundredThousandEndpointsLoad) {
  constexpr unsigned kEndpoints = 100000;
  ScaleLab lab(false);
  lab.fill(kEndpoints);
  EXPECT_LT(lab.entries(1), 10U) << "a network that is not in use is not pulled in";
  std::cout << "before the first attach: " << memory_of(lab.host(1)) << "\n";

  auto begin = Clock::now();
  const Container& local = lab.host(1).attach("big", "172.31.255.1");
  std::cout << "first attach " << milliseconds_since(begin) << " ms, " << memory_of(lab.host(1))
            << "\n";
  EXPECT_EQ(lab.entries(1), kEndpoints + 1) << "all are known when it answers";

  lab.host(1).kill9();
  begin = Clock::now();
  lab.host(1).launch();
  ASSERT_TRUE(wait_until(
      [&] {
        return lab.host(1).ctl({"show", "status"}).code == 0;
      },
      Seconds(60), Milliseconds(100)))
      << lab.host(1).ctl({"show", "status"}).text();
  std::cout << "restart " << milliseconds_since(begin) << " ms, " << memory_of(lab.host(1)) << "\n";
  EXPECT_EQ(lab.entries(1), kEndpoints + 1);
  EXPECT_LT(milliseconds_since(begin), 60000);
  lab.host(1).must({"detach", "big", "--netns", local.netns.path()});
}

struct Path {
  const char* name;
  bool gossip;
  bool store;  // the other host's watch is at work
};

// How long it took from the attach's answer until the other host forwarded to the endpoint.
std::vector<long> joins(ScaleLab& lab, int count) {
  std::vector<long> times;
  const auto fdb = lab.fdb(2);
  Container container;
  for (int i = 0; i < count; ++i) {
    const std::string mac =
        "02:42:ac:1f:fe:" + std::string(i % 16 < 10 ? "0" : "1") + std::to_string(i % 10);
    const auto key = lab.key_of(mac);
    std::atomic<bool> given_up{false};
    Clock::time_point seen{};
    std::thread looker([&] {
      while (!fdb->has(&key) && !given_up) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      seen = Clock::now();
    });
    lab.host(1).attach(container, "big", "172.31.254.1", {"--mac", mac});
    const auto answered = Clock::now();
    EXPECT_TRUE(wait_until([&] { return fdb->has(&key); }, Seconds(150), Milliseconds(1)));
    given_up = true;
    looker.join();
    times.push_back(
        std::max(0L, std::chrono::duration_cast<Milliseconds>(seen - answered).count()));
    lab.host(1).must({"detach", "big", "--netns", container.netns.path()});
    EXPECT_TRUE(wait_until([&] { return !fdb->has(&key); }, Seconds(150), Milliseconds(1)));
  }
  std::sort(times.begin(), times.end());
  return times;
}

// VTEPD_JOINS=500 for the whole distribution.
TEST(LongJoins, AreForwardedTo) {
  const char* wanted = std::getenv("VTEPD_JOINS");
  const int count = wanted == nullptr ? 25 : std::stoi(wanted);
  std::cout << count << " joins each, ms from the attach's answer until the other host forwards\n"
            << "endpoints  by               p50   p99   max\n";
  for (const unsigned endpoints : {100U, 10000U, 100000U}) {
    if (endpoints > 10000U && wanted == nullptr) {
      continue;
    }
    for (const Path& path : {Path{"watch", false, true}, Path{"gossip", true, false},
                             Path{"watch and gossip", true, true}}) {
      const bool paced = endpoints > 5000 && !path.gossip;
      ScaleLab lab(path.gossip);
      lab.fill(endpoints);
      lab.host(2).attach("big", "172.31.255.2");
      ASSERT_GE(lab.entries(2), endpoints);
      if (!path.store) {
        lab.cut_off_store(2);
      }
      // Without gossip a large network is read every 10 to 60 s: a few tell enough.
      const auto times = joins(lab, paced ? 2 : count);
      const auto at = [&](double share) {
        return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
      };
      std::cout << std::left << std::setw(11) << endpoints << std::setw(17) << path.name
                << std::setw(6) << at(0.5) << std::setw(6) << at(0.99) << times.back()
                << (paced ? "  (2 only)" : "") << std::endl;
    }
  }
}

}  // namespace

}  // namespace vtepd::test
