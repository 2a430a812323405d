// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/event_loop.h"

#include <csignal>
#include <list>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace vtepd {

namespace asio = boost::asio;

namespace {

class AsioTimer : public EventLoop::Timer {
 public:
  explicit AsioTimer(asio::io_context& context) : timer_(context) {}

  void set(std::chrono::milliseconds delay, std::function<void()> callback) override {
    timer_.expires_after(delay);
    timer_.async_wait([callback = std::move(callback)](const boost::system::error_code& error) {
      if (!error) {
        callback();
      }
    });
  }

  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

// Waits for readability without owning the descriptor.
struct Watched {
  Watched(asio::io_context& context, int fd, std::function<void()> function)
      : descriptor(context, fd), callback(std::move(function)) {}

  ~Watched() { descriptor.release(); }

  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  void wait() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code& error) {
                            if (!error) {
                              callback();
                              wait();
                            }
                          });
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> callback;
};

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::signal_set signals{context};
  std::list<Watched> watched;

  void wait_signal(const std::function<void(int)>& callback) {
    signals.async_wait([this, callback](const boost::system::error_code& error, int number) {
      if (!error) {
        callback(number);
        wait_signal(callback);
      }
    });
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

EventLoop::~EventLoop() = default;

void EventLoop::run() {
  impl_->context.restart();
  const auto keep_running = asio::make_work_guard(impl_->context);
  impl_->context.run();
}

void EventLoop::stop() {
  impl_->context.stop();
}

void EventLoop::post(std::function<void()> task) {
  asio::post(impl_->context, std::move(task));
}

void EventLoop::on_readable(int fd, std::function<void()> callback) {
  impl_->watched.emplace_back(impl_->context, fd, std::move(callback));
  impl_->watched.back().wait();
}

void EventLoop::on_terminate(std::function<void(int)> callback) {
  impl_->signals.add(SIGTERM);
  impl_->signals.add(SIGINT);
  impl_->wait_signal(callback);
}

std::unique_ptr<EventLoop::Timer> EventLoop::make_timer() {
  return std::make_unique<AsioTimer>(impl_->context);
}

asio::io_context& EventLoop::context() {
  return impl_->context;
}

}  // namespace vtepd
