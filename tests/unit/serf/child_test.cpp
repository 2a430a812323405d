// SPDX-License-Identifier: GPL-2.0-only
// What the child prints and what it is given, without a child.
#include "serf/agent_process.h"
#include "serf/child_output.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace vtepd::serf {
namespace {

TEST(ChildOutput, KeepsTheLastErrorAndDropsTheBanner) {
  std::vector<std::string> lines;
  ChildOutput output([&](const std::string& line) { lines.push_back(line); });
  output.feed("==> Starting Serf agent...\n==> Failed to start the Serf agent: Error creating");
  EXPECT_EQ(output.trouble(), "");
  output.feed(" Serf: bind: address already in use\n    2026/11/25 21:47:00 [INFO] agent: x\n\n");
  EXPECT_EQ(output.trouble(),
            "Failed to start the Serf agent: Error creating Serf: bind: address already in use");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2], "2026/11/25 21:47:00 [INFO] agent: x");
  output.feed("    2026/11/25 21:47:01 [ERR] memberlist: no route\n");
  EXPECT_EQ(output.trouble(), "memberlist: no route");
}

TEST(ChildOutput, BoundsALineWithoutAnEnd) {
  std::vector<std::string> lines;
  ChildOutput output([&](const std::string& line) { lines.push_back(line); });
  output.feed(std::string(1U << 20U, 'x') + "\n\x1b[31mred\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].size(), ChildOutput::kMaxLine);
  EXPECT_EQ(lines[1], "[31mred");
}

TEST(AgentConfig, HoldsTheKeysAndQuotesNames) {
  const AgentConfig config{
      "h\"1", "192.0.2.1:7946", "a2V5", {IpAddress::v4(0x7f000001), 7373}, "geheim"};
  const auto json = nlohmann::json::parse(config.to_json());
  EXPECT_EQ(json["node_name"], "h\"1");
  EXPECT_EQ(json["rpc_addr"], "127.0.0.1:7373");
  EXPECT_EQ(json["rpc_auth"], "geheim");
  EXPECT_EQ(json["encrypt_key"], "a2V5");
  auto clear = config;
  clear.encrypt_key.clear();
  EXPECT_FALSE(nlohmann::json::parse(clear.to_json()).contains("encrypt_key"));
}

TEST(SecretFile, IsForItsOwnerAloneWhateverLayThere) {
  std::string folder = "/tmp/vtepd-serf-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/serf.json";
  std::ofstream(path) << "old";
  std::ofstream(path + ".new") << "left behind";
  chmod(path.c_str(), 0666);
  chmod((path + ".new").c_str(), 0666);

  ASSERT_TRUE(write_secret_file(path, "secret"));

  struct stat status {};

  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600u);
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "secret");
  EXPECT_FALSE(write_secret_file(folder + "/missing/serf.json", "x"));
  std::filesystem::remove_all(folder);
}

TEST(RandomKey, IsNeverTheSame) {
  const auto one = random_key();
  const auto other = random_key();
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->size(), 32u);
  EXPECT_NE(*one, *other);
}

}  // namespace
}  // namespace vtepd::serf
