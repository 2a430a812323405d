// SPDX-License-Identifier: GPL-2.0-only
// What a person may get wrong: one clear error that names the thing, and the rest keeps working.
#include "support/lab.h"

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// Refused, with every one of the words in one short message on stderr.
void expect_refused(const Outcome& outcome, const std::vector<std::string>& words) {
  EXPECT_NE(outcome.code, 0) << outcome.text();
  EXPECT_GT(outcome.code, 0) << "it did not end by itself: " << outcome.text();
  for (const std::string& word : words) {
    EXPECT_NE(outcome.err.find(word), std::string::npos) << "no '" << word << "' in\n"
                                                         << outcome.text();
  }
}

Outcome check_config(const std::string& text) {
  const std::string path = lab_folder() + "/checked.toml";
  write_file(path, text);
  return run({vtepd_program(), "check-config", path});
}

constexpr const char* kGood = "[underlay]\naddress = \"10.99.0.1\"\n";

TEST(BadConfig, MistakesAreNamedWithTheirLine) {
  EXPECT_TRUE(check_config(kGood).ok());

  expect_refused(check_config("[underlay\naddress = 1\n"), {"checked.toml:1"});
  expect_refused(check_config(std::string(kGood) + "colour = \"red\"\n"),
                 {"checked.toml:3", "colour"});
  expect_refused(check_config("[underlay]\naddress = \"10.99.0.300\"\n"),
                 {"checked.toml:2", "10.99.0.300"});
  expect_refused(check_config("[limits]\nfdb = 0\n"), {"checked.toml", "fdb"});
  expect_refused(run({vtepd_program(), "check-config", "/no/such/file"}), {"/no/such/file"});
}

class BadInput : public testing::Test {
 protected:
  ~BadInput() override {
    EXPECT_TRUE(pair_.a->pings(pair_.b->address)) << "what was right before must still work";
  }

  [[nodiscard]] Outcome create(const std::vector<std::string>& options) {
    std::vector<std::string> words{"network", "create"};
    words.insert(words.end(), options.begin(), options.end());
    return host_.ctl(words);
  }

  [[nodiscard]] Outcome attach(const std::vector<std::string>& options) {
    std::vector<std::string> words{"attach", "blue", "--netns", stranger_.path()};
    words.insert(words.end(), options.begin(), options.end());
    return host_.ctl(words);
  }

  Pair pair_;
  Host& host_{pair_.lab.host(1)};
  NetNamespace stranger_;
};

TEST_F(BadInput, OverlappingSubnet) {
  expect_refused(create({"red", "--subnet", "192.168.0.0/16"}), {"192.168.0.0/16", "192.168.7.0"});
  EXPECT_TRUE(create({"red", "--subnet", "192.168.0.0/16", "--address-space", "other"}).ok());
}

TEST_F(BadInput, DuplicateNetworkNameAndVni) {
  expect_refused(create({"blue", "--subnet", "192.168.8.0/24"}), {"blue"});
  const std::string vni = std::to_string(pair_.lab.vni("blue"));
  expect_refused(create({"red", "--subnet", "192.168.8.0/24", "--vni", vni}), {vni});
  EXPECT_TRUE(create({"red", "--subnet", "192.168.8.0/24"}).ok());
}

TEST_F(BadInput, ExhaustedSubnet) {
  ASSERT_TRUE(create({"tiny", "--subnet", "192.168.9.0/30"}).ok());
  const NetNamespace second;
  EXPECT_TRUE(host_.ctl({"attach", "tiny", "--netns", stranger_.path()}).ok());

  expect_refused(host_.ctl({"attach", "tiny", "--netns", second.path()}), {"192.168.9.0/30"});
}

TEST_F(BadInput, DuplicateAddressMacAndName) {
  ASSERT_TRUE(attach({"--ip", "192.168.7.30", "--name", "one"}).ok());
  const NetNamespace second;
  const auto again = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words{"attach", "blue", "--netns", second.path()};
    words.insert(words.end(), options.begin(), options.end());
    return host_.ctl(words);
  };

  expect_refused(again({"--ip", "192.168.7.30"}), {"192.168.7.30"});
  expect_refused(again({"--ip", "192.168.7.12"}), {"192.168.7.12"});
  expect_refused(again({"--mac", pair_.b->mac}), {pair_.b->mac});
  expect_refused(again({"--name", "one"}), {"one"});
  EXPECT_TRUE(again({"--ip", "192.168.7.31", "--name", "two"}).ok());
}

TEST_F(BadInput, AddressOutsideTheSubnet) {
  expect_refused(attach({"--ip", "192.168.8.1"}), {"192.168.8.1", "192.168.7.0/24"});
}

TEST_F(BadInput, MissingNamespaceAndNetwork) {
  expect_refused(host_.ctl({"attach", "blue", "--netns", "/run/netns/no-such-thing"}),
                 {"/run/netns/no-such-thing"});
  expect_refused(host_.ctl({"attach", "no-net", "--netns", stranger_.path()}), {"no-net"});
  const Outcome nothing = host_.ctl({"detach", "no-endpoint"});
  EXPECT_TRUE(nothing.ok()) << "detach may be repeated";
  EXPECT_NE(nothing.text().find("no-endpoint"), std::string::npos) << nothing.text();
}

TEST_F(BadInput, InterfaceNameTaken) {
  stranger_.ip("link add eth7 type veth peer name other");
  expect_refused(attach({"--ifname", "eth7"}), {"eth7"});
  EXPECT_TRUE(attach({"--ifname", "eth8"}).ok());
}

TEST_F(BadInput, UnderlayTooSmallForTheMtu) {
  ASSERT_TRUE(create({"jumbo", "--subnet", "192.168.9.0/24", "--mtu", "1451"}).ok());

  expect_refused(host_.ctl({"attach", "jumbo", "--netns", stranger_.path()}), {"1500", "1501"});
}

TEST_F(BadInput, SecondDaemon) {
  const std::string pid = std::to_string(host_.daemon()->pid());
  expect_refused(host_.run_daemon(), {pid});

  std::string other = host_.config();
  other.replace(other.find(host_.instance()), host_.instance().size(), unique_name());
  const std::string path = lab_folder() + "/second.toml";
  write_file(path, other);
  expect_refused(host_.netns().exec({vtepd_program(), "run", "-c", path}, Seconds(15)),
                 {host_.instance(), pid});
}

TEST_F(BadInput, HalfAFileInTheStore) {
  const std::string id = host_.rows("endpoints").at(0).value("network_id", "");
  const std::string folder =
      pair_.lab.store() + "/kv/docker/network/v1.0/endpoint/" + pair_.lab.network_id("blue");
  const Outcome files = run({"sh", "-c", "ls -d " + folder + "/*"});
  const std::string file = files.out.substr(0, files.out.find('\n'));
  const std::string whole = read_file(file);
  ASSERT_FALSE(whole.empty()) << folder;

  write_file(file, whole.substr(0, whole.size() / 2));

  EXPECT_TRUE(wait_until([&] { return host_.ctl({"show", "status"}).code == 1; }, Seconds(5)));
  EXPECT_NE(host_.ctl({"show", "status"}).out.find("endpoint/"), std::string::npos);
  EXPECT_TRUE(pair_.a->pings(pair_.b->address)) << "the last good value stays";
  write_file(file, whole);
  EXPECT_TRUE(wait_until([&] { return host_.ctl({"show", "status"}).ok(); }, Seconds(5)));
}

TEST(BadStart, WithoutPrivilege) {
  Lab lab({.hosts = 1});
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());
  Command command = host.netns().command({vtepd_program(), "run", "-c", host.config_path()});
  command.unprivileged = true;
  command.deadline = Seconds(15);

  const Outcome outcome = run(command);

  expect_refused(outcome, {"error"});
  EXPECT_TRUE(outcome.err.find("root") != std::string::npos ||
              outcome.err.find("CAP_") != std::string::npos ||
              outcome.err.find("ermi") != std::string::npos)
      << outcome.text();
  host.start();
}

TEST(BadStart, WithoutBpffs) {
  Lab lab({.hosts = 1});
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());
  Command command = host.netns().command({vtepd_program(), "run", "-c", host.config_path()});
  command.new_mounts = true;
  command.deadline = Seconds(15);

  expect_refused(run(command), {"/sys/fs/bpf"});
  host.start();
}

TEST(BadStart, UnderlayAddressThatNobodyHas) {
  Lab lab({.hosts = 1});
  Host& host = lab.host(1);
  std::string config = host.config();
  config.replace(config.find("10.99.0.1"), 9, "10.99.0.99");
  write_file(host.config_path(), config);

  expect_refused(host.run_daemon(), {"10.99.0.99"});
  host.start();
}

TEST(FullMap, IsNamedWithItsOptionAndBreaksNothing) {
  Pair pair(HostOptions{.limits = "fdb = 4"});
  Host& host = pair.lab.host(1);
  std::string said;

  for (int i = 20; i < 30; ++i) {
    const NetNamespace netns;
    const Outcome outcome = host.ctl(
        {"attach", "blue", "--netns", netns.path(), "--ip", "192.168.7." + std::to_string(i)});
    said += outcome.err;
  }

  said += host.ctl({"show", "status"}).text();
  EXPECT_NE(said.find("fdb"), std::string::npos) << said;
  EXPECT_NE(said.find("limits"), std::string::npos) << said;
  EXPECT_TRUE(pair.a->pings(pair.b->address));
}

}  // namespace
}  // namespace vtepd::test
