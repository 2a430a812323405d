// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/unique_fd.h"
#include "ports/links.h"
#include "support/must.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace vtepd::netlink::test {

using vtepd::test::must;

// A network namespace without a name, which the kernel takes away with the last descriptor, however
// the test ends.
class Namespace {
 public:
  Namespace();
  // A file that refers to it, for as long as this object lives.
  [[nodiscard]] std::string path() const;
  // Runs `work` inside, on a thread of its own.
  void inside(const std::function<void()>& work) const;
  // Runs a shell command inside; the output, or a failure of the test.
  [[nodiscard]] std::string run(const std::string& command) const;

  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
};

// Every test has the daemon's part played by the main thread, in a fresh namespace of its own.
class NetlinkTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

// Runs a shell command in the daemon's namespace; the output, or a failure of the test.
std::string run(const std::string& command);
[[nodiscard]] bool contains(const std::string& text, const std::string& part);

// That it failed so and that the text names all of `parts`.
template <typename T>
void expect_error(const Result<T>& result, ErrorKind kind,
                  std::initializer_list<const char*> parts) {
  ASSERT_FALSE(result);
  EXPECT_EQ(to_string(result.error().kind), to_string(kind)) << result.error().what;
  for (const char* part : parts) {
    EXPECT_NE(result.error().what.find(part), std::string::npos)
        << "'" << part << "' is missing in: " << result.error().what;
  }
}

// An endpoint with 192.0.2.<number> and, if asked for, 2001:db8::<number>.
PortSpec port_spec(int number, bool ipv6 = false);

}  // namespace vtepd::netlink::test
