// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "filestore/store_core.h"
#include "filestore/tree_notify.h"
#include "ports/kv_store.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace vtepd::filestore {

// One watch: a thread that reads everything, then follows inotify, and reads everything again after
// a lost event, a moved folder, an outage or refresh(). May be destroyed from its own callback.
class FileWatch : public KvWatch {
 public:
  static Result<std::unique_ptr<KvWatch>> start(std::shared_ptr<StoreCore> core,
                                                const KvScope& scope,
                                                std::function<void(KvEvent)> callback);
  ~FileWatch() override;
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  void refresh() override;

 private:
  // Shared with the thread, which outlives the watch if the watch ends within the callback.
  struct Loop {
    std::shared_ptr<StoreCore> core;
    std::string prefix;
    bool single = false;
    std::function<void(KvEvent)> callback;
    UniqueFd wake;
    std::atomic<bool> stop{false};
    std::atomic<bool> reread{true};
    std::optional<TreeNotify> notify;
    std::string outage;  // its reason; empty: none

    void run();
    void wait();
    void read_everything();
    void follow();
    Result<void> deliver(const TreeNotify::Changes& changes);
    Result<void> deliver_folder(const std::string& path);
    void report_outage(const Error& error);
    void emit(KvEvent event);
    [[nodiscard]] bool relevant(const std::string& path) const;
    [[nodiscard]] bool in_scope(const std::string& key) const;
  };

  explicit FileWatch(std::shared_ptr<Loop> loop);

  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace vtepd::filestore
