// SPDX-License-Identifier: GPL-2.0-only
#include "config/config.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>

namespace vtepd {
namespace {

constexpr const char* kSmallest = "[underlay]\naddress = '192.0.2.1'\n";

TEST(Config, SmallestFileGetsEveryDefault) {
  const auto config = parse_config(kSmallest, "f.toml");

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->instance, "default");
  EXPECT_EQ(config->underlay.address, IpAddress::v4(0xc0000201));
  EXPECT_EQ(config->underlay.device, "");
  EXPECT_EQ(config->underlay.port, 4789);
  EXPECT_EQ(config->underlay.mode, "auto");
  EXPECT_EQ(config->store.kind, "file");
  EXPECT_EQ(config->store.path, "/var/lib/vtepd/store");
  EXPECT_EQ(config->store.prefix, "");
  EXPECT_EQ(config->gossip.kind, "none");
  EXPECT_EQ(config->datapath.kind, "auto");
  EXPECT_EQ(config->datapath.attach, "auto");
  EXPECT_EQ(config->datapath.endpoint_device, "veth");
  EXPECT_EQ(config->datapath.big_tcp, "auto");
  EXPECT_EQ(config->datapath.bpffs, "/sys/fs/bpf");
  EXPECT_EQ(config->limits.fdb, 262144U);
  EXPECT_EQ(config->limits.peers, 4096U);
  EXPECT_EQ(config->api.socket, "/run/vtepd/default/api.sock");
  EXPECT_EQ(config->log.level, "info");
  EXPECT_EQ(config->state_dir(), "/var/lib/vtepd/default");
  EXPECT_EQ(config->pin_dir(), "/sys/fs/bpf/vtepd/default");
}

TEST(Config, CommentsMayHoldAnyCharacter) {
  const auto config = parse_config(
      "# caf\xc3\xa9 \"quoted\n[underlay]\ndevice = 'eth#0' # na\xc3\xafve '\n", "f.toml");

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->underlay.device, "eth#0");
}

TEST(Config, EveryKeyOfAConsulStoreIsRead) {
  const auto config = parse_config(std::string(kSmallest) + R"(
[store]
kind = "consul"
addresses = ["https://consul-1.example:8501", "http://[2001:db8::1]:8500"]
prefix = "a"
token_file = "/etc/vtepd/token"
ca_file = "/etc/vtepd/ca.pem"
cert_file = "/etc/vtepd/cert.pem"
key_file = "/etc/vtepd/key.pem"
consistency = "stale"
body_limit = 2097152
)",
                                   "f.toml");

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->store.kind, "consul");
  EXPECT_EQ(config->store.addresses, (std::vector<std::string>{"https://consul-1.example:8501",
                                                               "http://[2001:db8::1]:8500"}));
  EXPECT_EQ(config->store.token_file, "/etc/vtepd/token");
  EXPECT_EQ(config->store.ca_file, "/etc/vtepd/ca.pem");
  EXPECT_EQ(config->store.cert_file, "/etc/vtepd/cert.pem");
  EXPECT_EQ(config->store.key_file, "/etc/vtepd/key.pem");
  EXPECT_EQ(config->store.consistency, "stale");
  EXPECT_EQ(config->store.body_limit, 2097152U);
}

TEST(Config, EveryKeyIsRead) {
  const auto config = parse_config(R"(
instance = "lab-2"
underlay = { device = "eth0", port = 8472, mode = "tc" }
[store]
kind = "file"
path = "/srv/store/"
prefix = "cluster/a"
[gossip]
kind = "none"
[datapath]
kind = "bpf"
attach = "clsact"
endpoint_device = "netkit"
big_tcp = "off"
bpffs = "/tmp/bpf"
[limits]
fdb = 1
neigh = 2
ports = 3
vnis = 4
peers = 16777216
[api]
socket = "/tmp/api"
[log]
level = "debug"
[paths]
run = "/tmp/run/"
state = "/tmp/state"
)",
                                   "f.toml");

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->instance, "lab-2");
  EXPECT_FALSE(config->underlay.address);
  EXPECT_EQ(config->underlay.device, "eth0");
  EXPECT_EQ(config->underlay.port, 8472);
  EXPECT_EQ(config->underlay.mode, "tc");
  EXPECT_EQ(config->store.path, "/srv/store");
  EXPECT_EQ(config->store.prefix, "cluster/a");
  EXPECT_EQ(config->datapath.kind, "bpf");
  EXPECT_EQ(config->datapath.attach, "clsact");
  EXPECT_EQ(config->datapath.endpoint_device, "netkit");
  EXPECT_EQ(config->datapath.big_tcp, "off");
  EXPECT_EQ(config->pin_dir(), "/tmp/bpf/vtepd/lab-2");
  EXPECT_EQ(config->limits.fdb, 1U);
  EXPECT_EQ(config->limits.neigh, 2U);
  EXPECT_EQ(config->limits.ports, 3U);
  EXPECT_EQ(config->limits.vnis, 4U);
  EXPECT_EQ(config->limits.peers, 16777216U);
  EXPECT_EQ(config->api.socket, "/tmp/api");
  EXPECT_EQ(config->log.level, "debug");
  EXPECT_EQ(config->runtime_dir(), "/tmp/run/lab-2");
  EXPECT_EQ(config->state_dir(), "/tmp/state/lab-2");
}

TEST(Config, PathsMoveTheDefaultsThatLieBelowThem) {
  const auto config = parse_config(
      std::string("instance='a'\n") + kSmallest + "[paths]\nrun='/r'\nstate='/s'\n", "f.toml");

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->api.socket, "/r/a/api.sock");
  EXPECT_EQ(config->store.path, "/s/store");
}

// preallocated hash entry: 48 bytes of kernel header, key and value rounded up to 8; 16 bytes a
// bucket, as many buckets as entries.
TEST(Config, DefaultMapsFit64MiB) {
  const Config::Limits limits;
  constexpr std::uint64_t kEntry = 48 + 16;
  const std::uint64_t bytes = limits.fdb * (kEntry + 16 + 16) + limits.neigh * (kEntry + 24 + 8) +
                              limits.ports * (kEntry + 8 + 40) + limits.vnis * (kEntry + 8 + 8) +
                              limits.peers * (kEntry + 8 + 96);
  EXPECT_LT(bytes, 52U << 20U);  // the rest is for members, counters and events
}

struct BadCase {
  const char* name;
  std::string text;
  std::string error;
};

class ConfigError : public testing::TestWithParam<BadCase> {};

TEST_P(ConfigError, NamesPlaceAndValue) {
  const auto config = parse_config(GetParam().text, "f.toml");

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(config.error().what, GetParam().error);
}

const std::string kUnderlayKeys =
    "[underlay] needs 'address' (this host's VTEP address) or 'device' (the interface that has it)";

INSTANTIATE_TEST_SUITE_P(
    Files, ConfigError,
    testing::Values(
        BadCase{"empty", "", "f.toml:1:1: " + kUnderlayKeys},
        BadCase{"stray_behind_hash_in_quotes", "instance = \"a# C\"\xef\xb3\xbfm = 2.0",
                "f.toml:1:18: a character outside ASCII can stand in a comment only"},
        BadCase{"stray_in_quotes", "[store]\npath = '/srv/caf\xc3\xa9'\n",
                "f.toml:2:17: a character outside ASCII can stand in a comment only"},
        BadCase{"stray_character", "# caf\xc3\xa9 'is fine'\nport = 0.0C\xc7\xbc\n",
                "f.toml:2:12: a character outside ASCII can stand in a comment only"},
        BadCase{"only_comments", "# nothing\n\n", "f.toml:1:1: " + kUnderlayKeys},
        BadCase{"empty_underlay", "\n[underlay]\nport = 1\n", "f.toml:2:1: " + kUnderlayKeys},
        BadCase{"both", "[underlay]\naddress = '192.0.2.1'\ndevice = 'eth0'\n",
                "f.toml:3:10: underlay.address and underlay.device exclude each other; keep one"},
        BadCase{
            "unknown_endpoint_device",
            std::string(kSmallest) + "[datapath]\nendpoint_device = 'macvlan'\n",
            "f.toml:4:19: datapath.endpoint_device is 'macvlan': it must be 'veth' or 'netkit'"},
        BadCase{
            "netkit_on_the_kernel_path",
            std::string(kSmallest) + "[datapath]\nkind = 'kernel'\nendpoint_device = 'netkit'\n",
            "f.toml:5:19: datapath.endpoint_device \"netkit\" is for the BPF data path alone; take "
            "\"veth\", or another datapath.kind than \"kernel\""},
        BadCase{"near_key", "[underlay]\nadress = '192.0.2.1'\ndevice = 'eth0'\n",
                "f.toml:2:1: unknown key 'adress' in [underlay]; did you mean 'address'?"},
        BadCase{"far_key", "[underlay]\ndevice = 'eth0'\n  colour = 3\n",
                "f.toml:3:3: unknown key 'colour' in [underlay]; there are 'address', 'device', "
                "'port' and 'mode'"},
        BadCase{"near_table", "[underlay]\ndevice = 'eth0'\n[stroe]\n",
                "f.toml:3:2: unknown table [stroe]; did you mean [store]?"},
        BadCase{"far_table", "[underlay]\ndevice = 'eth0'\n[zebra]\n",
                "f.toml:3:2: unknown table [zebra]; there are 'underlay', 'store', 'gossip', "
                "'datapath', 'limits', 'api', 'log' and 'paths'"},
        BadCase{"top_key", "instnce = 'a'\n[underlay]\ndevice = 'eth0'\n",
                "f.toml:1:1: unknown key 'instnce'; did you mean 'instance'?"},
        BadCase{"sub_table", "[underlay]\ndevice = 'eth0'\n[underlay.sub]\na = 1\n",
                "f.toml:3:11: unknown key 'sub' in [underlay]; there are 'address', 'device', "
                "'port' and 'mode'"},
        BadCase{"no_table", "underlay = 3\n",
                "f.toml:1:1: " + kUnderlayKeys +
                    "\nf.toml:1:12: 'underlay' must be a table, not an integer"},
        BadCase{
            "array_of_tables", "[[underlay]]\ndevice = 'eth0'\n",
            "f.toml:1:1: 'underlay' must be a table, not an array\nf.toml:1:1: " + kUnderlayKeys},
        BadCase{"string_for_port", "[underlay]\ndevice = 'eth0'\nport = '4789'\n",
                "f.toml:3:8: underlay.port must be an integer, not a string"},
        BadCase{"fraction_for_port", "[underlay]\ndevice = 'eth0'\nport = 4789.5\n",
                "f.toml:3:8: underlay.port must be an integer, not a number with a fraction"},
        BadCase{"number_for_device", "[underlay]\ndevice = 7\n",
                "f.toml:2:10: underlay.device must be a string, not an integer"},
        BadCase{"port_too_high", "[underlay]\ndevice = 'eth0'\nport = 65536\n",
                "f.toml:3:8: underlay.port is 65536: it must be in 1 ... 65535"},
        BadCase{"port_zero", "[underlay]\ndevice = 'eth0'\nport = 0\n",
                "f.toml:3:8: underlay.port is 0: it must be in 1 ... 65535"},
        BadCase{"no_address", "[underlay]\naddress = 'host-a'\n",
                "f.toml:2:11: underlay.address is 'host-a': that is not an IP address"},
        BadCase{"v6_underlay", "[underlay]\naddress = '2001:db8::1'\n",
                "f.toml:2:11: underlay.address is '2001:db8::1': only an IPv4 underlay is "
                "supported"},
        BadCase{"any_address", "[underlay]\naddress = '0.0.0.0'\n",
                "f.toml:2:11: underlay.address is '0.0.0.0': it must be a unicast address of this "
                "host"},
        BadCase{"device_too_long", "[underlay]\ndevice = 'a234567890123456'\n",
                "f.toml:2:10: underlay.device is 'a234567890123456': that is not the name of an "
                "interface"},
        BadCase{"mode", "[underlay]\ndevice = 'eth0'\nmode = 'fast'\n",
                "f.toml:3:8: underlay.mode is 'fast': it must be 'auto', 'tc' or 'xdp'"},
        BadCase{"store_kind", std::string(kSmallest) + "[store]\nkind = 'etcd'\n",
                "f.toml:4:8: store.kind is 'etcd': it must be 'file' or 'consul'"},
        BadCase{"consul_nowhere", std::string(kSmallest) + "[store]\nkind = 'consul'\n",
                "f.toml:3:1: [store] needs 'addresses' for kind 'consul': [\"http://HOST:PORT\"]"},
        BadCase{"address_without_port",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['http://a:8500', 'http://b']\n",
                "f.toml:5:31: store.addresses has 'http://b': it must be http://HOST:PORT or "
                "https://HOST:PORT"},
        BadCase{"address_with_a_secret",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['http://u:p@b:8500']\n",
                "f.toml:5:14: store.addresses has 'http://u:p@b:8500': it must be http://HOST:PORT "
                "or https://HOST:PORT"},
        BadCase{"addresses_no_array",
                std::string(kSmallest) + "[store]\nkind = 'consul'\naddresses = 'http://a:1'\n",
                "f.toml:5:13: store.addresses must be an array of strings, not a string"},
        BadCase{"addresses_none",
                std::string(kSmallest) + "[store]\nkind = 'consul'\naddresses = []\n",
                "f.toml:5:13: store.addresses is empty: it must have one item at least"},
        BadCase{"consul_key_of_a_file", std::string(kSmallest) + "[store]\ntoken_file = '/t'\n",
                "f.toml:4:14: store.token_file is for kind 'consul'"},
        BadCase{"path_of_consul",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['http://a:1']\npath = '/s'\n",
                "f.toml:6:8: store.path is for kind 'file'"},
        BadCase{"cert_alone",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['https://a:1']\ncert_file = '/c'\n",
                "f.toml:6:13: store.cert_file and store.key_file belong together"},
        BadCase{"ca_without_https",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['http://a:1']\nca_file = '/c'\n",
                "f.toml:6:11: store.ca_file is for https addresses, and there is none"},
        BadCase{"body_limit",
                std::string(kSmallest) +
                    "[store]\nkind = 'consul'\naddresses = ['http://a:1']\nbody_limit = 10\n",
                "f.toml:6:14: store.body_limit is 10: it must be in 1048576 ... 4294967296"},
        BadCase{"relative_path", std::string(kSmallest) + "[store]\npath = 'store'\n",
                "f.toml:4:8: store.path is 'store': it must be an absolute path"},
        BadCase{"prefix", std::string(kSmallest) + "[store]\nprefix = '/a'\n",
                "f.toml:4:10: store.prefix is '/a': it must not begin or end with '/' nor contain "
                "'//'"},
        BadCase{"gossip", std::string(kSmallest) + "[gossip]\nkind = 'smoke'\n",
                "f.toml:4:8: gossip.kind is 'smoke': it must be 'none' or 'serf'"},
        BadCase{"datapath", std::string(kSmallest) + "[datapath]\nkind = 'magic'\n",
                "f.toml:4:8: datapath.kind is 'magic': it must be 'auto', 'bpf' or 'kernel'"},
        BadCase{"limit", std::string(kSmallest) + "[limits]\nfdb = 16777217\n",
                "f.toml:4:7: limits.fdb is 16777217: it must be in 1 ... 16777216"},
        BadCase{"negative_limit", std::string(kSmallest) + "[limits]\nfdb = -1\n",
                "f.toml:4:7: limits.fdb is -1: it must be in 1 ... 16777216"},
        BadCase{"level", std::string(kSmallest) + "[log]\nlevel = true\n",
                "f.toml:4:9: log.level must be a string, not true or false"},
        BadCase{"instance", std::string("instance = 'A b'\n") + kSmallest,
                "f.toml:1:12: instance is 'A b': an instance is named with 1 to 32 of a-z, 0-9 and "
                "'-'"},
        BadCase{"long_socket",
                std::string(kSmallest) + "[api]\nsocket = '/" + std::string(107, 'x') + "'\n",
                "f.toml:4:10: api.socket '/" + std::string(107, 'x') +
                    "' is longer than the 107 bytes of a socket's path"},
        BadCase{"several", "[underlay]\ndevice = 'eth0'\nport = 0\nmdoe = 'tc'\n[log]\nlevel = 1\n",
                "f.toml:3:8: underlay.port is 0: it must be in 1 ... 65535\n"
                "f.toml:4:1: unknown key 'mdoe' in [underlay]; did you mean 'mode'?\n"
                "f.toml:6:9: log.level must be a string, not an integer"}),
    [](const auto& test) { return test.param.name; });

TEST(Config, NoTomlIsAnErrorWithItsPlace) {
  const auto config = parse_config("[underlay]\ndevice = eth0\n", "f.toml");

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what.rfind("f.toml:2:", 0), 0U) << config.error().what;
}

TEST(Config, KeyGivenTwiceIsAnErrorWithItsPlace) {
  const auto config = parse_config("[underlay]\ndevice = 'a'\ndevice = 'b'\n", "f.toml");

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what.rfind("f.toml:3:", 0), 0U) << config.error().what;
}

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/vtepd-config-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }

  void TearDown() override { std::system(("rm -rf '" + folder_ + "'").c_str()); }

  std::string write(const std::string& text) {
    std::ofstream(folder_ + "/vtepd.toml") << text;
    return folder_ + "/vtepd.toml";
  }

  std::string folder_;
};

TEST_F(ConfigFile, IsRead) {
  const auto config = load_config(write(kSmallest));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->underlay.port, 4789);
}

TEST_F(ConfigFile, ErrorsNameThePathAsGiven) {
  const auto path = write("[underlay]\n");
  const auto config = load_config(path);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what, path + ":1:1: " + kUnderlayKeys);
}

TEST_F(ConfigFile, MissingFileIsNamed) {
  const auto config = load_config(folder_ + "/none.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, ErrorKind::NotFound);
  EXPECT_EQ(config.error().what, folder_ + "/none.toml: No such file or directory");
}

TEST_F(ConfigFile, FolderIsRefused) {
  const auto config = load_config(folder_);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what, folder_ + ": is a directory, not a configuration file");
}

TEST_F(ConfigFile, HugeFileIsRefused) {
  const auto path = write("#" + std::string(2U << 20U, 'x'));
  const auto config = load_config(path);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what, path + ": is larger than 1 MiB");
}

TEST_F(ConfigFile, ExampleOfThePackageIsValid) {
  const auto config = load_config(VTEPD_EXAMPLE_CONFIG);
  EXPECT_TRUE(config) << config.error().what;
}

}  // namespace
}  // namespace vtepd
