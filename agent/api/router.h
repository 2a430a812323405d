// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "ports/control.h"

#include <functional>
#include <string>

namespace vtepd {

// A call of the API without the transport.
struct ApiRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/networks/blue", percent-encoded
  std::string body;
};

struct ApiAnswer {
  int status = 200;
  std::string body;   // a document of docs/api.md
  std::string allow;  // 405: methods that the path has
};

[[nodiscard]] ApiAnswer error_answer(const Error& error);
[[nodiscard]] ApiAnswer error_answer(const Error& error, int status);

// Does what the request asks, and answers exactly once, at once or later.
void answer_request(Control& control, const ApiRequest& request,
                    std::function<void(ApiAnswer)> done);

}  // namespace vtepd
