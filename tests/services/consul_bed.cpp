// SPDX-License-Identifier: GPL-2.0-only
#include "services/consul_bed.h"

#include <stdexcept>

namespace vtepd::test {

KvScope scope_of(const std::string& prefix, const std::string& required) {
  KvScope scope(prefix);
  scope.required = required;
  return scope;
}

ConsulStore::Options store_options(const std::string& url) {
  ConsulStore::Options options;
  options.addresses = {url};
  options.session_ttl = Seconds(3);
  options.stall = Seconds(2);
  return options;
}

std::unique_ptr<ConsulStore> open_store(const ConsulStore::Options& options) {
  auto store = ConsulStore::open(options);
  if (!store) {
    throw std::runtime_error(store.error().what);
  }
  return std::move(*store);
}

std::unique_ptr<ConsulStore> open_store(const std::string& url) {
  return open_store(store_options(url));
}

}  // namespace vtepd::test
