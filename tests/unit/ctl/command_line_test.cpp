// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/command_line.h"

#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vtepd::ctl {
namespace {

Parsed parse(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) {
    arguments.push_back(word);
  }
  return parse_command_line(arguments);
}

Command command_of(const std::string& line) {
  const auto parsed = parse(line);
  EXPECT_TRUE(parsed.command) << line << ": " << parsed.err;
  return parsed.command.value_or(Command());
}

TEST(CommandLine, DefaultsAreTheInstances) {
  const auto command = command_of("show status");
  EXPECT_EQ(command.action, Action::ShowStatus);
  EXPECT_EQ(command.instance, "default");
  EXPECT_EQ(command.socket_path(), "/run/vtepd/default/api.sock");
  EXPECT_FALSE(command.json);
}

TEST(CommandLine, GlobalOptionsStandAnywhere) {
  for (const std::string line : {"--instance lab --json show fdb", "show fdb --instance lab --json",
                                 "--json show fdb --instance=lab"}) {
    const auto command = command_of(line);
    EXPECT_EQ(command.action, Action::ShowFdb) << line;
    EXPECT_EQ(command.socket_path(), "/run/vtepd/lab/api.sock") << line;
    EXPECT_TRUE(command.json) << line;
  }
  EXPECT_EQ(command_of("show fdb --socket /tmp/x").socket_path(), "/tmp/x");
}

TEST(CommandLine, NetworkCommands) {
  const auto create = command_of(
      "network create blue --subnet 10.1.0.0/24 --subnet fd00::/64 --vni 42 --mtu 1400 "
      "--address-space lab");
  EXPECT_EQ(create.action, Action::NetworkCreate);
  EXPECT_EQ(create.create.name, "blue");
  ASSERT_EQ(create.create.subnets.size(), 2U);
  EXPECT_EQ(create.create.subnets[1].to_string(), "fd00::/64");
  EXPECT_EQ(create.create.vni, Vni{42});
  EXPECT_EQ(create.create.container_mtu, 1400U);
  EXPECT_EQ(create.create.address_space, "lab");

  const auto plain = command_of("network create --subnet 10.1.0.0/24 blue");
  EXPECT_EQ(plain.create.name, "blue");
  EXPECT_FALSE(plain.create.vni);
  EXPECT_EQ(plain.create.container_mtu, 0U);
  EXPECT_EQ(plain.create.address_space, "GlobalDefault");

  EXPECT_EQ(command_of("network list").action, Action::NetworkList);
  EXPECT_EQ(command_of("network inspect blue").network, "blue");
  EXPECT_EQ(command_of("network rm blue").action, Action::NetworkRemove);
}

TEST(CommandLine, AttachTakesEverything) {
  const auto command = command_of(
      "attach blue --netns web --ifname eth7 --ip 10.1.0.7 --ip fd00::7 --mac 02:00:00:00:00:07 "
      "--name w --wait=30 --allow-address 10.1.0.9/32,10.2.0.0/16 --allow-address fd00::9/128 "
      "--allow-mac 00:00:5e:00:01:01 --no-source-check");
  EXPECT_EQ(command.action, Action::Attach);
  const auto& attach = command.attach;
  EXPECT_EQ(attach.network, "blue");
  EXPECT_EQ(attach.netns_path, "/run/netns/web");
  EXPECT_EQ(attach.ifname, "eth7");
  EXPECT_EQ(attach.address4->to_string(), "10.1.0.7");
  EXPECT_EQ(attach.address6->to_string(), "fd00::7");
  EXPECT_EQ(attach.mac->to_string(), "02:00:00:00:00:07");
  EXPECT_EQ(attach.name, "w");
  EXPECT_EQ(attach.wait, std::chrono::seconds(30));
  EXPECT_EQ(attach.allowed_addresses.size(), 3U);
  EXPECT_EQ(attach.allowed_macs.size(), 1U);
  EXPECT_FALSE(attach.source_check);
}

TEST(CommandLine, WaitNeedsNoValueAndTakesNoOther) {
  EXPECT_EQ(command_of("attach --wait blue --netns a").attach.wait, std::chrono::seconds(10));
  EXPECT_EQ(command_of("attach --wait blue --netns a").attach.network, "blue");
  EXPECT_EQ(command_of("attach blue --netns a --wait=0").attach.wait, std::chrono::seconds(0));
  EXPECT_FALSE(command_of("attach blue --netns a").attach.wait);
  EXPECT_TRUE(command_of("attach blue --netns a").attach.source_check);
}

TEST(CommandLine, NetworkMayHaveACommandsName) {
  EXPECT_EQ(command_of("attach show --netns a").attach.network, "show");
  EXPECT_EQ(command_of("network rm list").network, "list");
}

TEST(CommandLine, NamespaceIsANameOrAPath) {
  const auto path = [](const std::string& netns) {
    return command_of("attach blue --netns " + netns).attach.netns_path;
  };
  EXPECT_EQ(path("web"), "/run/netns/web");
  EXPECT_EQ(path("/proc/7/ns/net"), "/proc/7/ns/net");
  EXPECT_EQ(path("/run//netns/../netns/web"), "/run/netns/web");
  char here[4096];
  ASSERT_NE(getcwd(here, sizeof here), nullptr);
  EXPECT_EQ(path("./ns"), std::string(here) + "/ns");
}

TEST(CommandLine, DetachNamesTheEndpointOrItsPlace) {
  EXPECT_EQ(command_of("detach web").detach.endpoint, "web");
  const auto by_place = command_of("detach blue --netns web --ifname eth1").detach;
  EXPECT_EQ(by_place.endpoint, "");
  EXPECT_EQ(by_place.network, "blue");
  EXPECT_EQ(by_place.netns_path, "/run/netns/web");
  EXPECT_EQ(by_place.ifname, "eth1");
}

TEST(CommandLine, ShowCommands) {
  EXPECT_EQ(command_of("show neigh --network blue").network, "blue");
  EXPECT_EQ(command_of("show vteps").action, Action::ShowVteps);
  EXPECT_EQ(command_of("show endpoints").action, Action::ShowEndpoints);
  EXPECT_TRUE(command_of("show drops --all").all);
  EXPECT_EQ(command_of("show fdb --bpffs /b --state /s").bpffs, "/b");
}

TEST(CommandLine, HelpIsForPeopleAndSucceeds) {
  for (const std::string line : {"--help", "attach --help", "network create -h", "show --help"}) {
    const auto parsed = parse(line);
    EXPECT_FALSE(parsed.command);
    EXPECT_EQ(parsed.exit_code, 0) << line;
    EXPECT_EQ(parsed.err, "") << line;
    EXPECT_NE(parsed.out.find("Usage: vtepctl"), std::string::npos) << parsed.out;
  }
  EXPECT_NE(parse("--help").out.find("Exit codes:"), std::string::npos);
  EXPECT_NE(parse("attach --help").out.find("--wait[=SECONDS]"), std::string::npos);
  EXPECT_EQ(parse("--version").out.rfind("vtepctl ", 0), 0U);
  EXPECT_EQ(command_of("version").action, Action::Version);
}

struct WrongCase {
  const char* line;
  const char* error;
};

void PrintTo(const WrongCase& wrong, std::ostream* out) {
  *out << wrong.line;
}

class WrongUsage : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongUsage, IsExitCode2AndOneLine) {
  const auto parsed = parse(GetParam().line);
  EXPECT_FALSE(parsed.command);
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_EQ(parsed.out, "");
  EXPECT_EQ(parsed.err, std::string("error: ") + GetParam().error + " --help\n");
}

INSTANTIATE_TEST_SUITE_P(
    Lines, WrongUsage,
    testing::Values(
        WrongCase{"",
                  "a command is missing, one of 'network', 'attach', 'detach', 'address', 'show', "
                  "'diff', 'repair' and 'version'; see vtepctl"},
        WrongCase{"atach blue", "no command 'atach', did you mean 'attach'?; see vtepctl"},
        WrongCase{"show",
                  "a command is missing, one of 'fdb', 'neigh', 'vteps', 'endpoints', "
                  "'drops' and 'status'; see vtepctl show"},
        WrongCase{"show colours", "no command 'colours'; see vtepctl show"},
        WrongCase{"--colour show fdb", "unknown option '--colour'; see vtepctl show fdb"},
        WrongCase{"show vteps --network blue",
                  "unknown option '--network'; see vtepctl show vteps"},
        WrongCase{"show fdb --jsno",
                  "unknown option '--jsno', did you mean '--json'?; see vtepctl show fdb"},
        WrongCase{"attach blue", "--netns is required; see vtepctl attach"},
        WrongCase{"attach --netns a", "NETWORK is required; see vtepctl attach"},
        WrongCase{"attach blue red --netns a", "unexpected argument 'red'; see vtepctl attach"},
        WrongCase{"attach blue --netns a --ip 10.0.0.256",
                  "--ip: '10.0.0.256' is not an IP address; see vtepctl attach"},
        WrongCase{"attach blue --netns a --ip 10.0.0.1 --ip 10.0.0.2",
                  "--ip: one address of each family, not both 10.0.0.1 and 10.0.0.2; see vtepctl "
                  "attach"},
        WrongCase{"attach blue --netns a --mac 01:00:00:00:00:01",
                  "--mac: '01:00:00:00:00:01' is not a unicast MAC address, which an endpoint "
                  "needs; see vtepctl attach"},
        WrongCase{"attach blue --netns a --wait=soon",
                  "--wait: 'soon' is no whole number in 0 ... 3600; see vtepctl attach"},
        WrongCase{"attach blue --netns a --wait=-1",
                  "--wait: '-1' is no whole number in 0 ... 3600; see vtepctl attach"},
        WrongCase{"attach blue --netns a --allow-address 10.0.0.1",
                  "--allow-address: '10.0.0.1' is not an address with a prefix length: there is no "
                  "'/'; see vtepctl attach"},
        WrongCase{"attach blue --netns ..", "--netns: '..' is no namespace; see vtepctl attach"},
        WrongCase{"attach blue --netns /proc/self/ns/net",
                  "--netns: '/proc/self/ns/net' would be the daemon's own; name the process: "
                  "/proc/PID/ns/net; see vtepctl attach"},
        WrongCase{"network create blue", "--subnet is required; see vtepctl network create"},
        WrongCase{
            "network create blue --subnet fd00::/64",
            "--subnet: a network has one IPv4 subnet and at most one IPv6 subnet; see vtepctl "
            "network create"},
        WrongCase{"network create blue --subnet 10.0.0.0/8 --vni 16777216",
                  "--vni: '16777216' is no whole number in 0 ... 16777215; see vtepctl network "
                  "create"},
        WrongCase{"network create blue --subnet 10.0.0.0/8 --vni 0",
                  "--vni: VNI 0 is not in 1 ... 16777215; see vtepctl network create"},
        WrongCase{"network rm", "NAME is required; see vtepctl network rm"},
        WrongCase{"detach", "ENDPOINT is required; see vtepctl detach"},
        WrongCase{"detach web --ifname eth0", "--ifname needs --netns; see vtepctl detach"},
        WrongCase{"--instance A show fdb",
                  "--instance: 'A' is not 1 to 32 of a-z, 0-9 and '-'; see vtepctl show fdb"}));

}  // namespace
}  // namespace vtepd::ctl
