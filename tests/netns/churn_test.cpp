// SPDX-License-Identifier: GPL-2.0-only
// Endpoints that come and go for long, also while the daemon is killed: nothing stays behind.
#include "support/lab.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// Of 1000 endpoints and 100 kills so many in a hundred are run: VTEPD_CHURN_PERCENT, all by
// default.
int scaled(int all) {
  const char* percent = std::getenv("VTEPD_CHURN_PERCENT");
  return percent == nullptr ? all : std::max(1, all * std::atoi(percent) / 100);
}

const int kCycles = scaled(1000);
const int kWarmUp = scaled(200);
const int kKills = scaled(100);
constexpr long kMayGrowKiB = 4096;

// What an endpoint leaves traces in: interfaces, pins, and every key of the store with its value
// but those of live hosts.
struct Traces {
  std::set<std::string> links;
  std::set<std::string> pins;
  std::map<std::string, std::string> keys;
  bool operator==(const Traces&) const = default;
};

Traces traces_of(const Host& host, const std::string& store) {
  Traces traces;
  for (const std::string& list :
       {host.netns().exec({"ip", "-j", "link"}).out, host.at_host_ends({"ip", "-j", "link"}).out}) {
    for (const Json& link : Json::parse(list)) {
      traces.links.insert(link.value("ifname", ""));
    }
  }
  std::error_code none;  // on the kernel data path
  for (const auto& entry : std::filesystem::recursive_directory_iterator(host.pin_dir(), none)) {
    traces.pins.insert(entry.path());
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store + "/kv")) {
    const std::string path = entry.path();
    if (entry.is_regular_file() && path.find("/nodes/") == std::string::npos) {
      traces.keys[path] = read_file(path);
    }
  }
  return traces;
}

void expect_same(const Traces& before, const Traces& after) {
  EXPECT_EQ(before.links, after.links);
  EXPECT_EQ(before.pins, after.pins);
  EXPECT_EQ(before.keys, after.keys);
}

long resident_kib(const Process& process) {
  const std::string status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  const auto at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::atol(status.c_str() + at + 6);
}

std::size_t descriptors(const Process& process) {
  const std::filesystem::path folder("/proc/" + std::to_string(process.pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// `table` without the maps' prefix, which the kernel's own tables do not have.
std::size_t entries(const Host& host, const std::string& table) {
  const Json status = host.show("status");
  for (const Json& row : status.at("status").at("tables")) {
    const std::string name = row.value("name", "");
    if (name == table || name == "vtep_" + table) {
      return row.value("used", std::size_t{0});
    }
  }
  throw std::runtime_error("no table " + table);
}

std::vector<std::string> attach_words(const Container& container) {
  return {"attach", "blue", "--netns", container.netns.path(), "--ifname", "eth0"};
}

struct Bed {
  Lab lab{};
  Container container{};

  Bed() {
    lab.start();
    lab.create_network("blue", "192.168.7.0/24");
    // The first endpoint makes keys that stay: the VNI, Docker's count.
    cycle();
  }

  Host& host() { return lab.host(1); }

  void cycle() {
    host().must(attach_words(container));
    host().must({"detach", "blue", "--netns", container.netns.path()});
  }
};

TEST(LongChurn, EndpointsThatComeAndGoLeaveNothing) {
  Bed bed;
  const Traces before = traces_of(bed.host(), bed.lab.store());
  for (int i = 0; i < kWarmUp; ++i) {
    bed.cycle();
  }
  const long memory = resident_kib(*bed.host().daemon());
  const auto open = descriptors(*bed.host().daemon());

  for (int i = kWarmUp; i < kCycles; ++i) {
    bed.cycle();
  }

  const long grown = resident_kib(*bed.host().daemon()) - memory;
  std::cout << kCycles << " cycles: " << memory << " KiB after " << kWarmUp << ", " << grown
            << " KiB more at the end, " << open << " descriptors\n";
  EXPECT_LE(grown, kMayGrowKiB);
  EXPECT_EQ(descriptors(*bed.host().daemon()), open);
  expect_same(before, traces_of(bed.host(), bed.lab.store()));
  for (const char* table : {"ports", "fdb", "neigh", "vnis"}) {
    EXPECT_EQ(entries(bed.host(), table), 0U) << table;
  }
  bed.host().must(attach_words(bed.container));
  EXPECT_EQ(entries(bed.host(), "ports"), 1U) << "the counts would show one";
}

TEST(LongChurn, KillsLeaveNothing) {
  Bed bed;
  Host& host = bed.host();
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> moment(0, 60000);
  const auto traces = [&] { return traces_of(host, bed.lab.store()); };
  const Traces before = traces();
  int done = 0;

  for (int i = 0; i < kKills; ++i) {
    auto words = attach_words(bed.container);
    words.insert(words.begin(), {vtepctl_program(), "--instance", host.instance()});
    Process attach(host.netns().command(words), lab_folder() + "/attach.log");
    std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
    host.kill9();
    done += attach.wait(Seconds(10)).value_or(-1) == 0 ? 1 : 0;
    host.start();
    if (i % 2 == 0) {
      host.must({"detach", "blue", "--netns", bed.container.netns.path()});
    }
  }
  host.must({"detach", "blue", "--netns", bed.container.netns.path()});

  std::cout << done << " of " << kKills << " attaches were done before the kill\n";
  EXPECT_TRUE(wait_until([&] { return before == traces(); }, Seconds(15)));
  expect_same(before, traces());
  EXPECT_EQ(entries(host, "ports"), 0U);
  host.must(attach_words(bed.container));
  EXPECT_EQ(entries(host, "ports"), 1U);
}

// Nobody detaches it: the namespace goes with the endpoint's interface.
TEST(Churn, ANamespaceThatVanishesTakesItsEndpointAlong) {
  constexpr Seconds kNoticed{30};
  Bed bed;
  Host& host = bed.host();
  const Container& other = host.attach("blue", "192.168.7.77");
  const Container& peer = bed.lab.host(2).attach("blue", "192.168.7.78", {"--wait"});
  const Traces before = traces_of(host, bed.lab.store());
  host.must(attach_words(bed.container));
  ASSERT_EQ(host.rows("endpoints").size(), 3U);

  StallMeter stalls;
  const auto begin = Clock::now();
  bed.container.netns.destroy();

  EXPECT_TRUE(wait_until([&] { return before == traces_of(host, bed.lab.store()); },
                         kNoticed + stalls.worst()));
  std::cout << "withdrawn after "
            << std::chrono::duration_cast<Milliseconds>(Clock::now() - begin).count() << " ms\n";
  expect_same(before, traces_of(host, bed.lab.store()));
  EXPECT_TRUE(other.pings(peer.address)) << "the rest is untouched";
  const std::string log = read_file(host.log_path());
  const std::string words = "withdrawing its endpoint";
  const auto said = log.find(words);
  ASSERT_NE(said, std::string::npos);
  EXPECT_EQ(log.find(words, said + 1), std::string::npos) << "logged once";
}

}  // namespace
}  // namespace vtepd::test
