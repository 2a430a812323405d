// SPDX-License-Identifier: GPL-2.0-only
#include "api/api_server.h"

#include "api/connection.h"
#include "api/unix_socket.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

namespace vtepd {

namespace asio = boost::asio;

namespace {

using Code = boost::system::error_code;
using Protocol = asio::local::stream_protocol;

// Between attempts while no descriptor is free.
constexpr std::chrono::milliseconds kAcceptPause{100};

bool is_from(int fd, uid_t user) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == user;
}

}  // namespace

// Shared with connections, whose answers may come when the server is gone.
struct ApiServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io, Control& service, Options settings)
      : context(io),
        control(&service),
        options(std::move(settings)),
        acceptor(io),
        accept_pause(io) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const Code& code, Protocol::socket socket) {
      self->on_accept(code, std::move(socket));
    });
  }

  void on_accept(const Code& code, Protocol::socket socket) {
    if (code == asio::error::operation_aborted || !acceptor.is_open()) {
      return;
    }
    if (code) {
      accept_pause.expires_after(kAcceptPause);
      accept_pause.async_wait([self = shared_from_this()](const Code& cancelled) {
        if (!cancelled) {
          self->accept();
        }
      });
      return;
    }
    open(std::move(socket));
    accept();
  }

  void open(Protocol::socket socket) {
    const bool known = is_from(socket.native_handle(), options.client);
    const bool full = count >= options.max_connections;
    if (count >= options.max_connections * 2) {
      return;  // refusals, too, are bounded
    }
    ++count;
    const auto connection = Connection::create(
        context, socket.release(), options,
        [self = shared_from_this()](const ApiRequest& request,
                                    std::function<void(ApiAnswer)> done) {
          self->handle(request, std::move(done));
        },
        [self = shared_from_this()] { --self->count; });
    connections.push_back(connection);
    if (!known) {
      connection->refuse(error_answer({ErrorKind::Denied, "only root may use this socket"}));
    } else if (full) {
      connection->refuse(error_answer({ErrorKind::Unavailable, "too many connections; try again"}));
    } else {
      connection->serve();
    }
    connections.erase(std::remove_if(connections.begin(), connections.end(),
                                     [](const auto& one) { return one.expired(); }),
                      connections.end());
  }

  void handle(const ApiRequest& request, std::function<void(ApiAnswer)> done) const {
    if (control == nullptr) {
      done(error_answer({ErrorKind::Unavailable, "the daemon is stopping"}));
      return;
    }
    answer_request(*control, request, std::move(done));
  }

  void stop() {
    control = nullptr;
    Code ignored;
    acceptor.close(ignored);
    accept_pause.cancel();
    for (const auto& one : connections) {
      if (const auto connection = one.lock()) {
        connection->close();
      }
    }
    path = BoundPath();
  }

  asio::io_context& context;
  Control* control;  // nullptr: stopped
  Options options;
  Protocol::acceptor acceptor;
  asio::steady_timer accept_pause;
  BoundPath path;
  std::size_t count = 0;
  std::vector<std::weak_ptr<Connection>> connections;
};

ApiServer::ApiServer(EventLoop& loop, Control& control, Options options)
    : impl_(std::make_shared<Impl>(loop.context(), control, std::move(options))) {}

ApiServer::~ApiServer() {
  impl_->stop();
}

Result<void> ApiServer::start() {
  auto listening = listen_unix(impl_->options.socket);
  if (!listening) {
    return fail(listening.error());
  }
  impl_->path = BoundPath(impl_->options.socket);
  Code code;
  impl_->acceptor.assign(Protocol(), listening->get(), code);
  if (code) {
    return fail_errno(code.value(), "serve " + impl_->options.socket);
  }
  (void)listening->release();
  impl_->accept();
  return {};
}

}  // namespace vtepd
