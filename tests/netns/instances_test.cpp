// SPDX-License-Identifier: GPL-2.0-only
// Several daemons on one kernel, and what one leaves behind.
#include "support/lab.h"

#include <filesystem>
#include <map>
#include <ostream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::set<int> map_ids(const Host& host) {
  std::set<int> ids;
  for (const std::string& pin : files_below(host.pin_dir())) {
    const Outcome outcome = run({"bpftool", "-j", "map", "show", "pinned", pin});
    const Json document = Json::parse(outcome.out, nullptr, false);
    if (outcome.ok() && document.contains("id")) {
      ids.insert(document.at("id").get<int>());
    }
  }
  return ids;
}

// The rules without what they counted, whose elements come with the first frame.
std::string without_counts(const std::string& ruleset) {
  std::istringstream lines(ruleset);
  std::string rules;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("elements") == std::string::npos || line.find("counter") == std::string::npos) {
      rules += line + "\n";
    }
  }
  return rules;
}

// What nobody but its own daemon may change on a host.
struct Belongings {
  std::vector<std::string> pins{};
  std::set<int> maps{};
  std::string links{};
  std::string entries{};
  std::string rules{};
  std::string qdiscs{};
  bool operator==(const Belongings&) const = default;

  explicit Belongings(const Host& host)
      : pins(files_below(host.pin_dir())),
        maps(map_ids(host)),
        links(host.netns().exec({"ip", "-o", "link"}).out +
              host.at_host_ends({"ip", "-o", "link"}).out),
        entries(host.at_host_ends({"bridge", "fdb"}).out +
                host.at_host_ends({"ip", "neigh", "show", "nud", "permanent"}).out),
        rules(without_counts(host.at_host_ends({"nft", "-s", "list", "ruleset"}).out +
                             host.netns().exec({"nft", "-s", "list", "ruleset"}).out)),
        qdiscs(host.netns().exec({"tc", "qdisc", "show"}).out) {}
};

std::ostream& operator<<(std::ostream& out, const Belongings& all) {
  return out << all.links << all.entries << all.rules << all.qdiscs;
}

TEST(Instances, KillRestartAndPurgeOfOneChangeNothingInTheOthers) {
  Pair pair(HostOptions{}, 3);
  Host& victim = pair.lab.host(3);
  const Container& c = victim.attach("blue", "192.168.7.13", {"--wait"});
  ASSERT_TRUE(c.pings(pair.a->address));
  const Belongings first(pair.lab.host(1));
  const Belongings second(pair.lab.host(2));
  EXPECT_NE(first.maps.empty(), first.rules.empty()) << "one of them is there to be changed";
  Process ping(
      pair.a->netns.command({"ping", "-n", "-i", "0.02", "-c", "250", "-W", "2", pair.b->address}),
      lab_folder() + "/instances.log");

  victim.kill9();
  victim.start();
  EXPECT_TRUE(c.pings(pair.a->address));
  victim.stop();
  const Outcome purge = victim.purge();

  EXPECT_TRUE(purge.ok()) << purge.text();
  ping.wait(Seconds(30));
  EXPECT_NE(ping.output().find("250 received, 0% packet loss"), std::string::npos) << ping.output();
  EXPECT_EQ(first, Belongings(pair.lab.host(1)));
  EXPECT_EQ(second, Belongings(pair.lab.host(2)));
  EXPECT_FALSE(c.pings(pair.a->address, 1));
}

TEST(Instances, PurgeLeavesNothing) {
  Pair pair;
  Host& host = pair.lab.host(1);
  const std::string before = host.netns().exec({"tc", "qdisc", "show", "dev", "eth0"}).out;
  const std::set<int> maps = map_ids(host);
  ASSERT_EQ(maps.empty(), on_kernel_path());
  ASSERT_NE(host.at_host_ends({"ip", "-o", "link"}).out.find("vtep"), std::string::npos);
  host.stop();

  const Outcome purge = host.purge();

  ASSERT_TRUE(purge.ok()) << purge.text();
  EXPECT_FALSE(fs::exists(host.pin_dir()));
  EXPECT_FALSE(fs::exists(host.runtime_dir()));
  EXPECT_FALSE(fs::exists(host.state_dir() + "/endpoints.json"));
  const std::string links = host.netns().exec({"ip", "-o", "link"}).out;
  EXPECT_EQ(links.find("vtep"), std::string::npos) << links;
  EXPECT_EQ(links.find("vxlan"), std::string::npos) << links;
  EXPECT_EQ(host.netns().exec({"tc", "qdisc", "show", "dev", "eth0"}).out.find("clsact"),
            std::string::npos);
  EXPECT_FALSE(pair.a->netns.exec({"ip", "link", "show", "eth0"}).ok());
  for (const int id : maps) {
    EXPECT_TRUE(wait_until(
        [&] {
          return !run({"bpftool", "map", "show", "id", std::to_string(id)}).ok();
        },
        Seconds(5)))
        << "map " << id << " is still there";
  }
  EXPECT_EQ(host.netns().exec({"nft", "list", "ruleset"}).out, "");
  const std::string programs = host.netns().exec({"bpftool", "net", "show"}).out;
  EXPECT_EQ(programs.find("vtep_"), std::string::npos) << programs;
  const Outcome again = host.purge();
  EXPECT_TRUE(again.ok()) << "a second purge finds nothing to do: " << again.text();
}

TEST(Instances, PurgedHostComesBack) {
  Pair pair;
  Host& host = pair.lab.host(1);
  host.stop();
  ASSERT_TRUE(host.purge().ok());

  host.start();

  const Container& fresh = host.attach("blue", "192.168.7.60", {"--wait"});
  EXPECT_TRUE(fresh.pings(pair.b->address));
}

// Another instance by the same port, which never came to run.
TEST(Instances, PurgeLeavesAPortsDevicesToItsHolder) {
  Pair pair;
  const Host& host = pair.lab.host(1);
  const Belongings before(host);
  ASSERT_NE(before.links.find("vtep"), std::string::npos);
  std::string config = read_file(host.config_path());
  const std::string own = "instance = \"" + host.instance();
  ASSERT_EQ(config.find(own), 0U);
  config.insert(own.size(), "b");
  const std::string path = lab_folder() + "/" + host.instance() + "b.toml";
  write_file(path, config);

  const Outcome purge = host.netns().exec({vtepd_program(), "purge", "-c", path});

  EXPECT_TRUE(purge.ok()) << purge.text();
  EXPECT_NE(purge.out.find("belongs to instance '" + host.instance() + "'"), std::string::npos)
      << purge.text();
  EXPECT_EQ(before, Belongings(host));
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

TEST(Instances, MapsReadLikeTables) {
  Pair pair;
  const std::map<std::string, std::vector<std::string>> fields{
      {"vtep_fdb", {"\"vni\"", "\"mac\""}},
      {"vtep_neigh", {"\"vni\""}},
      {"vtep_ports", {"\"vni\"", "\"mac\""}},
  };
  std::map<std::string, std::string> pins;
  for (const std::string& pin : files_below(pair.lab.host(1).pin_dir())) {
    pins[fs::path(pin).filename()] = pin;
  }

  for (const auto& [map, names] : fields) {
    ASSERT_TRUE(pins.contains(map)) << map;
    const Outcome dump = run({"bpftool", "map", "dump", "pinned", pins.at(map)});
    ASSERT_TRUE(dump.ok()) << dump.text();
    for (const std::string& name : names) {
      EXPECT_NE(dump.out.find(name), std::string::npos) << map << ":\n" << dump.out;
    }
  }
}

}  // namespace
}  // namespace vtepd::test
