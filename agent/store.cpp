// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include "consul/consul_store.h"
#include "filestore/file_store.h"

namespace vtepd {

Result<std::unique_ptr<KvStore>> open_store(const Config& config, bool create) {
  if (config.store.kind == "consul") {
    auto store = ConsulStore::open({.addresses = config.store.addresses,
                                    .token_file = config.store.token_file,
                                    .ca_file = config.store.ca_file,
                                    .cert_file = config.store.cert_file,
                                    .key_file = config.store.key_file,
                                    .consistency = config.store.consistency,
                                    .body_limit = config.store.body_limit});
    return store ? Result<std::unique_ptr<KvStore>>(std::move(*store)) : fail(store.error());
  }
  auto store = FileStore::open({.dir = config.store.path, .create = create});
  return store ? Result<std::unique_ptr<KvStore>>(std::move(*store)) : fail(store.error());
}

std::string store_name(const Config& config) {
  std::string where = config.store.path;
  for (const auto& address : config.store.addresses) {
    where += (where.empty() ? "" : ",") + address;
  }
  return config.store.kind + " " + where;
}

std::string store_identity(const Config& config) {
  return config.store.kind == "file" ? config.store.path
                                     : store_name(config) + " " + config.store.prefix;
}

RegistryWatch::Reach watched_reach(const Config& config) {
  return config.store.kind == "consul" ? RegistryWatch::Reach::InUse
                                       : RegistryWatch::Reach::Everything;
}

}  // namespace vtepd
