// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/store_core.h"

#include "filestore/file_names.h"
#include "filestore/posix.h"

#include <cerrno>
#include <ctime>
#include <utility>

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

constexpr std::chrono::milliseconds kLockPatience{5000};
constexpr std::size_t kCompactSlack = 20000;
constexpr std::size_t kCompactFactor = 4;

}  // namespace

StoreCore::Guard::~Guard() {
  if (locked_ >= 0) {
    unlock_file(locked_);
  }
}

Result<void> StoreCore::Guard::lock() {
  bool reopened = false;
  if (auto there = core_->dir_.check(reopened); !there) {
    return there;
  }
  if (reopened) {
    core_->journal_ = Journal(core_->dir_.shown(".vtepd/journal"));
    core_->table_.clear();
  }
  const int fd = core_->dir_.lock();
  if (auto held = lock_file(fd, kLockPatience, core_->dir_.shown(".vtepd/lock")); !held) {
    return held;
  }
  locked_ = fd;
  return core_->refresh();
}

Result<StoreCore::Guard> StoreCore::enter() {
  Guard guard(*this);
  if (auto locked = guard.lock(); !locked) {
    return fail(locked.error());
  }
  return guard;
}

Result<std::shared_ptr<StoreCore>> StoreCore::open(const std::string& dir, bool create) {
  auto folder = StoreDir::open(dir, create);
  if (!folder) {
    return fail(folder.error());
  }
  std::shared_ptr<StoreCore> core(new StoreCore(std::move(*folder)));
  {
    auto guard = core->enter();
    if (!guard) {
      return fail(guard.error());
    }
    core->clear_temporaries();
    if (auto reserved = core->reserved_ ? Result<void>() : core->reserve(); !reserved) {
      return fail(reserved.error());
    }
  }
  if (auto reaped = core->reap_sessions(); !reaped) {
    return fail(reaped.error());
  }
  return core;
}

Result<void> StoreCore::refresh() {
  batch_.clear();
  batch_records_ = 0;
  const auto there = journal_.refresh(
      dir_.meta(), [this] { table_.clear(); },
      [this](const JournalRecord& record) { table_.apply(record); });
  if (!there) {
    return fail(there.error());
  }
  if (!*there) {
    return new_journal();
  }
  compact_if_large();
  return {};
}

// For a store that was just made, or whose journal was deleted.
Result<void> StoreCore::new_journal() {
  const auto live = [this](const JournalRecord& record) { return still_there(record); };
  if (auto made = journal_.rewrite(dir_.meta(), live); !made) {
    return made;
  }
  auto read = journal_.refresh(
      dir_.meta(), [this] { table_.clear(); },
      [this](const JournalRecord& record) { table_.apply(record); });
  return read ? reserve() : fail(read.error());
}

// Synced, unlike the other records: it is what keeps indices from going back after a crash. If the
// journal of an old store has no mark, what was given out is unknown, and the clock, in units of a
// microsecond, takes its place: no store writes a million times a second for long.
Result<void> StoreCore::reserve() {
  constexpr unsigned kMicroseconds = 20;
  auto known = std::max(table_.mark(), table_.next_index() - 1);
  if (table_.mark() == 0 && !dir_.created()) {
    known = std::max(known, static_cast<std::uint64_t>(::time(nullptr)) << kMicroseconds);
  }
  const JournalRecord mark{JournalRecord::Kind::Mark, known + IndexTable::kBlock, 0, {}, "-"};
  if (auto written = journal_.append(to_line(mark), 1); !written) {
    return written;
  }
  table_.apply(mark);
  reserved_ = true;
  return journal_.sync();
}

bool StoreCore::still_there(const JournalRecord& record) {
  if (record.kind == JournalRecord::Kind::Mark) {
    return record.index == table_.mark();
  }
  const auto* entry = table_.find(record.path);
  if (record.kind != JournalRecord::Kind::Put || entry == nullptr || entry->index != record.index) {
    return false;
  }
  return ::faccessat(dir_.kv(), std::string(record.path).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// A failure is no harm: the long journal is as good, and the next one tries again.
void StoreCore::compact_if_large() {
  if (journal_.records() < table_.size() * kCompactFactor + kCompactSlack) {
    return;
  }
  const auto live = [this](const JournalRecord& record) { return still_there(record); };
  if (!journal_.rewrite(dir_.meta(), live)) {
    return;
  }
  static_cast<void>(journal_.refresh(
      dir_.meta(), [this] { table_.clear(); },
      [this](const JournalRecord& record) { table_.apply(record); }));
}

std::uint64_t StoreCore::record(JournalRecord::Kind kind, std::string_view path,
                                std::uint64_t identity, std::string_view session) {
  const JournalRecord record{kind, table_.next_index(), identity, session, path};
  batch_ += to_line(record);
  ++batch_records_;
  table_.apply(record);
  return record.index;
}

std::uint64_t StoreCore::index_of(std::string_view path, std::uint64_t identity) {
  const auto* entry = table_.find(path);
  if (entry != nullptr && entry->identity == identity) {
    return entry->index;
  }
  return record(JournalRecord::Kind::Put, path, identity, {});
}

Result<void> StoreCore::flush() {
  if (batch_records_ == 0) {
    return {};
  }
  auto written = journal_.append(std::exchange(batch_, {}), std::exchange(batch_records_, 0));
  if (!written) {
    // The table holds indices that nobody else will know: start it again from the file.
    journal_.forget();
    return written;
  }
  return table_.needs_mark() ? reserve() : Result<void>();
}

Result<std::optional<KvPair>> StoreCore::read_pair(const std::string& key,
                                                   const std::string& path) {
  auto content = read_file(dir_.kv(), path, dir_.shown("kv/" + path));
  if (!content) {
    return fail(content.error());
  }
  if (!*content) {
    return std::optional<KvPair>();
  }
  const auto index = index_of(path, (*content)->identity);
  return std::optional(KvPair{key, std::move((*content)->bytes), index});
}

Result<std::optional<KvPair>> StoreCore::get(const std::string& key) {
  const auto path = path_of_key(key);
  if (!path) {
    return fail(path.error());
  }
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  if (auto reaped = reap_holder_of(*path); !reaped) {
    return fail(reaped.error());
  }
  auto pair = read_pair(key, *path);
  if (auto flushed = flush(); !flushed) {
    return fail(flushed.error());
  }
  return pair;
}

Result<std::vector<KvEvent>> StoreCore::read_paths(const std::vector<std::string>& paths) {
  auto guard = enter();
  if (!guard) {
    return fail(guard.error());
  }
  std::vector<KvEvent> events;
  for (const auto& path : paths) {
    auto key = key_of_path(path);
    if (!key) {
      continue;
    }
    auto pair = read_pair(*key, path);
    if (!pair) {
      return fail(pair.error());
    }
    auto& event = events.emplace_back();
    event.kind = *pair ? KvEvent::Kind::Put : KvEvent::Kind::Delete;
    event.pairs.push_back(*pair ? std::move(**pair) : KvPair{std::move(*key), {}, 0});
  }
  if (auto flushed = flush(); !flushed) {
    return fail(flushed.error());
  }
  return events;
}

Result<void> StoreCore::check() {
  const std::lock_guard guard(mutex_);
  bool reopened = false;
  auto there = dir_.check(reopened);
  if (reopened) {
    journal_ = Journal(dir_.shown(".vtepd/journal"));
    table_.clear();
  }
  return there;
}

StoreCore::Stats StoreCore::stats() {
  const std::lock_guard guard(mutex_);
  return {table_.size(), table_.bytes(), journal_.records(), journal_.damaged(), ignored_.load()};
}

}  // namespace vtepd::filestore
