// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_store.h"

#include "filestore/journal.h"
#include "unit/contract/kv_store_contract.h"
#include "unit/filestore/temp_store.h"

#include <chrono>
#include <thread>

#include <sys/mount.h>
#include <sys/stat.h>

#include <unistd.h>

namespace vtepd::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Events = std::vector<KvEvent>;

class FileStoreTest : public testing::Test {
 protected:
  KvPair get(const std::string& key) {
    const auto pair = store_->get(key);
    EXPECT_TRUE(pair && *pair) << key;
    return pair && *pair ? **pair : KvPair{};
  }

  bool put(const std::string& key, const std::string& value, std::uint64_t expected) {
    const auto done = store_->put(key, value, expected);
    EXPECT_TRUE(done) << (done ? "" : done.error().what);
    return done && *done;
  }

  TempDir temp_;
  fs::path dir_ = temp_.path() / "store";
  std::unique_ptr<FileStore> store_ = must_open(dir_);
};

TEST_F(FileStoreTest, ValueIsTheFile) {
  ASSERT_TRUE(put("docker/network/v1.0/network/ab/", "{\"a\":1}", 0));
  EXPECT_EQ(slurp(dir_ / "kv/docker/network/v1.0/network/ab%2F"), "{\"a\":1}");

  struct stat status {};

  ASSERT_EQ(::stat(dir_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(FileStoreTest, HandEditGetsTheNextIndexAndIsSeen) {
  ASSERT_TRUE(put("a/k", "old", 0));
  const auto before = get("a/k");
  Recorder recorder;
  const auto watch = store_->watch("a/", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));

  spill(dir_ / "kv/a/k%", "by hand");

  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"a/k", "by hand"}};
  }));
  EXPECT_GT(get("a/k").index, before.index);
  EXPECT_FALSE(put("a/k", "stale", before.index));
  EXPECT_EQ(get("a/k").value, "by hand");
}

TEST_F(FileStoreTest, ReplacementByRenameAndNewFoldersAreSeen) {
  Recorder recorder;
  const auto watch = store_->watch("", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  spill(temp_.path() / "tree/new/deep/k%", "1");
  spill(temp_.path() / "tree/new/.k%.Xy12", "half");

  fs::rename(temp_.path() / "tree/new", dir_ / "kv/new");
  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"new/deep/k", "1"}};
  }));
  spill(dir_ / "kv/new/deep/.k%.tmp", "2");
  fs::rename(dir_ / "kv/new/deep/.k%.tmp", dir_ / "kv/new/deep/k%");
  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"new/deep/k", "2"}};
  }));
  fs::rename(dir_ / "kv/new", dir_ / "kv/other");
  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return replay(events) == decltype(replay(events)){{"other/deep/k", "2"}};
  }));
  fs::remove_all(dir_ / "kv/other");
  EXPECT_TRUE(recorder.wait_for([](const Events& events) { return replay(events).empty(); }));
}

TEST_F(FileStoreTest, WhatIsNoKeyIsIgnoredAndCounted) {
  ASSERT_TRUE(put("a/k", "v", 0));
  spill(dir_ / "kv/a/k%~", "");
  spill(dir_ / "kv/a/.k%.swp", "");
  spill(dir_ / "kv/readme", "");
  fs::create_symlink("k%", dir_ / "kv/a/link%");
  fs::create_directory_symlink("a", dir_ / "kv/dirlink");
  ASSERT_EQ(::mkfifo((dir_ / "kv/a/fifo%").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((dir_ / "kv/a/fifo").c_str(), 0600), 0);

  const auto pairs = store_->list("");

  ASSERT_TRUE(pairs) << pairs.error().what;
  ASSERT_EQ(pairs->size(), 1U);
  EXPECT_EQ(store_->stats().ignored_files, 7U);
}

TEST_F(FileStoreTest, KeepsIndicesOverARestart) {
  ASSERT_TRUE(put("k", "1", 0));
  ASSERT_TRUE(put("k", "2", get("k").index));
  const auto before = get("k").index;
  store_.reset();
  store_ = must_open(dir_);
  EXPECT_EQ(get("k").index, before);
  ASSERT_TRUE(put("k", "3", before));
  EXPECT_GT(get("k").index, before);
}

TEST_F(FileStoreTest, JournalTornAtAnyByteLosesNoKeyAndNoIndexComesBack) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(put("k", std::to_string(i), i == 0 ? 0 : get("k").index));
    ASSERT_TRUE(put("other" + std::to_string(i), "x", 0));
  }
  const auto highest = get("other2").index;
  store_.reset();
  const auto whole = slurp(dir_ / ".vtepd/journal");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    spill(dir_ / ".vtepd/journal", whole.substr(0, cut));
    store_ = must_open(dir_);
    ASSERT_TRUE(store_) << cut;
    EXPECT_EQ(store_->list("")->size(), 4U) << cut;
    const auto pair = get("k");
    EXPECT_EQ(pair.value, "2");
    ASSERT_TRUE(put("k", "2", pair.index)) << cut;
    EXPECT_GT(get("k").index, highest) << cut;
    EXPECT_FALSE(put("k", "x", pair.index)) << cut;
    store_.reset();
  }
}

TEST_F(FileStoreTest, DamageInTheMiddleOfTheJournalIsSkipped) {
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(put(key, key, 0));
  }
  const auto last = get("c").index;
  store_.reset();
  auto journal = slurp(dir_ / ".vtepd/journal");
  journal[journal.find(" b%") + 1] = '?';
  spill(dir_ / ".vtepd/journal", journal);

  store_ = must_open(dir_);

  EXPECT_GE(store_->stats().journal_damaged, 1U);
  EXPECT_EQ(get("c").index, last);
  EXPECT_GT(get("b").index, last);
}

TEST_F(FileStoreTest, DeletedJournalIsMadeAnewByTheLivingAndTheNext) {
  const auto other = must_open(dir_);
  ASSERT_TRUE(put("k", "1", 0));
  const auto before = get("k").index;
  fs::remove(dir_ / ".vtepd/journal");
  EXPECT_EQ((*other->get("k"))->value, "1");
  EXPECT_EQ(get("k").index, (*other->get("k"))->index);
  ASSERT_TRUE(put("k", "2", get("k").index));
  EXPECT_GT(get("k").index, before);

  const auto after = get("k").index;
  store_.reset();
  fs::remove(dir_ / ".vtepd/journal");
  store_ = must_open(dir_);
  EXPECT_GE(get("k").index, after);
}

TEST_F(FileStoreTest, LongJournalIsCompactedAndOthersNotice) {
  const auto other = must_open(dir_);
  ASSERT_TRUE(put("stays", "v", 0));
  const auto index = get("stays").index;
  {
    std::ofstream journal(dir_ / ".vtepd/journal", std::ios::app);
    for (std::uint64_t i = 1; i < 30000; ++i) {
      journal << filestore::to_line(
          {filestore::JournalRecord::Kind::Put, index + i, 7, {}, "gone%"});
    }
  }
  ASSERT_TRUE(store_->get("stays"));
  EXPECT_LT(store_->stats().journal_records, 100U);
  EXPECT_LT(fs::file_size(dir_ / ".vtepd/journal"), 10000U);
  EXPECT_EQ((*other->get("stays"))->index, index);
  ASSERT_TRUE(other->put("stays", "w", index).value());
  EXPECT_EQ(get("stays").value, "w");
}

TEST_F(FileStoreTest, LostMarkerIsAnOutageAndDeletesNothing) {
  ASSERT_TRUE(put("k", "v", 0));
  Recorder recorder;
  const auto watch = store_->watch("", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));

  fs::rename(dir_, temp_.path() / "away");
  ASSERT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Outage; }));
  EXPECT_NE(recorder.events().back().reason.find(dir_.string()), std::string::npos);
  const auto pair = store_->get("k");
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().kind, ErrorKind::Unavailable);
  fs::create_directory(dir_);  // as an empty mount point
  EXPECT_FALSE(store_->list(""));
  EXPECT_FALSE(store_->put("k", "x", 0));
  fs::remove(dir_);
  fs::rename(temp_.path() / "away", dir_);

  ASSERT_TRUE(recorder.wait_for([](const Events& events) {
    return events.back().kind == KvEvent::Kind::Snapshot && events.size() > 2;
  }));
  const auto events = recorder.events();
  EXPECT_EQ(events[events.size() - 2].kind, KvEvent::Kind::Recovered);
  for (const auto& event : events) {
    EXPECT_NE(event.kind, KvEvent::Kind::Delete);
  }
  EXPECT_EQ(events.back().pairs.size(), 1U);
}

TEST_F(FileStoreTest, LostKeyFolderIsAnOutage) {
  ASSERT_TRUE(put("k", "v", 0));
  Recorder recorder;
  const auto watch = store_->watch("", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  fs::rename(dir_ / "kv", temp_.path() / "kv");
  EXPECT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Outage; }));
  EXPECT_EQ(replay(recorder.events()).size(), 1U);
}

TEST_F(FileStoreTest, AnotherStoreUnderThePathIsRefused) {
  fs::rename(dir_, temp_.path() / "away");
  const auto other = must_open(dir_);
  const auto pair = store_->get("k");
  ASSERT_FALSE(pair);
  EXPECT_NE(pair.error().what.find("another store"), std::string::npos) << pair.error().what;
}

TEST_F(FileStoreTest, BurstBeyondInotifysQueueEndsInTheTruth) {
  Recorder recorder;
  std::atomic<bool> hold{true};
  const auto record = recorder.callback();
  const auto watch = store_->watch("", [&](KvEvent event) {
    record(std::move(event));
    while (hold) {
      std::this_thread::sleep_for(1ms);
    }
  });
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  int queue = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  spill(dir_ / "kv/one%", "1");
  for (int i = 0; i < queue + 100; ++i) {
    const auto name = dir_ / ("kv/" + std::to_string(i % 2) + "%");
    std::ofstream(name).flush();
    fs::remove(name);
  }
  spill(dir_ / "kv/last%", "2");
  hold = false;
  EXPECT_TRUE(recorder.wait_for([](const Events& events) {
    return events.back().kind == KvEvent::Kind::Snapshot && replay(events).size() == 2;
  }));
}

TEST_F(FileStoreTest, LeftoversOfWritesThatBrokeOffGoAtOpen) {
  spill(dir_ / ".vtepd/tmp/put.1.1", "half");
  const auto other = must_open(dir_);
  EXPECT_TRUE(fs::is_empty(dir_ / ".vtepd/tmp"));
}

TEST_F(FileStoreTest, WatchMayEndInItsOwnCallback) {
  std::unique_ptr<KvWatch> watch;
  std::atomic<bool> ready{false};
  std::atomic<int> calls{0};
  watch = *store_->watch("", [&](const KvEvent&) {
    while (!ready) {
      std::this_thread::sleep_for(1ms);
    }
    ++calls;
    watch.reset();
  });
  ready = true;
  ASSERT_TRUE(put("k", "v", 0));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls, 1);
}

TEST_F(FileStoreTest, EmptyFoldersGoWithTheirLastKey) {
  ASSERT_TRUE(put("a/b/c", "v", 0));
  EXPECT_TRUE(*store_->erase("a/b/c", get("a/b/c").index));
  EXPECT_FALSE(fs::exists(dir_ / "kv/a"));
  EXPECT_TRUE(fs::exists(dir_ / "kv"));
}

TEST(FileStoreOpen, RefusesWhatIsNoStore) {
  TempDir temp;
  spill(temp.path() / "foreign/letter", "dear");
  const auto foreign = FileStore::open({.dir = temp.path() / "foreign"});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().what.find("letter"), std::string::npos);
  const auto missing = FileStore::open({.dir = temp.path() / "no", .create = false});
  ASSERT_FALSE(missing);
  EXPECT_FALSE(fs::exists(temp.path() / "no"));
  spill(temp.path() / "file", "");
  EXPECT_FALSE(FileStore::open({.dir = temp.path() / "file"}));
}

TEST(FileStoreOpen, RefusesAStoreWithoutItsMarker) {
  TempDir temp;
  must_open(temp.path() / "s").reset();
  fs::remove(temp.path() / "s/.vtepd/store");
  const auto store = FileStore::open({.dir = temp.path() / "s"});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find("marker"), std::string::npos) << store.error().what;
}

TEST(FileStoreOpen, TakesKeysThatWereThereBefore) {
  TempDir temp;
  spill(temp.path() / "s/kv/a/b%", "v");
  const auto store = must_open(temp.path() / "s");
  EXPECT_EQ((*store->get("a/b"))->value, "v");
}

// A tmpfs of its own that is full or read-only.
class SmallDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("vtepd-test", temp_.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
      GTEST_SKIP() << "mounting a small tmpfs needs root";
    }
    mounted_ = true;
  }

  void TearDown() override {
    if (mounted_) {
      ::umount2(temp_.path().c_str(), MNT_DETACH);
    }
  }

  TempDir temp_;
  bool mounted_ = false;
};

TEST_F(SmallDisk, FullDiskKeepsTheOldValueAndSaysWhatToDo) {
  const auto store = must_open(temp_.path() / "s");
  ASSERT_TRUE(store->put("k", "old", 0).value());
  const auto before = **store->get("k");

  const auto large = store->put("k", std::string(400000, 'x'), before.index);

  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, ErrorKind::Exhausted);
  EXPECT_NE(large.error().what.find("kv/k%"), std::string::npos) << large.error().what;
  EXPECT_NE(large.error().what.find("make room"), std::string::npos) << large.error().what;
  EXPECT_EQ((*store->get("k"))->value, "old");
  EXPECT_TRUE(fs::is_empty(temp_.path() / "s/.vtepd/tmp"));
  std::ofstream(temp_.path() / "filler") << std::string(400000, 'x');
  EXPECT_FALSE(store->put("k", "new", before.index));
  EXPECT_EQ((*store->get("k"))->value, "old");
  EXPECT_TRUE(store->erase("k", (*store->get("k"))->index).value());
  fs::remove(temp_.path() / "filler");
  EXPECT_TRUE(store->put("k", "new", 0).value());
}

TEST_F(SmallDisk, ReadOnlyStoreIsRefusedWithTheReason) {
  must_open(temp_.path() / "s").reset();
  ASSERT_EQ(::mount(nullptr, temp_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto store = FileStore::open({.dir = temp_.path() / "s"});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find("Read-only"), std::string::npos) << store.error().what;
  EXPECT_NE(store.error().what.find((temp_.path() / "s").string()), std::string::npos);
}

TEST_F(SmallDisk, UnmountIsAnOutage) {
  const auto store = must_open(temp_.path() / "s");
  ASSERT_TRUE(store->put("k", "v", 0).value());
  Recorder recorder;
  const auto watch = store->watch("", recorder.callback());
  ASSERT_TRUE(recorder.wait_for([](const Events& events) { return !events.empty(); }));
  ::umount2(temp_.path().c_str(), MNT_DETACH);
  mounted_ = false;
  EXPECT_TRUE(recorder.wait_for(
      [](const Events& events) { return events.back().kind == KvEvent::Kind::Outage; }));
  EXPECT_EQ(replay(recorder.events()).size(), 1U);
}

}  // namespace

}  // namespace vtepd::test
