// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "api/json_codec.h"
#include "ctl/client.h"

#include <chrono>
#include <string>

namespace vtepd::ctl {

// How long the daemon may take, on top of what --wait allows it.
inline constexpr std::chrono::seconds kPatience{10};

// One call whose answer is a document of type T. An error that the daemon names is passed on.
template <typename T>
tl::expected<T, CallError> exchange(const std::string& socket, const std::string& method,
                                    const std::string& target, const std::string& body,
                                    std::chrono::seconds patience) {
  constexpr unsigned kFirstError = 300;
  const auto answer = call(socket, method, target, body, patience);
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  const auto garbled = [&](const Error& error) {
    return tl::unexpected(
        CallError{{ErrorKind::Internal, "answer on " + socket + " makes no sense: " + error.what +
                                            "; is vtepd of the same version?"},
                  false});
  };
  if (answer->status >= kFirstError) {
    const auto error = from_json<Error>(answer->body);
    return error ? tl::unexpected(CallError{*error, false}) : garbled(error.error());
  }
  auto value = from_json<T>(answer->body);
  if (!value) {
    return garbled(value.error());
  }
  return std::move(*value);
}

}  // namespace vtepd::ctl
