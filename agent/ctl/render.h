// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/views.h"
#include "ports/control.h"

#include <string>
#include <vector>

namespace vtepd::ctl {

// What a person reads.
[[nodiscard]] std::string render(const std::vector<NetworkView>& rows);
[[nodiscard]] std::string render(const std::vector<EndpointView>& rows);
// With the reason instead of the interface.
[[nodiscard]] std::string render_stale(const std::vector<EndpointView>& rows);
[[nodiscard]] std::string render(const std::vector<FdbView>& rows);
[[nodiscard]] std::string render(const std::vector<NeighbourView>& rows);
[[nodiscard]] std::string render(const std::vector<VtepView>& rows);
[[nodiscard]] std::string render(const std::vector<DropView>& rows);
[[nodiscard]] std::string render(const std::vector<DifferenceView>& rows);
[[nodiscard]] std::string render(const RepairReply& reply);
[[nodiscard]] std::string render(const StatusView& status);
[[nodiscard]] std::string render(const NetworkView& network);
[[nodiscard]] std::string render(const AttachReply& reply);

// "1d 2h 3m 4s", without leading zeros.
[[nodiscard]] std::string duration(std::uint64_t seconds);

}  // namespace vtepd::ctl
