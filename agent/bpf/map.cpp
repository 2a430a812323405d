// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/map.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace vtepd {

namespace {

// The kernel's own "not supported", which has no errno name in user space.
constexpr int kEnotsupp = 524;

bool batch_unsupported(int error) {
  return error == kEnotsupp || error == EOPNOTSUPP || error == EINVAL || error == EPERM;
}

bool is_per_cpu(std::uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

// Runs `batch(first, n)`, which returns {done, errno}, over [0, n). An element that fails is noted
// and stepped over. Where batches don't work at all, `single(i)` is called for each.
template <typename Batch, typename Single>
std::vector<MapFailure> run_batched(std::size_t n, const Batch& batch, const Single& single) {
  std::vector<MapFailure> failures;
  std::size_t next = 0;
  while (next < n) {
    const auto [done, error] = batch(next, n - next);
    if (error == 0) {
      return failures;
    }
    // A batch that was refused as a whole leaves the count as it was.
    if (batch_unsupported(error) || done >= n - next) {
      break;
    }
    next += done;
    failures.push_back({next, error});
    ++next;
  }
  for (; next < n; ++next) {
    if (const int error = single(next); error != 0) {
      failures.push_back({next, error});
    }
  }
  return failures;
}

}  // namespace

Result<RawMap> RawMap::create(UniqueFd fd) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  if (bpf_map_get_info_by_fd(fd.get(), &info, &size) != 0) {
    return fail_errno(errno, "read the description of a BPF map");
  }
  RawMap map;
  map.fd_ = std::move(fd);
  map.name_ = static_cast<const char*>(info.name);
  map.id_ = info.id;
  map.key_size_ = info.key_size;
  map.value_stride_ = info.value_size;
  map.max_entries_ = info.max_entries;
  if (is_per_cpu(info.type)) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) {
      return fail_errno(-cpus, "count the possible CPUs");
    }
    map.value_stride_ = (info.value_size + 7U) / 8U * 8U * static_cast<std::size_t>(cpus);
  }
  return map;
}

std::vector<MapFailure> RawMap::update(const std::byte* keys, const std::byte* values,
                                       std::size_t n) const {
  return run_batched(
      n,
      [&](std::size_t first, std::size_t left) {
        auto count = static_cast<__u32>(left);
        const int rc = bpf_map_update_batch(fd_.get(), keys + first * key_size_,
                                            values + first * value_stride_, &count, nullptr);
        return std::pair<std::size_t, int>(count, rc == 0 ? 0 : errno);
      },
      [&](std::size_t i) {
        const int rc = bpf_map_update_elem(fd_.get(), keys + i * key_size_,
                                           values + i * value_stride_, BPF_ANY);
        return rc == 0 ? 0 : errno;
      });
}

std::vector<MapFailure> RawMap::erase(const std::byte* keys, std::size_t n) const {
  auto failures = run_batched(
      n,
      [&](std::size_t first, std::size_t left) {
        auto count = static_cast<__u32>(left);
        const int rc = bpf_map_delete_batch(fd_.get(), keys + first * key_size_, &count, nullptr);
        return std::pair<std::size_t, int>(count, rc == 0 ? 0 : errno);
      },
      [&](std::size_t i) {
        return bpf_map_delete_elem(fd_.get(), keys + i * key_size_) == 0 ? 0 : errno;
      });
  std::erase_if(failures, [](const MapFailure& f) { return f.error == ENOENT; });
  return failures;
}

Result<bool> RawMap::lookup(const void* key, void* value) const {
  if (bpf_map_lookup_elem(fd_.get(), key, value) == 0) {
    return true;
  }
  if (errno == ENOENT) {
    return false;
  }
  return fail(error(errno, "look an entry up"));
}

Result<void> RawMap::for_each_chunk(const Chunk& visit) const {
  const auto batched = for_each_batch(visit);
  if (!batched) {
    return fail(batched.error());
  }
  return *batched ? Result<void>() : for_each_element(visit);
}

// False if the kernel has no batches for this map; nothing was visited then.
Result<bool> RawMap::for_each_batch(const Chunk& visit) const {
  std::size_t room = std::min<std::size_t>(std::max(max_entries_, 1U), 4096);
  std::vector<std::byte> keys;
  std::vector<std::byte> values;
  // A position is a bucket number for hash tables and a key for everything else.
  std::vector<std::byte> position(std::max<std::size_t>(key_size_, sizeof(__u32)));
  std::vector<std::byte> following(position.size());
  bool first = true;
  for (;;) {
    keys.resize(room * key_size_);
    values.resize(room * value_stride_);
    auto count = static_cast<__u32>(room);
    const int rc =
        bpf_map_lookup_batch(fd_.get(), first ? nullptr : position.data(), following.data(),
                             keys.data(), values.data(), &count, nullptr);
    const int failure = rc == 0 ? 0 : errno;
    if (failure == ENOSPC) {  // one bucket holds more than there is room for
      room *= 2;
      continue;
    }
    if (failure != 0 && failure != ENOENT) {
      return first && batch_unsupported(failure) ? Result<bool>(false)
                                                 : fail(error(failure, "read all entries"));
    }
    visit(keys.data(), values.data(), count);
    if (failure == ENOENT) {
      return true;
    }
    position.swap(following);
    first = false;
  }
}

Result<void> RawMap::for_each_element(const Chunk& visit) const {
  std::vector<std::byte> key(key_size_);
  std::vector<std::byte> next(key_size_);
  std::vector<std::byte> value(value_stride_);
  const void* position = nullptr;
  // Bounded, because a key that is deleted under the walk sends it back to the beginning.
  for (std::uint64_t steps = 0; steps <= 2ULL * max_entries_; ++steps) {
    if (bpf_map_get_next_key(fd_.get(), position, next.data()) != 0) {
      return errno == ENOENT ? Result<void>() : fail(error(errno, "read the next key"));
    }
    const auto found = lookup(next.data(), value.data());
    if (!found) {
      return fail(found.error());
    }
    if (*found) {
      visit(next.data(), value.data(), 1);
    }
    key.swap(next);
    position = key.data();
  }
  return fail(ErrorKind::Unavailable, name_ + ": changed while it was read");
}

Result<std::uint64_t> RawMap::count() const {
  std::uint64_t total = 0;
  auto done =
      for_each_chunk([&](const std::byte*, const std::byte*, std::size_t n) { total += n; });
  if (!done) {
    return fail(std::move(done.error()));
  }
  return total;
}

Error RawMap::update_error(int number, std::string_view option) const {
  // A hash table that is full says E2BIG, an LPM trie ENOSPC.
  if (number == E2BIG || number == ENOSPC) {
    return Error{ErrorKind::Exhausted, name_ + " is full (" + std::to_string(max_entries_) +
                                           " entries); raise " + std::string(option)};
  }
  return error(number, "update");
}

Error RawMap::error(int number, std::string_view operation) const {
  return Error::from_errno(number, name_ + ": " + std::string(operation));
}

}  // namespace vtepd
