// SPDX-License-Identifier: GPL-2.0-only
#include "serf/runner.h"

#include "serf/decode.h"
#include "serf/encode.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace vtepd::serf {

namespace {

constexpr std::chrono::seconds kStartTime{3};  // until a child listens, connecting may fail
constexpr std::chrono::seconds kLongLife{10};  // a child that lived so long was a good one
constexpr std::chrono::milliseconds kLongestStart{5000};
constexpr const char* kFilter =
    "user,query,member-join,member-leave,member-failed,member-update,member-reap";

}  // namespace

Runner::Runner(SerfOptions options, std::shared_ptr<Subscribers> subscribers, Counters& counters)
    : options_(std::move(options)),
      subscribers_(std::move(subscribers)),
      counters_(counters),
      outage_{ErrorKind::Unavailable, "the serf agent has not answered yet"},
      connect_backoff_(options_.timing.retry_first, options_.timing.retry_longest),
      start_backoff_(options_.timing.retry_first, kLongestStart) {
  if (options_.found) {
    rpc_ = options_.found->rpc;
    key_ = options_.found->key;
  }
}

Runner::~Runner() {
  shut_down();
}

void Runner::shut_down() {
  shut_down_ = true;
  ready_ = false;
  outage_ = {ErrorKind::Unavailable, "gossip is being shut down"};
  link_.reset();
  join_link_.reset();
  if (child_) {
    child_.reset();
    ::unlink(options_.child.config_path.c_str());
  }
}

void Runner::on_malformed(const Error& error) {
  const auto count = ++counters_.malformed;
  if ((count & (count - 1)) == 0) {  // the 1st, 2nd, 4th, 8th …
    options_.log("serf: malformed frame, " + std::to_string(count) + " so far: " + error.what);
  }
}

Link::Options Runner::link_options() {
  return {.rpc = rpc_,
          .key = key_,
          .timeout = options_.timing.answer,
          .on_malformed = [this](const Error& error) { on_malformed(error); }};
}

void Runner::do_what_is_due(Clock::time_point now) {
  if (!options_.found && !child_ && now >= start_at_) {
    start_child(now);
  }
  if (child_ && !ready_ && now >= silent_since_ + options_.timing.hopeless) {
    options_.log("serf: the agent does not answer any more, killing it");
    child_->signal(SIGKILL);
    silent_since_ = now;
  }
  if (!link_ && (options_.found || child_) && now >= connect_at_) {
    connect(now);
  }
  if (ready_ && now >= beat_at_) {
    beat(now);
  }
  if (ready_ && !options_.join.empty() && now >= join_at_) {
    join_at_ = now + options_.timing.join;
    join(options_.join, [this](const Result<std::size_t>& reached) {
      if (!reached && !shut_down_) {
        options_.log("serf: join: " + reached.error().what);
      }
    });
  }
}

int Runner::wait_time(Clock::time_point now) const {
  auto next = now + std::chrono::hours(1);
  const auto sooner = [&](Clock::time_point time) { next = std::min(next, time); };
  if (!options_.found && !ready_) {
    sooner(child_ ? silent_since_ + options_.timing.hopeless : start_at_);
  }
  if (!link_ && (options_.found || child_)) {
    sooner(connect_at_);
  }
  if (ready_) {
    sooner(beat_at_);
    sooner(options_.join.empty() ? next : join_at_);
  }
  for (const Link* link : {link_.get(), join_link_.get()}) {
    if (link != nullptr) {
      sooner(const_cast<Link*>(link)->session().deadline().value_or(next));
    }
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - now).count();
  return static_cast<int>(std::max<std::int64_t>(0, left + 1));
}

void Runner::round(int wake_fd) {
  auto now = Clock::now();
  do_what_is_due(now);
  const auto of = [](const Link* link) {
    return link != nullptr ? pollfd{link->fd(), link->wanted(), 0} : pollfd{-1, 0, 0};
  };
  std::array<pollfd, 5> fds{{{wake_fd, POLLIN, 0},
                             {child_ ? child_->exit_fd() : -1, POLLIN, 0},
                             {child_ ? child_->output_fd() : -1, POLLIN, 0},
                             of(link_.get()),
                             of(join_link_.get())}};
  ::poll(fds.data(), fds.size(), wait_time(now));
  now = Clock::now();
  if (fds[2].revents != 0) {
    child_->read_output();
  }
  // The connections first: what the agent said before it ended counts.
  if (link_) {
    if (const auto worked = link_->work(fds[3].revents, now); !worked) {
      lost(worked.error(), now);
    }
  }
  if (join_link_) {
    if (const auto worked = join_link_->work(fds[4].revents, now); !worked) {
      const auto link = std::move(join_link_);
      link->session().end(worked.error());
    }
  }
  if (child_) {
    if (const auto how = child_->ended()) {
      child_ended(*how, now);
    }
  }
}

void Runner::start_child(Clock::time_point now) {
  const auto& child = options_.child;
  start_at_ = now + start_backoff_.next();
  rpc_.address = IpAddress::v4(0x7f000001);
  const auto failed = [&](const Error& error) { set_outage(error.context("serf agent")); };
  const auto port = free_port(rpc_.address);
  if (!port) {
    return failed(port.error());
  }
  rpc_.port = *port;
  auto key = random_key();
  if (!key) {
    return failed(key.error());
  }
  key_ = std::move(*key);
  const AgentConfig config{child.node, child.bind, child.encrypt_key, rpc_, key_};
  if (const auto written = write_secret_file(child.config_path, config.to_json()); !written) {
    return failed(written.error());
  }
  auto started = AgentProcess::start(child.program, child.config_path, options_.log);
  if (!started) {
    return failed(started.error());
  }
  child_ = std::move(*started);
  options_.log("serf: agent started, pid " + std::to_string(child_->pid()));
  heard_child_ = false;
  started_at_ = silent_since_ = now;
  connect_backoff_.reset();
  connect_at_ = now + options_.timing.retry_first;
}

void Runner::child_ended(const std::string& how, Clock::time_point now) {
  if (heard_child_ && now >= started_at_ + kLongLife) {
    start_backoff_.reset();
  }
  start_at_ = now + start_backoff_.next();
  child_.reset();
  lost({ErrorKind::Unavailable, "the serf agent ended " + how}, now);
}

bool Runner::starting(Clock::time_point now) const {
  return child_ && !heard_child_ && now < started_at_ + kStartTime;
}

void Runner::connect(Clock::time_point now) {
  auto opened = Link::open(link_options(), now);
  if (!opened) {
    lost(opened.error(), now);
    return;
  }
  link_ = std::move(*opened);
  ++connection_;
  listen(now);
}

void Runner::listen(Clock::time_point now) {
  Session::Request request;
  request.command = "stream";
  request.body = stream_body(kFilter);
  request.shape = Session::Shape::Stream;
  request.timeout = options_.timing.answer;
  request.reply = [this](const Result<Session::Reply>& reply) {
    if (reply && !reply->error) {
      became_ready();
    }
  };
  request.record = [this](const std::string& body) { return take_record(body); };
  link_->session().send(std::move(request), now);
}

Result<bool> Runner::take_record(const std::string& body) {
  auto notice = decode_record(body);
  if (!notice) {
    return fail(notice.error());
  }
  notice->query.connection = connection_;
  subscribers_->notify(*notice);
  return false;
}

void Runner::became_ready() {
  const auto now = Clock::now();
  ready_ = true;
  heard_child_ = true;
  connect_backoff_.reset();
  beat_at_ = now + options_.timing.beat;
  join_at_ = now;
  GossipNotice notice;
  notice.kind = GossipNotice::Kind::Recovered;
  subscribers_->notify(notice);
}

void Runner::lost(const Error& error, Clock::time_point now) {
  const bool known = !ready_ && starting(now) && error.kind != ErrorKind::Denied;
  connect_at_ = now + connect_backoff_.next();
  const Error reason{error.kind == ErrorKind::Denied ? error.kind : ErrorKind::Unavailable,
                     error.what};
  if (!known) {
    set_outage(reason);
  }
  // What is due fails after the outage is known, so that a callback that asks again hears it too.
  const auto link = std::move(link_);
  const auto join_link = std::move(join_link_);
  for (auto* each : {link.get(), join_link.get()}) {
    if (each != nullptr) {
      each->session().end(reason);
    }
  }
}

void Runner::set_outage(const Error& error) {
  const bool same = !ready_ && outage_.what == error.what;
  if (ready_) {
    ++counters_.outages;
    silent_since_ = Clock::now();
  }
  ready_ = false;
  outage_ = error;
  if (!same) {
    GossipNotice notice;
    notice.kind = GossipNotice::Kind::Outage;
    notice.reason = error.what;
    subscribers_->notify(notice);
  }
}

void Runner::greet() {
  GossipNotice notice;
  notice.kind = ready_ ? GossipNotice::Kind::Recovered : GossipNotice::Kind::Outage;
  notice.reason = ready_ ? "" : outage_.what;
  subscribers_->greet(notice);
}

// Any question will do; this one is small whatever the size of the cluster.
void Runner::beat(Clock::time_point now) {
  beat_at_ = now + options_.timing.beat + options_.timing.answer;
  Session::Request request;
  request.command = "stats";
  request.shape = Session::Shape::Body;
  request.timeout = options_.timing.answer;
  request.reply = [this](const Result<Session::Reply>& reply) {
    if (reply) {
      beat_at_ = Clock::now() + options_.timing.beat;
    }
  };
  link_->session().send(std::move(request), now);
}

}  // namespace vtepd::serf
