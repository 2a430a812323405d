// SPDX-License-Identifier: GPL-2.0-only
#include "nft/elements.h"

#include "nft/numbers.h"

#include <algorithm>
#include <array>
#include <optional>

namespace vtepd::nft {

namespace {

constexpr std::string_view kJoint = " . ";
constexpr std::uint8_t kBits4 = 32;
constexpr std::uint8_t kBits6 = 128;
// Every set of the bridge table whose elements begin with a port's name.
constexpr std::array kPortSets{"addrs4", "addrs6", "covered4", "covered6",
                               "macs",   "nets4",  "nets6",    "ports"};

std::string join(std::string_view first, std::string_view second) {
  return std::string(first).append(kJoint).append(second);
}

std::string text_of(const IpAddress& address) {
  return address.is_v4() ? address.to_string() : hex(address.bytes);
}

IpAddress last_of(const IpPrefix& network) {
  IpAddress last = network.address;
  for (unsigned bit = network.length; bit < kBits6; ++bit) {
    last.bytes.at(bit / 8) = static_cast<std::uint8_t>(last.bytes.at(bit / 8) | 0x80U >> bit % 8);
  }
  return last;
}

std::string text_of(const IpPrefix& network) {
  return network.is_v4() ? network.to_string()
                         : hex(network.address.bytes) + "-" + hex(last_of(network).bytes);
}

bool is_single(const IpPrefix& prefix) {
  return prefix.length == (prefix.is_v4() ? kBits4 : kBits6);
}

// The kernel refuses elements that overlap: a network within another one is kept beside.
void add_networks(Elements& elements, const std::string& name, std::vector<IpPrefix> networks) {
  std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) {
    return std::pair(a.length, a.address) < std::pair(b.length, b.address);
  });
  std::vector<IpPrefix> widest;
  for (const auto& network : networks) {
    const std::string family = network.is_v4() ? "4" : "6";
    const bool covered = std::any_of(widest.begin(), widest.end(), [&](const auto& wide) {
      return wide.contains(network.address);
    });
    if (covered) {
      elements[{"covered" + family,
                join(join(name, text_of(network.address)), hex(network.length))}] = "";
    } else {
      elements[{"nets" + family, join(name, text_of(network))}] = "";
      widest.push_back(network);
    }
  }
}

std::optional<IpAddress> parse_address(std::string_view text) {
  IpAddress address;
  if (parse_hex(text, address.bytes)) {
    return address;
  }
  const auto parsed = IpAddress::parse(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// A length of an IPv6 network, from its first and last address; nothing if it is none.
std::optional<IpPrefix> network_between(const IpAddress& first, const IpAddress& last) {
  std::uint8_t length = 0;
  while (length < kBits6 &&
         ((first.bytes.at(length / 8U) ^ last.bytes.at(length / 8U)) & 0x80U >> length % 8U) == 0) {
    ++length;
  }
  const IpPrefix network{first, length};
  return network.network().address == first && last_of(network) == last ? std::optional(network)
                                                                        : std::nullopt;
}

std::optional<IpPrefix> parse_network(std::string_view text) {
  if (text.find('/') != std::string_view::npos) {
    const auto parsed = IpPrefix::parse(text);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto first = parse_address(text.substr(0, dash));
  const auto last = parse_address(text.substr(dash + 1));
  return first && last ? network_between(*first, *last) : std::nullopt;
}

void add_address(FilterPort& port, std::string_view set, std::string_view text) {
  std::optional<IpPrefix> prefix;
  if (set.starts_with("nets")) {
    prefix = parse_network(text);
  } else if (set.starts_with("covered")) {
    const auto joint = text.find(kJoint);
    const auto address = parse_address(text.substr(0, joint));
    const auto length = joint == std::string_view::npos
                            ? std::nullopt
                            : parse_hex_number<std::uint8_t>(text.substr(joint + kJoint.size()));
    if (address && length) {
      prefix = IpPrefix{*address, *length};
    }
  } else if (const auto address = parse_address(text)) {
    prefix = IpPrefix{*address, address->is_v4() ? kBits4 : kBits6};
  }
  if (prefix) {
    port.addresses.insert(*prefix);
  }
}

constexpr unsigned kKindShift = 24;

std::string port_value(const FilterPort& port) {
  const auto kind = port.checked ? (port.ipv6 ? PortKind::Checked6 : PortKind::Checked4)
                                 : (port.ipv6 ? PortKind::Open6 : PortKind::Open4);
  return hex(static_cast<std::uint32_t>(kind) << kKindShift | port.vni.value);
}

void read_port_value(FilterPort& port, std::string_view value) {
  const auto number = parse_hex_number<std::uint32_t>(value).value_or(0);
  const auto kind = static_cast<PortKind>(number >> kKindShift);
  port.vni.value = number & Vni::kMax;
  port.checked = kind != PortKind::Open4 && kind != PortKind::Open6;
  port.ipv6 = kind == PortKind::Checked6 || kind == PortKind::Open6;
}

// Without the element of `ports`, which makes it send anything, the VNI stays 0.
void add_to_port(FilterPort& port, const ElementKey& element, std::string_view rest,
                 const std::string& value) {
  if (element.set == "ports") {
    read_port_value(port, value);
  } else if (element.set == "macs") {
    MacAddress mac;
    if (parse_hex(rest, mac.bytes)) {
      port.macs.insert(mac);
    }
  } else {
    add_address(port, element.set, rest);
  }
}

bool has(const Elements& elements, const std::pair<ElementKey, std::string>& element) {
  const auto at = elements.find(element.first);
  return at != elements.end() && at->second == element.second;
}

bool is_port_set(const std::string& set) {
  return std::find(kPortSets.begin(), kPortSets.end(), set) != kPortSets.end();
}

}  // namespace

bool is_port_name(std::string_view name) {
  constexpr std::size_t kMax = 15;  // IFNAMSIZ - 1
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMax && std::all_of(name.begin(), name.end(), fits) &&
         !name.starts_with("vx");
}

Elements port_elements(const std::string& name, const FilterPort& port) {
  Elements elements;
  elements[{"ports", name}] = port_value(port);
  for (const auto& mac : port.macs) {
    elements[{"macs", join(name, hex(mac.bytes))}] = "";
  }
  std::vector<IpPrefix> networks;
  for (const auto& prefix : port.addresses) {
    if (is_single(prefix)) {
      elements[{prefix.is_v4() ? "addrs4" : "addrs6", join(name, text_of(prefix.address))}] = "";
    } else {
      networks.push_back(prefix.network());
    }
  }
  add_networks(elements, name, std::move(networks));
  return elements;
}

Elements port_part(const Elements& elements, const std::string& name) {
  Elements part;
  const std::string prefix = name + std::string(kJoint);
  for (const auto* set : kPortSets) {
    for (auto at = elements.lower_bound({set, name});
         at != elements.end() && at->first.set == set && at->first.key.starts_with(name); ++at) {
      if (at->first.key == name || at->first.key.starts_with(prefix)) {
        part.insert(*at);
      }
    }
  }
  return part;
}

std::pair<ElementKey, std::string> wire_element(Vni vni) {
  return {{"wire_vni", "vx" + std::to_string(vni.value)}, hex(vni.value)};
}

ElementKey vni_element(Vni vni) {
  return {"vnis", hex(vni.value)};
}

ElementKey member_element(const MemberKey& member) {
  return {"members", join(hex(member.vni.value), member.vtep.to_string())};
}

FilterState state_of(const Elements& bridge, const Elements& underlay) {
  FilterState state;
  for (const auto& [element, value] : bridge) {
    if (is_port_set(element.set)) {
      const auto joint = element.key.find(kJoint);
      const auto rest = joint == std::string::npos
                            ? std::string_view()
                            : std::string_view(element.key).substr(joint + kJoint.size());
      add_to_port(state.ports[element.key.substr(0, joint)], element, rest, value);
    }
  }
  for (const auto& [element, value] : underlay) {
    const auto joint = element.key.find(kJoint);
    const auto number =
        parse_hex_number<std::uint32_t>(std::string_view(element.key).substr(0, joint));
    if (!number) {
      continue;
    }
    if (element.set == "vnis" && has(bridge, wire_element(Vni{*number}))) {
      state.vnis.insert(Vni{*number});
    } else if (element.set == "members" && joint != std::string::npos) {
      if (const auto vtep = IpAddress::parse(element.key.substr(joint + kJoint.size()))) {
        state.members.insert({Vni{*number}, *vtep});
      }
    }
  }
  return state;
}

}  // namespace vtepd::nft
