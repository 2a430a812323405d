// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/arguments.h"

#include "config/config.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <system_error>

namespace vtepd::ctl {

namespace {

using Mistake = std::optional<std::string>;

template <typename T, typename Parse>
Mistake into(const char* option, const std::string& text, Parse parse, T& target) {
  const auto value = parse(text);
  if (!value) {
    return std::string(option) + ": " + value.error().what;
  }
  target = *value;
  return std::nullopt;
}

template <typename T, typename Parse>
Mistake into_list(const char* option, const std::vector<std::string>& texts, Parse parse,
                  std::vector<T>& target) {
  for (const auto& text : texts) {
    if (auto mistake = into(option, text, parse, target.emplace_back())) {
      return mistake;
    }
  }
  return std::nullopt;
}

Result<std::uint32_t> parse_number(const std::string& text, std::uint32_t highest) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || value > highest) {
    return fail(ErrorKind::Invalid,
                "'" + text + "' is no whole number in 0 ... " + std::to_string(highest));
  }
  return value;
}

// A name is one of `ip netns`. The daemon opens the path, so it must mean the same to it.
Result<std::string> parse_netns(const std::string& text) {
  if (text.empty() || text == "." || text == "..") {
    return fail(ErrorKind::Invalid, "'" + text + "' is no namespace");
  }
  if (text.find('/') == std::string::npos) {
    return "/run/netns/" + text;
  }
  std::error_code code;
  auto path = std::filesystem::absolute(text, code).lexically_normal().string();
  if (path.rfind("/proc/self/", 0) == 0 || path.rfind("/proc/thread-self/", 0) == 0) {
    return fail(ErrorKind::Invalid,
                "'" + text + "' would be the daemon's own; name the process: /proc/PID/ns/net");
  }
  return path;
}

Mistake convert_create(const Arguments& arguments, NetworkSpec& spec) {
  if (auto mistake = into_list("--subnet", arguments.subnets, IpPrefix::parse, spec.subnets)) {
    return mistake;
  }
  const auto four = std::count_if(spec.subnets.begin(), spec.subnets.end(),
                                  [](const IpPrefix& subnet) { return subnet.is_v4(); });
  if (four != 1 || spec.subnets.size() > 2) {
    return "--subnet: a network has one IPv4 subnet and at most one IPv6 subnet";
  }
  const auto vni = [](const std::string& text) -> Result<Vni> {
    const auto number = parse_number(text, Vni::kMax);
    return number ? Vni::create(*number) : fail(number.error());
  };
  if (!arguments.vni.empty()) {
    if (auto mistake = into("--vni", arguments.vni, vni, spec.vni)) {
      return mistake;
    }
  }
  const auto mtu = [](const std::string& text) { return parse_number(text, 65485); };
  return arguments.mtu.empty() ? std::nullopt
                               : into("--mtu", arguments.mtu, mtu, spec.container_mtu);
}

Mistake convert_attach(const Arguments& arguments, AttachRequest& request) {
  if (auto mistake = into("--netns", arguments.netns, parse_netns, request.netns_path)) {
    return mistake;
  }
  for (const auto& text : arguments.addresses) {
    IpAddress address;
    if (auto mistake = into("--ip", text, IpAddress::parse, address)) {
      return mistake;
    }
    auto& slot = address.is_v4() ? request.address4 : request.address6;
    if (slot) {
      return "--ip: one address of each family, not both " + slot->to_string() + " and " + text;
    }
    slot = address;
  }
  if (!arguments.mac.empty()) {
    if (auto mistake = into("--mac", arguments.mac, MacAddress::parse_unicast, request.mac)) {
      return mistake;
    }
  }
  const auto seconds = [](const std::string& text) -> Result<std::chrono::seconds> {
    const auto number = parse_number(text, 3600);
    return number ? Result<std::chrono::seconds>(*number) : fail(number.error());
  };
  if (!arguments.wait.empty()) {
    if (auto mistake = into("--wait", arguments.wait, seconds, request.wait)) {
      return mistake;
    }
  }
  request.source_check = !arguments.no_source_check;
  if (auto mistake = into_list("--allow-address", arguments.allowed_addresses, IpPrefix::parse,
                               request.allowed_addresses)) {
    return mistake;
  }
  return into_list("--allow-mac", arguments.allowed_macs, MacAddress::parse_unicast,
                   request.allowed_macs);
}

Mistake convert_detach(const Arguments& arguments, DetachRequest& request) {
  if (arguments.netns.empty()) {
    request.endpoint = arguments.target;
    return request.ifname.empty() ? std::nullopt : Mistake("--ifname needs --netns");
  }
  request.network = arguments.target;
  return into("--netns", arguments.netns, parse_netns, request.netns_path);
}

Mistake convert_address(const Arguments& arguments, AddressRequest& request) {
  if (auto mistake = into("IP", arguments.address, IpAddress::parse, request.address)) {
    return mistake;
  }
  return arguments.mac.empty()
             ? std::nullopt
             : into("--mac", arguments.mac, MacAddress::parse_unicast, request.mac);
}

}  // namespace

std::optional<std::string> convert(const Arguments& arguments, Command& command) {
  if (!is_instance_name(command.instance)) {
    return "--instance: '" + command.instance + "' is not 1 to 32 of a-z, 0-9 and '-'";
  }
  switch (command.action) {
    case Action::NetworkCreate:
      return convert_create(arguments, command.create);
    case Action::Attach:
      return convert_attach(arguments, command.attach);
    case Action::Detach:
      return convert_detach(arguments, command.detach);
    case Action::AddressAdd:
    case Action::AddressDelete:
      return convert_address(arguments, command.address);
    case Action::Repair:
      return arguments.host.empty()
                 ? std::nullopt
                 : into("--host", arguments.host, IpAddress::parse, command.repair.host);
    default:
      return std::nullopt;
  }
}

}  // namespace vtepd::ctl
