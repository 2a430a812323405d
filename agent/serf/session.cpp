// SPDX-License-Identifier: GPL-2.0-only
#include "serf/session.h"

#include "serf/decode.h"
#include "serf/encode.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace vtepd::serf {

namespace {

constexpr std::size_t kMaxErrorText = 300;

bool contains(std::string text, std::string_view part) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find(part) != std::string::npos;
}

// One line, whatever the agent put into it.
std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text.substr(0, kMaxErrorText)) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) {
      line += c >= ' ' && c < 0x7f ? c : '?';
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

// After these the agent has not read the request's body, nor does it send one.
bool ends_the_connection(const std::string& error) {
  return contains(error, "handshake required") || contains(error, "authentication required") ||
         contains(error, "invalid authentication token");
}

Error agent_error(const std::string& command, const std::string& text) {
  ErrorKind kind = ErrorKind::Unavailable;
  if (contains(text, "authentication") || contains(text, "handshake required")) {
    kind = ErrorKind::Denied;
  } else if (contains(text, "no pending queries") || contains(text, "past the deadline")) {
    kind = ErrorKind::NotFound;
  } else if (contains(text, "limit of") || contains(text, "cannot contain")) {
    kind = ErrorKind::Invalid;
  }
  return {kind, "serf " + command + ": " + one_line(text)};
}

}  // namespace

void Session::send(Request request, Clock::time_point now) {
  if (output_.size() + request.body.size() > kMaxOutput) {
    request.reply(fail(ErrorKind::Exhausted,
                       "serf " + request.command + ": the agent does not read its requests"));
    return;
  }
  const std::uint64_t seq = ++last_seq_;
  output_ += encode_header(request.command, seq) + request.body;
  const auto due = now + request.timeout;
  pending_.emplace(seq, Pending{std::move(request), due});
}

Result<void> Session::malformed(const Error& error) const {
  on_malformed_(error);
  return fail(error);
}

Result<void> Session::receive(std::string_view bytes) {
  reader_.feed(bytes);
  for (;;) {
    const auto object = reader_.next();
    if (!object) {
      return malformed(object.error());
    }
    if (!*object) {
      return {};
    }
    if (body_of_) {
      take_body(**object);
    } else if (auto taken = take_header(**object); !taken) {
      return taken;
    }
  }
}

Result<void> Session::take_header(const std::string& object) {
  auto header = decode_header(object);
  if (!header) {
    return malformed(header.error());
  }
  const auto found = pending_.find(header->seq);
  if (found == pending_.end()) {
    return malformed({ErrorKind::Invalid, "the agent answers request " +
                                              std::to_string(header->seq) + ", which is not open"});
  }
  Pending& pending = found->second;
  reply_ = Reply{};
  if (!header->error.empty()) {
    reply_.error = agent_error(pending.request.command, header->error);
    if (ends_the_connection(header->error)) {
      return fail(*reply_.error);
    }
  }
  const bool records =
      pending.request.shape == Shape::Stream || pending.request.shape == Shape::Query;
  if (pending.request.shape == Shape::Body || (records && pending.opened)) {
    body_of_ = header->seq;
    return {};
  }
  if (!records || reply_.error) {
    finish(header->seq, std::move(reply_));
    return {};
  }
  pending.opened = true;
  if (pending.request.shape == Shape::Stream) {
    // The reply may make requests, and the entry must stay.
    const auto reply = std::exchange(pending.request.reply, nullptr);
    reply(Reply{});
  }
  return {};
}

void Session::take_body(const std::string& object) {
  const std::uint64_t seq = *std::exchange(body_of_, std::nullopt);
  const auto found = pending_.find(seq);
  if (found->second.request.shape == Shape::Body) {
    reply_.body = object;
    finish(seq, std::move(reply_));
    return;
  }
  const auto last = found->second.request.record(object);
  if (!last) {
    on_malformed_(last.error());
  } else if (*last) {
    finish(seq, Reply{});
  }
}

void Session::finish(std::uint64_t seq, Result<Reply> reply) {
  const auto entry = pending_.extract(seq);
  if (entry.mapped().request.reply) {
    entry.mapped().request.reply(std::move(reply));
  }
}

std::optional<Clock::time_point> Session::deadline() const {
  std::optional<Clock::time_point> first;
  for (const auto& [seq, pending] : pending_) {
    const bool waits = !(pending.opened && pending.request.shape == Shape::Stream);
    if (waits && (!first || pending.due < *first)) {
      first = pending.due;
    }
  }
  return first;
}

Result<void> Session::check(Clock::time_point now) const {
  for (const auto& [seq, pending] : pending_) {
    const bool waits = !(pending.opened && pending.request.shape == Shape::Stream);
    if (waits && pending.due <= now) {
      return fail(ErrorKind::Unavailable, "no answer to '" + pending.request.command + "' within " +
                                              std::to_string(pending.request.timeout.count()) +
                                              " ms");
    }
  }
  return {};
}

void Session::end(const Error& reason) {
  while (!pending_.empty()) {
    finish(pending_.begin()->first, fail(reason));
  }
}

}  // namespace vtepd::serf
