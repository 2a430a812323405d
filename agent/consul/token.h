// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <mutex>
#include <string>

namespace vtepd::consul {

// The ACL token: from a file, or from the environment (CONSUL_HTTP_TOKEN), or none. It is never
// part of a message. Thread-safe.
class AclToken {
 public:
  // `file` may be empty. Invalid if it cannot be read or holds no token.
  static Result<AclToken> load(const std::string& file);

  AclToken(AclToken&& other) noexcept
      : file_(std::move(other.file_)), token_(std::move(other.token_)) {}

  [[nodiscard]] std::string get() const;
  // Reads the file again. True if it holds another token now.
  bool refresh();

 private:
  AclToken(std::string file, std::string token)
      : file_(std::move(file)), token_(std::move(token)) {}

  std::string file_;
  mutable std::mutex mutex_;
  std::string token_;
};

}  // namespace vtepd::consul
