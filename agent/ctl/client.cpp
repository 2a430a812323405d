// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/client.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace vtepd::ctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

using Code = boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr unsigned kHttp11 = 11;
constexpr std::uint64_t kMaxAnswer = 256U << 20U;

// One request and its answer on a loop of its own. Asio's synchronous calls have no timeout.
class Call {
 public:
  Call(const std::string& method, const std::string& target, const std::string& body)
      : stream_(context_), request_(http::string_to_verb(method), target, kHttp11) {
    request_.set(http::field::host, "vtepd");
    request_.set(http::field::content_type, "application/json");
    request_.keep_alive(false);
    request_.body() = body;
    request_.prepare_payload();
    parser_.body_limit(kMaxAnswer);
  }

  // The first code that is not success, of connecting or of anything after it.
  Code run(const std::string& socket, std::chrono::milliseconds timeout) {
    stream_.socket().open(Protocol(), code_);
    // A daemon that accepts nobody makes connect() wait for a place in its queue.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    const timeval patience{.tv_sec = seconds.count() + 1, .tv_usec = 0};
    setsockopt(stream_.socket().native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience,
               sizeof patience);
    stream_.socket().connect(Protocol::endpoint(socket), code_);
    connected_ = !code_;
    if (!connected_) {
      return code_;
    }
    stream_.expires_after(timeout);
    // A daemon that refuses the call may answer and close before it has read all of it, so the
    // answer is read whatever becomes of the writing.
    http::async_write(stream_, request_, [this](const Code& write_code, std::size_t) {
      if (write_code == beast::error::timeout) {
        code_ = write_code;
        return;
      }
      http::async_read(stream_, buffer_, parser_,
                       [this](const Code& code, std::size_t) { code_ = code; });
    });
    context_.run();
    return code_;
  }

  [[nodiscard]] bool connected() const { return connected_; }

  Answer answer() {
    auto message = parser_.release();
    return {message.result_int(), std::move(message.body())};
  }

 private:
  asio::io_context context_;
  beast::basic_stream<Protocol> stream_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  Code code_;
  bool connected_ = false;
};

CallError connect_error(const std::string& socket, const Code& code) {
  if (code == boost::system::errc::permission_denied ||
      code == boost::system::errc::operation_not_permitted) {
    return {{ErrorKind::Denied, "no permission for " + socket + "; run as root"}, false};
  }
  if (code == boost::system::errc::no_such_file_or_directory ||
      code == boost::system::errc::not_a_directory ||
      code == boost::system::errc::connection_refused) {
    return {{ErrorKind::Unavailable,
             "vtepd is not running: nobody serves " + socket +
                 "; start it with: systemctl start vtepd, or: vtepd run -c FILE (another "
                 "instance: --instance NAME)"},
            true};
  }
  return {{ErrorKind::Unavailable, "connect to " + socket + ": " + code.message()}, false};
}

}  // namespace

tl::expected<Answer, CallError> call(const std::string& socket, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     std::chrono::milliseconds timeout) {
  const auto failed = [](ErrorKind kind, std::string what) {
    return tl::unexpected(CallError{{kind, std::move(what)}, false});
  };
  constexpr std::size_t kLongestPath = 107;
  if (socket.size() > kLongestPath) {
    return failed(ErrorKind::Invalid, "--socket: '" + socket + "' is longer than 107 bytes");
  }
  Call one(method, target, body);
  const Code code = one.run(socket, timeout);
  if (!code) {
    return one.answer();
  }
  if (!one.connected()) {
    return tl::unexpected(connect_error(socket, code));
  }
  if (code == beast::error::timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
    return failed(ErrorKind::Unavailable, "no answer on " + socket + " within " +
                                              std::to_string(seconds) + " s; look at vtepd's log");
  }
  return failed(ErrorKind::Unavailable,
                "no valid answer on " + socket + " (" + code.message() + "); is that vtepd's?");
}

std::string percent_encoded(const std::string& text) {
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return encoded;
}

}  // namespace vtepd::ctl
