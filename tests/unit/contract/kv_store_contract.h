// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/kv_store.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include <gtest/gtest.h>

// What every KvStore must do. An implementation's test program derives a harness, instantiates the
// suite with it and, in its main(), hands the arguments to run_contract_child():
//
//   INSTANTIATE_TEST_SUITE_P(Mine, KvStoreContract, testing::Values(make_my_harness));
namespace vtepd::test {

// One empty store of a test's own.
class KvStoreHarness {
 public:
  virtual ~KvStoreHarness() = default;
  virtual std::unique_ptr<KvStore> open() = 0;
  // What another process needs to open the same store.
  [[nodiscard]] virtual std::string address() const = 0;
  // How long a dead process's session may live on.
  [[nodiscard]] virtual std::chrono::seconds session_grace() const = 0;
};

struct HarnessMaker {
  const char* name;
  std::function<std::unique_ptr<KvStoreHarness>()> make;

  friend std::ostream& operator<<(std::ostream& out, const HarnessMaker& maker) {
    return out << maker.name;
  }
};

using ChildOpener = std::function<std::unique_ptr<KvStore>(const std::string& address)>;

// For main(): plays a child's part and returns its exit status, or -1 if this is no child.
int run_contract_child(int argc, char** argv, const ChildOpener& opener);

// This program again, as another process. Killed, if it still runs, when the object goes.
class Child {
 public:
  Child(const std::string& part, const std::string& address, const std::string& key,
        const std::string& argument = "0");
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool wait_until_ready();  // until it has said so on its output
  void kill_now();
  int wait();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

// Adds one to a number kept under the key, by compare-and-set.
void count_up(KvStore& store, const std::string& key, int times);

// Collects what a watch reports.
class Recorder {
 public:
  std::function<void(KvEvent)> callback();
  bool wait_for(const std::function<bool(const std::vector<KvEvent>&)>& condition,
                std::chrono::milliseconds patience = std::chrono::seconds(10));
  std::vector<KvEvent> events();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<KvEvent> events_;
};

// Keys and values that somebody who applies these events in order ends up with.
std::vector<std::pair<std::string, std::string>> replay(const std::vector<KvEvent>& events);

class KvStoreContract : public testing::TestWithParam<HarnessMaker> {
 protected:
  void SetUp() override;
  KvPair must_get(const std::string& key);
  bool must_put(const std::string& key, const std::string& value, std::uint64_t expected);

  std::unique_ptr<KvStoreHarness> harness_;
  std::unique_ptr<KvStore> store_;
};

}  // namespace vtepd::test
