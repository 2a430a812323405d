// SPDX-License-Identifier: GPL-2.0-only
#include "docker/snapshot.h"

#include "registry/base64.h"

#include <cstdlib>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vtepd::test {

StoredKeys stored_keys(ConsulServer& consul) {
  StoredKeys found;
  for (const Json& entry : Json::parse(consul.kv({"export"}))) {
    const auto value = registry::base64_decode(entry.at("value").get<std::string>());
    if (!value) {
      throw std::runtime_error("consul kv export: " + entry.dump());
    }
    found[entry.at("key")] = *value;
  }
  return found;
}

Recorder::~Recorder() {
  if (const char* folder = std::getenv("VTEPD_CAPTURE")) {
    const std::string comment =
        "# SPDX-License-Identifier: GPL-2.0-only\n"
        "# What dockerd 20.10.5 kept in Consul 1.8.7 after each step, byte for byte. Written by\n"
        "# tests/docker: VTEPD_CAPTURE=FOLDER vtepd_docker_tests --gtest_filter='Recorded.*'\n";
    write_file(std::string(folder) + "/" + name_ + ".kv", steps_to_text(comment, steps_));
  }
}

const StoredKeys& Recorder::step(const std::string& what) {
  steps_.push_back({what, stored_keys(bed_.consul())});
  const StoredKeys& keys = steps_.back().keys;
  EXPECT_THAT(objections(keys), testing::IsEmpty()) << "after: " << what;
  return keys;
}

}  // namespace vtepd::test
