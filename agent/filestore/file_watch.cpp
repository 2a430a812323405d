// SPDX-License-Identifier: GPL-2.0-only
#include "filestore/file_watch.h"

#include "filestore/file_names.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include <sys/eventfd.h>

#include <poll.h>
#include <unistd.h>

namespace vtepd::filestore {

namespace {

// How often the marker is looked for, and how soon a store that is away is tried again.
constexpr int kHealthPeriodMs = 1000;

}  // namespace

Result<std::unique_ptr<KvWatch>> FileWatch::start(std::shared_ptr<StoreCore> core,
                                                  const KvScope& scope,
                                                  std::function<void(KvEvent)> callback) {
  auto loop = std::make_shared<Loop>();
  loop->core = std::move(core);
  loop->prefix = scope.prefix;
  loop->single = scope.single;
  loop->callback = std::move(callback);
  loop->wake = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!loop->wake.valid()) {
    return fail_errno(errno, "watch the store");
  }
  return std::unique_ptr<KvWatch>(new FileWatch(std::move(loop)));
}

FileWatch::FileWatch(std::shared_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([shared = loop_] { shared->run(); }) {}

FileWatch::~FileWatch() {
  loop_->stop = true;
  ::eventfd_write(loop_->wake.get(), 1);
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void FileWatch::refresh() {
  loop_->reread = true;
  ::eventfd_write(loop_->wake.get(), 1);
}

void FileWatch::Loop::run() {
  while (!stop) {
    if (reread.exchange(false)) {
      read_everything();
    }
    if (!stop && !reread) {
      wait();
    }
    if (!stop && !reread && outage.empty()) {
      follow();
    }
  }
}

void FileWatch::Loop::wait() {
  std::array<pollfd, 2> fds{{{wake.get(), POLLIN, 0}, {notify ? notify->fd() : -1, POLLIN, 0}}};
  const int ready = ::poll(fds.data(), fds.size(), kHealthPeriodMs);
  std::uint64_t count = 0;
  ::eventfd_read(wake.get(), &count);
  if (ready != 0) {
    return;
  }
  if (!outage.empty()) {
    reread = true;
  } else if (auto there = core->check(); !there) {
    report_outage(there.error());
  }
}

// The folders are watched before they are read, so what changes meanwhile is reported afterwards.
void FileWatch::Loop::read_everything() {
  notify.reset();
  if (auto there = core->check(); !there) {
    report_outage(there.error());
    return;
  }
  auto fresh = TreeNotify::create(core->dir().kv_path());
  if (!fresh) {
    report_outage(fresh.error());
    return;
  }
  notify.emplace(std::move(*fresh));
  auto pairs = core->list(prefix, [this](const std::string& path) { return notify->add(path); });
  if (!pairs) {
    report_outage(pairs.error());
    return;
  }
  std::erase_if(*pairs, [this](const KvPair& pair) { return !in_scope(pair.key); });
  if (!std::exchange(outage, {}).empty()) {
    emit({KvEvent::Kind::Recovered, {}, {}});
  }
  emit({KvEvent::Kind::Snapshot, std::move(*pairs), {}});
}

void FileWatch::Loop::follow() {
  const auto changes = notify->drain();
  if (changes.doubt) {
    reread = true;
    return;
  }
  if (auto delivered = deliver(changes); !delivered) {
    report_outage(delivered.error());
  }
}

Result<void> FileWatch::Loop::deliver(const TreeNotify::Changes& changes) {
  for (const auto& folder : changes.folders) {
    if (auto delivered = deliver_folder(folder); !delivered) {
      return delivered;
    }
  }
  std::vector<std::string> paths;
  for (const auto& path : changes.files) {
    if (relevant(path)) {
      paths.push_back(path);
    }
  }
  if (paths.empty()) {
    return {};
  }
  auto events = core->read_paths(paths);
  if (!events) {
    return fail(events.error());
  }
  for (auto& event : *events) {
    emit(std::move(event));
  }
  return {};
}

// A new folder may have got files before it was watched.
Result<void> FileWatch::Loop::deliver_folder(const std::string& path) {
  auto pairs = core->list_below(path, prefix,
                                [this](const std::string& below) { return notify->add(below); });
  if (!pairs) {
    return fail(pairs.error());
  }
  for (auto& pair : *pairs) {
    if (in_scope(pair.key)) {
      KvEvent event;
      event.pairs.push_back(std::move(pair));
      emit(std::move(event));
    }
  }
  return {};
}

bool FileWatch::Loop::relevant(const std::string& path) const {
  const auto key = key_of_path(path);
  return key && in_scope(*key);
}

bool FileWatch::Loop::in_scope(const std::string& key) const {
  return single ? key == prefix : key.starts_with(prefix);
}

// Once per reason. From here on nothing is believed until everything was read again.
void FileWatch::Loop::report_outage(const Error& error) {
  notify.reset();
  if (outage != error.what) {
    outage = error.what;
    emit({KvEvent::Kind::Outage, {}, error.what});
  }
}

void FileWatch::Loop::emit(KvEvent event) {
  if (!stop) {
    callback(std::move(event));
  }
}

}  // namespace vtepd::filestore
