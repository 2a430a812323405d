// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "support/netns.h"

#include <optional>
#include <string>
#include <vector>

namespace vtepd::test {

struct KeyWrite {
  std::string key;
  std::optional<std::string> value;  // none: it is deleted
};

// Writes many keys into the Consul at the address, 64 in a transaction, as it accepts at most.
// Throws if one is refused.
void write_keys(const NetNamespace& from, const std::string& address,
                const std::vector<KeyWrite>& keys);

}  // namespace vtepd::test
