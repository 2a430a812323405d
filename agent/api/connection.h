// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "api/api_server.h"
#include "api/router.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace vtepd {

// One client of the API: reads a request, has it answered, writes the answer, and so on until
// either side has had enough. Lives as long as something is under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Handler = std::function<void(const ApiRequest&, std::function<void(ApiAnswer)>)>;

  // Takes the connected descriptor over.
  static std::shared_ptr<Connection> create(boost::asio::io_context& context, int fd,
                                            const ApiServer::Options& options, Handler handler,
                                            std::function<void()> on_gone);
  virtual ~Connection() = default;
  virtual void serve() = 0;
  // Answers without having read anything, then closes.
  virtual void refuse(const ApiAnswer& answer) = 0;
  virtual void close() = 0;
};

}  // namespace vtepd
