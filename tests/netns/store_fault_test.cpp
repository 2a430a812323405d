// SPDX-License-Identifier: GPL-2.0-only
// The store's disk gets full, read-only or goes away; the data path does not notice.
#include "support/lab.h"

#include <functional>
#include <stdexcept>
#include <tuple>

#include <gtest/gtest.h>

namespace vtepd::test {
namespace {

// The lab's store on a file system of its own.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& folder) : folder_(folder) {
    must({"mount", "-t", "tmpfs", "-o", "size=2m", "vtepd-test", folder});
  }

  ~SmallDisk() { run({"umount", "-l", folder_}); }

  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void read_only(bool on) const {
    must({"mount", "-o", on ? "remount,ro" : "remount,rw", folder_});
  }

  void fill() const {
    run({"dd", "if=/dev/zero", "of=" + folder_ + "/ballast", "bs=4096", "count=1000"});
  }

  void empty() const { must({"rm", "-f", folder_ + "/ballast"}); }

 private:
  static void must(const std::vector<std::string>& words) {
    const Outcome outcome = run(words);
    if (!outcome.ok()) {
      throw std::runtime_error(words.at(0) + ": " + outcome.text());
    }
  }

  std::string folder_;
};

class StoreFault : public testing::Test {
 protected:
  StoreFault() : disk_(lab_.store()) { std::tie(a_, b_) = attach_neighbours(lab_); }

  ~StoreFault() override {
    for (int number = 1; number <= 2; ++number) {
      lab_.host(number).stop();
    }
  }

  // An attach fails with a clear word, pings go on, and all is well again after `mend`.
  void survives(const std::vector<std::string>& words, const std::function<void()>& mend) {
    const NetNamespace netns;
    const Outcome refused =
        lab_.host(1).ctl({"attach", "blue", "--netns", netns.path(), "--ip", "192.168.7.40"});
    EXPECT_EQ(refused.code, 1) << refused.text();
    for (const std::string& word : words) {
      EXPECT_NE(refused.err.find(word), std::string::npos) << refused.text();
    }
    EXPECT_TRUE(a_->pings(b_->address)) << "while the store is in trouble";

    mend();

    const auto attached = [&] {
      return lab_.host(1)
          .ctl({"attach", "blue", "--netns", netns.path(), "--ip", "192.168.7.40"})
          .ok();
    };
    EXPECT_TRUE(wait_until(attached, Seconds(10), Milliseconds(300)));
    await_known(lab_.host(2), "192.168.7.40");
    EXPECT_TRUE(b_->pings("192.168.7.40"));
  }

  Lab lab_;
  SmallDisk disk_;
  Container* a_ = nullptr;
  Container* b_ = nullptr;
};

// A daemon that starts without its store keeps what the last one had, and catches up later.
TEST_F(StoreFault, RestartWhileTheStoreIsUnreadableWithdrawsNothing) {
  Host& host = lab_.host(1);
  const auto fdb = host.rows("fdb");
  const auto neighbours = host.rows("neigh");
  host.kill9();
  lab_.host(2).stop();
  const std::string away = lab_.store() + "/kv.away";
  ASSERT_TRUE(run({"mv", lab_.store() + "/kv", away}).ok());

  host.launch();
  ASSERT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "status"}).code == 1;
      },
      Seconds(10)))
      << host.ctl({"show", "status"}).text();

  EXPECT_NE(host.ctl({"show", "status"}).text().find(lab_.store()), std::string::npos);
  EXPECT_EQ(host.rows("fdb").size(), fdb.size());
  EXPECT_EQ(host.rows("neigh").size(), neighbours.size());
  EXPECT_TRUE(a_->pings(b_->address));
  EXPECT_TRUE(b_->pings(a_->address));
  const NetNamespace netns;
  const Outcome refused = host.ctl({"attach", "blue", "--netns", netns.path()});
  EXPECT_EQ(refused.code, 1) << refused.text();
  EXPECT_NE(refused.err.find("store"), std::string::npos) << refused.text();

  ASSERT_TRUE(run({"mv", away, lab_.store() + "/kv"}).ok());
  EXPECT_TRUE(wait_until(
      [&] {
        return host.ctl({"show", "status"}).ok();
      },
      Seconds(10)))
      << host.ctl({"show", "status"}).text();
  lab_.host(2).start();
  EXPECT_EQ(host.rows("fdb").size(), fdb.size());
  EXPECT_TRUE(a_->pings(b_->address));
  const Container& fresh = host.attach("blue", "192.168.7.41", {"--wait"});
  EXPECT_TRUE(b_->pings(fresh.address));
}

TEST_F(StoreFault, ReadOnlyDisk) {
  // A disk with files open for writing cannot be made read-only by hand.
  Host& host = lab_.host(1);
  host.stop();
  lab_.host(2).stop();
  disk_.read_only(true);

  host.launch();
  ASSERT_TRUE(wait_until([&] { return host.ctl({"show", "status"}).code == 1; }, Seconds(10)));
  const std::string status = host.ctl({"show", "status"}).text();
  EXPECT_NE(status.find(lab_.store()), std::string::npos) << status;
  EXPECT_NE(status.find("Read-only"), std::string::npos) << status;
  EXPECT_TRUE(a_->pings(b_->address)) << "the data path needs no store";

  disk_.read_only(false);
  EXPECT_TRUE(wait_until([&] { return host.ctl({"show", "status"}).ok(); }, Seconds(10)));
  lab_.host(2).start();
  const Container& fresh = host.attach("blue", "192.168.7.41", {"--wait"});
  EXPECT_TRUE(b_->pings(fresh.address));
}

// Where an instance was never in step with a store, there is nothing to go on by.
TEST(StoreFaultAtFirst, UnusableStoreIsRefused) {
  Lab lab({.hosts = 1});
  const SmallDisk disk(lab.store());
  disk.read_only(true);
  Host& host = lab.host(1);
  write_file(host.config_path(), host.config());

  const Outcome refused = host.run_daemon();

  EXPECT_GT(refused.code, 0) << refused.text();
  EXPECT_NE(refused.err.find(lab.store()), std::string::npos) << refused.text();
  EXPECT_NE(refused.err.find("Read-only"), std::string::npos) << refused.text();
  disk.read_only(false);
  host.start();
  host.stop();
}

TEST_F(StoreFault, FullDisk) {
  disk_.fill();
  survives({lab_.store()}, [&] { disk_.empty(); });
}

TEST_F(StoreFault, StoreGone) {
  const std::string kv = lab_.store() + "/kv";
  ASSERT_TRUE(run({"mv", kv, kv + ".away"}).ok());
  EXPECT_TRUE(wait_until(
      [&] {
        return lab_.host(1).ctl({"show", "status"}).code == 1;
      },
      Seconds(10)));
  survives({"store"}, [&] { run({"mv", kv + ".away", kv}); });
}

}  // namespace
}  // namespace vtepd::test
