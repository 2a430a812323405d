// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "filestore/index_table.h"
#include "filestore/journal.h"
#include "filestore/store_dir.h"
#include "ports/kv_store.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtepd::filestore {

// The store behind FileStore, its sessions and its watches, which share it. Every operation holds
// the mutex (against threads) and the lock file (against processes and other objects), sees the
// folder checked and the journal read up to its end, and then works on the files.
class StoreCore {
 public:
  static Result<std::shared_ptr<StoreCore>> open(const std::string& dir, bool create);

  Result<std::optional<KvPair>> get(const std::string& key);
  Result<bool> put(const std::string& key, const std::string& value, std::uint64_t expected,
                   std::string_view session);
  Result<bool> erase(const std::string& key, std::uint64_t expected);

  // Keys with the prefix, sorted. `on_directory` hears of every folder below kv/ (by its path, ""
  // for kv/ itself) on which the answer depends, before it is read; an error of it ends the walk.
  // The lock is given up for a moment every few thousand keys, so that writers get on.
  using OnDirectory = std::function<Result<void>(const std::string& path)>;
  Result<std::vector<KvPair>> list(const std::string& prefix, const OnDirectory& on_directory);
  // The same for what lies below one folder.
  Result<std::vector<KvPair>> list_below(const std::string& directory, const std::string& prefix,
                                         const OnDirectory& on_directory);
  // The present state of these paths, in their order: a Put or a Delete each.
  Result<std::vector<KvEvent>> read_paths(const std::vector<std::string>& paths);

  // Whether the store is there; Unavailable with the reason if not.
  Result<void> check();

  Result<UniqueFd> begin_session(std::string& id);
  // Deletes the keys of every session whose holder is gone.
  Result<void> reap_sessions();

  struct Stats {
    std::size_t keys = 0;
    std::size_t table_bytes = 0;
    std::size_t journal_records = 0;
    std::uint64_t journal_damaged = 0;
    std::uint64_t ignored_files = 0;  // at the last complete reading
  };

  Stats stats();

  [[nodiscard]] const StoreDir& dir() const { return dir_; }

 private:
  // Held for the length of an operation. New indices are journalled in one write at its end.
  class Guard {
   public:
    explicit Guard(StoreCore& core) : core_(&core), mutex_(core.mutex_) {}

    Guard(Guard&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)),
          mutex_(std::move(other.mutex_)),
          locked_(std::exchange(other.locked_, -1)) {}

    Guard& operator=(Guard&&) = delete;
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard();
    Result<void> lock();

   private:
    StoreCore* core_;
    std::unique_lock<std::mutex> mutex_;
    int locked_ = -1;
  };
  struct Walk;

  explicit StoreCore(StoreDir dir) : dir_(std::move(dir)), journal_(dir_.shown(".vtepd/journal")) {}

  Result<Guard> enter();
  Result<void> refresh();
  Result<void> new_journal();
  Result<void> reserve();
  Result<void> flush();
  void compact_if_large();
  bool still_there(const JournalRecord& record);
  std::uint64_t record(JournalRecord::Kind kind, std::string_view path, std::uint64_t identity,
                       std::string_view session);
  std::uint64_t index_of(std::string_view path, std::uint64_t identity);
  Result<std::optional<KvPair>> read_pair(const std::string& key, const std::string& path);
  Result<std::uint64_t> current_index(const std::string& path);
  Result<std::uint64_t> write_temporary(const std::string& name, const std::string& value,
                                        const std::string& path);
  Result<void> move_into_place(const std::string& name, const std::string& path);
  Result<void> make_parents(const std::string& path);
  Result<void> sync_parent(const std::string& path);
  Result<void> remove_file(const std::string& path);
  void clear_temporaries();

  Result<void> walk(Walk& walk);
  Result<void> walk_directory(Walk& walk, const std::string& path, const std::string& key);
  Result<void> follow_prefix(Walk& walk, const std::string& path, const std::string& key,
                             std::size_t slash);
  Result<void> take_file(Walk& walk, int dir, const std::string& name, const std::string& path,
                         std::string key);
  Result<void> pause(Walk& walk);

  bool session_lives(const std::string& id);
  Result<void> reap(const std::string& id);
  Result<void> reap_holder_of(std::string_view path);

  std::mutex mutex_;
  StoreDir dir_;
  Journal journal_;
  IndexTable table_;
  std::string batch_;  // records made and not yet in the journal
  std::size_t batch_records_ = 0;
  std::uint64_t temporary_ = 0;
  bool reserved_ = false;  // a block of indices since the store was opened
  std::atomic<std::uint64_t> ignored_{0};
};

}  // namespace vtepd::filestore
