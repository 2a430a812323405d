// SPDX-License-Identifier: GPL-2.0-only
#include "consul/consul_watch.h"

#include "consul/pair_stream.h"
#include "consul/text.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace vtepd::consul {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kNotFound = 404;
constexpr auto kProbePeriod = 2s;
constexpr auto kSilence = 60s;       // until a large answer begins, on top of the wait
constexpr auto kBodyLimit = 120s;    // until it ends
constexpr std::size_t kDoubted = 8;  // of the missing keys, these many are asked for one by one
// Of a large scope: a pulse comes a little before what it stands for; so many keys are read at the
// least interval; one that nothing happens to is read after so many intervals all the same.
constexpr auto kSettle = 1s;
constexpr std::size_t kKeysPerPause = 20000;
constexpr int kIdleIntervals = 60;

}  // namespace

ConsulWatch::Loop::Loop(std::shared_ptr<KvClient> the_client, KvScope the_scope,
                        WatchOptions the_options, std::function<void(KvEvent)> the_callback)
    : client(std::move(the_client)),
      scope(std::move(the_scope)),
      options(std::move(the_options)),
      callback(std::move(the_callback)) {}

ConsulWatch::ConsulWatch(std::shared_ptr<KvClient> client, KvScope scope, WatchOptions options,
                         std::function<void(KvEvent)> callback)
    : loop_(std::make_shared<Loop>(std::move(client), std::move(scope), std::move(options),
                                   std::move(callback))) {
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

// A reading that is under way is finished first: asked for often enough, none ever would be.
void ConsulWatch::Loop::interrupt(bool and_stop) {
  {
    const std::lock_guard guard(mutex);
    stop = stop || and_stop;
    reread = true;
    if (HttpCall* call = and_stop ? running : waiting; call != nullptr) {
      call->cancel();
    }
  }
  woken.notify_all();
}

bool ConsulWatch::Loop::stopped() {
  const std::lock_guard guard(mutex);
  return stop;
}

bool ConsulWatch::Loop::interrupted() {
  const std::lock_guard guard(mutex);
  return stop || reread;
}

void ConsulWatch::Loop::pause(Clock::duration time) {
  std::unique_lock guard(mutex);
  woken.wait_for(guard, time, [this] { return stop; });
}

void ConsulWatch::Loop::run() {
  while (!stopped()) {
    pause(rate.take(RateLimit::Clock::now()));
    if (stopped()) {
      return;
    }
    begin_anew();
    const bool by_pulse = complete && is_large() && (readings_due == 0 || Clock::now() < due);
    const auto done = by_pulse ? follow_pulse() : read_scope();
    if (done) {
      back_off.reset();
    } else if (!interrupted()) {
      report_outage(done.error());
      pause(back_off.next());
    }
  }
}

// If somebody asked for that.
void ConsulWatch::Loop::begin_anew() {
  const std::lock_guard guard(mutex);
  if (!std::exchange(reread, false)) {
    return;
  }
  if (complete && is_large()) {
    plan_readings(1, 0s);
  } else {
    complete = false;
    index = 0;
  }
}

bool ConsulWatch::Loop::is_large() const {
  return !scope.pulse.empty() && known.size() > options.large;
}

ConsulWatch::Clock::duration ConsulWatch::Loop::interval() const {
  return options.large_pause * (1 + known.size() / kKeysPerPause);
}

void ConsulWatch::Loop::plan_readings(int count, Clock::duration delay) {
  readings_due = std::max(readings_due, count);
  due = std::max(read_at + interval(), Clock::now() + delay);
}

std::string ConsulWatch::Loop::query_target(std::uint64_t from,
                                            std::chrono::milliseconds wait) const {
  std::string text;
  if (options.consistency != "default") {
    text += "&" + options.consistency;
  }
  if (from != 0) {
    text += "&index=" + std::to_string(from) + "&wait=" + std::to_string(wait.count()) + "ms";
  }
  return text;
}

// Waits for the answer's headers.
Result<HttpResponse> ConsulWatch::Loop::ask(Servers::Query& query, const std::string& what,
                                            bool blocking) {
  {
    const std::lock_guard guard(mutex);
    running = query.call.get();
    waiting = blocking ? running : nullptr;
    if (stop || (reread && blocking)) {
      running->cancel();
    }
  }
  const auto waited = wait_for(query, Clock::now() + options.wait + options.wait / 16 + kSilence,
                               [&] { return query.call->wait_for(kProbePeriod); });
  {
    const std::lock_guard guard(mutex);
    waiting = nullptr;
  }
  if (!waited) {
    return fail(waited.error());
  }
  auto answer = client->servers().finish_query(query, what, {kNotFound});
  if (!answer) {
    return answer;
  }
  auto healthy = check_healthy(*answer, what);
  return healthy ? std::move(answer) : fail(healthy.error());
}

// A server that hangs is noticed by another question to it, so that the query itself may wait long.
Result<void> ConsulWatch::Loop::wait_for(const Servers::Query& query, Clock::time_point deadline,
                                         const std::function<bool()>& done) const {
  while (!done()) {
    const auto alive = client->servers().probe(query.server);
    if (!alive) {
      return alive;
    }
    if (Clock::now() > deadline) {
      return fail(ErrorKind::Unavailable, "Consul: watch '" + scope.prefix + "': no answer");
    }
  }
  return {};
}

// A query, and what the thread that interrupts may use of it.
struct ConsulWatch::Loop::Asking {
  Loop& loop;
  Servers::Query query;

  Asking(Loop& the_loop, Servers::Query the_query) : loop(the_loop), query(std::move(the_query)) {}

  ~Asking() {
    const std::lock_guard guard(loop.mutex);
    loop.running = loop.waiting = nullptr;
  }

  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
};

Result<void> ConsulWatch::Loop::read_scope() {
  const std::string what = "watch '" + scope.prefix + "'";
  const auto from = readings_due > 0 ? 0 : index;  // a reading that is due does not wait
  Asking asking{*this, client->servers().start_query("/v1/kv/" + encode_path(scope.prefix) +
                                                     (scope.single ? "?" : "?recurse") +
                                                     query_target(from, options.wait))};
  auto answer = ask(asking.query, what, from != 0);
  if (!answer) {
    return fail(answer.error());
  }
  const auto now = std::max<std::uint64_t>(*answer->index, 1);  // 0 would never wait
  KnownKeys::Reading reading(known, scope, !complete || now < index);
  if (answer->status != kNotFound) {
    if (auto read = read_body(asking.query, reading); !read) {
      if (!stopped()) {
        client->servers().give_up(asking.query);
      }
      return fail(read.error().context("Consul: " + what));
    }
  }
  if (auto there = check_required(reading); !there) {
    return there;
  }
  if (auto missing = check_missing(reading); !missing) {
    return missing;
  }
  believe(std::move(reading), now);
  return {};
}

Result<void> ConsulWatch::Loop::read_body(const Servers::Query& query,
                                          KnownKeys::Reading& reading) {
  const auto deadline = Clock::now() + kBodyLimit;
  PairStream stream([&](const PairView& pair) { return reading.take(pair); });
  while (true) {
    std::optional<HttpPart> part;
    auto waited = wait_for(query, deadline, [&] {
      part = query.call->next(kProbePeriod);
      return part.has_value();
    });
    if (!waited) {
      return waited;
    }
    if (!*part) {
      return fail(ErrorKind::Unavailable, part->error().what);
    }
    const auto& bytes = **part;
    if (bytes.empty()) {
      auto ended = stream.finish();
      return ended ? reading.finish() : ended;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (auto fed = stream.feed(text); !fed) {
      return fed;
    }
  }
}

Result<void> ConsulWatch::Loop::check_required(const KnownKeys::Reading& reading) const {
  if (scope.required.empty() || reading.has(scope.required)) {
    return {};
  }
  return fail(ErrorKind::Unavailable,
              "Consul: the answer for '" + scope.prefix + "' lacks '" + scope.required +
                  "', which must be there: it is not believed (an ACL token that may not read it, "
                  "another cluster or prefix, or lost data)");
}

// What an ACL hides is simply not in an answer; asked for by name it is forbidden.
Result<void> ConsulWatch::Loop::check_missing(const KnownKeys::Reading& reading) {
  for (const auto& key : reading.missing(kDoubted)) {
    if (const auto pair = client->get(key); !pair) {
      return fail(pair.error());
    }
  }
  return {};
}

void ConsulWatch::Loop::believe(KnownKeys::Reading reading, std::uint64_t now) {
  auto events = known.commit(std::move(reading));
  const bool went_back = now < index;
  index = went_back ? 0 : now;
  complete = true;
  readings_due = std::max(readings_due - 1, 0);
  read_at = Clock::now();
  due = read_at + interval();
  if (!std::exchange(outage, {}).empty()) {
    emit({KvEvent::Kind::Recovered, {}, {}});
  }
  for (auto& event : events) {
    emit(std::move(event));
  }
}

// Until it changed, or until the next reading is due.
Result<void> ConsulWatch::Loop::follow_pulse() {
  const std::string what = "watch '" + scope.pulse + "'";
  const auto until = readings_due > 0 ? due : read_at + kIdleIntervals * interval();
  const auto left = std::clamp<std::chrono::milliseconds>(
      std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()), 1ms, options.wait);
  const auto from = std::max(pulse_index, index);
  Asking asking{*this, client->servers().start_query("/v1/kv/" + encode_path(scope.pulse) + "?" +
                                                     query_target(from, left))};
  const auto answer = ask(asking.query, what, true);
  if (!answer) {
    return fail(answer.error());
  }
  // One that did not change has its own index, which may be lower than the scope's.
  const auto now = std::max<std::uint64_t>(*answer->index, 1);
  const bool changed = now > from || now < pulse_index;
  pulse_index = now;
  if (changed) {
    plan_readings(2, kSettle);
  } else if (readings_due == 0 && Clock::now() >= until) {
    plan_readings(1, 0s);
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
