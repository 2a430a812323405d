// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/sysctl.h"

#include "base/unique_fd.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace vtepd::netlink {

namespace {

std::string full_path(const std::string& name) {
  return "/proc/sys/net/" + name;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

std::optional<std::uint16_t> take_port(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc{}) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return port;
}

}  // namespace

Result<std::optional<std::string>> read_sysctl(const std::string& name) {
  const std::string path = full_path(name);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return fail_errno(errno, "open " + path);
  }
  std::array<char, 256> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) {
    return fail_errno(errno, "read " + path);
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return std::string(text);
}

Result<void> set_sysctl(const std::string& name, const std::string& value) {
  const auto current = read_sysctl(name);
  if (!current) {
    return fail(current.error());
  }
  if (!current->has_value() || **current == value) {
    return {};
  }
  const std::string path = full_path(name);
  const std::string operation = "set " + path + " from " + **current + " to " + value;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == EROFS) {
      return fail(ErrorKind::Unavailable,
                  operation +
                      ": /proc/sys is read-only here; mount it writable for vtepd or set "
                      "the value from outside");
    }
    return fail_errno(errno, operation);
  }
  if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return fail_errno(errno, operation);
  }
  return {};
}

std::string interface_sysctl(const std::string& family, const std::string& ifname,
                             const std::string& key) {
  return family + "/conf/" + ifname + "/" + key;
}

Result<std::pair<std::uint16_t, std::uint16_t>> local_port_range() {
  const std::string name = "ipv4/ip_local_port_range";
  const auto text = read_sysctl(name);
  if (!text) {
    return fail(text.error());
  }
  if (!text->has_value()) {
    return fail(ErrorKind::NotFound, full_path(name) + " is not there; is /proc mounted?");
  }
  std::string_view rest = **text;
  const auto low = take_port(rest);
  const auto high = take_port(rest);
  if (!low || !high) {
    return fail(ErrorKind::Internal, full_path(name) + " holds '" + **text + "', not two ports");
  }
  return std::pair{*low, *high};
}

}  // namespace vtepd::netlink
