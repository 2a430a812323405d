// SPDX-License-Identifier: GPL-2.0-only
#include "bench/store_reads.h"

#include "bench/need.h"
#include "consul/consul_store.h"
#include "filestore/file_names.h"
#include "filestore/file_store.h"
#include "support/consul.h"
#include "support/consul_keys.h"
#include "support/netns.h"

#include <chrono>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace vtepd::bench {

namespace {

// What the first snapshot of a watch has is counted.
double time_of_first(KvStore& store, std::chrono::steady_clock::time_point begin,
                     std::uint32_t endpoints) {
  std::promise<std::size_t> read;
  const auto watch = need(store.watch("docker/", [&, first = true](const KvEvent& event) mutable {
    if (event.kind == KvEvent::Kind::Snapshot && std::exchange(first, false)) {
      read.set_value(event.pairs.size());
    }
  }));
  const std::size_t keys = read.get_future().get();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (keys < endpoints) {
    throw std::runtime_error("a store has " + std::to_string(keys) + " keys of " +
                             std::to_string(endpoints));
  }
  return took.count();
}

}  // namespace

double read_files(const AgentBed& bed, std::uint32_t endpoints) {
  const std::string folder = test::lab_folder() + "/files";
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    const KvPair pair = bed.endpoint(i);
    const std::filesystem::path path = folder + "/kv/" + need(filestore::path_of_key(pair.key));
    if (i == 0) {
      std::filesystem::create_directories(path.parent_path());
    }
    test::write_file(path.string(), pair.value);
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto store = need(FileStore::open({.dir = folder}));
  return time_of_first(*store, begin, endpoints);
}

double read_consul(const AgentBed& bed, std::uint32_t endpoints) {
  if (test::consul_program().empty()) {
    return 0;
  }
  const test::NetNamespace netns;  // the machine may have a Consul
  test::ConsulServer server({.netns = netns.path()});
  server.start();
  std::vector<test::KeyWrite> keys;
  for (std::uint32_t i = 0; i < endpoints; ++i) {
    KvPair pair = bed.endpoint(i);
    keys.push_back({std::move(pair.key), std::move(pair.value)});
  }
  test::write_keys(netns, "127.0.0.1", keys);
  double took = 0;
  netns.inside([&] {
    const auto begin = std::chrono::steady_clock::now();
    const auto store = need(ConsulStore::open({.addresses = {server.url()}}));
    took = time_of_first(*store, begin, endpoints);
  });
  return took;
}

}  // namespace vtepd::bench
