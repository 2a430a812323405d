// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace vtepd {

// One thread that runs blocking calls (the store's) in order, so that the loop never waits for
// them. Destroying it finishes the task that runs and drops the others.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run(std::function<void()> task);  // from any thread

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vtepd
