// SPDX-License-Identifier: GPL-2.0-only
#include "consul/consul_watch.h"

#include "consul/text.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vtepd::consul {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kNotFound = 404;
constexpr auto kProbePeriod = 2s;
constexpr auto kReadLimit = 120s;    // on top of the wait, for a large answer
constexpr std::size_t kDoubted = 8;  // of the missing keys, these many are asked for one by one

}  // namespace

ConsulWatch::ConsulWatch(std::shared_ptr<KvClient> client, Target target, WatchOptions options,
                         std::function<void(KvEvent)> callback)
    : loop_(std::make_shared<Loop>()) {
  loop_->client = std::move(client);
  loop_->target = std::move(target);
  loop_->options = std::move(options);
  loop_->callback = std::move(callback);
  thread_ = std::thread([shared = loop_] { shared->run(); });
}

ConsulWatch::~ConsulWatch() {
  loop_->interrupt(true);
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void ConsulWatch::refresh() {
  loop_->interrupt(false);
}

void ConsulWatch::Loop::interrupt(bool and_stop) {
  {
    const std::lock_guard guard(mutex);
    stop = stop || and_stop;
    reread = true;
    if (running != nullptr) {
      running->cancel();
    }
  }
  woken.notify_all();
}

bool ConsulWatch::Loop::stopped() {
  const std::lock_guard guard(mutex);
  return stop;
}

void ConsulWatch::Loop::pause(std::chrono::steady_clock::duration time) {
  std::unique_lock guard(mutex);
  woken.wait_for(guard, time, [this] { return stop; });
}

void ConsulWatch::Loop::run() {
  while (!stopped()) {
    pause(rate.take(RateLimit::Clock::now()));
    {
      const std::lock_guard guard(mutex);
      if (std::exchange(reread, false)) {
        complete = false;
        index = 0;
      }
    }
    auto answer = ask();
    {
      const std::lock_guard guard(mutex);
      if (stop || reread) {
        continue;  // the query was ended for that
      }
    }
    const auto taken = answer ? take(std::move(*answer)) : fail(answer.error());
    if (taken) {
      back_off.reset();
    } else {
      report_outage(taken.error());
      pause(back_off.next());
    }
  }
}

std::string ConsulWatch::Loop::query_target() const {
  std::string text = "/v1/kv/" + encode_path(target.prefix) + "?recurse";
  if (options.consistency != "default") {
    text += "&" + options.consistency;
  }
  if (index != 0) {
    text +=
        "&index=" + std::to_string(index) + "&wait=" + std::to_string(options.wait.count()) + "s";
  }
  return text;
}

Result<HttpResponse> ConsulWatch::Loop::ask() {
  auto& servers = client->servers();
  auto query = servers.start_query(query_target());
  {
    const std::lock_guard guard(mutex);
    running = query.call.get();
    if (stop || reread) {
      running->cancel();
    }
  }
  const auto waited = wait_for(query);
  {
    const std::lock_guard guard(mutex);
    running = nullptr;
  }
  if (!waited) {
    query.call->cancel();
    return fail(waited.error());
  }
  return servers.finish_query(query, "watch '" + target.prefix + "'", {kNotFound});
}

// A server that hangs is noticed by another question to it, so that the query itself may wait long.
Result<void> ConsulWatch::Loop::wait_for(Servers::Query& query) {
  const auto deadline =
      std::chrono::steady_clock::now() + options.wait + options.wait / 16 + kReadLimit;
  while (!query.call->wait_for(kProbePeriod)) {
    const auto alive = client->servers().probe(query.server);
    if (!alive) {
      return alive;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorKind::Unavailable, "Consul: watch '" + target.prefix + "': no answer");
    }
  }
  return {};
}

Result<void> ConsulWatch::Loop::check_required(const std::vector<PairView>& views) const {
  const auto found =
      std::lower_bound(views.begin(), views.end(), target.required,
                       [](const PairView& view, const std::string& key) { return view.key < key; });
  if (target.required.empty() || (found != views.end() && found->key == target.required)) {
    return {};
  }
  return fail(ErrorKind::Unavailable,
              "Consul: the answer for '" + target.prefix + "' lacks '" + target.required +
                  "', which must be there: it is not believed (an ACL token that may not read it, "
                  "another cluster or prefix, or lost data)");
}

// What an ACL hides is simply not in an answer; asked for by name it is forbidden.
Result<void> ConsulWatch::Loop::check_missing(const std::vector<PairView>& views) {
  for (const auto& key : known.missing(views, kDoubted)) {
    if (const auto pair = client->get(key); !pair) {
      return fail(pair.error());
    }
  }
  return {};
}

Result<void> ConsulWatch::Loop::take(HttpResponse answer) {
  if (auto healthy = check_healthy(answer, "watch '" + target.prefix + "'"); !healthy) {
    return healthy;
  }
  std::vector<PairView> views;
  if (answer.status != kNotFound) {
    auto read = reader.read(std::move(answer.body), target.prefix);
    if (!read) {
      return fail(read.error().context("Consul: watch '" + target.prefix + "'"));
    }
    views = std::move(*read);
  }
  if (auto there = check_required(views); !there) {
    return there;
  }
  if (auto missing = check_missing(views); !missing) {
    return missing;
  }
  const auto now = std::max<std::uint64_t>(*answer.index, 1);  // 0 would never wait
  const bool went_back = now < index;
  std::vector<KvEvent> events;
  if (complete && !went_back) {
    auto changes = known.update(views);
    if (!changes) {
      return fail(changes.error());
    }
    events = std::move(*changes);
  } else {
    auto snapshot = known.replace(views);
    if (!snapshot) {
      return fail(snapshot.error());
    }
    events.push_back(std::move(*snapshot));
  }
  index = went_back ? 0 : now;
  complete = true;
  if (!std::exchange(outage, {}).empty()) {
    emit({KvEvent::Kind::Recovered, {}, {}});
  }
  for (auto& event : events) {
    emit(std::move(event));
  }
  return {};
}

// Once per reason. From here on nothing is believed until everything was read again.
void ConsulWatch::Loop::report_outage(const Error& error) {
  complete = false;
  index = 0;
  if (outage != error.what) {
    outage = error.what;
    emit({KvEvent::Kind::Outage, {}, error.what});
  }
}

void ConsulWatch::Loop::emit(KvEvent event) {
  if (!stopped()) {
    callback(std::move(event));
  }
}

}  // namespace vtepd::consul
