// SPDX-License-Identifier: GPL-2.0-only
// The requests of the port, as the runner sends them.
#include "serf/decode.h"
#include "serf/encode.h"
#include "serf/runner.h"

#include <utility>

namespace vtepd::serf {

namespace {

// Serf's own default is 3.2 s in a small cluster and 16 s in one of 10,000 nodes.
constexpr std::chrono::seconds kLongestDefaultQuery{20};
constexpr std::chrono::seconds kQueryMargin{5};
// Serf gives a node that does not answer 10 s to connect and 10 s to talk.
constexpr std::chrono::seconds kJoinTime{25};

Result<void> to_result(const Result<Session::Reply>& reply) {
  if (!reply) {
    return fail(reply.error());
  }
  return reply->error ? Result<void>(fail(*reply->error)) : Result<void>();
}

Session::Request header_request(const char* command, std::string body,
                                std::chrono::milliseconds timeout, const Gossip::Done& done) {
  Session::Request request;
  request.command = command;
  request.body = std::move(body);
  request.timeout = timeout;
  request.reply = [done](const Result<Session::Reply>& reply) { done(to_result(reply)); };
  return request;
}

}  // namespace

bool Runner::usable(const Gossip::Done& done) const {
  if (!ready_) {
    done(fail(outage_));
  }
  return ready_;
}

void Runner::broadcast(const GossipEvent& event, const Gossip::Done& done) {
  if (usable(done)) {
    link_->session().send(header_request("event", event_body(event), options_.timing.answer, done),
                          Clock::now());
  }
}

void Runner::query(const GossipQuery& query, std::function<void(const GossipAnswer&)> answer,
                   const Gossip::Done& done) {
  if (!usable(done)) {
    return;
  }
  const std::chrono::milliseconds time =
      query.timeout.count() > 0 ? query.timeout : kLongestDefaultQuery;
  auto request = header_request("query", query_body(query), time + kQueryMargin, done);
  request.shape = Session::Shape::Query;
  request.record = [answer = std::move(answer)](const std::string& body) -> Result<bool> {
    auto record = decode_query_record(body);
    if (!record) {
      return fail(record.error());
    }
    if (record->kind == QueryRecord::Kind::Done) {
      return true;
    }
    answer({std::move(record->from), std::move(record->payload),
            record->kind == QueryRecord::Kind::Ack});
    return false;
  };
  link_->session().send(std::move(request), Clock::now());
}

void Runner::respond(const GossipQueryId& query, const std::string& payload,
                     const Gossip::Done& done) {
  if (!usable(done)) {
    return;
  }
  if (query.connection != connection_) {
    done(fail(ErrorKind::NotFound, "serf respond: the query came before the last outage"));
    return;
  }
  link_->session().send(
      header_request("respond", respond_body(query.id, payload), options_.timing.answer, done),
      Clock::now());
}

void Runner::members(const std::function<void(Result<std::vector<GossipMember>>)>& done) {
  if (!ready_) {
    done(fail(outage_));
    return;
  }
  Session::Request request;
  request.command = "members";
  request.shape = Session::Shape::Body;
  request.timeout = options_.timing.answer;
  request.reply = [this, done](const Result<Session::Reply>& reply) {
    if (const auto well = to_result(reply); !well) {
      done(fail(well.error()));
      return;
    }
    auto members = decode_members(reply->body);
    if (!members) {
      on_malformed(members.error());
    }
    done(std::move(members));
  };
  link_->session().send(std::move(request), Clock::now());
}

// The outcome of a join, put together from one request for each address: the agent would stop
// counting where we could not see it.
struct Runner::Tally {
  std::size_t open = 0;
  std::size_t reached = 0;
  Error last_error;
  std::function<void(Result<std::size_t>)> done;

  void one(const Result<std::size_t>& result) {
    reached += result.value_or(0);
    if (!result) {
      last_error = result.error();
    }
    if (--open == 0) {
      done(reached > 0 ? Result<std::size_t>(reached) : fail(last_error));
    }
  }
};

Result<Link*> Runner::join_link(Clock::time_point now) {
  if (!join_link_) {
    auto opened = Link::open(link_options(), now);
    if (!opened) {
      return fail(opened.error());
    }
    join_link_ = std::move(*opened);
  }
  return join_link_.get();
}

void Runner::join(const std::vector<std::string>& addresses,
                  const std::function<void(Result<std::size_t>)>& done) {
  if (!ready_) {
    done(fail(outage_));
    return;
  }
  if (addresses.empty()) {
    done(std::size_t{0});
    return;
  }
  const auto now = Clock::now();
  const auto link = join_link(now);
  if (!link) {
    done(fail(link.error()));
    return;
  }
  const auto tally = std::make_shared<Tally>();
  tally->open = addresses.size();
  tally->done = done;
  for (const auto& address : addresses) {
    Session::Request request;
    request.command = "join";
    request.body = join_body(address);
    request.shape = Session::Shape::Body;
    request.timeout = kJoinTime * static_cast<std::chrono::seconds::rep>(++joins_);
    request.reply = [this, tally](const Result<Session::Reply>& reply) {
      --joins_;
      const auto well = to_result(reply);
      auto reached = well ? decode_join(reply->body) : Result<std::size_t>(fail(well.error()));
      if (well && !reached) {
        on_malformed(reached.error());
      }
      tally->one(reached);
    };
    (*link)->session().send(std::move(request), now);
  }
}

}  // namespace vtepd::serf
