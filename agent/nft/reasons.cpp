// SPDX-License-Identifier: GPL-2.0-only
#include "vtepd/reasons.h"

#include "nft/rules.h"

#include <array>

namespace vtepd::nft {

namespace {

#define VTEP_REASON_NAME(name, kind, text, hint) #name,
constexpr std::array<std::string_view, VTEP_REASON_MAX> kNames{VTEP_REASONS(VTEP_REASON_NAME)};
#undef VTEP_REASON_NAME

}  // namespace

std::string counter_name(std::uint32_t reason) {
  std::string name;
  for (const char letter : kNames.at(reason)) {
    name += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return name;
}

std::optional<Counted> counted_by(std::string_view set) {
  constexpr std::string_view kNoVni = "_0";
  const bool of_vni = !set.ends_with(kNoVni);
  if (!of_vni) {
    set.remove_suffix(kNoVni.size());
  }
  for (std::uint32_t reason = 0; reason < VTEP_REASON_MAX; ++reason) {
    if (counter_name(reason) == set) {
      return Counted{reason, of_vni};
    }
  }
  return std::nullopt;
}

}  // namespace vtepd::nft
