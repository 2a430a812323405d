// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "netlink/rtnl_socket.h"
#include "ports/links.h"

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace vtepd::netlink {

// NotFound: there is no such file. Invalid: it is no network namespace.
Result<Netns> open_netns(const std::string& path);

// "namespace /run/netns/c1", or its inode where it is not mounted anywhere.
std::string describe(const Netns& netns);

// Runs `work` on a thread of its own that has entered the namespace, and waits for it. The calling
// thread stays where it is: a daemon whose threads change namespaces loses track of which one its
// sockets and /proc/sys belong to.
Result<void> run_in_netns(int netns, const std::function<void()>& work);

// The same for work that returns a Result.
template <typename Work>
std::invoke_result_t<Work> in_netns(int netns, Work work) {
  std::invoke_result_t<Work> result = fail(ErrorKind::Internal, "not run");
  if (auto entered = run_in_netns(netns, [&] { result = work(); }); !entered) {
    return fail(std::move(entered).error());
  }
  return result;
}

// A socket for requests that works in that namespace, from any thread.
Result<Socket> open_socket(const Netns& netns);
// The same for notifications.
Result<Socket> subscribe(const Netns& netns, const std::vector<int>& groups);

}  // namespace vtepd::netlink
