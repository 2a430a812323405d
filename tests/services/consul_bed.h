// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/consul_store.h"
#include "support/consul.h"

#include <memory>
#include <string>

namespace vtepd::test {

// A prefix and the key below it that is always there.
KvScope scope_of(const std::string& prefix, const std::string& required);

// Short sessions and a short patience, so that the tests are.
ConsulStore::Options store_options(const std::string& url);
std::unique_ptr<ConsulStore> open_store(const std::string& url);
std::unique_ptr<ConsulStore> open_store(const ConsulStore::Options& options);

}  // namespace vtepd::test
