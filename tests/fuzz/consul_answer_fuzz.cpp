// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as the body of a KV answer, a transaction, a session or a boolean: an error or a result
// in which keys are in order, below the prefix and have an index, wherever a body is cut on its
// way; and base64 goes both ways.
#include "consul/answer.h"
#include "consul/pair_stream.h"
#include "consul/text.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace vtepd;

namespace {

void check(const Result<std::vector<consul::PairView>>& views, const std::string& prefix) {
  if (!views) {
    return;
  }
  std::string last;
  for (const auto& view : *views) {
    if (view.index == 0 || !view.key.starts_with(prefix) || (!last.empty() && view.key <= last)) {
      std::abort();
    }
    last = view.key;
    if (const auto value = view.decoded(); value && consul::encode_base64(*value) != view.value) {
      std::abort();
    }
  }
}

// The keys that came, and how it ended.
std::string streamed(std::string_view body, std::size_t cut) {
  std::string seen;
  consul::PairStream stream([&](const consul::PairView& view) -> Result<void> {
    if (view.index == 0 || view.key.empty()) {
      std::abort();
    }
    seen += std::string(view.key) + "\n";
    return {};
  });
  const bool good = stream.feed(body.substr(0, cut)) && stream.feed(body.substr(cut));
  return seen + (good && stream.finish() ? "good" : "bad");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const consul::Bytes body(data, data + size);
  consul::PairReader reader;
  check(reader.read(body, ""), "");
  check(reader.read(body, "docker/"), "docker/");
  check(reader.read_transaction(body, ""), "");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size > 0 && streamed(text, size) != streamed(text, data[0] % size)) {
    std::abort();
  }
  static_cast<void>(consul::read_boolean(body));
  static_cast<void>(consul::read_session_id(body));
  static_cast<void>(consul::is_conflict(body));
  const std::string bytes(body.begin(), body.end());
  if (consul::decode_base64(consul::encode_base64(bytes)) != bytes) {
    std::abort();
  }
  return 0;
}
