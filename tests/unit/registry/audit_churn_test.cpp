// SPDX-License-Identifier: GPL-2.0-only
// Audits and repairs while others attach and detach: a change under way is no difference, and even
// one that is taken for it is not "mended", because its keys have moved on.
#include "registry/mend.h"
#include "unit/registry/registry_fixture.h"

#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

namespace vtepd::test {
namespace {

using namespace registry;

class AuditChurn : public RegistryTest {
 protected:
  AuditChurn() : network_(must_create("n", "10.0.0.0/24")) {
    for (const char* vtep : {"10.99.0.2", "10.99.0.3"}) {
      const auto address = *IpAddress::parse(vtep);
      put(keys_.node(address), encode_node({.vtep = address, .host = vtep, .instance = "default"}));
    }
  }

  // Attaches and detaches until told to stop.
  void churn(const std::string& vtep) {
    auto settings = options(vtep);
    settings.make_id = {};
    Registry registry(store_, settings);
    for (; !stop_; ++rounds_) {
      const auto made = registry.create_endpoint(network_, {});
      EXPECT_TRUE(made) << made.error().what;
      if (made) {
        EXPECT_TRUE(registry.activate_endpoint(*made, kSandboxId, "vtep1"));
        EXPECT_TRUE(registry.remove_endpoint(*made));
      }
    }
  }

  std::map<std::string, std::string> everything() {
    std::map<std::string, std::string> all;
    for (const auto& [key, pair] : store_.pairs()) {
      all[key] = pair.value;
    }
    return all;
  }

  // Twice at once, which is harder than what the agent does; answers what was changed.
  std::size_t repair(const Witness& witness) {
    const auto first = registry_.audit(witness);
    auto second = registry_.audit(witness);
    EXPECT_TRUE(first && second);
    std::size_t mended = 0;
    for (const auto& item : plan(confirmed(first->findings, second->findings), {}, false)) {
      const auto done = registry_.mend(item);
      EXPECT_TRUE(done) << done.error().what;
      mended += done && *done ? 1U : 0U;
    }
    return mended;
  }

  Network network_;
  std::atomic<bool> stop_{false};
  std::atomic<int> rounds_{0};
};

TEST_F(AuditChurn, NothingIsMendedThatIsOnlyBeingMadeOrRemoved) {
  must_attach(network_);
  const Witness witness{.vtep = *IpAddress::parse("10.99.0.9"), .owner = "default@10.99.0.9"};
  ASSERT_TRUE(registry_.audit(witness)->findings.empty());
  const auto before = everything();
  std::vector<std::thread> threads;
  for (const char* vtep : {"10.99.0.2", "10.99.0.3", "10.99.0.2", "10.99.0.3"}) {
    threads.emplace_back([this, vtep] { churn(vtep); });
  }
  std::size_t mended = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (int i = 0; i < 500 || (rounds_ <= 100 && std::chrono::steady_clock::now() < deadline); ++i) {
    mended += repair(witness);
  }
  stop_ = true;
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(mended, 0U);
  EXPECT_GT(rounds_, 100) << "the threads were at work meanwhile";
  EXPECT_EQ(everything(), before);
}

}  // namespace
}  // namespace vtepd::test
