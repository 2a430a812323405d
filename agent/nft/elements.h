// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "ports/frame_filter.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace vtepd::nft {

// An element of a set or map as nft writes it: "vtep12ab34cd . 0x242ac110002". Numbers are
// hexadecimal without leading zeros, names have no quotes.
struct ElementKey {
  std::string set;
  std::string key;
  auto operator<=>(const ElementKey&) const = default;
};

// By their keys; the value of an element of a map, empty in a set.
using Elements = std::map<ElementKey, std::string>;

// How a port is checked, in the bits of its element that stand above the VNI's.
enum class PortKind : std::uint8_t { Checked4 = 1, Checked6, Open4, Open6 };

// What a port is in the bridge table's sets. Prefixes are stored as networks.
Elements port_elements(const std::string& name, const FilterPort& port);
// Those of `elements` that are about the port.
Elements port_part(const Elements& elements, const std::string& name);
// The name of the VNI's vxlan device in the bridge table's map.
std::pair<ElementKey, std::string> wire_element(Vni vni);

ElementKey vni_element(Vni vni);
ElementKey member_element(const MemberKey& member);

// What the elements of the two tables say. An element that says nothing is left out.
FilterState state_of(const Elements& bridge, const Elements& underlay);

// An interface name that nft takes for nothing else.
[[nodiscard]] bool is_port_name(std::string_view name);

}  // namespace vtepd::nft
