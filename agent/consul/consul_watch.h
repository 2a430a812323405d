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
};

// One watch: a thread with a blocking query, by Consul's rules for those: an index that goes back
// begins anew, 0 is never sent, reads are rate-limited and failed ones back off. While a query
// waits its server is asked every other second whether it lives.
//
// A deletion is reported only on the word of a healthy server that shows the keys which must be
// there, and, asked for a key that is missing, says "not found" and not "forbidden".
//
// May be destroyed from its own callback.
class ConsulWatch : public KvWatch {
 public:
  struct Target {
    std::string prefix;
    std::string required;  // empty: none
  };

  ConsulWatch(std::shared_ptr<KvClient> client, Target target, WatchOptions options,
              std::function<void(KvEvent)> callback);
  ~ConsulWatch() override;
  ConsulWatch(const ConsulWatch&) = delete;
  ConsulWatch& operator=(const ConsulWatch&) = delete;
  void refresh() override;

 private:
  // Shared with the thread, which outlives the watch if the watch ends within the callback.
  struct Loop {
    std::shared_ptr<KvClient> client;
    Target target;
    WatchOptions options;
    std::function<void(KvEvent)> callback;

    std::mutex mutex;
    std::condition_variable woken;
    bool stop = false;
    bool reread = false;
    HttpCall* running = nullptr;

    KnownKeys known;
    bool complete = false;    // what is known is what the callback knows
    std::uint64_t index = 0;  // for the next query; 0: answer at once
    std::string outage;       // its reason; empty: none
    Backoff back_off{kFirstPause, kLongestPause};
    RateLimit rate;
    PairReader reader;

    void run();
    bool stopped();
    void interrupt(bool and_stop);
    void pause(std::chrono::steady_clock::duration time);
    [[nodiscard]] std::string query_target() const;
    Result<HttpResponse> ask();
    Result<void> wait_for(Servers::Query& query);
    Result<void> take(HttpResponse answer);
    Result<void> check_required(const std::vector<PairView>& views) const;
    Result<void> check_missing(const std::vector<PairView>& views);
    void report_outage(const Error& error);
    void emit(KvEvent event);
  };

  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace vtepd::consul
