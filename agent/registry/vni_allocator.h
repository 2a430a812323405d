// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "ports/kv_store.h"
#include "registry/keys.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vtepd::registry {

// VNI 256 is ordinal 0 of idm/vxlan-id; smaller ones have no bit. The last one is the idle
// device's, see the data path.
inline constexpr std::uint32_t kFirstVni = 256;
inline constexpr std::uint32_t kReservedVni = 16777215;

// VNI → network, by the overlay/network/ keys of all networks but `except`; those that do not parse
// are left out.
Result<std::map<std::uint32_t, std::string>> vni_holders(KvStore& store, const Keys& keys,
                                                         std::string_view except = {});

// Takes the wanted VNI or the lowest free one. Conflict names the network that holds it. A wanted
// VNI below 256 is only looked for in the networks: look again after having written yours.
Result<Vni> take_vni(KvStore& store, const Keys& keys, const std::optional<Vni>& wanted);

Result<void> release_vni(KvStore& store, const Keys& keys, Vni vni);

// "'demo' (0123456789ab)", for messages.
std::string shown_network(KvStore& store, const Keys& keys, const std::string& id);

}  // namespace vtepd::registry
