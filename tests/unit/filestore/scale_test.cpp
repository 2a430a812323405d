// SPDX-License-Identifier: GPL-2.0-only
#include "unit/contract/kv_store_contract.h"
#include "unit/filestore/temp_store.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::test {

namespace {

constexpr int kNetworks = 200;
constexpr int kEndpoints = 1000;

std::string id_of(int number) {
  std::array<char, 65> text{};
  std::snprintf(text.data(), text.size(), "%064d", number);
  return text.data();
}

// Written past the store, as rsync would.
void write_files(const std::filesystem::path& kv) {
  const std::string value(800, 'v');
  for (int n = 0; n < kNetworks; ++n) {
    const auto folder = kv / "docker/network/v1.0/endpoint" / id_of(n);
    std::filesystem::create_directories(folder);
    for (int e = 0; e < kEndpoints; ++e) {
      const auto path = (folder / (id_of(e) + "%2F")).string();
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      ASSERT_GE(fd, 0);
      ASSERT_EQ(::write(fd, value.data(), value.size()), static_cast<ssize_t>(value.size()));
      ::close(fd);
    }
  }
}

class Stopwatch {
 public:
  double seconds() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(begin_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

TEST(LongFileStore, LoadsTwoHundredThousandFilesWithoutAnIndex) {
  if (::getenv("VTEPD_SKIP_LONG") != nullptr) {
    GTEST_SKIP() << "VTEPD_SKIP_LONG is set";
  }
  TempDir temp;
  write_files(temp.path() / "s/kv");
  Stopwatch watch;
  auto store = must_open(temp.path() / "s");
  const auto first = store->list("");
  ASSERT_TRUE(first) << first.error().what;
  EXPECT_EQ(first->size(), static_cast<std::size_t>(kNetworks * kEndpoints));
  const auto unindexed = watch.seconds();
  const auto again = store->list("");
  const auto indexed = watch.seconds();
  const auto stats = store->stats();
  store = must_open(temp.path() / "s");
  const auto reopened = watch.seconds();
  const auto one = store->list("docker/network/v1.0/endpoint/" + id_of(7) + "/");
  const auto network = watch.seconds();
  EXPECT_EQ(one->size(), static_cast<std::size_t>(kEndpoints));
  std::printf(
      "200000 files: without index %.2f s, with %.2f s, reopening %.2f s, one network's %.3f s; "
      "%zu bytes of table per key\n",
      unindexed, indexed, reopened, network, stats.table_bytes / stats.keys);
  EXPECT_LT(unindexed, 30);
  EXPECT_LT(stats.table_bytes / stats.keys, 100U);
}

}  // namespace

}  // namespace vtepd::test
