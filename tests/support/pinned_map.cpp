// SPDX-License-Identifier: GPL-2.0-only
#include "support/pinned_map.h"

#include <array>
#include <cstdint>
#include <stdexcept>

#include <linux/bpf.h>
#include <sys/syscall.h>

#include <unistd.h>

namespace vtepd::test {

namespace {

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

long bpf(int command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

PinnedMap::PinnedMap(const std::string& path) {
  bpf_attr attributes{};
  attributes.pathname = address_of(path.c_str());
  fd_ = static_cast<int>(bpf(BPF_OBJ_GET, attributes));
  if (fd_ < 0) {
    throw std::runtime_error("no map at " + path);
  }
}

PinnedMap::~PinnedMap() {
  close(fd_);
}

bool PinnedMap::has(const void* key) const {
  std::array<char, 256> value{};
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(fd_);
  attributes.key = address_of(key);
  attributes.value = address_of(value.data());
  return bpf(BPF_MAP_LOOKUP_ELEM, attributes) == 0;
}

}  // namespace vtepd::test
