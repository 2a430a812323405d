// SPDX-License-Identifier: GPL-2.0-only
#include "registry/cas.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

namespace vtepd::registry {

Error too_many_tries(const std::string& key) {
  return Error{ErrorKind::Unavailable, "write '" + key + "': others changed it " +
                                           std::to_string(kMaxTries) +
                                           " times in a row; try again"};
}

void back_off(int tries) {
  constexpr int kDoublings = 6;
  constexpr int kUnitUs = 250;
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> pause(0, kUnitUs << std::min(tries, kDoublings));
  std::this_thread::sleep_for(std::chrono::microseconds(pause(random)));
}

Result<void> update(KvStore& store, const std::string& key, const Change& change) {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto pair = store.get(key);
    if (!pair) {
      return fail(pair.error());
    }
    const auto value = change(*pair);
    if (!value) {
      return fail(value.error());
    }
    if (!*value) {
      return {};
    }
    const auto written = store.put(key, **value, *pair ? (*pair)->index : 0);
    if (!written) {
      return fail(written.error());
    }
    if (*written) {
      return {};
    }
    back_off(tries);
  }
  return fail(too_many_tries(key));
}

Result<void> create_key(KvStore& store, const std::string& key, const std::string& value) {
  const auto written = store.put(key, value, 0);
  if (!written) {
    return fail(written.error());
  }
  if (!*written) {
    return fail(ErrorKind::Conflict, "the key '" + key + "' exists already");
  }
  return {};
}

Result<void> erase_key(KvStore& store, const std::string& key) {
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto pair = store.get(key);
    if (!pair) {
      return fail(pair.error());
    }
    if (!*pair) {
      return {};
    }
    const auto erased = store.erase(key, (*pair)->index);
    if (!erased) {
      return fail(erased.error());
    }
    if (*erased) {
      return {};
    }
    back_off(tries);
  }
  return fail(too_many_tries(key));
}

Undo::~Undo() {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    (*step)();
  }
}

}  // namespace vtepd::registry
