// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace vtepd {

// The one thread that owns the daemon's state. Everything else (worker, watches) hands its results
// to post(). Only event_loop.cpp and the HTTP server know that Asio is underneath.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop()
  void stop();  // from any thread; run() may be called again after it returned

  // Runs the function on the loop's thread, soon. From any thread.
  void post(std::function<void()> task);
  // Calls back whenever the descriptor is readable, as long as the loop runs. Does not own it.
  void on_readable(int fd, std::function<void()> callback);
  // Calls back once on each SIGTERM or SIGINT.
  void on_terminate(std::function<void(int signal)> callback);

  // A timer that can be set again and again; destroying it cancels it.
  class Timer {
   public:
    virtual ~Timer() = default;
    virtual void set(std::chrono::milliseconds delay, std::function<void()> callback) = 0;
    virtual void cancel() = 0;
  };

  std::unique_ptr<Timer> make_timer();

  [[nodiscard]] boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vtepd
