// SPDX-License-Identifier: GPL-2.0-only
#include "consul/token.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace vtepd::consul {

namespace {

constexpr const char* kVariable = "CONSUL_HTTP_TOKEN";
constexpr std::size_t kMaxToken = 1024;

// The text without white space at its ends. What is left goes into a header, so only plain
// characters may.
Result<std::string> checked(std::string text, const std::string& where) {
  constexpr const char* kBlank = " \t\r\n";
  text.erase(text.find_last_not_of(kBlank) + 1);
  text.erase(0, std::min(text.find_first_not_of(kBlank), text.size()));
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (text.empty() || text.size() > kMaxToken || !plain) {
    return fail(ErrorKind::Invalid, where + " holds no ACL token: one line of up to " +
                                        std::to_string(kMaxToken) + " characters is wanted");
  }
  return text;
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorKind::Invalid, "the token file '" + path + "' cannot be read");
  }
  std::string text(kMaxToken * 2, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return checked(std::move(text), "the token file '" + path + "'");
}

}  // namespace

Result<AclToken> AclToken::load(const std::string& file) {
  const char* variable = std::getenv(kVariable);
  Result<std::string> token = std::string();
  if (!file.empty()) {
    token = read_token(file);
  } else if (variable != nullptr && *variable != '\0') {
    token = checked(variable, std::string("the variable ") + kVariable);
  }
  if (!token) {
    return fail(token.error());
  }
  return AclToken(file, std::move(*token));
}

std::string AclToken::get() const {
  const std::lock_guard guard(mutex_);
  return token_;
}

bool AclToken::refresh() {
  const auto fresh = file_.empty() ? Result<std::string>(get()) : read_token(file_);
  const std::lock_guard guard(mutex_);
  if (!fresh || *fresh == token_) {
    return false;
  }
  token_ = *fresh;
  return true;
}

}  // namespace vtepd::consul
