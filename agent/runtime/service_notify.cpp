// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/service_notify.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace vtepd {

void notify_service(const std::string& state) {
  const char* variable = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): read only
  const std::string_view path = variable == nullptr ? "" : variable;
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  if (path.front() == '@') {  // abstract namespace
    address.sun_path[0] = '\0';
  }
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, generic, length);
}

}  // namespace vtepd
