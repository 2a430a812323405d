// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace vtepd {

// What kind of failure, for those who decide by it: the API's status, vtepctl's exit code, whether
// a retry makes sense.
enum class ErrorKind {
  Invalid,      // the request or document is wrong; repeating it cannot help
  NotFound,     // the thing named does not exist
  Conflict,     // it exists already, is taken or is in use
  Exhausted,    // a pool, map or disk is full
  Unavailable,  // store, kernel feature or peer is not there now; may pass
  Denied,       // privilege is missing
  Internal,     // anything else
};

// A failure that names the object and the operation. `what` is a sentence for a person, without
// "error:" in front and without a full stop.
struct Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string what;

  // "<operation>: <strerror>", the kind taken from the number (ENOENT, EEXIST, ENOSPC, EPERM …).
  static Error from_errno(int number, std::string_view operation);
  // "<where>: <what>"
  [[nodiscard]] Error context(std::string_view where) const;
};

[[nodiscard]] std::string_view to_string(ErrorKind kind);

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

[[nodiscard]] inline Failure fail(ErrorKind kind, std::string what) {
  return Failure(Error{kind, std::move(what)});
}

[[nodiscard]] inline Failure fail(Error error) {
  return Failure(std::move(error));
}

[[nodiscard]] inline Failure fail_errno(int number, std::string_view operation) {
  return Failure(Error::from_errno(number, operation));
}

}  // namespace vtepd
