// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"

#include <functional>
#include <type_traits>

namespace vtepd {

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

}  // namespace vtepd
