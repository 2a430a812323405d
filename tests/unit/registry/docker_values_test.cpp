// SPDX-License-Identifier: GPL-2.0-only
// Over what a real dockerd kept in Consul: tests/unit/registry/docker/*.kv, which tests/docker
// records.
#include "registry/decoder.h"
#include "unit/registry/stored_keys.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

namespace {

namespace fs = std::filesystem;

std::vector<StoredStep> steps_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return steps_from_text({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
}

std::vector<StoreEvent> decode(RegistryDecoder& decoder, const StoredKeys& keys) {
  KvEvent snapshot;
  snapshot.kind = KvEvent::Kind::Snapshot;
  for (const auto& [key, value] : keys) {
    snapshot.pairs.push_back({key, value, 1});
  }
  return decoder.decode(snapshot);
}

template <typename Event>
std::vector<Event> only(const std::vector<StoreEvent>& events) {
  std::vector<Event> found;
  for (const StoreEvent& event : events) {
    if (const auto* wanted = std::get_if<Event>(&event)) {
      found.push_back(*wanted);
    }
  }
  return found;
}

TEST(DockerValues, AllAreReadAndWrittenBackAsTheyWere) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(VTEPD_DOCKER_VALUES)) {
    const auto steps = steps_of(entry.path());
    ASSERT_FALSE(steps.empty()) << entry.path();
    RegistryDecoder decoder("");
    for (const StoredStep& step : steps) {
      EXPECT_THAT(objections(step.keys), testing::IsEmpty()) << entry.path() << ": " << step.what;
      EXPECT_THAT(only<store_event::Malformed>(decode(decoder, step.keys)), testing::IsEmpty())
          << entry.path() << ": " << step.what;
    }
    ++files;
  }
  EXPECT_GT(files, 10);
}

TEST(DockerValues, AWrongValueIsObjectedTo) {
  auto steps = steps_of(fs::path(VTEPD_DOCKER_VALUES) / "one-network.kv");
  ASSERT_GT(steps.size(), 3U);
  StoredKeys keys = steps.at(3).keys;
  ASSERT_THAT(objections(keys), testing::IsEmpty());
  std::size_t wrong = 0;
  for (auto& [key, value] : keys) {
    if (value.starts_with("{")) {
      value.insert(value.size() - 1, " ");
      ++wrong;
    }
  }
  EXPECT_THAT(objections(keys), testing::SizeIs(wrong));
}

// The steps of a container's life as the agent hears of them.
TEST(DockerValues, AContainerComesAndGoes) {
  const auto steps = steps_of(fs::path(VTEPD_DOCKER_VALUES) / "one-network.kv");
  RegistryDecoder decoder("");
  std::vector<std::string> heard;
  for (const StoredStep& step : steps) {
    const auto events = decode(decoder, step.keys);
    std::string line = step.what + ":";
    for (const auto& event : only<store_event::NetworkUp>(events)) {
      line += " " + event.network.name + "/" + std::to_string(event.network.subnets[0].vni.value);
    }
    for (const auto& event : only<store_event::EndpointsUp>(events)) {
      for (const auto& endpoint : event.endpoints) {
        line += " +" + endpoint.name + "=" + endpoint.address4->to_string();
      }
    }
    line += std::string(only<store_event::EndpointGone>(events).size(), '-');
    line += only<store_event::NetworkGone>(events).empty() ? "" : " gone";
    heard.push_back(line);
  }
  EXPECT_THAT(heard, testing::ElementsAre(
                         "dockerd has started:",
                         "docker network create -d overlay --subnet 192.168.0.0/24 blue: blue/0",
                         "docker create --name aa --net blue --ip 192.168.0.100:",
                         "docker start aa: blue/256 +aa=192.168.0.100/24",
                         "docker run --name bb --net blue: +bb=192.168.0.2/24", "docker stop aa:-",
                         "docker start aa: +aa=192.168.0.100/24", "docker rm -f aa:-",
                         "docker rm -f bb:-", "docker network rm blue: gone"));
}

}  // namespace

}  // namespace vtepd::test
