// SPDX-License-Identifier: GPL-2.0-only
// What changed in the store while a daemon was down is in its maps right after the start.
#include "support/lab.h"

#include <cstdint>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

constexpr Milliseconds kCaughtUp(1000);

// MACs that the host forwards to in any network, addresses that it answers for, VTEPs that it sends
// to and takes frames from: as text, whatever the keys around them.
struct Tables {
  std::set<std::string> macs;
  std::set<std::string> addresses;
  std::set<std::string> peers;
  std::set<std::string> members;

  bool operator==(const Tables&) const = default;
};

std::string dotted(const Json& mapped) {
  constexpr std::size_t kV4 = 12;
  std::string text;
  for (std::size_t i = kV4; i < mapped.size(); ++i) {
    text += (i == kV4 ? "" : ".") + std::to_string(mapped.at(i).get<int>());
  }
  return text;
}

std::string mac_text(const Json& bytes) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out << (i == 0 ? "" : ":") << std::setw(2) << bytes.at(i).get<int>();
  }
  return out.str();
}

// The same of the kernel's own tables, and of the rules that know the members.
Tables kernel_tables_of(const Host& host) {
  Tables out;
  for (const Json& entry : Json::parse(host.at_host_ends({"bridge", "-j", "fdb"}).out)) {
    if (entry.contains("dst")) {
      out.macs.insert(entry.at("mac"));
      out.peers.insert(entry.at("dst"));
    } else if (entry.value("state", "") == "static") {
      out.macs.insert(entry.at("mac"));
    }
  }
  for (const Json& entry : Json::parse(host.at_host_ends({"ip", "-j", "neigh"}).out)) {
    out.addresses.insert(entry.at("dst"));
  }
  const std::string members =
      host.netns().exec({"nft", "list", "set", "ip", "vtepd-" + host.instance(), "members"}).out;
  for (int number = 1; number < 10; ++number) {
    const std::string vtep = "10.99.0." + std::to_string(number);
    if (members.find(vtep) != std::string::npos) {
      out.members.insert(vtep);
    }
  }
  return out;
}

Tables tables_of(const Host& host) {
  if (on_kernel_path()) {
    return kernel_tables_of(host);
  }
  Tables out;
  for (const Json& entry : host.map_entries("vtep_fdb")) {
    out.macs.insert(mac_text(entry.at("formatted").at("key").at("mac")));
  }
  for (const Json& entry : host.map_entries("vtep_neigh")) {
    out.addresses.insert(dotted(entry.at("formatted").at("key").at("addr")));
  }
  for (const Json& entry : host.map_entries("vtep_peers")) {
    out.peers.insert(dotted(entry.at("formatted").at("value").at("remote")));
  }
  for (const Json& entry : host.map_entries("vtep_members")) {
    out.members.insert(dotted(entry.at("formatted").at("key").at("vtep")));
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Tables& tables) {
  for (const auto* set : {&tables.macs, &tables.addresses, &tables.peers, &tables.members}) {
    for (const std::string& word : *set) {
      out << word << " ";
    }
    out << "\n";
  }
  return out;
}

TEST(Restart, ChangesMadeMeanwhileAreInTheMapsWithinASecond) {
  Pair pair(HostOptions{}, 3);
  Lab& lab = pair.lab;
  Host& host = lab.host(2);
  const Container& leaving = lab.host(1).attach("blue", "192.168.7.20");
  const Container& last = lab.host(3).attach("blue", "192.168.7.30");
  await_known(host, leaving.address);
  await_known(host, last.address);
  const Tables before{
      .macs = {pair.a->mac, pair.b->mac, leaving.mac, last.mac},
      .addresses = {pair.a->address, pair.b->address, leaving.address, last.address},
      .peers = {"10.99.0.1", "10.99.0.3"},
      .members = {"10.99.0.1", "10.99.0.3"}};
  ASSERT_EQ(tables_of(host), before);
  host.stop();

  const auto detach = [](const Host& where, const Container& container) {
    where.must({"detach", "blue", "--netns", container.netns.path()});
  };
  detach(lab.host(1), leaving);
  detach(lab.host(3), last);
  const Container& fresh = lab.host(1).attach("blue", "192.168.7.50");
  // The address goes to another MAC on the other host.
  const Container& again =
      lab.host(1).attach("blue", "192.168.7.30", {"--mac", "02:00:5e:00:00:01"});
  lab.create_network("red", "192.168.9.0/24");
  EXPECT_EQ(tables_of(host), before) << "there is no daemon to change them";

  const Tables want{.macs = {pair.a->mac, pair.b->mac, fresh.mac, again.mac},
                    .addresses = {pair.a->address, pair.b->address, fresh.address, again.address},
                    .peers = {"10.99.0.1"},
                    .members = {"10.99.0.1"}};
  const StallMeter stall;
  const auto begin = Clock::now();
  host.launch();
  const bool right = wait_until([&] { return tables_of(host) == want; }, Seconds(10));
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - begin);

  std::cout << "right " << took.count() << " ms after the start, CPU stalled for "
            << stall.worst().count() << " ms\n";
  ASSERT_TRUE(right) << "is\n" << tables_of(host) << "should be\n" << want;
  EXPECT_LT(took - stall.worst(), kCaughtUp);
  EXPECT_TRUE(wait_until([&] { return host.ctl({"network", "inspect", "red"}).ok(); }, Seconds(5)));
  EXPECT_TRUE(pair.b->pings(fresh.address));
  EXPECT_TRUE(pair.b->pings(again.address));
}

// Tables that shrink under what they hold: endpoints of this host go on, and words say what to do.
TEST(Restart, TooSmallTablesKeepTheEndpointsOfThisHost) {
  Pair pair;
  Host& host = pair.lab.host(2);
  const Container& c = host.attach("blue", "192.168.7.13");
  for (const char* address : {"192.168.7.21", "192.168.7.22", "192.168.7.23"}) {
    await_known(host, pair.lab.host(1).attach("blue", address).address);
  }
  ASSERT_TRUE(pair.b->pings(c.address));
  ASSERT_TRUE(pair.b->pings(pair.a->address)) << "the twin: it is lost for lack of room only";
  host.stop();
  host.set_limits("fdb = 2\nneigh = 2");

  host.launch();

  ASSERT_TRUE(wait_until([&] { return host.ctl({"show", "status"}).code == 1; }, Seconds(10)));
  for (const std::string table : {"fdb", "neigh"}) {
    const std::string words = "vtep_" + table + " is full (2 entries); raise limits." + table;
    EXPECT_TRUE(wait_until(
        [&] {
          return host.ctl({"show", "status"}).text().find(words) != std::string::npos;
        },
        Seconds(5)))
        << host.ctl({"show", "status"}).text();
    EXPECT_NE(read_file(host.log_path()).find(words + "; left out 4 entries"), std::string::npos);
  }
  EXPECT_TRUE(pair.b->pings(c.address));
  EXPECT_TRUE(c.pings(pair.b->address));
  EXPECT_FALSE(pair.b->pings(pair.a->address, 1));

  host.stop();
  host.set_limits("");
  host.start();
  EXPECT_TRUE(pair.b->pings(pair.a->address));
  EXPECT_TRUE(pair.b->pings(c.address));
}

}  // namespace
}  // namespace vtepd::test
