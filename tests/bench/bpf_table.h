// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <bpf/bpf.h>

namespace vtepd::bench {

// Adds entries to a BPF hash map, many in one system call. Those of the last calls are there once
// this is gone. Throws where the map takes one no longer.
template <typename Key, typename Value>
class BpfTable {
 public:
  explicit BpfTable(int map) : map_(map) {}

  ~BpfTable() noexcept(false) { flush(); }

  BpfTable(const BpfTable&) = delete;
  BpfTable& operator=(const BpfTable&) = delete;

  void put(const Key& key, const Value& value) {
    keys_.push_back(key);
    values_.push_back(value);
    if (keys_.size() == kBatch) {
      flush();
    }
  }

 private:
  static constexpr std::size_t kBatch = 8192;

  void flush() {
    auto count = static_cast<__u32>(keys_.size());
    if (count > 0 &&
        bpf_map_update_batch(map_, keys_.data(), values_.data(), &count, nullptr) != 0) {
      throw std::runtime_error(std::string("fill a BPF map: ") + std::strerror(errno));
    }
    keys_.clear();
    values_.clear();
  }

  int map_;
  std::vector<Key> keys_;
  std::vector<Value> values_;
};

}  // namespace vtepd::bench
