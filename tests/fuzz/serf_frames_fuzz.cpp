// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as what an agent sends, in one piece and cut in two: refused or read, the same both
// ways, and every reply comes once.
#include "serf/decode.h"
#include "serf/session.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace vtepd;
using serf::Session;

struct Outcome {
  bool well = false;
  int replies = 0;
  int records = 0;
  int malformed = 0;

  bool operator==(const Outcome&) const = default;
};

constexpr int kRequests = 12;

Result<bool> read_record(Session::Shape shape, const std::string& body) {
  if (shape == Session::Shape::Stream) {
    const auto notice = serf::decode_record(body);
    return notice ? Result<bool>(false) : fail(notice.error());
  }
  const auto record = serf::decode_query_record(body);
  return record ? Result<bool>(record->kind == serf::QueryRecord::Kind::Done)
                : fail(record.error());
}

Outcome feed(std::string_view first, std::string_view second) {
  Outcome outcome;
  Session session([&](const Error&) { ++outcome.malformed; });
  for (int i = 0; i < kRequests; ++i) {
    Session::Request request;
    request.command = "command";
    request.shape = static_cast<Session::Shape>(i % 4);
    request.reply = [&](const Result<Session::Reply>& reply) {
      ++outcome.replies;
      if (reply && !reply->body.empty()) {
        (void)serf::decode_members(reply->body);
        (void)serf::decode_join(reply->body);
      }
    };
    request.record = [&, shape = request.shape](const std::string& body) {
      ++outcome.records;
      return read_record(shape, body);
    };
    session.send(std::move(request), {});
  }
  outcome.well = session.receive(first) && session.receive(second);
  const int before = outcome.replies;
  session.end({ErrorKind::Unavailable, "the end"});
  if (outcome.replies != kRequests || before > kRequests) {
    std::abort();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = feed(bytes, {});
  const std::size_t cut = size == 0 ? 0 : data[0] % size;
  if (feed(bytes.substr(0, cut), bytes.substr(cut)) != whole) {
    std::abort();
  }
  return 0;
}
