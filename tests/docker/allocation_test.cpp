// SPDX-License-Identifier: GPL-2.0-only
// Eight writers at once, on Docker hosts and vtepd hosts: no address and no VNI is given twice.
#include "docker/four_hosts.h"
#include "docker/snapshot.h"
#include "registry/ipam_codec.h"
#include "registry/network_codec.h"
#include "registry/own_codec.h"

#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr const char* kRoot = "docker/network/v1.0/";
constexpr int kEach = 3;  // endpoints of one writer in the network that all share

class Allocation : public FourHosts {
 protected:
  // What a writer does fails the test with its words; it has its own containers.
  void at_once(const std::vector<std::function<void()>>& writers) {
    std::vector<std::thread> threads;
    for (const auto& writer : writers) {
      threads.emplace_back([&writer] {
        try {
          writer();
        } catch (const std::exception& problem) {
          ADD_FAILURE() << problem.what();
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
  }

  // Two for each host.
  template <typename Docker, typename Vtepd>
  void everywhere(Docker&& on_docker, Vtepd&& on_vtepd) {
    std::vector<std::function<void()>> writers;
    for (int number = 0; number < 4; ++number) {
      DockerHost& docker = lab_.docker(number % 2 + 1);
      Host& vtepd = lab_.vtepd(number % 2 + 1);
      writers.emplace_back([&, number] { on_docker(docker, number); });
      writers.emplace_back([&, number] { on_vtepd(vtepd, number); });
    }
    at_once(writers);
  }

  // Docker's values, without its hosts. It forgets the scope of its pools when it gives one back.
  StoredKeys values() {
    StoredKeys keys = stored_keys(lab_.consul());
    std::erase_if(keys, [](const auto& entry) {
      return entry.second.empty() || !entry.first.starts_with(kRoot);
    });
    std::string& pools = keys.at(std::string(kRoot) + "ipam/default/config/GlobalDefault/");
    Json document = Json::parse(pools);
    document.erase("Scope");
    pools = document.dump();
    return keys;
  }

  static std::string own_network(const char* kind, int number) {
    return kind + std::to_string(number);
  }

  static std::string container_name(int writer, int number) {
    return "c" + std::to_string(writer) + std::to_string(number);
  }
};

// The addresses of the network's endpoints as the store has them.
std::vector<std::string> addresses(const StoredKeys& keys, const std::string& network_id) {
  std::vector<std::string> found;
  for (const auto& [key, value] : keys) {
    if (key.starts_with(std::string(kRoot) + "endpoint/" + network_id)) {
      found.push_back(Json::parse(value).at("ep_iface").at("addr"));
    }
  }
  return found;
}

std::vector<std::uint32_t> vnis(const StoredKeys& keys) {
  std::vector<std::uint32_t> found;
  for (const auto& [key, value] : keys) {
    if (key.starts_with(std::string(kRoot) + "overlay/network/")) {
      const auto overlay = registry::decode_overlay(key, value);
      for (const auto& subnet : overlay->subnets) {
        found.push_back(subnet.vni.value);
      }
    }
  }
  return found;
}

std::uint64_t bits_set(const StoredKeys& keys, const std::string& key) {
  const auto named = registry::decode_bits(key, keys.at(kRoot + key));
  std::uint64_t set = 0;
  for (std::uint64_t ordinal = 0; ordinal < 256; ++ordinal) {
    set += named->bits.test(ordinal) ? 1U : 0U;
  }
  return set;
}

template <typename T>
std::size_t distinct(const std::vector<T>& all) {
  return std::set<T>(all.begin(), all.end()).size();
}

TEST_F(Allocation, NothingIsGivenTwice) {
  const std::string id = lab_.docker(1).network_create("blue", "192.168.7.0/24");
  lab_.docker(1).run("first", "blue");  // the network has its VNI from here on
  lab_.docker(1).rm("first");
  const StoredKeys before = values();
  std::vector<std::unique_ptr<NetNamespace>> spaces;
  std::mutex mutex;
  const auto space = [&] {
    const std::lock_guard lock(mutex);
    spaces.push_back(std::make_unique<NetNamespace>());
    return spaces.back()->path();
  };

  everywhere(
      [&](DockerHost& docker, int writer) {
        const std::string own = own_network("docker", writer);
        docker.network_create(own, "192.168." + std::to_string(20 + writer) + ".0/24");
        docker.must({"run", "-d", "--name", own, "--net", own, "bb", "sleep", "3600"});
        for (int number = 0; number < kEach; ++number) {
          docker.must({"run", "-d", "--name", container_name(writer, number), "--net", "blue", "bb",
                       "sleep", "3600"});
        }
      },
      [&](Host& vtepd, int writer) {
        const std::string own = own_network("vtepd", writer);
        vtepd.must({"network", "create", own, "--subnet",
                    "192.168." + std::to_string(30 + writer) + ".0/24"});
        vtepd.must({"attach", own, "--netns", space(), "--name", own});
        for (int number = 0; number < kEach; ++number) {
          vtepd.must({"attach", "blue", "--netns", space(), "--name",
                      "e" + container_name(writer, number)});
        }
      });

  const StoredKeys busy = values();
  const auto given = addresses(busy, id);
  EXPECT_EQ(given.size(), 8U * kEach);
  EXPECT_EQ(distinct(given), given.size()) << testing::PrintToString(given);
  EXPECT_EQ(bits_set(busy, "ipam/default/data/GlobalDefault/192.168.7.0/24/"), given.size() + 3);
  EXPECT_EQ(busy.at(kRoot + ("endpoint_count/" + id) + "/"), registry::encode_count(given.size()));
  const auto numbers = vnis(busy);
  EXPECT_EQ(numbers.size(), 9U);
  EXPECT_EQ(distinct(numbers), numbers.size()) << testing::PrintToString(numbers);
  EXPECT_THAT(numbers, testing::Each(testing::Ge(256U)));
  EXPECT_EQ(bits_set(busy, "idm/vxlan-id/"), numbers.size());

  everywhere(
      [&](DockerHost& docker, int writer) {
        const std::string own = own_network("docker", writer);
        for (int number = 0; number < kEach; ++number) {
          docker.must({"rm", "-f", container_name(writer, number)});
        }
        docker.must({"rm", "-f", own});
        docker.network_rm(own);
      },
      [&](Host& vtepd, int writer) {
        const std::string own = own_network("vtepd", writer);
        for (int number = 0; number < kEach; ++number) {
          vtepd.must({"detach", "e" + container_name(writer, number)});
        }
        vtepd.must({"detach", own});
        vtepd.must({"network", "rm", own});
      });
  EXPECT_EQ(values(), before);
}

}  // namespace
}  // namespace vtepd::test
