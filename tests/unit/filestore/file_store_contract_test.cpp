// SPDX-License-Identifier: GPL-2.0-only
#include "unit/contract/kv_store_contract.h"
#include "unit/filestore/temp_store.h"

namespace vtepd::test {

namespace {

class FileStoreHarness : public KvStoreHarness {
 public:
  std::unique_ptr<KvStore> open() override { return must_open(dir_.path() / "store"); }

  [[nodiscard]] std::string address() const override { return dir_.path() / "store"; }

  [[nodiscard]] std::chrono::seconds session_grace() const override {
    return std::chrono::seconds(5);
  }

 private:
  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(FileStore, KvStoreContract,
                         testing::Values(HarnessMaker{
                             "file", [] { return std::make_unique<FileStoreHarness>(); }}),
                         testing::PrintToStringParamName());

}  // namespace

}  // namespace vtepd::test

int main(int argc, char** argv) {
  const int child = vtepd::test::run_contract_child(
      argc, argv, [](const std::string& address) { return vtepd::test::must_open(address); });
  if (child >= 0) {
    return child;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
