// SPDX-License-Identifier: GPL-2.0-only
#include "state/state_file.h"

#include "state/durable_file.h"
#include "state/instance_lock.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd {
namespace {

class StateTest : public ::testing::Test {
 protected:
  StateTest() {
    char name[] = "/tmp/vtepd-state-XXXXXX";
    folder_ = ::mkdtemp(name);
  }

  ~StateTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

LocalEndpoint sample() {
  LocalEndpoint local;
  local.endpoint = {.id = std::string(64, 'a'),
                    .network_id = std::string(64, 'b'),
                    .name = "web \"1\"",
                    .mac = *MacAddress::parse("02:42:c0:00:02:02"),
                    .address4 = *IpPrefix::parse("192.0.2.2/24"),
                    .address6 = *IpPrefix::parse("2001:db8::2/64"),
                    .vtep = *IpAddress::parse("198.51.100.1"),
                    .sandbox = "s",
                    .owner = "a@198.51.100.1"};
  local.network = {
      .id = std::string(64, 'b'),
      .name = "blue",
      .address_space = "tenant",
      .subnets = {{*IpPrefix::parse("192.0.2.0/24"), *IpPrefix::parse("192.0.2.1/24"), Vni{300}}},
      .v6_pool = *IpPrefix::parse("2001:db8::/64"),
      .underlay_mtu = 9000};
  local.netns_path = "/run/netns/c1";
  local.netns_cookie = 0xffffffffffffffffULL;
  local.boot_id = "boot";
  local.ifname = "eth0";
  local.host_ifname = "vtepaaaaaaaa";
  local.host = IfIndex{7};
  local.endpoint_ifindex = IfIndex{8};
  local.allowed_addresses = {*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("2001:db8:1::/48")};
  local.allowed_macs = {*MacAddress::parse("00:00:5e:00:01:01")};
  local.source_check = false;
  local.same_netns = true;
  return local;
}

TEST_F(StateTest, EveryFieldComesBack) {
  const StateFile file(folder_ + "/default");
  ASSERT_TRUE(
      file.save({.endpoints = {sample()}, .idle_device = "vtepx4789", .store = "/srv/store"}));
  const auto loaded = file.load();
  ASSERT_TRUE(loaded) << loaded.error().what;
  ASSERT_EQ(loaded->endpoints.size(), 1U);
  EXPECT_EQ(loaded->endpoints.front(), sample());
  EXPECT_EQ(loaded->idle_device, "vtepx4789");
  EXPECT_EQ(loaded->store, "/srv/store");

  ASSERT_TRUE(file.save_pending({sample().endpoint}));
  const auto pending = file.load_pending();
  ASSERT_TRUE(pending);
  EXPECT_EQ(*pending, std::vector{sample().endpoint});
}

TEST_F(StateTest, NothingSavedIsEmpty) {
  const StateFile file(folder_ + "/default");
  EXPECT_TRUE(file.load()->endpoints.empty());
  EXPECT_TRUE(file.load_pending()->empty());
}

TEST_F(StateTest, DamagedFileIsNamedAndLeftAlone) {
  const StateFile file(folder_ + "/default");
  ASSERT_TRUE(file.save({.endpoints = {sample()}, .idle_device = "", .store = ""}));
  const std::string path = folder_ + "/default/endpoints.json";
  const auto whole = *read_file(path);
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
    std::ofstream(path, std::ios::trunc) << whole.substr(0, size);
    const auto loaded = file.load();
    ASSERT_FALSE(loaded) << "cut at " << size;
    EXPECT_EQ(loaded.error().kind, ErrorKind::Invalid);
    EXPECT_NE(loaded.error().what.find(path), std::string::npos);
  }
  std::ofstream(path, std::ios::trunc) << whole;
  EXPECT_TRUE(file.load());
}

TEST_F(StateTest, RemoveAllLeavesNoFolder) {
  const StateFile file(folder_ + "/default");
  ASSERT_TRUE(file.save({}));
  ASSERT_TRUE(file.save_pending({}));
  file.remove_all();
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/default"));
}

TEST_F(StateTest, WriteThatCannotHappenKeepsTheOldContent) {
  const std::string path = folder_ + "/file";
  ASSERT_TRUE(write_durably(path, "old"));
  ASSERT_TRUE(std::filesystem::create_directory(path + ".new"));  // in the temporary's way
  const auto written = write_durably(path, "new");
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().what.find(path), std::string::npos);
  EXPECT_EQ(*read_file(path), "old");
}

TEST_F(StateTest, SecondDaemonOfAnInstanceIsRefusedWithThePid) {
  const auto first = InstanceLock::acquire_instance(folder_, "a");
  ASSERT_TRUE(first) << first.error().what;
  const auto second = InstanceLock::acquire_instance(folder_, "a");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Conflict);
  EXPECT_NE(second.error().what.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_TRUE(InstanceLock::acquire_instance(folder_, "b"));
}

TEST_F(StateTest, PortOfANamespaceHasOneInstanceThatSaysItsName) {
  constexpr std::uint16_t kPort = 14789;
  auto first = InstanceLock::acquire_instance(folder_, "a");
  auto second = InstanceLock::acquire_instance(folder_, "b");
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->acquire_port(kPort));
  const pid_t answering = ::fork();
  if (answering == 0) {
    ::alarm(10);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(first->port_fd(), &readable);
    (void)::select(first->port_fd() + 1, &readable, nullptr, nullptr, nullptr);
    first->answer();
    ::_exit(0);
  }
  const auto refused = second->acquire_port(kPort);
  ::waitpid(answering, nullptr, 0);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("instance 'a'"), std::string::npos) << refused.error().what;
  EXPECT_TRUE(second->acquire_port(kPort + 1));
}

}  // namespace
}  // namespace vtepd
