// SPDX-License-Identifier: GPL-2.0-only
// Ten thousand endpoints that come, move and go as fast as Consul takes them.
#include "support/consul_keys.h"
#include "support/consul_lab.h"
#include "support/store.h"

#include <iostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

constexpr unsigned kBurst = 10000;

class LongBurst : public testing::Test {
 protected:
  LongBurst() {
    lab_.add_host(consul_host()).start();
    lab_.create_network("big", "172.16.0.0/12");
    network_id_ = lab_.network_id("big");
    local_ = &lab_.host(1).attach("big", "172.31.255.1");
  }

  [[nodiscard]] std::string key_of(unsigned i) const {
    return "docker/network/v1.0/endpoint/" + network_id_ + "/" + numbered_id(i + 1000) + "/";
  }

  // Endpoint i with the address of number `place`, on one of some hosts.
  [[nodiscard]] std::string value_of(unsigned i, unsigned place, unsigned round) const {
    return endpoint_value({.network_id = network_id_,
                           .id = numbered_id(i + 1000),
                           .address = numbered_address(place),
                           .mac = numbered_mac(place),
                           .vtep = "10.99.0." + std::to_string(3 + (i + round) % 50)});
  }

  void write(const std::vector<KeyWrite>& keys) {
    write_keys(lab_.underlay(), kConsulAddress, keys);
    // As whoever makes and removes endpoints does.
    write_keys(lab_.underlay(), kConsulAddress,
               {{"docker/network/v1.0/endpoint_count/" + network_id_ + "/",
                 "{\"Count\":" + std::to_string(++count_) + "}"}});
  }

  // MAC and VTEP of every entry of the FDB but our own.
  [[nodiscard]] std::set<std::string> forwarded() const {
    std::set<std::string> entries;
    for (const Json& row : lab_.host(1).rows("fdb")) {
      if (row.at("vtep").is_string() && row.at("mac") != local_->mac) {
        entries.insert(row.at("mac").get<std::string>() + " " + row.at("vtep").get<std::string>());
      }
    }
    return entries;
  }

  [[nodiscard]] long resident_kib() {
    const std::string status =
        read_file("/proc/" + std::to_string(lab_.host(1).daemon()->pid()) + "/status");
    return std::stol(status.substr(status.find("VmRSS:") + 6));
  }

  Lab lab_{{.hosts = 0}};
  LabConsul consul_{lab_};
  std::string network_id_;
  Container* local_ = nullptr;
  unsigned count_ = 100;
};

TEST_F(LongBurst, EndsInTheRightStateAndMemoryStaysBounded) {
  std::vector<KeyWrite> keys;
  std::vector<long> resident;
  for (unsigned round = 0; round < 4; ++round) {
    keys.clear();
    for (unsigned i = 0; i < kBurst; ++i) {
      keys.push_back({key_of(i), value_of(i, (i + 7 * round) % kBurst, round)});
    }
    write(keys);
    keys.clear();
    std::set<std::string> expected;
    for (unsigned i = 0; i < kBurst; ++i) {
      const unsigned place = (i + 7 * round) % kBurst;
      if (i % 3 == 0) {
        keys.push_back({key_of(i), std::nullopt});
      } else {
        expected.insert(numbered_mac(place) + " 10.99.0." + std::to_string(3 + (i + round) % 50));
      }
    }
    write(keys);
    const auto begin = Clock::now();
    EXPECT_TRUE(wait_until([&] { return forwarded() == expected; }, Seconds(45), Milliseconds(250)))
        << "round " << round << ": " << forwarded().size() << " of " << expected.size();
    resident.push_back(resident_kib());
    std::cout << "round " << round << ": right after "
              << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count()
              << " ms, resident " << resident.back() << " KiB\n";
  }
  // One reading of the network's 10,000 is some 12 MiB.
  EXPECT_LT(resident.back() - resident.front(), 32 * 1024);

  keys.clear();
  for (unsigned i = 0; i < kBurst; ++i) {
    keys.push_back({key_of(i), std::nullopt});
  }
  write(keys);
  EXPECT_TRUE(wait_until([&] { return forwarded().empty(); }, Seconds(45), Milliseconds(250)));
  EXPECT_TRUE(lab_.host(1).ctl({"show", "status"}).ok());
}

}  // namespace

}  // namespace vtepd::test
