// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <vector>

namespace vtepd::test {

// The keys of a store and their values.
using StoredKeys = std::map<std::string, std::string>;

// What a store held after something was done.
struct StoredStep {
  std::string what;
  StoredKeys keys;
};

// As text: "# <what>", then a line "<key>\t<value>" for each key that is new or has another value
// since the step before, and "-<key>" for each that is gone. Lines before the first step are a
// comment.
std::string steps_to_text(const std::string& comment, const std::vector<StoredStep>& steps);
std::vector<StoredStep> steps_from_text(const std::string& text);

// Whatever of Docker's keys agent/registry cannot read, or would write back in other bytes; one
// line for each, with the key.
std::vector<std::string> objections(const StoredKeys& keys);

}  // namespace vtepd::test
