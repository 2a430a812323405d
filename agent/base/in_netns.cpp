// SPDX-License-Identifier: GPL-2.0-only
#include "base/in_netns.h"

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

#include <sched.h>

namespace vtepd {

Result<void> run_in_netns(int netns, const std::function<void()>& work) {
  int number = 0;
  std::exception_ptr thrown;
  try {
    std::thread([&] {
      if (::setns(netns, CLONE_NEWNET) != 0) {
        number = errno;
        return;
      }
      try {
        work();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(), "start a thread for the namespace");
  }
  if (thrown) {
    std::rethrow_exception(thrown);
  }
  if (number != 0) {
    return fail_errno(number, "enter the network namespace");
  }
  return {};
}

}  // namespace vtepd
