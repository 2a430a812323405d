// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/mixed_lab.h"
#include "unit/registry/stored_keys.h"

#include <string>
#include <vector>

namespace vtepd::test {

// Every key of Consul and its value, byte for byte.
StoredKeys stored_keys(ConsulServer& consul);

// Keeps what Consul holds after each step of a test, and writes it into a file <name>.kv of the
// folder that VTEPD_CAPTURE names, if it is set: so the fixtures of tests/unit/registry/docker are
// made.
class Recorder {
 public:
  Recorder(MixedLab& bed, std::string name) : bed_(bed), name_(std::move(name)) {}

  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Reads the store, and expects that agent/registry reads all of it.
  const StoredKeys& step(const std::string& what);

 private:
  MixedLab& bed_;
  std::string name_;
  std::vector<StoredStep> steps_;
};

}  // namespace vtepd::test
