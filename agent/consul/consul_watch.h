// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "consul/known_keys.h"
#include "consul/kv_client.h"
#include "consul/pace.h"
#include "ports/kv_store.h"
#include "runtime/backoff.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace vtepd::consul {

struct WatchOptions {
  std::string consistency = "default";  // "default", "consistent" or "stale"
  std::chrono::seconds wait{60};        // of one blocking query
  // A scope with more keys than that, and with a pulse, is read at intervals.
  std::size_t large = 5000;
  std::chrono::milliseconds large_pause{10000};  // the least interval; longer for more keys
};

// One watch: a thread with a blocking query, by Consul's rules for those: an index that goes back
// begins anew, 0 is never sent, reads are rate-limited and failed ones back off. While a query
// waits its server is asked every other second whether it lives.
//
// A deletion is reported only on the word of a healthy server that shows the keys which must be
// there, and, asked for a key that is missing, says "not found" and not "forbidden".
//
// To see one change, Consul sends all keys of a prefix. So of a large scope only the pulse is
// followed: after it the scope is read, twice, because what the pulse stands for may not be written
// yet, and never sooner than the interval after the last reading.
//
// May be destroyed from its own callback.
class ConsulWatch : public KvWatch {
 public:
  ConsulWatch(std::shared_ptr<KvClient> client, KvScope scope, WatchOptions options,
              std::function<void(KvEvent)> callback);
  ~ConsulWatch() override;
  ConsulWatch(const ConsulWatch&) = delete;
  ConsulWatch& operator=(const ConsulWatch&) = delete;
  void refresh() override;

 private:
  using Clock = std::chrono::steady_clock;

  // Shared with the thread, which outlives the watch if the watch ends within the callback.
  struct Loop {
    Loop(std::shared_ptr<KvClient> the_client, KvScope the_scope, WatchOptions the_options,
         std::function<void(KvEvent)> the_callback);

    std::shared_ptr<KvClient> client;
    const KvScope scope;
    const WatchOptions options;
    const std::function<void(KvEvent)> callback;

    std::mutex mutex;
    std::condition_variable woken;
    bool stop = false;
    bool reread = false;
    HttpCall* waiting = nullptr;  // until its answer begins
    HttpCall* running = nullptr;

    KnownKeys known;
    bool complete = false;          // what is known is what the callback knows
    std::uint64_t index = 0;        // for the next query; 0: answer at once
    std::uint64_t pulse_index = 0;  // of the pulse's last answer
    int readings_due = 0;           // of a large scope
    Clock::time_point due{};        // not before
    Clock::time_point read_at{};
    std::string outage;  // its reason; empty: none
    Backoff back_off{kFirstPause, kLongestPause};
    RateLimit rate;

    void run();
    bool stopped();
    bool interrupted();  // what was asked or read is not to be looked at
    void interrupt(bool and_stop);
    void pause(Clock::duration time);
    void begin_anew();
    [[nodiscard]] bool is_large() const;
    [[nodiscard]] Clock::duration interval() const;
    Result<void> read_scope();
    Result<void> read_body(const Servers::Query& query, KnownKeys::Reading& reading);
    Result<void> follow_pulse();
    void plan_readings(int count, Clock::duration delay);
    [[nodiscard]] std::string query_target(std::uint64_t from,
                                           std::chrono::milliseconds wait) const;
    struct Asking;
    Result<HttpResponse> ask(Servers::Query& query, const std::string& what, bool blocking);
    Result<void> wait_for(const Servers::Query& query, Clock::time_point deadline,
                          const std::function<bool()>& done) const;
    Result<void> check_required(const KnownKeys::Reading& reading) const;
    Result<void> check_missing(const KnownKeys::Reading& reading);
    void believe(KnownKeys::Reading reading, std::uint64_t now);
    void report_outage(const Error& error);
    void emit(KvEvent event);
  };

  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace vtepd::consul
