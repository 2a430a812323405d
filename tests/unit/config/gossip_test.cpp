// SPDX-License-Identifier: GPL-2.0-only
#include "config/config.h"

#include <string>

#include <gtest/gtest.h>

namespace vtepd {
namespace {

const std::string kStart = "[underlay]\naddress = '192.0.2.1'\n[gossip]\n";

TEST(GossipConfig, AnAgentToStart) {
  const auto config = parse_config(kStart + R"(kind = 'serf'
program = '/opt/serf'
bind = '192.0.2.10'
port = 17946
encrypt_key_file = '/etc/key'
join = ['192.0.2.11', 'h2:7946']
)",
                                   "f.toml");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->gossip.kind, "serf");
  EXPECT_EQ(config->gossip.program, "/opt/serf");
  EXPECT_EQ(config->gossip.bind->to_string(), "192.0.2.10");
  EXPECT_EQ(config->gossip.port, 17946);
  EXPECT_EQ(config->gossip.encrypt_key_file, "/etc/key");
  EXPECT_EQ(config->gossip.join, (std::vector<std::string>{"192.0.2.11", "h2:7946"}));
  EXPECT_FALSE(config->gossip.rpc_address.has_value());
}

TEST(GossipConfig, TheKindAloneStartsOneByDefaults) {
  const auto config = parse_config(kStart + "kind = 'serf'\n", "f.toml");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->gossip.program, "serf");
  EXPECT_EQ(config->gossip.port, 7946);
  EXPECT_FALSE(config->gossip.bind.has_value());
}

TEST(GossipConfig, AnAgentThatRuns) {
  for (const char* rpc : {"127.0.0.1:7373", "[::1]:7373"}) {
    const auto config = parse_config(
        kStart + "kind = 'serf'\nrpc = '" + rpc + "'\nrpc_auth_file = '/etc/auth'\n", "f.toml");
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config->gossip.rpc_port, 7373);
    EXPECT_EQ(config->gossip.rpc_auth_file, "/etc/auth");
    EXPECT_EQ(config->gossip.rpc_address->is_v4(), rpc[0] == '1');
  }
}

struct BadGossip {
  const char* name;
  const char* lines;
  const char* message;
};

class GossipConfigRefuses : public testing::TestWithParam<BadGossip> {};

TEST_P(GossipConfigRefuses, WithTheLine) {
  const auto config = parse_config(kStart + GetParam().lines, "f.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, GossipConfigRefuses,
    testing::Values(
        BadGossip{"unknown_key", "kind = 'serf'\nprt = 1\n",
                  "f.toml:5:1: unknown key 'prt' in [gossip]; did you mean 'port'?"},
        BadGossip{
            "rpc_without_port", "rpc = '127.0.0.1'\n",
            "f.toml:4:7: gossip.rpc is '127.0.0.1': it must be an address and a port, such as "
            "'127.0.0.1:7373'"},
        BadGossip{"rpc_port_zero", "rpc = '127.0.0.1:0'\n",
                  "f.toml:4:7: gossip.rpc is '127.0.0.1:0': it must be an address and a port, such "
                  "as '127.0.0.1:7373'"},
        BadGossip{"rpc_without_brackets", "rpc = '::1:7373'\n",
                  "f.toml:4:7: gossip.rpc is '::1:7373': it must be an address and a port, such as "
                  "'127.0.0.1:7373'"},
        BadGossip{"rpc_and_port", "rpc = '127.0.0.1:7373'\nport = 7947\n",
                  "f.toml:5:8: gossip.port is for an agent that vtepd starts; gossip.rpc names one "
                  "that runs"},
        BadGossip{"key_of_no_agent", "rpc_auth_file = '/etc/auth'\n",
                  "f.toml:4:17: gossip.rpc_auth_file needs gossip.rpc"},
        BadGossip{
            "bind_to_all", "bind = '0.0.0.0'\n",
            "f.toml:4:8: gossip.bind is '0.0.0.0': it must be a unicast address of this host"},
        BadGossip{"join_with_blank", "join = ['a', 'b c']\n",
                  "f.toml:4:14: gossip.join has 'b c': it must be a host, or a host and a port"},
        BadGossip{"join_of_numbers", "join = [1]\n",
                  "f.toml:4:9: gossip.join must be an array of strings, not an integer"},
        BadGossip{"relative_file", "encrypt_key_file = 'key'\n",
                  "f.toml:4:20: gossip.encrypt_key_file is 'key': it must be an absolute path"}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace vtepd
