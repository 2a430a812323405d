// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as body of a request or of an answer; what is accepted is written and read again.
#include "api/json_codec.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

template <typename T>
void check(std::string_view body) {
  const auto value = vtepd::from_json<T>(body);
  if (!value) {
    return;
  }
  const auto text = vtepd::to_json(*value);
  const auto again = vtepd::from_json<T>(text);
  if (!again || vtepd::to_json(*again) != text) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check<vtepd::NetworkSpec>(body);
  check<vtepd::AttachRequest>(body);
  check<vtepd::DetachRequest>(body);
  check<vtepd::AttachReply>(body);
  check<vtepd::StatusView>(body);
  check<vtepd::Error>(body);
  check<std::vector<vtepd::NetworkView>>(body);
  check<std::vector<vtepd::EndpointView>>(body);
  check<std::vector<vtepd::DropView>>(body);
  (void)vtepd::indented_json(body);
  return 0;
}
