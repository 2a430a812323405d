// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/views.h"
#include "ports/control.h"

#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// The JSON documents of the API, docs/api.md: objects with "schema": 1. Both directions, for the
// daemon and for vtepctl. T is one of
//   NetworkView, EndpointView, StatusView, AttachReply, Error,
//   std::vector of NetworkView, EndpointView, FdbView, NeighbourView, VtepView, DropView,
//   DifferenceView,
//   NetworkSpec, AttachRequest, DetachRequest, AddressRequest, RepairRequest; RepairReply.
// Rows are put in order: by network, VNI and then MAC, address or reason.
template <typename T>
std::string to_json(const T& value);

// Invalid, naming field and value, if the document is wrong. Requests with fields unknown here are
// refused; answers may have more fields, and lack some, as another version would send them.
template <typename T>
Result<T> from_json(std::string_view document);

// The document over several lines, for people.
Result<std::string> indented_json(std::string_view document);

}  // namespace vtepd
