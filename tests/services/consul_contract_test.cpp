// SPDX-License-Identifier: GPL-2.0-only
#include "services/consul_bed.h"
#include "unit/contract/kv_store_contract.h"

namespace vtepd::test {

namespace {

class ConsulHarness : public KvStoreHarness {
 public:
  ConsulHarness() { server_.start(); }

  std::unique_ptr<KvStore> open() override { return open_store(server_.url()); }

  [[nodiscard]] std::string address() const override { return server_.url(); }

  // Consul ends a session after its TTL of 3 s and before twice that, at its next look.
  [[nodiscard]] std::chrono::seconds session_grace() const override {
    return std::chrono::seconds(10);
  }

 private:
  ConsulServer server_;
};

std::unique_ptr<KvStoreHarness> make_harness() {
  return std::make_unique<ConsulHarness>();
}

INSTANTIATE_TEST_SUITE_P(Consul, KvStoreContract,
                         testing::Values(HarnessMaker{"consul", make_harness}),
                         testing::PrintToStringParamName());

}  // namespace

}  // namespace vtepd::test
