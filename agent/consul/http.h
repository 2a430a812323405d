// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vtepd::consul {

struct TlsFiles {
  std::string ca;    // empty: the host's own certificate authorities
  std::string cert;  // of the client; both or neither
  std::string key;
};

struct HttpRequest {
  enum class Method { Get, Put, Delete };
  Method method = Method::Get;
  std::string target;  // path and query, percent-encoded
  std::string body;
  std::chrono::milliseconds deadline{0};  // for all of it, the last byte of the answer included
};

struct HttpResponse {
  unsigned status = 0;
  std::vector<std::uint8_t> body;
  std::optional<std::uint64_t> index;            // X-Consul-Index
  std::optional<bool> known_leader;              // X-Consul-KnownLeader
  std::optional<std::uint64_t> last_contact_ms;  // X-Consul-LastContact
};

// No answer, or one that was broken off.
struct HttpFailure {
  std::string what;
  bool sent = false;      // the server may have carried the request out
  bool canceled = false;  // by us, before the deadline
};

using HttpResult = tl::expected<HttpResponse, HttpFailure>;
// A piece of a body; an empty one is its end.
using HttpPart = tl::expected<std::vector<std::uint8_t>, HttpFailure>;

// A request that is under way. Ended by its destructor if it still is.
class HttpCall {
 public:
  virtual ~HttpCall() = default;
  // True once there is a result: the answer's status and headers, or a failure.
  virtual bool wait_for(std::chrono::milliseconds time) = 0;
  virtual void cancel() = 0;      // from any thread; the result follows at once
  virtual HttpResult take() = 0;  // without its body
  // After a result that is no failure: the body's next part. Nothing: none came within the time.
  virtual std::optional<HttpPart> next(std::chrono::milliseconds time) = 0;
};

// HTTP to one server. Connections are kept for reads; a write gets a connection of its own, because
// the library silently repeats a request whose kept connection turns out to be closed.
//
// Threading: any thread may call; the library's own two threads carry the transfers.
class HttpClient {
 public:
  struct Options {
    std::string url;  // "http://host:port" or "https://host:port"
    TlsFiles tls;
    std::size_t body_limit = 0;          // of an answer, in bytes; a larger one is broken off
    std::chrono::milliseconds stall{0};  // how long the server may be silent
  };

  // Invalid if the address or one of the TLS files cannot be used.
  static Result<std::unique_ptr<HttpClient>> create(Options options);
  virtual ~HttpClient() = default;
  [[nodiscard]] virtual const std::string& url() const = 0;
  // `token` is sent as X-Consul-Token if it is not empty.
  [[nodiscard]] virtual std::unique_ptr<HttpCall> start(const HttpRequest& request,
                                                        const std::string& token) = 0;
  // The whole answer.
  [[nodiscard]] HttpResult send(const HttpRequest& request, const std::string& token);
};

}  // namespace vtepd::consul
