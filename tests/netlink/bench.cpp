// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/bench.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace vtepd::netlink::test {

namespace {

struct ClosePipe {
  void operator()(FILE* pipe) const { static_cast<void>(pclose(pipe)); }
};

std::string capture(const std::string& command) {
  std::unique_ptr<FILE, ClosePipe> pipe(popen(("( " + command + " ) 2>&1").c_str(), "re"));
  if (!pipe) {
    throw std::runtime_error("popen failed");
  }
  std::string output;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), size);
  }
  if (const int status = pclose(pipe.release()); status != 0) {
    ADD_FAILURE() << "'" << command << "' ended with " << status << ":\n" << output;
  }
  return output;
}

}  // namespace

Namespace::Namespace() {
  std::thread([this] {
    if (unshare(CLONE_NEWNET) == 0) {
      fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
  }).join();
  if (!fd_.valid()) {
    throw std::runtime_error("cannot make a network namespace");
  }
  static_cast<void>(run("ip link set lo up"));
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

void Namespace::inside(const std::function<void()>& work) const {
  int error = 0;
  std::thread([&] {
    if (setns(fd_.get(), CLONE_NEWNET) != 0) {
      error = errno;
      return;
    }
    work();
  }).join();
  if (error != 0) {
    throw std::runtime_error(std::strerror(error));
  }
}

std::string Namespace::run(const std::string& command) const {
  return capture("exec nsenter --net=" + path() + " sh -ec '" + command + "'");
}

std::string run(const std::string& command) {
  return capture("set -e; " + command);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void NetlinkTest::SetUp() {
  if (unshare(CLONE_NEWNET) != 0) {
    if (errno == EPERM) {
      GTEST_SKIP() << "needs root: cannot make a network namespace";
    }
    FAIL() << std::strerror(errno);
  }
  static_cast<void>(run("ip link set lo up"));
}

PortSpec port_spec(int number, bool ipv6) {
  const auto low = static_cast<std::uint8_t>(number);
  PortSpec spec;
  spec.host_ifname = "vtep0000000" + std::to_string(number);
  spec.ifname = "eth0";
  spec.mac = MacAddress{{0x02, 0x42, 192, 0, 2, low}};
  spec.mtu = 1450;
  spec.addresses = {must(IpPrefix::parse("192.0.2." + std::to_string(number) + "/24"))};
  if (ipv6) {
    spec.ipv6 = true;
    spec.addresses.push_back(must(IpPrefix::parse("2001:db8::" + std::to_string(number) + "/64")));
  }
  return spec;
}

}  // namespace vtepd::netlink::test
