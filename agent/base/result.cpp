// SPDX-License-Identifier: GPL-2.0-only
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace vtepd {

namespace {

ErrorKind kind_of(int number) {
  switch (number) {
    case EINVAL:
    case ENAMETOOLONG:
      return ErrorKind::Invalid;
    case ENOENT:
    case ENODEV:
      return ErrorKind::NotFound;
    case EEXIST:
    case EBUSY:
    case EADDRINUSE:
      return ErrorKind::Conflict;
    case ENOSPC:
    case EDQUOT:
    case E2BIG:
    case EMFILE:
    case ENFILE:
      return ErrorKind::Exhausted;
    case EPERM:
    case EACCES:
      return ErrorKind::Denied;
    case EROFS:
    case EIO:
    case EOPNOTSUPP:
    case ETIMEDOUT:
    case ECONNREFUSED:
      return ErrorKind::Unavailable;
    default:
      return ErrorKind::Internal;
  }
}

}  // namespace

Error Error::from_errno(int number, std::string_view operation) {
  return Error{kind_of(number),
               std::string(operation) + ": " + std::generic_category().message(number)};
}

Error Error::context(std::string_view where) const {
  return Error{kind, std::string(where) + ": " + what};
}

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Invalid:
      return "invalid";
    case ErrorKind::NotFound:
      return "not-found";
    case ErrorKind::Conflict:
      return "conflict";
    case ErrorKind::Exhausted:
      return "exhausted";
    case ErrorKind::Unavailable:
      return "unavailable";
    case ErrorKind::Denied:
      return "denied";
    case ErrorKind::Internal:
      return "internal";
  }
  return "internal";
}

}  // namespace vtepd
