// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_store.h"

#include "base/unique_fd.h"
#include "filestore/file_watch.h"
#include "filestore/store_core.h"

#include <chrono>
#include <utility>

namespace vtepd {

namespace {

constexpr std::chrono::seconds kReapPeriod{1};

// Its file is locked as long as the object lives, or the process.
class FileSession : public KvSession {
 public:
  FileSession(std::shared_ptr<filestore::StoreCore> core, UniqueFd fd, std::string id)
      : core_(std::move(core)), fd_(std::move(fd)), id_(std::move(id)) {}

  FileSession(const FileSession&) = delete;
  FileSession& operator=(const FileSession&) = delete;

  // If the store is away now, whoever sees it next does the rest.
  ~FileSession() override {
    fd_.reset();
    static_cast<void>(core_->reap_sessions());
  }

  [[nodiscard]] const std::string& id() const override { return id_; }

 private:
  std::shared_ptr<filestore::StoreCore> core_;
  UniqueFd fd_;
  std::string id_;
};

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(Options options) {
  auto core = filestore::StoreCore::open(options.dir, options.create);
  if (!core) {
    return fail(core.error());
  }
  return std::unique_ptr<FileStore>(new FileStore(std::move(*core)));
}

FileStore::FileStore(std::shared_ptr<filestore::StoreCore> core)
    : core_(std::move(core)), reaper_([this] { reap_until_stopped(); }) {}

FileStore::~FileStore() {
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  reaper_.join();
}

// An error is the store being away: the watches report that, and the next round tries again.
void FileStore::reap_until_stopped() {
  std::unique_lock guard(mutex_);
  while (!stopping_.wait_for(guard, kReapPeriod, [this] { return stop_; })) {
    guard.unlock();
    static_cast<void>(core_->reap_sessions());
    guard.lock();
  }
}

Result<std::optional<KvPair>> FileStore::get(const std::string& key) {
  return core_->get(key);
}

Result<std::vector<KvPair>> FileStore::list(const std::string& prefix) {
  return core_->list(prefix, {});
}

Result<bool> FileStore::put(const std::string& key, const std::string& value,
                            std::uint64_t expected, const KvSession* session) {
  return core_->put(key, value, expected, session == nullptr ? std::string_view() : session->id());
}

Result<bool> FileStore::erase(const std::string& key, std::uint64_t expected) {
  return core_->erase(key, expected);
}

Result<std::unique_ptr<KvSession>> FileStore::create_session() {
  std::string id;
  auto fd = core_->begin_session(id);
  if (!fd) {
    return fail(fd.error());
  }
  return std::unique_ptr<KvSession>(
      std::make_unique<FileSession>(core_, std::move(*fd), std::move(id)));
}

// What is required is told by the folder's marker file, whatever the scope; one file that changed
// is read alone, so no pulse is needed.
Result<std::unique_ptr<KvWatch>> FileStore::watch(const KvScope& scope,
                                                  std::function<void(KvEvent)> callback) {
  return filestore::FileWatch::start(core_, scope, std::move(callback));
}

FileStore::Stats FileStore::stats() const {
  const auto stats = core_->stats();
  return {stats.keys, stats.table_bytes, stats.journal_records, stats.journal_damaged,
          stats.ignored_files};
}

}  // namespace vtepd
