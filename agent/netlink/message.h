// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "core/types.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

struct nl_msg;
struct nlattr;

namespace vtepd::netlink {

using Bytes = std::span<const std::uint8_t>;

// An address as the kernel has it: 4 bytes or 16, in wire order. A view into `address`.
[[nodiscard]] Bytes to_wire(const IpAddress& address);
// Nothing if it has neither length.
[[nodiscard]] std::optional<IpAddress> from_wire(Bytes wire);

// A request under construction. Running out of room is remembered and reported when it is sent, so
// that the calls can be chained.
class Message {
 public:
  Message(std::uint16_t type, int flags);

  // A fixed structure (ifinfomsg, rtmsg, …) where the kernel expects one.
  template <typename Header>
  Message& header(const Header& value) {
    return append(&value, sizeof value);
  }

  Message& put(int attribute, const void* data, std::size_t size);

  Message& put_bytes(int attribute, Bytes data) { return put(attribute, data.data(), data.size()); }

  Message& put_u8(int attribute, std::uint8_t value) {
    return put(attribute, &value, sizeof value);
  }

  Message& put_u16(int attribute, std::uint16_t value) {
    return put(attribute, &value, sizeof value);
  }

  Message& put_u32(int attribute, std::uint32_t value) {
    return put(attribute, &value, sizeof value);
  }

  Message& put_string(int attribute, const std::string& value) {
    return put(attribute, value.c_str(), value.size() + 1);
  }

  // An attribute that holds what `fill` puts into the message.
  template <typename Fill>
  Message& nest(int attribute, Fill fill) {
    nlattr* start = nest_start(attribute);
    fill(*this);
    nest_end(start);
    return *this;
  }

  [[nodiscard]] bool complete() const { return complete_; }

  [[nodiscard]] nl_msg* raw() { return message_.get(); }

 private:
  struct Free {
    void operator()(nl_msg* message) const;
  };

  Message& append(const void* data, std::size_t size);
  nlattr* nest_start(int attribute);
  void nest_end(nlattr* start);

  std::unique_ptr<nl_msg, Free> message_;
  bool complete_ = true;
};

// Attributes received; a view into the receive buffer. One that is missing or too short reads as
// absent.
class Attributes {
 public:
  Attributes() = default;

  explicit Attributes(Bytes data) : data_(data) {}

  [[nodiscard]] bool has(int attribute) const { return find(attribute) != nullptr; }

  [[nodiscard]] Bytes bytes(int attribute) const;

  [[nodiscard]] std::optional<std::uint8_t> u8(int attribute) const {
    return number<std::uint8_t>(attribute);
  }

  [[nodiscard]] std::optional<std::uint16_t> u16(int attribute) const {
    return number<std::uint16_t>(attribute);
  }

  [[nodiscard]] std::optional<std::uint32_t> u32(int attribute) const {
    return number<std::uint32_t>(attribute);
  }

  [[nodiscard]] std::string string(int attribute) const;

  [[nodiscard]] Attributes nested(int attribute) const { return Attributes(bytes(attribute)); }

  // Calls `visit(type, payload)` for each.
  template <typename Visit>
  void each(Visit visit) const {
    for (Cursor at = first(); at.attribute != nullptr; at = next(at)) {
      visit(type_of(at.attribute), payload_of(at.attribute));
    }
  }

 private:
  struct Cursor {
    const nlattr* attribute = nullptr;
    int remaining = 0;
  };

  template <typename Number>
  [[nodiscard]] std::optional<Number> number(int attribute) const {
    const Bytes payload = bytes(attribute);
    if (payload.size() < sizeof(Number)) {
      return std::nullopt;
    }
    Number value{};
    std::memcpy(&value, payload.data(), sizeof value);
    return value;
  }

  [[nodiscard]] const nlattr* find(int attribute) const;
  [[nodiscard]] Cursor first() const;
  [[nodiscard]] static Cursor next(Cursor at);
  [[nodiscard]] static int type_of(const nlattr* attribute);
  [[nodiscard]] static Bytes payload_of(const nlattr* attribute);

  Bytes data_;
};

// One message received; a view into the receive buffer.
struct Reply {
  std::uint16_t type = 0;
  Bytes payload;

  // The fixed structure in front and the attributes behind it; nothing if it is too short.
  template <typename Header>
  [[nodiscard]] std::optional<std::pair<Header, Attributes>> split() const {
    constexpr std::size_t kAligned = (sizeof(Header) + 3U) & ~std::size_t{3};
    if (payload.size() < sizeof(Header)) {
      return std::nullopt;
    }
    Header value{};
    std::memcpy(&value, payload.data(), sizeof value);
    const std::size_t offset = payload.size() < kAligned ? payload.size() : kAligned;
    return std::pair{value, Attributes(payload.subspan(offset))};
  }
};

}  // namespace vtepd::netlink
