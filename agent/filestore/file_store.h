// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/kv_store.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace vtepd {

namespace filestore {
class StoreCore;
}

// The embedded store: one regular file per key under <dir>/kv, its content the value byte for byte,
// so that cat, git and rsync work on it (docs/filestore.md; filestore/file_names.h has the names).
// Any number of processes and of objects in one process may have the same folder open; it must be
// on a local file system (flock, inotify). Files that others write or replace count as changes.
//
// Threading: any thread may call; a thread of its own ends dead sessions, each watch has another.
// Errors: Unavailable while the folder or its marker is not there; Exhausted when the disk is full.
// Lifetime: watches and sessions may outlive the object.
class FileStore : public KvStore {
 public:
  struct Options {
    std::string dir;
    bool create = true;  // make the folder (0700) and the store if missing
  };

  static Result<std::unique_ptr<FileStore>> open(Options options);
  ~FileStore() override;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  Result<std::optional<KvPair>> get(const std::string& key) override;
  // Up to some thousand keys at one moment; a longer list is read in parts, between which others
  // may write.
  Result<std::vector<KvPair>> list(const std::string& prefix) override;
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   const KvSession* session = nullptr) override;
  Result<bool> erase(const std::string& key, std::uint64_t expected) override;
  Result<std::unique_ptr<KvSession>> create_session() override;
  Result<std::unique_ptr<KvWatch>> watch(const KvScope& scope,
                                         std::function<void(KvEvent)> callback) override;

  struct Stats {
    std::size_t keys = 0;         // that have an index
    std::size_t table_bytes = 0;  // memory for them
    std::size_t journal_records = 0;
    std::uint64_t journal_damaged = 0;  // lines that were skipped
    std::uint64_t ignored_files = 0;    // names that are no key's, at the last complete reading
  };

  [[nodiscard]] Stats stats() const;

 private:
  explicit FileStore(std::shared_ptr<filestore::StoreCore> core);
  void reap_until_stopped();

  std::shared_ptr<filestore::StoreCore> core_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread reaper_;
};

}  // namespace vtepd
