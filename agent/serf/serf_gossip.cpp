// SPDX-License-Identifier: GPL-2.0-only
#include "serf/serf_gossip.h"

#include "serf/runner.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include <sys/eventfd.h>

#include <unistd.h>

namespace vtepd {

namespace {

std::string too_long(const char* what, std::size_t size, std::size_t limit) {
  return std::string(what) + " of " + std::to_string(size) + " bytes, at most " +
         std::to_string(limit) + " are possible";
}

}  // namespace

Result<std::unique_ptr<SerfGossip>> SerfGossip::start(SerfOptions options) {
  if (!options.log) {
    options.log = [](const std::string&) {};
  }
  if (!options.found && (options.child.node.empty() || options.child.config_path.empty())) {
    return fail(ErrorKind::Invalid, "serf: neither an agent to find nor one to start is given");
  }
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return fail_errno(errno, "serf: eventfd");
  }
  return std::unique_ptr<SerfGossip>(new SerfGossip(std::move(options), std::move(wake)));
}

SerfGossip::SerfGossip(SerfOptions options, UniqueFd wake)
    : wake_(std::move(wake)),
      runner_(std::make_unique<serf::Runner>(std::move(options), subscribers_, counters_)) {
  // Signals are the main thread's business.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SerfGossip::~SerfGossip() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  post([](serf::Runner&) {});
  thread_.join();
}

void SerfGossip::post(Task task) {
  {
    const std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void SerfGossip::drain() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  std::deque<Task> tasks;
  {
    const std::lock_guard guard(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) {
    task(*runner_);
  }
}

void SerfGossip::run() {
  for (;;) {
    runner_->round(wake_.get());
    {
      const std::lock_guard guard(mutex_);
      if (stopping_) {
        break;
      }
    }
    drain();
  }
  // The child has this thread for a parent, and must end before it.
  runner_->shut_down();
  drain();
}

template <typename T>
void SerfGossip::refuse(const std::function<void(T)>& done, ErrorKind kind, std::string why) {
  ++counters_.refused;
  done(fail(kind, std::move(why)));
}

template <typename T>
std::function<void(T)> SerfGossip::admit(std::size_t requests, std::function<void(T)> done) {
  if (under_way_.fetch_add(requests) + requests > kMaxRequests) {
    under_way_ -= requests;
    refuse(done, ErrorKind::Exhausted,
           "serf: " + std::to_string(kMaxRequests) + " requests are under way");
    return nullptr;
  }
  return [this, requests, done = std::move(done)](T result) {
    under_way_ -= requests;
    done(std::move(result));
  };
}

void SerfGossip::broadcast(const GossipEvent& event, Done done) {
  const auto size = event.name.size() + event.payload.size();
  if (size > GossipEvent::kMaxSize) {
    refuse(done, ErrorKind::Invalid, too_long("serf: a user event", size, GossipEvent::kMaxSize));
    return;
  }
  if (auto admitted = admit(1, std::move(done))) {
    post([event, admitted](serf::Runner& runner) { runner.broadcast(event, admitted); });
  }
}

void SerfGossip::query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
                       Done done) {
  const auto size = query.name.size() + query.payload.size();
  if (size > GossipQuery::kMaxSize) {
    refuse(done, ErrorKind::Invalid, too_long("serf: a query", size, GossipQuery::kMaxSize));
    return;
  }
  if (auto admitted = admit(1, std::move(done))) {
    post([query, answer = std::move(answer), admitted](serf::Runner& runner) {
      runner.query(query, answer, admitted);
    });
  }
}

void SerfGossip::respond(const GossipQueryId& query, const std::string& payload, Done done) {
  if (payload.size() > GossipQuery::kMaxSize) {
    refuse(done, ErrorKind::Invalid,
           too_long("serf: an answer", payload.size(), GossipQuery::kMaxSize));
    return;
  }
  if (auto admitted = admit(1, std::move(done))) {
    post([query, payload, admitted](serf::Runner& runner) {
      runner.respond(query, payload, admitted);
    });
  }
}

void SerfGossip::members(std::function<void(Result<std::vector<GossipMember>>)> done) {
  if (auto admitted = admit(1, std::move(done))) {
    post([admitted](serf::Runner& runner) { runner.members(admitted); });
  }
}

void SerfGossip::join(const std::vector<std::string>& addresses,
                      std::function<void(Result<std::size_t>)> done) {
  if (auto admitted = admit(std::max<std::size_t>(1, addresses.size()), std::move(done))) {
    post([addresses, admitted](serf::Runner& runner) { runner.join(addresses, admitted); });
  }
}

std::unique_ptr<GossipSubscription> SerfGossip::subscribe(
    std::function<void(const GossipNotice&)> callback) {
  auto subscription = subscribers_->add(std::move(callback));
  post([](serf::Runner& runner) { runner.greet(); });
  return subscription;
}

GossipCounters SerfGossip::counters() const {
  return {counters_.malformed, counters_.outages, counters_.refused};
}

}  // namespace vtepd
