// SPDX-License-Identifier: GPL-2.0-only
#include "netlink/message.h"

#include <algorithm>

#include <arpa/inet.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

namespace vtepd::netlink {

Bytes to_wire(const IpAddress& address) {
  const Bytes all(address.bytes);
  return address.is_v4() ? all.subspan(12) : all;
}

std::optional<IpAddress> from_wire(Bytes wire) {
  if (wire.size() == 4) {
    std::uint32_t number = 0;
    std::memcpy(&number, wire.data(), sizeof number);
    return IpAddress::v4(ntohl(number));
  }
  if (wire.size() == 16) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(wire.begin(), wire.end(), bytes.begin());
    return IpAddress::v6(bytes);
  }
  return std::nullopt;
}

void Message::Free::operator()(nl_msg* message) const {
  nlmsg_free(message);
}

Message::Message(std::uint16_t type, int flags)
    : message_(nlmsg_alloc_simple(type, flags)), complete_(message_ != nullptr) {}

Message& Message::append(const void* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libnl only reads it
  complete_ = complete_ && nlmsg_append(raw(), const_cast<void*>(data), size, NLMSG_ALIGNTO) == 0;
  return *this;
}

Message& Message::put(int attribute, const void* data, std::size_t size) {
  complete_ = complete_ && nla_put(raw(), attribute, static_cast<int>(size), data) == 0;
  return *this;
}

nlattr* Message::nest_start(int attribute) {
  nlattr* start = complete_ ? nla_nest_start(raw(), attribute) : nullptr;
  complete_ = start != nullptr;
  return start;
}

void Message::nest_end(nlattr* start) {
  if (start == nullptr || !complete_) {
    return;
  }
  // An empty nest means something ("none", "all defaults"), so it must not be trimmed.
  nla_nest_end_keep_empty(raw(), start);
}

const nlattr* Attributes::find(int attribute) const {
  if (data_.size() < sizeof(nlattr)) {
    return nullptr;
  }
  return nla_find(reinterpret_cast<const nlattr*>(data_.data()), static_cast<int>(data_.size()),
                  attribute);
}

Bytes Attributes::bytes(int attribute) const {
  const nlattr* found = find(attribute);
  return found == nullptr ? Bytes() : payload_of(found);
}

std::string Attributes::string(int attribute) const {
  const Bytes payload = bytes(attribute);
  return {payload.begin(), std::find(payload.begin(), payload.end(), std::uint8_t{0})};
}

Attributes::Cursor Attributes::first() const {
  Cursor at{reinterpret_cast<const nlattr*>(data_.data()), static_cast<int>(data_.size())};
  if (data_.empty() || nla_ok(at.attribute, at.remaining) == 0) {
    at.attribute = nullptr;
  }
  return at;
}

Attributes::Cursor Attributes::next(Cursor at) {
  at.attribute = nla_next(at.attribute, &at.remaining);
  if (nla_ok(at.attribute, at.remaining) == 0) {
    at.attribute = nullptr;
  }
  return at;
}

int Attributes::type_of(const nlattr* attribute) {
  return nla_type(attribute);
}

Bytes Attributes::payload_of(const nlattr* attribute) {
  return {static_cast<const std::uint8_t*>(nla_data(attribute)),
          static_cast<std::size_t>(nla_len(attribute))};
}

}  // namespace vtepd::netlink
