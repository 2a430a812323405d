// SPDX-License-Identifier: GPL-2.0-only
#include "api/connection.h"

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace vtepd {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

using Code = boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr unsigned kHttp11 = 11;

// What a request that could not be read deserves; nothing if the client is just gone.
std::optional<ApiAnswer> answer_to(const Code& code, const ApiServer::Options& options) {
  const auto refuse = [](ErrorKind kind, std::string what, int status) {
    return error_answer({kind, std::move(what)}, status);
  };
  if (code == http::error::body_limit) {
    return refuse(ErrorKind::Invalid,
                  "the body is larger than " + std::to_string(options.max_body) + " bytes", 413);
  }
  if (code == http::error::header_limit) {
    return refuse(ErrorKind::Invalid,
                  "the header is larger than " + std::to_string(options.max_header) + " bytes",
                  431);
  }
  if (code.category() == make_error_code(http::error::bad_version).category() &&
      code != http::error::end_of_stream && code != http::error::partial_message) {
    return refuse(ErrorKind::Invalid, "that is no HTTP request: " + code.message(), 400);
  }
  return std::nullopt;
}

class HttpConnection final : public Connection {
 public:
  HttpConnection(asio::io_context& context, int fd, const ApiServer::Options& options,
                 Handler handler, std::function<void()> on_gone)
      : stream_(Protocol::socket(context, Protocol(), fd)),
        options_(options),
        handler_(std::move(handler)),
        on_gone_(std::move(on_gone)) {}

  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  ~HttpConnection() override { on_gone_(); }

  void serve() override {
    parser_.emplace();
    parser_->body_limit(options_.max_body);
    parser_->header_limit(options_.max_header);
    // One deadline for the whole request, so that a client who sends a byte now and then meets it.
    stream_.expires_after(options_.timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = self()](const Code& code, std::size_t) { self->on_request(code); });
  }

  void refuse(const ApiAnswer& answer) override { write(answer, kHttp11, false); }

  void close() override {
    Code ignored;
    stream_.socket().close(ignored);
  }

 private:
  std::shared_ptr<HttpConnection> self() {
    return std::static_pointer_cast<HttpConnection>(shared_from_this());
  }

  void on_request(const Code& code) {
    if (code) {
      // A timeout has closed the socket already.
      const auto answer = answer_to(code, options_);
      if (answer) {
        refuse(*answer);
      }
      return;
    }
    const auto message = parser_->release();
    const ApiRequest request{std::string(message.method_string()), std::string(message.target()),
                             message.body()};
    // The answer may take its time (attach --wait).
    stream_.expires_never();
    pending_ = true;
    const auto done = [self = self(), version = message.version(),
                       keep = message.keep_alive()](const ApiAnswer& answer) {
      if (std::exchange(self->pending_, false)) {
        self->write(answer, version, keep);
      }
    };
    try {
      handler_(request, done);
    } catch (const std::exception& error) {
      done(error_answer({ErrorKind::Internal, error.what()}));
    }
  }

  void write(const ApiAnswer& answer, unsigned version, bool keep) {
    response_.emplace(static_cast<http::status>(answer.status), version);
    response_->set(http::field::content_type, "application/json");
    if (!answer.allow.empty()) {
      response_->set(http::field::allow, answer.allow);
    }
    response_->keep_alive(keep);
    response_->body() = answer.body;
    response_->prepare_payload();
    stream_.expires_after(options_.timeout);
    http::async_write(stream_, *response_, [self = self()](const Code& code, std::size_t) {
      if (!code && self->response_->keep_alive()) {
        self->serve();
      } else {
        self->close();
      }
    });
  }

  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_;
  ApiServer::Options options_;
  Handler handler_;
  std::function<void()> on_gone_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  bool pending_ = false;  // a request waits for its answer
};

}  // namespace

std::shared_ptr<Connection> Connection::create(asio::io_context& context, int fd,
                                               const ApiServer::Options& options, Handler handler,
                                               std::function<void()> on_gone) {
  return std::make_shared<HttpConnection>(context, fd, options, std::move(handler),
                                          std::move(on_gone));
}

}  // namespace vtepd
